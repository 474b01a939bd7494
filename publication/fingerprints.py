"""Recipes: a digest of everything that decides about a table of a month, so that nothing is computed twice.

Put here what a table is made from: the program, the policy, the extract, our copies of month
ends, and the tables before it. `monthly` asks whether a table was made from the same before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING

from connectors.policy.folder import policy_files
from connectors.storage.extract_catalog import ExtractRecord
from reports.text import formats
from sales.calendar import Month

if TYPE_CHECKING:
    from publication.month_inputs import Books

PROJECT = Path(__file__).resolve().parent.parent
ROOMS = ("sales", "connectors", "reports", "publication", "assets")
# Libraries that decide about a number or a page.
LIBRARIES = (
    "arabic-reshaper",
    "babel",
    "deltalake",
    "fonttools",
    "holidays",
    "jinja2",
    "numpy",
    "pandas",
    "pillow",
    "pyarrow",
    "pypdfium2",
    "python-bidi",
    "scipy",
    "tzdata",
    "weasyprint",
    "xlsxwriter",
)
# What a policy says of pages and of sending moves no number.
OF_PAGES = {"brand", "delivery"}


@lru_cache(maxsize=1)
def program() -> str:
    """Return a digest of the program: its own code, the fonts, and the libraries that decide about a number or a page."""
    whole = hashlib.sha256(" ".join(f"{name} {version(name)}" for name in LIBRARIES).encode())
    for room in ROOMS:
        for path in sorted((PROJECT / room).rglob("*")):
            if path.suffix in {".py", ".html", ".css", ".po", ".conf"}:
                whole.update(
                    path.relative_to(PROJECT).as_posix().encode()
                    + b"\0"
                    + path.read_bytes()
                    + b"\0"
                )
    for path in sorted(formats.FONTS.glob("*.ttf")):
        whole.update(path.name.encode() + b"\0" + hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()[:32]


@dataclass(frozen=True)
class Ingredients:
    """What a table of a month is computed from: other tables of it, and whether the lists of the policy folder."""

    tables: tuple[str, ...]
    reads_targets: bool


# Filled where monthly tables are declared.
INGREDIENTS: dict[str, Ingredients] = {}


@dataclass
class Recipes:
    """The recipes of the months that a process computes."""

    books: Books
    _copies: dict[Month, list[tuple[str, str]]] = field(default_factory=dict)

    def of_table(self, month: Month, name: str) -> str:
        """Return the recipe of a table of a month; what reads no targets does not depend on the lists of the policy folder."""
        made_of = INGREDIENTS[name]
        return _digest(
            [
                *self._of_month(month),
                self._lists if made_of.reads_targets else [],
                self._of_tables(month, made_of.tables),
            ]
        )

    def are_current(self, month: Month) -> bool:
        """Return whether every table of a month, as it was last written, was made from what would be used now."""
        written = {name: self.books.tables.written(name, month) for name in INGREDIENTS}
        return all(
            each is not None and each.recipe == self.of_table(month, name)
            for name, each in written.items()
        )

    def of_month(self, month: Month, record: ExtractRecord | None = None) -> str:
        """Return the recipe of a whole month from an extract, else its chosen one: nothing else decides about tables and documents."""
        return _digest([self.every_file, *self._of_month(month, record)])

    def _of_month(self, month: Month, record: ExtractRecord | None = None) -> list[object]:
        used = record or self.books.record(month)
        return [
            program(),
            str(month),
            used.extract_id,
            used.source,
            self._rules,
            self._copies_up_to(month),
        ]

    def _copies_up_to(self, month: Month) -> list[tuple[str, str]]:
        """Return our own copies of month ends that a run of a month may look back on."""
        if month not in self._copies:
            there = (
                (each, self.books.copy_of(each))
                for each in self.books.extracts.copied_months()
                if each <= month
            )
            self._copies[month] = [
                (str(each), copy.extract_id) for each, copy in there if copy is not None
            ]
        return self._copies[month]

    def _of_tables(self, month: Month, names: Iterable[str]) -> list[tuple[str, str]]:
        found = ((name, self.books.tables.written(name, month)) for name in sorted(names))
        return [(name, record.digest if record else "") for name, record in found]

    @cached_property
    def _rules(self) -> list[tuple[int, str]]:
        """What the policies say of numbers: as this process read them."""
        return [
            (year, policy.model_dump_json(exclude=OF_PAGES))
            for year, policy in sorted(self.books.policies.policies.items())
        ]

    @cached_property
    def _lists(self) -> list[tuple[str, str]]:
        return [each for each in self.every_file if not each[0].endswith(".toml")]

    @cached_property
    def every_file(self) -> list[tuple[str, str]]:
        """Every file of the policy folder with its digest: taken before any of them is read for a table."""
        return policy_files(self.books.policy_folder)


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
