"""No figure of a month moves unseen: every column of every table, of two generated firms, beside what it was.

The rest of the tests say what figures must be; this one says that they are what they were. A change
that is meant is written down by `python -m tests.sales.test_figures`, and is told to readers under
Restated.
"""

import json
import math
import re
import zlib
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sales import arrow as columns
from tests.assets.rich_firm import (
    OTHER,
    PLAIN,
    HeldWorkspace,
    month_tables,
    no_reader,
    rich_extract,
    write_policy,
)
from tests.sales.firms import FirmMonth, firm_month

pytestmark = pytest.mark.slow

FILE = Path(__file__).with_name("figures.json")
# Of a column: how many cells have a value, and their sum, each weighted by its place.
Figure = tuple[int, float]
WEIGHTS = 7
OF_ANOTHER_YEAR = (
    '[fiscal]\nstart_month = 4\n[phasing]\nmethod = "seasonal"\nrephase = "rest_of_year"\n'
)


def of_column(column: pa.Array) -> Figure:
    """Return the figure of a column: numbers as they are, everything else by a checksum of its text."""
    cells = column.to_pylist()
    kind = column.type
    is_number = pa.types.is_decimal(kind) or pa.types.is_floating(kind) or pa.types.is_integer(kind)
    values = [
        math.nan
        if each is None
        else float(each)
        if is_number
        else float(zlib.crc32(str(each).encode()) % 9973)
        for each in cells
    ]
    known = np.array(values, np.float64)
    weight = 1 + np.arange(len(known)) % WEIGHTS
    return int(np.isfinite(known).sum()), float(np.nansum(known * weight))


def figures_of(tables: dict[str, pd.DataFrame]) -> dict[str, Figure]:
    """Return the figure of each column by `table.column`."""
    return {
        f"{name}.{column}": of_column(columns.arrow(table[column]))
        for name, table in sorted(tables.items())
        for column in sorted(table.columns)
    }


def all_figures() -> dict[str, dict[str, Figure]]:
    """Return the figures of each firm."""
    found = {
        "simulated": figures_of(firm_month().tables() | {"snapshot": firm_month().snapshot}),
        "another year": figures_of(
            FirmMonth(firm_month().extract, policy=OF_ANOTHER_YEAR).tables()
        ),
    }
    with TemporaryDirectory() as folder:
        for name, policy in (("plain", PLAIN), ("other", OTHER)):
            place = Path(folder) / name
            place.mkdir()
            home = write_policy(place, policy)
            workspace = HeldWorkspace(
                home, home, no_reader, "https://firm.example", held=rich_extract()
            )
            found[name] = figures_of(month_tables(workspace))
    return found


@pytest.fixture(scope="module")
def found() -> dict[str, dict[str, Figure]]:
    """The figures as they are now."""
    return all_figures()


@pytest.mark.parametrize("firm", ["simulated", "another year", "plain", "other"])
def test_every_column_is_as_it_was(found: dict[str, dict[str, Figure]], firm: str) -> None:
    was = json.loads(FILE.read_text(encoding="utf-8"))[firm]
    now = found[firm]
    assert now.keys() == was.keys()
    moved = [
        f"{name}: {was[name]} is now {now[name]}"
        for name in now
        if now[name][0] != was[name][0]
        or not math.isclose(now[name][1], was[name][1], rel_tol=1e-6, abs_tol=1e-4)
    ]
    assert moved == []


if __name__ == "__main__":
    text = json.dumps(all_figures(), indent=1)
    one_line_each = re.sub(r"\[\s+(\S+)\s+(\S+)\s+\]", r"[\1 \2]", text)
    FILE.write_text(one_line_each + "\n", encoding="utf-8")
