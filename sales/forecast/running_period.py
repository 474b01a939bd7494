"""Where a period that is running lands, as of a day in it: what is booked, what is due, and what comes on top.

Put here the landing of a running month and quarter, with its record at the same distance. A range is
told only where it came at least as near in the past as what anybody could reckon without it.

Method: what is left of a period brings c times the open amount that is due until its end, and N on
top; both are measured at the same day of past periods, recent ones counting more, and those of people
and teams are pulled towards the company's. What is not known is a gamma distribution with that mean,
whose spread is that of the method's own past errors.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd
import pyarrow as pa
from scipy.special import gammaincc, gammaincinv

from sales import arrow as columns
from sales import money
from sales.arrow import Floats
from sales.calendar import Period
from sales.forecast.period_moments import Moments, PeriodMoments, of_grain
from sales.history.reconstruction import PipelineHistory
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains
from sales.statistics.new_business import HALF_LIFE, PRIOR_MONTHS
from sales.targets.attainment import by_key

# Periods that a first forecast rests on, and how many forecasts judge the method.
FEWEST_BEFORE, FEWEST_JUDGED = 4, 6
PRIOR_DEALS = 8.0
# A range of so few deals that are still to come says little: most often it is one of them or none.
FEWEST_DEALS = 3.0
MODEL, TOO_LITTLE_HISTORY, NOT_BETTER = "model", "too_little_history", "not_better"
TOO_FEW_DEALS = "too_few_deals"
QUANTILES = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
LEAST = 1e-9


def running_landing(
    history: PipelineHistory,
    grains: Grains,
    periods: Sequence[Period],
    targets: Mapping[tuple[str, str, str], int],
    day: date,
    rules: MonthRules,
) -> pd.DataFrame:
    """Return the landing of running periods as of a day, a row a grain's id and period, without the instants of reading.

    `targets` are in minor units, by grain, id and period; `rules` are those of the running month.
    """
    parts: list[pd.DataFrame] = []
    for period in periods:
        seen = PeriodMoments(history, grains, period, day, rules)
        company: _Landing | None = None
        for grain in reversed([*grains]):
            landing = _Landing.of(seen, grain, company)
            company = company or landing
            parts.append(_rows(grain, period, landing, targets, day, rules))
    return by_key(pd.concat(parts, ignore_index=True))


@dataclass(frozen=True)
class _Rest:
    """How what is left of a period follows from what is due: `conversion` and `others` are c and N, a value an id."""

    conversion: Floats
    others: Floats

    def of(self, due: Floats) -> Floats:
        """Return what is left to come where so much is due."""
        return np.maximum(self.conversion * due + self.others, 0.0)


@dataclass(frozen=True)
class _Landing:
    """The landing of one grain's ids in minor units, and how far it and naive ways were off: sums of errors / sums of outcomes, NaN where unknown."""

    booked: Floats
    rest: Floats
    variance: Floats
    weighted: Floats
    judged: int
    errors: Mapping[str, Floats]
    spread: Floats
    size: float

    @classmethod
    def of(cls, seen: PeriodMoments, grain: Grain, company: _Landing | None) -> _Landing:
        """Learn from the past of a grain; what it has shown little of is pulled to the company's."""
        now = of_grain(seen.now, grain)
        before = None if seen.week_before is None else of_grain(seen.week_before, grain)
        count = len(now.booked)
        judged = [row for row in range(1, count) if count - 1 - row >= FEWEST_BEFORE]
        size = _deal_size(now, 0)
        shape = len(judged), len(grain.ids)
        middles = np.array([_middle(now, row, company) for row in judged]).reshape(shape)
        final = now.final[judged]
        ways = {
            "model": now.booked[judged] + middles,
            "stage_weighted": now.booked[judged] + now.weighted[judged],
            "straight_line": now.booked[judged] / np.maximum(now.share[judged], LEAST)[:, None],
        }
        if before is not None:
            earlier = np.array([_middle(before, row, company) for row in judged]).reshape(shape)
            ways["last_flash"] = before.booked[judged] + earlier
        total = np.maximum(np.abs(final).sum(axis=0), LEAST)
        errors = {name: np.abs(final - told).sum(axis=0) / total for name, told in ways.items()}
        rest = _learned(now, 0, company).of(now.due[0])
        # How far the method was off, of what it expected times the size of a deal.
        squares = ((final - now.booked[judged] - middles) ** 2).sum(axis=0)
        expected = np.maximum(middles * size, LEAST).sum(axis=0)
        if company is not None:
            usual = PRIOR_MONTHS * np.maximum(rest * size, LEAST)
            squares, expected = squares + usual * company.spread, expected + usual
        spread = squares / np.maximum(expected, LEAST)
        return cls(
            now.booked[0],
            rest,
            np.maximum(spread * rest * size, LEAST),
            now.weighted[0],
            len(judged),
            errors,
            spread,
            size,
        )

    @property
    def methods(self) -> list[str]:
        """Why the range of each id is told, or is not: it has to come as near as every naive way, over enough periods, and be of enough deals."""
        naive = np.min([error for name, error in self.errors.items() if name != "model"], axis=0)
        words = np.select(
            [
                np.full(len(self.rest), self.judged < FEWEST_JUDGED),
                self.rest < FEWEST_DEALS * self.size,
                self.errors["model"] > naive + LEAST,
            ],
            [TOO_LITTLE_HISTORY, TOO_FEW_DEALS, NOT_BETTER],
            MODEL,
        )
        return words.tolist()

    def quantile(self, level: float) -> Floats:
        """Return the landing that is missed with a chance of `level`."""
        rest = np.maximum(self.rest, LEAST)
        return self.booked + gammaincinv(rest**2 / self.variance, level) * self.variance / rest

    def reaches(self, target: Floats) -> Floats:
        """Return the chance to land at a target or above."""
        rest = np.maximum(self.rest, LEAST)
        missing = np.maximum(target - self.booked, 0.0)
        return np.where(
            missing <= 0, 1.0, gammaincc(rest**2 / self.variance, missing * rest / self.variance)
        )


def _deal_size(seen: Moments, row: int) -> float:
    """Return what a due deal of the company was worth on average in the periods before that of a row."""
    due, deals = seen.due[row + 1 :], seen.deals[row + 1 :]
    return max(float(due.sum()) / max(float(deals.sum()), 1.0), LEAST)


def _learned(seen: Moments, row: int, company: _Landing | None) -> _Rest:
    """Return c and N as the periods before that of a row show them."""
    weight = (0.5 ** (np.arange(len(seen.booked) - row - 1) / HALF_LIFE))[:, None]
    due, converted, rest = (
        (weight * values[row + 1 :]).sum(axis=0)
        for values in (seen.due, seen.converted, seen.final - seen.booked)
    )
    other, months = rest - converted, float(weight.sum())
    if company is None:
        return _Rest(converted / np.maximum(due, LEAST), other / max(months, LEAST))
    prior = PRIOR_DEALS * _deal_size(seen, row)
    final = (weight * seen.final[row + 1 :]).sum(axis=0)
    share = final / max(float(final.sum()), LEAST)
    whole = float(other.sum()) / max(months, LEAST)
    usual = float(converted.sum()) / max(float(due.sum()), LEAST)
    return _Rest(
        (converted + prior * usual) / (due + prior),
        (other + PRIOR_MONTHS * whole * share) / (months + PRIOR_MONTHS),
    )


def _middle(seen: Moments, row: int, company: _Landing | None) -> Floats:
    """Return what the method expected to come of the period of a row, from the periods before it."""
    return _learned(seen, row, company).of(seen.due[row])


def _rows(
    grain: Grain,
    period: Period,
    landing: _Landing,
    targets: Mapping[tuple[str, str, str], int],
    day: date,
    rules: MonthRules,
) -> pd.DataFrame:
    size, digits = len(grain.ids), rules.digits
    ids = grain.ids.to_pylist()
    target = np.array([targets.get((grain.name, each, period.name), 0) for each in ids], np.int64)
    methods = landing.methods
    is_told = np.array([each == MODEL for each in methods], np.bool_)
    without = ~is_told | (target == 0)

    def amount(values: Floats, empty: columns.Mask | None = None) -> pa.Array:
        return money.decimal_array(np.rint(values).astype(np.int64), digits, empty)

    def errors(name: str) -> pa.Array:
        found = landing.errors.get(name)
        return (
            pa.nulls(size, pa.float64()) if found is None or not landing.judged else pa.array(found)
        )

    return columns.frame(
        {
            "as_of_day": columns.repeat(str(day), size),
            "grain": columns.repeat(grain.name, size),
            "grain_id": grain.ids,
            "period_kind": columns.repeat(period.kind, size),
            "period": columns.repeat(period.name, size),
            "bookings": amount(landing.booked),
            **{
                name: amount(landing.quantile(level), ~is_told) for name, level in QUANTILES.items()
            },
            "target": money.decimal_array(target, digits),
            "hit_probability": pa.array(
                np.round(landing.reaches(target.astype(np.float64)), 6), mask=without
            ),
            "expected": amount(landing.booked + landing.rest, ~is_told),
            "method": columns.text(methods),
            "stage_weighted": amount(landing.booked + landing.weighted),
            "judged": pa.array(np.full(size, landing.judged)),
            **{
                f"error_{name}": errors(name)
                for name in ("model", "stage_weighted", "straight_line", "last_flash")
            },
        }
    )
