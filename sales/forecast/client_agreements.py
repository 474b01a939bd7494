"""Retainers and framework agreements: what they bring by month, and which are left at a month end.

Put here which agreements are known when and how their months count. The backlog is what agreements
bring in the months to come; bookings are deals and stay apart from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from fractions import Fraction

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import FiscalCalendar, Month
from sales.contracts.contract import checked, stamp
from sales.contracts.history import OpportunitySnapshot
from sales.contracts.work import ClientAgreements
from sales.history.teams import UNASSIGNED
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON
from sales.targets.stated_plans import Agreement


@dataclass(frozen=True)
class AgreedMonth:
    """What an agreement brings in a month: minor units and days of work."""

    agreement: Agreement
    month: Month
    amount: int
    days: float


def known_agreements(
    agreements: Iterable[Agreement], month: Month, rules: MonthRules
) -> list[Agreement]:
    """Return the terms of agreements as signed by a month's end, by client, name and first day.

    Terms of the same client and name that were signed later take the place of earlier ones from
    their own first day on: until then the earlier ones hold.
    """
    today = rules.calendar.today(month)
    signed: dict[tuple[str, str], list[Agreement]] = {}
    for each in sorted(agreements, key=lambda each: each.signed_on, reverse=True):
        if each.signed_on < today:
            signed.setdefault((each.account_id, each.name.casefold()), []).append(each)
    return [each for key in sorted(signed) for each in _in_force(signed[key])]


def _in_force(newest_first: Iterable[Agreement]) -> list[Agreement]:
    """Return terms cut off where those begin that were signed after them, the earliest first."""
    found: list[Agreement] = []
    until: date | None = None
    for each in newest_first:
        ends = [day for day in (each.end, until and until - timedelta(days=1)) if day]
        end = min(ends, default=None)
        if end is None or each.start <= end:
            found.append(replace(each, end=end))
        until = min(each.start, until or each.start)
    return found[::-1]


def agreed_months(
    agreements: Iterable[Agreement], first: Month, months: int, calendar: FiscalCalendar
) -> list[AgreedMonth]:
    """Return what agreements bring in so many months from the first on; a month that one covers in part counts by its days."""
    found: list[AgreedMonth] = []
    for month in (first.plus(step) for step in range(months)):
        begins, ends = calendar.first_day(month), calendar.last_day(month)
        for each in agreements:
            last = ends if each.end is None else min(ends, each.end)
            inside = (last - max(begins, each.start)).days + 1
            if inside > 0:
                share = Fraction(inside, (ends - begins).days + 1)
                found.append(
                    AgreedMonth(each, month, round(each.amount * share), each.days * float(share))
                )
    return found


def client_agreements(
    snapshot: DataFrame[OpportunitySnapshot],
    agreements: Iterable[Agreement],
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> DataFrame[ClientAgreements]:
    """Return the agreements that are known at a month's end and run on after it, by client and name."""
    today = rules.calendar.today(month)
    ahead: dict[tuple[str, str], list[Agreement]] = {}
    for each in known_agreements(agreements, month, rules):
        if each.end is None or each.end >= today:
            ahead.setdefault((each.account_id, each.name.casefold()), []).append(each)
    # The last terms of each are told, with what all of them bring.
    shown = [terms[-1] for terms in ahead.values()]
    accounts = columns.text([each.account_id for each in shown])
    opened = columns.arrow(snapshot.loc[columns.booleans(snapshot["is_open"]), "account_id"])
    clients = columns.distinct(accounts)
    open_deals = np.bincount(columns.codes(opened, clients) + 1, minlength=len(clients) + 1)[1:]
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(shown)),
            "account_id": accounts,
            "agreement": columns.text([each.name for each in shown]),
            "signed_on": pa.array([each.signed_on for each in shown], pa.date32()),
            "start_date": pa.array([each.start for each in shown], pa.date32()),
            "end_date": pa.array([each.end for each in shown], pa.date32()),
            "monthly_amount": _minor([each.amount for each in shown], rules.digits),
            "monthly_days": pa.array([each.days for each in shown], pa.float64()),
            "backlog": _minor(
                [_coming(each, month, rules) for each in ahead.values()], rules.digits
            ),
            "open_deals": pa.array(open_deals[columns.codes(accounts, clients)], pa.int64()),
            "team": columns.text(teams_of(shown, snapshot)),
            "account_name": columns.text([each.account_name for each in shown]),
        }
    ).sort_values(["account_id", "agreement"], kind="stable", ignore_index=True)
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), ClientAgreements)


def teams_of(
    agreements: Sequence[Agreement], snapshot: DataFrame[OpportunitySnapshot]
) -> list[str]:
    """Return the team of each agreement: the stated one, else that of the client's newest deal."""
    deals = snapshot[["account_id", "team", "created_at"]].dropna(subset=["account_id"])
    deals = deals.loc[deals["account_id"].isin([each.account_id for each in agreements])]
    newest = deals.sort_values("created_at", kind="stable").drop_duplicates(
        "account_id", keep="last"
    )
    by_client = dict(zip(newest["account_id"].tolist(), newest["team"].tolist(), strict=True))
    return [each.team or by_client.get(each.account_id, UNASSIGNED) for each in agreements]


def _coming(terms: Iterable[Agreement], month: Month, rules: MonthRules) -> int:
    months = agreed_months(terms, month.plus(1), HORIZON, rules.calendar)
    return sum(each.amount for each in months)


def _minor(amounts: Sequence[int], digits: int) -> pa.Array:
    return money.decimal_array(np.array(amounts, np.int64), digits)
