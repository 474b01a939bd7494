"""The price of patience: what it does to the chance of hitting a target if one deal waits.

Put the effect of single deals on P(hit) here. It is computed, not simulated: the deal is taken
out of the sum of all deals, and put back with the chance it has after waiting.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sales.arrow import Codes, Floats
from sales.statistics.distribution import (
    FREQUENCIES,
    Grid,
    Sums,
    Waves,
    bernoulli_products,
    from_waves,
    wave_of_any,
)
from sales.statistics.period_distribution import (
    NODE_WEIGHTS,
    PIPELINE_WEIGHT,
    PeriodParts,
    shocked,
    weighted,
)

LISTED_AT_ONCE = 2_048
# Beyond so many deals, taking one out shifts the sum and does not change its shape.
MANY_DEALS = 4_000


@dataclass(frozen=True)
class Leverage:
    """How much more often a target is hit with each listed deal won than without it, a row a node of the shock."""

    by_node: Floats
    shock: float

    def change(self, before: Floats, after: Floats) -> Floats:
        """Return the change of P(hit) when the listed deals' chances to be booked in the period change."""
        moved = shocked(after, self.shock) - shocked(before, self.shock)
        return PIPELINE_WEIGHT * weighted(moved * self.by_node)


def after_waiting(win: Floats, months: int) -> Floats:
    """Return the chances by months ahead of deals that confirm so many months later; what leaves the horizon is gone."""
    later = np.zeros_like(win)
    later[:, 1 + months :] = win[:, 1 : win.shape[1] - months]
    return later


def company_leverage(parts: PeriodParts, listed: Codes, missing: float) -> Leverage:
    """Return the leverage of open deals, by row of the forecast of deals, on the company's target; `missing` is not booked of it."""
    nobody = np.zeros(parts.of_people.grid.step.shape, np.int64)
    deals = parts.deals.by(nobody)
    place = deals.place_of(listed, np.zeros(len(listed), np.int64))
    found = np.zeros((len(NODE_WEIGHTS), len(listed)))
    use = place >= 0
    found[:, use] = _leverage(
        deals.chances,
        deals.amounts,
        parts.of_company.grid,
        parts.new_of_company(),
        place[use],
        missing,
    )
    return Leverage(found, parts.shock)


def owner_leverage(parts: PeriodParts, listed: Codes, owners: Codes, missing: Floats) -> Leverage:
    """Return the leverage of open deals, by row of the forecast of deals, on their owners' targets; `missing` is by person.

    What counts of a deal is the owner's part of it; an owner who gets no credit has none.
    """
    place = parts.deals.place_of(listed, owners)
    found = np.zeros((len(NODE_WEIGHTS), len(listed)))
    owner = np.where(place >= 0, owners, -1)
    new = parts.new_of_people()
    for person in np.unique(owner[owner >= 0]).tolist():
        mine, wanted = np.flatnonzero(parts.deals.group == person), np.flatnonzero(owner == person)
        inside = np.searchsorted(mine, place[wanted])
        found[:, wanted] = _leverage(
            parts.deals.chances[:, mine],
            parts.deals.amounts[mine],
            parts.of_people.grid.of(np.array([person])),
            new[:, person],
            inside,
            float(missing[person]),
        )
    return Leverage(found, parts.shock)


def _leverage(
    chances: Floats, amounts: Floats, grid: Grid, new: Waves, listed: Codes, missing: float
) -> Floats:
    """Return P(hit | won) - P(hit | not won) of each listed deal, a row a node; `grid` has one group."""
    size = len(amounts)
    if not len(listed):
        return np.zeros((len(chances), 0))
    if size > MANY_DEALS:
        return _of_many(chances, amounts, grid, new, listed, missing)
    less_one = wave_of_any(amounts, grid.of(np.zeros(size, np.int64))) - 1.0
    found = np.zeros((len(chances), len(listed)))
    one = np.ones((1, FREQUENCIES), np.complex128)
    for node, chance in enumerate(chances):
        factors: Waves = 1.0 + chance[:, None] * less_one
        before = np.concatenate([one, np.cumprod(factors[:-1], axis=0)])
        after = np.concatenate([np.cumprod(factors[:0:-1], axis=0)[::-1], one])
        for start in range(0, len(listed), LISTED_AT_ONCE):
            some = listed[start : start + LISTED_AT_ONCE]
            others = from_waves(
                before[some] * after[some] * new[node], grid.of(np.zeros(len(some), np.int64))
            )
            found[node, start : start + len(some)] = _difference(
                others, np.arange(len(some)), amounts[some], np.full(len(some), missing)
            )
    return found


def _of_many(
    chances: Floats, amounts: Floats, grid: Grid, new: Waves, listed: Codes, missing: float
) -> Floats:
    """Return the same where one deal among very many is taken out by its mean."""
    size = len(amounts)
    total = bernoulli_products(np.zeros(size, np.int64), chances, amounts, grid)[:, 0] * new
    found = np.zeros((len(chances), len(listed)))
    for node in range(len(chances)):
        group, own = (
            np.zeros(len(listed), np.int64),
            chances[node, listed] * amounts[listed].mean(axis=1),
        )
        everything = from_waves(total[node : node + 1], grid)
        found[node] = _difference(everything, group, amounts[listed], missing + own)
    return found


def _difference(others: Sums, group: Codes, amounts: Floats, missing: Floats) -> Floats:
    with_it = np.mean(
        [others.reaches(missing - amounts[:, each], group) for each in range(amounts.shape[1])],
        axis=0,
    )
    return with_it - others.reaches(missing, group)
