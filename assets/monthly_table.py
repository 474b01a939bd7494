"""Monthly tables as assets: what all of them share, and that none is computed twice from the same inputs.

Put the decorator of monthly tables here; what decides about a table is `recipes`.
"""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import dagster as dg
import pandas as pd

from assets.anomaly_check import AS_USUAL, MEANING, as_usual
from assets.metadata.tables import RECIPE, TABLE, described_before, of_columns
from assets.partitions import months
from publication.fingerprints import INGREDIENTS, Ingredients, program
from publication.month_inputs import Books
from sales.calendar import Month
from sales.checks.anomaly import figures

OWNERS = ["team:revenue-operations"]
Compute = Callable[..., dg.MaterializeResult]


def monthly_table(
    *,
    kind: str = "pandas",
    deps: Sequence[str | dg.AssetKey] = (),
    laws: Mapping[str, str] | None = None,
    reads_targets: bool = True,
) -> Callable[[Compute], dg.AssetsDefinition]:
    """Return a decorator that makes an asset of a function of a month's tables and the books.

    The table is computed unless it was made from the same before; its inputs are the parameters
    that are frames. With `reads_targets=False` it depends neither on the target book nor on the
    files beside it. `laws` are checks that stop what comes after; what was stored with a broken law
    is computed again. Every table has the warning `as_usual` too.
    """

    def decorate(compute: Compute) -> dg.AssetsDefinition:
        name = compute.__name__
        tables = tuple(
            each.name
            for each in inspect.signature(compute).parameters.values()
            if each.annotation is pd.DataFrame
        )
        INGREDIENTS[name] = Ingredients(tables, reads_targets)
        specs = [
            dg.AssetCheckSpec(law, asset=name, blocking=True, description=meaning)
            for law, meaning in (laws or {}).items()
        ]
        return dg.asset(
            deps=deps,
            partitions_def=months,
            owners=OWNERS,
            kinds={kind, "deltalake"},
            dagster_type=TABLE,
            code_version=program()[:12],
            metadata=of_columns(name),
            check_specs=[*specs, dg.AssetCheckSpec(AS_USUAL, asset=name, description=MEANING)],
        )(_once(compute, list(laws or {})))

    return decorate


def _once(compute: Compute, laws: Sequence[str]) -> Compute:
    name = compute.__name__

    @functools.wraps(compute)
    def body(context: dg.AssetExecutionContext, **given: Any) -> dg.MaterializeResult:  # noqa: ANN401  # frames and the books
        books: Books = given["books"]
        month = Month.parse(context.partition_key)
        recipe = books.recipes.of_table(month, name)
        written = books.tables.written(name, month)
        if written is not None and written.recipe == recipe:
            kept = [
                dg.AssetCheckResult(passed=True, check_name=law, description="unchanged")
                for law in laws
            ]
            sizes = {figure: Decimal(value) for figure, value in written.figures.items()}
            return described_before(
                context, name, written, [*kept, as_usual(books, name, month, sizes)]
            )
        made = compute(context, **given)
        is_lawful = all(check.passed for check in made.check_results or ())
        return dg.MaterializeResult(
            value=made.value,
            data_version=made.data_version,
            metadata={**(made.metadata or {}), **({RECIPE: recipe} if is_lawful else {})},
            check_results=[
                *(made.check_results or ()),
                as_usual(books, name, month, figures(made.value)),
            ],
        )

    return body
