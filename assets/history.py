"""Group history: what was known at each month end."""

import dagster as dg

from assets.books import Books
from assets.extract import FROM_SALESFORCE, OWNERS
from assets.metadata import TABLE, described
from assets.partitions import months
from sales import reconciliation, snapshot
from sales.calendar import Month


@dg.asset(
    deps=FROM_SALESFORCE, partitions_def=months, owners=OWNERS, kinds={"pandas", "deltalake"}, dagster_type=TABLE,
    check_specs=[dg.AssetCheckSpec("no_fact_after_as_of", asset="opportunity_snapshot", blocking=True,
                                   description="No fact recorded at or after the month end is used.")],
)  # fmt: skip
def opportunity_snapshot(context: dg.AssetExecutionContext, books: dg.ResourceParam[Books]) -> dg.MaterializeResult:
    """Every opportunity as it was known at the close of the month: stage, amount, date, owner, and how we know."""
    month = Month.parse(context.partition_key)
    table = snapshot.opportunity_snapshot(books.history(month), month, books.rules(month))
    checks = {"no_fact_after_as_of": reconciliation.no_fact_after_as_of(table)}
    return described("opportunity_snapshot", table, checks)


@dg.asset(deps=FROM_SALESFORCE, partitions_def=months, owners=OWNERS, kinds={"pandas", "deltalake"}, dagster_type=TABLE)
def monthly_bookings(context: dg.AssetExecutionContext, books: dg.ResourceParam[Books]) -> dg.MaterializeResult:
    """Bookings by person and month as they were known at each month end of the year: what re-phasing looks back on."""
    month = Month.parse(context.partition_key)
    known = books.year_to_date(month)
    table = snapshot.monthly_bookings(books.history(month), month, known, books.rules(month))
    return described("monthly_bookings", table)
