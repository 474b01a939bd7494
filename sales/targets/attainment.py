"""Bookings against target, for the month, the quarter to date and the year to date.

Put attainment here; how the target came about is `phased_targets`.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Mask
from sales.calendar import MONTHS_IN_YEAR, FiscalCalendar, Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets, TargetAttainment
from sales.history.booking_credit import booked
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import grains_of
from sales.vocabulary import TargetStatus


def periods_to_date(calendar: FiscalCalendar, month: Month) -> list[Period]:
    """Return the month, its quarter to date and its year to date."""
    whole = [calendar.month_period(month), calendar.quarter_of(month), calendar.year_of(month)]
    return [period.until(month) for period in whole]


def target_attainment(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> DataFrame[TargetAttainment]:
    """Return attainment by person, team and company; the three grains agree to the cent."""
    grains = grains_of(
        rules.company,
        targets_within(phased_targets, [rules.calendar.year_of(month)]),
        snapshot,
        booking_credit,
    )
    won = booked(booking_credit)
    amount, _ = money.minor_units(won["amount"], rules.digits)
    owner = grains.person(won["owner_id"])
    closed_in = rules.calendar.month_index(columns.to_days(won["close_date"]))
    first_won = int(closed_in.min()) if len(closed_in) else month.index + 1
    target_owner = grains.person(phased_targets["owner_id"])
    target_month = month_indexes(phased_targets["month"])
    baseline, _ = money.minor_units(phased_targets["baseline_target"], rules.digits)
    rephased, _ = money.minor_units(phased_targets["rephased_target"], rules.digits)
    parts: list[pd.DataFrame] = []
    for grain in grains:
        for period in periods_to_date(rules.calendar, month):
            in_period = within(target_month, period)
            target = grain.total(target_owner, baseline, in_period)
            bookings = grain.total(owner, amount, within(closed_in, period))
            parts.append(
                columns.frame(
                    {
                        "as_of_month": columns.repeat(str(month), len(grain.ids)),
                        "grain": columns.repeat(grain.name, len(grain.ids)),
                        "grain_id": grain.ids,
                        "period_kind": columns.repeat(period.kind, len(grain.ids)),
                        "period": columns.repeat(period.name, len(grain.ids)),
                        "target": money.decimal_array(target, rules.digits),
                        "rephased_target": money.decimal_array(
                            grain.total(target_owner, rephased, in_period), rules.digits
                        ),
                        "bookings": money.decimal_array(bookings, rules.digits),
                        "variance": money.decimal_array(bookings - target, rules.digits),
                        "attainment_pct": ratio(bookings * 100, target),
                        "status": status(target, bookings),
                        "last_year": money.decimal_array(
                            grain.total(owner, amount, within(closed_in, a_year_before(period))),
                            rules.digits,
                            np.full(len(grain.ids), a_year_before(period).first.index < first_won),
                        ),
                    }
                )
            )
    table = by_key(pd.concat(parts, ignore_index=True))
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), TargetAttainment)


def a_year_before(period: Period) -> Period:
    """Return the same months a year before."""
    months = tuple(each.plus(-MONTHS_IN_YEAR) for each in period.months)
    return Period(period.kind, "", months)


def targets_within(
    phased_targets: DataFrame[PhasedTargets], periods: Sequence[Period]
) -> pd.DataFrame:
    """Return the targets of months that lie in one of the periods: whose owners appear there."""
    months = month_indexes(phased_targets["month"])
    is_inside: Mask = np.any([within(months, period) for period in periods], axis=0)
    return phased_targets.loc[is_inside]


def within(months: Codes, period: Period) -> Mask:
    """Return which month indexes lie in a period."""
    return (months >= period.first.index) & (months <= period.last.index)


def month_indexes(months: pd.Series) -> Codes:
    """Return months since year 0 of a column of `YYYY-MM`."""
    texts = columns.arrow(months).dictionary_encode()
    known = np.array([Month.parse(text).index for text in texts.dictionary.to_pylist()], np.int64)
    return known[np.asarray(texts.indices)] if len(texts) else np.zeros(0, np.int64)


def ratio(part: Minor, whole: Minor) -> pa.Array:
    """Return part / whole as plain numbers; empty where the whole is 0."""
    none = whole == 0
    return pa.array(part / np.where(none, 1, whole), mask=none)


def status(target: Minor, bookings: Minor) -> pa.Array:
    """Return `no_target`, `covered` or `ok`."""
    words = np.select(
        [target == 0, bookings >= target],
        [TargetStatus.NO_TARGET, TargetStatus.COVERED],
        TargetStatus.OK,
    )
    return columns.text(words.tolist())


def by_key(table: pd.DataFrame) -> pd.DataFrame:
    """Return rows sorted by grain, id and period."""
    key = ["grain", "grain_id", "period_kind", "period"]
    return table.sort_values(key, kind="stable", ignore_index=True)
