"""What sellers may be expected to book in a year, person by person and month by month, as a distribution.

Put here who sells when in a year to come, and how much; targets are `year_plan`. A person goes on at
the rate of the company's past, as the forecast knows it, in the months in which they sell: ramp,
leave, season, start and end count. A seat that nobody holds yet sells as this company's sellers do.

Method: the plain rate at which this company books (`sales.statistics.new_business`): a negative
binomial number of deals of its own sizes for each person, with one common shock a year for all.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date
from fractions import Fraction

import numpy as np

from sales import arrow as columns
from sales.arrow import Codes, Floats
from sales.calendar import MONTHS_IN_YEAR, Period
from sales.policy.rules import MonthRules
from sales.statistics.distribution import (
    CELLS,
    Grid,
    Sums,
    compound,
    from_waves,
    joined,
    mixed,
    wave_of_any,
)
from sales.statistics.new_business import Rates, rates
from sales.statistics.period_distribution import NODE_WEIGHTS, NODES, SPREADS
from sales.statistics.point_in_time import Knowledge
from sales.targets.phasing import Seller, personal_weights, selling_weights
from sales.targets.stated_plans import Leave

# A chance to miss below this is none.
NEVER = 1e-12


@dataclass(frozen=True)
class Member:
    """Somebody who sells in a year: a person of Salesforce by id, or a seat that nobody holds yet, by its name.

    `sells_today` is whether the company's rate of today has them in it; `share` is the part of
    what is expected of such a person that is expected of this one.
    """

    member_id: str
    name: str
    team: str
    start: date | None = None
    end: date | None = None
    holidays: str = ""
    share: Fraction = Fraction(1)
    leaves: tuple[Leave, ...] = ()
    sells_today: bool = True
    is_seat: bool = False


@dataclass(frozen=True)
class Capacity:
    """What the members of a year may be expected to book.

    `deals` is the expected number of won deals, a row a member and a column a month.
    """

    members: Sequence[Member]
    year: Period
    rates: Rates
    deals: Floats

    @property
    def sizes(self) -> Floats:
        """Equally likely amounts of a deal, a row a member, in minor units."""
        return self.rates.size[None, :] * self.rates.scale[:, None]

    @property
    def expected(self) -> Floats:
        """The mean of each member and month, in minor units, in rows and columns as `deals`."""
        return self.deals * self.sizes.mean(axis=1)[:, None]

    def of_year(self) -> Sums:
        """Return the distribution of each member's year."""
        return _mixed(self._by_node(self.deals.sum(axis=1)))

    def after_misses(self, first: Sequence[Codes], asked: Floats, annual: Floats) -> Floats:
        """Return the chance that each member books at least `annual`, given that the `first` months bring less than `asked`.

        Months are positions in the year; NaN where they cannot bring less.
        """
        early = np.array(
            [float(row[these].sum()) for row, these in zip(self.deals, first, strict=True)]
        )
        late = self.deals.sum(axis=1) - early
        missed, reached = np.zeros(len(early)), np.zeros(len(early))
        for weight, one, other in zip(
            NODE_WEIGHTS.tolist(), self._by_node(early), self._by_node(late), strict=True
        ):
            booked = one.grid.step[:, None] * np.arange(CELLS)[None, :]
            member = np.repeat(np.arange(len(early)), CELLS)
            left = (annual[:, None] - booked).reshape(-1)
            chance = np.where(booked < asked[:, None], one.chance, 0.0)
            missed += weight * chance.sum(axis=1)
            reached += weight * (chance * other.reaches(left, member).reshape(booked.shape)).sum(
                axis=1
            )
        return np.where(missed > NEVER, reached / np.maximum(missed, NEVER), np.nan)

    def together(self, group: Codes, groups: int) -> Sums:
        """Return the distributions of groups of members in the whole year; `group` is that of each member."""
        deals = self.deals.sum(axis=1)
        mean = columns.total_by(group, deals * self.sizes.mean(axis=1), groups)
        spread = columns.total_by(group, self._variance(deals), groups)
        grid = _grid(mean * self._factors.max(), spread)
        parts = [from_waves(joined(each, group, grid), grid) for each in self._by_node(deals)]
        return _mixed(parts)

    @property
    def _factors(self) -> Floats:
        factors = np.exp(self.rates.common * NODES)
        return factors / float((NODE_WEIGHTS * factors).sum())

    def _variance(self, deals: Floats) -> Floats:
        most = deals * self._factors.max()
        mean = most * self.sizes.mean(axis=1)
        return most * (self.sizes**2).mean(axis=1) + self.rates.dispersion * mean**2

    def _by_node(self, deals: Floats) -> list[Sums]:
        mean = deals * self.sizes.mean(axis=1)
        grid = _grid(mean * self._factors.max(), self._variance(deals))
        severity = wave_of_any(self.sizes, grid)
        return [
            from_waves(compound(deals * factor, self.rates.dispersion, severity), grid)
            for factor in self._factors
        ]


def capacity(
    members: Sequence[Member],
    leaving: Sequence[Member],
    year: Period,
    known: Knowledge,
    rules: MonthRules,
) -> Capacity:
    """Return what members may be expected to book in a year by the rules of that year.

    `leaving` are those who sell today and not in that year: what the company books today has them
    in it.
    """
    everybody = [*members, *leaving]
    ids = columns.text([each.member_id for each in everybody])
    its_rates = rates(known, columns.codes(ids, known.owner_ids), np.ones(len(everybody), np.bool_))
    today = np.array([each.sells_today for each in everybody], np.bool_)
    its_rates = _on_top(its_rates, today) if today.any() else its_rates
    mine = np.arange(len(members))
    its_rates = replace(
        its_rates,
        share=its_rates.share[mine],
        scale=its_rates.scale[mine],
        dispersion=its_rates.dispersion[mine],
    )
    present = np.array(
        [[float(part) for part in _present(each, year, rules)] for each in members]
    ).reshape(len(members), len(year.months))
    ahead = [(month.index - known.month - 1) % MONTHS_IN_YEAR + 1 for month in year.months]
    deals = its_rates.all_of_them * its_rates.share[:, None] * its_rates.season[ahead] * present
    return Capacity(members, year, its_rates, deals)


def _on_top(its_rates: Rates, today: np.ndarray) -> Rates:
    """Return rates by which those who sell today book what the company does, and others come on top."""
    share = its_rates.share / float(its_rates.share[today].sum())
    size = float((share * its_rates.scale)[today].sum())
    return replace(
        its_rates, share=share, scale=its_rates.scale / size if size else its_rates.scale
    )


def _present(member: Member, year: Period, rules: MonthRules) -> list[Fraction]:
    """Return which part of each month a member sells: ramp and leave count, whatever they do to a target."""
    seller = Seller(
        member.start, member.end, member.holidays or rules.policy.phasing.holidays, member.leaves
    )
    even = [Fraction(1)] * len(year.months)
    selling = selling_weights(even, year, rules.calendar, seller)
    phasing = rules.policy.phasing.model_copy(update={"leave": "relieves"})
    return [
        member.share * part
        for part in personal_weights(selling, year, rules.calendar, seller, phasing)
    ]


def _mixed(by_node: Sequence[Sums]) -> Sums:
    return mixed(
        [(float(weight), each) for weight, each in zip(NODE_WEIGHTS, by_node, strict=True)]
    )


def _grid(mean: Floats, variance: Floats) -> Grid:
    step = np.maximum(mean + (SPREADS + 2) * np.sqrt(variance), 1.0) / CELLS
    return Grid(step, np.zeros(len(step), np.int64))
