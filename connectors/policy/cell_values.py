"""What a cell of a policy file says: amounts, days, years and months as spreadsheets and people write them.

A cell is read where it has one reading. Where it has two, both are named, and how to say which.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Annotated

from pydantic import BeforeValidator, ValidationInfo

from sales.calendar import Month, UnknownMonth

MOST_DECIMALS = 10
LARGEST_AMOUNT = Decimal(10) ** 15
EARLIEST_YEAR, LATEST_YEAR = 1900, 9998
# Signs that part thousands and nothing else: blanks of all widths, apostrophes.
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[\s\u00a0\u2009\u202f'\u2019](?=\d{3}(?!\d))")
GROUPED = {sign: re.compile(rf"[+-]?\d{{1,3}}(\{sign}\d{{3}})+") for sign in ".,"}
AMBIGUOUS = re.compile(r"[+-]?[1-9]\d{0,2}[.,]\d{3}")
YEAR = re.compile(r"(?:FY ?)?(\d{4})(?:\.0+)?", re.IGNORECASE)
MIDNIGHT = re.compile(r"[T ]00:00(:00(\.0+)?)?$")
PARTED_DATE = re.compile(r"(\d{1,2})[./-](\d{1,2})[./-](\d{4})")


@dataclass(frozen=True)
class Spelling:
    """How the numbers and days of a file are spelled: its decimal sign, and whether days come first; unknown if none."""

    decimal: str | None = None
    day_first: bool | None = None

    def learned(self, amounts: Iterable[object]) -> Spelling:
        """Return this spelling with the decimal sign that a file's amounts show, where it is not stated and they agree."""
        if self.decimal:
            return self
        shown = {
            sign
            for each in amounts
            if isinstance(each, str) and (sign := _decimal_sign(plain(each)))
        }
        return replace(self, decimal=shown.pop()) if len(shown) == 1 else self


UNKNOWN = Spelling()


def plain(cell: object) -> str:
    """Return a cell's text without blanks around it and without signs of no width."""
    text = "" if cell is None else str(cell)
    return "".join(each for each in text if unicodedata.category(each) != "Cf").strip()


def amount_of(cell: object, spelling: Spelling = UNKNOWN) -> Decimal:
    """Return an amount that is not below zero; raises `ValueError` with what is wrong with it."""
    text = plain(cell)
    amount = _exact(cell) if isinstance(cell, int | float | Decimal) else _read(text, spelling)
    if amount is None and any(unicodedata.category(each) == "Sc" for each in text):
        raise ValueError(
            f" {text[:40]!r} has a sign of a currency, which may not be the file's; write the amount alone, and the currency under currency_code"
        )
    if amount is None or amount.is_nan():
        raise ValueError(f" {text[:40]!r} is not an amount; write it as 1234.50")
    if not amount.is_finite() or amount > LARGEST_AMOUNT:
        raise ValueError(f" {text[:40]!r} is too large for an amount; correct it")
    if amount < 0:
        raise ValueError(f" {text[:40]!r} is below zero; write 0 or more")
    if -int(amount.as_tuple().exponent) > MOST_DECIMALS:
        raise ValueError(f" {text[:40]!r} has more than {MOST_DECIMALS} decimals")
    return amount


def day_of(cell: object, spelling: Spelling = UNKNOWN) -> date:
    """Return a day; raises `ValueError` with what is wrong with it."""
    if isinstance(cell, datetime):
        cell = cell.isoformat(" ")
    text = MIDNIGHT.sub("", plain(cell))
    if parted := PARTED_DATE.fullmatch(text):
        # Nobody who parts a date with full stops begins with the month.
        known = replace(spelling, day_first=True) if "." in text else spelling
        return _parted(text, int(parted[1]), int(parted[2]), int(parted[3]), known)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f" {text[:40]!r} is not a date; write it as 2026-09-30") from None


def year_of(cell: object) -> int:
    """Return the number of a fiscal year, of `2027` or `FY2027`; raises `ValueError`."""
    text = plain(cell)
    found = YEAR.fullmatch(text)
    return whole_of(found[1] if found else text, EARLIEST_YEAR, LATEST_YEAR)


def whole_of(cell: object, smallest: int, largest: int) -> int:
    """Return a whole number within bounds; raises `ValueError`."""
    text = plain(cell)
    text = text.removesuffix(".0") if isinstance(cell, float) else text
    if not (text.isascii() and text.isdigit() and smallest <= int(text) <= largest):
        raise ValueError(f" {text[:40]!r} is not a whole number from {smallest} to {largest}")
    return int(text)


def month_of(cell: object) -> Month:
    """Return a month, of `2026-09` or its first day; raises `ValueError`."""
    text = MIDNIGHT.sub("", plain(cell))
    if text.count("-") > 1:
        text = text.removesuffix("-01")
    try:
        return Month.parse(text)
    except UnknownMonth as unknown:
        raise ValueError(f": {unknown}") from None


def _parted(text: str, first: int, second: int, year: int, spelling: Spelling) -> date:
    readings = {
        is_day_first: found
        for is_day_first, (day, month) in {True: (first, second), False: (second, first)}.items()
        if (found := _day(year, month, day))
    }
    if len(set(readings.values())) == 1:
        return next(iter(readings.values()))
    if not readings:
        raise ValueError(f" {text[:40]!r} is not a date; write it as 2026-09-30")
    if spelling.day_first is None:
        raise ValueError(
            f" {text!r} may be {readings[True]} or {readings[False]}; write it so, or say which for the file: "
            '[targets] dates = "day_first" or "month_first"'
        )
    return readings[spelling.day_first]


def _day(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _read(text: str, spelling: Spelling) -> Decimal | None:
    """Return the number that a text says, none where it says none; raises `ValueError` where it may say two."""
    text = BETWEEN_THOUSANDS.sub("", text)
    sign = spelling.decimal or _decimal_sign(text)
    if AMBIGUOUS.fullmatch(text) and sign is None:
        mark = "," if "," in text else "."
        whole, decimals = (text.replace(mark, ""), text.replace(mark, "."))
        raise ValueError(
            f" {text!r} may be {whole} or {decimals}; write it without a sign for thousands, or say which sign parts decimals: "
            '[targets] decimal = "," or "."'
        )
    thousands = {",": ".", ".": ","}.get(sign or "")
    for mark in ".,":
        whole = text.partition(sign)[0] if sign else text
        if mark == thousands or not sign:
            if mark in text and not GROUPED[mark].fullmatch(whole):
                return None
            text = text.replace(mark, "")
    return _exact(text.replace(sign, ".") if sign else text)


def _decimal_sign(text: str) -> str | None:
    """Return the sign that can only part decimals in a text, none where there is none or two readings."""
    text = BETWEEN_THOUSANDS.sub("", text)
    dots, commas = text.count("."), text.count(",")
    if dots and commas:
        return "." if text.rindex(".") > text.rindex(",") else ","
    if dots + commas != 1 or AMBIGUOUS.fullmatch(text):
        return None
    return "." if dots else ","


def _exact(text: object) -> Decimal | None:
    try:
        return Decimal(str(text))
    except InvalidOperation:
        return None


def _spelling(info: ValidationInfo) -> Spelling:
    return info.context if isinstance(info.context, Spelling) else UNKNOWN


FiscalYear = Annotated[int, BeforeValidator(year_of)]
Revision = Annotated[int, BeforeValidator(lambda cell: whole_of(cell, 1, 1_000_000))]
Day = Annotated[date, BeforeValidator(lambda cell, info: day_of(cell, _spelling(info)))]
MonthName = Annotated[Month, BeforeValidator(month_of)]
# A cell that is still to be filled in is none.
StatedAmount = Annotated[
    Decimal | None,
    BeforeValidator(
        lambda cell, info: None if cell is None or cell == "" else amount_of(cell, _spelling(info))
    ),
]
Amount = Annotated[Decimal, BeforeValidator(lambda cell, info: amount_of(cell, _spelling(info)))]
