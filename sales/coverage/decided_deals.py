"""Decided deals: what was won and lost of new and of existing clients by quarter, how often, how large and how fast.

Put here what is told of deals that are over. Won amounts are bookings, by whoever gets the credit;
a lost deal is its owner's, in the quarter in which it was decided.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import NO_INSTANT, Codes, Days, Floats, Mask
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.coverage import DecidedDeals
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.coverage.client_kind import is_existing
from sales.history.booking_credit import booked
from sales.policy.rules import MonthRules
from sales.rollup import Grain, grains_of
from sales.vocabulary import ClientKind, GrainKind

# The quarter of the month and those of the year before it.
QUARTERS = 5
DAY = 86_400_000_000


@dataclass(frozen=True)
class _Decided:
    """Decided deals, a row each: whether it was won, its quarter (-1 outside those shown), whether of an existing client, the days that it took (not a number where unknown)."""

    is_won: Mask
    quarter: Codes
    is_existing: Mask
    cycle: Floats


def decided_deals(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    month: Month,
    rules: MonthRules,
) -> DataFrame[DecidedDeals]:
    """Return a row for each team and the company, quarter, and kind of client; the quarter of the month is to date."""
    quarters = _quarters(month, rules)
    deals = _decided(snapshot, quarters, month, rules)
    won = booked(booking_credit)
    deal_of_credit = columns.codes(won["opportunity_id"], columns.arrow(snapshot["opportunity_id"]))
    amount, is_null = money.minor_units(won["amount"], rules.digits)
    amount = np.where(is_null, 0, amount)
    grains = grains_of(rules.company, snapshot, booking_credit)
    seller, owner = grains.person(won["owner_id"]), grains.person(snapshot["owner_id"])
    parts: list[pd.DataFrame] = []
    for grain in grains:
        if grain.name == GrainKind.PERSON:
            continue
        of_won = _Pairs(grain.key(seller), deal_of_credit)
        of_lost = _Pairs(grain.key(owner), np.arange(len(snapshot)))
        parts += [
            _row_of(grain, period, kind, deals, number, of_won, of_lost, amount, rules)
            for number, period in enumerate(quarters)
            for kind in ClientKind
        ]
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "as_of_month", columns.series(columns.repeat(str(month), len(table))))
    table = table.sort_values(
        ["grain", "grain_id", "period", "client_kind"], kind="stable", ignore_index=True
    )
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), DecidedDeals)


@dataclass(frozen=True)
class _Pairs:
    """Whose each row is, by the code of a team or the company, and of which deal."""

    key: Codes
    deal: Codes


def _row_of(
    grain: Grain,
    period: Period,
    kind: ClientKind,
    deals: _Decided,
    quarter: int,
    of_won: _Pairs,
    of_lost: _Pairs,
    amount: money.Minor,
    rules: MonthRules,
) -> pd.DataFrame:
    """Return a quarter and kind of client of all ids of a grain."""
    size = len(grain.ids)
    here = (deals.quarter == quarter) & (deals.is_existing == (kind == ClientKind.EXISTING))
    credited = (here & deals.is_won)[of_won.deal] & (of_won.key >= 0)
    lost = (here & ~deals.is_won)[of_lost.deal] & (of_lost.key >= 0)
    # A deal that several people of a team share is one deal.
    pairs = np.unique(np.stack([of_won.key[credited], of_won.deal[credited]]), axis=1)
    won_count = np.bincount(pairs[0], minlength=size).astype(np.int64)
    lost_count = np.bincount(of_lost.key[lost], minlength=size).astype(np.int64)
    won_amount = money.sum_by(of_won.key[credited], amount[credited], size)
    decided, none = won_count + lost_count, won_count == 0
    cycle = columns.median_by(pairs[0], deals.cycle[pairs[1]], size)
    average = [
        0 if not count else round(Fraction(cents, count))
        for cents, count in zip(won_amount.tolist(), won_count.tolist(), strict=True)
    ]
    return columns.frame(
        {
            "grain": columns.repeat(grain.name, size),
            "grain_id": grain.ids,
            "period": columns.repeat(period.name, size),
            "client_kind": columns.repeat(kind.value, size),
            "won_count": pa.array(won_count),
            "lost_count": pa.array(lost_count),
            "won_amount": money.decimal_array(won_amount, rules.digits),
            "win_rate_pct": pa.array(won_count * 100 / np.maximum(decided, 1), mask=decided == 0),
            "average_amount": money.decimal_array(np.array(average, np.int64), rules.digits, none),
            "median_cycle_days": pa.array(cycle, mask=np.isnan(cycle)),
        }
    )


def _quarters(month: Month, rules: MonthRules) -> list[Period]:
    """Return the quarter of a month and the four before it, the earliest first."""
    found = [rules.calendar.quarter_of(month)]
    for _ in range(QUARTERS - 1):
        found.insert(0, rules.calendar.quarter_of(found[0].first.plus(-1)))
    return found


def _decided(
    snapshot: DataFrame[OpportunitySnapshot],
    quarters: list[Period],
    month: Month,
    rules: MonthRules,
) -> _Decided:
    is_won = columns.booleans(snapshot["is_won"])
    is_lost = ~is_won & ~columns.booleans(snapshot["is_open"])
    due, decided_at = (
        columns.to_days(snapshot["close_date"]),
        columns.to_instants(snapshot["stage_entered_at"]),
    )
    decided_on = _local_days(snapshot["stage_entered_at"], rules.calendar.time_zone)
    day = np.where(is_won | (decided_at == NO_INSTANT), due, decided_on)
    index = rules.calendar.month_index(day)
    quarter = np.full(len(snapshot), -1)
    for number, period in enumerate(quarters):
        inside = (index >= period.first.index) & (index <= min(period.last, month).index)
        quarter[inside & (is_won | is_lost)] = number
    created = columns.to_instants(snapshot["created_at"])
    cycle = np.where(decided_at == NO_INSTANT, np.nan, (decided_at - created) / DAY)
    return _Decided(is_won, quarter, is_existing(snapshot, day, index, rules), cycle)


def _local_days(instants: pd.Series, zone: str) -> Days:
    """Return the day of each instant where the company is."""
    local = pc.local_timestamp(columns.arrow(instants).cast(pa.timestamp("us", tz=zone)))
    return columns.to_days(columns.series(local.cast(pa.date32())))
