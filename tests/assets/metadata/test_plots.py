"""What an asset's page plots is the company's, of the nearest periods, and nothing where nothing is known."""

import math

import pandas as pd
import pytest

from assets.metadata.plots import PLOTS, plotted
from sales.contracts.contract import empty
from sales.contracts.published import MONTHLY
from tests.reports.months import tables_of

BY_HAND = {"landing_forecast", "forecast_track_record"}


@pytest.mark.parametrize("name", sorted(PLOTS.keys() - BY_HAND))
def test_every_figure_is_a_number_of_the_company(name: str) -> None:
    table = getattr(tables_of(4)[0], name)
    figures = plotted(name, table)
    assert figures
    assert all(math.isfinite(value) for value in figures.values())
    if "grain" in table.columns:
        others = table.loc[table["grain"] != "company"]
        assert plotted(name, others) == {}


@pytest.mark.parametrize("name", sorted(MONTHLY))
def test_a_table_without_rows_plots_no_figure_that_is_not_known(name: str) -> None:
    assert set(plotted(name, empty(MONTHLY[name])).values()) <= {0.0}


def test_attainment_is_that_of_the_table() -> None:
    table = tables_of(4)[0].target_attainment
    year = table.loc[(table["grain"] == "company") & (table["period_kind"] == "year")].iloc[0]
    shown = plotted("target_attainment", table)["attainment_year_pct"]
    assert shown == pytest.approx(year["attainment_pct"])


def test_the_landing_of_the_nearest_quarter_is_shown() -> None:
    rows = [
        ("company", "quarter", "FY2026-Q2", 30.0, 0.6),
        ("company", "quarter", "FY2026-Q1", 20.0, None),
        ("person", "quarter", "FY2026-Q1", 7.0, 0.9),
    ]
    table = pd.DataFrame(
        rows, columns=["grain", "period_kind", "period", "p50", "hit_probability"]
    ).assign(p10=1.0, p90=50.0)
    assert plotted("landing_forecast", table) == {
        "landing_quarter_p10": 1.0,
        "landing_quarter_p50": 20.0,
        "landing_quarter_p90": 50.0,
    }


def test_what_came_stands_beside_what_was_expected_a_month_before() -> None:
    rows = [
        ("2026-02", "2026-04", 90.0, 70.0),
        ("2026-03", "2026-04", 80.0, 70.0),
        ("2026-03", "2026-03", 10.0, 15.0),
    ]
    table = pd.DataFrame(rows, columns=["as_of_month", "period", "p50", "outcome"]).assign(
        grain="company", period_kind="month", evaluated_month="2026-04"
    )
    assert plotted("forecast_track_record", table) == {
        "came": 70.0,
        "expected_a_month_before": 80.0,
    }
