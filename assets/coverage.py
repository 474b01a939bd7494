"""Group coverage: open pipeline against what remains, and why it changed."""

import dagster as dg
import pandas as pd

from assets.extract import FROM_SALESFORCE
from assets.metadata.tables import described
from assets.metadata.where_from import where_from
from assets.monthly_table import monthly_table
from publication.month_inputs import Books
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from sales.coverage import coverage, movement
from sales.history import snapshot


@monthly_table(
    deps=FROM_SALESFORCE,
    laws={"coverage_adds_up": "People sum to teams and to the company, to the cent."},
)
def pipeline_coverage(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    booking_credit: pd.DataFrame,
    phased_targets: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Open pipeline against remaining target at the close of the month, for the quarters ahead and the year."""
    month = Month.parse(context.partition_key)
    foresight = books.forecasts.foresight(month)
    table = coverage.pipeline_coverage(
        opportunity_snapshot, booking_credit, phased_targets, month, books.rules(month), foresight
    )
    checks = {
        "coverage_adds_up": reconciliation.people_sum_to_teams_and_company(
            table, reconciliation.COVERAGE
        )
    }
    origin = where_from(
        "pipeline_coverage",
        table,
        opportunity_snapshot,
        booking_credit,
        phased_targets,
        books.rules(month),
    )
    return described(table, checks, where_from=origin)


@monthly_table(
    deps=FROM_SALESFORCE,
    laws={
        "movement_closes": "Opening plus what came less what went is the open pipeline, to the cent."
    },
)
def pipeline_movement(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    phased_targets: pd.DataFrame,
    pipeline_coverage: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Why the open pipeline changed since the month before: created, moved, won, lost and the rest, to the cent."""
    month = Month.parse(context.partition_key)
    history = books.history_at(month.plus(-1), month)
    opening = snapshot.opening_snapshot(history, month, books.rules(month), opportunity_snapshot)
    table = movement.pipeline_movement(
        opening, opportunity_snapshot, phased_targets, month, books.rules(month)
    )
    faults = [
        *reconciliation.movement_closes(table),
        *reconciliation.closing_is_open_pipeline(table, pipeline_coverage),
    ]
    return described(table, {"movement_closes": faults})
