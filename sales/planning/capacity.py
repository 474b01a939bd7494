"""What sellers may be expected to book in a year, person by person and month by month, as a distribution.

Put here who sells when in a year to come, and how much; targets are `year_plan`. A person goes on at
their own rate, pulled towards that of all who sell today by how little they have shown, in the
months in which they sell: ramp, leave, season, start and end count. A seat that nobody holds yet
sells as those who sell today do. What leavers sold is nobody's.

Method: as `sales.statistics.new_business`: a negative binomial number of deals (a Poisson number at a
rate of which a gamma says what is not known) of the company's sizes, and one shock for all.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction

import numpy as np
from scipy.special import gammaincinv

from sales import arrow as columns
from sales.arrow import Codes, Floats
from sales.calendar import MONTHS_IN_YEAR, Month, Period
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
from sales.statistics.new_business import PRIOR_MONTHS, Rates, rates
from sales.statistics.period_distribution import NODE_WEIGHTS, NODES, SPREADS
from sales.statistics.point_in_time import Knowledge
from sales.targets.phasing import Seller, personal_weights, selling_weights
from sales.targets.stated_plans import Leave

# A chance to miss below this is none.
NEVER = 1e-12
# What is not known of a person's rate stands for so many equally likely rates.
OWN_RATES, LEAST_DISPERSION = 8, 1e-3


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

    `deals` is the expected number of won deals, a row a member and a column a month; `sizes` are
    equally likely amounts of a deal in minor units, a row a member; `dispersion` is what is not
    known of each member's rate and `common` what is not known of all; `before` is what those who
    sell today may be expected to book in each month until the year begins, in minor units.
    """

    members: Sequence[Member]
    year: Period
    deals: Floats
    sizes: Floats
    dispersion: Floats
    common: float
    before: Sequence[tuple[Month, float]]

    @property
    def expected(self) -> Floats:
        """The mean of each member and month, in minor units, in rows and columns as `deals`."""
        return self.deals * self.sizes.mean(axis=1)[:, None]

    def of_year(self) -> Sums:
        """Return the distribution of each member's year."""
        return _mixed(self._by_node(self.deals.sum(axis=1)))

    def after_misses(self, first: Sequence[Codes], asked: Floats, annual: Floats) -> Floats:
        """Return the chance that each member books at least `annual`, given that the `first` months bring less than `asked`.

        Months are positions in the year; NaN where they cannot bring less. A miss says something of
        a member's own rate and of the shock that all share: both are the same in later months.
        """
        early = np.array(
            [float(row[these].sum()) for row, these in zip(self.deals, first, strict=True)]
        )
        late = self.deals.sum(axis=1) - early
        missed, reached = np.zeros(len(early)), np.zeros(len(early))
        for weight, rate in self._rates():
            before, after = self._at(early, rate), self._at(late, rate)
            booked = before.grid.step[:, None] * np.arange(CELLS)[None, :]
            member = np.repeat(np.arange(len(early)), CELLS)
            left = (annual[:, None] - booked).reshape(-1)
            misses = np.where(booked < asked[:, None], before.chance, 0.0)
            missed += weight * misses.sum(axis=1)
            makes_it = chance_of(after, left, member).reshape(booked.shape)
            reached += weight * (misses * makes_it).sum(axis=1)
        return np.where(missed > NEVER, reached / np.maximum(missed, NEVER), np.nan)

    def _rates(self) -> Iterator[tuple[float, Floats]]:
        """Yield factors on members' rates, and how likely they are together: of the shock of all, and of what is not known of each."""
        shape = 1.0 / np.maximum(self.dispersion, LEAST_DISPERSION)
        levels = (np.arange(OWN_RATES) + 0.5) / OWN_RATES
        own = np.array([gammaincinv(shape, level) / shape for level in levels])
        own /= own.mean(axis=0)
        for weight, factor in zip(NODE_WEIGHTS.tolist(), self._factors.tolist(), strict=True):
            for each in own:
                yield weight / OWN_RATES, factor * each

    def _at(self, deals: Floats, rate: Floats) -> Sums:
        """Return the distribution of what members book of so many deals, at a factor on their rates that is known."""
        grid = _grid(deals * self.sizes.mean(axis=1) * self._factors.max(), self._variance(deals))
        return from_waves(
            compound(deals * rate, np.zeros(len(deals)), wave_of_any(self.sizes, grid)), grid
        )

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
        factors = np.exp(self.common * NODES)
        return factors / float((NODE_WEIGHTS * factors).sum())

    def _variance(self, deals: Floats) -> Floats:
        most = deals * self._factors.max()
        mean = most * self.sizes.mean(axis=1)
        return most * (self.sizes**2).mean(axis=1) + self.dispersion * mean**2

    def _by_node(self, deals: Floats) -> list[Sums]:
        mean = deals * self.sizes.mean(axis=1)
        grid = _grid(mean * self._factors.max(), self._variance(deals))
        severity = wave_of_any(self.sizes, grid)
        return [
            from_waves(compound(deals * factor, self.dispersion, severity), grid)
            for factor in self._factors
        ]


def chance_of(sums: Sums, amount: Floats, row: Codes | None = None) -> Floats:
    """Return the chance that sums reach amounts, or those of the `row` of each amount: what lies in a cell is spread around it."""
    step = sums.grid.step if row is None else sums.grid.step[row]
    return np.where(amount <= 0, 1.0, sums.reaches(amount + step / 2, row))


def amount_at(sums: Sums, level: float) -> Floats:
    """Return the amounts that sums stay below with a chance: the other way round of `chance_of`."""
    return sums.quantile(level) + sums.grid.step / 2


def capacity(
    members: Sequence[Member],
    leaving: Sequence[Member],
    year: Period,
    known: Knowledge,
    rules: MonthRules,
) -> Capacity:
    """Return what members may be expected to book in a year by the rules of that year.

    `leaving` are those who sell today and not in that year: what is usual today has them in it.
    """
    everybody = [*members, *leaving]
    ids = columns.text([each.member_id for each in everybody])
    its_rates = rates(known, columns.codes(ids, known.owner_ids), np.ones(len(everybody), np.bool_))
    today = np.array([each.sells_today for each in everybody], np.bool_)
    rate = _own_rates(its_rates, today)
    size = float((rate * its_rates.scale)[today].sum() / max(float(rate[today].sum()), NEVER))
    sizes = its_rates.size[None, :] * (its_rates.scale / (size or 1.0))[:, None]
    mine = np.arange(len(members))
    present = np.array(
        [[float(part) for part in _present(each, year, rules)] for each in members]
    ).reshape(len(members), len(year.months))

    def season(months: Sequence[Month]) -> Floats:
        return its_rates.season[
            [(month.index - known.month - 1) % MONTHS_IN_YEAR + 1 for month in months]
        ]

    until = [Month.from_index(index) for index in range(known.month + 1, year.first.index)]
    a_month = float((rate * sizes.mean(axis=1))[today].sum())
    return Capacity(
        members,
        year,
        deals=rate[mine][:, None] * season(year.months) * present,
        sizes=sizes[mine],
        dispersion=its_rates.dispersion[mine],
        common=its_rates.common,
        before=[*zip(until, (a_month * season(until)).tolist(), strict=True)] if until else [],
    )


def _own_rates(its_rates: Rates, today: np.ndarray) -> Floats:
    """Return each person's number of deals a month, pulled towards what is usual of those who sell today."""
    seen, exposure = its_rates.seen, its_rates.exposure
    if not today.any() or not exposure[today].sum():
        today = np.ones(len(seen), np.bool_)
    months = float(exposure[today].sum())
    usual = float(seen[today].sum()) / months if months else its_rates.all_of_them / len(seen)
    return (seen + usual * PRIOR_MONTHS) / (exposure + PRIOR_MONTHS)


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
