"""Generated companies whose true probabilities are known: what forecasts are measured on.

Deals move by daily hazards that depend on what no CRM shows: a quality, stalls, deals that are
dead before anybody says so, and a common shock each month. So the chance of every deal, and the
distribution of every month's bookings, can be computed from the hidden state. The parameters are
invented: only comparisons between methods mean anything.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pyarrow as pa

from sales import arrow as columns
from sales.contracts.contract import RAW_MONEY, empty
from sales.contracts.raw import RAW
from sales.history.extract import Extract
from sales.money import decimal_array

FIRST_DAY, YEARS, WARM_UP_DAYS = date(2020, 7, 1), 4.5, 184
STAGES = ("1-Qualify", "2-Scope", "3-Proposal", "4-Agreement", "Won", "Lost")
CRM_PROBABILITY = (10.0, 25.0, 50.0, 75.0, 100.0, 0.0)
CATEGORIES = ("Pipeline", "Pipeline", "Best Case", "Commit", "Closed", "Omitted")
ADVANCE, LOSE = (
    np.array([1 / 14, 1 / 18, 1 / 20, 1 / 22]),
    np.array([1 / 70, 1 / 80, 1 / 90, 1 / 110]),
)
QUALITY_SHARE = np.array([0.35, 0.40, 0.25])
QUALITY_ADVANCE, QUALITY_LOSE = np.array([0.7, 1.0, 1.4]), np.array([1.7, 1.0, 0.5])
STALL, RESUME, STALLED_LOSS = 1 / 70, 1 / 40, 1.6
SHOCK = 0.25
SEASON = np.array([0.8, 0.9, 1.1, 1.0, 0.9, 1.15, 0.85, 0.75, 1.1, 1.15, 1.1, 1.2])
NODES, NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(5)
NODE_WEIGHTS = NODE_WEIGHTS / NODE_WEIGHTS.sum()
WON, GONE = 8, 9
EPOCH = date(1970, 1, 1)
DAY = 86_400_000_000


@dataclass
class Hidden:
    """What no CRM shows, at a month end: of every deal that is open in the CRM."""

    deal: np.ndarray
    quality: np.ndarray
    stage: np.ndarray
    stalled: np.ndarray
    dead: np.ndarray
    amount: np.ndarray


@dataclass
class SimulatedFirm:
    """A firm's extract and its hidden truth by month end, keyed by months since year 0."""

    deals_a_year: int
    extract: Extract
    share: np.ndarray
    hidden: dict[int, Hidden] = field(default_factory=dict)

    def true_win_probability(self, month: int) -> tuple[np.ndarray, np.ndarray]:
        """Return the deals open at a month end, and the true chance of each to be won in the month after."""
        here = self.hidden[month]
        return here.deal, np.average(
            [self._chances(here, month, node) for node in NODES], axis=0, weights=NODE_WEIGHTS
        )

    def true_landing(self, month: int, samples: int, chance: np.random.Generator) -> np.ndarray:
        """Return draws of the bookings of the month after, for one who knows everything but chance."""
        here, drawn = self.hidden[month], np.zeros(samples)
        of_node = chance.choice(len(NODES), samples, p=NODE_WEIGHTS)
        for number, node in enumerate(NODES):
            mine = np.flatnonzero(of_node == number)
            wins = chance.random((len(mine), len(here.deal))) < self._chances(here, month, node)
            steps = chance.random((len(mine), len(here.deal), 3)) < 0.3
            left = np.arange(3)[None, None, :] < (3 - here.stage)[None, :, None]
            creep = np.exp((steps & left) * chance.normal(-0.05, 0.2, steps.shape)).prod(axis=2)
            drawn[mine] = (wins * here.amount * creep).sum(axis=1)
            new = chance.poisson(self._new_wins(month + 1, node), len(mine))
            drawn[mine] += [_amounts(chance, count).sum() for count in new]
        return drawn

    def _chances(self, here: Hidden, month: int, node: float) -> np.ndarray:
        days = _days_of(month + 1)
        powers = [np.linalg.matrix_power(_daily(quality, node), days) for quality in range(3)]
        chance = np.array(
            [
                powers[q][2 * s + z, WON]
                for q, s, z in zip(here.quality, here.stage, here.stalled, strict=True)
            ]
        )
        return np.where(here.dead, 0.0, chance) if len(chance) else chance

    def _new_wins(self, month: int, node: float) -> float:
        rate, total = self.deals_a_year / 365 * SEASON[month % 12], 0.0
        for quality, share in enumerate(QUALITY_SHARE):
            daily, state = _daily(quality, node), np.eye(10)[0]
            for _ in range(_days_of(month)):
                state = state @ daily
                total += rate * share * state[WON]
        return total


def simulated_firm(deals_a_year: int, seed: int, years: float = YEARS) -> SimulatedFirm:
    """Return a firm with so many new opportunities a year."""
    return _Simulation(deals_a_year, np.random.default_rng(seed), round(years * 365)).run()


class _Simulation:
    def __init__(self, deals_a_year: int, chance: np.random.Generator, days: int) -> None:
        self.a_year, self.chance, self.days = deals_a_year, chance, days
        self.people = max(2, deals_a_year // 30)
        weights = chance.gamma(6.0, 1.0, self.people)
        self.share = weights / weights.sum()
        self.saves: list[tuple[np.ndarray, ...]] = []

    def run(self) -> SimulatedFirm:
        chance, first = self.chance, (FIRST_DAY - EPOCH).days
        counts = [
            chance.poisson(self.a_year / 365 * SEASON[(FIRST_DAY + timedelta(days=n)).month - 1])
            for n in range(self.days)
        ]
        self.born = np.repeat(np.arange(self.days), counts)
        size = len(self.born)
        self.quality = chance.choice(3, size, p=QUALITY_SHARE)
        self.owner = chance.choice(self.people, size, p=self.share)
        self.stage, self.stalled, self.dead = (
            np.zeros(size, int),
            np.zeros(size, bool),
            np.zeros(size, bool),
        )
        self.amount = _amounts(chance, size)
        self.close = self.born + np.maximum(10, chance.lognormal(np.log(55), 0.4, size)).astype(int)
        self.noticed = np.full(size, -1)
        hidden: dict[int, Hidden] = {}
        shock = 0.0
        for day in range(self.days):
            today = FIRST_DAY + timedelta(days=day)
            if today.day == 1:
                shock = chance.normal()
            self._day(day, shock)
            if (today + timedelta(days=1)).day == 1:
                here = np.flatnonzero((self.born <= day) & (self.stage < 4))
                hidden[today.year * 12 + today.month - 1] = Hidden(
                    here,
                    self.quality[here],
                    self.stage[here],
                    self.stalled[here].astype(int),
                    self.dead[here],
                    self.amount[here],
                )
        return SimulatedFirm(self.a_year, self._extract(first), self.share, hidden)

    def _day(self, day: int, shock: float) -> None:
        chance = self.chance
        born = np.flatnonzero(self.born == day)
        self._save(born, day)
        here = np.flatnonzero((self.born < day) & (self.stage < 4))
        if not len(here):
            return
        stage, quality, luck = self.stage[here], self.quality[here], chance.random((4, len(here)))
        alive, stalled = ~self.dead[here], self.stalled[here]
        lose = LOSE[stage] * QUALITY_LOSE[quality] * np.where(stalled, STALLED_LOSS, 1.0)
        advance = np.where(
            stalled,
            0.0,
            np.minimum(ADVANCE[stage] * QUALITY_ADVANCE[quality] * np.exp(SHOCK * shock), 0.5),
        )
        dies = alive & (luck[0] < lose)
        moves = alive & ~dies & (luck[1] < advance)
        self.stalled[here] = np.where(stalled, luck[2] >= RESUME, luck[2] < STALL)
        self.dead[here[dies]] = True
        self.noticed[here[dies]] = day + np.where(
            luck[3][dies] < 0.25, chance.integers(30, 120, int(dies.sum())), 0
        )
        moved = here[moves]
        won = moved[self.stage[moved] == 3]
        self.stage[moved] += 1
        on_the_way = moved[self.stage[moved] < 4]
        creeps = on_the_way[chance.random(len(on_the_way)) < 0.3]
        self.amount[creeps] = np.round(
            self.amount[creeps] * np.exp(chance.normal(-0.05, 0.2, len(creeps))), -1
        )
        dated = on_the_way[(self.stage[on_the_way] == 3) & (chance.random(len(on_the_way)) < 0.8)]
        self.close[dated] = day + chance.integers(8, 45, len(dated))
        self.close[won] = day
        given_up = here[self.dead[here] & (self.noticed[here] <= day) & (self.stage[here] < 4)]
        self.stage[given_up], self.close[given_up] = 5, day
        late = here[(self.stage[here] < 4) & (self.close[here] < day)]
        pushed = late[chance.random(len(late)) < 0.25]
        self.close[pushed] = day + chance.integers(10, 40, len(pushed))
        self._save(np.unique(np.concatenate([moved, given_up, pushed])), day)

    def _save(self, deals: np.ndarray, day: int) -> None:
        if len(deals):
            self.saves.append(
                (
                    deals,
                    np.full(len(deals), day),
                    self.stage[deals],
                    self.amount[deals],
                    self.close[deals],
                )
            )

    def _extract(self, first: int) -> Extract:
        of, day, stage, amount, close = (
            np.concatenate(part) for part in zip(*self.saves, strict=True)
        )
        at = ((first + day) * DAY + (8 * 3600 + of % 30_000) * 1_000_000).astype(np.int64)
        size = len(self.born)
        last = np.zeros(size, np.int64)
        last[of] = np.arange(len(of))
        money = decimal_array(np.rint(amount * 100).astype(np.int64), 2)
        people, ids = _ids("005", self.people), _ids("006", size)
        stages, categories = pa.array(STAGES), pa.array(CATEGORIES)
        instant, probability = columns.INSTANT, np.array(CRM_PROBABILITY)
        born = pa.array(
            ((first + self.born) * DAY + (8 * 3600 + np.arange(size) % 30_000) * 1_000_000).astype(
                np.int64
            )
        ).cast(instant)
        frames = {
            "opportunities": {
                "opportunity_id": ids,
                "is_deleted": pa.array(np.zeros(size, bool)),
                "account_id": _ids("001", 40).take(pa.array(np.arange(size) % 40)),
                "name": pa.array([f"Deal {n}" for n in range(size)]),
                "stage_name": stages.take(pa.array(stage[last])),
                "amount": money.take(pa.array(last)),
                "currency_code": pa.nulls(size, pa.string()),
                "probability_pct": pa.array(probability[stage[last]]),
                "close_date": columns.from_days(first + close[last]),
                "forecast_category": categories.take(pa.array(stage[last])),
                "owner_id": people.take(pa.array(self.owner)),
                "lead_source": pa.array(["Web", "Referral"]).take(pa.array(np.arange(size) % 2)),
                "record_type_id": pa.nulls(size, pa.string()),
                "is_private": pa.array(np.zeros(size, bool)),
                "created_at": born,
                "modified_at": pa.array(at[last]).cast(instant),
                "custom_amount": pa.nulls(size, RAW_MONEY),
                "effort_days": pa.nulls(size, pa.float64()),
                "service_start": pa.nulls(size, pa.date32()),
                "service_end": pa.nulls(size, pa.date32()),
                "dimension": pa.nulls(size, pa.string()),
            },
            "opportunity_history": {
                "history_id": _ids("008", len(of)),
                "opportunity_id": ids.take(pa.array(of)),
                "created_at": pa.array(at).cast(instant),
                "stage_name": stages.take(pa.array(stage)),
                "amount": money,
                "currency_code": pa.nulls(len(of), pa.string()),
                "close_date": columns.from_days(first + close),
                "probability_pct": pa.array(probability[stage]),
                "forecast_category": categories.take(pa.array(stage)),
                "modified_at": pa.array(at).cast(instant),
            },
            "users": {
                "user_id": people,
                "name": pa.array([f"Person {n}" for n in range(self.people)]),
                "username": pa.array([f"p{n}@firm.example" for n in range(self.people)]),
                "email": pa.array([f"p{n}@firm.example" for n in range(self.people)]),
                "is_active": pa.array([True] * self.people),
                "role_id": _ids("00E", 3).take(pa.array(np.arange(self.people) % 3)),
                "manager_id": pa.nulls(self.people, pa.string()),
            },
            "stages": {
                "stage_name": stages,
                "is_closed": pa.array([False] * 4 + [True] * 2),
                "is_won": pa.array([False] * 4 + [True, False]),
                "sort_order": pa.array(range(6)),
                "default_probability_pct": pa.array(CRM_PROBABILITY),
                "forecast_category": categories,
                "stage_id": stages,
                "is_active": pa.array([True] * 6),
                "is_listed": pa.array([True] * 6),
            },
            "organization": {
                "organization_id": pa.array(["00D000000000001AAA"]),
                "name": pa.array(["Simulated Firm"]),
                "time_zone": pa.array(["UTC"]),
                "fiscal_year_start_month": pa.array([1]),
                "names_year_by_start": pa.array([True]),
                "currency_code": pa.array(["USD"]),
                "is_multi_currency": pa.array([False]),
            },
            "roles": {
                "role_id": _ids("00E", 3),
                "name": pa.array(["North", "South", "West"]),
                "parent_role_id": pa.nulls(3, pa.string()),
            },
            "accounts": {
                "account_id": _ids("001", 40),
                "name": pa.array([f"Client {n}" for n in range(40)]),
                "modified_at": pa.array([0] * 40).cast(instant),
            },
        }
        end = datetime.combine(FIRST_DAY, datetime.min.time(), UTC) + timedelta(days=self.days)
        rest = {
            name.removeprefix("raw_"): empty(contract)
            for name, contract in RAW.items()
            if name != "raw_targets"
        }
        return Extract(
            "simulated",
            end,
            **rest | {name: columns.frame(parts) for name, parts in frames.items()},
        )


def _daily(quality: int, node: float) -> np.ndarray:
    """Return one day's transitions between stage and stall (a pair each), won and gone."""
    matrix = np.zeros((10, 10))
    matrix[WON, WON] = matrix[GONE, GONE] = 1.0
    for stage in range(4):
        for stalled in (0, 1):
            row = 2 * stage + stalled
            lose = LOSE[stage] * QUALITY_LOSE[quality] * (STALLED_LOSS if stalled else 1.0)
            advance = (
                0.0
                if stalled
                else min(ADVANCE[stage] * QUALITY_ADVANCE[quality] * np.exp(SHOCK * node), 0.5)
            )
            stays_stalled = 1 - RESUME if stalled else STALL
            matrix[row, GONE] += lose
            ahead = (1 - lose) * advance
            if stage == 3:
                matrix[row, WON] += ahead
            else:
                matrix[row, 2 * (stage + 1) + 1] += ahead * stays_stalled
                matrix[row, 2 * (stage + 1)] += ahead * (1 - stays_stalled)
            stay = (1 - lose) * (1 - advance)
            matrix[row, 2 * stage + 1] += stay * stays_stalled
            matrix[row, 2 * stage] += stay * (1 - stays_stalled)
    return matrix


def _days_of(month: int) -> int:
    first = date(month // 12, month % 12 + 1, 1)
    following = date((month + 1) // 12, (month + 1) % 12 + 1, 1)
    return (following - first).days


def _amounts(chance: np.random.Generator, size: int) -> np.ndarray:
    return np.round(chance.lognormal(np.log(20_000), 0.8, size), -1)


def _ids(prefix: str, size: int) -> pa.Array:
    return pa.array([f"{prefix}{number:012d}AAA" for number in range(size)], pa.string())
