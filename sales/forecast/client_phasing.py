"""Client phasing: bookings by client and month, what is expected, and the work that follows.

Put the calendar of clients here. Expected confirmations are weighted by their chance; work is laid
over the months between a deal's service dates, and held against the capacity that policy states.
Definitions, section 9.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import NO_DAY, Codes, Floats
from sales.calendar import Month
from sales.contracts.contract import DECIMALS, checked, stamp
from sales.contracts.forecast import ClientPhasing
from sales.contracts.history import OpportunitySnapshot
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON, ForecastBasis

SHOWN_BACK = 12
# Stands for the client of deals that have none, so that clients sum to the company.
NO_CLIENT = "(none)"
# Where a deal has no service dates, its work follows its booking over so many months.
MONTHS_OF_WORK = 3


@dataclass(frozen=True)
class DeliveryMonth:
    """The work of a month in days: of won deals, expected of open ones, and what the company can do; people to draft in."""

    month: Month
    won_days: float
    expected_days: float
    capacity_days: float | None
    people_short: int


def client_phasing(
    snapshot: DataFrame[OpportunitySnapshot],
    forecast_basis: ForecastBasis | None,
    month: Month,
    rules: MonthRules,
) -> DataFrame[ClientPhasing]:
    """Return a row for each client and month in which something was booked, is expected, or is to be done."""
    cells = _Cells(snapshot, forecast_basis, month, rules)
    account, when = np.divmod(cells.keys, cells.width)
    index = when + cells.first
    over = index <= month.index
    unknown = (
        over
        if forecast_basis is not None and forecast_basis.deals is not None
        else np.ones(len(index), np.bool_)
    )
    names = columns.take(cells.account_names, account)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(index)),
            "account_id": cells.account_ids.take(pa.array(account)),
            "month": columns.text([str(Month.from_index(each)) for each in index.tolist()]),
            "bookings": money.decimal_array(cells.bookings, rules.digits),
            "expected": money.decimal_array(cells.expected, rules.digits, unknown),
            "delivery_days": pa.array(cells.days, mask=np.full(len(index), not cells.has_effort)),
            "account_name": names,
        }
    ).sort_values(["account_id", "month"], kind="stable", ignore_index=True)
    return checked(
        stamp(table, rules.calendar.as_of(month), snapshot["extracted_at"].iloc[0]), ClientPhasing
    )


def delivery_load(
    snapshot: DataFrame[OpportunitySnapshot],
    forecast_basis: ForecastBasis | None,
    month: Month,
    rules: MonthRules,
) -> list[DeliveryMonth]:
    """Return the work of the twelve months to come; no months where no effort is known."""
    cells = _Cells(snapshot, forecast_basis, month, rules)
    if not cells.has_effort:
        return []
    capacity, each_person = (
        rules.policy.clients.capacity_days,
        float(rules.policy.clients.days_per_person),
    )
    found: list[DeliveryMonth] = []
    for ahead in range(1, HORIZON + 1):
        its_month, place = month.plus(ahead), month.index + ahead - cells.first
        won, expected = float(cells.won_days[place]), float(cells.open_days[place])
        limit = None if capacity is None else float(capacity)
        short = people_needed(won + expected, limit, each_person)
        found.append(DeliveryMonth(its_month, won, expected, limit, short))
    return found


def people_needed(days: float, capacity: float | None, days_per_person: float) -> int:
    """Return how many people a month's work needs beyond the capacity; none where no capacity is stated."""
    if capacity is None:
        return 0
    return max(0, ceil(round((days - capacity) / days_per_person, DECIMALS)))


class _Cells:
    """Sums by client and month; a key is the client's code times `width` plus months since `first`."""

    def __init__(
        self,
        snapshot: DataFrame[OpportunitySnapshot],
        forecast_basis: ForecastBasis | None,
        month: Month,
        rules: MonthRules,
    ) -> None:
        self._calendar = rules.calendar
        self.first, self.width = month.index - SHOWN_BACK + 1, SHOWN_BACK + HORIZON
        of_deal = columns.arrow(snapshot["account_id"]).fill_null(NO_CLIENT)
        self.account_ids = columns.distinct(of_deal)
        rows = columns.codes(self.account_ids, of_deal)
        self.account_names = columns.arrow(snapshot["account_name"]).take(pa.array(rows))
        amount, is_null = money.minor_units(snapshot["amount"], rules.digits)
        account = columns.codes(of_deal, self.account_ids)
        won = columns.booleans(snapshot["is_won"])
        booked_in = rules.calendar.month_index(columns.to_days(snapshot["close_date"]))
        size = len(self.account_ids) * self.width
        booked = np.zeros(size, np.int64)
        use = (
            won
            & ~is_null
            & self._shown(booked_in)
            & (account >= 0)
            & (booked_in <= month.index + HORIZON)
        )
        np.add.at(booked, self._key(account[use], booked_in[use]), amount[use])
        expected, days = np.zeros(size, np.int64), np.zeros(size)
        effort = columns.floats(snapshot["effort_days"])
        self.has_effort = bool(np.isfinite(effort).any())
        self.won_days, self.open_days = np.zeros(self.width), np.zeros(self.width)
        self._lay(
            np.flatnonzero(won & (effort > 0)),
            snapshot,
            effort,
            booked_in,
            np.ones(len(effort)),
            account,
            days,
            self.won_days,
        )
        if forecast_basis is not None and forecast_basis.deals is not None:
            deals, known = forecast_basis.deals, forecast_basis.known
            row = columns.codes(
                known.deal_ids.take(pa.array(deals.deals.deal)),
                columns.arrow(snapshot["opportunity_id"]),
            )
            worth = deals.amount * deals.creep.mean()
            for ahead in range(1, HORIZON + 1):
                part = np.rint(worth * deals.win[:, ahead]).astype(np.int64)
                here = (account[row] >= 0) & (part != 0)
                np.add.at(
                    expected,
                    self._key(account[row][here], np.full(int(here.sum()), known.month + ahead)),
                    part[here],
                )
                chance = np.zeros(len(effort))
                chance[row] = deals.win[:, ahead]
                open_now = row[(effort[row] > 0) & (deals.win[:, ahead] > 0)]
                self._lay(
                    open_now,
                    snapshot,
                    effort,
                    np.full(len(effort), known.month + ahead),
                    chance,
                    account,
                    days,
                    self.open_days,
                )
        self.keys = np.flatnonzero((booked != 0) | (expected != 0) | (days > 0.5 * 10**-DECIMALS))
        self.bookings, self.expected, self.days = (
            booked[self.keys],
            expected[self.keys],
            days[self.keys],
        )

    def _lay(
        self,
        rows: Codes,
        snapshot: DataFrame[OpportunitySnapshot],
        effort: Floats,
        booked_in: Codes,
        weight: Floats,
        account: Codes,
        days: Floats,
        total: Floats,
    ) -> None:
        """Lay the work of deals over their months of service, from the booking on where there are none."""
        starts, ends = (
            columns.to_days(snapshot[name])[rows] for name in ("service_start", "service_end")
        )
        first = np.where(
            starts == NO_DAY,
            booked_in[rows] + 1,
            self._calendar.month_index(np.where(starts == NO_DAY, 0, starts)),
        )
        last = np.where(
            ends == NO_DAY,
            first + MONTHS_OF_WORK - 1,
            self._calendar.month_index(np.where(ends == NO_DAY, 0, ends)),
        )
        # An open deal that is confirmed late is served late: its dates move along.
        late = np.maximum(booked_in[rows] - first, 0)
        first, last = first + late, np.maximum(last + late, first + late)
        for step in range(int((last - first).max()) + 1 if len(rows) else 0):
            inside = (first + step <= last) & self._shown(first + step)
            part = effort[rows[inside]] * weight[rows[inside]] / (last[inside] - first[inside] + 1)
            np.add.at(total, first[inside] + step - self.first, part)
            owned = account[rows[inside]] >= 0
            np.add.at(
                days,
                self._key(account[rows[inside]][owned], (first[inside] + step)[owned]),
                part[owned],
            )

    def _shown(self, index: Codes) -> np.ndarray:
        return (index >= self.first) & (index < self.first + self.width)

    def _key(self, account: Codes, index: Codes) -> Codes:
        return account * self.width + index - self.first
