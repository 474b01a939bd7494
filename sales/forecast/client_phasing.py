"""Client phasing: bookings by client and month, what is expected, and the work that follows.

Put the calendar of clients here. Expected confirmations are weighted by their chance; the work is
that of deals and agreements.
Definitions, section 9.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes
from sales.calendar import Month
from sales.contracts.contract import DECIMALS, checked, stamp
from sales.contracts.forecast import ClientPhasing
from sales.contracts.history import OpportunitySnapshot
from sales.forecast.client_agreements import agreed_months, known_agreements
from sales.forecast.delivery_work import NO_CLIENT
from sales.forecast.work import has_effort, work_of
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON, ForecastBasis
from sales.targets.stated_plans import Agreement

SHOWN_BACK = 12


def client_phasing(
    snapshot: DataFrame[OpportunitySnapshot],
    forecast_basis: ForecastBasis | None,
    month: Month,
    rules: MonthRules,
    agreements: Sequence[Agreement] = (),
) -> DataFrame[ClientPhasing]:
    """Return a row for each client and month in which something was booked or agreed, is expected, or is to be done."""
    cells = _Cells(snapshot, forecast_basis, month, rules, agreements)
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
            "agreed": money.decimal_array(cells.agreed, rules.digits),
            "delivery_days": pa.array(cells.days, mask=np.full(len(index), not cells.has_work)),
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
        agreements: Sequence[Agreement],
    ) -> None:
        self.first, self.width = month.index - SHOWN_BACK + 1, SHOWN_BACK + HORIZON
        known = known_agreements(agreements, month, rules)
        of_deal = columns.arrow(snapshot["account_id"]).fill_null(NO_CLIENT)
        of_agreement = columns.text([each.account_id for each in known])
        self.account_ids = columns.distinct(of_deal, of_agreement)
        self.account_names = pc.coalesce(
            columns.take(
                columns.arrow(snapshot["account_name"]), columns.codes(self.account_ids, of_deal)
            ),
            columns.take(
                columns.text([each.account_name for each in known]),
                columns.codes(self.account_ids, of_agreement),
            ),
        )
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
        agreed = np.zeros(size, np.int64)
        self.has_work = has_effort(snapshot) or any(each.days for each in known)
        shown = agreed_months(known, Month.from_index(self.first), self.width, rules.calendar)
        places = self._key(
            columns.codes(
                columns.text([each.agreement.account_id for each in shown]), self.account_ids
            ),
            np.array([each.month.index for each in shown], np.int64),
        )
        np.add.at(agreed, places, np.array([each.amount for each in shown], np.int64))
        np.add.at(days, places, np.array([each.days for each in shown], np.float64))
        if forecast_basis is not None and forecast_basis.deals is not None:
            deals, past = forecast_basis.deals, forecast_basis.known
            row = columns.codes(
                past.deal_ids.take(pa.array(deals.deals.deal)),
                columns.arrow(snapshot["opportunity_id"]),
            )
            worth = deals.amount * deals.creep.mean()
            for ahead in range(1, HORIZON + 1):
                part = np.rint(worth * deals.win[:, ahead]).astype(np.int64)
                when = np.full(len(row), past.month + ahead)
                np.add.at(expected, self._key(account[row], when), part)
        self.keys = np.flatnonzero(
            (booked != 0) | (expected != 0) | (agreed != 0) | (days > 0.5 * 10**-DECIMALS)
        )
        self.bookings, self.expected, self.agreed = (
            each[self.keys] for each in (booked, expected, agreed)
        )
        self.days = days[self.keys]

    def _shown(self, index: Codes) -> np.ndarray:
        return (index >= self.first) & (index < self.first + self.width)

    def _key(self, account: Codes, index: Codes) -> Codes:
        return account * self.width + index - self.first
