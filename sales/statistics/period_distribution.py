"""Where a period lands: booked, open deals that will be won, and business nobody has created yet.

Put the distribution of one period here, for people, teams and the company; the table and its
bands are `sales.forecast.landing_forecast`. Means of people add up to teams and to the company by construction, and so
do the sums, given what moves all deals of a month together.

Method: a linear pool (Stone 1961; Genest and Zidek 1986) of the pipeline's distribution and of the
plain rate at which this company books; common shocks by Gauss-Hermite nodes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from scipy.special import expit, logit

from sales import arrow as columns
from sales.arrow import Codes, Floats, Mask
from sales.calendar import Period
from sales.rollup import Grains
from sales.statistics.deal_outcomes import DealForecast, ForecastBasis
from sales.statistics.distribution import (
    CELLS,
    Grid,
    Sums,
    Waves,
    bernoulli_products,
    compound,
    from_waves,
    joined,
    mixed,
    wave_of_any,
)
from sales.statistics.new_business import Rates, rates
from sales.statistics.point_in_time import Knowledge
from sales.vocabulary import GrainKind

PIPELINE_WEIGHT = 0.75
# Gauss-Hermite nodes of a standard normal, and their weights.
NODES, NODE_WEIGHTS = np.array([-(3.0**0.5), 0.0, 3.0**0.5]), np.array([1 / 6, 2 / 3, 1 / 6])
SPREADS, MEAN_ROOM, LARGEST_ROOM = 9.0, 1.1, 1.3
# A forecast is told without so many of its deals too.
LARGEST_DEALS = 5


@dataclass(frozen=True)
class Members:
    """The people of a forecast, and the team of each.

    `owner` is their code in the knowledge, -1 if never seen; `of_owner` the position among them of
    each code there, -1 for others, and -1 at its end.
    """

    grains: Grains
    owner: Codes
    of_owner: Codes
    team: Codes
    team_ids: pa.Array

    @property
    def size(self) -> int:
        """Return the number of people."""
        return len(self.owner)


@dataclass(frozen=True)
class ForecastInputs:
    """Everything that a forecast as of a month end rests on; none without enough history."""

    known: Knowledge
    deal_forecast: DealForecast
    rates: Rates
    members: Members

    @property
    def person_of_deal(self) -> Codes:
        """Return the position among the members of each open deal's owner, -1 for nobody."""
        return self.members.of_owner[self.deal_forecast.deals.owner]


@dataclass(frozen=True)
class ToCome:
    """What is still to come in a period: the distribution of each person, team and the company, and people's means.

    `largest` is by grain what the open deals that bring most bring to the mean of each group.
    """

    person: Sums
    team: Sums
    company: Sums
    expected: Floats
    largest: Mapping[str, Floats]

    def of(self, grain: str) -> Sums:
        """Return the distributions of a grain."""
        return {
            GrainKind.PERSON.value: self.person,
            GrainKind.TEAM.value: self.team,
            GrainKind.COMPANY.value: self.company,
        }[grain]


def members_of(known: Knowledge, grains: Grains) -> Members:
    """Return the people of the grains as members of a forecast."""
    team_ids, owner = (
        columns.distinct(grains.teams),
        columns.codes(grains.person_ids, known.owner_ids),
    )
    of_owner = np.full(len(known.owner_ids) + 1, -1, np.int64)
    of_owner[owner] = np.arange(len(owner))
    of_owner[-1] = -1
    return Members(grains, owner, of_owner, columns.codes(grains.teams, team_ids), team_ids)


def forecast_inputs(
    forecast_basis: ForecastBasis, grains: Grains, sells: Mask
) -> ForecastInputs | None:
    """Return what a forecast for these people rests on; `sells` marks those with a target in the months ahead."""
    return (
        forecast_inputs_of(forecast_basis, forecast_basis.deals, grains, sells)
        if forecast_basis.deals
        else None
    )


def forecast_inputs_of(
    forecast_basis: ForecastBasis, deal_forecast: DealForecast, grains: Grains, sells: Mask
) -> ForecastInputs:
    """Return what a forecast rests on, with this outlook on the open deals."""
    members = members_of(forecast_basis.known, grains)
    return ForecastInputs(
        forecast_basis.known,
        deal_forecast,
        rates(forecast_basis.known, members.owner, sells),
        members,
    )


def offsets(known: Knowledge, period: Period) -> tuple[int, int]:
    """Return the first and last month of a period that are still open, counted from the month end; 0 is the month just over."""
    return max(period.first.index - known.month, 0), period.last.index - known.month


def to_come(ahead: ForecastInputs, period: Period) -> ToCome:
    """Return the distribution of what will be booked in a period from now on."""
    parts = PeriodParts(ahead, *offsets(ahead.known, period))
    return ToCome(
        person=_pool(parts.pipeline(), parts.run_rate()),
        team=parts.together(parts.of_teams),
        company=parts.together(parts.of_company),
        expected=PIPELINE_WEIGHT * parts.pipeline_mean
        + (1 - PIPELINE_WEIGHT) * parts.run_rate_mean,
        largest={
            GrainKind.PERSON.value: parts.largest(parts.of_people),
            GrainKind.TEAM.value: parts.largest(parts.of_teams),
            GrainKind.COMPANY.value: parts.largest(parts.of_company),
        },
    )


def shocked(chance: Floats, spread: float) -> Floats:
    """Return chances under each node of the common shock, a row a node; their weighted mean is the chance itself."""
    odds = logit(np.clip(chance, 1e-9, 1 - 1e-9))
    moved = expit(odds[None, :] + spread * NODES[:, None])
    mean = weighted(moved)
    return np.clip(moved * (chance / np.maximum(mean, 1e-12))[None, :], 0.0, 1.0)


def weighted(by_node: Floats) -> Floats:
    """Return the mean over the nodes of the common shock, of rows a node."""
    return (NODE_WEIGHTS[:, None] * by_node).sum(axis=0)


def _pool(pipeline: list[Sums], run_rate: list[Sums]) -> Sums:
    weighted = [
        (PIPELINE_WEIGHT * float(weight), each)
        for weight, each in zip(NODE_WEIGHTS, pipeline, strict=True)
    ]
    weighted += [
        ((1 - PIPELINE_WEIGHT) * float(weight), each)
        for weight, each in zip(NODE_WEIGHTS, run_rate, strict=True)
    ]
    return mixed(weighted)


@dataclass(frozen=True)
class GroupedDeals:
    """Open deals by the groups that get credit for them: a row a deal and group, in the order of `deal`.

    `deal` are rows of the forecast of deals, `chances` theirs under each node of the shock,
    `amounts` the group's equally likely parts of their amounts, in minor units.
    """

    deal: Codes
    group: Codes
    chances: Floats
    amounts: Floats

    def by(self, group_of: Codes) -> GroupedDeals:
        """Return the deals of groups of these groups; what a group gets of a deal is added up."""
        group = group_of[self.group]
        keys = self.deal * (int(group_of.max(initial=0)) + 1) + group
        _, first, to = np.unique(keys, return_index=True, return_inverse=True)
        if len(first) == len(keys):
            return GroupedDeals(self.deal, group, self.chances, self.amounts)
        amounts = np.zeros((len(first), self.amounts.shape[1]))
        np.add.at(amounts, to, self.amounts)
        return GroupedDeals(self.deal[first], group[first], self.chances[:, first], amounts)

    def place_of(self, deals: Codes, groups: Codes) -> Codes:
        """Return the row of each deal and group, -1 where the group gets no credit for it."""
        keys = columns.text(
            [f"{deal} {group}" for deal, group in zip(self.deal, self.group, strict=True)]
        )
        asked = columns.text([f"{deal} {group}" for deal, group in zip(deals, groups, strict=True)])
        return columns.codes(asked, keys)


@dataclass(frozen=True)
class _Groups:
    """Groups of people: the group of each, and the grid of each group."""

    of_person: Codes
    grid: Grid


class PeriodParts:
    """One period's parts: chances of deals, numbers of new ones, and grids wide enough for all of them.

    `deals` are the open deals by the people who get credit for them.
    """

    def __init__(self, ahead: ForecastInputs, first: int, last: int) -> None:
        """Read the parts of the months from `first` to `last` ahead."""
        deal_forecast, its_rates, members = ahead.deal_forecast, ahead.rates, ahead.members
        shares = ahead.known.now_shares
        person = members.of_owner[shares.owner]
        mine = np.flatnonzero(person >= 0)
        row = shares.deal[mine]
        self.shock = deal_forecast.shock
        self.deals = GroupedDeals(
            row,
            person[mine],
            shocked(deal_forecast.between(first, last), deal_forecast.shock)[:, row],
            deal_forecast.amount[row, None]
            * deal_forecast.creep[None, :]
            * shares.part[mine][:, None],
        )
        self.are_shared = len(np.unique(row)) < len(row)
        self._sizes = its_rates.size[None, :] * its_rates.scale[:, None]
        self._new = its_rates.new_deals(first, last) * its_rates.share
        self._all = its_rates.deals(first, last) * its_rates.share
        self._dispersion = its_rates.dispersion
        factors = np.exp(its_rates.common * NODES)
        self._factors = factors / float((NODE_WEIGHTS * factors).sum())  # their mean stays 1
        self._lay_grids(members)

    def _lay_grids(self, members: Members) -> None:
        """Lay grids that hold the sums under every node: a common shock may lift all of them together."""
        size, chance = members.size, weighted(self.deals.chances)
        mean_size = self._sizes.mean(axis=1)
        self.pipeline_mean = (
            columns.total_by(self.deals.group, chance * self.deals.amounts.mean(axis=1), size)
            + self._new * mean_size
        )
        self.run_rate_mean = self._all * mean_size
        above, below = self._room(1.0, size), self._room(-1.0, size)

        def groups(group: Codes, count: int) -> _Groups:
            up, down = (room.of(group, count) for room in (above, below))
            total = up + down
            step = np.where(total > 0, total, 1.0) / CELLS
            return _Groups(group, Grid(step, np.ceil(down / step).astype(np.int64)))

        self.of_people = groups(np.arange(size), size)
        self.of_teams = groups(members.team, len(members.team_ids))
        self.of_company = groups(np.zeros(size, np.int64), 1)

    def _room(self, sign: float, size: int) -> _Room:
        """Return what people's sums need above zero, or below it with a negative sign."""
        deals, lifted = self.deals, float(self._factors.max())
        amounts = np.maximum(sign * deals.amounts, 0.0)
        sizes = np.maximum(sign * self._sizes, 0.0)
        mean_size, highest = sizes.mean(axis=1), deals.chances.max(axis=0)
        most = np.maximum(self._new, self._all) * lifted
        spread = columns.total_by(deals.group, highest * (amounts**2).mean(axis=1), size)
        spread += most * (sizes**2).mean(axis=1) + self._dispersion * (most * mean_size) ** 2
        largest = np.zeros(size)
        possible = weighted(deals.chances) > 0
        np.maximum.at(largest, deals.group, np.where(possible, amounts.max(axis=1), 0.0))
        largest = np.maximum(largest, np.where(self._all > 0, sizes.max(axis=1), 0.0))
        mean = (
            columns.total_by(deals.group, highest * amounts.mean(axis=1), size)
            + self._new * lifted * mean_size
        )
        return _Room(largest, np.maximum(mean, self._all * lifted * mean_size), spread)

    def new_of_people(self) -> Waves:
        """Return the transform of each person's deals not created yet, (nodes, people, frequencies)."""
        return self._compound(self._new, self.of_people.grid)

    def new_of_company(self) -> Waves:
        """Return the transform of the company's deals not created yet, (nodes, frequencies)."""
        grid = self.of_company.grid.of(np.zeros(len(self._new), np.int64))
        return self._compound(self._new, grid).prod(axis=1)

    def pipeline(self) -> list[Sums]:
        """Return each person's sum of open deals and of deals not created yet, under each node of the shock."""
        return self._sums(self._open(self.deals, self.of_people.grid) * self.new_of_people())

    def run_rate(self) -> list[Sums]:
        """Return each person's sum at the plain rate, under each node of the shock."""
        return self._sums(self._compound(self._all, self.of_people.grid))

    def together(self, groups: _Groups) -> Sums:
        """Return the sums of groups of people; a deal that several of them share is won by all or by none."""
        run_rate = [self._join(each, groups) for each in self.run_rate()]
        if not self.are_shared:
            pipeline = [self._join(each, groups) for each in self.pipeline()]
        else:
            new = self._sums(self.new_of_people())
            open_deals = self._open(self.deals.by(groups.of_person), groups.grid)
            pipeline = [
                open_deals[node] * joined(each, groups.of_person, groups.grid)
                for node, each in enumerate(new)
            ]
        return _pool(
            *([from_waves(each, groups.grid) for each in part] for part in (pipeline, run_rate))
        )

    def largest(self, groups: _Groups) -> Floats:
        """Return what the open deals that bring most to the mean of each group bring to it, at most `LARGEST_DEALS` of them."""
        deals, count = self.deals.by(groups.of_person), len(groups.grid.step)
        brings = PIPELINE_WEIGHT * np.maximum(
            weighted(deals.chances) * deals.amounts.mean(axis=1), 0.0
        )
        order = np.lexsort((-brings, deals.group))
        group = deals.group[order]
        rank = np.arange(len(order)) - np.searchsorted(group, group)
        kept = order[rank < LARGEST_DEALS]
        return columns.total_by(deals.group[kept], brings[kept], count)

    def _open(self, deals: GroupedDeals, grid: Grid) -> Waves:
        return bernoulli_products(deals.group, deals.chances, deals.amounts, grid)

    def _sums(self, by_node: Waves) -> list[Sums]:
        return [from_waves(each, self.of_people.grid) for each in by_node]

    @staticmethod
    def _join(parts: Sums, groups: _Groups) -> Waves:
        return joined(parts, groups.of_person, groups.grid)

    def _compound(self, expected: Floats, grid: Grid) -> Waves:
        severity = wave_of_any(self._sizes, grid)
        return np.stack(
            [compound(expected * factor, self._dispersion, severity) for factor in self._factors]
        )


@dataclass(frozen=True)
class _Room:
    """What people's sums need on one side of zero: their largest amount, their mean, their variance."""

    largest: Floats
    mean: Floats
    spread: Floats

    def of(self, group: Codes, count: int) -> Floats:
        """Return what the sums of groups of people need."""
        widest = np.zeros(count)
        np.maximum.at(widest, group, self.largest)
        room = MEAN_ROOM * columns.total_by(group, self.mean, count) + SPREADS * np.sqrt(
            columns.total_by(group, self.spread, count)
        )
        return np.maximum(room, LARGEST_ROOM * widest)
