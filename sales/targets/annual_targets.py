"""Annual targets in force at a month end: which revision counts, and what it is in corporate currency.

Put how lines of the target book become targets here; how a target becomes months is
`phased_targets`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache, partial
from typing import cast

import pandas as pd

from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.errors import UserError
from sales.history.rates import Rates
from sales.policy.rules import MonthRules, OrganizationDefaults, PolicyBook


class InvalidTarget(UserError, ValueError):
    """A target cannot be laid over the year."""


# The columns of a target book as we write it.
TARGET_BOOK = (
    "fiscal_year",
    "owner",
    "name",
    "team",
    "last_year_bookings",
    "annual_target",
    "currency_code",
    "start_date",
    "end_date",
    "revision",
    "effective_date",
    "holidays",
)
# The rates of a fiscal year's plan.
PlanRates = Callable[[int], Rates]


@dataclass(frozen=True)
class AnnualTarget:
    """One person's target for a fiscal year, in minor units of the corporate currency.

    `stated` are the months as their source states them, as weights from the year's first month;
    `earlier` is the revision that held before the day `effective`, where there was one.
    """

    fiscal_year: int
    owner_id: str
    revision: int
    amount: int
    start: date | None
    end: date | None
    holidays: str
    stated: tuple[Fraction, ...] = ()
    effective: date | None = None
    earlier: AnnualTarget | None = None


@dataclass(frozen=True)
class ComingTarget:
    """Somebody whose target of a fiscal year takes effect only after a month end: until then there is none."""

    fiscal_year: int
    owner_id: str
    effective: date


def in_force(
    book: pd.DataFrame,
    rates: PlanRates,
    month: Month,
    policies: PolicyBook,
    organization: OrganizationDefaults,
) -> list[AnnualTarget]:
    """Return each owner's target revision in force at a month's as-of instant, for that year and later ones.

    In force is the highest revision whose effective date lies before the instant; a revision
    without a date is effective from its year's first day, and what is effective then is in force
    at the year's first instant, the as-of instant of the month before. Raises `MissingRate`.
    """
    rules = policies.for_month(month, organization)
    this_year, today = rules.calendar.fiscal_year(month), rules.calendar.today(month)
    known_from = lru_cache(partial(_effective, policies=policies, organization=organization))
    lines: dict[tuple[int, str], list[AnnualTarget]] = {}
    for row in columns.rows(book):
        year, effective = int(cast("int", row["fiscal_year"])), _day(row["effective_date"])
        # A line of a year that is over may have a currency that is gone: it is not converted.
        if year < this_year or known_from(year, effective) >= today:
            continue
        target = _target(row, rates, rules)
        lines.setdefault((year, target.owner_id), []).append(target)
    return [_with_earlier(lines[key]) for key in sorted(lines)]


def coming(
    book: pd.DataFrame, month: Month, policies: PolicyBook, organization: OrganizationDefaults
) -> list[ComingTarget]:
    """Return who has lines for the year of a month, or of the month after it, none of which is in force at the month's end."""
    calendar = policies.for_month(month, organization).calendar
    years = {calendar.fiscal_year(month), calendar.fiscal_year(month.plus(1))}
    first: dict[tuple[int, str], date] = {}
    for row in columns.rows(book):
        key = int(cast("int", row["fiscal_year"])), str(row["owner_id"])
        if key[0] in years:
            effective = _effective(key[0], _day(row["effective_date"]), policies, organization)
            first[key] = min(first.get(key, date.max), effective)
    return [
        ComingTarget(*key, effective)
        for key, effective in sorted(first.items())
        if effective > calendar.last_day(month)
    ]


def _effective(
    year: int, stated: date | None, policies: PolicyBook, organization: OrganizationDefaults
) -> date:
    """Return the day before whose end a line takes effect: for the year's first day, or none stated, the eve of the year."""
    calendar = policies.for_fiscal_year(year, organization).calendar
    first_day = calendar.first_day(calendar.year(year).first)
    if stated is None or stated == first_day:
        return first_day - timedelta(days=1)
    return stated


def _with_earlier(revisions: list[AnnualTarget]) -> AnnualTarget:
    """Return the highest of one or more revisions with those before it, as far as they were effective earlier."""
    first, *others = sorted(revisions, key=lambda one: one.revision)
    latest = first
    for each in others:
        before: AnnualTarget | None = latest
        while before and (before.effective or date.min) >= (each.effective or date.min):
            before = before.earlier
        latest = replace(each, earlier=before)
    return latest


def _target(row: dict[str, object], rates: PlanRates, rules: MonthRules) -> AnnualTarget:
    stated = row.get("stated_months")
    return AnnualTarget(
        fiscal_year=int(cast("int", row["fiscal_year"])),
        owner_id=str(row["owner_id"]),
        revision=int(cast("int", row["revision"])),
        amount=_corporate(row, rates, rules),
        start=_day(row["start_date"]),
        end=_day(row["end_date"]),
        holidays=row["holidays"] if isinstance(row["holidays"], str) else "",
        stated=tuple(Fraction(each) for each in stated.split()) if isinstance(stated, str) else (),
        effective=_day(row["effective_date"]),
    )


def _corporate(row: dict[str, object], rates: PlanRates, rules: MonthRules) -> int:
    amount, code = cast("Decimal", row["annual_target"]), row["currency_code"]
    if not isinstance(code, str) or code == rules.currency:
        return money.to_minor(amount, rules.digits)
    year = int(cast("int", row["fiscal_year"]))
    calendar, record = rules.calendar, f"target of {row['owner_id']} for {year}"
    first_day, of_year = calendar.first_day(calendar.year(year).first), rates(year)
    exact = of_year.converted(amount, code, rules.currency, first_day, record)
    return money.to_minor(exact, rules.digits)


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None
