"""Targets of a year to come by one scenario: everybody's number and months, and the chance that each is reached.

Put here how a number becomes targets. What people may be expected to book is `capacity`; what a plan
takes of pipeline, work and people is `needs`. Nothing here is in force before somebody puts it into
the target book.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import numpy as np

from sales import money
from sales.arrow import Floats
from sales.calendar import Period
from sales.errors import UserError
from sales.money import Minor
from sales.planning.capacity import Capacity, Member, amount_at, chance_of
from sales.planning.scenario import PlanScenario
from sales.policy.rules import MonthRules
from sales.statistics.distribution import CELLS, Sums
from sales.targets import phased_targets as targets
from sales.targets.annual_targets import AnnualTarget
from sales.targets.phasing import Seller, base_weights, personal_weights, selling_weights
from sales.targets.rephasing import Plan
from sales.targets.seasonality import Season
from sales.targets.stated_plans import PlanBook

QUANTILES = (0.1, 0.5, 0.9)
MISSED_MONTHS = 2
BISECTIONS = 50


class ImpossiblePlan(UserError, ValueError):
    """A scenario asks for targets that cannot be."""


@dataclass(frozen=True)
class MemberPlan:
    """What is proposed for one member, in minor units.

    `target` is what the year asks of them and `months` what each month does; `stated` is what the
    target book has to say for it where the policy cuts targets to the months in which a person
    sells. `chance` is that of reaching the target, `after_misses` the same given that the first
    two months with a target fall short together; none where they cannot.
    `clients` is what the plans of their clients come to, none where no client has one.
    """

    member: Member
    target: int
    stated: int
    months: Sequence[int]
    expected: int
    chance: float
    after_misses: float | None
    clients: int | None
    is_agreed: bool


@dataclass(frozen=True)
class GroupPlan:
    """A team, or the company: the sum of its targets, what it may be expected to book with P10, P50 and P90, and the chance to reach the sum."""

    name: str
    target: int
    expected: int
    quantiles: tuple[int, int, int]
    chance: float


@dataclass(frozen=True)
class YearPlan:
    """A year by one scenario, money in minor units."""

    title: str
    year: Period
    company: GroupPlan
    teams: Sequence[GroupPlan]
    members: Sequence[MemberPlan]

    @property
    def months(self) -> list[int]:
        """The company's target by month."""
        size = len(self.year.months)
        return [sum(each.months[n] for each in self.members) for n in range(size)]


def year_plan(
    scenario: PlanScenario,
    title: str,
    its_capacity: Capacity,
    agreed: Mapping[str, Decimal],
    clients: Mapping[str, int],
    rules: MonthRules,
    fiscal_year: int,
    book: PlanBook,
    season: Season | None,
) -> YearPlan:
    """Return the targets of a scenario.

    Its parameters are what a plan is made of: `agreed` are targets by member that stand already,
    `clients` the plans of their clients by member, `book` what is stated beside the targets,
    `season` that of the year where policy phases by it. Raises `ImpossiblePlan`.
    """
    members, digits = its_capacity.members, rules.digits
    expected = its_capacity.expected.sum(axis=1)
    weights = [_weights(member, rules, fiscal_year, season) for member in members]
    carries = np.array([any(each) for _, each in weights], np.bool_)
    year = its_capacity.of_year()
    fixed = {name: money.to_minor(amount, digits) for name, amount in agreed.items()}
    # Whose months have no weight can be asked for nothing.
    wanted = _targets(scenario, members, np.where(carries, expected, 0.0), year, fixed, digits)
    plans = [
        _plan(member, amount, part, rules, fiscal_year, book, season)
        for member, amount, (part, _) in zip(members, wanted, weights, strict=True)
    ]
    reached = chance_of(year, np.array(wanted, np.float64))
    again = _after_misses(plans, its_capacity)
    rows = [
        MemberPlan(
            member=member,
            target=plan.amount,
            stated=plan.target.amount,
            months=plan.baseline,
            expected=round(float(mean)),
            chance=float(chance),
            after_misses=after,
            clients=clients.get(member.member_id, 0) if clients else None,
            is_agreed=member.member_id in fixed,
        )
        for member, plan, mean, chance, after in zip(
            members, plans, expected, reached, again, strict=True
        )
    ]
    company, *teams = _groups(its_capacity, rows, rules.company)
    return YearPlan(title, its_capacity.year, company, teams, rows)


def _targets(
    scenario: PlanScenario,
    members: Sequence[Member],
    expected: Floats,
    year: Sums,
    fixed: Mapping[str, int],
    digits: int,
) -> list[int]:
    """Return each member's target: agreed ones as they are, others by the scenario."""
    unit = money.to_minor(scenario.round_to, digits)
    for name, amount in (("round_to", scenario.round_to), ("number", scenario.number)):
        if (
            amount is not None
            and money.decimal_of(money.to_minor(amount, digits), digits) != amount
        ):
            raise ImpossiblePlan(
                f"{name} = {amount} has parts below the smallest amount of the currency, {money.quantum(digits)}"
            )
    free = [n for n, member in enumerate(members) if member.member_id not in fixed]
    found = [fixed.get(member.member_id, 0) for member in members]
    if scenario.number is None:
        amounts = expected if scenario.chance is None else _reached_with(year, scenario.chance)
        for n in free:
            units = float(amounts[n]) / unit
            # What is reached with a chance is never rounded up.
            found[n] = unit * (round(units) if scenario.chance is None else int(units))
        return found
    rest = money.to_minor(scenario.number, digits) - sum(found)
    if rest < 0:
        raise ImpossiblePlan(
            f"the agreed targets come to {money.decimal_of(sum(found), digits):,}, more than the number {scenario.number:,}; lower them or raise the number"
        )
    weights = [Fraction(max(round(float(expected[n])), 0)) for n in free]
    if rest and not any(weights):
        raise ImpossiblePlan(
            f"{money.decimal_of(rest, digits):,} of the number is left for people of whom nothing can be expected; name people or seats who sell in that year"
        )
    for n, part in zip(free, _rounded(rest, weights, unit), strict=True):
        found[n] = part
    return found


def _reached_with(year: Sums, chance: Decimal) -> Floats:
    """Return the largest amount that each member reaches with a chance, found by halving."""
    low, high = np.zeros(len(year.grid.step)), year.grid.step * CELLS
    for _ in range(BISECTIONS):
        middle = (low + high) / 2
        is_reached = chance_of(year, middle) >= float(chance)
        low, high = np.where(is_reached, middle, low), np.where(is_reached, high, middle)
    return low


def _rounded(total: int, weights: Sequence[Fraction], unit: int) -> list[int]:
    """Split a total into multiples of a unit by largest remainder; what is less than a unit goes to the largest part."""
    if not any(weights):
        return [0] * len(weights)
    parts = [unit * part for part in money.allocate(total // unit, weights)]
    largest = max(range(len(parts)), key=lambda n: (weights[n], -n))
    parts[largest] += total % unit
    return parts


def _weights(
    member: Member, rules: MonthRules, fiscal_year: int, season: Season | None
) -> tuple[Fraction, list[Fraction]]:
    """Return which part of the year's weight lies in the months in which a member sells, and each month's weight with ramp and leave."""
    phasing, year = rules.policy.phasing, rules.calendar.year(fiscal_year)
    holidays = member.holidays or phasing.holidays
    base = base_weights(phasing, year, rules.calendar, holidays, season)
    seller = Seller(member.start, member.end, holidays, member.leaves)
    selling = selling_weights(base, year, rules.calendar, seller)
    personal = personal_weights(selling, year, rules.calendar, seller, phasing)
    whole = sum(base, Fraction(0))
    return (sum(selling, Fraction(0)) / whole if whole else Fraction(0)), personal


def _plan(
    member: Member,
    amount: int,
    part: Fraction,
    rules: MonthRules,
    fiscal_year: int,
    book: PlanBook,
    season: Season | None,
) -> Plan:
    """Return a member's target as the target book would phase it; where policy cuts it to the part of the year in which they sell, what is stated is more."""
    is_cut = rules.policy.targets.basis == "full_year"
    stated = round(amount / part) if is_cut and part else amount
    target = AnnualTarget(
        fiscal_year, member.member_id, 1, stated, member.start, member.end, member.holidays
    )
    found = targets.plan(target, rules, book, season)
    if found.amount != amount:
        raise ImpossiblePlan(
            f"{member.name} cannot be asked for {money.decimal_of(amount, rules.digits):,}: the months in which they sell have no weight in the phasing"
        )
    return found


def _after_misses(plans: Sequence[Plan], its_capacity: Capacity) -> list[float | None]:
    """Return each member's chance of the year, given that their first two months fall short; none where they cannot."""
    first = [
        [n for n, month in enumerate(plan.baseline) if month][:MISSED_MONTHS] for plan in plans
    ]
    asked = [
        float(sum(plan.baseline[n] for n in these))
        for plan, these in zip(plans, first, strict=True)
    ]
    annual = np.array([float(plan.amount) for plan in plans])
    months = [np.array(these, np.int64) for these in first]
    chance = its_capacity.after_misses(months, np.array(asked), annual)
    return [float(each) if np.isfinite(each) else None for each in chance]


def _groups(its_capacity: Capacity, rows: Sequence[MemberPlan], company: str) -> list[GroupPlan]:
    """Return the company and then its teams, by name."""
    teams = sorted({row.member.team for row in rows})
    of_team = np.array([1 + teams.index(row.member.team) for row in rows], np.int64)
    amounts = np.array([row.target for row in rows], np.int64)
    means = np.array([row.expected for row in rows], np.int64)
    found: list[GroupPlan] = []
    for codes, names in ((np.zeros(len(rows), np.int64), [company]), (of_team - 1, teams)):
        size = len(names)
        sums = its_capacity.together(codes, size)
        asked: Minor = money.sum_by(codes, amounts, size)
        may = money.sum_by(codes, means, size)
        levels = [np.rint(amount_at(sums, level)).astype(np.int64).tolist() for level in QUANTILES]
        chances = chance_of(sums, asked.astype(np.float64)).tolist()
        found += [
            GroupPlan(name, target, mean, (low, middle, high), chance)
            for name, target, mean, low, middle, high, chance in zip(
                names, asked.tolist(), may.tolist(), *levels, chances, strict=True
            )
        ]
    return found


def planned_by_member(book: PlanBook, year: Period, holder: Mapping[str, str]) -> dict[str, int]:
    """Return what the plans of clients come to in a year, by the member who holds the client; `holder` is by account."""
    found: dict[str, int] = {}
    for each in book.clients:
        if each.month in year.months and (who := holder.get(each.account_id)):
            found[who] = found.get(who, 0) + each.amount
    return found
