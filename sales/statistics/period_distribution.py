"""Where a period lands: booked, open deals that will be won, and business nobody has created yet.

Put the distribution of one period here, for people, teams and the company; the table and its
bands are `sales.forecast.landing_forecast`. Means of people add up to teams and to the company by construction, and so
do the sums, given what moves all deals of a month together.

Method: a linear pool (Stone 1961; Genest and Zidek 1986) of the pipeline's distribution and of the
plain rate at which this company books; common shocks by Gauss-Hermite nodes.
"""

from __future__ import annotations

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
    """What is still to come in a period: the distribution of each person, team and the company, and people's means."""

    person: Sums
    team: Sums
    company: Sums
    expected: Floats

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
    members = ahead.members
    by_node, run_by_node = parts.pipeline(), parts.run_rate()
    everyone = np.zeros(members.size, np.int64)
    return ToCome(
        person=_pool(by_node, run_by_node),
        team=_pool(
            *(
                parts.together(each, members.team, parts.team_step)
                for each in (by_node, run_by_node)
            )
        ),
        company=_pool(
            *(parts.together(each, everyone, parts.company_step) for each in (by_node, run_by_node))
        ),
        expected=PIPELINE_WEIGHT * parts.pipeline_mean
        + (1 - PIPELINE_WEIGHT) * parts.run_rate_mean,
    )


def shocked(chance: Floats, spread: float) -> Floats:
    """Return chances under each node of the common shock, a row a node; their weighted mean is the chance itself."""
    odds = logit(np.clip(chance, 1e-9, 1 - 1e-9))
    moved = expit(odds[None, :] + spread * NODES[:, None])
    mean = NODE_WEIGHTS @ moved
    return np.clip(moved * (chance / np.maximum(mean, 1e-12))[None, :], 0.0, 1.0)


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


class PeriodParts:
    """One period's parts: chances of deals, numbers of new ones, and grids wide enough for all of them.

    `deals` are rows of the forecast of deals whose owner is a member, `person` their owners; `chances` are
    theirs under each node of the shock, `amounts` their equally likely amounts in minor units.
    """

    def __init__(self, ahead: ForecastInputs, first: int, last: int) -> None:
        """Read the parts of the months from `first` to `last` ahead."""
        deal_forecast, its_rates, members = ahead.deal_forecast, ahead.rates, ahead.members
        person = ahead.person_of_deal
        self.deals = np.flatnonzero(person >= 0)
        self.person = person[self.deals]
        self.shock = deal_forecast.shock
        self.chances = shocked(deal_forecast.between(first, last)[self.deals], deal_forecast.shock)
        self.amounts = deal_forecast.amount[self.deals, None] * deal_forecast.creep[None, :]
        self._sizes = its_rates.size[None, :] * its_rates.scale[:, None]
        self._new = its_rates.new_deals(first, last) * its_rates.share
        self._all = its_rates.deals(first, last) * its_rates.share
        self._dispersion = its_rates.dispersion
        factors = np.exp(its_rates.common * NODES)
        self._factors = factors / float(NODE_WEIGHTS @ factors)  # their mean stays 1
        self._lay_grids(members)

    def _lay_grids(self, members: Members) -> None:
        """Lay grids that hold the sums under every node: a common shock may lift all of them together."""
        size, chance = members.size, NODE_WEIGHTS @ self.chances
        mean_size, lifted = self._sizes.mean(axis=1), float(self._factors.max())
        most = np.maximum(self._new, self._all) * lifted
        self.pipeline_mean = (
            columns.total_by(self.person, chance * self.amounts.mean(axis=1), size)
            + self._new * mean_size
        )
        self.run_rate_mean = self._all * mean_size
        highest = self.chances.max(axis=0)
        spread = columns.total_by(self.person, highest * (self.amounts**2).mean(axis=1), size)
        spread += most * (self._sizes**2).mean(axis=1) + self._dispersion * (most * mean_size) ** 2
        largest = np.zeros(size)
        np.maximum.at(largest, self.person, np.where(chance > 0, self.amounts.max(axis=1), 0.0))
        largest = np.maximum(largest, np.where(self._all > 0, self._sizes.max(axis=1), 0.0))
        mean = (
            columns.total_by(self.person, highest * self.amounts.mean(axis=1), size)
            + self._new * lifted * mean_size
        )
        mean = np.maximum(mean, self._all * lifted * mean_size)

        def step(group: Codes, groups: int) -> Floats:
            widest = np.zeros(groups)
            np.maximum.at(widest, group, largest)
            room = MEAN_ROOM * columns.total_by(group, mean, groups) + SPREADS * np.sqrt(
                columns.total_by(group, spread, groups)
            )
            room = np.maximum(room, LARGEST_ROOM * widest)
            return np.where(room > 0, room, 1.0) / CELLS

        self.person_step = step(np.arange(size), size)
        self.team_step = step(members.team, len(members.team_ids))
        self.company_step = step(np.zeros(size, np.int64), 1)

    def place_of(self, rows: Codes) -> Codes:
        """Return the position among the deals of rows of the forecast of deals, -1 where nobody's."""
        place = np.searchsorted(self.deals, rows)
        inside = np.minimum(place, max(len(self.deals) - 1, 0))
        return (
            np.where((place < len(self.deals)) & (self.deals[inside] == rows), place, -1)
            if len(self.deals)
            else np.full(len(rows), -1)
        )

    def new_of_people(self) -> Waves:
        """Return the transform of each person's deals not created yet, (nodes, people, frequencies)."""
        return self._compound(self._new, self.person_step)

    def new_of_company(self) -> Waves:
        """Return the transform of the company's deals not created yet, (nodes, frequencies)."""
        return self._compound(self._new, np.repeat(self.company_step, len(self._new))).prod(axis=1)

    def pipeline(self) -> list[Sums]:
        """Return each person's sum of open deals and of deals not created yet, under each node of the shock."""
        open_deals = bernoulli_products(self.person, self.chances, self.amounts, self.person_step)
        return [from_waves(each, self.person_step) for each in open_deals * self.new_of_people()]

    def run_rate(self) -> list[Sums]:
        """Return each person's sum at the plain rate, under each node of the shock."""
        return [
            from_waves(each, self.person_step)
            for each in self._compound(self._all, self.person_step)
        ]

    @staticmethod
    def together(by_node: list[Sums], group: Codes, step: Floats) -> list[Sums]:
        """Return the sums of groups of people, node by node."""
        return [from_waves(joined(each, group, step), step) for each in by_node]

    def _compound(self, expected: Floats, step: Floats) -> Waves:
        severity = wave_of_any(self._sizes, step)
        return np.stack(
            [compound(expected * factor, self._dispersion, severity) for factor in self._factors]
        )
