"""The business as numbers that an asset's page plots over the months: the company's, and nobody else's.

Put a figure here that is worth seeing as a line over the years; money is in the company's currency.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd

from sales.vocabulary import GrainKind, PeriodKind

Figures = Iterator[tuple[str, float]]


def plotted(name: str, table: pd.DataFrame) -> dict[str, float]:
    """Return the figures of a monthly table that are plotted, by name; none where the table has none, or not yet."""
    of_table = PLOTS.get(name)
    return {key: round(value, 6) for key, value in of_table(table)} if of_table else {}


def _attainment(table: pd.DataFrame) -> Figures:
    for kind, row in _company(table):
        yield from _known(f"attainment_{kind}_pct", row["attainment_pct"])


def _at_risk(table: pd.DataFrame) -> Figures:
    yield "at_risk", float(table["at_risk"].sum())


def _coverage(table: pd.DataFrame) -> Figures:
    for kind, row in _company(table):
        yield from _known(f"coverage_{kind}", row["coverage_ratio"])
        yield from _known(f"coverage_{kind}_needed", row["required_ratio"])


def _landing(table: pd.DataFrame) -> Figures:
    for kind, row in _company(table):
        for quantile in ("p10", "p50", "p90"):
            yield from _known(f"landing_{kind}_{quantile}", row[quantile])
        yield from _known(f"chance_{kind}", row["hit_probability"])


def _track_record(table: pd.DataFrame) -> Figures:
    """Yield what came in the month, and what was expected of it a month before."""
    months = table.loc[
        (table["grain"] == GrainKind.COMPANY)
        & (table["period_kind"] == PeriodKind.MONTH)
        & (table["period"] == table["evaluated_month"])
    ].sort_values("as_of_month")
    if len(months):
        newest = months.iloc[-1]
        yield from _known("came", newest["outcome"])
        yield from _known("expected_a_month_before", newest["p50"])


def _findings(table: pd.DataFrame) -> Figures:
    for severity in ("error", "warning", "info"):
        yield f"findings_{severity}", float((table["severity"] == severity).sum())


PLOTS: dict[str, Callable[[pd.DataFrame], Figures]] = {
    "target_attainment": _attainment,
    "phased_targets": _at_risk,
    "pipeline_coverage": _coverage,
    "landing_forecast": _landing,
    "forecast_track_record": _track_record,
    "data_quality": _findings,
}


def _company(table: pd.DataFrame) -> Iterator[tuple[str, pd.Series]]:
    """Yield the company's row of the nearest period of each kind."""
    rows = table.loc[table["grain"] == GrainKind.COMPANY].sort_values("period", kind="stable")
    for kind in PeriodKind:
        of_kind = rows.loc[rows["period_kind"] == kind]
        if len(of_kind):
            yield kind.value, of_kind.iloc[0]


def _known(name: str, value: float | None) -> Figures:
    if value is not None and not pd.isna(value):
        yield name, float(value)
