"""Sums of uncertain amounts as distributions on a grid: exact arithmetic on chances, no random numbers.

Put the mathematics of sums here; what is summed is decided by `period_distribution`. A group (a
person, a team, the company) has a grid of its own: `CELLS` multiples of its `step`, as many of them
below zero as its negative amounts need (credits and cancellations). Sums are products of Fourier
transforms (Panjer and Willmot, Insurance Risk Models, 1992, chapter 4); an amount between two grid
points is split over both so that means stay exact.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import numpy.typing as npt

from sales import arrow as columns
from sales.arrow import Codes, Floats

CELLS = 256
FREQUENCIES = CELLS // 2 + 1
# So many deals are transformed at once: it bounds memory, whatever the size of the firm.
CHUNK = 8_192
Waves = npt.NDArray[np.complex128]

_ROOTS = np.exp(-2j * np.pi * np.arange(CELLS) / CELLS)
_FREQUENCY = np.arange(FREQUENCIES, dtype=np.int32)


@dataclass(frozen=True)
class Grid:
    """Where each group's sums lie: cell j is worth `(j - below) * step`, so that `below` cells lie under zero."""

    step: Floats
    below: Codes

    def of(self, rows: Codes) -> Grid:
        """Return the grids of some groups, in their order."""
        return Grid(self.step[rows], self.below[rows])


@dataclass(frozen=True)
class Sums:
    """Distributions of sums, a row a group: `chance[g, j]` is the chance of cell j of its grid."""

    grid: Grid
    chance: Floats

    @property
    def mean(self) -> Floats:
        """Return each group's mean, in minor units."""
        return self.grid.step * (
            (self.chance * np.arange(CELLS)).sum(axis=1) - self.grid.below * self.chance.sum(axis=1)
        )

    @cached_property
    def _beyond(self) -> Floats:
        """The chance of at least each cell, in a row a group, and 0 beyond the last."""
        beyond = np.zeros((len(self.grid.step), CELLS + 1))
        beyond[:, :CELLS] = np.cumsum(self.chance[:, ::-1], axis=1)[:, ::-1]
        return beyond / np.maximum(beyond[:, :1], 1e-300)

    def reaches(self, amount: Floats, group: Codes | None = None) -> Floats:
        """Return the chance that a group's sum is at least an amount, falling in the amount.

        One amount a group, or for each amount the `group` it is asked of.
        """
        row = np.arange(len(self.grid.step)) if group is None else group
        below = self.grid.below[row]
        place = np.clip(amount / self.grid.step[row] + below, 0.0, float(CELLS))
        lower = np.minimum(place.astype(np.int64), CELLS - 1)
        share = place - lower
        between = self._beyond[row, lower] * (1 - share) + self._beyond[row, lower + 1] * share
        is_certain = (amount <= 0) & (below == 0)
        return np.where(is_certain, 1.0, np.clip(between, 0.0, 1.0))

    def quantile(self, level: float) -> Floats:
        """Return the amount that each group's sum stays below with a chance of `level`."""
        below = np.cumsum(self.chance, axis=1)
        below /= below[:, -1:]
        upper = np.argmax(below >= level - 1e-12, axis=1)
        lower = np.maximum(upper - 1, 0)
        rows = np.arange(len(self.grid.step))
        low, high = below[rows, lower], below[rows, upper]
        share = np.where(
            (upper > 0) & (high > low), (level - low) / np.maximum(high - low, 1e-300), 0.0
        )
        place = np.where(upper > 0, lower + np.clip(share, 0.0, 1.0), 0.0)
        return self.grid.step * (place - self.grid.below)


def mixed(parts: list[tuple[float, Sums]]) -> Sums:
    """Return a mixture of distributions on the same grids."""
    return Sums(parts[0][1].grid, sum(weight * each.chance for weight, each in parts))  # type: ignore[arg-type]


def wave(amount: Floats, grid: Grid) -> Waves:
    """Return the transform of each amount on its grid, a row an amount."""
    place = np.clip(amount / grid.step, -grid.below, CELLS - 1.0 - grid.below)
    cell = np.floor(place).astype(np.int64)
    share = (place - cell)[:, None]
    base = _ROOTS.take(
        (cell.astype(np.int32)[:, None] * _FREQUENCY[None, :]) & (CELLS - 1)
    )  # CELLS is a power of two, so that cells below zero stand at the end
    base *= 1.0 + share * (_ROOTS[None, :FREQUENCIES] - 1.0)
    return base


def wave_of_any(amounts: Floats, grid: Grid) -> Waves:
    """Return the transform of an amount that is equally likely to be any of a row's."""
    total = wave(amounts[:, 0], grid)
    for n in range(1, amounts.shape[1]):
        total += wave(amounts[:, n], grid)
    total /= amounts.shape[1]
    return total


def bernoulli_products(group: Codes, chances: Floats, amounts: Floats, grid: Grid) -> Waves:
    """Return the transform of each group's sum of deals, for several sets of chances.

    `chances` is (sets, deals), `amounts` (deals, equally likely values); the answer is
    (sets, groups, frequencies).
    """
    product = np.ones((len(chances), len(grid.step), FREQUENCIES), np.complex128)
    order = np.argsort(group, kind="stable")
    for start in range(0, len(order), CHUNK):
        part = order[start : start + CHUNK]
        mine = group[part]
        less_one = wave_of_any(amounts[part], grid.of(mine)) - 1.0
        first = np.flatnonzero(np.r_[True, mine[1:] != mine[:-1]])
        for number, chance in enumerate(chances):
            factors = 1.0 + chance[part, None] * less_one
            product[number, mine[first]] *= np.multiply.reduceat(factors, first, axis=0)
    return product


def compound(expected: Floats, dispersion: Floats, severity: Waves) -> Waves:
    """Return the transform of a negative binomial number of amounts: variance = mean + dispersion * mean^2."""
    spread = np.maximum(dispersion, 1e-6)[:, None]
    return np.exp(-np.log(1.0 + spread * expected[:, None] * (1.0 - severity)) / spread)


def from_waves(waves: Waves, grid: Grid) -> Sums:
    """Return the distributions behind transforms; rounding below zero is cut off."""
    chance = np.maximum(np.fft.irfft(waves, CELLS, axis=-1), 0.0)
    if grid.below.any():
        cells = (np.arange(CELLS)[None, :] - grid.below[:, None]) & (CELLS - 1)
        chance = np.take_along_axis(chance, cells, axis=-1)
    return Sums(grid, chance / chance.sum(axis=-1, keepdims=True))


def joined(parts: Sums, group: Codes, grid: Grid) -> Waves:
    """Return the transform of each group's sum of independent parts, on the group's coarser grid."""
    whole = grid.of(group)
    value = np.arange(CELLS)[None, :] - parts.grid.below[:, None]
    place = value * (parts.grid.step / whole.step)[:, None]
    lowest = -whole.below[:, None].astype(np.float64)
    place = np.clip(place, lowest, lowest + CELLS - 1.0)
    cell = np.floor(place).astype(np.int64)
    share = place - cell
    row = np.arange(len(parts.grid.step))[:, None] * CELLS
    flat, following = (
        (row + (each & (CELLS - 1))).reshape(-1)
        for each in (cell, np.minimum(cell + 1, (lowest + CELLS - 1.0).astype(np.int64)))
    )
    size = len(parts.grid.step) * CELLS
    spread = columns.total_by(flat, (parts.chance * (1 - share)).reshape(-1), size)
    spread += columns.total_by(following, (parts.chance * share).reshape(-1), size)
    waves = np.fft.rfft(spread.reshape(-1, CELLS), axis=1)
    order = np.argsort(group, kind="stable")
    sorted_groups = group[order]
    first = np.flatnonzero(np.r_[True, sorted_groups[1:] != sorted_groups[:-1]])
    product = np.ones((len(grid.step), FREQUENCIES), np.complex128)
    product[sorted_groups[first]] = np.multiply.reduceat(waves[order], first, axis=0)
    return product
