"""The next 90 days: what is due, what is overdue, what to protect.

Put the closing plan here. It shows CRM facts; dates and probabilities by
forecast are added where a forecast exists. Definitions, section 9.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np
import pandas as pd
import pyarrow as pa

from sales import columns, money
from sales.calendar import Month
from sales.columns import NO_DAY, NO_INSTANT, Mask
from sales.policy import MonthRules
from sales.tables import ClosingPlan, checked, stamp

HORIZON_DAYS = 90
SLOW_PERCENTILE = 80
FEWEST_WON_CYCLES = 20
PUSHES_OF_A_SLOW_DEAL = 2
EXISTING_CLIENT_MONTHS = 24
EPOCH = date(1970, 1, 1)


def closing_plan(snapshot: pd.DataFrame, month: Month, rules: MonthRules) -> pd.DataFrame:
    """Return open deals due within 90 days after the month end, and overdue ones."""
    today = (month.plus(1).first_day - EPOCH).days
    due = columns.to_days(snapshot["close_date"])
    listed = columns.booleans(snapshot["is_open"]) & (due < today + HORIZON_DAYS)
    overdue = due < today
    is_slow = slow_deals(snapshot, month, rules)
    is_protected = is_slow & existing_clients(snapshot, month)
    pushes = np.asarray(columns.arrow(snapshot["push_count"]))
    _, without_amount = money.minor_units(snapshot["amount"], rules.digits)
    signs = {
        "overdue": overdue,
        "no_amount": without_amount,
        "pushed": pushes > 0,
        "slow": is_slow,
        "protect": is_protected,
    }
    deals = snapshot.loc[listed]
    flags = [" ".join(name for name, sign in signs.items() if sign[position]) for position in np.flatnonzero(listed).tolist()]
    size = len(deals)
    plan = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), size),
            "opportunity_id": columns.arrow(deals["opportunity_id"]),
            "owner_id": columns.arrow(deals["owner_id"]),
            "account_id": columns.arrow(deals["account_id"]),
            "amount": columns.arrow(deals["amount"]),
            "close_date": columns.arrow(deals["close_date"]),
            "expected_month": pa.nulls(size, pa.string()),
            "win_probability": pa.nulls(size, pa.float64()),
            "push_count": columns.arrow(deals["push_count"]),
            "days_overdue": pa.array(np.maximum(today - due[listed], 0)),
            "flags": columns.text(flags),
            "hit_change_month": pa.nulls(size, pa.float64()),
            "hit_change_quarter": pa.nulls(size, pa.float64()),
            "hit_change_year": pa.nulls(size, pa.float64()),
        }
    )
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(plan, rules.calendar.as_of(month), extracted_at), ClosingPlan)


def slow_deals(snapshot: pd.DataFrame, month: Month, rules: MonthRules) -> Mask:
    """Return open deals that took longer than four in five of this company's wins, or were pushed twice."""
    created = columns.to_instants(snapshot["created_at"])
    decided = columns.to_instants(snapshot["stage_entered_at"])
    is_open = columns.booleans(snapshot["is_open"])
    pushed = np.asarray(columns.arrow(snapshot["push_count"])) >= PUSHES_OF_A_SLOW_DEAL
    measured = columns.booleans(snapshot["is_won"]) & (decided != NO_INSTANT)
    cycles = (decided - created)[measured]
    if len(cycles) < FEWEST_WON_CYCLES:
        return is_open & pushed
    age = columns.instant_of(rules.calendar.as_of(month)) - created
    return is_open & (pushed | (age > np.percentile(cycles, SLOW_PERCENTILE)))


def existing_clients(snapshot: pd.DataFrame, month: Month) -> Mask:
    """Return deals whose account has a booking in the 24 months up to the month end."""
    due = columns.to_days(snapshot["close_date"])
    since = (month.plus(1 - EXISTING_CLIENT_MONTHS).first_day - EPOCH).days
    until = (month.last_day + timedelta(days=1) - EPOCH).days
    booked = columns.booleans(snapshot["is_won"]) & (due >= since) & (due < until) & (due != NO_DAY)
    clients = columns.distinct(snapshot.loc[booked, "account_id"])
    return columns.codes(snapshot["account_id"], clients) >= 0
