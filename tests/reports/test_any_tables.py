"""Pages of any tables that the contracts allow: none fails, whatever is empty, missing, nothing or very large."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import fields, replace
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from reports.document.document import Variant
from reports.document.month_tables import MonthTables
from reports.month_end import month_end_reports
from reports.rendering import pdf as render
from sales import arrow as columns
from sales.contracts.contract import checked
from sales.contracts.registry import TABLES
from sales.policy.sections import LeadSource
from tests.reports.sections.test_landing import month_tables

# What a column may say instead: the smallest, nothing, the largest; only what its contract allows is kept.
NUMBERS = [0.0, 1.0, -1.0, 0.5, 1e-6, 99_999.0, 12.0]
AMOUNTS = ["0", "-1.00", "0.01", "999999999999.99", "-999999999999.99"]
COUNTS = [0, 1, 7, 100_000]


def others(column: pd.Series, *, nullable: bool) -> list[Any]:
    """Return values of a column's type that may stand in it."""
    kind = columns.arrow_type(column)
    found: list[Any] = [None] if nullable else []
    if pa.types.is_floating(kind):
        found += NUMBERS
    elif pa.types.is_decimal(kind):
        found += [Decimal(each).quantize(Decimal(1).scaleb(-kind.scale)) for each in AMOUNTS]
    elif pa.types.is_integer(kind):
        found += COUNTS
    elif pa.types.is_boolean(kind):
        found += [True, False]
    elif pa.types.is_string(kind) and column.notna().any():
        found += sorted(set(column.dropna().tolist()))[:4]
    return found


@st.composite
def any_table(draw: st.DrawFn, name: str, table: pd.DataFrame) -> pd.DataFrame:
    """Draw a table that its contract allows: rows left out, cells that say something else."""
    contract = TABLES[name].contract
    schema = contract.to_schema()
    unique = set(schema.unique or ())
    rows = draw(st.sampled_from(["all", "none", "some"]))
    if rows == "none" and name not in ALWAYS_ROWS and name != "landing_forecast":
        return table.iloc[:0]
    if rows == "some" and name not in ALWAYS_ROWS:
        some = table.iloc[:: draw(st.integers(2, 5))].reset_index(drop=True)
        with suppress(ValueError):
            table = checked(some, contract)
    free = [
        each
        for each in table.columns
        if each not in unique | {"as_of", "extracted_at", "month", "as_of_month"}
    ]
    changed = draw(st.lists(st.sampled_from(free), max_size=6, unique=True))
    for column in changed:
        values = others(table[column], nullable=bool(schema.columns[column].nullable))
        if not values:
            continue
        value, every = draw(st.sampled_from(values)), draw(st.integers(1, 3))
        cells = columns.arrow(table[column]).to_pylist()
        cells = [value if n % every == 0 else cell for n, cell in enumerate(cells)]
        other = table.assign(
            **{column: columns.series(pa.array(cells, columns.arrow_type(table[column])))}
        )
        with suppress(ValueError):
            table = checked(other, contract)
    return table


# Every id has every period, and a month has deals: their contracts and the run say so.
ALWAYS_ROWS = {"opportunity_snapshot", "target_attainment", "pipeline_coverage"}


@st.composite
def any_tables(draw: st.DrawFn) -> MonthTables:
    base, _ = month_tables()
    names = draw(
        st.lists(
            st.sampled_from([each.name for each in fields(base)]),
            min_size=1,
            max_size=5,
            unique=True,
        )
    )
    return replace(base, **{name: draw(any_table(name, getattr(base, name))) for name in names})


def owned(variant: Variant) -> Variant:
    """Return rules by which each lead source is somebody's: their pages are printed too."""
    policy = variant.rules.policy
    sources = {name: LeadSource(owner=name) for name in ("Web", "Referral")}
    rules = replace(variant.rules, policy=policy.model_copy(update={"sources": sources}))
    return replace(variant, rules=rules)


def test_pages_of_sources_are_among_them() -> None:
    tables, variant = month_tables()
    assert {each.kind for each in month_end_reports(tables, owned(variant))} == {
        "company",
        "team",
        "person",
        "sources",
    }


@given(any_tables())
@settings(max_examples=40, deadline=None)
def test_pages_print_whatever_the_contracts_allow(tables: MonthTables) -> None:
    variant = owned(month_tables()[1])
    with np.errstate(divide="raise", invalid="raise", over="raise"):
        for report in month_end_reports(tables, variant):
            assert render.html_of(report)
