"""A running period seen from the same day of it, now and in the past: booked, due, and what came of it.

Put here how past periods are cut at a day; what is made of them is `running_period`. Nothing of a
period is known before its day but what was recorded before it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from sales import arrow as columns
from sales.arrow import Codes, Floats
from sales.calendar import FiscalCalendar, Month, Period
from sales.history.booking_credit import share_out
from sales.history.reconstruction import PipelineHistory, PipelineState
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains

WEEK = timedelta(days=7)
EPOCH = date(1970, 1, 1)
# Periods that are looked back on.
MOST_PERIODS = 24


@dataclass(frozen=True)
class Moments:
    """A period seen from the same day of it, now and in the past: a row a period, the running one first, a column an id; minor units.

    `booked` is what was booked of it by then, `due` what was open and due until its end, `weighted`
    that by the CRM's probability, `final` what it came to, `converted` what of it had been due then;
    both are 0 of the running one. `week_before` is the P50 that a week earlier would have told, NaN
    where that lies before the period. `share` is the part of the period that was over.
    """

    booked: Floats
    due: Floats
    weighted: Floats
    final: Floats
    converted: Floats
    deals: Floats
    share: Floats


@dataclass(frozen=True)
class _Span:
    """A period from its first to its last day, and the day in it at whose midnight it is looked at."""

    first: date
    last: date
    today: date

    @classmethod
    def of(cls, months: Sequence[Month], passed: int, calendar: FiscalCalendar) -> _Span:
        first, last = calendar.first_day(months[0]), calendar.last_day(months[-1])
        return cls(first, last, min(first + timedelta(days=passed), last + timedelta(days=1)))

    @property
    def passed(self) -> int:
        """How many of its days are over."""
        return (self.today - self.first).days

    @staticmethod
    def instant(calendar: FiscalCalendar, day: date) -> int:
        """Return the instant at which a day begins where the company is."""
        month = calendar.month_of(day - timedelta(days=1))
        return columns.instant_of(replace(calendar, until=day).as_of(month))


class PeriodMoments:
    """What the same day of a period and of earlier ones showed, by person: `now`, and a `week_before` where the period had begun by then."""

    def __init__(
        self, history: PipelineHistory, grains: Grains, period: Period, day: date, rules: MonthRules
    ) -> None:
        """Look at the period, and at those before it, up to the day."""
        self._history, self._grains, self._rules = history, grains, rules
        self._calendar = replace(rules.calendar, until=None)
        self.spans = [*self._spans_of(period, day)]
        self.now = self._moments(0)
        self.week_before = self._moments(WEEK.days) if self.spans[0].passed > WEEK.days else None

    def _spans_of(self, period: Period, day: date) -> Iterator[_Span]:
        """Yield the running period and those before it, each cut at the same day of it, as far back as there are records."""
        passed = (day - self._calendar.first_day(period.first)).days
        size = len(period.months)
        for back in range(MOST_PERIODS + 1):
            months = tuple(each.plus(-back * size) for each in period.months)
            span = _Span.of(months, passed, self._calendar)
            if back and not self._history.has_any(span.instant(self._calendar, span.first)):
                return
            yield span

    def _moments(self, earlier: int) -> Moments:
        size, count = len(self._grains.person_ids), len(self.spans)
        shape = (count, size)
        found = {
            name: np.zeros(shape)
            for name in ("booked", "due", "weighted", "final", "converted", "deals")
        }
        for row, span in enumerate(self.spans):
            then = span.today - timedelta(days=earlier)
            state = self._state(span.instant(self._calendar, then))
            _, who, amount = self._credit(state, self._booked(state, span))
            found["booked"][row] = columns.total_by(who, amount, size)
            due, who, amount = self._credit(state, self._due(state, span, then))
            found["due"][row] = columns.total_by(who, amount, size)
            found["deals"][row] = np.bincount(who, minlength=size)
            chance = np.nan_to_num(self._history.row_probability[state.row]) / 100
            of_deal = np.zeros(len(self._history.ids))
            of_deal[state.opportunity] = chance
            found["weighted"][row] = columns.total_by(who, amount * of_deal[due], size)
            if row:
                end = self._state(span.instant(self._calendar, span.last + timedelta(days=1)))
                deal, who, amount = self._credit(end, self._booked(end, span))
                found["final"][row] = columns.total_by(who, amount, size)
                was_due = np.isin(deal, due)
                found["converted"][row] = columns.total_by(who[was_due], amount[was_due], size)
        share = np.array([(each.today - each.first).days - earlier for each in self.spans])
        lengths = np.array([(each.last - each.first).days + 1 for each in self.spans])
        return Moments(**found, share=np.clip(share / lengths, 0.0, 1.0))

    def _state(self, instant: int) -> PipelineState:
        return self._history.at(instant, dict(self._rules.policy.pipeline.stages))

    def _credit(self, state: PipelineState, rows: Codes) -> tuple[Codes, Codes, Floats]:
        """Return the deal, the person and the amount of the credit for some rows of a state; of people who are none of ours it is left out."""
        deals = state.opportunity[rows]
        credit = share_out(
            self._history.extract,
            state.as_of,
            self._rules,
            self._history.ids.take(pa.array(deals)),
            state.owner_ids.take(pa.array(rows)),
            state.amount[rows],
        )
        who = columns.codes(credit.owner_ids, self._grains.person_ids)
        ours = who >= 0
        return (
            deals[credit.position][ours],
            who[ours],
            credit.amount[ours].astype(np.float64),
        )

    @staticmethod
    def _booked(state: PipelineState, span: _Span) -> Codes:
        first, last = ((each - EPOCH).days for each in (span.first, span.last))
        inside = (state.close_day >= first) & (state.close_day <= last)
        return np.flatnonzero(state.is_won & ~state.is_without_amount & inside)

    @staticmethod
    def _due(state: PipelineState, span: _Span, today: date) -> Codes:
        first, last = ((each - EPOCH).days for each in (today, span.last))
        inside = (state.close_day >= first) & (state.close_day <= last)
        return np.flatnonzero(state.is_open & ~state.is_without_amount & inside)


def of_grain(seen: Moments, grain: Grain) -> Moments:
    """Return people's moments added up to the ids of a grain."""

    def summed(values: Floats) -> Floats:
        found = np.zeros((len(values), len(grain.ids)))
        np.add.at(found.T, grain.of_person, values.T)
        return found

    names = ("booked", "due", "weighted", "final", "converted", "deals")
    return Moments(**{name: summed(getattr(seen, name)) for name in names}, share=seen.share)
