"""Lines of the CSV files in the policy folder: cells, owners, and how to complain about them.

Put reading of such files here; what a line means is `annual_targets` and `plan_files`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path

import pandas as pd

from connectors.policy.folder import read_text
from sales.calendar import Month, UnknownMonth
from sales.errors import UserError

MOST_DECIMALS = 10
LARGEST_AMOUNT = Decimal(10) ** 15
EARLIEST_YEAR, LATEST_YEAR = 1900, 9998


class InvalidPolicyTable(UserError, ValueError):
    """A CSV file of the policy folder cannot be used."""


@dataclass(frozen=True)
class CsvRow:
    """One line of a file, and how to complain about it."""

    file_name: str
    number: int
    cells: dict[str, str]
    kind: type[InvalidPolicyTable]

    def fault(self, what: str) -> InvalidPolicyTable:
        """Return an error that names file and line."""
        return self.kind(f"{self.file_name} line {self.number}: {what}")

    def text(self, name: str) -> str:
        """Return a cell, empty where the column is not there."""
        return self.cells.get(name, "")

    def whole(self, name: str, default: int | None, smallest: int, largest: int) -> int:
        """Return a whole number within bounds."""
        text = self.text(name)
        if not text and default is not None:
            return default
        if not (text.isascii() and text.isdigit() and smallest <= int(text) <= largest):
            raise self.fault(
                f"{name} {text[:40]!r} is no whole number from {smallest} to {largest}"
            )
        return int(text)

    def fiscal_year(self) -> int:
        """Return the number in a fiscal year's name."""
        return self.whole("fiscal_year", None, EARLIEST_YEAR, LATEST_YEAR)

    def day(self, name: str) -> date | None:
        """Return a date, none where the cell is empty."""
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise self.fault(f"{name} {text[:40]!r} is no date; write it as 2026-09-30") from None

    def month(self, name: str) -> Month:
        """Return a month."""
        try:
            return Month.parse(self.text(name))
        except UnknownMonth as unknown:
            raise self.fault(f"{name}: {unknown}") from None

    def amount(self, name: str) -> Decimal:
        """Return an amount that is not below zero."""
        text = self.text(name)
        try:
            amount = Decimal(text)
        except InvalidOperation:
            raise self.fault(f"{name} {text[:40]!r} is no amount; write it as 1234.50") from None
        if not amount.is_finite() or amount > LARGEST_AMOUNT:
            raise self.fault(f"{name} {text[:40]!r} is no amount that can be reached; correct it")
        if amount < 0:
            raise self.fault(f"{name} {text[:40]!r} is below zero; a target is 0 or more")
        if -int(amount.as_tuple().exponent) > MOST_DECIMALS:
            raise self.fault(f"{name} {text[:40]!r} has more than {MOST_DECIMALS} decimals")
        return amount


def lines_of(
    path: Path,
    header: Sequence[str],
    needed: Sequence[str],
    kind: type[InvalidPolicyTable] = InvalidPolicyTable,
) -> Iterator[CsvRow]:
    """Yield the lines of a file that are not empty; raises `kind`, naming file, line and cure."""
    reader = csv.DictReader(io.StringIO(read_text(path)), restkey="")
    named = tuple(reader.fieldnames or ())
    for name in needed:
        if name not in named:
            raise kind(
                f"{path.name} has no column {name!r}; the first line names the columns: {', '.join(header)}"
            )
    for name in named:
        if name not in header:
            raise kind(
                f"{path.name} has an unknown column {name[:40]!r}; known are: {', '.join(header)}"
            )
    for row in _rows(reader, path.name, kind):
        line = CsvRow(
            path.name,
            reader.line_num,
            {name: (value or "").strip() for name, value in row.items() if name},
            kind,
        )
        if "" in row:
            raise line.fault("has more cells than the header")
        if any(line.cells.values()):
            yield line


def _rows(
    reader: csv.DictReader[str], file_name: str, kind: type[InvalidPolicyTable]
) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error as fault:
        raise kind(
            f"{file_name} line {reader.line_num + 1} cannot be read: {fault}; correct the line"
        ) from None


class Owners:
    """Users by id, user name and e-mail."""

    def __init__(self, users: pd.DataFrame) -> None:
        """Index the users."""
        self._found: dict[str, set[str]] = {}
        # An id or a user name is one user; an e-mail may belong to several.
        self._exact: dict[str, str] = {}
        for user_id, username, email in users[["user_id", "username", "email"]].itertuples(
            index=False
        ):
            self._exact[user_id] = user_id
            self._exact[user_id[:15]] = user_id
            if isinstance(username, str):
                self._exact[username.casefold()] = user_id
            if isinstance(email, str):
                self._found.setdefault(email.casefold(), set()).add(user_id)

    def matches(self, name: str) -> list[str]:
        """Return the ids of the users that a user name, e-mail or id may mean."""
        exact = self._exact.get(name) or self._exact.get(name.casefold())
        return [exact] if exact else sorted(self._found.get(name.casefold(), set()))

    def find(self, line: CsvRow) -> str:
        """Return the user id of a line's owner."""
        name = line.text("owner")
        found = self.matches(name)
        if len(found) == 1:
            return found[0]
        if found:
            raise line.fault(
                f"owner {name[:80]!r} is the e-mail of {len(found)} users; use the user name or the user id"
            )
        raise line.fault(
            f"owner {name[:80]!r} is no user of Salesforce; use a user name, an e-mail or a user id"
        )
