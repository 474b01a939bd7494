"""The fate of open deals as a table: learned once a month end, and read by coverage and every forecast.

Put how chances are stored and read back here; how they are learned is `statistics.deal_outcomes`.
"""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import checked, empty, stamp
from sales.contracts.coverage import DealChances
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON, DealForecast, ForecastBasis, forecast_basis
from sales.statistics.point_in_time import Knowledge

# Column h of the chances is for h months after the month end, the first one for what is entered late.
CHANCES = ["chance_late", *(f"chance_{ahead}" for ahead in range(1, HORIZON + 1))]
CREEP = ["creep_low", "creep_middle", "creep_high"]


def deal_chances(
    basis: ForecastBasis, month: Month, rules: MonthRules, extracted_at: datetime
) -> DataFrame[DealChances]:
    """Return what becomes of the open deals as a `DealChances` table; without rows where history is too short."""
    deals = basis.deals
    if deals is None or not deals.size:
        return empty(DealChances)
    win = {name: pa.array(deals.win[:, ahead]) for ahead, name in enumerate(CHANCES)}
    same_for_all = dict(zip([*CREEP, "month_shock"], [*deals.creep, deals.shock], strict=True))
    table = columns.frame(
        {
            "as_of_month": pa.repeat(pa.scalar(str(month)), deals.size),
            "opportunity_id": basis.known.deal_ids.take(pa.array(deals.deals.deal)),
            **win,
            "assumed_amount": pa.array(deals.amount),
            "is_imputed": pa.array(deals.is_imputed),
            **{name: pa.array(np.full(deals.size, each)) for name, each in same_for_all.items()},
        }
    )
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), DealChances)


def forecast_basis_of(known: Knowledge, chances: DataFrame[DealChances]) -> ForecastBasis:
    """Return what is known and becomes of the open deals by a `DealChances` table of the same month end.

    Where it has no rows, whether history is too short or no deal is open is found out anew; where
    it does not know every open deal, all is learned anew.
    """
    if chances.empty:
        return forecast_basis(known)
    ids = columns.arrow(chances["opportunity_id"])
    row = columns.codes(known.deal_ids.take(pa.array(known.now.deal)), ids)
    if (row < 0).any():  # the table is of another extract
        return forecast_basis(known)
    rows = chances.iloc[row]
    return ForecastBasis(
        known,
        DealForecast(
            deals=known.now,
            # Laid out as it is learned: sums must come out the same to the last bit.
            win=np.ascontiguousarray(np.stack([columns.floats(rows[each]) for each in CHANCES], 1)),
            amount=columns.floats(rows["assumed_amount"]),
            is_imputed=columns.booleans(rows["is_imputed"]),
            creep=np.array([float(rows[each].iloc[0]) for each in CREEP]),
            shock=float(rows["month_shock"].iloc[0]),
        ),
    )
