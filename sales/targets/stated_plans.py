"""Plans beside the annual targets: leave, fixed months, numbers of teams, plans of clients, agreements, capacities.

Put what people state in these files here, and the views that hold it beside the phased targets:
over-assignment (padding) is shown, never hidden, and the sum of client plans stands beside the
target.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.forecast import ClientPhasing
from sales.contracts.targets import BottomUpPlan, PhasedTargets, TargetPadding
from sales.policy.rules import MonthRules
from sales.targets.attainment import month_indexes
from sales.vocabulary import GrainKind


@dataclass(frozen=True)
class Leave:
    """Days, both included, on which a person does not work."""

    owner_id: str
    start: date
    end: date


@dataclass(frozen=True)
class FixedMonth:
    """One month of a person's target, in minor units, that the phasing must keep."""

    fiscal_year: int
    owner_id: str
    month: Month
    amount: int


@dataclass(frozen=True)
class StatedTarget:
    """A team's own number for a year, in minor units; the company's where `team` is empty."""

    fiscal_year: int
    team: str
    amount: int


@dataclass(frozen=True)
class ClientPlan:
    """What a client is planned to bring in a month, in minor units."""

    account_id: str
    month: Month
    amount: int


@dataclass(frozen=True)
class StatedCall:
    """What a person said on a day that a period would bring, in minor units; the period goes by its name, such as 2026-11, FY2027-Q3, FY2027."""

    owner_id: str
    period: str
    amount: int
    day: date


@dataclass(frozen=True)
class Agreement:
    """A retainer or framework agreement with a client, as it was signed on a day: minor units and days of work a month.

    It runs from `start` to `end`, both included, without an end until it is ended. Terms of the same
    client and name that were signed later take its place from their first day on. An empty team is
    that of the client's newest deal.
    """

    account_id: str
    account_name: str
    name: str
    signed_on: date
    start: date
    end: date | None
    amount: int
    days: float
    team: str


@dataclass(frozen=True)
class StatedCapacity:
    """Days of work that a team can do a month, from a month on; the company where `team` is empty.

    It is known from the day on which it was stated, or always where none is named.
    """

    first: Month
    team: str
    days: float
    stated_on: date | None = None


@dataclass(frozen=True)
class PlanBook:
    """Everything that is stated beside the annual targets; empty where a file is not there."""

    leaves: Sequence[Leave] = ()
    fixed: Sequence[FixedMonth] = ()
    stated: Sequence[StatedTarget] = ()
    clients: Sequence[ClientPlan] = ()
    calls: Sequence[StatedCall] = ()
    agreements: Sequence[Agreement] = ()
    capacities: Sequence[StatedCapacity] = ()

    def leaves_of(self, owner_id: str) -> list[Leave]:
        """Return a person's leaves."""
        return [leave for leave in self.leaves if leave.owner_id == owner_id]

    def fixed_of(self, fiscal_year: int, owner_id: str) -> dict[Month, int]:
        """Return a person's fixed months of a year."""
        return {
            each.month: each.amount
            for each in self.fixed
            if (each.fiscal_year, each.owner_id) == (fiscal_year, owner_id)
        }


NO_PLANS = PlanBook()


def target_padding(
    phased_targets: DataFrame[PhasedTargets],
    plans: PlanBook,
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> DataFrame[TargetPadding]:
    """Return what is assigned to people beside what their team and the company state for themselves."""
    annual = phased_targets.drop_duplicates(["fiscal_year", "owner_id"])
    amounts, _ = money.minor_units(annual["annual_target"], rules.digits)
    assigned: dict[tuple[int, str, str], int] = {}
    for year, team, amount in zip(
        annual["fiscal_year"].tolist(), annual["team"].tolist(), amounts.tolist(), strict=True
    ):
        for key in ((year, GrainKind.TEAM, team), (year, GrainKind.COMPANY, rules.company)):
            assigned[key] = assigned.get(key, 0) + amount
    stated: dict[tuple[int, str, str], int] = {
        (
            each.fiscal_year,
            GrainKind.TEAM if each.team else GrainKind.COMPANY,
            each.team or rules.company,
        ): each.amount
        for each in plans.stated
    }
    years = {year for year, _, _ in assigned}
    keys = sorted({*assigned, *(key for key in stated if key[0] in years)})
    given = np.array([assigned.get(key, 0) for key in keys], np.int64)
    named = np.array([stated.get(key, 0) for key in keys], np.int64)
    unnamed = np.array([key not in stated for key in keys], np.bool_)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(keys)),
            "fiscal_year": pa.array([year for year, _, _ in keys], pa.int64()),
            "grain": columns.text([grain for _, grain, _ in keys]),
            "grain_id": columns.text([name for _, _, name in keys]),
            "assigned": money.decimal_array(given, rules.digits),
            "stated": money.decimal_array(named, rules.digits, unnamed),
            "padding": money.decimal_array(given - named, rules.digits, unnamed),
            "padding_pct": pa.array(
                (given - named) * 100 / np.where(named == 0, 1, named), mask=unnamed | (named == 0)
            ),
        }
    )
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), TargetPadding)


def bottom_up_plan(
    phased_targets: DataFrame[PhasedTargets],
    client_phasing: DataFrame[ClientPhasing],
    plans: PlanBook,
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> pd.DataFrame:
    """Return the fiscal year by month: the phased target, the sum of client plans, what is booked and what is expected."""
    year = rules.calendar.year_of(month)
    first, size = year.first.index, len(year.months)

    def by_month(indexes: np.ndarray, amount: np.ndarray) -> np.ndarray:
        inside = (indexes >= first) & (indexes < first + size)
        return money.sum_by(indexes[inside] - first, amount[inside], size)

    target = by_month(
        month_indexes(phased_targets["month"]),
        money.minor_units(phased_targets["baseline_target"], rules.digits)[0],
    )
    planned = by_month(
        np.array([each.month.index for each in plans.clients], np.int64),
        np.array([each.amount for each in plans.clients], np.int64),
    )
    when = month_indexes(client_phasing["month"])
    booked = by_month(when, money.minor_units(client_phasing["bookings"], rules.digits)[0])
    expected, is_empty = money.minor_units(client_phasing["expected"], rules.digits)
    coming = np.array([each > month for each in year.months], np.bool_)
    unknown = ~coming | bool(len(client_phasing) and is_empty.all())
    has_plan = bool(plans.clients)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), size),
            "month": columns.text([str(each) for each in year.months]),
            "baseline_target": money.decimal_array(target, rules.digits),
            "client_plans": money.decimal_array(planned, rules.digits, np.full(size, not has_plan)),
            "difference": money.decimal_array(
                planned - target, rules.digits, np.full(size, not has_plan)
            ),
            "bookings": money.decimal_array(booked, rules.digits),
            "expected": money.decimal_array(by_month(when, expected), rules.digits, unknown),
            "agreed": money.decimal_array(
                by_month(when, money.minor_units(client_phasing["agreed"], rules.digits)[0]),
                rules.digits,
            ),
        }
    )
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), BottomUpPlan)
