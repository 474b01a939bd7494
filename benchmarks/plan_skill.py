"""How honest a year's plan is: the chance that it says of each target beside the share that is reached. Part of `make bench`.

Generated companies, whose sellers differ in rate and size of deal, with a season, months that all
of them share and a year that is not like the ones before. Each plan is made from two years of won
deals; then the year comes.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

import numpy as np
import pyarrow as pa

from sales import arrow as columns
from sales.calendar import FiscalCalendar, Month
from sales.planning.capacity import Capacity, Member, capacity
from sales.planning.scenario import PlanScenario
from sales.planning.year_plan import MemberPlan, year_plan
from sales.policy.rules import MonthRules
from sales.policy.sections import SalesPolicy
from sales.statistics.point_in_time import (
    WON,
    Bookings,
    Knowledge,
    OpenDeals,
    Outcomes,
    Shares,
)
from sales.targets.stated_plans import NO_PLANS

MONTH, YEAR = Month(2025, 12), 2026
PAST, AHEAD = 24, 12
SEASON = np.array([0.9, 0.95, 1.1, 0.95, 0.95, 1.1, 0.9, 0.8, 1.05, 1.05, 1.05, 1.2])
# How far months stray together, and how far a year is from the two before it.
SHARED, DRIFT = 0.15, 0.1
DEALS_A_MONTH, TYPICAL = 1.5, 40_000_00
# The company's number, of what may be expected.
AMBITIONS = (Decimal("0.8"), Decimal("0.9"), Decimal(1), Decimal("1.1"), Decimal("1.25"))
FIRMS, PEOPLE = 150, 10


@dataclass(frozen=True)
class GeneratedFirm:
    """What a firm knows at the end of a year, and what each of its people books in each month of the next one, in minor units."""

    known: Knowledge
    members: tuple[Member, ...]
    outcome: np.ndarray


def generated_firm(seed: int, people: int = PEOPLE) -> GeneratedFirm:
    """Return a firm with two years behind it."""
    chance = np.random.default_rng(seed)
    rate = DEALS_A_MONTH * chance.gamma(6.0, 1 / 6.0, people)
    size = TYPICAL * np.exp(chance.normal(0, 0.15, people))
    months = np.exp(chance.normal(0, SHARED, PAST + AHEAD))
    months[PAST:] *= np.exp(chance.normal(0, DRIFT))
    season = np.resize(SEASON, PAST + AHEAD)
    number = chance.poisson(rate[:, None] * (season * months)[None, :])
    owner = np.repeat(np.repeat(np.arange(people), PAST + AHEAD), number.reshape(-1))
    month = np.repeat(np.tile(np.arange(PAST + AHEAD), people), number.reshape(-1))
    amount = np.rint(size[owner] * np.exp(chance.normal(-0.25, 0.7, len(owner)))).astype(np.int64)
    is_past = month < PAST
    outcome = np.zeros((people, AHEAD))
    np.add.at(outcome, (owner[~is_past], month[~is_past] - PAST), amount[~is_past])
    first = MONTH.index - PAST + 1
    return GeneratedFirm(
        _known(owner[is_past], first + month[is_past], amount[is_past], people, first),
        tuple(Member(f"person {n}", f"Person {n}", "Sales") for n in range(people)),
        outcome,
    )


def rules() -> MonthRules:
    """Return the rules of a firm without policy."""
    return MonthRules(
        SalesPolicy(), FiscalCalendar(1, True, "UTC"), "Firm", "GBP", 2, "defaults", False
    )


def capacity_of(firm: GeneratedFirm) -> Capacity:
    """Return what a firm's people may be expected to book in the year to come."""
    its_rules = rules()
    return capacity(firm.members, (), its_rules.calendar.year(YEAR), firm.known, its_rules)


@dataclass
class Judged:
    """What plans said of targets and whether each was reached; `after` of those only whose first two months fell short."""

    said: list[float] = field(default_factory=list[float])
    reached: list[bool] = field(default_factory=list[bool])
    said_after: list[float] = field(default_factory=list[float])
    reached_after: list[bool] = field(default_factory=list[bool])

    @property
    def of_all(self) -> tuple[float, float]:
        """The mean chance that was said, and the share of targets that was reached."""
        return float(np.mean(self.said)), float(np.mean(self.reached))

    @property
    def of_missed(self) -> tuple[float, float]:
        """The same after two missed months."""
        return float(np.mean(self.said_after)), float(np.mean(self.reached_after))

    def add(self, row: MemberPlan, came: np.ndarray) -> None:
        """Judge one target by what was booked in each month."""
        is_reached = bool(came.sum() >= row.target)
        self.said.append(row.chance)
        self.reached.append(is_reached)
        if row.after_misses is not None and came[:2].sum() < sum(row.months[:2]):
            self.said_after.append(row.after_misses)
            self.reached_after.append(is_reached)


def judged(firms: int = FIRMS) -> dict[Decimal, Judged]:
    """Return by ambition how plans of generated firms fared."""
    found = {each: Judged() for each in AMBITIONS}
    for seed in range(firms):
        firm = generated_firm(seed)
        its_capacity = capacity_of(firm)
        expected = Decimal(int(its_capacity.expected.sum())) / 100
        for ambition, so_far in found.items():
            scenario = PlanScenario(number=round(expected * ambition, 2))
            plan = year_plan(scenario, "", its_capacity, {}, {}, rules(), YEAR, NO_PLANS, None)
            for row, came in zip(plan.members, firm.outcome, strict=True):
                so_far.add(row, came)
    return found


def _known(
    owner: np.ndarray, month: np.ndarray, amount: np.ndarray, people: int, first: int
) -> Knowledge:
    size, none, no_number = len(owner), np.zeros(0, np.int64), np.zeros(0)
    nothing = OpenDeals(
        none,
        none,
        none,
        none,
        no_number,
        no_number,
        no_number,
        none,
        none,
        none,
        no_number,
        no_number,
    )
    ids = columns.text([f"deal {n}" for n in range(size)])
    deal = np.arange(size)
    return Knowledge(
        month=MONTH.index,
        first_month=first,
        digits=2,
        owner_ids=columns.text([f"person {n}" for n in range(people)]),
        deal_ids=ids,
        account_ids=pa.nulls(size, pa.string()),
        source_names=columns.text([""]),
        created_month=month - 1,
        source=np.zeros(size, np.int64),
        past=nothing,
        now=nothing,
        now_shares=Shares(none, none, no_number),
        outcomes=Outcomes(np.full(size, WON), month, amount.astype(np.float64)),
        bookings=Bookings(deal, owner, month, amount),
        assumed_count=0,
    )


def main() -> None:
    """Print what plans say beside what comes."""
    print(f"{FIRMS} companies of {PEOPLE} people, {DEALS_A_MONTH} deals a person and month")
    print(
        f"{'number / expected':>18}  {'said':>6}  {'reached':>7}  after two missed months: said  reached"
    )
    for ambition, so_far in judged().items():
        said, reached = so_far.of_all
        said_after, reached_after = so_far.of_missed
        print(
            f"{ambition:>18}  {said:6.1%}  {reached:7.1%}  {said_after:29.1%}  {reached_after:7.1%}"
        )


if __name__ == "__main__":
    main()
