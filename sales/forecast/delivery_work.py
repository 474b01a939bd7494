"""Delivery work: all work of the twelve months to come, of agreements, won and open deals, by client and team.

Put here whose work it is and in which order it was agreed; how the work of a deal is laid over
months is `work`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.arrow import Codes, Days, Floats
from sales.calendar import EPOCH, Month
from sales.contracts.history import OpportunitySnapshot
from sales.forecast.client_agreements import AgreedMonth, agreed_months, known_agreements, teams_of
from sales.forecast.work import Work, work_of
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON, ForecastBasis
from sales.targets.stated_plans import PlanBook

# Stands for the client of deals that have none, so that clients sum to the company.
NO_CLIENT = "(none)"
AGREED, WON, EXPECTED = KINDS = range(3)


@dataclass(frozen=True)
class DeliveryWork:
    """Days of work, a row for each agreement or deal and month.

    `account_id`, `account_name` and `team` say whose they are; `step` is 0 in the first month to
    come, `kind` says whether an agreement, a won or an open deal brings them, and `agreed_on` is
    the day of its signature, its booking, or its close date, in days since the epoch.
    """

    account_id: pa.Array
    account_name: pa.Array
    team: pa.Array
    step: Codes
    days: Floats
    kind: Codes
    agreed_on: Days

    def in_order(self) -> Codes:
        """Return the rows in the order in which people are taken: agreements and won deals by their day, then open ones."""
        return np.lexsort((np.arange(len(self.days)), self.agreed_on, self.kind == EXPECTED))


def delivery_work(
    snapshot: DataFrame[OpportunitySnapshot],
    forecast_basis: ForecastBasis | None,
    plans: PlanBook,
    month: Month,
    rules: MonthRules,
) -> DeliveryWork:
    """Return the work of the twelve months after a month's end."""
    work = work_of(snapshot, forecast_basis, rules.calendar)
    agreed, deals = _of_agreements(plans, snapshot, month, rules), _of_deals(work, snapshot, month)
    return DeliveryWork(
        pa.concat_arrays([agreed.account_id, deals.account_id]),
        pa.concat_arrays([agreed.account_name, deals.account_name]),
        pa.concat_arrays([agreed.team, deals.team]),
        np.r_[agreed.step, deals.step],
        np.r_[agreed.days, deals.days],
        np.r_[agreed.kind, deals.kind],
        np.r_[agreed.agreed_on, deals.agreed_on],
    )


def agreed_work(plans: PlanBook, month: Month, rules: MonthRules) -> list[AgreedMonth]:
    """Return the months to come in which agreements that are known at a month's end bring work."""
    known = known_agreements(plans.agreements, month, rules)
    coming = agreed_months(known, month.plus(1), HORIZON, rules.calendar)
    return [each for each in coming if each.days]


def _of_agreements(
    plans: PlanBook, snapshot: DataFrame[OpportunitySnapshot], month: Month, rules: MonthRules
) -> DeliveryWork:
    agreed = agreed_work(plans, month, rules)
    agreements = [each.agreement for each in agreed]
    return DeliveryWork(
        columns.text([each.account_id for each in agreements]),
        columns.text([each.account_name for each in agreements]),
        columns.text(teams_of(agreements, snapshot)),
        _codes([each.month.index - month.index - 1 for each in agreed]),
        np.array([each.days for each in agreed], np.float64),
        np.full(len(agreed), AGREED),
        _codes([(each.signed_on - EPOCH).days for each in agreements]),
    )


def _of_deals(work: Work, snapshot: DataFrame[OpportunitySnapshot], month: Month) -> DeliveryWork:
    here = (work.month > month.index) & (work.month <= month.index + HORIZON)
    rows = pa.array(work.deal[here])
    return DeliveryWork(
        columns.arrow(snapshot["account_id"]).fill_null(NO_CLIENT).take(rows),
        columns.arrow(snapshot["account_name"]).take(rows),
        columns.arrow(snapshot["team"]).take(rows),
        work.month[here] - month.index - 1,
        work.days[here],
        np.where(work.is_won[here], WON, EXPECTED),
        columns.to_days(snapshot["close_date"])[work.deal[here]],
    )


def _codes(values: Sequence[int]) -> Codes:
    return np.array(values, np.int64)
