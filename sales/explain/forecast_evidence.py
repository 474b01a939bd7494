"""What a forecast adds to the evidence of coverage: the chance of each open deal, and what a period needs by the past.

Put here what is read off a forecast to explain a figure; the rows of the published tables are
`evidence`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import money
from sales.calendar import Month, Period
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage.required_coverage import required_coverage
from sales.forecast.sales_facts import sales_facts
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import ForecastBasis
from sales.statistics.period_distribution import ForecastInputs, forecast_inputs, offsets


@dataclass(frozen=True)
class Needed:
    """What a period needs: c, N and the number of past month ends they are measured at, with the interval; none where unknown."""

    conversion: float | None
    others: Decimal | None
    low: float | None
    high: float | None
    windows: int


@dataclass(frozen=True)
class ForecastEvidence:
    """A forecast as of a month end, asked for single deals and single rows; `ahead` is none where history is too short for one."""

    ahead: ForecastInputs | None
    digits: int

    def chances(self, period: Period) -> Mapping[str, float]:
        """Return the chance of each open deal, by id, to be booked in a period; deals that nothing is known of are left out."""
        if self.ahead is None:
            return {}
        deal_forecast, known = self.ahead.deal_forecast, self.ahead.known
        ids = known.deal_ids.take(pa.array(deal_forecast.deals.deal)).to_pylist()
        return dict(zip(ids, deal_forecast.between(*offsets(known, period)).tolist(), strict=True))

    def needed(self, period: Period, grain: str, grain_id: str, gap: Decimal) -> Needed:
        """Return what one person, team or the company needs for a period of which `gap` is still to be won."""
        if self.ahead is None:
            return Needed(None, None, None, None, 0)
        its = next(each for each in self.ahead.members.grains if each.name == grain)
        row = its.ids.to_pylist().index(grain_id)
        gaps = np.zeros(len(its.ids), np.int64)
        gaps[row] = money.to_minor(gap, self.digits)
        found = required_coverage(self.ahead, period, its, gaps)
        conversion, others, low, high = (
            None if np.isnan(each[row]) else float(each[row])
            for each in (found.conversion, found.others, found.low, found.high)
        )
        return Needed(
            conversion,
            None if others is None else Decimal(others).scaleb(-self.digits),
            low,
            high,
            found.windows,
        )


def forecast_evidence(
    forecast_basis: ForecastBasis,
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> ForecastEvidence:
    """Return the forecast of a month end."""
    facts = sales_facts(snapshot, booking_credit, phased_targets, month, rules)
    return ForecastEvidence(
        forecast_inputs(forecast_basis, facts.grains, facts.sells_after(month)), rules.digits
    )
