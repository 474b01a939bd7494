"""Bookings, open pipeline and mix by one more field of deals: the dimension that policy names.

Put here what is told of a dimension's values. What a period needs of the pipeline is `coverage`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Mask
from sales.calendar import Month
from sales.contracts.contract import checked, empty, stamp
from sales.contracts.coverage import DimensionBreakdown
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.coverage.client_kind import is_existing
from sales.history.booking_credit import booked, open_credit
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import grains_of
from sales.targets.attainment import a_year_before, periods_to_date, within
from sales.vocabulary import GrainKind


def dimension_breakdown(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    month: Month,
    rules: MonthRules,
    *,
    is_read: bool,
) -> DataFrame[DimensionBreakdown]:
    """Return a row for each team and the company, and each value of which they have bookings or an open deal; none where `is_read` says that the field was not read."""
    if not is_read:
        return empty(DimensionBreakdown)
    values = pc.utf8_trim_whitespace(columns.arrow(snapshot["dimension"]).fill_null(""))
    names = columns.distinct(values)
    value, width = columns.codes(values, names), len(names)
    year = periods_to_date(rules.calendar, month)[-1]
    won = booked(booking_credit)
    deal = columns.codes(won["opportunity_id"], columns.arrow(snapshot["opportunity_id"]))
    amount, _ = money.minor_units(won["amount"], rules.digits)
    due = columns.to_days(snapshot["close_date"])
    index = rules.calendar.month_index(due)
    closed_in, is_old = index[deal], is_existing(snapshot, due, index, rules)[deal]
    this_year, last_year = within(closed_in, year), within(closed_in, a_year_before(year))
    has_last = len(closed_in) > 0 and a_year_before(year).first.index >= int(closed_in.min())
    opened = open_credit(booking_credit, snapshot, rules.digits)
    grains = grains_of(rules.company, snapshot, booking_credit)
    seller, owner = grains.person(won["owner_id"]), grains.person(opened.rows["owner_id"])
    everywhere = np.ones(len(owner), np.bool_)
    parts: list[pd.DataFrame] = []
    for grain in grains:
        if grain.name == GrainKind.PERSON:
            continue
        size = len(grain.ids) * width
        booked_in = _cells(grain.key(seller), value[deal], width)
        open_in = _cells(grain.key(owner), value[opened.deal], width)
        bookings = _sums(booked_in, amount, this_year, size)
        old = _sums(booked_in, amount, this_year & is_old, size)
        before = _sums(booked_in, amount, last_year, size)
        pipeline = _sums(open_in, opened.amount, everywhere, size)
        count = _deals(open_in, opened.deal, everywhere, size)
        kept = np.flatnonzero((bookings != 0) | (before != 0) | (count > 0))
        table = columns.frame(
            {
                "grain": columns.repeat(grain.name, size),
                "grain_id": grain.ids.take(pa.array(np.arange(size) // width)),
                "dimension": names.take(pa.array(np.arange(size) % width)),
                "bookings": money.decimal_array(bookings, rules.digits),
                "last_year": money.decimal_array(before, rules.digits, np.full(size, not has_last)),
                "share_pct": _share(bookings.reshape(-1, width)),
                "new_bookings": money.decimal_array(bookings - old, rules.digits),
                "existing_bookings": money.decimal_array(old, rules.digits),
                "open_count": pa.array(count),
                "without_amount_count": pa.array(
                    _deals(open_in, opened.deal, opened.is_null, size)
                ),
                "open_pipeline": money.decimal_array(pipeline, rules.digits),
            }
        )
        parts.append(table.iloc[kept])
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "as_of_month", columns.series(columns.repeat(str(month), len(table))))
    key = ["grain", "grain_id", "dimension"]
    table = table.sort_values(key, kind="stable", ignore_index=True)
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), DimensionBreakdown)


def _cells(key: Codes, value: Codes, width: int) -> Codes:
    """Return the cell of each row, by whose it is and its value; -1 of nobody."""
    return np.where(key >= 0, key * width + value, -1)


def _sums(cell: Codes, amount: Minor, where: Mask, size: int) -> Minor:
    kept = where & (cell >= 0)
    return money.sum_by(cell[kept], amount[kept], size)


def _deals(cell: Codes, deal: Codes, where: Mask, size: int) -> Codes:
    """Return how many deals each cell has; one that several people of a team share is one deal."""
    kept = where & (cell >= 0)
    found = np.unique(np.stack([cell[kept], deal[kept]]), axis=1)[0]
    return np.bincount(found, minlength=size).astype(np.int64)


def _share(bookings: Minor) -> pa.Array:
    """Return each value's percent of the sum of its row; empty where a sum is not above zero or a part is below."""
    whole = bookings.sum(axis=1, keepdims=True)
    tells = (whole > 0) & (bookings >= 0).all(axis=1, keepdims=True)
    share = bookings * 100 / np.where(whole == 0, 1, whole)
    return pa.array(share.reshape(-1), mask=~np.broadcast_to(tells, bookings.shape).reshape(-1))
