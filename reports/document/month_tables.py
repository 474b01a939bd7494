"""The tables of one month end, as pages read them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self, cast

import pandas as pd
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.contracts.coverage import (
    DealChanges,
    DecidedDeals,
    DimensionBreakdown,
    PipelineCoverage,
    PipelineMovement,
    PipelineStages,
)
from sales.contracts.forecast import (
    Actions,
    ClientPhasing,
    ClosingPlan,
    ForecastCalls,
    ForecastTrackRecord,
    LandingForecast,
    PipelineGeneration,
    SourceAttainment,
)
from sales.contracts.history import BookingCredit, MonthlyBookings, OpportunitySnapshot
from sales.contracts.quality import DataQuality
from sales.contracts.targets import (
    BottomUpPlan,
    ComingMonth,
    PhasedTargets,
    PhasingCheck,
    TargetAttainment,
    TargetPadding,
)
from sales.contracts.work import AccountLoad, ClientAgreements, DeliveryLoad

Record = dict[str, Any]


@dataclass(frozen=True)
class MonthTables:
    """The tables of one month end."""

    opportunity_snapshot: DataFrame[OpportunitySnapshot]
    booking_credit: DataFrame[BookingCredit]
    phased_targets: DataFrame[PhasedTargets]
    monthly_bookings: DataFrame[MonthlyBookings]
    target_attainment: DataFrame[TargetAttainment]
    pipeline_coverage: DataFrame[PipelineCoverage]
    pipeline_movement: DataFrame[PipelineMovement]
    closing_plan: DataFrame[ClosingPlan]
    data_quality: DataFrame[DataQuality]
    landing_forecast: DataFrame[LandingForecast]
    client_phasing: DataFrame[ClientPhasing]
    pipeline_generation: DataFrame[PipelineGeneration]
    forecast_track_record: DataFrame[ForecastTrackRecord]
    phasing_check: DataFrame[PhasingCheck]
    target_padding: DataFrame[TargetPadding]
    bottom_up_plan: DataFrame[BottomUpPlan]
    coming_month: DataFrame[ComingMonth]
    deal_changes: DataFrame[DealChanges]
    actions: DataFrame[Actions]
    source_attainment: DataFrame[SourceAttainment]
    forecast_calls: DataFrame[ForecastCalls]
    client_agreements: DataFrame[ClientAgreements]
    delivery_load: DataFrame[DeliveryLoad]
    account_load: DataFrame[AccountLoad]
    pipeline_stages: DataFrame[PipelineStages]
    decided_deals: DataFrame[DecidedDeals]
    dimension_breakdown: DataFrame[DimensionBreakdown]

    @classmethod
    def among(cls, tables: Mapping[str, pd.DataFrame]) -> Self:
        """Return those that pages read of all tables of a month."""
        return cls(**{each.name: cast("Any", tables[each.name]) for each in fields(cls)})


def records(table: pd.DataFrame) -> list[Record]:
    """Return rows with plain values: empty cells are None."""
    return columns.rows(table)
