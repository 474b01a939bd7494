"""What if a deal moved, went, or another came: the change of attainment, coverage, P(hit) and of the work.

Put the recomputation here. Nothing is approximated: the forecast is made again from changed deals,
and the chance of a moved deal to be won is held as it was, or lowered to that of pushed deals.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Mask
from sales.calendar import Month, Period
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage.coverage import open_pipeline
from sales.errors import UserError
from sales.forecast.client_phasing import DeliveryMonth, delivery_load
from sales.forecast.landing_forecast import chance_to_hit
from sales.forecast.sales_facts import SalesFacts, sales_facts
from sales.policy.rules import MonthRules
from sales.rollup import Grain
from sales.statistics.deal_outcomes import HORIZON, PRIOR_DEALS, DealForecast, ForecastBasis
from sales.statistics.period_distribution import forecast_inputs_of, to_come
from sales.statistics.point_in_time import LOST, WON, Knowledge
from sales.vocabulary import GrainKind


class UnknownDeal(UserError, LookupError):
    """A change names a deal that is not open at the month end."""


class UnthinkableChange(UserError, ValueError):
    """A change cannot be computed."""


@dataclass(frozen=True)
class Change:
    """What is changed: deals by id that confirm in another month or go, and certain business by month, in minor units."""

    moves: Sequence[tuple[str, Month]] = ()
    drops: Sequence[str] = ()
    adds: Sequence[tuple[Month, int]] = ()


@dataclass(frozen=True)
class Standing:
    """Where a period stands: shares of the target are 0-1, coverage is open pipeline / remaining target; none where there is none."""

    expected: Decimal
    expected_attainment: float | None
    coverage: float | None
    hit_probability: float | None


@dataclass(frozen=True)
class PeriodChange:
    """A period before and after, and after with the win rate of pushed deals where something moves."""

    period: Period
    target: Decimal
    before: Standing
    after: Standing
    after_as_pushed: Standing | None


@dataclass(frozen=True)
class WhatIf:
    """The company's month, quarter and year to come, the work before and after, and how pushed deals fared."""

    periods: list[PeriodChange]
    load_before: list[DeliveryMonth]
    load_after: list[DeliveryMonth]
    pushed_factor: float


def what_if(
    change: Change,
    forecast_basis: ForecastBasis,
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> WhatIf:
    """Return what a change does to the company; raises `UnknownDeal` and `UnthinkableChange`."""
    facts = sales_facts(snapshot, booking_credit, phased_targets, month, rules)
    factor = pushed_factor(forecast_basis.known)
    held, pushed = (_changed(forecast_basis, change, each) for each in (1.0, factor))
    coming, calendar = month.plus(1), rules.calendar
    periods: list[PeriodChange] = []
    for period in (
        calendar.month_period(coming),
        calendar.quarter_of(coming),
        calendar.year_of(coming),
    ):
        added = sum(amount for when, amount in change.adds if when in period.months)
        standings = [
            _standing(each, facts, snapshot, period, month, rules, its_change, more)
            for each, its_change, more in (
                (forecast_basis, Change(), 0),
                (held, change, added),
                (pushed, change, added),
            )
        ]
        target = int(facts.targets(_company(facts), period)[0])
        periods.append(
            PeriodChange(
                period,
                money.decimal_of(target, rules.digits),
                standings[0],
                standings[1],
                standings[2] if change.moves else None,
            )
        )
    return WhatIf(
        periods,
        delivery_load(snapshot, forecast_basis, month, rules),
        delivery_load(snapshot, held, month, rules),
        factor,
    )


def pushed_factor(known: Knowledge) -> float:
    """Return the win rate of deals that were pushed over that of all deals, at most 1, pulled towards 1."""
    pushes = np.zeros(len(known.deal_ids), np.int64)
    np.maximum.at(pushes, known.past.deal, known.past.pushes)
    seen = np.zeros(len(known.deal_ids), np.bool_)
    seen[known.past.deal] = True
    decided = seen & np.isin(known.outcomes.status, [WON, LOST])
    won, pushed = known.outcomes.status == WON, pushes > 0
    overall = float(won[decided].mean()) if decided.any() else 0.0
    if not overall:
        return 1.0
    number, wins = int((decided & pushed).sum()), int((decided & pushed & won).sum())
    return min(1.0, (wins + PRIOR_DEALS * overall) / (number + PRIOR_DEALS) / overall)


def _changed(forecast_basis: ForecastBasis, change: Change, factor: float) -> ForecastBasis:
    deal_forecast = _deals_of(forecast_basis)
    win = deal_forecast.win.copy()
    for deal_id, month in change.moves:
        row, ahead = (
            _row(forecast_basis.known, deal_forecast, deal_id),
            month.index - forecast_basis.known.month,
        )
        if not 1 <= ahead <= HORIZON:
            raise UnthinkableChange(
                f"{month} is not within the {HORIZON} months after {Month.from_index(forecast_basis.known.month)}; name one of them"
            )
        chance = min(float(win[row].sum()), 1.0)
        win[row] = 0.0
        win[row, ahead] = chance * factor
    for deal_id in change.drops:
        win[_row(forecast_basis.known, deal_forecast, deal_id)] = 0.0
    return replace(forecast_basis, deals=replace(deal_forecast, win=win))


def _deals_of(forecast_basis: ForecastBasis) -> DealForecast:
    if forecast_basis.deals is None:
        month = Month.from_index(forecast_basis.known.month)
        raise UnthinkableChange(
            f"there is too little history at the end of {month} for a forecast; ask for a later month"
        )
    return forecast_basis.deals


def _row(known: Knowledge, deal_forecast: DealForecast, deal_id: str) -> int:
    here = known.deal_ids.take(pa.array(deal_forecast.deals.deal)).to_pylist()
    found = [row for row, each in enumerate(here) if deal_id in {each, each[:15]}]
    if not found:
        raise UnknownDeal(
            f"{deal_id[:40]!r} is no deal that is open at the end of {Month.from_index(known.month)}; use the id of an open one"
        )
    return found[0]


def _standing(
    forecast_basis: ForecastBasis,
    facts: SalesFacts,
    snapshot: DataFrame[OpportunitySnapshot],
    period: Period,
    month: Month,
    rules: MonthRules,
    change: Change,
    added: int,
) -> Standing:
    ahead = forecast_inputs_of(
        forecast_basis, _deals_of(forecast_basis), facts.grains, facts.sells_after(month)
    )
    company, coming = _company(facts), to_come(ahead, period)
    booked, target = facts.bookings(company, period) + added, facts.targets(company, period)
    expected = int(booked[0] + np.rint(coming.expected).astype(np.int64).sum())
    gap = max(int(target[0] - booked[0]), 0)
    pipeline = int(_open_amount(snapshot, period, month, rules, change))
    has_target = int(target[0]) > 0
    return Standing(
        expected=money.decimal_of(expected, rules.digits),
        expected_attainment=expected / int(target[0]) if has_target else None,
        coverage=pipeline / gap if has_target and gap else None,
        hit_probability=float(chance_to_hit(booked, target, coming, GrainKind.COMPANY)[0])
        if has_target
        else None,
    )


def _open_amount(
    snapshot: DataFrame[OpportunitySnapshot],
    period: Period,
    month: Month,
    rules: MonthRules,
    change: Change,
) -> int:
    """Return the open pipeline of a period with the changes made: a moved deal counts in its new month."""
    pipeline = open_pipeline(snapshot, month, rules)
    ids = columns.arrow(snapshot["opportunity_id"]).to_pylist()
    counts_in, is_open = pipeline.counts_in.copy(), pipeline.is_open.copy()
    row_of = {deal[:15]: row for row, deal in enumerate(ids)}
    for deal, when in change.moves:
        counts_in[row_of[deal[:15]]] = when.index
    for deal in change.drops:
        is_open[row_of[deal[:15]]] = False
    inside: Mask = (
        is_open
        & ~pipeline.is_null
        & (counts_in >= period.first.index)
        & (counts_in <= period.last.index)
    )
    return int(pipeline.amount[inside].sum())


def _company(facts: SalesFacts) -> Grain:
    return list(facts.grains)[-1]
