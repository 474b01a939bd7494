"""Group coverage: open pipeline against what remains, and why it changed."""

import dagster as dg
from pandera.typing import DataFrame

from assets.metadata.tables import described
from assets.metadata.where_from import where_from
from assets.monthly_table import TableRun, monthly_table
from sales.checks import invariants
from sales.contracts.coverage import PipelineCoverage, PipelineStages
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets, TargetAttainment
from sales.coverage import coverage, movement
from sales.coverage import deal_chances as chances
from sales.coverage import deal_changes as changes
from sales.coverage import decided_deals as decided
from sales.coverage import dimension_breakdown as dimension
from sales.coverage import pipeline_stages as by_stage
from sales.history.snapshot import opening_snapshot


@monthly_table
def deal_chances(run: TableRun) -> dg.MaterializeResult:
    """The chance that each open deal is booked in each month ahead; learned once, and read by every forecast of the month."""
    basis, inputs = run.forecast.forecast_basis, run.inputs
    return described(chances.deal_chances(basis, run.month, inputs.rules, inputs.extracted_at))


@monthly_table
def pipeline_coverage(run: TableRun) -> dg.MaterializeResult:
    """Open pipeline against remaining target at the close of the month, for the quarters ahead and the year."""
    rules = run.inputs.rules
    table = coverage.pipeline_coverage(*run.figures, run.month, rules, run.forecast_basis)
    faults = invariants.people_sum_to_teams_and_company(table, invariants.COVERAGE)
    origin = where_from("pipeline_coverage", table, *run.figures, rules)
    return described(table, {"coverage_adds_up": faults}, where_from=origin)


@monthly_table
def pipeline_movement(run: TableRun) -> dg.MaterializeResult:
    """Why the open pipeline changed since the month before: created, moved, won, lost and the rest, to the cent."""
    inputs, closing, before = run.inputs, run.table(OpportunitySnapshot), run.month.plus(-1)
    known, rules = inputs.history_at(before), inputs.rules_of(before)
    opening = _opening(run)
    table = movement.pipeline_movement(
        movement.month_end(opening, known.extract, before, rules),
        movement.month_end(closing, inputs.history.extract, run.month, inputs.rules),
        run.table(PhasedTargets),
    )
    faults = [
        *invariants.movement_closes(table),
        *invariants.closing_is_open_pipeline(table, run.table(PipelineCoverage)),
    ]
    return described(table, {"movement_closes": faults})


@monthly_table
def deal_changes(run: TableRun) -> dg.MaterializeResult:
    """What changed of each deal since the month before, by name: won, lost, new, slipped, re-dated, and their amounts."""
    closing = run.table(OpportunitySnapshot)
    return described(changes.deal_changes(_opening(run), closing, run.month, run.inputs.rules))


@monthly_table
def pipeline_stages(run: TableRun) -> dg.MaterializeResult:
    """Open deals by stage and by how long they have been open, for each person, team and the company."""
    inputs, deals = run.inputs, run.table(OpportunitySnapshot)
    credit, stages = run.table(BookingCredit), inputs.extract.stages
    return described(by_stage.pipeline_stages(deals, credit, stages, run.month, inputs.rules))


@monthly_table
def dimension_breakdown(run: TableRun) -> dg.MaterializeResult:
    """Bookings, open pipeline and mix by the field that policy names under [pipeline] dimension, for each team and the company."""
    inputs, deals = run.inputs, run.table(OpportunitySnapshot)
    table = dimension.dimension_breakdown(
        deals,
        run.table(BookingCredit),
        run.month,
        inputs.rules,
        is_read=inputs.history.dimension is not None,
    )
    stages, attained = run.table(PipelineStages), run.table(TargetAttainment)
    return described(
        table, {"breakdown_adds_up": invariants.breakdown_adds_up(table, stages, attained)}
    )


@monthly_table
def decided_deals(run: TableRun) -> dg.MaterializeResult:
    """What was won and lost of new and of existing clients by quarter, how often, how large and how fast."""
    deals, credit = run.table(OpportunitySnapshot), run.table(BookingCredit)
    return described(decided.decided_deals(deals, credit, run.month, run.inputs.rules))


def _opening(run: TableRun) -> DataFrame[OpportunitySnapshot]:
    """Return the snapshot of the month end before, as this run knows it."""
    before, inputs = run.month.plus(-1), run.inputs
    closing = run.table(OpportunitySnapshot)
    return opening_snapshot(inputs.history_at(before), before, inputs.rules_of(before), closing)
