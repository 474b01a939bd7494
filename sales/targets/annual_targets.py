"""Annual targets in force at a month end: which revision counts, and what it is in corporate currency.

Put how lines of the target book become targets here; how a target becomes months is
`phased_targets`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import cast

import pandas as pd

from sales import money
from sales.calendar import Month
from sales.errors import UserError
from sales.money import MissingRate
from sales.policy.rules import MonthRules, OrganizationDefaults, PolicyBook


class InvalidTarget(UserError, ValueError):
    """A target cannot be laid over the year."""


@dataclass(frozen=True)
class AnnualTarget:
    """One person's target for a fiscal year, in minor units of the corporate currency."""

    fiscal_year: int
    owner_id: str
    revision: int
    amount: int
    start: date | None
    end: date | None
    holidays: str


def in_force(
    book: pd.DataFrame,
    rates: dict[str, Decimal],
    month: Month,
    policies: PolicyBook,
    organization: OrganizationDefaults,
) -> list[AnnualTarget]:
    """Return each owner's target revision in force at a month's as-of instant, for that year and later ones.

    In force is the highest revision whose effective date lies before the instant; a
    revision without a date is effective from its year's first day.
    """
    rules = policies.for_month(month, organization)
    this_year = rules.calendar.fiscal_year(month)
    chosen: dict[tuple[int, str], AnnualTarget] = {}
    for row in cast("list[dict[str, object]]", book.to_dict("records")):
        year, owner, revision = (
            int(cast("int", row["fiscal_year"])),
            str(row["owner_id"]),
            int(cast("int", row["revision"])),
        )
        if year < this_year:
            continue
        first_day = _first_day_of(year, policies, organization)
        if (_day(row["effective_date"]) or first_day) > rules.calendar.last_day(month):
            continue
        known = chosen.get((year, owner))
        if known is None or known.revision < revision:
            chosen[year, owner] = AnnualTarget(
                fiscal_year=year,
                owner_id=owner,
                revision=revision,
                amount=_corporate(row, rates, rules),
                start=_day(row["start_date"]),
                end=_day(row["end_date"]),
                holidays=row["holidays"] if isinstance(row["holidays"], str) else "",
            )
    return [chosen[key] for key in sorted(chosen)]


def _first_day_of(year: int, policies: PolicyBook, organization: OrganizationDefaults) -> date:
    calendar = policies.for_fiscal_year(year, organization).calendar
    return calendar.first_day(calendar.year(year).first)


def is_same_target(one: AnnualTarget, other: AnnualTarget) -> bool:
    """Return whether two targets are of the same person and year."""
    return (one.fiscal_year, one.owner_id) == (other.fiscal_year, other.owner_id)


def _corporate(row: dict[str, object], rates: dict[str, Decimal], rules: MonthRules) -> int:
    amount, code = cast("Decimal", row["annual_target"]), row["currency_code"]
    if not isinstance(code, str) or code == rules.currency:
        return money.to_minor(amount, rules.digits)
    if code not in rates:
        raise MissingRate(
            f"target of {row['owner_id']} for {row['fiscal_year']}: no {code} rate; add the currency in Salesforce or state the target in {rules.currency}"
        )
    return money.to_minor(
        amount * rates.get(rules.currency, Decimal(1)) / rates[code], rules.digits
    )


def static_rates(rates: pd.DataFrame) -> dict[str, Decimal]:
    """Return the undated rate of each currency: targets are converted by it."""
    rows = cast("list[dict[str, object]]", rates.to_dict("records"))
    return {
        str(row["currency_code"]): cast("Decimal", row["rate"])
        for row in rows
        if not isinstance(row["start_date"], date) and cast("Decimal", row["rate"]) > 0
    }


def _day(value: object) -> date | None:
    return value if isinstance(value, date) else None
