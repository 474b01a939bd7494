from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import charts
from reports.charts import Palette, Scale, round_ticks

PALETTE = Palette("#0b4f6c", "#3d8aa8")
AMOUNTS = st.decimals(0, 10**12, places=2)


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
    assert (scale(0), scale(10), scale(5)) == (100, 20, 60)


def drawn(svg: str) -> ET.Element:
    root = ET.fromstring(svg)  # noqa: S314  # our own drawing
    boxes = [
        (float(rect.get("x", 0)), float(rect.get("width", 0)), float(rect.get("height", 0))) for rect in root.iter("{http://www.w3.org/2000/svg}rect")
    ]
    assert all(width >= 0 and height >= 0 for _, width, height in boxes)
    title = root.find("{http://www.w3.org/2000/svg}title")
    assert title is not None
    assert title.text
    return root


@given(st.lists(AMOUNTS, min_size=12, max_size=12), st.lists(AMOUNTS, max_size=12))
def test_the_year_can_be_drawn_whatever_was_booked(target: list[Decimal], booked: list[Decimal]) -> None:
    drawn(charts.cumulative([str(n) for n in range(12)], target, booked, target[len(booked) :], words, PALETTE))


@given(st.lists(st.tuples(st.text(max_size=10), st.decimals(-(10**9), 10**9, places=2)), max_size=8), AMOUNTS)
def test_any_movement_can_be_drawn(steps: list[tuple[str, Decimal]], opening: Decimal) -> None:
    clean = [("".join(c for c in name if c.isprintable()), change) for name, change in steps]
    drawn(charts.waterfall(clean, opening, opening + sum((change for _, change in steps), Decimal(0)), words, PALETTE))


def test_a_shortfall_is_hatched_and_the_scale_is_cut_for_outliers() -> None:
    svg = charts.attainment_bars([("Ann & <Bob>", 50.0, False), ("Cy", None, False), ("Di", 100_000.0, True)], PALETTE)
    root = drawn(svg)
    fills = [rect.get("fill") or "" for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert any(fill.startswith("url(#short-") for fill in fills)
    assert "Ann &amp; &lt;Bob&gt;" in svg
    assert max(float(rect.get("width", 0)) for rect in root.iter("{http://www.w3.org/2000/svg}rect")) < charts.WIDTH


@pytest.mark.parametrize("value", [None, 0.0, 0.94, 0.96, 3.0, 1e6])
def test_coverage_is_rounded_before_it_is_judged(value: float | None) -> None:
    svg = charts.coverage_bars([("Acme", [("Q1", value, "words")])], PALETTE)
    drawn(svg)
    assert ("url(#short-" in svg) == (value is not None and round(value, 1) < 1)


def test_no_deal_in_any_week_can_be_drawn() -> None:
    drawn(charts.weekly_bars([("1 Nov", Decimal(0), 0)] * 13, words, PALETTE))
