"""Client phasing: bookings by client and month, what is expected, and the work that follows.

Put the calendar of clients here. Expected confirmations are weighted by their chance; the work is
that of the delivery load.
Definitions, section 9.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes
from sales.calendar import Month
from sales.contracts.contract import DECIMALS, checked, stamp
from sales.contracts.forecast import ClientPhasing
from sales.contracts.history import OpportunitySnapshot
from sales.forecast.delivery_load import has_effort, work_of
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON, ForecastBasis

SHOWN_BACK = 12
# Stands for the client of deals that have none, so that clients sum to the company.
NO_CLIENT = "(none)"


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
            "delivery_days": pa.array(
                cells.days, mask=np.full(len(index), not has_effort(snapshot))
            ),
            "account_name": names,
        }
    ).sort_values(["account_id", "month"], kind="stable", ignore_index=True)
    return checked(
        stamp(table, rules.calendar.as_of(month), snapshot["extracted_at"].iloc[0]), ClientPhasing
    )


class _Cells:
    """Sums by client and month; a key is the client's code times `width` plus months since `first`."""

    def __init__(
        self,
        snapshot: DataFrame[OpportunitySnapshot],
        forecast_basis: ForecastBasis | None,
        month: Month,
        rules: MonthRules,
    ) -> None:
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
        use = won & ~is_null & self._shown(booked_in)
        np.add.at(booked, self._key(account[use], booked_in[use]), amount[use])
        expected, days = np.zeros(size, np.int64), np.zeros(size)
        work = work_of(snapshot, forecast_basis, rules.calendar)
        here = self._shown(work.month)
        np.add.at(days, self._key(account[work.deal], work.month)[here], work.days[here])
        if forecast_basis is not None and forecast_basis.deals is not None:
            deals, known = forecast_basis.deals, forecast_basis.known
            row = columns.codes(
                known.deal_ids.take(pa.array(deals.deals.deal)),
                columns.arrow(snapshot["opportunity_id"]),
            )
            worth = deals.amount * deals.creep.mean()
            for ahead in range(1, HORIZON + 1):
                part = np.rint(worth * deals.win[:, ahead]).astype(np.int64)
                when = np.full(len(row), known.month + ahead)
                np.add.at(expected, self._key(account[row], when), part)
        self.keys = np.flatnonzero((booked != 0) | (expected != 0) | (days > 0.5 * 10**-DECIMALS))
        self.bookings, self.expected, self.days = (
            booked[self.keys],
            expected[self.keys],
            days[self.keys],
        )

    def _shown(self, index: Codes) -> np.ndarray:
        return (index >= self.first) & (index < self.first + self.width)

    def _key(self, account: Codes, index: Codes) -> Codes:
        return account * self.width + index - self.first
