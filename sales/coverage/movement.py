"""Why the open pipeline changed between two month ends, to the cent.

Put the classification of changes here. `opening` and `closing` are the open pipeline
of `coverage`, by the same rule. Definitions, section 7.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Mask
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.coverage import PipelineMovement
from sales.contracts.history import OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage.coverage import open_pipeline, periods_around
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains, grains_of
from sales.targets.attainment import by_key, targets_within

ADDS = ["created", "moved_in", "reassigned_in", "reopened", "increased"]
TAKES = ["decreased", "moved_out", "reassigned_out", "won", "lost", "deleted"]


@dataclass(frozen=True)
class _Side:
    """One month end, aligned to the union of both snapshots' opportunities."""

    exists: Mask
    amount: Minor
    is_null: Mask
    is_open: Mask
    is_won: Mask
    counts_in: Codes
    person: Codes

    def in_period(self, period: Period) -> Mask:
        return (
            self.is_open
            & (self.counts_in >= period.first.index)
            & (self.counts_in <= period.last.index)
        )


def pipeline_movement(
    opening: DataFrame[OpportunitySnapshot],
    closing: DataFrame[OpportunitySnapshot],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> DataFrame[PipelineMovement]:
    """Return the movement of each grain and period; every row's identity closes.

    `opening` is the snapshot at the month end before (empty before the first record).
    Its teams are not used: both ends are read with the teams of `closing`'s extract.
    """
    people = closing if opening.empty else pd.concat([closing, opening], ignore_index=True)
    periods = periods_around(rules.calendar, month)
    grains = grains_of(rules.company, targets_within(phased_targets, periods), people)
    ids = columns.distinct(opening["opportunity_id"], closing["opportunity_id"])
    start = _side(opening, ids, grains, month.plus(-1), rules)
    end = _side(closing, ids, grains, month, rules)
    parts = [
        _moves(grain, period, start, end, rules.digits, month)
        for grain in grains
        for period in periods
    ]
    table = by_key(pd.concat(parts, ignore_index=True))
    extracted_at = closing["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), PipelineMovement)


def _side(
    snapshot: DataFrame[OpportunitySnapshot],
    ids: pa.Array,
    grains: Grains,
    month: Month,
    rules: MonthRules,
) -> _Side:
    pipeline = open_pipeline(snapshot, month, rules)
    row = columns.codes(ids, columns.arrow(snapshot["opportunity_id"]))
    exists = row >= 0

    def aligned(values: np.ndarray, missing: int) -> np.ndarray:
        if not len(values):
            return np.full(len(ids), missing, values.dtype)
        return np.where(exists, values[row], np.asarray(missing, values.dtype))

    return _Side(
        exists=exists,
        amount=aligned(np.where(pipeline.is_null, 0, pipeline.amount), 0),
        is_null=aligned(pipeline.is_null, 0),
        is_open=aligned(pipeline.is_open, 0),
        is_won=aligned(columns.booleans(snapshot["is_won"]), 0),
        counts_in=aligned(pipeline.counts_in, -1),
        person=aligned(grains.person(snapshot["owner_id"]), -1),
    )


def _moves(
    grain: Grain, period: Period, start: _Side, end: _Side, digits: int, month: Month
) -> pd.DataFrame:
    size = len(grain.ids)
    key_before, key_after = grain.key(start.person), grain.key(end.person)
    was_in, is_in = start.in_period(period), end.in_period(period)
    stays = was_in & is_in & (key_before == key_after)
    arrives, leaves = is_in & ~stays, was_in & ~stays

    first_that_fits = {
        "created": arrives & ~start.exists,
        "reopened": arrives & start.exists & ~start.is_open,
        "reassigned_in": arrives & start.is_open & (key_before != key_after),
        "moved_in": arrives & start.is_open & (key_before == key_after),
    }
    wins = leaves & end.exists & end.is_won
    loses = leaves & end.exists & ~end.is_open & ~end.is_won
    is_gone = leaves & ~end.exists
    goes = leaves & end.exists & end.is_open
    change = end.amount - start.amount
    changes = stays | wins | loses

    def at_end(where: Mask, value: Minor) -> Minor:
        return money.sum_by(key_after[where], value[where], size)

    def at_start(where: Mask, value: Minor) -> Minor:
        return money.sum_by(key_before[where], value[where], size)

    moves = {name: at_end(where, end.amount) for name, where in first_that_fits.items()}
    moves |= {
        "opening": at_start(was_in, start.amount),
        "increased": at_start(changes & (change > 0), change),
        "decreased": at_start(changes & (change < 0), -change),
        "moved_out": at_start(goes & (key_before == key_after), start.amount),
        "reassigned_out": at_start(goes & (key_before != key_after), start.amount),
        "won": at_start(wins, end.amount),
        "lost": at_start(loses, end.amount),
        "deleted": at_start(is_gone, start.amount),
        "closing": at_end(is_in, end.amount),
    }
    order = [
        "opening",
        *ADDS[:4],
        "increased",
        "decreased",
        "moved_out",
        "reassigned_out",
        "won",
        "lost",
        "deleted",
        "closing",
    ]
    without = at_end(is_in & end.is_null, np.ones_like(end.amount)) + at_start(
        leaves & start.is_null, np.ones_like(end.amount)
    )
    return columns.frame(
        {
            "from_month": columns.repeat(str(month.plus(-1)), size),
            "to_month": columns.repeat(str(month), size),
            "grain": columns.repeat(grain.name, size),
            "grain_id": grain.ids,
            "period_kind": columns.repeat(period.kind, size),
            "period": columns.repeat(period.name, size),
            **{name: money.decimal_array(moves[name], digits) for name in order},
            "without_amount_count": pa.array(without),
        }
    )
