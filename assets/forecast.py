"""Group forecast: the next 90 days. Landing and reach join it when they are measured."""

import dagster as dg
import pandas as pd

from assets.books import Books
from assets.extract import OWNERS
from assets.metadata import TABLE, described
from assets.partitions import months
from sales import closing
from sales.calendar import Month


@dg.asset(partitions_def=months, owners=OWNERS, kinds={"pandas", "deltalake"}, dagster_type=TABLE)
def closing_plan(context: dg.AssetExecutionContext, opportunity_snapshot: pd.DataFrame, books: dg.ResourceParam[Books]) -> dg.MaterializeResult:
    """Open deals due in the next 90 days and overdue ones, with those flagged that should be protected, not pushed."""
    month = Month.parse(context.partition_key)
    return described("closing_plan", closing.closing_plan(opportunity_snapshot, month, books.rules(month)))
