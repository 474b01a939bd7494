"""The factory of monthly tables: each entry of the registry becomes an asset, computed once from the same inputs.

Put what all monthly tables share here. Which tables there are, what they read and what must hold is
`sales.contracts.registry`; what decides about a table is `publication.fingerprints`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

import dagster as dg
import numpy as np
import pandas as pd
from pandera.typing import DataFrame

from assets.anomaly_check import AS_USUAL, MEANING, as_usual
from assets.failures import told
from assets.metadata.lineage import read_through
from assets.metadata.plots import plotted
from assets.metadata.tables import FINGERPRINT, TABLE, described_before, of_columns
from assets.partitions import months
from publication import fingerprints
from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs
from publication.run_inputs import RunInputs
from sales.calendar import Month
from sales.checks.anomaly import figures
from sales.contracts.contract import Contract, table_of
from sales.contracts.coverage import DealChances
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.registry import TABLES, MonthlyTable
from sales.contracts.targets import PhasedTargets
from sales.coverage.deal_chances import forecast_basis_of
from sales.statistics.deal_outcomes import ForecastBasis

OWNERS = ["team:revenue-operations"]


_Contract = TypeVar("_Contract", bound=Contract)


@dataclass(frozen=True)
class TableRun:
    """What a table of a month is computed from: the month's inputs and, by name, the tables that its entry lists."""

    month: Month
    run_inputs: RunInputs
    tables: Mapping[str, pd.DataFrame]

    @property
    def inputs(self) -> MonthInputs:
        """The inputs of the month."""
        return self.run_inputs.of(self.month)

    @property
    def forecast(self) -> ForecastSources:
        """The inputs of the month's forecasts."""
        return self.run_inputs.forecast(self.month)

    @property
    def forecast_basis(self) -> ForecastBasis:
        """What is known at the month's end, and what becomes of its open deals by the stored chances."""
        return forecast_basis_of(self.forecast.known, self.table(DealChances))

    @property
    def figures(
        self,
    ) -> tuple[DataFrame[OpportunitySnapshot], DataFrame[BookingCredit], DataFrame[PhasedTargets]]:
        """Snapshot, credit and phased targets: what most sums are taken of."""
        return self.table(OpportunitySnapshot), self.table(BookingCredit), self.table(PhasedTargets)

    def table(self, contract: type[_Contract]) -> DataFrame[_Contract]:
        """Return one of the tables that are read, by its contract."""
        return table_of(self.tables, contract)


Compute = Callable[[TableRun], dg.MaterializeResult]


def monthly_table(compute: Compute) -> dg.AssetsDefinition:
    """Return the asset of the registry's entry that a function is named after; its docstring is the asset's description.

    The table is computed unless it was made from the same before; what was stored with a broken law
    is computed again.
    """
    table = TABLES[compute.__name__]
    laws = [
        dg.AssetCheckSpec(
            law, asset=table.name, blocking=True, description=meaning, partitions_def=months
        )
        for law, meaning in table.laws.items()
    ]
    usual = dg.AssetCheckSpec(
        AS_USUAL, asset=table.name, description=MEANING, partitions_def=months
    )

    @dg.asset(
        name=table.name,
        description=compute.__doc__,
        deps=[
            *table.tables,
            *(dg.AssetKey.from_user_string(each) for each in read_through(table)),
        ],
        partitions_def=months,
        owners=OWNERS,
        kinds={table.kind, "deltalake"},
        dagster_type=TABLE,
        code_version=fingerprints.program_of(table)[:12],
        metadata={**of_columns(table.name), **_code_of(compute)},
        tags={"onpace/published": "yes" if table.is_published else "no"},
        check_specs=[*laws, usual],
    )
    def body(
        context: dg.AssetExecutionContext, inputs: dg.ResourceParam[RunInputs]
    ) -> dg.MaterializeResult:
        with told(context.run):
            return _once(context, table, compute, inputs)

    return body


def _code_of(compute: Compute) -> dict[str, dg.CodeReferencesMetadataValue]:
    """Return where a table's own function stands; the asset's body is the factory's."""
    code = compute.__code__
    line = dg.LocalFileCodeReference(
        file_path=code.co_filename, line_number=code.co_firstlineno, label=compute.__name__
    )
    return {"dagster/code_references": dg.CodeReferencesMetadataValue(code_references=[line])}


def _once(
    context: dg.AssetExecutionContext, table: MonthlyTable, compute: Compute, run_inputs: RunInputs
) -> dg.MaterializeResult:
    workspace, name, month = run_inputs.workspace, table.name, Month.parse(context.partition_key)
    inputs = run_inputs.of(month)
    fingerprint = fingerprints.of_table(workspace, month, name, inputs.record, inputs.copies)
    written = workspace.tables.written(name, month)
    is_made = written is not None and written.recipe == fingerprint
    if written is not None and is_made and workspace.tables.damaged(name, month, written):
        context.log.warning("%s of %s is damaged and is computed again", name, month)
        is_made = False
    if written is not None and is_made:
        kept = [
            dg.AssetCheckResult(passed=True, check_name=law, description="unchanged")
            for law in table.laws
        ]
        sizes = {figure: Decimal(value) for figure, value in written.figures.items()}
        usual = as_usual(workspace, name, month, sizes)
        return described_before(context, name, written, [*kept, usual])
    run = TableRun(
        month, run_inputs, {each: workspace.tables.read(each, month) for each in table.tables}
    )
    # A division by nothing is a fault of ours, and no figure.
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        made = compute(run)
    checks = list(made.check_results or ())
    is_lawful = all(check.passed for check in checks)
    return dg.MaterializeResult(
        value=made.value,
        data_version=made.data_version,
        metadata={
            **(made.metadata or {}),
            **plotted(name, made.value),
            **({FINGERPRINT: fingerprint} if is_lawful else {}),
        },
        check_results=[*checks, as_usual(workspace, name, month, figures(made.value))],
    )
