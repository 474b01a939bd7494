"""Whether a table's size is as its own past lets one expect: a warning beside each table, which stops nothing.

Put the check here; the judgement is `sales.checks.anomaly`.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import dagster as dg

from publication.workspace import Workspace
from sales.calendar import Month
from sales.checks.anomaly import Anomaly, anomalies

AS_USUAL = "as_usual"
MONTHS_OF_PAST = 25
MEANING = "Rows and sums of money are as this table's own past months let one expect; a warning, which stops nothing."


def as_usual(
    workspace: Workspace, name: str, month: Month, figures: Mapping[str, Decimal]
) -> dg.AssetCheckResult:
    """Return the outcome of the check for a month of a table with so many rows and such sums."""
    past = [
        {figure: Decimal(value) for figure, value in each.tables[name].figures.items()}
        for each in workspace.published.before(month, MONTHS_OF_PAST)
        if name in each.tables
    ]
    found = anomalies(past, figures)
    return dg.AssetCheckResult(
        passed=not found,
        check_name=AS_USUAL,
        asset_key=name,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"month": str(month), "months_looked_back_on": len(past)},
        description="; ".join(_sentence(each) for each in found) or None,
    )


def _sentence(each: Anomaly) -> str:
    return f"{each.figure}: {each.now:,.0f} after {each.before:,.0f}, where {each.lowest:,.0f} to {each.highest:,.0f} would be usual"
