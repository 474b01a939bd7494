"""Writes the tables of data-model.md from the contracts; run by `make docs`.

What stands between two marks of the page is made here; the rest is written by hand.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from assets.external import EXTERNAL
from sales.contracts.contract import Contract, descriptions
from sales.contracts.published import MONTHLY, PUBLISHED
from sales.contracts.quality import Restatement
from sales.contracts.raw import RAW

PAGE = Path(__file__).with_name("data-model.md")


def written(page: str) -> str:
    """Return the page with its tables as the contracts say today."""
    between = {name: each for name, each in MONTHLY.items() if name not in PUBLISHED}
    parts = {
        "published tables": _tables(PUBLISHED),
        "tables between": _tables(between | {"restatement": Restatement}),
        "raw tables": _tables(RAW),
        "fields": _fields(),
    }
    for name, text in parts.items():
        mark = re.compile(f"(<!-- {name} -->\n).*?(<!-- end -->)", re.DOTALL)
        page, found = mark.subn(lambda ends, text=text: f"{ends[1]}\n{text}\n\n{ends[2]}", page)
        if found != 1:
            raise LookupError(f"{PAGE.name} has {found} marks for {name}; it needs one")
    return page


def _tables(contracts: Mapping[str, type[Contract]]) -> str:
    return "\n\n".join(_table(name, contract) for name, contract in contracts.items())


def _table(name: str, contract: type[Contract]) -> str:
    key = ", ".join(f"`{each}`" for each in contract.to_schema().unique or [])
    rows = (f"| `{column}` | {meaning} |" for column, meaning in descriptions(contract).items())
    lines = ["| column | meaning |", "|---|---|", *rows]
    return "\n\n".join(
        [f"### {name}", inspect.cleandoc(contract.__doc__ or ""), f"Key: {key}.", "\n".join(lines)]
    )


def _fields() -> str:
    """Return what is read outside, a row for each external asset."""
    rows: Iterable[str] = (
        f"| `{spec.key.to_user_string()}` | "
        + ", ".join(each.name for each in spec.metadata["dagster/column_schema"].columns)
        + " |"
        for spec in EXTERNAL
    )
    return "\n".join(["| asset | fields that are read |", "|---|---|", *rows])


if __name__ == "__main__":
    PAGE.write_text(written(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
