"""Re-phasing: what the months left must bring after misses so far, and what none of them can take.

Put how a miss is laid on later months here; how the year is phased at first is `phased_targets`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

from sales import money
from sales.calendar import MONTHS_IN_YEAR, Month, Period
from sales.policy.sections import Phasing
from sales.targets.annual_targets import AnnualTarget
from sales.targets.seasonality import Season


@dataclass(frozen=True)
class Plan:
    """An annual target phased over the twelve months of its year."""

    target: AnnualTarget
    year: Period
    amount: int
    weights: list[Fraction]
    baseline: list[int]
    fixed: frozenset[Month] = frozenset()
    season: Season | None = None


@dataclass(frozen=True)
class Rephased:
    """What the remaining months must bring; `months` holds the remaining months only."""

    months: list[int]
    at_risk: int
    ahead: int


def rephase(plan: Plan, bookings_to_date: int, months_done: int, phasing: Phasing) -> Rephased:
    """Lay what is missing to date over the months that remain, by policy.

    Months that are fixed stay as they are, and so do those in which the person does not sell.
    Always `bookings_to_date + sum(months) + at_risk - ahead == plan.amount`.
    """
    missing = sum(plan.baseline[:months_done]) - bookings_to_date
    later = zip(plan.year.months[months_done:], plan.weights[months_done:], strict=True)
    weights = [Fraction(0) if month in plan.fixed else weight for month, weight in later]
    return lay_on(missing, plan.baseline[months_done:], weights, months_done, phasing)


def lay_on(
    missing: int,
    remaining: Sequence[int],
    weights: Sequence[Fraction],
    months_done: int,
    phasing: Phasing,
) -> Rephased:
    """Lay a sum that is missing over the months that remain, by their weights and by policy; a surplus lowers none."""
    if missing <= 0:
        return Rephased(list(remaining), at_risk=0, ahead=-missing)
    reach = _months_to_lay_on(phasing.rephase, months_done)
    weights = [weight if n < reach else Fraction(0) for n, weight in enumerate(weights)]
    if phasing.rephase == "bounded":
        growth, parts = _growth(phasing.cap)
        room = [growth * month // parts for month in remaining]
        extra = _fill(missing, weights, room)
    elif any(weights):
        extra = money.allocate(missing, weights)
    else:
        extra = [0] * len(remaining)
    laid = [month + more for month, more in zip(remaining, extra, strict=True)]
    return Rephased(laid, at_risk=missing - sum(extra), ahead=0)


@lru_cache(maxsize=64)
def _growth(cap: Decimal) -> tuple[int, int]:
    """Return by what part of itself a month may grow under a cap, as a fraction: 1 in 4 for 1.25."""
    return (Fraction(cap) - 1).as_integer_ratio()


def _months_to_lay_on(policy: str, months_done: int) -> int:
    left_in_quarter = -months_done % 3
    reach = {"none": 0, "next_month": 1, "rest_of_quarter": left_in_quarter}
    return reach.get(policy, MONTHS_IN_YEAR)


def _fill(total: int, weights: Sequence[Fraction], room: Sequence[int]) -> list[int]:
    """Pour a total over months by weight, none above its room; the rest does not fit."""
    filled = [0] * len(room)
    open_months: list[int] = [n for n, weight in enumerate(weights) if weight > 0 and room[n] > 0]
    parts = money.whole_numbers(weights)
    left = total
    while left and open_months:
        whole = sum(parts[n] for n in open_months)
        full = [n for n in open_months if left * parts[n] >= room[n] * whole]
        if not full:
            laid = money.allocate(left, [weights[n] for n in open_months])
            for n, part in zip(open_months, laid, strict=True):
                filled[n] = part
            break
        for n in full:
            filled[n] = room[n]
            left -= room[n]
        open_months = [n for n in open_months if n not in full]
    return filled
