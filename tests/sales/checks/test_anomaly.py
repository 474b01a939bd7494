import math
from collections.abc import Mapping
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.checks.anomaly import ALWAYS_USUAL, NORMAL, WIDTH, anomalies, figures
from sales.contracts.targets import TargetAttainment
from tests.fakes import at, frame


def months(*rows: float) -> list[Mapping[str, Decimal]]:
    return [{"rows": Decimal(str(each))} for each in rows]


STEADY = months(80, 82, 85, 88, 93, 96, 100, 103, 105, 110, 112, 115, 121, 124)


@pytest.mark.parametrize(
    ("now", "is_usual"),
    [(128, True), (150, True), (90, True), (400, False), (0, False), (12, False)],
)
def test_a_month_that_grows_or_shrinks_as_none_before_is_unusual(
    now: float,
    is_usual: bool,  # noqa: FBT001
) -> None:
    found = anomalies(STEADY, {"rows": Decimal(now)})
    assert (found == []) == is_usual
    for each in found:
        assert (each.figure, each.before) == ("rows", 124)
        assert not each.lowest <= now <= each.highest
        assert each.lowest <= 124 <= each.highest


def test_the_usual_range_by_hand() -> None:
    """It doubled each month: the usual is to double again, give or take what is usual anywhere."""
    past = [float(2**n) * 1000 for n in range(14)]
    (found,) = anomalies(months(*past), {"rows": Decimal(100_000)})
    assert found.before == past[-1]
    middle = math.log1p(past[-1]) + float(np.median(np.diff(np.log1p(past))))
    assert found.lowest == pytest.approx(math.expm1(middle - ALWAYS_USUAL))
    assert found.highest == pytest.approx(math.expm1(middle + ALWAYS_USUAL))
    assert anomalies(months(*past), {"rows": Decimal(16_384_000)}) == []


def test_the_room_is_three_robust_deviations_around_the_usual_change() -> None:
    """Changes of 1.0 and 2.0 on the scale of ratios by turns: around 1.5, half a step away each."""
    sizes = np.cumsum([3.0, *[1.0, 2.0] * 7])
    past = months(*np.expm1(sizes))
    (found,) = anomalies(past, {"rows": Decimal(float(np.expm1(sizes[-1] + 9)))})
    changes = np.diff(sizes)
    middle = float(np.median(changes))
    room = WIDTH * float(np.median(np.abs(changes - middle))) / NORMAL
    assert math.log1p(found.highest) == pytest.approx(sizes[-1] + middle + room)
    assert math.log1p(found.lowest) == pytest.approx(sizes[-1] + middle - room)


def test_a_short_past_judges_nothing() -> None:
    assert anomalies(STEADY[-12:], {"rows": Decimal(1_000_000)}) == []
    assert anomalies([], {"rows": Decimal(5)}) == []


def test_a_figure_that_was_nothing_at_times_is_not_judged() -> None:
    assert anomalies(months(*[0, 5] * 8), {"rows": Decimal(90)}) == []


def test_sums_that_begin_anew_each_year_are_usual_in_the_month_in_which_they_did_a_year_ago() -> (
    None
):
    year = [10 * n for n in range(1, 13)]
    past = months(*year, *year)
    assert anomalies(past, {"rows": Decimal(9)}) == []
    assert anomalies(past[:-3], {"rows": Decimal(9)}), "but not in another month"


def test_a_loss_where_there_was_a_gain_is_unusual() -> None:
    assert anomalies(months(*[1000] * 14), {"rows": Decimal(-1000)})


@given(
    st.lists(st.decimals(-(10**12), 10**12, places=2), max_size=30),
    st.decimals(-(10**12), 10**12, places=2),
)
def test_any_past_is_judged_without_a_fault_and_the_range_is_around_what_was(
    past: list[Decimal], now: Decimal
) -> None:
    for each in anomalies([{"amount": value} for value in past], {"amount": now}):
        assert each.lowest <= each.highest
        assert each.now == float(now)


def test_the_figures_of_a_table_are_its_rows_and_its_sums_of_money() -> None:
    row = {
        "as_of_month": "2026-03",
        "grain": "team",
        "grain_id": "A",
        "period_kind": "month",
        "status": "ok",
        "as_of": at("2026-04-01 00:00"),
    }
    table = frame(
        TargetAttainment,
        [
            row | {"period": "1", "target": 5, "bookings": "1.10"},
            row | {"period": "2", "target": 7, "bookings": "2.20"},
        ],
    )
    found = figures(table)
    assert (found["rows"], found["target"], found["bookings"], found["variance"]) == (
        2,
        12,
        Decimal("3.30"),
        0,
    )
    assert "attainment_pct" not in found
