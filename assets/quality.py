"""Group quality: what a reader of the numbers should know about the facts behind them."""

from collections import Counter

import dagster as dg
import pandas as pd

from assets.metadata.tables import cell, described
from assets.monthly_table import TableRun, monthly_table
from sales.checks import findings
from sales.checks.invariants import every_booking_has_a_target

ADMINISTRATORS = "administrators"


@monthly_table
def data_quality(run: TableRun) -> dg.MaterializeResult:
    """Findings about the facts before the month end: missing amounts, owners who left, assumed history."""
    inputs, (deals, credit, phased) = run.inputs, run.figures
    table = findings.data_quality(
        deals,
        credit,
        phased,
        inputs.people,
        run.month,
        inputs.rules,
        inputs.organization.organization_id,
        inputs.workspace.pages.repertoire(),
        findings.TargetNotes(inputs.manager_quotas, inputs.coming_targets),
    )
    faults = every_booking_has_a_target(credit, phased, table, run.month, inputs.rules)
    whose = dg.MetadataValue.md(_whose(table))
    return described(table, {"every_booking_has_a_target": faults}, whose=whose)


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
