"""The target book: `targets.csv` as the raw table of annual targets."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import cast

import pandas as pd
import pyarrow as pa
from babel.core import get_global

from connectors.policy_folder import read_text
from sales import columns
from sales.calendar import UnknownHolidayCalendar, check_holiday_calendar
from sales.fault import Fault
from sales.tables import RawTargets, checked

HEADER = ("fiscal_year", "owner", "annual_target", "currency_code", "start_date", "end_date", "revision",
          "effective_date", "holidays")  # fmt: skip
NEEDED = ("fiscal_year", "owner", "annual_target")
LATEST_YEAR = 9998
MOST_DECIMALS = 10
LARGEST_TARGET = Decimal(10) ** 15


class InvalidTargetBook(Fault, ValueError):
    """A line of the target book cannot be used."""


def read_target_book(path: Path, users: pd.DataFrame) -> pd.DataFrame:
    """Read annual targets and find each owner by user name, e-mail or id.

    Raises `InvalidTargetBook` that names file, line and cure.
    """
    if not path.is_file():
        raise InvalidTargetBook(f"{path} does not exist; write the annual targets there or name another file under [targets] source")
    reader = csv.DictReader(io.StringIO(read_text(path)), restkey="")
    header = tuple(reader.fieldnames or ())
    for name in NEEDED:
        if name not in header:
            raise InvalidTargetBook(f"{path.name} has no column {name!r}; the first line names the columns: {', '.join(HEADER)}")
    for name in header:
        if name not in HEADER:
            raise InvalidTargetBook(f"{path.name} has an unknown column {name[:40]!r}; known are: {', '.join(HEADER)}")
    finder = _Owners(users)
    lines: dict[tuple[int, str, int], dict[str, object]] = {}
    for row in _rows(reader, path.name):
        line = _Line(path.name, reader.line_num, {name: (value or "").strip() for name, value in row.items() if name})
        if "" in row:
            raise line.fault("has more cells than the header")
        if not any(line.cells.values()):
            continue
        target = _target(line, finder)
        key = cast("tuple[int, str, int]", (target["fiscal_year"], target["owner_id"], target["revision"]))
        if key in lines:
            raise line.fault(f"repeats revision {key[2]} of {line.cells['owner'][:60]!r} for {key[0]}; give it the next revision number")
        lines[key] = target
    return _table([lines[key] for key in sorted(lines)])


def _rows(reader: csv.DictReader[str], file_name: str) -> Iterator[dict[str, str]]:
    try:
        yield from reader
    except csv.Error as fault:
        raise InvalidTargetBook(f"{file_name} line {reader.line_num + 1} cannot be read: {fault}; correct the line") from None


class _Line:
    """One line of the file, and how to complain about it."""

    def __init__(self, file_name: str, number: int, cells: dict[str, str]) -> None:
        self.file_name, self.number, self.cells = file_name, number, cells

    def fault(self, what: str) -> InvalidTargetBook:
        return InvalidTargetBook(f"{self.file_name} line {self.number}: {what}")

    def text(self, name: str) -> str:
        return self.cells.get(name, "")

    def whole(self, name: str, default: int | None, smallest: int, largest: int) -> int:
        text = self.text(name)
        if not text and default is not None:
            return default
        if not (text.isascii() and text.isdigit() and smallest <= int(text) <= largest):
            raise self.fault(f"{name} {text[:40]!r} is no whole number from {smallest} to {largest}")
        return int(text)

    def day(self, name: str) -> date | None:
        text = self.text(name)
        try:
            return date.fromisoformat(text) if text else None
        except ValueError:
            raise self.fault(f"{name} {text[:40]!r} is no date; write it as 2026-09-30") from None

    def amount(self, name: str) -> Decimal:
        text = self.text(name)
        try:
            amount = Decimal(text)
        except InvalidOperation:
            raise self.fault(f"{name} {text[:40]!r} is no amount; write it as 1234.50") from None
        if not amount.is_finite() or amount > LARGEST_TARGET:
            raise self.fault(f"{name} {text[:40]!r} is no amount that can be reached; correct it")
        if amount < 0:
            raise self.fault(f"{name} {text[:40]!r} is below zero; a target is 0 or more")
        if -int(amount.as_tuple().exponent) > MOST_DECIMALS:
            raise self.fault(f"{name} {text[:40]!r} has more than {MOST_DECIMALS} decimals")
        return amount


class _Owners:
    """Users by id, user name and e-mail."""

    def __init__(self, users: pd.DataFrame) -> None:
        self._found: dict[str, set[str]] = {}
        # An id or a user name is one user; an e-mail may belong to several.
        self._exact: dict[str, str] = {}
        for user_id, username, email in users[["user_id", "username", "email"]].itertuples(index=False):
            self._exact[user_id] = user_id
            self._exact[user_id[:15]] = user_id
            if isinstance(username, str):
                self._exact[username.casefold()] = user_id
            if isinstance(email, str):
                self._found.setdefault(email.casefold(), set()).add(user_id)

    def find(self, line: _Line) -> str:
        name = line.text("owner")
        exact = self._exact.get(name) or self._exact.get(name.casefold())
        if exact:
            return exact
        by_email = self._found.get(name.casefold(), set())
        if len(by_email) == 1:
            return next(iter(by_email))
        if by_email:
            raise line.fault(f"owner {name[:80]!r} is the e-mail of {len(by_email)} users; use the user name or the user id")
        raise line.fault(f"owner {name[:80]!r} is no user of Salesforce; use a user name, an e-mail or a user id")


def _target(line: _Line, owners: _Owners) -> dict[str, object]:
    start, end = line.day("start_date"), line.day("end_date")
    if start and end and end < start:
        raise line.fault(f"end_date {end} is before start_date {start}; correct one of them")
    code, place = line.text("currency_code"), line.text("holidays")
    if code and code not in get_global("all_currencies"):
        raise line.fault(f"currency_code {code[:20]!r} is no currency; use an ISO code such as EUR, or leave it empty")
    try:
        check_holiday_calendar(place)
    except UnknownHolidayCalendar as unknown:
        raise line.fault(str(unknown)) from None
    return {
        "fiscal_year": line.whole("fiscal_year", None, 1900, LATEST_YEAR),
        "owner_id": owners.find(line),
        "annual_target": line.amount("annual_target"),
        "currency_code": code or None,
        "start_date": start,
        "end_date": end,
        "revision": line.whole("revision", 1, 1, 1_000_000),
        "effective_date": line.day("effective_date"),
        "holidays": place or None,
    }


def _table(lines: list[dict[str, object]]) -> pd.DataFrame:
    kinds = {
        "fiscal_year": pa.int64(), "owner_id": pa.string(), "annual_target": pa.decimal128(38, MOST_DECIMALS),
        "currency_code": pa.string(), "start_date": pa.date32(), "end_date": pa.date32(), "revision": pa.int64(),
        "effective_date": pa.date32(), "holidays": pa.string(),
    }  # fmt: skip
    return checked(columns.frame({name: pa.array([line[name] for line in lines], kind) for name, kind in kinds.items()}), RawTargets)
