from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.charts import attainment as charts
from reports.charts import landing as charts_ahead
from reports.charts import svg as drawing
from reports.charts.attainment import Covered, Year
from reports.charts.landing import Confirmation, Horizon, Judged, Landing
from reports.charts.person import MonthColumn, month_columns
from reports.charts.svg import Palette, Scale, round_ticks
from reports.charts.waterfall import Step, waterfall, waterfall_rows
from reports.text import formats
from reports.text.i18n import language

PALETTE = Palette("#0b4f6c", "#337c98")
ENGLISH = language("en")
AMOUNTS = st.decimals(0, 10**12, places=2)
SVG = "{http://www.w3.org/2000/svg}"
HEBREW, ARABIC, CHINESE = "שלום בעמ", "شركة النور", "北京科技有限公司"


def words(amount: Decimal) -> str:
    return f"{amount:.0f}"


@given(st.floats(0, 1e12), st.floats(0.01, 1e12))
def test_ticks_are_round_and_span_the_values(low: float, span: float) -> None:
    ticks = round_ticks(low, low + span)
    assert ticks[0] <= low * (1 + 1e-6) + 1e-6
    assert ticks[-1] >= (low + span) * (1 - 1e-6)
    assert 2 <= len(ticks) <= 8


def test_a_scale_maps_ends_to_ends() -> None:
    scale = Scale(0, 10, 100, 20)
    assert (scale(0), scale(10), scale(5), scale.within(99), scale.within(-9)) == (
        100,
        20,
        60,
        20,
        100,
    )


def drawn(svg: str) -> ET.Element:
    """Read a drawing, and check what every drawing must be: described, inside its frame, without negative sizes."""
    root = ET.fromstring(svg)  # noqa: S314  # our own drawing
    width = float((root.get("width") or "0").removesuffix("pt"))
    for rect in root.iter(f"{SVG}rect"):
        assert float(rect.get("width", 0)) >= 0
        assert float(rect.get("height", 0)) >= 0
    for text in root.iter(f"{SVG}text"):
        assert -0.5 <= float(text.get("x", 0)) <= width
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text
    return root


def texts(root: ET.Element) -> list[str]:
    return [each.text or "" for each in root.iter(f"{SVG}text")]


@given(st.lists(AMOUNTS, min_size=12, max_size=12), st.lists(AMOUNTS, max_size=12))
def test_the_year_can_be_drawn_whatever_was_booked(
    target: list[Decimal], booked: list[Decimal]
) -> None:
    year = Year(
        [str(n) for n in range(12)],
        target,
        booked,
        target[len(booked) :],
        (Decimal(1), Decimal(2), Decimal(3)),
    )
    drawn(charts.cumulative(year, words, words, PALETTE, ENGLISH))


@given(
    st.lists(st.tuples(st.text(max_size=10), st.decimals(-(10**9), 10**9, places=2)), max_size=8),
    AMOUNTS,
)
def test_any_movement_can_be_drawn(steps: list[tuple[str, Decimal]], opening: Decimal) -> None:
    clean = [
        Step("".join(c for c in name if c.isprintable()), change, name == "Won")
        for name, change in steps
    ]
    closing = opening + sum((step.change for step in clean), Decimal(0))
    for draw in (waterfall, waterfall_rows):
        ET.fromstring(draw(clean, opening, closing, words, PALETTE, ENGLISH))  # noqa: S314  # our own drawing


def test_a_personal_year_shows_plan_booked_and_the_coming_month() -> None:
    months = [
        MonthColumn("Jan", Decimal(100), Decimal(150)),
        MonthColumn("Feb", Decimal(100), Decimal(-20)),
        MonthColumn("Mar", Decimal(125), None, is_coming=True),
        MonthColumn("Apr", Decimal(0), None),
    ]
    root = drawn(month_columns(months, words, PALETTE, ENGLISH))
    fills = [each.get("fill") for each in root.iter(f"{SVG}rect")]
    assert (fills.count(PALETTE.brand), fills.count("none")) == (2, 3)
    title = root.find(f"{SVG}title")
    assert title is not None
    assert title.text == "Plan of the year 325; booked in 2 months: 130; Mar is to bring 125"
    assert texts(root) == ["Jan", "Feb", "Mar", "125", "Apr"]


@pytest.mark.parametrize("value", [None, 0.0, 0.94, 0.96, 3.0, 1e6])
def test_coverage_is_rounded_before_it_is_judged(value: float | None) -> None:
    """A need of 1.0 that is met by 1.0 as printed must not be red."""
    alone = charts.coverage_bars([("Acme", [Covered("Q1", value, "words")])], PALETTE, ENGLISH)
    drawn(alone)
    assert "url(#short-" not in alone, "nobody knows what is needed"
    asked = charts.coverage_bars(
        [("Acme", [Covered("Q1", value, "words", (2.04, 1.5, 2.5))])], PALETTE, ENGLISH
    )
    drawn(asked)
    assert ("url(#short-" in asked) == (value is not None and round(value, 1) < 2)
    assert "needed 2.0×" in asked


def test_no_deal_in_any_week_can_be_drawn() -> None:
    drawn(
        charts_ahead.weekly_bars(
            [charts_ahead.Week("1 Nov", Decimal(0), None, 0)] * 13, words, PALETTE, ENGLISH
        )
    )


def test_landings_say_ranges_and_chances() -> None:
    svg = charts_ahead.landing_ranges(
        [Landing("FY2026", 50.0, 80.0, 96.0, 1e6, "42%")], PALETTE, ENGLISH
    )
    title = drawn(svg).find(f"{SVG}title")
    assert title is not None
    assert (
        title.text
        == "Landing in percent of what is asked: FY2026 booked 50%, forecast 96%, from 80% to 1,000,000%, chance 42%"
    )


@given(
    st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    st.dates(date(2026, 1, 1), date(2028, 1, 1)),
    st.booleans(),
)
def test_any_confirmation_lies_in_its_strip(close: date, low: date, is_known: bool) -> None:  # noqa: FBT001  # drawn by Hypothesis
    horizon = Horizon(date(2026, 5, 1), 90, 80.0)
    deal = Confirmation(close, low if is_known else None, max(low, close) if is_known else None)
    root = drawn(charts_ahead.confirmation_strip(deal, horizon, PALETTE, ENGLISH))
    places = [
        float(point.split(",")[0]) for each in root for point in (each.get("points") or "").split()
    ]
    assert 0 <= min(places) <= max(places) <= horizon.width
    title = root.find(f"{SVG}title")
    assert title is not None
    assert (title.text or "").startswith(f"Closes {ENGLISH.day(close)}")
    assert ("in eight of ten cases" in (title.text or "")) == is_known


def test_the_head_of_the_strips_names_the_months_where_they_begin() -> None:
    horizon = Horizon(date(2026, 5, 1), 90, 80.0)
    assert texts(drawn(charts_ahead.horizon_head(horizon, ENGLISH))) == ["May", "Jun", "Jul"]


def test_a_forecast_that_missed_is_a_ring() -> None:
    rows = [
        Judged("Jan", Decimal(1), Decimal(2), Decimal(3), Decimal(2)),
        Judged("Feb", Decimal(1), Decimal(2), Decimal(3), Decimal(9)),
    ]
    root = drawn(charts_ahead.judged_forecasts(rows, words, PALETTE, ENGLISH))
    assert [each.get("fill") for each in root.iter(f"{SVG}circle")] == [PALETTE.brand, "#ffffff"]
    title = root.find(f"{SVG}title")
    assert title is not None
    assert (
        title.text
        == "Of 2 forecasts of a month made at the end of the month before, 1 held what came"
    )


@given(st.lists(st.decimals(-(10**12), 10**12, places=2), max_size=12))
def test_any_months_make_a_sparkline(values: Sequence[Decimal]) -> None:
    drawn(charts.sparkline(values, max(values, default=Decimal(0)), "Bookings", PALETTE))


@given(st.text(max_size=60), st.floats(10, 200))
def test_a_clipped_text_is_never_too_wide(words: str, width: float) -> None:
    shown = drawing.clipped(formats.printable(words), width)
    assert drawing.advance(formats.unmarked(shown)) <= max(width, drawing.advance("…")) + 0.01


def test_text_is_placed_by_its_own_width() -> None:
    """A renderer's text-anchor is slow, and its mistakes would not be seen here."""
    start, middle, end = (
        float(ET.fromstring(drawing.text(100, 0, "mmm", anchor=each)).get("x", 0))  # noqa: S314
        for each in ("start", "middle", "end")
    )
    width = drawing.advance("mmm")
    assert (round(start - middle, 2), round(start - end, 2)) == (
        round(width / 2, 2),
        round(width, 2),
    )
    assert drawing.advance("iii") < drawing.advance("mmm") < drawing.advance("mmm", bold=True)


def test_right_to_left_names_are_drawn_in_the_order_in_which_they_are_seen() -> None:
    assert drawing.visual(formats.printable(HEBREW)) == HEBREW[::-1]
    assert drawing.visual(f"{HEBREW} (12)") == f"(12) {HEBREW[::-1]}"
    joined = drawing.visual(formats.printable(ARABIC))
    assert all(ord(each) in formats.repertoire() or each == " " for each in joined)
    assert joined != ARABIC[::-1], "letters are joined"
    assert drawing.visual(CHINESE) == CHINESE
