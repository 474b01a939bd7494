"""Forecast calls, by hand: which one holds, how it stands beside the model, and how past ones are judged."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from reports.document.month_data import GrainTables
from reports.document.view import View
from reports.sections.calls import calls as section
from reports.sections.calls import own_call
from sales.calendar import FiscalCalendar, UnknownMonth
from sales.targets.stated_plans import StatedCall
from tests.reports.months import MONTH, tables_of

ANN, BOB = "005A", "005B"


def call(owner: str, period: str, amount: int, day: str) -> StatedCall:
    return StatedCall(owner, period, amount * 100, date.fromisoformat(day))


# Of April: Ann has booked 40,000 in February and nothing else.
SAID = [
    call(ANN, "2026-02", 30_000, "2026-01-30"),
    call(ANN, "2026-02", 50_000, "2026-02-03"),
    call(ANN, "2026-03", 10_000, "2026-03-02"),
    call(ANN, "2026-04", 5_000, "2026-04-30"),
    call(ANN, "2026-05", 12_000, "2026-04-29"),
    call(ANN, "2026-05", 99_000, "2026-05-01"),
    call(BOB, "FY2026-Q2", 20_000, "2026-04-01"),
    call(BOB, "FY2025", 1_000, "2025-01-01"),
]


def rows(said: list[StatedCall] = SAID) -> dict[tuple[str, str], dict[str, object]]:
    table = tables_of(4, calls=tuple(said))[0].forecast_calls
    return {
        (row["owner_id"], row["period"]): {
            name: None if value is pd.NA or value is pd.NaT else value
            for name, value in row.items()
        }
        for row in table.to_dict("records")
    }


def test_the_latest_call_known_at_the_month_end_holds() -> None:
    found = rows()
    assert found[ANN, "2026-02"]["call"] == Decimal("50000.00")
    assert found[ANN, "2026-05"]["call"] == Decimal("12000.00"), "that of 1 May is not known yet"
    assert (ANN, "2026-04") in found, "called on the last day"
    assert (BOB, "FY2025") not in found, "of a year that is over"


def test_calls_stand_beside_what_came_and_what_the_model_sees() -> None:
    found = rows()
    february, may = found[ANN, "2026-02"], found[ANN, "2026-05"]
    assert (february["is_over"], february["bookings"], february["error"]) == (
        True,
        Decimal("40000.00"),
        Decimal("10000.00"),
    )
    assert february["p50"] is None, "what is over is not forecast"
    landing = tables_of(4)[0].landing_forecast
    mine = landing[(landing["grain_id"] == ANN) & (landing["period"] == "2026-05")].iloc[0]
    assert (may["is_over"], may["error"]) == (False, None)
    assert [may[name] for name in ("p10", "p50", "p90")] == [
        None if mine[name] is pd.NA else mine[name] for name in ("p10", "p50", "p90")
    ]


def test_past_calls_are_judged_by_what_came() -> None:
    """February was called 10,000 too high, March 10,000 and April 5,000: 25,000 of 40,000."""
    may = rows()[ANN, "2026-05"]
    assert (may["past_calls"], may["bias_pct"], may["error_pct"]) == (3, 62.5, 62.5)
    march = rows()[ANN, "2026-03"]
    assert (march["past_calls"], march["bias_pct"]) == (1, 25.0), "earlier periods only"
    low = [call(ANN, "2026-02", 10_000, "2026-02-01"), call(ANN, "2026-03", 10_000, "2026-03-01")]
    april = rows([*low, call(ANN, "2026-04", 1, "2026-04-01")])[ANN, "2026-04"]
    assert (april["bias_pct"], april["error_pct"]) == (-50.0, 100.0)
    bob = rows([call(BOB, f"2026-0{n}", 10, "2026-01-01") for n in (1, 2)])[BOB, "2026-02"]
    assert (bob["past_calls"], bob["bias_pct"]) == (1, None), "nothing came"


def view(grain: str, grain_id: str, said: list[StatedCall]) -> View:
    tables, variant = tables_of(4, calls=tuple(said))
    return View(GrainTables(tables, MONTH, variant.rules), variant, grain, grain_id)


def test_pages_tell_calls_and_how_near_earlier_ones_came() -> None:
    company = view("company", "Acme", SAID)
    found = section(company)
    assert found is not None
    cells = [[str(cell) for cell in row.cells] for row in found.tables[0].rows]
    assert cells == [
        ["Ann", "May 2026", "€12k", "29 Apr 2026", "€0", "-", "-", "62% too high (3)"],
        ["Bob", "Q2 FY2026", "€20k", "1 Apr 2026", "€0", "-", "-", "-"],
    ]
    said = own_call(view("person", ANN, SAID))
    assert said is not None
    assert said.text == "You called €12k for May 2026 on 29 Apr 2026."
    assert section(view("team", "Nowhere", SAID)) is None
    assert own_call(view("person", BOB, [])) is None


def test_periods_go_by_their_names() -> None:
    calendar = FiscalCalendar(4, named_by_end=True, time_zone="UTC")
    named = {
        name: (str(period.first), str(period.last))
        for name in ("2026-05", "FY2027-Q1", "FY2027")
        if (period := calendar.period_named(name))
    }
    assert named == {
        "2026-05": ("2026-05", "2026-05"),
        "FY2027-Q1": ("2026-04", "2026-06"),
        "FY2027": ("2026-04", "2027-03"),
    }
    for wrong in ("FY2027-Q5", "FY2027-Q0", "FYX", "may", "2026-13"):
        with pytest.raises(UnknownMonth):
            calendar.period_named(wrong)
