"""Every monthly table once: its contract, where it belongs, which module computes it, what must hold.

Put a new table here. Its columns are in the module of its group, the parents of its columns in `lineage`; the
asset, its dependencies, checks and fingerprint, the export and the data dictionary follow.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from sales.contracts.contract import Contract
from sales.contracts.lineage import parent_assets
from sales.contracts.published import MONTHLY


class Group(StrEnum):
    """The groups of monthly tables, in the order in which they are computed."""

    HISTORY = "history"
    TARGETS = "targets"
    COVERAGE = "coverage"
    FORECAST = "forecast"
    QUALITY = "quality"


@dataclass(frozen=True)
class MonthlyTable:
    """A monthly table: `module` computes it, `laws` stop what comes after, `checked_against` are tables that laws look at."""

    name: str
    group: Group
    module: str
    laws: Mapping[str, str] = field(default_factory=dict[str, str])
    checked_against: tuple[str, ...] = ()
    kind: str = "pandas"

    @property
    def contract(self) -> type[Contract]:
        """What the table looks like."""
        return MONTHLY[self.name]

    @property
    def tables(self) -> tuple[str, ...]:
        """The monthly tables of the same month that are read, sorted."""
        read = parent_assets(self.name) & MONTHLY.keys() | set(self.checked_against)
        return tuple(sorted(read))

    @property
    def sources(self) -> tuple[str, ...]:
        """The raw tables and policy files that are read, sorted."""
        return tuple(sorted(parent_assets(self.name) - MONTHLY.keys()))

    @property
    def reads_targets(self) -> bool:
        """Whether the target book or a file beside it is read directly."""
        return any(each == "raw_targets" or each.startswith("policy/") for each in self.sources)


ADDS_UP = "People sum to teams and to the company, to the cent."
_ALL = (
    MonthlyTable(
        "opportunity_snapshot",
        Group.HISTORY,
        "sales.history.snapshot",
        {"no_fact_after_as_of": "No fact recorded at or after the month end is used."},
    ),
    MonthlyTable("monthly_bookings", Group.HISTORY, "sales.history.snapshot"),
    MonthlyTable("booking_credit", Group.HISTORY, "sales.history.booking_credit"),
    MonthlyTable(
        "phased_targets",
        Group.TARGETS,
        "sales.targets.phased_targets",
        {
            "phasing_sums_to_annual_target": "The twelve months sum to the annual target, to the cent."
        },
    ),
    MonthlyTable(
        "target_attainment",
        Group.TARGETS,
        "sales.targets.attainment",
        {"attainment_adds_up": ADDS_UP},
    ),
    MonthlyTable("phasing_check", Group.TARGETS, "sales.forecast.phasing_check"),
    MonthlyTable("target_padding", Group.TARGETS, "sales.targets.stated_plans"),
    MonthlyTable("bottom_up_plan", Group.TARGETS, "sales.targets.stated_plans"),
    MonthlyTable(
        "pipeline_coverage",
        Group.COVERAGE,
        "sales.coverage.coverage",
        {"coverage_adds_up": ADDS_UP},
    ),
    MonthlyTable(
        "pipeline_movement",
        Group.COVERAGE,
        "sales.coverage.movement",
        {
            "movement_closes": "Opening plus what came less what went is the open pipeline, to the cent."
        },
        checked_against=("pipeline_coverage",),
    ),
    MonthlyTable(
        "landing_forecast",
        Group.FORECAST,
        "sales.forecast.landing_forecast",
        {
            "forecast_adds_up": "Bookings, targets and expected landings of people sum to teams and the company, to the cent."
        },
        kind="numpy",
    ),
    MonthlyTable("closing_plan", Group.FORECAST, "sales.forecast.closing_plan", kind="numpy"),
    MonthlyTable("client_phasing", Group.FORECAST, "sales.forecast.client_phasing", kind="numpy"),
    MonthlyTable("pipeline_generation", Group.FORECAST, "sales.forecast.generation", kind="numpy"),
    MonthlyTable("forecast_track_record", Group.FORECAST, "sales.forecast.backtest", kind="numpy"),
    MonthlyTable(
        "data_quality",
        Group.QUALITY,
        "sales.checks.findings",
        {"every_booking_has_a_target": "A booking belongs to someone with a target, or is listed."},
    ),
)
TABLES: dict[str, MonthlyTable] = {each.name: each for each in _ALL}
