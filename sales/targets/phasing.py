"""Phasing: the weights by which an annual number becomes twelve.

Put what decides a month's weight here: the method, who sells when, ramp, and leave. Splitting
the number by them is `phased_targets`, the estimate behind `seasonal` is `seasonality`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

from sales.calendar import FiscalCalendar, Month, Period, working_days
from sales.errors import UserError
from sales.policy.sections import Phasing
from sales.targets.seasonality import Season
from sales.targets.stated_plans import Leave

# Twelve months as quarters of 13 weeks.
WEEKS = {"4-4-5": (4, 4, 5), "4-5-4": (4, 5, 4), "5-4-4": (5, 4, 4)}
# Measured shares become exact fractions of a millionth.
PARTS = 1_000_000


class UnusableWeights(UserError, ValueError):
    """Stated weights are not those of the months of a year."""


@dataclass(frozen=True)
class Seller:
    """When and where a person sells."""

    start: date | None
    end: date | None
    holidays: str
    leaves: Sequence[Leave] = ()


def base_weights(
    phasing: Phasing, year: Period, calendar: FiscalCalendar, holidays: str, season: Season | None
) -> list[Fraction]:
    """Return the method's weight of each month of the year, before anything personal."""
    size = len(year.months)
    if phasing.method == "custom":
        if len(phasing.weights) != size:
            raise UnusableWeights(
                f"{year.name} has {size} months, and the rules used for it state {len(phasing.weights)} weights; "
                f"state its own in a policy file, [phasing] weights"
            )
        return phasing.custom_weights
    if phasing.method == "working_days":
        return [
            Fraction(len(working_days(calendar.days_of(month), holidays))) for month in year.months
        ]
    if phasing.method in WEEKS:
        return [Fraction(weeks) for weeks in WEEKS[phasing.method] * 4][:size]
    if phasing.method == "seasonal" and season is not None:
        return [Fraction(round(float(share) * PARTS), PARTS) for share in season.shares[:size]]
    return [Fraction(1)] * size


def selling_weights(
    base: Sequence[Fraction], year: Period, calendar: FiscalCalendar, seller: Seller
) -> list[Fraction]:
    """Return the weights of the months in which a person sells; 0 before the start's month and after the end's."""
    return [
        weight if _sells_in(month, calendar, seller) else Fraction(0)
        for weight, month in zip(base, year.months, strict=True)
    ]


def personal_weights(
    selling: Sequence[Fraction],
    year: Period,
    calendar: FiscalCalendar,
    seller: Seller,
    phasing: Phasing,
) -> list[Fraction]:
    """Return selling weights times ramp and, where policy says that leave relieves quota, the share of days worked."""
    return [
        weight * _ramp(month, calendar, seller, phasing) * _worked(month, calendar, seller, phasing)
        for weight, month in zip(selling, year.months, strict=True)
    ]


def _sells_in(month: Month, calendar: FiscalCalendar, seller: Seller) -> bool:
    after_start = seller.start is None or month >= calendar.month_of(seller.start)
    before_end = seller.end is None or month <= calendar.month_of(seller.end)
    return after_start and before_end


def _ramp(month: Month, calendar: FiscalCalendar, seller: Seller, phasing: Phasing) -> Fraction:
    if seller.start is None:
        return Fraction(1)
    since = month.index - calendar.month_of(seller.start).index
    return Fraction(phasing.ramp[since]) if 0 <= since < len(phasing.ramp) else Fraction(1)


def _worked(month: Month, calendar: FiscalCalendar, seller: Seller, phasing: Phasing) -> Fraction:
    if phasing.leave != "relieves" or not seller.leaves:
        return Fraction(1)
    days = working_days(calendar.days_of(month), seller.holidays)
    away = sum(any(leave.start <= day <= leave.end for leave in seller.leaves) for day in days)
    return 1 - Fraction(away, len(days)) if days else Fraction(1)
