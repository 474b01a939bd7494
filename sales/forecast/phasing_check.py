"""Whether a phasing forgives: the chance that two missed months still leave a year within reach.

Put the phasing check and the planner of weights here. A person is taken to book their target in a
usual year, with the spread that this company's deals have; what matters is how much of it the plan
asks for at once, and how much room the cap leaves afterwards.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Floats, Mask
from sales.calendar import MONTHS_IN_YEAR, Month
from sales.contracts.contract import checked, stamp
from sales.contracts.targets import PhasingCheck
from sales.history.extract import People
from sales.policy.rules import MonthRules, OrganizationDefaults, PolicyBook
from sales.statistics.deal_outcomes import has_history
from sales.statistics.distribution import CELLS, Grid, Sums, compound, from_waves, wave_of_any
from sales.statistics.new_business import rates
from sales.statistics.period_distribution import SPREADS
from sales.statistics.point_in_time import Knowledge
from sales.targets.rephasing import Plan, rephase

MISSED_MONTHS = 2
BISECTIONS = 40
# A chance to miss below this is none: there is nothing to catch up.
NEVER_MISSED = 1e-12


@dataclass(frozen=True)
class _Case:
    """One person's plan as floats: the two months, the rest, and the factor by which the cap lets months grow."""

    plan: Plan
    first_two: Codes
    two: float
    rest: float
    cap: float


def phasing_check(
    plans: Sequence[Plan],
    known: Knowledge,
    everybody: People,
    month: Month,
    policies: PolicyBook,
    organization: OrganizationDefaults,
    extracted_at: datetime,
) -> DataFrame[PhasingCheck]:
    """Return for each plan what two missed months do to it, and weights that would keep the floor."""
    rules = policies.for_month(month, organization)
    of_year = {
        plan.target.fiscal_year: policies.for_fiscal_year(plan.target.fiscal_year, organization)
        for plan in plans
    }
    cases = [_case(plan, of_year[plan.target.fiscal_year]) for plan in plans]
    owners = columns.text([plan.target.owner_id for plan in plans])
    found = _judged(cases, owners, known, of_year) if cases and has_history(known) else None
    size = len(plans)
    floors = np.array(
        [float(of_year[plan.target.fiscal_year].policy.forecast.catch_up) for plan in plans]
    )
    nothing = np.ones(size, np.bool_)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), size),
            "fiscal_year": pa.array([plan.target.fiscal_year for plan in plans], pa.int64()),
            "owner_id": owners,
            "annual_target": money.decimal_array(
                np.array([plan.amount for plan in plans], np.int64), rules.digits
            ),
            "first_two": money.decimal_array(
                np.array([int(case.two) for case in cases], np.int64), rules.digits
            ),
            "usual_miss": money.decimal_array(
                found.miss if found else np.zeros(size, np.int64),
                rules.digits,
                None if found else nothing,
            ),
            "at_risk": money.decimal_array(
                found.at_risk if found else np.zeros(size, np.int64),
                rules.digits,
                None if found else nothing,
            ),
            "reach_after_miss": _numbers(found.reach if found else None, size),
            "catch_up_chance": _numbers(found.chance if found else None, size),
            "floor": pa.array(floors),
            "keeps_floor": pa.array(found.chance >= floors - 1e-9)
            if found
            else pa.nulls(size, pa.bool_()),
            "proposed_weights": columns.text(found.weights if found else [None] * size),
            "owner_name": everybody.name_of(owners),
        }
    ).sort_values(["fiscal_year", "owner_id"], kind="stable", ignore_index=True)
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), PhasingCheck)


@dataclass(frozen=True)
class _Findings:
    miss: Codes
    at_risk: Codes
    reach: Floats
    chance: Floats
    weights: list[str | None]


def _case(plan: Plan, rules: MonthRules) -> _Case:
    selling = [n for n, month in enumerate(plan.baseline) if month][:MISSED_MONTHS]
    two = float(sum(plan.baseline[n] for n in selling))
    phasing = rules.policy.phasing
    # Only a cap bounds what later months take; with no re-phasing they take nothing.
    cap = {"bounded": float(phasing.cap), "none": 1.0}.get(phasing.rephase, float("inf"))
    return _Case(plan, np.array(selling, np.int64), two, float(plan.amount) - two, cap)


def _judged(
    cases: Sequence[_Case],
    owners: pa.Array,
    known: Knowledge,
    of_year: Mapping[int, MonthRules],
) -> _Findings:
    its_rates = rates(known, columns.codes(owners, known.owner_ids), np.ones(len(cases), np.bool_))
    sizes = its_rates.size[None, :] * its_rates.scale[:, None]
    mean_size = np.maximum(sizes.mean(axis=1), 1.0)
    amount = np.array([case.plan.amount for case in cases], np.float64)
    deals = amount / mean_size
    # In a usual year a person books by the season, or evenly: not by the plan that is being judged.
    share = np.array([_season_share(case, its_rates.season, known.month) for case in cases])
    two = np.array([case.two for case in cases])
    early = _sums(deals * share, its_rates.dispersion, sizes)
    late = _sums(deals * (1 - share), its_rates.dispersion, sizes)
    usual = np.maximum(early.mean - np.sqrt(_variance(early)), 0.0)
    miss = np.rint(np.maximum(two - usual, 0.0)).astype(np.int64)
    at_risk = np.array(
        [
            rephase(
                case.plan,
                int(case.two) - missing,
                _months_done(case),
                of_year[case.plan.target.fiscal_year].policy.phasing,
            ).at_risk
            if missing
            else 0
            for case, missing in zip(cases, miss.tolist(), strict=True)
        ],
        np.int64,
    )
    cap = np.array([case.cap for case in cases])
    chance = _chance(early, two, amount - two, cap)
    floors = np.array(
        [float(of_year[case.plan.target.fiscal_year].policy.forecast.catch_up) for case in cases]
    )
    factor = _largest_factor(early, two, amount - two, cap, floors)
    weights = [
        None if keeps else _weights(case, each)
        for case, each, keeps in zip(cases, factor.tolist(), chance >= floors - 1e-9, strict=True)
    ]
    return _Findings(miss, at_risk, late.reaches(amount - usual), chance, weights)


def _months_done(case: _Case) -> int:
    """Return how many fiscal months are over once the two are."""
    return int(case.first_two[-1]) + 1 if len(case.first_two) else MISSED_MONTHS


def _season_share(case: _Case, season: Floats, now: int) -> float:
    """Return which part of a usual year falls into the two months, among the months in which the person sells."""
    months = case.plan.year.months
    factor = np.array([season[(month.index - now - 1) % MONTHS_IN_YEAR + 1] for month in months])
    sells = np.array([weight > 0 for weight in case.plan.weights])
    total = float((factor * sells).sum())
    return float(factor[case.first_two].sum()) / total if total else 0.0


def _sums(expected: Floats, dispersion: Floats, sizes: Floats) -> Sums:
    mean = expected * sizes.mean(axis=1)
    spread = expected * (sizes**2).mean(axis=1) + dispersion * mean**2
    step = np.maximum(mean + (SPREADS + 2) * np.sqrt(spread), 1.0) / CELLS
    grid = Grid(step, np.zeros(len(step), np.int64))
    return from_waves(compound(expected, dispersion, wave_of_any(sizes, grid)), grid)


def _variance(sums: Sums) -> Floats:
    squares = (sums.chance * np.arange(CELLS) ** 2).sum(axis=1)
    return np.maximum(sums.grid.step**2 * squares - sums.mean**2, 0.0)


def _chance(early: Sums, two: Floats, rest: Floats, cap: Floats) -> Floats:
    """Return the chance that what is missing fits, given that something is."""
    room = np.where(np.isinf(cap), np.inf, (np.where(np.isinf(cap), 1.0, cap) - 1.0) * rest)
    met, fits = early.reaches(two), early.reaches(np.maximum(two - np.minimum(room, two), 0.0))
    missed = 1.0 - met
    return np.where(missed > NEVER_MISSED, (fits - met) / np.maximum(missed, NEVER_MISSED), 1.0)


def _largest_factor(early: Sums, two: Floats, rest: Floats, cap: Floats, floors: Floats) -> Floats:
    """Return the largest factor, up to 1, on the weights of the two months that keeps the floor."""
    total = two + rest
    low, high = np.zeros(len(two)), np.ones(len(two))
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        smaller = np.where(
            total > 0, total * middle * two / np.maximum(middle * two + rest, 1.0), 0.0
        )
        keeps = _keeps(early, smaller, total - smaller, cap, floors)
        low, high = np.where(keeps, middle, low), np.where(keeps, high, middle)
    return low


def _keeps(early: Sums, two: Floats, rest: Floats, cap: Floats, floors: Floats) -> Mask:
    return _chance(early, two, rest, cap) >= floors


def _weights(case: _Case, factor: float) -> str | None:
    """Return the weights that keep the floor, none where there are no later months to give to."""
    if not factor or case.rest <= 0:
        return None
    scaled = [
        float(weight) * (factor if n in case.first_two else 1.0)
        for n, weight in enumerate(case.plan.weights)
    ]
    total = sum(scaled)
    return " ".join(f"{len(scaled) * each / total:.2f}" for each in scaled)


def _numbers(values: Floats | None, size: int) -> pa.Array:
    return pa.nulls(size, pa.float64()) if values is None else pa.array(np.clip(values, 0.0, 1.0))
