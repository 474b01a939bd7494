"""The number of the coming month: what a person, a team and the company must book in it, and the chance that they do.

Put the rule for sums of people here; how one person's year is re-phased is `sales.targets.rephasing`.
A team covers one member's miss with another's surplus: its number is no sum of numbers. Definitions,
section 4.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import ComingMonth, PhasedTargets
from sales.forecast.sales_facts import SalesFacts, sales_facts
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import Grain
from sales.statistics.deal_outcomes import ForecastBasis
from sales.statistics.period_distribution import ToCome, forecast_inputs, to_come
from sales.targets.attainment import a_year_before, month_indexes
from sales.targets.rephasing import lay_on
from sales.vocabulary import GrainKind


@dataclass(frozen=True)
class _Year:
    """The phased targets of a fiscal year by person code: a row a person and month, in minor units.

    `month` counts from the year's first; `at_risk` and `ahead` stand on the last month's rows.
    """

    period: Period
    person: Codes
    month: Codes
    baseline: Minor
    free: Minor
    rephased: Minor
    at_risk: Minor
    ahead: Minor

    def by_month(self, grain: Grain, values: Minor) -> Minor:
        """Return sums of each id, (ids, months of the year)."""
        size, months = len(grain.ids), len(self.period.months)
        cell = grain.key(self.person) * months + self.month
        return money.sum_by(cell, values, size * months).reshape(size, months)

    def total(self, grain: Grain, values: Minor) -> Minor:
        """Return the sum of each id."""
        return money.sum_by(grain.key(self.person), values, len(grain.ids))


@dataclass(frozen=True)
class _Numbers:
    """What each id of a grain must book in the coming month, in minor units."""

    number: Minor
    at_risk: Minor
    ahead: Minor


def coming_month(
    forecast_basis: ForecastBasis,
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> DataFrame[ComingMonth]:
    """Return the number of the month after this one for every person, team and the company.

    `rules` are those of the year that holds the coming month where it differs: after a year's last
    month nothing is missing yet.
    """
    facts = sales_facts(snapshot, booking_credit, phased_targets, month, rules)
    coming = rules.calendar.month_period(month.plus(1))
    year = _year(phased_targets, facts, rules.calendar.year_of(month.plus(1)), rules.digits)
    ahead = forecast_inputs(forecast_basis, facts.grains, facts.sells_after(month))
    to_book = to_come(ahead, coming) if ahead else None
    first_won = forecast_basis.known.first_won
    people = _of_people(next(iter(facts.grains)), year, coming.first)
    parts: list[pd.DataFrame] = []
    for grain in facts.grains:
        numbers = (
            people if grain.name == GrainKind.PERSON else _of_sums(grain, year, facts, month, rules)
        )
        people_sum = money.sum_by(grain.of_person, people.number, len(grain.ids))
        parts.append(
            columns.frame(
                {
                    "as_of_month": columns.repeat(str(month), len(grain.ids)),
                    "grain": columns.repeat(grain.name, len(grain.ids)),
                    "grain_id": grain.ids,
                    "month": columns.repeat(coming.name, len(grain.ids)),
                    **{
                        name: money.decimal_array(amounts, rules.digits)
                        for name, amounts in (
                            ("baseline_target", facts.targets(grain, coming)),
                            ("number", numbers.number),
                            ("people_sum", people_sum),
                            ("at_risk", numbers.at_risk),
                            ("ahead", numbers.ahead),
                        )
                    },
                    "last_year": _a_year_before(facts, grain, coming, first_won, rules.digits),
                    "hit_probability": _chance(facts, grain, coming, numbers.number, to_book),
                    "team_id": _team_ids(grain, snapshot, phased_targets, booking_credit),
                }
            )
        )
    table = pd.concat(parts, ignore_index=True).sort_values(
        ["grain", "grain_id"], kind="stable", ignore_index=True
    )
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), ComingMonth)


def _year(
    phased_targets: DataFrame[PhasedTargets], facts: SalesFacts, period: Period, digits: int
) -> _Year:
    place = month_indexes(phased_targets["month"]) - period.first.index
    person = facts.grains.person(phased_targets["owner_id"])
    kept = (place >= 0) & (place < len(period.months)) & (person >= 0)
    rows = phased_targets.loc[kept]
    amounts = {
        name: money.minor_units(rows[name], digits)[0]
        for name in ("baseline_target", "rephased_target", "at_risk", "ahead")
    }
    baseline = amounts["baseline_target"]
    return _Year(
        period=period,
        person=person[kept],
        month=place[kept],
        baseline=baseline,
        free=np.where(columns.booleans(rows["is_fixed"]), 0, baseline),
        rephased=amounts["rephased_target"],
        at_risk=amounts["at_risk"],
        ahead=amounts["ahead"],
    )


def _of_people(grain: Grain, year: _Year, coming: Month) -> _Numbers:
    """Return each person's number: their own re-phased target of the month."""
    place = coming.index - year.period.first.index
    return _Numbers(
        number=year.by_month(grain, year.rephased)[:, place],
        at_risk=year.total(grain, year.at_risk),
        ahead=year.total(grain, year.ahead),
    )


def _of_sums(
    grain: Grain, year: _Year, facts: SalesFacts, month: Month, rules: MonthRules
) -> _Numbers:
    """Return the numbers of teams or the company: the rule of a person, applied to their own sums.

    Months take their share by the plans of those whose months are not fixed. Who has no target in
    the year has no number, and is not ahead of any.
    """
    done = max(0, month.index - year.period.first.index + 1)
    baseline, free = year.by_month(grain, year.baseline), year.by_month(grain, year.free)
    to_date = year.period.until(month)
    booked = facts.bookings(grain, to_date) if done else np.zeros(len(grain.ids), np.int64)
    missing = baseline[:, :done].sum(axis=1) - booked
    found = [
        _of_one(short, whole, its_free, done, rules)
        for short, whole, its_free in zip(
            missing.tolist(), baseline.tolist(), free.tolist(), strict=True
        )
    ]
    number, at_risk, ahead = (np.array(each, np.int64) for each in zip(*found, strict=True))
    return _Numbers(number, at_risk, ahead)


def _of_one(
    missing: int, baseline: Sequence[int], free: Sequence[int], done: int, rules: MonthRules
) -> tuple[int, int, int]:
    """Return the number, what is at risk and what is ahead of one sum of people."""
    if not any(baseline):
        return 0, 0, 0
    weights = [Fraction(max(each, 0)) for each in free[done:]]
    laid = lay_on(missing, free[done:], weights, done, rules.policy.phasing)
    fixed = baseline[done] - free[done]
    return laid.months[0] + fixed, laid.at_risk, laid.ahead


def _a_year_before(
    facts: SalesFacts, grain: Grain, coming: Period, first_won: int, digits: int
) -> pa.Array:
    before = a_year_before(coming)
    has_history = before.first.index >= first_won
    booked = facts.bookings(grain, before)
    return money.decimal_array(booked, digits, np.full(len(grain.ids), not has_history))


def _chance(
    facts: SalesFacts, grain: Grain, coming: Period, number: Minor, to_book: ToCome | None
) -> pa.Array:
    if to_book is None:
        return pa.nulls(len(grain.ids), pa.float64())
    missing = (number - facts.bookings(grain, coming)).astype(np.float64)
    return pa.array(to_book.of(grain.name).reaches(missing), mask=number == 0)


def _team_ids(grain: Grain, *people: pd.DataFrame) -> pa.Array:
    """Return the id of the team of a person or team; the company is none."""
    if grain.name == GrainKind.COMPANY:
        return pa.nulls(len(grain.ids), pa.string())
    key = "owner_id" if grain.name == GrainKind.PERSON else "team"
    known = pd.concat([each[[key, "team_id"]] for each in people]).drop_duplicates(key)
    row = columns.codes(grain.ids, columns.arrow(known[key]))
    return columns.take(columns.arrow(known["team_id"]), row)
