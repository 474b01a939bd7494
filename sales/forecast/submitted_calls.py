"""Submitted forecasts as calls: what sellers submitted in Salesforce that a month, quarter or year would bring.

Put here which submission is whose call of which period; how calls are judged is `calls`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import cast
from zoneinfo import ZoneInfo

import pandas as pd
from pandera.typing import DataFrame

from sales import money
from sales.calendar import FiscalCalendar
from sales.contracts.raw import RawRoles, RawSubmittedForecasts, RawUsers
from sales.policy.rules import MonthRules
from sales.targets.quotas import managers_above
from sales.targets.stated_plans import StatedCall

# Item categories that together are a call: rolled up by Salesforce, else one on top of the other.
ROLLED_UP = {
    "commit": "CommitForecast",
    "most_likely": "MostLikelyForecast",
    "best_case": "BestCaseForecast",
}
IN_PARTS = {
    "commit": ("ClosedOnly", "CommitOnly"),
    "most_likely": ("ClosedOnly", "CommitOnly", "MostLikelyOnly"),
    "best_case": ("ClosedOnly", "CommitOnly", "MostLikelyOnly", "BestCaseOnly"),
}


def submitted_calls(
    submitted: DataFrame[RawSubmittedForecasts],
    users: DataFrame[RawUsers],
    roles: DataFrame[RawRoles],
    currency: str | None,
    rules: MonthRules,
) -> list[StatedCall]:
    """Return the calls of those who have nobody below them: what a manager submits is the team's.

    `currency` is the corporate one, in which Salesforce keeps what is submitted; where figures are
    in another one, nothing of it is a call. Neither is what was submitted for a period that is no
    month, quarter or year here, nor what is of another forecasting type.
    """
    wanted = _forecasting_type(submitted, rules)
    if wanted is None or currency != rules.currency:
        return []
    chosen = submitted.loc[submitted["forecasting_type"] == wanted]
    above = frozenset[str]().union(*managers_above(users, roles, rules).values())
    spacing, zone = _spacing(chosen, rules.calendar), ZoneInfo(rules.calendar.time_zone)
    found: dict[tuple[str, str, date], StatedCall] = {}
    keys = ["owner_id", "start_date", "end_date", "submitted_at"]
    for key, items in chosen.groupby(keys, sort=True, dropna=False, observed=True):
        owner, start, end, at = cast("tuple[str, date, date | None, pd.Timestamp]", key)
        amount = _called(dict(zip(items["category"], items["amount"], strict=True)), rules)
        period = _period(start, None if pd.isna(end) else end, spacing, rules.calendar)
        if amount is None or period is None or owner in above:
            continue
        day = at.tz_convert(zone).date()
        cents = money.to_minor(amount.quantize(money.quantum(rules.digits)), rules.digits)
        # In order of time: of one day the last submission stays.
        found[owner, period, day] = StatedCall(owner, period, cents, day)
    return list(found.values())


def unclear_forecasting_type(
    submitted: DataFrame[RawSubmittedForecasts], rules: MonthRules
) -> str | None:
    """Return why nothing that was submitted is a call, as a sentence with its cure; none where something is, or nothing was submitted."""
    types = _types(submitted)
    if not types or _forecasting_type(submitted, rules) in types:
        return None
    named, shown = rules.policy.calls.forecasting_type, ", ".join(each[:60] for each in types)
    said = (
        f"[calls] forecasting_type names {named[:60]!r}, and forecasts were submitted of {shown}"
        if named
        else f"forecasts were submitted of several forecasting types: {shown}"
    )
    return f"{said}; no call is taken from them until [calls] forecasting_type names one of them"


def _forecasting_type(submitted: DataFrame[RawSubmittedForecasts], rules: MonthRules) -> str | None:
    """Return the type that counts: the one of the calls, else of the quotas, else the only one."""
    types, of_quotas = _types(submitted), rules.policy.targets.forecasting_type
    if named := rules.policy.calls.forecasting_type:
        return named
    if of_quotas in types:
        return of_quotas
    return types[0] if len(types) == 1 else None


def _types(submitted: DataFrame[RawSubmittedForecasts]) -> list[str]:
    return sorted(set(submitted["forecasting_type"]))


def _called(by_category: Mapping[str, Decimal], rules: MonthRules) -> Decimal | None:
    """Return the call of a submission: what Salesforce rolled up, else its parts; none where neither was submitted."""
    wanted = rules.policy.calls.category
    if ROLLED_UP[wanted] in by_category:
        return by_category[ROLLED_UP[wanted]]
    parts = [by_category[each] for each in IN_PARTS[wanted] if each in by_category]
    return sum(parts, Decimal(0)) if parts else None


def _spacing(submitted: pd.DataFrame, calendar: FiscalCalendar) -> int:
    """Return how many months apart periods begin, which is how long one is where periods cannot be seen."""
    months = sorted({calendar.month_of(each).index for each in submitted["start_date"]})
    return min((two - one for one, two in pairwise(months)), default=1)


def _period(start: date, end: date | None, spacing: int, calendar: FiscalCalendar) -> str | None:
    """Return the name of the month, quarter or year from a day to another; none where it is none of them."""
    first = calendar.month_of(start)
    last = calendar.month_of(end) if end else first.plus(spacing - 1)
    periods = (calendar.month_period(first), calendar.quarter_of(first), calendar.year_of(first))
    return next((each.name for each in periods if (each.first, each.last) == (first, last)), None)
