"""Open pipeline against what is still to be won.

Put coverage here, and which periods are looked at. Why the pipeline changed is `movement`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Floats, Mask
from sales.calendar import FiscalCalendar, Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.coverage import PipelineCoverage
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage.required_coverage import (
    calibrated_amounts,
    required_coverage,
    unknown_requirement,
)
from sales.history.booking_credit import booked, open_credit
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import grains_of
from sales.statistics.deal_outcomes import ForecastBasis
from sales.statistics.period_distribution import forecast_inputs
from sales.targets.attainment import by_key, month_indexes, ratio, status, targets_within, within

# What Salesforce adds up to its forecasts, besides what is booked.
CRM_FORECASTS = {
    "commit_forecast": ["Commit"],
    "best_case_forecast": ["Commit", "Most Likely", "Best Case"],
}


def periods_ahead(calendar: FiscalCalendar, month: Month) -> list[Period]:
    """Return the quarter that holds the month (unless it ends with it and the month is over), the next two, and the year."""
    periods = periods_around(calendar, month)
    is_over = periods[0].last == month and not calendar.is_open(month)
    return periods[1:] if is_over else periods


def periods_around(calendar: FiscalCalendar, month: Month) -> list[Period]:
    """Return the quarter that holds the month, the next two, and the year."""
    current = calendar.quarter_of(month)
    following = calendar.quarter_of(current.last.plus(1))
    after_that = calendar.quarter_of(following.last.plus(1))
    return [current, following, after_that, calendar.year_of(month)]


@dataclass(frozen=True)
class OpenPipeline:
    """Open deals as of a month end: whole amounts, and the month whose period each belongs to.

    `counts_in` is a month index, or -1 for an overdue deal that belongs to no period.
    """

    amount: Minor
    is_null: Mask
    is_open: Mask
    is_overdue: Mask
    counts_in: Codes

    def in_period(self, period: Period) -> Mask:
        """Return which deals are open pipeline of a period."""
        return self.is_open & within(self.counts_in, period)


def open_pipeline(
    snapshot: DataFrame[OpportunitySnapshot], month: Month, rules: MonthRules
) -> OpenPipeline:
    """Read the open pipeline off a snapshot taken at the end of `month`."""
    amount, is_null = money.minor_units(snapshot["amount"], rules.digits)
    close_day = columns.to_days(snapshot["close_date"])
    is_open = columns.booleans(snapshot["is_open"])
    today = rules.calendar.today(month)
    is_overdue = is_open & (close_day < (today - date(1970, 1, 1)).days)
    # The instant of a month end lies in the month after: that is "the current period".
    overdue_counts_in = (
        rules.calendar.month_of(today).index
        if rules.policy.pipeline.overdue == "current_period"
        else -1
    )
    counts_in = np.where(is_overdue, overdue_counts_in, rules.calendar.month_index(close_day))
    return OpenPipeline(amount, is_null, is_open, is_overdue, counts_in)


def stage_weighted(amount: Minor, probability_pct: pd.Series) -> Minor:
    """Return amount times the CRM's probability, each deal rounded half-even so that sums agree."""
    hundredths = np.rint(np.nan_to_num(columns.floats(probability_pct)) * 100).astype(np.int64)
    return money.share_half_even(amount, hundredths, 100 * 100)


def pipeline_coverage(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
    forecast_basis: ForecastBasis | None = None,
) -> DataFrame[PipelineCoverage]:
    """Return coverage by person, team and company for the periods ahead; with `forecast_basis`, also what this company needs."""
    periods = periods_ahead(rules.calendar, month)
    grains = grains_of(
        rules.company, targets_within(phased_targets, periods), snapshot, booking_credit
    )
    pipeline = open_pipeline(snapshot, month, rules)
    opened = open_credit(booking_credit, snapshot, rules.digits)
    amount, deal = opened.amount, opened.deal
    owner = grains.person(opened.rows["owner_id"])
    weighted = stage_weighted(amount, snapshot["probability_pct"].take(deal))
    category = snapshot["forecast_category"].take(deal)
    by_category = {
        name: columns.codes(category, columns.text(categories)) >= 0
        for name, categories in CRM_FORECASTS.items()
    }
    won = booked(booking_credit)
    bookings_of, _ = money.minor_units(won["amount"], rules.digits)
    credited = grains.person(won["owner_id"])
    closed_in = rules.calendar.month_index(columns.to_days(won["close_date"]))
    target_owner = grains.person(phased_targets["owner_id"])
    target_month = month_indexes(phased_targets["month"])
    baseline, _ = money.minor_units(phased_targets["baseline_target"], rules.digits)
    sells = np.isin(
        np.arange(len(grains.person_ids)),
        target_owner[(target_month > month.index) & (baseline > 0)],
    )
    ahead = forecast_inputs(forecast_basis, grains, sells) if forecast_basis else None
    parts: list[pd.DataFrame] = []
    for grain in grains:
        size = len(grain.ids)
        overdue = grain.total(owner, amount, pipeline.is_overdue[deal])
        for period in periods:
            is_open = pipeline.in_period(period)[deal]
            calibrated = (
                calibrated_amounts(ahead, period, opened.rows["opportunity_id"], amount)
                if ahead
                else None
            )
            target = grain.total(target_owner, baseline, within(target_month, period))
            bookings = grain.total(credited, bookings_of, within(closed_in, period))
            remaining = np.maximum(target - bookings, 0)
            # Without a target nothing is asked for, also where more was cancelled than won.
            asked = np.where(target == 0, 0, remaining)
            pipe = grain.total(owner, amount, is_open)
            needed = (
                required_coverage(ahead, period, grain, asked)
                if ahead
                else unknown_requirement(size)
            )
            parts.append(
                columns.frame(
                    {
                        "as_of_month": columns.repeat(str(month), size),
                        "grain": columns.repeat(grain.name, size),
                        "grain_id": grain.ids,
                        "period_kind": columns.repeat(period.kind, size),
                        "period": columns.repeat(period.name, size),
                        "target": money.decimal_array(target, rules.digits),
                        "bookings": money.decimal_array(bookings, rules.digits),
                        "remaining_target": money.decimal_array(remaining, rules.digits),
                        "open_pipeline": money.decimal_array(pipe, rules.digits),
                        "open_count": pa.array(grain.count(owner, deal, is_open)),
                        "without_amount_count": pa.array(
                            grain.count(owner, deal, is_open & opened.is_null)
                        ),
                        "stage_weighted_pipeline": money.decimal_array(
                            grain.total(owner, weighted, is_open), rules.digits
                        ),
                        "weighted_pipeline": money.decimal_array(
                            grain.total(owner, calibrated, is_open), rules.digits
                        )
                        if calibrated is not None
                        else empty_money(size, rules.digits),
                        "overdue_pipeline": money.decimal_array(overdue, rules.digits),
                        "coverage_ratio": ratio(pipe, asked),
                        "required_ratio": _numbers(needed.ratio),
                        "status": status(target, bookings),
                        "required_ratio_low": _numbers(needed.low),
                        "required_ratio_high": _numbers(needed.high),
                        "required_windows": pa.array(np.full(size, needed.windows, np.int64)),
                        **{
                            name: money.decimal_array(
                                bookings + grain.total(owner, amount, is_open & called),
                                rules.digits,
                            )
                            for name, called in by_category.items()
                        },
                    }
                )
            )
    table = by_key(pd.concat(parts, ignore_index=True))
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), PipelineCoverage)


def _numbers(values: Floats) -> pa.Array:
    return pa.array(values, mask=np.isnan(values))


def empty_money(size: int, digits: int) -> pa.Array:
    """Return a money column of empty values."""
    return pa.nulls(size, pa.decimal128(money.DECIMAL_PRECISION, digits))
