"""What could be known at each month end: the ground on which everything about the future stands.

Put here how the past is cut for a forecast. A forecast is handed a `Knowledge`, which holds
nothing that was recorded at or after its instant: looking ahead is impossible, not forbidden.
Deals whose state is assumed from later records are left out and counted.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from functools import lru_cache

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns
from sales.arrow import Codes, Floats, Mask
from sales.calendar import MONTHS_IN_YEAR, Month, Period
from sales.history.booking_credit import share_out
from sales.history.reconstruction import NEVER, PipelineHistory, PipelineState
from sales.policy.rules import MonthRules
from sales.targets.seasonality import Season, season

# Older month ends say little about how a firm sells today.
MONTHS_BACK = 48
DAY = 86_400_000_000
GONE, OPEN, WON, LOST = 0, 1, 2, 3
# A deal is shared out in so many parts.
WHOLE = 1_000_000
CATEGORY_ORDER = {
    "Omitted": -1.0,
    "Pipeline": 0.0,
    "Best Case": 1.0,
    "Most Likely": 1.5,
    "Commit": 2.0,
}


@dataclass(frozen=True)
class OpenDeals:
    """Open deals at month ends, a row a deal and month end; `month` and `close_month` are month indexes.

    `amount` is in minor units, NaN where the deal has none; ages are in days.
    """

    month: Codes
    deal: Codes
    owner: Codes
    stage: Codes
    probability: Floats
    category: Floats
    amount: Floats
    close_day: Codes
    close_month: Codes
    pushes: Codes
    age_days: Floats
    still_days: Floats

    def __len__(self) -> int:
        """Return the number of rows."""
        return len(self.deal)

    def take(self, where: Codes | Mask) -> OpenDeals:
        """Return some of the rows."""
        return OpenDeals(*(getattr(self, each.name)[where] for each in fields(self)))


@dataclass(frozen=True)
class Shares:
    """Who gets credit for which of the open deals of a month end: rows of `deal`, in order, and parts that sum to 1 a deal."""

    deal: Codes
    owner: Codes
    part: Floats


@dataclass(frozen=True)
class Outcomes:
    """What became of every deal, as known at an instant.

    `status` is GONE (not created yet), OPEN, WON or LOST (deleted ones included); `month` is the
    month in which a won deal is booked, or in which a lost one was given up.
    """

    status: Codes
    month: Codes
    amount: Floats


@dataclass(frozen=True)
class Bookings:
    """Who got credit for what, as known at an instant: a row a booking and person, in minor units."""

    deal: Codes
    owner: Codes
    month: Codes
    amount: Codes


@dataclass(frozen=True)
class Knowledge:
    """Everything that may be used at one month end; all months are indexes since year 0."""

    month: int
    first_month: int
    digits: int
    owner_ids: pa.Array
    deal_ids: pa.Array
    account_ids: pa.Array
    source_names: pa.Array
    created_month: Codes
    source: Codes
    past: OpenDeals
    now: OpenDeals
    now_shares: Shares
    outcomes: Outcomes
    bookings: Bookings
    assumed_count: int

    @property
    def first_won(self) -> int:
        """The first month with a booking, from where rates, season and history count; the coming month where there is none.

        A CRM that was filled before it was used has no empty months.
        """
        is_won = (self.outcomes.status == WON) & (self.outcomes.month <= self.month)
        first = int(self.outcomes.month[is_won].min(initial=self.month + 1))
        return max(first, self.first_month)

    @property
    def closed_months(self) -> int:
        """How many month ends before this one are of months since the first booking."""
        return self.month - self.first_won

    def position_of(self, deal_ids: pa.Array, deals: Codes) -> Codes:
        """Return the position here of deals of another month end's knowledge, -1 where they are not known."""
        return columns.codes(deal_ids.take(pa.array(deals)), self.deal_ids)


class PointInTimeData:
    """The open deals of every month end up to one, read off a history once; cut by `known_at`."""

    def __init__(self, history: PipelineHistory, month: Month, rules: MonthRules) -> None:
        """Read all month ends with records, the last of them `month`'s."""
        self._history, self._calendar = history, rules.calendar
        self._rules = rules
        self._stage_overrides: dict[str, str] = dict(rules.policy.pipeline.stages)
        self.last_month = month.index
        self.first_month = self._first_month(month)
        self._ends = np.array(
            [self._instant(index) for index in range(self.first_month, month.index + 1)], np.int64
        )
        self._created_month = self._month_of(history.created_at)
        parts, owners = list[OpenDeals](), list[pa.Array]()
        for index in range(self.first_month, month.index + 1):
            state = self._state(index)
            kept = np.flatnonzero(state.is_open & ~state.is_assumed)
            parts.append(self._open_deals(index, state, kept))
            owners.append(state.owner_ids.take(pa.array(kept)))
        self.owner_ids = columns.distinct(*owners, *self._credited_owners())
        coded = [
            replace(part, owner=columns.codes(each, self.owner_ids))
            for part, each in zip(parts, owners, strict=True)
        ]
        self._rows = OpenDeals(
            *(
                np.concatenate([getattr(part, each.name) for part in coded])
                for each in fields(OpenDeals)
            )
        )

    @property
    def months(self) -> range:
        """The month ends that have records, as indexes."""
        return range(self.first_month, self.last_month + 1)

    @property
    def open_count(self) -> int:
        """How many deals are open at the last month end."""
        return int((self._rows.month == self.last_month).sum())

    def known_at(self, month: int) -> Knowledge:
        """Return what was known at the end of a month, by its index; later deals, owners and sources are not even in the arrays."""
        history, instant, state = self._history, self._instant(month), self._state(month)
        ends = [max(self.first_month, month - MONTHS_BACK), month, month + 1]
        start, here, after = (int(each) for each in np.searchsorted(self._rows.month, ends))
        known_deals = np.flatnonzero(history.created_at < instant)
        deal_code = np.cumsum(history.created_at < instant) - 1
        rows, bookings, outcomes = (
            self._rows.take(np.arange(start, after)),
            self._bookings(state),
            self._outcomes(month, state),
        )
        shares = self._shares(state, rows.take(np.arange(here - start, after - start)))
        known_owners, owner_code = np.unique(
            np.concatenate([rows.owner, bookings.owner, shares.owner]), return_inverse=True
        )
        owner_of = np.split(owner_code, np.cumsum([len(rows), len(bookings.owner)]))
        rows = replace(rows, deal=deal_code[rows.deal], owner=owner_of[0])
        texts = history.lead_source.at(instant).take(pa.array(known_deals)).fill_null("")
        sources = columns.distinct(texts)
        return Knowledge(
            month=month,
            first_month=self.first_month,
            digits=history.digits,
            owner_ids=self.owner_ids.take(pa.array(known_owners)),
            deal_ids=history.ids.take(pa.array(known_deals)),
            account_ids=history.account.at(instant).take(pa.array(known_deals)),
            source_names=sources,
            created_month=self._created_month[known_deals],
            source=columns.codes(texts, sources),
            past=rows.take(np.arange(here - start)),
            now=rows.take(np.arange(here - start, after - start)),
            now_shares=replace(shares, owner=owner_of[2]),
            outcomes=Outcomes(
                *(getattr(outcomes, each.name)[known_deals] for each in fields(Outcomes))
            ),
            bookings=replace(bookings, deal=deal_code[bookings.deal], owner=owner_of[1]),
            assumed_count=int((state.is_open & state.is_assumed).sum()),
        )

    def season_of(self, year: Period, month: Month) -> Season:
        """Return the season for a fiscal year, its first month first, as known before the year began, or at `month` if that is earlier."""
        last = min(year.first.index - 1, month.index)
        even = np.full(MONTHS_IN_YEAR, 1 / MONTHS_IN_YEAR)
        if last < self.first_month:
            return season(np.zeros(0, np.int64), np.zeros(0), self.first_month, last, even)
        known = self.known_at(last)
        outcomes = known.outcomes
        won = (outcomes.status == WON) & (outcomes.amount > 0)
        found = season(outcomes.month[won], outcomes.amount[won], known.first_won, last, even)
        turn = (last + 1 - year.first.index) % MONTHS_IN_YEAR
        return replace(found, shares=np.roll(found.shares, turn), seen=np.roll(found.seen, turn))

    def _first_month(self, month: Month) -> int:
        created = self._history.created_at
        if not len(created):
            return month.index
        first = int(created.min())
        index = month.index
        while index > 0 and self._instant(index - 1) > first:
            index -= 1
        return index

    @lru_cache(maxsize=1024)  # noqa: B019  # point-in-time data lives as long as its numbers are asked for
    def _instant(self, index: int) -> int:
        return columns.instant_of(self._calendar.as_of(Month.from_index(index)))

    def _month_of(self, instants: Codes) -> Codes:
        """Return the month, where the company is, of each instant; what lies before the first month counts in it."""
        return self.first_month + np.searchsorted(self._ends, instants, side="right")

    @lru_cache(maxsize=2)  # noqa: B019
    def _state(self, index: int) -> PipelineState:
        return self._history.at(self._instant(index), self._stage_overrides)

    def _open_deals(self, index: int, state: PipelineState, kept: Codes) -> OpenDeals:
        """Return the open deals of a month end; owners are coded once all are known."""
        history, row, deal = self._history, state.row[kept], state.opportunity[kept]
        instant = self._instant(index)
        category = pc.index_in(
            history.row_category.take(pa.array(row)), value_set=pa.array(CATEGORY_ORDER)
        ).fill_null(1)
        return OpenDeals(
            month=np.full(len(kept), index, np.int64),
            deal=deal,
            owner=np.zeros(len(kept), np.int64),
            stage=history.row_stage[row],
            probability=np.nan_to_num(history.row_probability[row], nan=50.0) / 100.0,
            category=np.array(list(CATEGORY_ORDER.values()))[np.asarray(category)],
            amount=np.where(
                state.is_without_amount[kept], np.nan, state.amount[kept].astype(np.float64)
            ),
            close_day=state.close_day[kept],
            close_month=self._calendar.month_index(state.close_day[kept]),
            pushes=history.row_push_count[row].astype(np.int64),
            age_days=(instant - history.created_at[deal]) / DAY,
            still_days=(instant - history.row_at[row]) / DAY,
        )

    def _outcomes(self, month: int, state: PipelineState) -> Outcomes:
        history, size = self._history, len(self._history.ids)
        status, when, amount = (
            np.full(size, GONE, np.int64),
            np.zeros(size, np.int64),
            np.full(size, np.nan),
        )
        deal = state.opportunity
        status[deal] = np.select([state.is_open, state.is_won], [OPEN, WON], LOST)
        # What is assumed says nothing about how deals end.
        status[deal[state.is_assumed]] = GONE
        given_up = self._month_of(history.row_stage_entered_at[state.row])
        when[deal] = np.where(state.is_won, self._calendar.month_index(state.close_day), given_up)
        amount[deal] = np.where(state.is_without_amount, np.nan, state.amount.astype(np.float64))
        deleted = (history.deleted_at < self._instant(month)) & (history.deleted_at != NEVER)
        status[deleted] = LOST
        when[deleted] = self._month_of(history.deleted_at[deleted])
        return Outcomes(status, when, amount)

    def _bookings(self, state: PipelineState) -> Bookings:
        counted = np.flatnonzero(state.is_won & ~state.is_without_amount & ~state.is_assumed)
        ids, owners = (
            self._history.ids.take(pa.array(state.opportunity[counted])),
            state.owner_ids.take(pa.array(counted)),
        )
        credit = share_out(
            self._history.extract, state.as_of, self._rules, ids, owners, state.amount[counted]
        )
        shared = counted[credit.position]
        return Bookings(
            deal=state.opportunity[shared],
            owner=columns.codes(credit.owner_ids, self.owner_ids),
            month=self._calendar.month_index(state.close_day[shared]),
            amount=credit.amount,
        )

    def _shares(self, state: PipelineState, deals: OpenDeals) -> Shares:
        credit = share_out(
            self._history.extract,
            state.as_of,
            self._rules,
            self._history.ids.take(pa.array(deals.deal)),
            self.owner_ids.take(pa.array(deals.owner)),
            np.full(len(deals), WHOLE, np.int64),
        )
        order = np.argsort(credit.position, kind="stable")
        owner = columns.codes(credit.owner_ids, self.owner_ids)
        return Shares(credit.position[order], owner[order], credit.amount[order] / WHOLE)

    def _credited_owners(self) -> list[pa.Array]:
        """Return everybody who may get credit: owners ever, by today's record, by changes, and by splits."""
        history = self._history
        parts = [
            history.owner.current,
            history.owner.old_values.filter(pc.is_valid(history.owner.old_values)),
        ]
        splits = history.extract.opportunity_splits
        return [*parts, columns.arrow(splits["owner_id"])] if len(splits) else parts
