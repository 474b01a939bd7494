"""What a deal is worth to a target, against every outcome counted out."""

from itertools import product

import numpy as np
import pytest

from sales.statistics import delay_impact
from sales.statistics.delay_impact import Leverage, after_waiting
from sales.statistics.distribution import FREQUENCIES, Grid

AMOUNTS = np.array([[100.0], [250.0], [400.0], [150.0], [50.0]])
CHANCES = np.array([[0.2, 0.5, 0.7, 0.9, 0.4], [0.1, 0.3, 0.5, 0.8, 0.2]])
GRID = Grid(np.array([10.0]), np.zeros(1, np.int64))
NOTHING_NEW = np.ones((2, FREQUENCIES), np.complex128)


def by_hand(chances: np.ndarray, listed: int, missing: float) -> float:
    """Return P(hit | won) - P(hit | not won) by counting out what the others may do."""
    others = [n for n in range(len(AMOUNTS)) if n != listed]
    found = 0.0
    for won in product([0, 1], repeat=len(others)):
        chance, amount = 1.0, 0.0
        for each, is_won in zip(others, won, strict=True):
            chance *= chances[each] if is_won else 1 - chances[each]
            amount += AMOUNTS[each, 0] * is_won
        found += chance * (int(amount + AMOUNTS[listed, 0] >= missing) - int(amount >= missing))
    return found


@pytest.mark.parametrize("missing", [300.0, 500.0, 900.0])
def test_leverage_is_the_difference_over_all_that_the_others_may_do(missing: float) -> None:
    listed = np.array([2, 0])
    found = delay_impact._leverage(CHANCES, AMOUNTS, GRID, NOTHING_NEW, listed, missing)
    for node, row in enumerate(found):
        assert row == pytest.approx([by_hand(CHANCES[node], n, missing) for n in listed], abs=1e-9)


def test_among_many_deals_the_short_way_is_nearly_the_long_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    rng = np.random.default_rng(5)
    amounts = rng.uniform(50, 150, (400, 1))
    chances = rng.uniform(0.1, 0.9, (2, 400))
    grid = Grid(np.array([100.0]), np.zeros(1, np.int64))
    listed = np.array([7, 300])
    missing = float((chances[0] * amounts[:, 0]).sum())
    asked = (chances, amounts, grid, NOTHING_NEW, listed, missing)
    exact = delay_impact._leverage(*asked)
    monkeypatch.setattr(delay_impact, "MANY_DEALS", 100)
    short = delay_impact._leverage(*asked)
    assert (exact > 0.01).all()
    assert short == pytest.approx(exact, rel=0.05)


def test_a_change_of_chance_counts_by_the_leverage_and_the_pipelines_weight() -> None:
    """Without a common shock each node moves the chance from 0.6 to 0.2: 0.4 times the leverage."""
    nodes = len(delay_impact.NODE_WEIGHTS)
    leverage = Leverage(np.full((nodes, 1), 0.5), 0.0)
    assert leverage.change(np.array([0.6]), np.array([0.2])) == pytest.approx(
        -0.4 * 0.5 * delay_impact.PIPELINE_WEIGHT
    )


def test_waiting_moves_chances_and_drops_what_leaves_the_horizon() -> None:
    win = np.array([[0.05, 0.1, 0.2, 0.3]])
    assert after_waiting(win, 1).tolist() == [[0.0, 0.0, 0.1, 0.2]]
    assert after_waiting(win, 2).tolist() == [[0.0, 0.0, 0.0, 0.1]]
