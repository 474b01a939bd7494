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
from sales.history.booking_credit import Credit, credit_of_all
from sales.history.extract import Extract, people
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains, grains_of
from sales.targets.attainment import by_key, targets_within
from sales.vocabulary import GrainKind

ADDS = ["created", "moved_in", "reassigned_in", "reopened", "increased"]
TAKES = ["decreased", "moved_out", "reassigned_out", "won", "lost", "deleted"]
ORDER = ("opening", *ADDS, *TAKES, "closing")


@dataclass(frozen=True)
class MonthEnd:
    """What a movement starts or ends with: the snapshot, who gets which credit of its deals, in which team, and the rules by which it was read."""

    month: Month
    snapshot: DataFrame[OpportunitySnapshot]
    credit: Credit
    teams: pa.Array
    rules: MonthRules

    @property
    def people(self) -> pd.DataFrame:
        """Everybody who gets credit, each once, by the team that they are in."""
        owner_ids = columns.distinct(self.credit.owner_ids)
        row = columns.codes(owner_ids, self.credit.owner_ids)
        return columns.frame({"owner_id": owner_ids, "team": columns.take(self.teams, row)})


def month_end(
    snapshot: DataFrame[OpportunitySnapshot], extract: Extract, month: Month, rules: MonthRules
) -> MonthEnd:
    """Return a month end with the credit that its extract gives, by the teams that it knows."""
    owners = people(extract, rules.policy.pipeline.team_by)
    credit, _ = credit_of_all(snapshot, extract, month, rules)
    return MonthEnd(month, snapshot, credit, owners.team_of(credit.owner_ids), rules)


@dataclass(frozen=True)
class _Side:
    """One month end, aligned to the opportunities that are open at either; `credit_*` have a row a deal of them and person."""

    exists: Mask
    amount: Minor
    is_null: Mask
    is_open: Mask
    is_won: Mask
    counts_in: Codes
    credit_deal: Codes
    credit_person: Codes
    credit_team: pa.Array
    credit_amount: Minor

    def in_period(self, period: Period) -> Mask:
        return (
            self.is_open
            & (self.counts_in >= period.first.index)
            & (self.counts_in <= period.last.index)
        )


@dataclass(frozen=True)
class _Holdings:
    """What each id of a grain has of each deal at both month ends: a row a deal and id that has any of it."""

    deal: Codes
    key: Codes
    before: Minor
    after: Minor
    had: Mask
    has: Mask


def pipeline_movement(
    opening: MonthEnd, closing: MonthEnd, phased_targets: DataFrame[PhasedTargets]
) -> DataFrame[PipelineMovement]:
    """Return the movement of each grain and period; every row's identity closes.

    `opening` is the month end before, by its own rules and teams, so that what a movement opens
    with is what the month before closed with; its snapshot is empty before the first record.
    """
    rules, month = closing.rules, closing.month
    ends = [closing, opening] if len(opening.snapshot) else [closing]
    people = [each for end in ends for each in (end.snapshot, end.people)]
    periods = periods_around(rules.calendar, month)
    grains = grains_of(rules.company, targets_within(phased_targets, periods), *people)
    # What is open at neither end moves nothing.
    ids = columns.distinct(*(_open_ids(end.snapshot) for end in (opening, closing)))
    start, end = _side(opening, ids, grains), _side(closing, ids, grains)
    team_ids = columns.distinct(grains.teams, *(each.teams for each in ends))
    parts: list[pd.DataFrame] = []
    for grain in grains:
        its_ids = team_ids if grain.name == GrainKind.TEAM else grain.ids
        keys = [_keys(grain, side, team_ids) for side in (start, end)]
        held = _holdings(start, end, keys[0], keys[1], len(its_ids))
        parts += [
            _moves(grain.name, its_ids, period, start, end, held, closing) for period in periods
        ]
    table = by_key(pd.concat(parts, ignore_index=True))
    extracted_at = closing.snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), PipelineMovement)


def _open_ids(snapshot: DataFrame[OpportunitySnapshot]) -> pa.Array:
    is_open = pa.array(columns.booleans(snapshot["is_open"]))
    return columns.arrow(snapshot["opportunity_id"]).filter(is_open)


def _side(end: MonthEnd, ids: pa.Array, grains: Grains) -> _Side:
    snapshot, credit = end.snapshot, end.credit
    pipeline = open_pipeline(snapshot, end.month, end.rules)
    row = columns.codes(ids, columns.arrow(snapshot["opportunity_id"]))
    exists = row >= 0

    def aligned(values: np.ndarray, missing: int) -> np.ndarray:
        if not len(values):
            return np.full(len(ids), missing, values.dtype)
        return np.where(exists, values[row], np.asarray(missing, values.dtype))

    place = columns.codes(snapshot["opportunity_id"], ids)[credit.position]
    mine = np.flatnonzero(place >= 0)
    return _Side(
        exists=exists,
        amount=aligned(np.where(pipeline.is_null, 0, pipeline.amount), 0),
        is_null=aligned(pipeline.is_null, 0),
        is_open=aligned(pipeline.is_open, 0),
        is_won=aligned(columns.booleans(snapshot["is_won"]), 0),
        counts_in=aligned(pipeline.counts_in, -1),
        credit_deal=place[mine],
        credit_person=columns.codes(credit.owner_ids.take(pa.array(mine)), grains.person_ids),
        credit_team=end.teams.take(pa.array(mine)),
        credit_amount=credit.amount[mine],
    )


def _keys(grain: Grain, side: _Side, team_ids: pa.Array) -> Codes:
    """Return whose credit each row is: a person's, by their team at that month end, the company's."""
    if grain.name == GrainKind.TEAM:
        return columns.codes(side.credit_team, team_ids)
    return grain.key(side.credit_person)


def _holdings(
    start: _Side, end: _Side, keys_before: Codes, keys_after: Codes, size: int
) -> _Holdings:
    """Lay what each id had and has of each deal side by side."""
    before, after = start.credit_deal * size + keys_before, end.credit_deal * size + keys_after
    pairs, place = np.unique(np.concatenate([before, after]), return_inverse=True)
    was, now = place[: len(before)], place[len(before) :]
    ones = np.ones(len(pairs), np.int64)
    return _Holdings(
        deal=pairs // size,
        key=pairs % size,
        before=money.sum_by(was, start.credit_amount, len(pairs)),
        after=money.sum_by(now, end.credit_amount, len(pairs)),
        had=money.sum_by(was, ones[:1].repeat(len(was)), len(pairs)) > 0,
        has=money.sum_by(now, ones[:1].repeat(len(now)), len(pairs)) > 0,
    )


def _moves(
    grain: str,
    ids: pa.Array,
    period: Period,
    start: _Side,
    end: _Side,
    held: _Holdings,
    closing: MonthEnd,
) -> pd.DataFrame:
    size, deal = len(ids), held.deal
    was_in = start.in_period(period)[deal] & held.had
    is_in = end.in_period(period)[deal] & held.has
    stays, arrives, leaves = was_in & is_in, is_in & ~was_in, was_in & ~is_in
    existed, was_open = start.exists[deal], start.is_open[deal]
    exists, is_open, is_won = end.exists[deal], end.is_open[deal], end.is_won[deal]

    def total(where: Mask, value: Minor) -> Minor:
        return money.sum_by(held.key[where], value[where], size)

    wins, loses = leaves & exists & is_won, leaves & exists & ~is_open & ~is_won
    goes = leaves & exists & is_open
    # Who has no part of it any more is told what theirs would have come to.
    final = held.after.copy()
    for row in np.flatnonzero((wins | loses) & ~held.has).tolist():
        last, first = int(end.amount[deal[row]]), int(start.amount[deal[row]])
        final[row] = money.proportion(last, int(held.before[row]), first) if first else last
    change = final - held.before
    changes = stays | wins | loses
    moves = {
        "opening": total(was_in, held.before),
        "created": total(arrives & ~existed, held.after),
        "moved_in": total(arrives & was_open & held.had, held.after),
        "reassigned_in": total(arrives & was_open & ~held.had, held.after),
        "reopened": total(arrives & existed & ~was_open, held.after),
        "increased": total(changes & (change > 0), change),
        "decreased": total(changes & (change < 0), -change),
        "moved_out": total(goes & held.has, held.before),
        "reassigned_out": total(goes & ~held.has, held.before),
        "won": total(wins, final),
        "lost": total(loses, final),
        "deleted": total(leaves & ~exists, held.before),
        "closing": total(is_in, held.after),
    }
    ones = np.ones(len(deal), np.int64)
    without = total(is_in & end.is_null[deal], ones) + total(leaves & start.is_null[deal], ones)
    digits = closing.rules.digits
    return columns.frame(
        {
            "from_month": columns.repeat(str(closing.month.plus(-1)), size),
            "to_month": columns.repeat(str(closing.month), size),
            "grain": columns.repeat(grain, size),
            "grain_id": ids,
            "period_kind": columns.repeat(period.kind, size),
            "period": columns.repeat(period.name, size),
            **{name: money.decimal_array(moves[name], digits) for name in ORDER},
            "without_amount_count": pa.array(without),
        }
    )
