"""What changed of each deal between two month ends: who won, lost, found, moved or gave away what.

Put the words for a deal's change here. What the changes did to the open pipeline of a period, to the
cent, is `movement`.
"""

from __future__ import annotations

from dataclasses import dataclass
from zoneinfo import ZoneInfo

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.arrow import Codes, Mask
from sales.calendar import EPOCH, Month
from sales.contracts.contract import checked, stamp
from sales.contracts.coverage import DealChanges
from sales.contracts.history import OpportunitySnapshot
from sales.money import WIDEST
from sales.policy.rules import MonthRules
from sales.vocabulary import DealChange

NAMES = ("owner_id", "team", "team_id", "account_id", "name", "account_name", "owner_name")


@dataclass(frozen=True)
class _Side:
    """One month end, aligned to the deals of both: `row` is a deal's row in the snapshot, -1 where it does not exist."""

    snapshot: DataFrame[OpportunitySnapshot]
    row: Codes

    @property
    def exists(self) -> Mask:
        return self.row >= 0

    def is_true(self, name: str) -> Mask:
        return np.asarray(self.column(name).fill_null(False))  # Arrow's own signature

    def column(self, name: str) -> pa.Array:
        return columns.take(columns.arrow(self.snapshot[name]), self.row)


def deal_changes(
    opening: DataFrame[OpportunitySnapshot],
    closing: DataFrame[OpportunitySnapshot],
    month: Month,
    rules: MonthRules,
) -> DataFrame[DealChanges]:
    """Return a row for each deal and change since the month before; `opening` is its snapshot, without rows before the first record.

    A change of date or amount is told of every deal that is there at both ends, whatever became of
    it: one that was won a month early is won and pulled in. An amount is compared in its own
    currency: a change of rates changes no deal. Of a month that is running, a deal has slipped that
    left it or passed its close date since the earlier state; of one that is over, each that was due
    in it and is open.
    """
    ids = columns.distinct(*(each["opportunity_id"] for each in (opening, closing)))
    before, after = (
        _Side(each, columns.codes(ids, columns.arrow(each["opportunity_id"])))
        for each in (opening, closing)
    )
    found = _changes(before, after, month, rules)
    words = sorted(found)
    deal, word = np.nonzero(np.stack([found[each] for each in words], axis=1))
    parts = {name: pc.coalesce(after.column(name), before.column(name)) for name in NAMES}
    parts |= {
        f"{name}_{end}": side.column(name)
        for name in ("amount", "close_date")
        for end, side in (("before", before), ("after", after))
    }
    rows = pa.array(deal)
    table = columns.frame(
        {
            "from_month": columns.repeat(str(month.plus(-1)), len(deal)),
            "to_month": columns.repeat(str(month), len(deal)),
            "opportunity_id": ids.take(rows),
            "change": columns.text([words[each] for each in word.tolist()]),
            **{name: parts[name].take(rows) for name in ("owner_id", "team", "team_id")},
            "account_id": parts["account_id"].take(rows),
            **{
                f"{name}_{end}": parts[f"{name}_{end}"].take(rows)
                for name in ("amount", "close_date")
                for end in ("before", "after")
            },
            **{name: parts[name].take(rows) for name in ("name", "account_name", "owner_name")},
        }
    )
    extracted_at = closing["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), DealChanges)


def _changes(before: _Side, after: _Side, month: Month, rules: MonthRules) -> dict[str, Mask]:
    """Return which deals have each change."""
    both = before.exists & after.exists
    was_open, is_open = before.is_true("is_open"), after.is_true("is_open")
    was_won, is_won = before.is_true("is_won"), after.is_true("is_won")
    was_lost = before.exists & ~was_open & ~was_won
    was_due, is_due = (_months(side, rules) for side in (before, after))
    was_in_month = was_due == month.index
    has_slipped = (
        was_in_month & _has_passed(before, after, is_due, month, rules)
        if rules.calendar.is_open(month)
        else was_in_month
    )
    # A deal that comes with a close date of an earlier month was decided elsewhere, and then entered.
    is_import = ~before.exists & (is_due < month.index)
    return {
        DealChange.WON: is_won & ~was_won & ~is_import,
        DealChange.LOST: after.exists & ~is_open & ~is_won & ~was_lost & ~is_import,
        DealChange.NEW: after.exists & ~before.exists,
        DealChange.SLIPPED: was_open & is_open & has_slipped,
        DealChange.PULLED_IN: both & (is_due < was_due),
        DealChange.PUSHED: both & (is_due > was_due),
        DealChange.AMOUNT: both
        & (
            _differs(before.column("amount_local"), after.column("amount_local"))
            | _differs(before.column("currency_code"), after.column("currency_code"))
        ),
        DealChange.REOPENED: before.exists & ~was_open & is_open,
        DealChange.DELETED: before.exists & ~after.exists,
        DealChange.REASSIGNED: both & _differs(before.column("owner_id"), after.column("owner_id")),
    }


def _has_passed(
    before: _Side, after: _Side, is_due: Codes, month: Month, rules: MonthRules
) -> Mask:
    """Return which deals of a running month left it, or passed their close date, since the earlier state."""
    today = (rules.calendar.today(month) - EPOCH).days
    since = before.snapshot["as_of"].iloc[0] if len(before.snapshot) else None
    zone = ZoneInfo(rules.calendar.time_zone)
    then = today if since is None else (since.astimezone(zone).date() - EPOCH).days
    was_day, is_day = (_days(side) for side in (before, after))
    return (is_due > month.index) | ((was_day >= then) & (is_day < today))


def _days(side: _Side) -> Codes:
    return columns.to_days(columns.series(side.column("close_date")))


def _months(side: _Side, rules: MonthRules) -> Codes:
    return rules.calendar.month_index(_days(side))


def _differs(one: pa.Array, other: pa.Array) -> Mask:
    """Return which cells differ; an empty one differs from any value.

    Amounts of two month ends may have digits of different currencies: the wider type holds both.
    """
    if pa.types.is_decimal(one.type):
        wide = pa.decimal128(WIDEST, max(one.type.scale, other.type.scale))
        one, other = one.cast(wide), other.cast(wide)
    same = pc.equal(one, other)
    both_empty = pc.and_(pc.is_null(one), pc.is_null(other))
    return ~np.asarray(pc.if_else(both_empty, True, same.fill_null(False)))  # Arrow's own signature
