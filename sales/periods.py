"""The organisation's own fiscal months, for years that are not made of calendar months (4-4-5 and custom ones).

Put what Salesforce's periods mean as months here. A fiscal month goes by the name of a calendar
month: the first of a fiscal year by the year's first month, the others follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

from sales.calendar import MONTHS_IN_YEAR, FiscalPeriods, Month
from sales.errors import UserError


class UnusablePeriods(UserError, ValueError):
    """Salesforce's fiscal periods cannot be taken for months."""


@dataclass(frozen=True, order=True)
class FiscalMonth:
    """A fiscal period of type Month: its first and last day, and its number in the fiscal year."""

    start: date
    end: date
    number: int


@lru_cache(maxsize=16)
def fiscal_periods(months: tuple[FiscalMonth, ...], start_month: int) -> FiscalPeriods:
    """Return fiscal months as a calendar's periods; raises `UnusablePeriods`."""
    if not months:
        raise UnusablePeriods(
            '[fiscal] periods = "salesforce", and Salesforce shows no fiscal periods of type Month; grant access to Period, or remove the line'
        )
    begins = next((n for n, month in enumerate(months) if month.number == 1), 0)
    for n, month in enumerate(months):
        if n and month.start != months[n - 1].end + timedelta(days=1):
            raise UnusablePeriods(
                f"Salesforce's fiscal months do not follow each other: one ends on {months[n - 1].end}, the next begins on {month.start}; "
                "define the years between under Setup, Fiscal Year"
            )
        if month.number != (n - begins) % MONTHS_IN_YEAR + 1:
            raise UnusablePeriods(
                f"the fiscal month from {month.start} is number {month.number} of its year; years of twelve fiscal months can be used, others cannot"
            )
    return FiscalPeriods(
        _nearest(months[begins].start, start_month).plus(-begins),
        (*(month.start for month in months), months[-1].end + timedelta(days=1)),
    )


def _nearest(day: date, number: int) -> Month:
    """Return the month of this number, of any year, whose first day is nearest to a day."""
    return min(
        (Month(year, number) for year in (day.year - 1, day.year, day.year + 1)),
        key=lambda month: abs(month.first_day - day),
    )
