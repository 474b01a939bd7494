"""Group quality: what a reader of the numbers should know about the facts behind them."""

from collections import Counter

import dagster as dg
import pandas as pd

from assets.extract import FROM_SALESFORCE
from assets.metadata.tables import cell, described
from assets.monthly_table import monthly_table
from publication.month_inputs import Books
from reports.text import formats
from sales.calendar import Month
from sales.checks import findings as quality
from sales.checks import invariants as reconciliation

ADMINISTRATORS = "administrators"


@monthly_table(
    deps=FROM_SALESFORCE,
    laws={
        "every_booking_has_a_target": "A booking belongs to someone with a target, or is listed."
    },
)
def data_quality(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    booking_credit: pd.DataFrame,
    phased_targets: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Findings about the facts before the month end: missing amounts, owners who left, assumed history."""
    month = Month.parse(context.partition_key)
    rules, folk = books.rules(month), books.people(month)
    table = quality.data_quality(
        opportunity_snapshot,
        booking_credit,
        phased_targets,
        folk,
        month,
        rules,
        books.organization(month).organization_id,
        formats.repertoire(),
        books.manager_quotas(month),
    )
    faults = reconciliation.every_booking_has_a_target(
        booking_credit, phased_targets, table, month, rules
    )
    return described(
        table, {"every_booking_has_a_target": faults}, whose=dg.MetadataValue.md(_whose(table))
    )


def _whose(table: pd.DataFrame) -> str:
    """Return how many findings of each severity each owner has to put right, as Markdown."""
    counts = Counter(
        zip(table["owner_name"].fillna(ADMINISTRATORS), table["severity"], strict=True)
    )
    lines = [
        f"| {cell(owner)} | {severity} | {count} |"
        for (owner, severity), count in sorted(counts.items())
    ]
    return "\n".join(["| whose | severity | findings |", "| --- | --- | --- |", *lines])
