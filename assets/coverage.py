"""Group coverage: open pipeline against what remains, and why it changed."""

import dagster as dg

from assets.metadata.tables import described
from assets.metadata.where_from import where_from
from assets.monthly_table import TableRun, monthly_table
from sales.checks import invariants
from sales.contracts.coverage import PipelineCoverage
from sales.contracts.history import OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage import coverage, movement
from sales.coverage import deal_chances as chances
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
    opening = opening_snapshot(known, before, rules, closing)
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
