"""The landing forecast: P10, P50, P90, the chance to reach each target, bands, and the margin that may be missed.

Put the table and the words for chances here. The distributions are `sales.statistics.period_distribution`, their past is
`backtest`. Definitions, section 8.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Floats
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.forecast import LandingForecast
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.forecast.sales_facts import SalesFacts, periods_forecast, sales_facts
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.policy.sections import Forecast
from sales.rollup import Grain
from sales.statistics.deal_outcomes import ForecastBasis
from sales.statistics.period_distribution import ForecastInputs, ToCome, forecast_inputs, to_come
from sales.targets.attainment import a_year_before, by_key
from sales.vocabulary import Band, PeriodKind

QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
MODEL, TOO_LITTLE_HISTORY, OVER = "model", "too_little_history", "over"
LOOK_BACK = 3


def landing_forecast(
    forecast_basis: ForecastBasis,
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> DataFrame[LandingForecast]:
    """Return the landing of each grain and period."""
    facts = sales_facts(snapshot, booking_credit, phased_targets, month, rules)
    ahead = forecast_inputs(forecast_basis, facts.grains, facts.sells_after(month))
    parts = forecast_parts(
        ahead,
        facts,
        month,
        rules,
        forecast_basis.known.first_won,
        periods_forecast(rules.calendar, month),
    )
    table = by_key(pd.concat(parts, ignore_index=True))
    return checked(
        stamp(table, rules.calendar.as_of(month), snapshot["extracted_at"].iloc[0]), LandingForecast
    )


def forecast_parts(
    ahead: ForecastInputs | None,
    facts: SalesFacts,
    month: Month,
    rules: MonthRules,
    first_won: int,
    periods: Sequence[Period],
    *,
    with_margin: bool = True,
) -> list[pd.DataFrame]:
    """Return the rows of each period and grain, without the instants of reading."""
    bands = rules.policy.forecast
    parts: list[pd.DataFrame] = []
    for period in periods:
        is_over = period.last <= month
        coming = to_come(ahead, period) if ahead and not is_over else None
        after = (
            _after_next(ahead, period, month)
            if coming and with_margin and period.kind == PeriodKind.YEAR
            else None
        )
        for grain in facts.grains:
            booked, target = facts.bookings(grain, period), facts.targets(grain, period)
            parts.append(
                _rows(
                    grain,
                    period,
                    month,
                    rules,
                    booked,
                    target,
                    {
                        **_landing(
                            grain,
                            coming,
                            booked,
                            target,
                            bands,
                            is_over=is_over,
                            digits=rules.digits,
                        ),
                        "margin": _margin(facts, grain, after, period, month, bands, rules.digits)
                        if coming
                        else _no_money(grain, rules.digits),
                        **_baselines(facts, grain, period, month, booked, first_won, rules.digits),
                        "method": columns.repeat(
                            OVER if is_over else MODEL if coming else TOO_LITTLE_HISTORY,
                            len(grain.ids),
                        ),
                    },
                )
            )
    return parts


def band_of(chance: Floats, bands: Forecast) -> list[str]:
    """Return the word for each chance."""
    bounds = [float(bands.secure), float(bands.on_track), float(bands.stretch)]
    return np.select(
        [chance >= bound for bound in bounds],
        [Band.SECURE, Band.ON_TRACK, Band.STRETCH],
        Band.OUT_OF_REACH,
    ).tolist()


def chance_to_hit(booked: Minor, target: Minor, coming: ToCome | None, grain: str) -> Floats:
    """Return the chance that what is booked and what is to come reach the target; without a future, whether they do."""
    missing = (target - booked).astype(np.float64)
    return coming.of(grain).reaches(missing) if coming else (missing <= 0).astype(np.float64)


def margin_of(target: float, next_target: float, booked: float, later: float) -> float:
    """Return how much of the next month's target may be missed.

    `target` is the year's, `booked` what the year has without the next month, `later` what the
    months after it bring at the bound's chance. More bookings never lower it, a larger target never
    raises it.
    """
    return next_target - max(0.0, target - booked - later)


def _landing(
    grain: Grain,
    coming: ToCome | None,
    booked: Minor,
    target: Minor,
    bands: Forecast,
    *,
    is_over: bool,
    digits: int,
) -> dict[str, pa.Array]:
    size = len(grain.ids)
    if coming is None and not is_over:
        return {
            **{
                name: _no_money(grain, digits)
                for name in (*QUANTILES, "expected", "expected_without_largest")
            },
            "hit_probability": pa.nulls(size, pa.float64()),
            "band": pa.nulls(size, pa.string()),
        }
    chance = chance_to_hit(booked, target, coming, grain.name)
    without = target == 0
    words = [
        None if none else word
        for none, word in zip(without.tolist(), band_of(chance, bands), strict=True)
    ]
    landings = {
        name: booked
        if coming is None
        else booked + np.rint(coming.of(grain.name).quantile(level)).astype(np.int64)
        for name, level in QUANTILES.items()
    }
    more = (
        np.zeros(size, np.int64)
        if coming is None
        else money.sum_by(grain.of_person, np.rint(coming.expected).astype(np.int64), size)
    )
    largest = (
        np.zeros(size, np.int64)
        if coming is None
        else np.rint(coming.largest[grain.name]).astype(np.int64)
    )
    return {
        **{name: money.decimal_array(amount, digits) for name, amount in landings.items()},
        "expected": money.decimal_array(booked + more, digits),
        "expected_without_largest": money.decimal_array(booked + more - largest, digits),
        "hit_probability": pa.array(chance, mask=without),
        "band": columns.text(words),
    }


def _after_next(ahead: ForecastInputs | None, period: Period, month: Month) -> ToCome | None:
    """Return what the months after the next one bring in a year, none where there are none."""
    later = tuple(each for each in period.months if each > month.plus(1))
    return to_come(ahead, Period(PeriodKind.YEAR, period.name, later)) if ahead and later else None


def _margin(
    facts: SalesFacts,
    grain: Grain,
    after: ToCome | None,
    period: Period,
    month: Month,
    bands: Forecast,
    digits: int,
) -> pa.Array:
    coming = month.plus(1)
    if period.kind != PeriodKind.YEAR or coming not in period.months:
        return _no_money(grain, digits)
    next_period = Period(PeriodKind.MONTH, str(coming), (coming,))
    target, next_target = facts.targets(grain, period), facts.targets(grain, next_period)
    booked = facts.bookings(grain, period) - facts.bookings(grain, next_period)
    later = (
        after.of(grain.name).quantile(1 - float(bands.on_track))
        if after
        else np.zeros(len(grain.ids))
    )
    values = [margin_of(*each) for each in zip(target, next_target, booked, later, strict=True)]
    return money.decimal_array(np.rint(np.array(values)).astype(np.int64), digits, target == 0)


def _baselines(
    facts: SalesFacts,
    grain: Grain,
    period: Period,
    month: Month,
    booked: Minor,
    first_won: int,
    digits: int,
) -> dict[str, pa.Array]:
    left = sum(1 for each in period.months if each > month)
    back = a_year_before(period)
    lately = Period(PeriodKind.MONTH, "", tuple(month.plus(-n) for n in reversed(range(LOOK_BACK))))
    size = len(grain.ids)
    # A year before, counted as known now: months that were not over a year before are not there
    # yet.
    has_year = back.first.index >= first_won and back.last <= month
    has_months = lately.first.index >= first_won
    average = booked + money.share_half_even(
        facts.bookings(grain, lately), np.full(size, left, np.int64), LOOK_BACK
    )
    return {
        "stage_weighted": money.decimal_array(booked + facts.stage_weighted(grain, period), digits),
        "last_year": money.decimal_array(
            facts.bookings(grain, back), digits, np.full(size, not has_year)
        ),
        "three_month_average": money.decimal_array(average, digits, np.full(size, not has_months)),
    }


def _rows(
    grain: Grain,
    period: Period,
    month: Month,
    rules: MonthRules,
    booked: Minor,
    target: Minor,
    found: dict[str, pa.Array],
) -> pd.DataFrame:
    size, digits = len(grain.ids), rules.digits
    return columns.frame(
        {
            "as_of_month": columns.repeat(str(month), size),
            "grain": columns.repeat(grain.name, size),
            "grain_id": grain.ids,
            "period_kind": columns.repeat(period.kind, size),
            "period": columns.repeat(period.name, size),
            "bookings": money.decimal_array(booked, digits),
            "p10": found["p10"],
            "p50": found["p50"],
            "p90": found["p90"],
            "target": money.decimal_array(target, digits),
            **{
                name: found[name]
                for name in (
                    "hit_probability",
                    "band",
                    "margin",
                    "expected",
                    "expected_without_largest",
                    "method",
                )
            },
            **{
                name: found[name] for name in ("stage_weighted", "last_year", "three_month_average")
            },
        }
    )


def _no_money(grain: Grain, digits: int) -> pa.Array:
    return pa.nulls(len(grain.ids), pa.decimal128(money.DECIMAL_PRECISION, digits))
