"""Group history: what was known at each month end."""

import dagster as dg

from assets.metadata.tables import described
from assets.monthly_table import TableRun, monthly_table
from sales.checks.invariants import no_fact_after_as_of
from sales.contracts.history import OpportunitySnapshot
from sales.history import booking_credit as credit
from sales.history import snapshot


@monthly_table
def opportunity_snapshot(run: TableRun) -> dg.MaterializeResult:
    """Every opportunity as it was known at the close of the month: stage, amount, date, owner, and how we know."""
    inputs = run.inputs
    table = snapshot.opportunity_snapshot(
        inputs.history, run.month, inputs.rules, is_copy=inputs.is_copy
    )
    return described(table, {"no_fact_after_as_of": no_fact_after_as_of(table)})


@monthly_table
def monthly_bookings(run: TableRun) -> dg.MaterializeResult:
    """Bookings by person and month as they were known at each month end of the year: what re-phasing looks back on."""
    inputs = run.inputs
    known = inputs.year_to_date()
    return described(snapshot.monthly_bookings(known, run.month, inputs.rules, inputs.extracted_at))


@monthly_table
def booking_credit(run: TableRun) -> dg.MaterializeResult:
    """Who gets the credit of each booking: its owner, or those who share it by opportunity splits."""
    inputs, deals = run.inputs, run.table(OpportunitySnapshot)
    one = inputs.history.extract
    return described(credit.booking_credit(deals, one, inputs.people, run.month, inputs.rules))
