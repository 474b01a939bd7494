"""The next 90 days: what is due, what is overdue, what to protect.

Put the closing plan here. It shows CRM facts; chances, days of confirmation and the price of
patience are added where a forecast exists. Definitions, sections 8 and 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.arrow import NO_DAY, NO_INSTANT, Codes, Floats, Mask
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.forecast import ClosingPlan
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.forecast.sales_facts import SalesFacts, sales_facts
from sales.forecast.work import ServiceSpan
from sales.policy.rules import MonthRules
from sales.statistics.close_dates import CloseDateScore, days_of, expected_months
from sales.statistics.deal_outcomes import ForecastBasis
from sales.statistics.delay_impact import after_waiting, company_leverage, owner_leverage
from sales.statistics.period_distribution import (
    ForecastInputs,
    PeriodParts,
    forecast_inputs,
    offsets,
)
from sales.vocabulary import PeriodKind

HORIZON_DAYS = 90
SLOW_PERCENTILE = 80
FEWEST_WON_CYCLES = 20
PUSHES_OF_A_SLOW_DEAL = 2
EXISTING_CLIENT_MONTHS = 24
# Longer overdue, or with less of a chance, a deal is closed or re-dated and no longer protected.
LONG_OVERDUE_DAYS, COLD = 90, 0.10
EPOCH = date(1970, 1, 1)
WAITS = (1, 2, 3)
CONFIRMED = (0.1, 0.5, 0.9)
HIT_CHANGES = (
    *(f"hit_change_{kind}{tail}" for tail in ("", "_2", "_3") for kind in PeriodKind),
    *(f"owner_hit_change_{kind}" for kind in PeriodKind),
)


@dataclass(frozen=True)
class PlanForecast:
    """What a closing plan takes from a forecast: what it rests on, the facts it is held against, and the score of its dates."""

    ahead: ForecastInputs
    facts: SalesFacts
    score: CloseDateScore


def plan_forecast(
    forecast_basis: ForecastBasis,
    score: CloseDateScore,
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> PlanForecast | None:
    """Return what the closing plan needs of a forecast; none with too little history."""
    facts = sales_facts(snapshot, booking_credit, phased_targets, month, rules)
    ahead = forecast_inputs(forecast_basis, facts.grains, facts.sells_after(month))
    return PlanForecast(ahead, facts, score) if ahead else None


def closing_plan(
    snapshot: DataFrame[OpportunitySnapshot],
    month: Month,
    rules: MonthRules,
    forecast: PlanForecast | None = None,
) -> DataFrame[ClosingPlan]:
    """Return open deals due within 90 days after the month end, and overdue ones."""
    today = (rules.calendar.today(month) - EPOCH).days
    due = columns.to_days(snapshot["close_date"])
    listed = columns.booleans(snapshot["is_open"]) & (due < today + HORIZON_DAYS)
    deals = snapshot.loc[listed]
    size = len(deals)
    found = _by_forecast(forecast, columns.arrow(deals["opportunity_id"]), month, rules)
    days_overdue = np.maximum(today - due[listed], 0)
    chance = np.asarray(found["win_probability"].fill_null(1.0))  # unknown is not cold
    is_slow = slow_deals(snapshot, month, rules)[listed]
    is_protected = (
        is_slow
        & existing_clients(snapshot, month, rules)[listed]
        & (days_overdue <= LONG_OVERDUE_DAYS)
        & (chance >= COLD)
    )
    signs = {
        "overdue": days_overdue > 0,
        "no_amount": np.asarray(columns.arrow(deals["amount"]).is_null()),
        "pushed": np.asarray(columns.arrow(deals["push_count"])) > 0,
        "slow": is_slow,
        "protect": is_protected,
    }
    flags = [" ".join(name for name, sign in signs.items() if sign[n]) for n in range(size)]
    plan = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), size),
            "opportunity_id": columns.arrow(deals["opportunity_id"]),
            "owner_id": columns.arrow(deals["owner_id"]),
            "account_id": columns.arrow(deals["account_id"]),
            "amount": columns.arrow(deals["amount"]),
            "close_date": columns.arrow(deals["close_date"]),
            "expected_month": found["expected_month"],
            "win_probability": found["win_probability"],
            "push_count": columns.arrow(deals["push_count"]),
            "days_overdue": pa.array(days_overdue),
            "flags": columns.text(flags),
            **{name: found[name] for name in (*HIT_CHANGES, "confirm_p10", "confirm_p90")},
            **_work(snapshot, listed, found["expected_month"], month, rules),
        }
    )
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(plan, rules.calendar.as_of(month), extracted_at), ClosingPlan)


def _work(
    snapshot: DataFrame[OpportunitySnapshot],
    listed: Mask,
    expected: pa.Array,
    month: Month,
    rules: MonthRules,
) -> dict[str, pa.Array]:
    """Return the work that deals bring, when it is to begin by the CRM's dates, and when it is likely to.

    Nothing is confirmed before the coming month: an overdue deal neither.
    """
    rows, calendar = np.flatnonzero(listed), rules.calendar
    effort = columns.floats(snapshot["effort_days"])[rows]
    none = ~(effort > 0)
    due = calendar.month_index(columns.to_days(snapshot["close_date"])[rows])
    by_forecast = [
        None if each is None else Month.parse(each).index for each in expected.to_pylist()
    ]
    likely = np.array(
        [
            max(month.index + 1, each if found is None else found)
            for each, found in zip(due.tolist(), by_forecast, strict=True)
        ],
        np.int64,
    )
    span = ServiceSpan(snapshot, calendar)
    return {
        "effort_days": pa.array(effort, mask=none),
        "work_month": _month_names(span.planned(rows, due), none),
        "likely_work_month": _month_names(span.starts(rows, likely), none),
    }


def _month_names(index: Codes, none: Mask) -> pa.Array:
    return columns.text(
        [
            None if empty else str(Month.from_index(each))
            for empty, each in zip(none.tolist(), index.tolist(), strict=True)
        ]
    )


def _by_forecast(
    forecast: PlanForecast | None, deal_ids: pa.Array, month: Month, rules: MonthRules
) -> dict[str, pa.Array]:
    """Return the columns that a forecast fills, empty where there is none or where the deal's state is assumed."""
    size = len(deal_ids)
    numbers, days = pa.nulls(size, pa.float64()), pa.nulls(size, pa.date32())
    found: dict[str, pa.Array] = {
        "expected_month": pa.nulls(size, pa.string()),
        "win_probability": numbers,
        **dict.fromkeys(HIT_CHANGES, numbers),
        "confirm_p10": days,
        "confirm_p90": days,
    }
    if forecast is None:
        return found
    ahead, known = forecast.ahead, forecast.ahead.known
    row = columns.codes(deal_ids, known.deal_ids.take(pa.array(ahead.deal_forecast.deals.deal)))
    unknown, place = row < 0, np.maximum(row, 0)
    if not ahead.deal_forecast.size:
        return found
    win = ahead.deal_forecast.win[place]
    found["win_probability"] = pa.array(np.minimum(win.sum(axis=1), 1.0), mask=unknown)
    if forecast.score.is_better:
        confirmed = {
            level: days_of(
                expected_months(ahead.deal_forecast, level)[place], known.month, rules.calendar
            )
            for level in CONFIRMED
        }
        months = rules.calendar.month_index(confirmed[0.5])
        found["expected_month"] = _month_names(months, unknown)
        found["confirm_p10"], found["confirm_p90"] = (
            columns.from_days(np.where(unknown, NO_DAY, confirmed[level]))
            for level in (CONFIRMED[0], CONFIRMED[2])
        )
    coming = month.plus(1)
    calendar = rules.calendar
    for period in (
        calendar.month_period(coming),
        calendar.quarter_of(coming),
        calendar.year_of(coming),
    ):
        found |= _price_of_patience(forecast, period, np.where(unknown, -1, place), win, unknown)
    return found


def _price_of_patience(
    forecast: PlanForecast, period: Period, row: Codes, win: Floats, unknown: Mask
) -> dict[str, pa.Array]:
    """Return the change of P(hit) of a period if each deal confirms one, two or three months later."""
    facts, ahead = forecast.facts, forecast.ahead
    first, last = offsets(ahead.known, period)
    parts = PeriodParts(ahead, first, last)
    person, _, company = facts.grains
    missing = [
        facts.targets(grain, period) - facts.bookings(grain, period) for grain in (company, person)
    ]
    has_target = facts.targets(company, period)[0] > 0
    before = np.minimum(win[:, first : last + 1].sum(axis=1), 1.0)
    after = [
        np.minimum(after_waiting(win, months)[:, first : last + 1].sum(axis=1), 1.0)
        for months in WAITS
    ]
    of_company = company_leverage(parts, row, float(missing[0][0]))
    changes = {
        f"hit_change_{period.kind}{'' if months == 1 else f'_{months}'}": pa.array(
            of_company.change(before, later), mask=unknown | ~np.full(len(row), has_target)
        )
        for months, later in zip(WAITS, after, strict=True)
    }
    owners = np.r_[ahead.person_of_deal, -1][row]
    without = unknown | ~(np.r_[facts.targets(person, period), 0][owners] > 0)
    of_owner = owner_leverage(parts, row, owners, missing[1].astype(np.float64))
    return {
        **changes,
        f"owner_hit_change_{period.kind}": pa.array(
            of_owner.change(before, after[0]), mask=without
        ),
    }


def slow_deals(snapshot: DataFrame[OpportunitySnapshot], month: Month, rules: MonthRules) -> Mask:
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


def existing_clients(
    snapshot: DataFrame[OpportunitySnapshot], month: Month, rules: MonthRules
) -> Mask:
    """Return deals whose account has a booking in the 24 months up to the month end."""
    due = columns.to_days(snapshot["close_date"])
    since = (rules.calendar.first_day(month.plus(1 - EXISTING_CLIENT_MONTHS)) - EPOCH).days
    until = (rules.calendar.today(month) - EPOCH).days
    booked = columns.booleans(snapshot["is_won"]) & (due >= since) & (due < until) & (due != NO_DAY)
    clients = columns.distinct(snapshot.loc[booked, "account_id"])
    return columns.codes(snapshot["account_id"], clients) >= 0
