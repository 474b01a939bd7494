"""Group history: what was known at each month end."""

import dagster as dg
import pandas as pd

from assets.extract import FROM_SALESFORCE
from assets.metadata.tables import described
from assets.monthly_table import monthly_table
from publication.month_inputs import Books
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from sales.history import booking_credit as credit
from sales.history import snapshot


@monthly_table(
    deps=FROM_SALESFORCE,
    laws={"no_fact_after_as_of": "No fact recorded at or after the month end is used."},
    reads_targets=False,
)
def opportunity_snapshot(
    context: dg.AssetExecutionContext, books: dg.ResourceParam[Books]
) -> dg.MaterializeResult:
    """Every opportunity as it was known at the close of the month: stage, amount, date, owner, and how we know."""
    month = Month.parse(context.partition_key)
    table = snapshot.opportunity_snapshot(
        books.history(month), month, books.rules(month), is_copy=books.is_copy(month)
    )
    checks = {"no_fact_after_as_of": reconciliation.no_fact_after_as_of(table)}
    return described(table, checks)


@monthly_table(deps=FROM_SALESFORCE, reads_targets=False)
def monthly_bookings(
    context: dg.AssetExecutionContext, books: dg.ResourceParam[Books]
) -> dg.MaterializeResult:
    """Bookings by person and month as they were known at each month end of the year: what re-phasing looks back on."""
    month = Month.parse(context.partition_key)
    table = snapshot.monthly_bookings(
        books.year_to_date(month), month, books.rules(month), books.record(month).extracted_at
    )
    return described(table)


@monthly_table(deps=FROM_SALESFORCE, reads_targets=False)
def booking_credit(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Who gets the credit of each booking: its owner, or those who share it by opportunity splits."""
    month = Month.parse(context.partition_key)
    extract = books.history(month).extract
    return described(
        credit.booking_credit(
            opportunity_snapshot, extract, books.people(month), month, books.rules(month)
        )
    )
