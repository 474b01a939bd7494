"""Lines of the CSV files in the policy folder: their columns as typed rows, and how to complain about them.

Put reading of such files here, and the kinds of cells; which columns a file has is said by the rows of
`annual_targets` and `plan_files`.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated, Generic, TypeVar

import pandas as pd
from pydantic import BaseModel, BeforeValidator, ConfigDict, ValidationError

from connectors.policy.folder import read_text
from sales.calendar import Month, UnknownMonth
from sales.errors import UserError

MOST_DECIMALS = 10
LARGEST_AMOUNT = Decimal(10) ** 15
EARLIEST_YEAR, LATEST_YEAR = 1900, 9998


class InvalidPolicyTable(UserError, ValueError):
    """A CSV file of the policy folder cannot be used."""


class PolicyRow(BaseModel):
    """The cells of a line; a column without a default must be in the file, and an empty cell takes the default."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)


_Row = TypeVar("_Row", bound=PolicyRow)


def _whole(smallest: int, largest: int) -> BeforeValidator:
    """Return the reading of a whole number within bounds."""

    def read(text: object) -> int:
        cell = str(text)
        if not (cell.isascii() and cell.isdigit() and smallest <= int(cell) <= largest):
            raise ValueError(f" {cell[:40]!r} is not a whole number from {smallest} to {largest}")
        return int(cell)

    return BeforeValidator(read)


def _day(text: object) -> date:
    try:
        return date.fromisoformat(str(text))
    except ValueError:
        raise ValueError(f" {str(text)[:40]!r} is not a date; write it as 2026-09-30") from None


def _month(text: object) -> Month:
    try:
        return Month.parse(str(text))
    except UnknownMonth as unknown:
        raise ValueError(f": {unknown}") from None


def _amount(text: object) -> Decimal:
    """Return an amount that is not below zero."""
    cell = str(text)
    try:
        amount = Decimal(cell)
    except InvalidOperation:
        amount = Decimal("NaN")
    if amount.is_nan():
        raise ValueError(f" {cell[:40]!r} is not an amount; write it as 1234.50")
    if not amount.is_finite() or amount > LARGEST_AMOUNT:
        raise ValueError(f" {cell[:40]!r} is too large for an amount; correct it")
    if amount < 0:
        raise ValueError(f" {cell[:40]!r} is below zero; write 0 or more")
    if -int(amount.as_tuple().exponent) > MOST_DECIMALS:
        raise ValueError(f" {cell[:40]!r} has more than {MOST_DECIMALS} decimals")
    return amount


FiscalYear = Annotated[int, _whole(EARLIEST_YEAR, LATEST_YEAR)]
Revision = Annotated[int, _whole(1, 1_000_000)]
Day = Annotated[date, BeforeValidator(_day)]
MonthName = Annotated[Month, BeforeValidator(_month)]
Amount = Annotated[Decimal, BeforeValidator(_amount)]


@dataclass(frozen=True)
class PolicyLine(Generic[_Row]):
    """A line of a file as a row, and how to complain about it."""

    file_name: str
    number: int
    row: _Row
    kind: type[InvalidPolicyTable]

    def fault(self, what: str) -> InvalidPolicyTable:
        """Return an error that names file and line."""
        return self.kind(f"{self.file_name} line {self.number}: {what}")


def lines_of(
    path: Path, row: type[_Row], kind: type[InvalidPolicyTable] = InvalidPolicyTable
) -> Iterator[PolicyLine[_Row]]:
    """Yield the lines of a file that are not empty; raises `kind`, naming file, line and cure."""
    reader = csv.DictReader(io.StringIO(read_text(path)), restkey="")
    header = list(row.model_fields)
    named = tuple(reader.fieldnames or ())
    for name in (name for name, field in row.model_fields.items() if field.is_required()):
        if name not in named:
            raise kind(
                f"{path.name} has no column {name!r}; the first line names the columns: {', '.join(header)}"
            )
    for name in named:
        if name not in header:
            raise kind(
                f"{path.name} has an unknown column {name[:40]!r}; known are: {', '.join(header)}"
            )
    for cells in _rows(reader, path.name, kind):
        place = f"{path.name} line {reader.line_num}"
        if "" in cells:
            raise kind(f"{place}: has more cells than the header")
        if any((text or "").strip() for text in cells.values()):
            yield PolicyLine(path.name, reader.line_num, _row_of(cells, row, place, kind), kind)


def _row_of(
    cells: dict[str, str], row: type[_Row], place: str, kind: type[InvalidPolicyTable]
) -> _Row:
    stripped = {name: (text or "").strip() for name, text in cells.items()}
    fields = row.model_fields
    known = {name: text for name, text in stripped.items() if text or fields[name].is_required()}
    try:
        return row.model_validate(known)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        said = str(first.get("ctx", {}).get("error", first["msg"]))
        raise kind(f"{place}: {first['loc'][0]}{said}") from None


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

    def find(self, name: str, line: PolicyLine[_Row]) -> str:
        """Return the user id of a line's owner."""
        found = self.matches(name)
        if len(found) == 1:
            return found[0]
        if found:
            raise line.fault(
                f"owner {name[:80]!r} is the e-mail of {len(found)} users; use the user name or the user id"
            )
        raise line.fault(
            f"owner {name[:80]!r} is not a user of Salesforce; use a user name, an e-mail or a user id"
        )
