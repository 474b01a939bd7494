"""Sums of uncertain amounts, against every possible outcome counted by hand."""

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import nbinom

from sales.statistics.distribution import (
    CELLS,
    Grid,
    Sums,
    bernoulli_products,
    compound,
    from_waves,
    joined,
    mixed,
    wave_of_any,
)
from sales.statistics.period_distribution import NODE_WEIGHTS, shocked
from tests.examples import examples

chances = st.lists(st.floats(0.01, 0.99), min_size=1, max_size=6)


def grid(*steps: float, below: int = 0) -> Grid:
    return Grid(np.array(steps), np.full(len(steps), below))


def of_deals(chance: list[float], amount: list[float], step: float, below: int = 0) -> Sums:
    deals = np.array(amount, np.float64)[:, None]
    waves = bernoulli_products(
        np.zeros(len(amount), np.int64), np.array([chance]), deals, grid(step, below=below)
    )
    return from_waves(waves[0], grid(step, below=below))


def every_outcome(chance: list[float], amount: list[float]) -> list[tuple[float, float]]:
    return [
        (
            float(np.prod([p if won else 1 - p for p, won in zip(chance, wins, strict=True)])),
            sum(a for a, won in zip(amount, wins, strict=True) if won),
        )
        for wins in product((0, 1), repeat=len(chance))
    ]


@given(chances, st.data())
@examples(40)
def test_a_sum_of_deals_is_every_outcome_with_its_chance(
    chance: list[float], data: st.DataObject
) -> None:
    """Amounts on the grid: the distribution is exact, cell by cell."""
    cells = data.draw(st.lists(st.integers(1, 40), min_size=len(chance), max_size=len(chance)))
    sums = of_deals(chance, [100.0 * cell for cell in cells], 100.0)
    exact = np.zeros(CELLS)
    for weight, total in every_outcome(chance, [float(cell) for cell in cells]):
        exact[int(total)] += weight
    np.testing.assert_allclose(sums.chance[0], exact, atol=1e-12)


@given(chances, st.data())
@examples(40)
def test_cancellations_count_below_zero(chance: list[float], data: st.DataObject) -> None:
    cells = data.draw(st.lists(st.integers(-20, 20), min_size=len(chance), max_size=len(chance)))
    sums = of_deals(chance, [100.0 * cell for cell in cells], 100.0, below=128)
    exact = np.zeros(CELLS)
    for weight, total in every_outcome(chance, [float(cell) for cell in cells]):
        exact[int(total) + 128] += weight
    np.testing.assert_allclose(sums.chance[0], exact, atol=1e-12)
    assert sums.mean[0] == pytest.approx(100.0 * float(np.dot(chance, cells)), abs=1e-6)
    # Between two grid points the chance is drawn in a straight line: ask at a point.
    at_least = exact[128 - 3 :].sum()
    assert sums.reaches(np.array([-300.0]))[0] == pytest.approx(at_least, abs=1e-9)
    assert sums.quantile(0.5)[0] <= 100.0 * max(sum(c for c in cells if c > 0), 0)


def test_people_with_cancellations_together_are_the_sum_of_each() -> None:
    own = Grid(np.array([10.0, 25.0]), np.array([100, 128]))
    one = from_waves(
        bernoulli_products(
            np.array([0, 1]), np.array([[0.3, 0.6]]), np.array([[-200.0], [500.0]]), own
        )[0],
        own,
    )
    both = grid(50.0, below=100)
    together = from_waves(joined(one, np.array([0, 0]), both), both)
    for amount, expected in ((-200.0, 1.0), (0.0, 0.88), (300.0, 0.6), (500.0, 0.42)):
        assert together.reaches(np.array([amount]))[0] == pytest.approx(expected, abs=1e-9)
    assert together.mean[0] == pytest.approx(240.0)


@given(chances, st.data())
@examples(40)
def test_means_stay_exact_where_amounts_lie_between_grid_points(
    chance: list[float], data: st.DataObject
) -> None:
    amount = data.draw(st.lists(st.floats(1, 4_000), min_size=len(chance), max_size=len(chance)))
    assert of_deals(chance, amount, 137.0).mean[0] == pytest.approx(
        float(np.dot(chance, amount)), rel=1e-9
    )


def test_a_random_number_of_equal_amounts_is_negative_binomial() -> None:
    mean, dispersion = 3.0, 0.4
    waves = compound(
        np.array([mean]), np.array([dispersion]), wave_of_any(np.array([[10.0]]), grid(10.0))
    )
    size = 1 / dispersion
    np.testing.assert_allclose(
        from_waves(waves, grid(10.0)).chance[0][:40],
        nbinom.pmf(range(40), size, size / (size + mean)),
        atol=1e-9,
    )


def test_people_together_are_the_sum_of_each() -> None:
    one = from_waves(
        bernoulli_products(
            np.array([0, 1]),
            np.array([[0.3, 0.6]]),
            np.array([[200.0], [500.0]]),
            grid(10.0, 25.0),
        )[0],
        grid(10.0, 25.0),
    )
    together = from_waves(joined(one, np.array([0, 0]), grid(50.0)), grid(50.0))
    for amount, expected in ((1.0, 0.72), (450.0, 0.6), (650.0, 0.18)):
        # Between two grid points the chance is drawn in a straight line: ask at points.
        place = np.array([np.ceil(amount / 50.0) * 50.0])
        assert together.reaches(place)[0] == pytest.approx(expected, abs=1e-9)


@given(chances, st.data())
@examples(60)
def test_a_larger_target_is_never_easier_and_more_bookings_never_make_it_harder(
    chance: list[float], data: st.DataObject
) -> None:
    amount = data.draw(st.lists(st.floats(1, 3_000), min_size=len(chance), max_size=len(chance)))
    sums = of_deals(chance, amount, 100.0)
    missing = np.sort(
        np.array(data.draw(st.lists(st.floats(-1_000, 40_000), min_size=2, max_size=8)))
    )
    reaches = np.array([sums.reaches(np.array([each]))[0] for each in missing])
    assert (np.diff(reaches) <= 1e-12).all()
    assert ((reaches >= 0) & (reaches <= 1)).all()
    assert sums.reaches(np.array([0.0]))[0] == 1.0


@given(chances, st.data())
@examples(40)
def test_quantiles_rise_and_scale_with_money(chance: list[float], data: st.DataObject) -> None:
    amount = data.draw(st.lists(st.floats(1, 3_000), min_size=len(chance), max_size=len(chance)))
    small, large = (
        of_deals(chance, amount, 100.0),
        of_deals(chance, [8 * each for each in amount], 800.0),
    )
    levels = [small.quantile(level)[0] for level in (0.1, 0.5, 0.9)]
    assert levels == sorted(levels)
    np.testing.assert_allclose(
        [large.quantile(level)[0] for level in (0.1, 0.5, 0.9)],
        [8 * each for each in levels],
        rtol=1e-9,
        atol=1e-6,
    )


def test_a_mixture_reaches_what_its_parts_reach_by_weight() -> None:
    one, other = of_deals([0.5], [1_000.0], 10.0), of_deals([0.2], [1_000.0], 10.0)
    assert mixed([(0.75, one), (0.25, other)]).reaches(np.array([1_000.0]))[0] == pytest.approx(
        0.75 * 0.5 + 0.25 * 0.2
    )


@given(st.lists(st.floats(0, 1), min_size=1, max_size=20), st.floats(0, 0.6))
@examples(60)
def test_a_common_shock_moves_chances_and_keeps_their_mean(
    chance: list[float], spread: float
) -> None:
    moved = shocked(np.array(chance), spread)
    assert ((moved >= 0) & (moved <= 1)).all()
    middling = np.array(chance) < 0.8
    np.testing.assert_allclose(
        (NODE_WEIGHTS @ moved)[middling], np.array(chance)[middling], atol=2e-3
    )
