"""Every monthly table once: its contract, where it belongs, which module computes it, what must hold.

Put a new table here, in the order in which an export lists them. Its columns are in the module of
its group, the parents of its columns in `lineage`, the function of its asset in `assets/GROUP.py`;
dependencies, checks, fingerprint, export and the lineage in the UI follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sales.contracts.contract import Contract
from sales.contracts.coverage import (
    DealChances,
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
from sales.contracts.lineage import parent_assets
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


class Group(StrEnum):
    """The groups of monthly tables, in the order of the UI."""

    HISTORY = "history"
    TARGETS = "targets"
    COVERAGE = "coverage"
    FORECAST = "forecast"
    QUALITY = "quality"


@dataclass(frozen=True)
class MonthlyTable:
    """A monthly table: `module` computes it, `laws` stop what comes after, `checked_against` are tables that laws look at.

    `month_column` says which month end a row belongs to; a table that is not published is one that
    others are computed from. One that `knows_fonts` says which characters no page can draw.
    """

    name: str
    contract: type[Contract]
    group: Group
    module: str
    laws: Mapping[str, str] = field(default_factory=dict[str, str])
    checked_against: tuple[str, ...] = ()
    kind: str = "pandas"
    month_column: str = "as_of_month"
    is_published: bool = True
    knows_fonts: bool = False

    @property
    def tables(self) -> tuple[str, ...]:
        """The monthly tables of the same month that are read, sorted."""
        read = parent_assets(self.name) & TABLES.keys() | set(self.checked_against)
        return tuple(sorted(read))

    @property
    def sources(self) -> tuple[str, ...]:
        """The raw tables and policy files that are read, sorted."""
        return tuple(sorted(parent_assets(self.name) - TABLES.keys()))

    @property
    def reads_targets(self) -> bool:
        """Whether the target book or a file beside it is read directly."""
        return any(each == "raw_targets" or each.startswith("policy/") for each in self.sources)


ADDS_UP = "People sum to teams and to the company, to the cent."
_ALL = (
    MonthlyTable(
        "opportunity_snapshot",
        OpportunitySnapshot,
        Group.HISTORY,
        "sales.history.snapshot",
        {"no_fact_after_as_of": "No fact recorded at or after the month end is used."},
        month_column="month",
    ),
    MonthlyTable(
        "phased_targets",
        PhasedTargets,
        Group.TARGETS,
        "sales.targets.phased_targets",
        {
            "phasing_sums_to_annual_target": "The twelve months sum to the annual target, to the cent."
        },
    ),
    MonthlyTable("phasing_check", PhasingCheck, Group.TARGETS, "sales.forecast.phasing_check"),
    MonthlyTable("target_padding", TargetPadding, Group.TARGETS, "sales.targets.stated_plans"),
    MonthlyTable("bottom_up_plan", BottomUpPlan, Group.TARGETS, "sales.targets.stated_plans"),
    MonthlyTable(
        "target_attainment",
        TargetAttainment,
        Group.TARGETS,
        "sales.targets.attainment",
        {"attainment_adds_up": ADDS_UP},
    ),
    MonthlyTable(
        "coming_month", ComingMonth, Group.TARGETS, "sales.forecast.coming_month", kind="numpy"
    ),
    MonthlyTable(
        "pipeline_coverage",
        PipelineCoverage,
        Group.COVERAGE,
        "sales.coverage.coverage",
        {"coverage_adds_up": ADDS_UP},
    ),
    MonthlyTable(
        "pipeline_movement",
        PipelineMovement,
        Group.COVERAGE,
        "sales.coverage.movement",
        {
            "movement_closes": "Opening plus what came less what went is the open pipeline, to the cent."
        },
        checked_against=("pipeline_coverage",),
        month_column="to_month",
    ),
    MonthlyTable(
        "deal_changes",
        DealChanges,
        Group.COVERAGE,
        "sales.coverage.deal_changes",
        month_column="to_month",
    ),
    MonthlyTable(
        "pipeline_stages", PipelineStages, Group.COVERAGE, "sales.coverage.pipeline_stages"
    ),
    MonthlyTable(
        "dimension_breakdown",
        DimensionBreakdown,
        Group.COVERAGE,
        "sales.coverage.dimension_breakdown",
        {"breakdown_adds_up": "Values sum to the bookings and the open pipeline, to the cent."},
        checked_against=("pipeline_stages", "target_attainment"),
    ),
    MonthlyTable("decided_deals", DecidedDeals, Group.COVERAGE, "sales.coverage.decided_deals"),
    MonthlyTable(
        "landing_forecast",
        LandingForecast,
        Group.FORECAST,
        "sales.forecast.landing_forecast",
        {
            "forecast_adds_up": "Bookings, targets and expected landings of people sum to teams and the company, to the cent."
        },
        kind="numpy",
    ),
    MonthlyTable(
        "closing_plan", ClosingPlan, Group.FORECAST, "sales.forecast.closing_plan", kind="numpy"
    ),
    MonthlyTable(
        "client_phasing",
        ClientPhasing,
        Group.FORECAST,
        "sales.forecast.client_phasing",
        kind="numpy",
    ),
    MonthlyTable(
        "client_agreements", ClientAgreements, Group.FORECAST, "sales.forecast.client_agreements"
    ),
    MonthlyTable("delivery_load", DeliveryLoad, Group.FORECAST, "sales.forecast.delivery_load"),
    MonthlyTable("account_load", AccountLoad, Group.FORECAST, "sales.forecast.delivery_load"),
    MonthlyTable(
        "pipeline_generation",
        PipelineGeneration,
        Group.FORECAST,
        "sales.forecast.generation",
        kind="numpy",
    ),
    MonthlyTable(
        "source_attainment",
        SourceAttainment,
        Group.FORECAST,
        "sales.forecast.source_attainment",
    ),
    MonthlyTable("forecast_calls", ForecastCalls, Group.FORECAST, "sales.forecast.calls"),
    MonthlyTable("actions", Actions, Group.FORECAST, "sales.forecast.actions"),
    MonthlyTable(
        "forecast_track_record",
        ForecastTrackRecord,
        Group.FORECAST,
        "sales.forecast.backtest",
        kind="numpy",
        month_column="evaluated_month",
    ),
    MonthlyTable(
        "data_quality",
        DataQuality,
        Group.QUALITY,
        "sales.checks.findings",
        {"every_booking_has_a_target": "A booking belongs to someone with a target, or is listed."},
        knows_fonts=True,
    ),
    MonthlyTable(
        "booking_credit",
        BookingCredit,
        Group.HISTORY,
        "sales.history.booking_credit",
        is_published=False,
    ),
    MonthlyTable(
        "deal_chances",
        DealChances,
        Group.COVERAGE,
        "sales.coverage.deal_chances",
        kind="numpy",
        is_published=False,
    ),
    MonthlyTable(
        "monthly_bookings",
        MonthlyBookings,
        Group.HISTORY,
        "sales.history.snapshot",
        is_published=False,
    ),
)
TABLES: dict[str, MonthlyTable] = {each.name: each for each in _ALL}
