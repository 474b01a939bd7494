"""All monthly tables by name: those that people read, and those that others are computed from."""

from __future__ import annotations

from sales.contracts.contract import Contract
from sales.contracts.coverage import PipelineCoverage, PipelineMovement
from sales.contracts.forecast import (
    ClientPhasing,
    ClosingPlan,
    ForecastTrackRecord,
    LandingForecast,
    PipelineGeneration,
)
from sales.contracts.history import BookingCredit, MonthlyBookings, OpportunitySnapshot
from sales.contracts.quality import DataQuality
from sales.contracts.targets import (
    BottomUpPlan,
    PhasedTargets,
    PhasingCheck,
    TargetAttainment,
    TargetPadding,
)

PUBLISHED: dict[str, type[Contract]] = {
    "opportunity_snapshot": OpportunitySnapshot,
    "phased_targets": PhasedTargets,
    "phasing_check": PhasingCheck,
    "target_padding": TargetPadding,
    "bottom_up_plan": BottomUpPlan,
    "target_attainment": TargetAttainment,
    "pipeline_coverage": PipelineCoverage,
    "pipeline_movement": PipelineMovement,
    "landing_forecast": LandingForecast,
    "closing_plan": ClosingPlan,
    "client_phasing": ClientPhasing,
    "pipeline_generation": PipelineGeneration,
    "forecast_track_record": ForecastTrackRecord,
    "data_quality": DataQuality,
}


MONTHLY: dict[str, type[Contract]] = {
    **PUBLISHED,
    "booking_credit": BookingCredit,
    "monthly_bookings": MonthlyBookings,
}


def month_column(table: str) -> str:
    """Return the column that says which month end a monthly table belongs to."""
    return {
        "opportunity_snapshot": "month",
        "pipeline_movement": "to_month",
        "forecast_track_record": "evaluated_month",
    }.get(table, "as_of_month")
