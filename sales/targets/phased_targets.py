"""Phased targets: how an annual number becomes twelve, and what misses do to the rest.

Put proration, fixed months, revisions and re-phasing here. The weights are `phasing`; attainment
and coverage have their own modules; reading the target book is `connectors.policy.annual_targets`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime
from fractions import Fraction
from functools import lru_cache, partial
from types import MappingProxyType
from typing import Any, cast

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.targets import PhasedTargets
from sales.errors import UserError
from sales.history.extract import People
from sales.policy.rules import MonthRules, OrganizationDefaults, PolicyBook
from sales.targets.annual_targets import (
    AnnualTarget,
    ComingTarget,
    InvalidTarget,
)
from sales.targets.phasing import Seller, base_weights, personal_weights, selling_weights
from sales.targets.rephasing import Plan, Rephased, rephase
from sales.targets.seasonality import Season
from sales.targets.stated_plans import NO_PLANS, PlanBook


class NoTargets(UserError, LookupError):
    """Nobody has a target in a fiscal year whose month end is asked for."""


def plan(
    target: AnnualTarget,
    rules: MonthRules,
    plans: PlanBook = NO_PLANS,
    season: Season | None = None,
) -> Plan:
    """Phase one annual target by the rules of its year; the months sum to it, to the cent.

    Months that the plan book fixes keep their amount; the others share the rest by weight. With
    `revise = "ahead"` a revision inside the year leaves the months up to its effective date as they
    were planned, and the later ones share the difference; where they cannot, because nobody sells
    in them or less than nothing would be left, it holds for the whole year.
    """
    whole = _plan_of_year(target, rules, plans, season)
    is_inside = target.effective and target.effective > rules.calendar.first_day(whole.year.first)
    if target.earlier is None or not is_inside or rules.policy.targets.revise == "whole_year":
        return whole
    revised_in = rules.calendar.month_of(cast("date", target.effective))
    # The last month takes what is revised in it: there is none after it.
    kept = sum(1 for month in whole.year.months[:-1] if month <= revised_in)
    before = plan(target.earlier, rules, plans, season).baseline[:kept]
    later = whole.year.months[kept:]
    fixed = plans.fixed_of(target.fiscal_year, target.owner_id)
    rest = whole.amount - sum(before) - sum(fixed.get(month, 0) for month in later)
    free = [
        Fraction(0) if month in fixed else weight
        for month, weight in zip(later, whole.weights[kept:], strict=True)
    ]
    if rest < 0 or (rest > 0 and not any(free)):
        return whole
    parts = money.allocate(rest, free)
    after = [fixed.get(month, part) for month, part in zip(later, parts, strict=True)]
    return replace(whole, baseline=before + after)


def _plan_of_year(
    target: AnnualTarget, rules: MonthRules, plans: PlanBook, season: Season | None
) -> Plan:
    phasing = rules.policy.phasing
    year = rules.calendar.year(target.fiscal_year)
    amount, weights = _weights(target, rules, plans, season)
    fixed = plans.fixed_of(target.fiscal_year, target.owner_id)
    if outside := sorted(set(fixed) - set(year.months)):
        raise InvalidTarget(
            f"overrides.csv fixes {outside[0]} of {target.owner_id}, which is no month of {year.name}; correct its fiscal_year or month"
        )
    rest = amount - sum(fixed.values())
    free = [
        Fraction(0) if month in fixed else weight
        for month, weight in zip(year.months, weights, strict=True)
    ]
    if rest < 0 or (rest > 0 and not any(free) and fixed):
        raise InvalidTarget(
            f"the fixed months of {target.owner_id} in {year.name} leave {money.decimal_of(rest, rules.digits)} of the target for the other months; "
            "correct them in overrides.csv"
        )
    try:
        parts = money.allocate(rest, free)
    except ValueError:
        raise InvalidTarget(
            f"the target of {target.owner_id} for {year.name} has no month to be laid on: "
            f"start {target.start or 'open'}, end {target.end or 'open'}, weights {[float(each) for each in weights]}; "
            "correct its dates in the target book or the weights in the policy file"
        ) from None
    baseline = [fixed.get(month, part) for month, part in zip(year.months, parts, strict=True)]
    return Plan(
        target,
        year,
        amount,
        weights,
        baseline,
        frozenset(fixed),
        season if phasing.method == "seasonal" else None,
    )


def _weights(
    target: AnnualTarget, rules: MonthRules, plans: PlanBook, season: Season | None
) -> tuple[int, list[Fraction]]:
    """Return what the year's target is after proration, and the weight of each of its months."""
    phasing, year = rules.policy.phasing, rules.calendar.year(target.fiscal_year)
    if target.stated and phasing.keeps_stated_months:
        return target.amount, list(target.stated)
    if phasing.method == "stated":
        raise InvalidTarget(
            f'{target.owner_id} has a target for {year.name} without months, and [phasing] method = "stated" needs them; '
            "state them in monthly_targets.csv or name another method"
        )
    seller = Seller(
        target.start,
        target.end,
        target.holidays or phasing.holidays,
        plans.leaves_of(target.owner_id),
    )
    base = base_weights(phasing, year, rules.calendar, seller.holidays, season)
    selling = selling_weights(base, year, rules.calendar, seller)
    amount = target.amount
    if rules.policy.targets.basis == "full_year":
        share = amount * sum(selling, Fraction(0)) / sum(base, Fraction(0))
        amount = round(share)  # Fraction rounds half to even
    return amount, personal_weights(selling, year, rules.calendar, seller, phasing)


def phased_targets(
    in_force_at: Mapping[Month, Sequence[AnnualTarget]],
    bookings: pd.DataFrame,
    everybody: People,
    month: Month,
    policies: PolicyBook,
    organization: OrganizationDefaults,
    extracted_at: datetime,
    plans: PlanBook = NO_PLANS,
    seasons: Mapping[int, Season] = MappingProxyType({}),
) -> DataFrame[PhasedTargets]:
    """Return the phased targets as of a month's end; `seasons` has the season of each fiscal year that is phased by it.

    `in_force_at` has the targets in force at each month end of the year, up to the month
    itself, at which the organisation had records; `bookings` is `MonthlyBookings`. A closed month
    carries the re-phased target set at the month end before it, or its baseline where there was
    none.
    """
    targets = in_force_at[month]
    rules = policies.for_month(month, organization)
    if not any(target.fiscal_year == rules.calendar.fiscal_year(month) for target in targets):
        raise NoTargets(nobody_has_a_target(month, rules))
    booked = _Booked(bookings, rules.digits)
    past = {each: _by_person(known) for each, known in in_force_at.items()}
    rows: list[dict[str, Any]] = []
    for target in targets:
        its_rules = policies.for_fiscal_year(target.fiscal_year, organization)
        its_season = seasons.get(target.fiscal_year)
        # Most months of a year know the same revision: it is planned once.
        planned = lru_cache(partial(plan, rules=its_rules, plans=plans, season=its_season))
        earlier = {
            each: [planned(one) for one in known.get(_person(target), ())]
            for each, known in past.items()
        }
        rows += _rows(planned(target), its_rules, month, earlier, booked)
    rows.sort(key=lambda row: (row["fiscal_year"], row["owner_id"], row["month"]))
    part = {name: [row[name] for row in rows] for name in rows[0]}
    owners, digits = columns.text(part["owner_id"]), rules.digits

    def amounts(name: str) -> pa.Array:
        return money.decimal_array(np.array(part[name], np.int64), digits)

    table = columns.frame(
        {
            "fiscal_year": pa.array(part["fiscal_year"], pa.int64()),
            "owner_id": owners,
            "month": columns.text(part["month"]),
            "revision": pa.array(part["revision"], pa.int64()),
            "annual_target": amounts("annual_target"),
            "weight": pa.array(part["weight"], pa.float64()),
            "baseline_target": amounts("baseline_target"),
            "rephased_target": amounts("rephased_target"),
            "at_risk": amounts("at_risk"),
            "ahead": amounts("ahead"),
            "team": everybody.team_of(owners),
            "owner_name": everybody.name_of(owners),
            "stated_target": amounts("stated_target"),
            "as_of_month": columns.repeat(str(month), len(rows)),
            "is_fixed": pa.array(part["is_fixed"]),
            "season_evidence": pa.array(part["season_evidence"], pa.float64()),
            "season_deals": pa.array(part["season_deals"], pa.int64()),
            "team_id": everybody.team_id_of(owners),
        }
    )
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), PhasedTargets)


def _person(target: AnnualTarget) -> tuple[int, str]:
    return target.fiscal_year, target.owner_id


def _by_person(known: Sequence[AnnualTarget]) -> dict[tuple[int, str], list[AnnualTarget]]:
    """Return targets by year and person."""
    found: dict[tuple[int, str], list[AnnualTarget]] = {}
    for each in known:
        found.setdefault(_person(each), []).append(each)
    return found


def nobody_has_a_target(month: Month, rules: MonthRules, later: Sequence[ComingTarget] = ()) -> str:
    """Return the sentence for a month end of a year without targets, of which some may take effect later."""
    year = rules.calendar.fiscal_year(month)
    starts = [each.effective for each in later if each.fiscal_year == year]
    cure = (
        f"its lines take effect from {min(starts)} on: correct effective_date in the target book"
        if starts
        else f"add lines for fiscal year {year} to the target book"
    )
    return (
        f"nobody has a target in force for FY{year} at the end of {month}; "
        f"{cure} ({rules.policy.targets.source})"
    )


class _Booked:
    """Bookings to date by the month end at which they were known."""

    def __init__(self, bookings: pd.DataFrame, digits: int) -> None:
        amounts, _ = money.minor_units(bookings["bookings"], digits)
        keys = (
            columns.arrow(bookings[name]).to_pylist()
            for name in ("known_month", "owner_id", "month")
        )
        self._of: dict[tuple[str, str], dict[str, int]] = {}
        for known, owner, month, amount in zip(*keys, amounts.tolist(), strict=True):
            self._of.setdefault((known, owner), {})[month] = amount

    def to_date(self, owner: str, months: Sequence[Month], known: Month) -> int:
        """Return what the owner had booked in these months, as known at a month end."""
        mine = self._of.get((str(known), owner), {})
        return sum(mine.get(str(month), 0) for month in months)


def _rows(
    its_plan: Plan,
    rules: MonthRules,
    month: Month,
    earlier: Mapping[Month, Sequence[Plan]],
    booked: _Booked,
) -> list[dict[str, Any]]:
    target, year, phasing = its_plan.target, its_plan.year, rules.policy.phasing
    done = sum(1 for each in year.months if each <= month)
    rephased = list(its_plan.baseline)
    for position in range(1, done):
        before = year.months[position - 1]
        for past in earlier.get(before, ()):
            so_far = booked.to_date(target.owner_id, year.months[:position], before)
            rephased[position] = rephase(past, so_far, position, phasing).months[0]
    today = Rephased(its_plan.baseline, at_risk=0, ahead=0)
    if done:
        today = rephase(
            its_plan, booked.to_date(target.owner_id, year.months[:done], month), done, phasing
        )
        rephased[done:] = today.months
    last = len(year.months) - 1
    return [
        {
            "fiscal_year": target.fiscal_year,
            "owner_id": target.owner_id,
            "month": str(each),
            "revision": target.revision,
            "annual_target": its_plan.amount,
            "weight": float(its_plan.weights[n]),
            "baseline_target": its_plan.baseline[n],
            "rephased_target": rephased[n],
            "at_risk": today.at_risk if n == last else 0,
            "ahead": today.ahead if n == last else 0,
            "stated_target": target.amount,
            "is_fixed": each in its_plan.fixed,
            "season_evidence": its_plan.season.evidence if its_plan.season else None,
            "season_deals": its_plan.season.deals if its_plan.season else None,
        }
        for n, each in enumerate(year.months)
    ]
