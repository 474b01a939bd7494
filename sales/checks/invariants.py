"""Laws that the tables of a month must keep among themselves.

Put cross-table laws here; what one table promises by itself is its contract.
Each function returns sentences, one a fault; none means that the law holds.
"""

from __future__ import annotations

from decimal import Decimal

import numpy as np
import pandas as pd
from pandera.typing import DataFrame

from sales import money
from sales.arrow import Mask
from sales.calendar import Month
from sales.contracts.coverage import (
    DimensionBreakdown,
    PipelineCoverage,
    PipelineMovement,
    PipelineStages,
)
from sales.contracts.forecast import LandingForecast
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.quality import DataQuality
from sales.contracts.targets import PhasedTargets, TargetAttainment
from sales.coverage.movement import ADDS, TAKES
from sales.history.booking_credit import booked
from sales.policy.rules import MonthRules
from sales.vocabulary import GrainKind, PeriodKind, Provenance

# Sentences stand in the UI, which everyone reads: they say by how much something is off, and no figure.
SHOWN = 3
ATTAINMENT = ["target", "rephased_target", "bookings", "variance"]
# Remaining target is not among them: what one person is ahead does not shorten what another lacks.
COVERAGE = [
    "target",
    "bookings",
    "open_pipeline",
    "stage_weighted_pipeline",
    "overdue_pipeline",
    "commit_forecast",
    "best_case_forecast",
]


def phasing_sums_to_annual_target(phased_targets: DataFrame[PhasedTargets]) -> list[str]:
    """The twelve months of every baseline sum to the annual target, to the cent."""
    by_owner = phased_targets.groupby(["fiscal_year", "owner_id"], observed=True)
    sums = by_owner.agg(months=("baseline_target", "sum"), annual=("annual_target", "first"))
    wrong = sums.loc[sums["months"] != sums["annual"]]
    return [
        f"{key}: months sum to {row.months - row.annual:+} from the target"
        for key, row in _few(wrong)
    ]


def people_sum_to_teams_and_company(table: pd.DataFrame, money_columns: list[str]) -> list[str]:
    """Every money column has the same sum over people, over teams, and for the company."""
    sums = table.groupby(["period_kind", "period", "grain"], observed=True)[money_columns].sum()
    faults: list[str] = []
    for name in money_columns:
        wide = sums[name].unstack("grain")  # noqa: PD010  # not a pivot: the index is the key
        off = wide.loc[
            (wide[GrainKind.PERSON] != wide[GrainKind.COMPANY])
            | (wide[GrainKind.TEAM] != wide[GrainKind.COMPANY])
        ]
        faults += [
            f"{name} of {key}: people {row.person - row.company:+}, teams {row.team - row.company:+} from the company"
            for key, row in _few(off)
        ]
    return faults


def forecast_columns(landing_forecast: DataFrame[LandingForecast]) -> list[str]:
    """Return the columns of a forecast that add up: medians and margins do not."""
    return [
        name for name in ("bookings", "target", "expected") if landing_forecast[name].notna().all()
    ]


def movement_closes(pipeline_movement: DataFrame[PipelineMovement]) -> list[str]:
    """Opening plus what came less what went is closing, in every row."""
    digits = money.digits_of(pipeline_movement["opening"])
    minor = {
        name: money.minor_units(pipeline_movement[name], digits)[0]
        for name in ["opening", *ADDS, *TAKES, "closing"]
    }
    came = np.sum([minor[name] for name in ADDS], axis=0)
    went = np.sum([minor[name] for name in TAKES], axis=0)
    is_wrong: Mask = minor["opening"] + came - went != minor["closing"]
    wrong = pipeline_movement.loc[is_wrong]
    return [f"{row.grain} {row.grain_id} {row.period}: does not close" for _, row in _few(wrong)]


def closing_is_open_pipeline(
    pipeline_movement: DataFrame[PipelineMovement], pipeline_coverage: DataFrame[PipelineCoverage]
) -> list[str]:
    """The movement of a period ends at the open pipeline that coverage shows."""
    key = ["grain", "grain_id", "period_kind", "period"]
    both = pipeline_movement.merge(
        pipeline_coverage[[*key, "open_pipeline"]], on=key, how="inner", validate="one_to_one"
    )
    wrong = both.loc[both["closing"] != both["open_pipeline"]]
    return [
        f"{row.grain} {row.grain_id} {row.period}: {row.closing - row.open_pipeline:+} from coverage"
        for _, row in _few(wrong)
    ]


def breakdown_adds_up(
    breakdown: DataFrame[DimensionBreakdown],
    pipeline_stages: DataFrame[PipelineStages],
    target_attainment: DataFrame[TargetAttainment],
) -> list[str]:
    """The values of a dimension sum to the bookings of the year to date and to the open pipeline, where there are any values."""
    if not len(breakdown):
        return []
    key = ["grain", "grain_id"]
    sums = breakdown.groupby(key, observed=True)[["bookings", "open_pipeline"]].sum()
    year = target_attainment["period_kind"] == PeriodKind.YEAR
    whole = {
        "bookings": target_attainment.loc[year].set_index(key)["bookings"],
        "open_pipeline": pipeline_stages.groupby(key, observed=True)["open_pipeline"].sum(),
    }
    faults: list[str] = []
    for name, total in whole.items():
        both = sums[[name]].join(total.rename("total"), how="inner")
        wrong = both.loc[both[name] != both["total"]]
        faults += [f"{name} of {each}: {row[name] - row.total:+}" for each, row in _few(wrong)]
    return faults


def no_fact_after_as_of(snapshot: DataFrame[OpportunitySnapshot]) -> list[str]:
    """No instant in the snapshot lies at or after the instant it describes."""
    faults: list[str] = []
    for name in ("created_at", "known_at", "stage_entered_at", "last_pushed_at"):
        late = snapshot.loc[(snapshot[name] >= snapshot["as_of"]).fillna(value=False)]
        faults += [f"{row.opportunity_id}: {name} is {row[name]}" for _, row in _few(late)]
    return faults


def every_booking_has_a_target(
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    data_quality: DataFrame[DataQuality],
    month: Month,
    rules: MonthRules,
) -> list[str]:
    """A booking of the year belongs to someone with a target, or is listed in `data_quality`."""
    year = rules.calendar.year_of(month)
    has_target = set(
        phased_targets.loc[
            phased_targets["fiscal_year"] == rules.calendar.fiscal_year(month), "owner_id"
        ]
    )
    bookings = booked(booking_credit)[["opportunity_id", "owner_id", "close_date"]].itertuples(
        index=False
    )
    without = [
        deal
        for deal, owner, day in bookings
        if owner not in has_target
        and rules.calendar.first_day(year.first) <= day <= rules.calendar.last_day(month)
    ]
    listed = data_quality.loc[data_quality["finding"] == "booking_without_target", "record_id"]
    return [
        f"{deal}: booked without a target and not listed"
        for deal in sorted(set(without) - set(listed))[:SHOWN]
    ]


def assumed_share(snapshot: DataFrame[OpportunitySnapshot]) -> Decimal | None:
    """Return the share of money whose amount, date, stage or owner is assumed or unknown; none without money."""
    names = ["amount_provenance", "close_date_provenance", "stage_provenance", "owner_provenance"]
    doubtful = snapshot[names].isin([Provenance.ASSUMED, Provenance.UNKNOWN]).any(axis=1)
    total = snapshot["amount"].abs().sum()
    return Decimal(snapshot.loc[doubtful, "amount"].abs().sum()) / Decimal(total) if total else None


def _few(frame: pd.DataFrame) -> list[tuple[object, pd.Series]]:
    return list(frame.head(SHOWN).iterrows())
