"""Work: the days of work that won and open deals bring, by deal and month.

Put the laying of work over months here; what it is held against is `delivery_load`. What a deal
takes is the CRM's; when it is done follows its service dates; an open deal counts by its chance.
Definitions, section 9.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.arrow import NO_DAY, Codes, Floats, Mask
from sales.calendar import FiscalCalendar, Month
from sales.contracts.history import OpportunitySnapshot
from sales.statistics.deal_outcomes import HORIZON, ForecastBasis

# Where a deal has no service dates, its work follows its booking over so many months.
MONTHS_OF_WORK = 3


@dataclass(frozen=True)
class Work:
    """Days of work, a row for each deal and month: the deal's row in the snapshot, the month's index, and whether it is won."""

    deal: Codes
    month: Codes
    days: Floats
    is_won: Mask

    def by_month(self, first: Month, months: int, *, is_won: bool) -> Floats:
        """Return the days of won deals, or of open ones, of so many months from the first on."""
        here = self.is_won == is_won
        return self._sums(np.zeros(len(self.deal), np.int64), 1, first, months, here)[0]

    def by_group(self, code: Codes, groups: int, first: Month, months: int) -> Floats:
        """Return the days of each group, a row a group; `code` is the group of each row of the snapshot."""
        everywhere = np.ones(len(self.deal), np.bool_)
        return self._sums(code[self.deal], groups, first, months, everywhere)

    def _sums(self, code: Codes, groups: int, first: Month, months: int, where: Mask) -> Floats:
        index = self.month - first.index
        use = where & (index >= 0) & (index < months)
        days = np.zeros((groups, months))
        np.add.at(days, (code[use], index[use]), self.days[use])
        return days


def has_effort(snapshot: DataFrame[OpportunitySnapshot]) -> bool:
    """Return whether the CRM says of any deal how much work it is."""
    return bool(np.isfinite(columns.floats(snapshot["effort_days"])).any())


def work_of(
    snapshot: DataFrame[OpportunitySnapshot],
    forecast_basis: ForecastBasis | None,
    calendar: FiscalCalendar,
) -> Work:
    """Return the work of won deals and, by their chance in each month ahead, of open ones."""
    effort = columns.floats(snapshot["effort_days"])
    won = np.flatnonzero(columns.booleans(snapshot["is_won"]) & (effort > 0))
    booked_in = calendar.month_index(columns.to_days(snapshot["close_date"]))
    span = ServiceSpan(snapshot, calendar)
    parts = [span.laid(won, booked_in[won], effort[won], is_won=True)]
    if forecast_basis is not None and forecast_basis.deals is not None:
        deals, known = forecast_basis.deals, forecast_basis.known
        ids = known.deal_ids.take(pa.array(deals.deals.deal))
        row = columns.codes(ids, columns.arrow(snapshot["opportunity_id"]))
        for ahead in range(1, HORIZON + 1):
            use = (effort[row] > 0) & (deals.win[:, ahead] > 0)
            expected_in = np.full(int(use.sum()), known.month + ahead)
            days = effort[row[use]] * deals.win[use, ahead]
            parts.append(span.laid(row[use], expected_in, days, is_won=False))
    return joined(parts)


def laid_after(deal: Codes, booked_in: Codes, days: Floats) -> Work:
    """Lay days evenly over the months that follow a booking, where no service dates are known."""
    return _laid(deal, booked_in + 1, np.full(len(deal), MONTHS_OF_WORK), days, is_won=False)


def joined(parts: Sequence[Work]) -> Work:
    """Return all the work of several."""
    return Work(
        np.concatenate([part.deal for part in parts]),
        np.concatenate([part.month for part in parts]),
        np.concatenate([part.days for part in parts]),
        np.concatenate([part.is_won for part in parts]),
    )


class ServiceSpan:
    """The months in which each deal of a snapshot is served."""

    def __init__(self, snapshot: DataFrame[OpportunitySnapshot], calendar: FiscalCalendar) -> None:
        """Keep the first and the last month of service of each row of a snapshot, where the CRM says them."""
        starts, ends = (
            columns.to_days(snapshot[name]) for name in ("service_start", "service_end")
        )
        self._has_start, self._has_end = starts != NO_DAY, ends != NO_DAY
        self._first = calendar.month_index(np.where(self._has_start, starts, 0))
        self._last = calendar.month_index(np.where(self._has_end, ends, 0))

    def planned(self, rows: Codes, booked_in: Codes) -> Codes:
        """Return the month in which the work of deals is to begin: as the CRM says, else the one after the booking."""
        return np.where(self._has_start[rows], self._first[rows], booked_in + 1)

    def starts(self, rows: Codes, booked_in: Codes) -> Codes:
        """Return the month in which the work of deals begins that are booked in a month.

        A deal that is confirmed late is served late: its dates move along.
        """
        return np.maximum(self.planned(rows, booked_in), booked_in)

    def laid(self, rows: Codes, booked_in: Codes, days: Floats, *, is_won: bool) -> Work:
        """Lay days evenly over the months of service, from the booking on where there are none."""
        first = self.starts(rows, booked_in)
        planned = self.planned(rows, booked_in)
        last = np.where(self._has_end[rows], self._last[rows], planned + MONTHS_OF_WORK - 1)
        last = np.maximum(last + first - planned, first)
        return _laid(rows, first, last - first + 1, days, is_won=is_won)


def _laid(deal: Codes, first: Codes, months: Codes, days: Floats, *, is_won: bool) -> Work:
    """Lay days evenly over so many months from the first on."""
    every = np.repeat(np.arange(len(deal)), months)
    step = np.arange(len(every)) - np.repeat(np.cumsum(months) - months, months)
    return Work(
        deal[every],
        first[every] + step,
        (days / months)[every],
        np.full(len(every), is_won, np.bool_),
    )
