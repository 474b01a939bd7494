"""Delivery load: the work of the twelve months to come against what can be done, by team and by client.

Put here what fits and whose work does not. Definitions, section 9.

Work takes people in the order in which it was agreed: agreements and won deals by their day, then
open deals by their close date. What does not fit any more into a month is the work for which people
must be drafted in, and its client is the account on which they are to work.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.arrow import Codes, Floats
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.history import OpportunitySnapshot
from sales.contracts.work import AccountLoad, DeliveryLoad
from sales.forecast.client_agreements import AgreedMonth
from sales.forecast.delivery_work import AGREED, EXPECTED, KINDS, WON, DeliveryWork, delivery_work
from sales.forecast.work import Work
from sales.forecast.work_capacity import WorkCapacity, capacity_of, people_needed
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON, ForecastBasis
from sales.targets.stated_plans import PlanBook
from sales.vocabulary import GrainKind


@dataclass(frozen=True)
class DeliveryMonth:
    """The work of a month in days: won or agreed, expected of open deals, and what the company can do; people to draft in."""

    month: Month
    won_days: float
    expected_days: float
    capacity_days: float | None
    people_short: int


def company_load(
    work: Work,
    agreed: Sequence[AgreedMonth],
    capacity: WorkCapacity,
    month: Month,
    rules: MonthRules,
) -> list[DeliveryMonth]:
    """Return the company's work of the twelve months to come."""
    first = month.plus(1)
    won, expected = (work.by_month(first, HORIZON, is_won=each) for each in (True, False))
    for each in agreed:
        won[each.month.index - first.index] += each.days
    per_person = float(rules.policy.clients.days_per_person)
    found: list[DeliveryMonth] = []
    for step in range(HORIZON):
        limit, days = (
            capacity.of_company(first.plus(step)),
            (float(won[step]), float(expected[step])),
        )
        short = people_needed(sum(days), limit, per_person)
        found.append(DeliveryMonth(first.plus(step), *days, limit, short))
    return found


def delivery_load(
    snapshot: DataFrame[OpportunitySnapshot],
    forecast_basis: ForecastBasis | None,
    plans: PlanBook,
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> DataFrame[DeliveryLoad]:
    """Return a row for the company and each team in each of the twelve months; none where no work is known."""
    work = delivery_work(snapshot, forecast_basis, plans, month, rules)
    capacity = capacity_of(plans, month, rules)
    teams = columns.distinct(work.team, columns.text(capacity.teams))
    names = [rules.company, *teams.to_pylist()] if len(work.days) else []
    grains = [GrainKind.TEAM if row else GrainKind.COMPANY for row in range(len(names))]
    by_kind = np.zeros((len(KINDS), len(teams) + 1, HORIZON))
    np.add.at(by_kind, (work.kind, columns.codes(work.team, teams) + 1, work.step), work.days)
    by_kind[:, 0] = by_kind[:, 1:].sum(axis=1)
    order = sorted(range(len(names)), key=lambda row: (grains[row], names[row]))
    row, step = (
        np.repeat(np.array(order, np.int64), HORIZON),
        np.tile(np.arange(HORIZON), len(order)),
    )
    days = by_kind[:, row, step]
    limit = capacity.limits(teams.to_pylist(), month.plus(1), HORIZON)[row, step]
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(row)),
            "grain": columns.text([grains[each].value for each in row.tolist()]),
            "grain_id": columns.text([names[each] for each in row.tolist()]),
            "month": _months(month, step),
            **_days(days),
            "capacity_days": pa.array(limit, mask=np.isnan(limit)),
            **_shortage(days.sum(axis=0) - limit, rules),
        }
    )
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), DeliveryLoad)


def account_load(
    snapshot: DataFrame[OpportunitySnapshot],
    forecast_basis: ForecastBasis | None,
    plans: PlanBook,
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> DataFrame[AccountLoad]:
    """Return a row for each client, team and month with work.

    What does not fit is held against the team's capacity, or the company's where the team has none.
    """
    work = delivery_work(snapshot, forecast_basis, plans, month, rules)
    accounts, teams = columns.distinct(work.account_id), columns.distinct(work.team)
    team = columns.codes(work.team, teams)
    key = (columns.codes(work.account_id, accounts) * len(teams) + team) * HORIZON + work.step
    keys = np.unique(key)
    place, first_row = np.searchsorted(keys, key), np.unique(key, return_index=True)[1]
    by_kind = np.zeros((len(KINDS), len(keys)))
    np.add.at(by_kind, (work.kind, place), work.days)
    capacity = capacity_of(plans, month, rules)
    limits = capacity.limits(teams.to_pylist(), month.plus(1), HORIZON)
    over = columns.total_by(place, _beyond(work, team, limits), len(keys))
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(keys)),
            "account_id": work.account_id.take(pa.array(first_row)),
            "team": work.team.take(pa.array(first_row)),
            "month": _months(month, work.step[first_row]),
            **_days(by_kind),
            **_shortage(over, rules),
            "account_name": work.account_name.take(pa.array(first_row)),
        }
    ).sort_values(["account_id", "team", "month"], kind="stable", ignore_index=True)
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), AccountLoad)


def _beyond(work: DeliveryWork, team: Codes, limits: Floats) -> Floats:
    """Return the days of each row that do not fit; not a number where neither team nor company has a capacity.

    `limits` has a row for the company and each team, as `WorkCapacity.limits` gives them.
    """
    order = work.in_order()
    own = _overflow((team + 1) * HORIZON + work.step, work.days, order, limits.ravel())
    whole = _overflow(work.step, work.days, order, limits[0])
    return np.where(np.isnan(own), whole, own)


def _overflow(group: Codes, days: Floats, order: Codes, limits: Floats) -> Floats:
    """Return how many days of each row are beyond the limit of its group, taken in order; not a number without a limit.

    Rows of 10, 5 and 8 days against a limit of 12 leave 0, 3 and 8 days over.
    """
    taken = order[np.argsort(group[order], kind="stable")]
    reached = pd.Series(days[taken]).groupby(group[taken]).cumsum().to_numpy()
    over = np.empty(len(days))
    over[taken] = np.clip(reached - limits[group[taken]], 0.0, days[taken])
    return over


def _days(by_kind: Floats) -> dict[str, pa.Array]:
    return {
        f"{name}_days": pa.array(by_kind[kind])
        for kind, name in ((AGREED, "agreed"), (WON, "won"), (EXPECTED, "expected"))
    }


def _shortage(beyond: Floats, rules: MonthRules) -> dict[str, pa.Array]:
    """Return what is beyond a capacity in days and people, empty where none is stated."""
    unknown, per_person = np.isnan(beyond), float(rules.policy.clients.days_per_person)
    days = np.maximum(np.nan_to_num(beyond), 0.0)
    people = [people_needed(each, 0.0, per_person) for each in days.tolist()]
    return {
        "days_beyond": pa.array(days, mask=unknown),
        "people_needed": pa.array(people, pa.int64(), mask=unknown),
    }


def _months(month: Month, step: Codes) -> pa.Array:
    names = columns.text([str(month.plus(1 + n)) for n in range(HORIZON)])
    return names.take(pa.array(step))
