"""Salesforce's own quotas as a target book.

Put what a quota means as an annual target here. A manager's quota already contains the
team's (Salesforce rolls nothing up by itself): it is compared with the sum, never added.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from datetime import date
from decimal import Decimal
from fractions import Fraction
from itertools import pairwise
from typing import cast

import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.calendar import MONTHS_IN_YEAR, Month, Period
from sales.contracts.contract import checked
from sales.contracts.raw import RawQuotas, RawRoles, RawTargets, RawUsers
from sales.errors import UserError
from sales.policy.rules import MonthRules


class UnclearQuotas(UserError, ValueError):
    """Salesforce's quotas do not say what the targets are."""


@dataclass(frozen=True)
class ManagerQuota:
    """A manager's quota of a fiscal year beside the sum of the quotas of those below, in their common currency."""

    fiscal_year: int
    owner_id: str
    own: Decimal
    team: Decimal


@dataclass
class _Quota:
    """One person's quotas of a fiscal year: added up, and by month."""

    currency: str | None
    start: date
    end: date | None
    amount: Decimal = Decimal(0)
    by_month: dict[Month, Fraction] = dataclass_field(default_factory=dict)

    def add(self, amount: Decimal, months: Sequence[Month]) -> None:
        """Add the quota of consecutive months, a part to each."""
        self.amount += amount
        for month in months:
            part = Fraction(amount) / len(months)
            self.by_month[month] = self.by_month.get(month, Fraction(0)) + part


def quota_book(
    quotas: DataFrame[RawQuotas],
    users: DataFrame[RawUsers],
    roles: DataFrame[RawRoles],
    rules: MonthRules,
) -> DataFrame[RawTargets]:
    """Return individual quotas as annual targets with their months; those of managers are left out.

    A quota belongs to the fiscal month that holds its start date, one of a longer period evenly to
    the months from there on. Quotas of a year that begin after its first month, or end before its last, are those of a
    joiner or a leaver. Raises `UnclearQuotas`.
    """
    found, managers = _quotas(quotas, rules), managers_above(users, roles, rules)
    lines = [
        (year, owner, quota, rules.calendar.year(year))
        for (year, owner), quota in sorted(found.items())
        if not _below(owner, year, found, managers)
    ]
    joined = [
        quota.start if quota.start > rules.calendar.last_day(period.first) else None
        for _, _, quota, period in lines
    ]
    left = [
        quota.end if quota.end and quota.end < rules.calendar.first_day(period.last) else None
        for _, _, quota, period in lines
    ]
    size = len(lines)
    parts = {
        "fiscal_year": pa.array([year for year, *_ in lines], pa.int64()),
        "owner_id": columns.text([owner for _, owner, *_ in lines]),
        "annual_target": pa.array(
            [quota.amount for _, _, quota, _ in lines], pa.decimal128(38, 10)
        ),
        "currency_code": columns.text([quota.currency for _, _, quota, _ in lines]),
        "start_date": pa.array(joined, pa.date32()),
        "end_date": pa.array(left, pa.date32()),
        "revision": pa.array([1] * size, pa.int64()),
        "effective_date": pa.nulls(size, pa.date32()),
        "holidays": pa.nulls(size, pa.string()),
        "stated_months": columns.text([_stated(quota, period) for _, _, quota, period in lines]),
    }
    return checked(columns.frame(parts), RawTargets)


def manager_quotas(
    quotas: DataFrame[RawQuotas],
    users: DataFrame[RawUsers],
    roles: DataFrame[RawRoles],
    rules: MonthRules,
) -> list[ManagerQuota]:
    """Return each manager's quota beside the sum of the individual quotas below."""
    found, managers = _quotas(quotas, rules), managers_above(users, roles, rules)
    compared: list[ManagerQuota] = []
    for (year, owner), quota in sorted(found.items()):
        below = _below(owner, year, found, managers)
        individual = [each for each in below if not _below(each, year, found, managers)]
        if individual:
            team = sum((found[year, each].amount for each in individual), Decimal(0))
            compared.append(ManagerQuota(year, owner, quota.amount, team))
    return compared


def _quotas(quotas: DataFrame[RawQuotas], rules: MonthRules) -> dict[tuple[int, str], _Quota]:
    wanted = rules.policy.targets.forecasting_type
    types = sorted(set(quotas["forecasting_type"]))
    if not types:
        raise UnclearQuotas(
            '[targets] source = "salesforce", and this user sees no quota; grant View All Forecasts, or write the targets to targets.csv'
        )
    if wanted not in types and (wanted or len(types) > 1):
        named = (
            f"[targets] forecasting_type names {wanted[:60]!r}"
            if wanted
            else "Salesforce has quotas of several forecasting types"
        )
        raise UnclearQuotas(
            f"{named}; choose one: [targets] forecasting_type = one of {', '.join(each[:60] for each in types)}"
        )
    chosen = quotas.loc[quotas["forecasting_type"] == (wanted or types[0])]
    spacing = _spacing(chosen, rules)
    found: dict[tuple[int, str], _Quota] = {}
    for row in columns.rows(chosen):
        start, owner, amount = (
            cast("date", row["start_date"]),
            str(row["owner_id"]),
            cast("Decimal", row["amount"]),
        )
        end = row["end_date"] if isinstance(row["end_date"], date) else None
        currency = row["currency_code"] if isinstance(row["currency_code"], str) else None
        first = rules.calendar.month_of(start)
        year = rules.calendar.year_of(first)
        key = (rules.calendar.fiscal_year(first), owner)
        known = found.setdefault(key, _Quota(currency, start, end))
        if known.currency != currency:
            raise UnclearQuotas(
                f"the quotas of {owner} for {key[0]} are in {known.currency} and in {currency}; state them in one currency"
            )
        if amount < 0:
            raise UnclearQuotas(
                f"the quota of {owner} from {start} is below zero; correct it in Salesforce"
            )
        last = rules.calendar.month_of(end) if end else first.plus(spacing - 1)
        known.add(amount, [each for each in year.months if first <= each <= last])
        known.start = min(known.start, start)
        known.end = max(known.end, end) if known.end and end else None
    return found


def _spacing(quotas: pd.DataFrame, rules: MonthRules) -> int:
    """Return how many months apart quotas start, which is how long one lasts where periods cannot be seen."""
    starts = {start for start in quotas["start_date"] if isinstance(start, date)}
    months = sorted({rules.calendar.month_of(start).index for start in starts})
    return min((two - one for one, two in pairwise(months)), default=MONTHS_IN_YEAR)


def _stated(quota: _Quota, year: Period) -> str | None:
    """Return the months of a year as a target book states them; none where nothing is to be won."""
    if not quota.amount:
        return None
    return " ".join(str(quota.by_month.get(month, Fraction(0))) for month in year.months)


def managers_above(
    users: DataFrame[RawUsers], roles: DataFrame[RawRoles], rules: MonthRules
) -> Mapping[str, frozenset[str]]:
    """Return everybody above each user: by role, or by manager where policy makes teams so."""
    if rules.policy.pipeline.team_by == "manager":
        above = _pairs(users, "user_id", "manager_id")
        return {user: frozenset(_chain(user, above)) for user in users["user_id"]}
    parents = _pairs(roles, "role_id", "parent_role_id")
    role_of = _pairs(users, "user_id", "role_id")
    holders: dict[str, set[str]] = {}
    for user, role in role_of.items():
        holders.setdefault(role, set()).add(user)
    return {
        user: frozenset(each for role in _chain(mine, parents) for each in holders.get(role, ()))
        for user, mine in role_of.items()
    }


def _below(
    owner: str,
    year: int,
    found: Mapping[tuple[int, str], _Quota],
    managers: Mapping[str, frozenset[str]],
) -> list[str]:
    return [
        each
        for of_year, each in found
        if of_year == year and each != owner and owner in managers.get(each, ())
    ]


def _pairs(table: pd.DataFrame, key: str, value: str) -> dict[str, str]:
    return {
        one: other
        for one, other in table[[key, value]].itertuples(index=False)
        if isinstance(other, str)
    }


def _chain(start: str, above: Mapping[str, str]) -> list[str]:
    """Return everything above a start, nearest first; a circle ends before it closes."""
    chain, each = list[str](), start
    while (each := above.get(each, "")) and each not in chain and each != start:
        chain.append(each)
    return chain
