"""Plans of a year to come, one for each scenario, from what is known at a closed month end.

Put here what a plan is made from: who sells, what the policy folder states, which past counts. What
it proposes is `sales.planning`; the files that come of it are `year_plan_files`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from fractions import Fraction

import numpy as np
from pandera.typing import DataFrame

from connectors.policy.plan_scenarios import changes_by_person, read_scenarios
from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.history import OpportunitySnapshot
from sales.errors import UserError
from sales.forecast.delivery_load import has_effort, work_of
from sales.forecast.generation import creation
from sales.history import snapshot
from sales.planning.capacity import Capacity, Member, capacity
from sales.planning.needs import (
    WorkMonth,
    creation_by_month,
    days_per_amount,
    quarters_needed,
    sources_needed,
    work_needed,
)
from sales.planning.scenario import AS_EXPECTED, AS_NUMBERED, PersonPlan, PlanScenario
from sales.planning.scenario_plan import ScenarioPlan, YearPlans
from sales.planning.year_plan import planned_by_member, year_plan
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains
from sales.statistics.deal_outcomes import has_history
from sales.statistics.period_distribution import ForecastInputs, forecast_inputs
from sales.targets.annual_targets import AnnualTarget
from sales.targets.seasonality import Season

YEAR = re.compile(r"(?:FY)?(\d{4})", re.IGNORECASE)
FARTHEST = 3  # years ahead


class UnplannableYear(UserError, ValueError):
    """A year that cannot be planned, or not yet."""


def fiscal_year_named(text: str) -> int:
    """Return the year that `FY2028` or `2028` names; raises `UnplannableYear`."""
    found = YEAR.fullmatch(text.strip())
    if found is None:
        raise UnplannableYear(f"{text[:40]!r} is not a fiscal year; write it as FY2028")
    return int(found.group(1))


def plan_year(inputs: MonthInputs, fiscal_year: int, number: Decimal | None = None) -> YearPlans:
    """Return the plans of a year to come, from what is known at a month end.

    Scenarios are those of the policy folder; a `number` is that of the ones that state neither a
    number nor a chance. Without any there is one of what people can sell, and one of the number.
    Raises `UserError`.
    """
    return _Planner(inputs, fiscal_year).plans(_scenarios(inputs, number))


def _scenarios(inputs: MonthInputs, number: Decimal | None) -> dict[str, PlanScenario]:
    found = read_scenarios(inputs.workspace.policy_folder)
    if not found:
        found = {"capacity": PlanScenario(title=AS_EXPECTED)}
        return found | (
            {"number": PlanScenario(title=AS_NUMBERED, number=number)} if number is not None else {}
        )
    return {
        name: each.model_copy(update={"number": number})
        if number is not None and each.number is None and each.chance is None
        else each
        for name, each in found.items()
    }


class _Planner:
    """What all scenarios of a year share."""

    def __init__(self, inputs: MonthInputs, fiscal_year: int) -> None:
        self._inputs, self._fiscal_year = inputs, fiscal_year
        self._rules = _without_stated_months(
            inputs.policies.for_fiscal_year(fiscal_year, inputs.organization)
        )
        self._year = self._rules.calendar.year(fiscal_year)
        self._refuse_year()
        self._forecast = ForecastSources(inputs)
        self._known = self._forecast.known
        if not has_history(self._known):
            raise UnplannableYear(
                f"at the end of {inputs.month} there are too few decided deals, or closed months with won ones, to plan from: a plan goes on at the rate of six months at least"
            )
        self._season = self._season_of_year()
        self._how = creation(self._known)
        self._members, self._leaving, self._left_out = self._people()
        self._snapshot: DataFrame[OpportunitySnapshot] = snapshot.opportunity_snapshot(
            inputs.history, inputs.month, inputs.rules, is_copy=inputs.is_copy
        )
        self._ahead, self._company = self._forecast_of_company()

    def plans(self, scenarios: Mapping[str, PlanScenario]) -> YearPlans:
        """Return the plans of all scenarios."""
        return YearPlans(
            self._fiscal_year,
            self._year,
            self._inputs.month,
            self._rules,
            [self._planned(name, each) for name, each in scenarios.items()],
            self._lately(),
            self._left_out,
        )

    def _refuse_year(self) -> None:
        month, name = self._inputs.month, f"FY{self._fiscal_year}"
        if self._year.first <= month:
            raise UnplannableYear(
                f"{name} began in {self._year.first}, and a plan is for a year to come; change targets of a year that runs by a revision in the target book"
            )
        coming = self._rules.calendar.fiscal_year(month) + FARTHEST
        if self._fiscal_year > coming:
            raise UnplannableYear(
                f"{name} is too far away to be planned from {month}; plan FY{coming} at most"
            )

    def _season_of_year(self) -> Season | None:
        if self._rules.policy.phasing.method != "seasonal":
            return None
        return self._forecast.point_in_time.season_of(self._year, self._inputs.month)

    def _people(self) -> tuple[list[Member], list[Member], list[str]]:
        """Return who sells in the year, who sells today and not then, and the names of those who cannot log in any more."""
        inputs, year = self._inputs, self._year
        people = inputs.people
        row_of = {each: row for row, each in enumerate(people.ids.to_pylist())}
        stay, leave, out = list[Member](), list[Member](), list[str]()
        for owner_id, target in sorted(self._sellers().items()):
            row = row_of.get(owner_id)
            if row is None or not people.is_person[row]:
                continue
            member = self._member(
                owner_id, people.names[row].as_py(), people.teams[row].as_py(), target
            )
            if not people.is_active[row]:
                out.append(member.name)
            elif member.end is not None and member.end < self._rules.calendar.first_day(year.first):
                leave.append(member)
            else:
                stay.append(member)
        return stay, leave, out

    def _sellers(self) -> dict[str, AnnualTarget | None]:
        """Return who has a target today or in the year, with the latter where there is one; else who has won a deal lately."""
        inputs = self._inputs
        in_force = sorted(
            inputs.targets_in_force()[inputs.month], key=lambda each: each.fiscal_year
        )
        today = inputs.rules.calendar.fiscal_year(inputs.month)
        last_day = inputs.rules.calendar.last_day(inputs.month)
        found: dict[str, AnnualTarget | None] = {}
        for each in in_force:
            has_left = each.end is not None and each.end <= last_day
            if each.fiscal_year in {today, self._fiscal_year} and not has_left:
                found[each.owner_id] = each
        return found or dict.fromkeys(self._lately())

    def _member(self, owner_id: str, name: str, team: str, target: AnnualTarget | None) -> Member:
        month, calendar = self._inputs.month, self._rules.calendar
        start, end = (target.start, target.end) if target else (None, None)
        return Member(
            owner_id,
            name,
            team,
            start,
            end,
            target.holidays if target else "",
            leaves=tuple(self._forecast.plan_book.leaves_of(owner_id)),
            sells_today=start is None or calendar.month_of(start) <= month,
        )

    def _forecast_of_company(self) -> tuple[ForecastInputs | None, Grain]:
        """Return what the company's required coverage rests on, and the company as a grain of those who sell today."""
        everybody = [*self._members, *self._leaving]
        grains = Grains(
            columns.text([each.member_id for each in everybody]),
            columns.text([each.team for each in everybody]),
            self._rules.company,
        )
        sells = np.ones(len(everybody), np.bool_)
        *_, company = grains
        return forecast_inputs(self._forecast.forecast_basis, grains, sells), company

    def _planned(self, name: str, scenario: PlanScenario) -> ScenarioPlan:
        changes = changes_by_person(scenario, name, self._inputs.extract.users)
        members, leaving = self._changed(name, scenario, changes)
        its_capacity = capacity(members, leaving, self._year, self._known, self._rules)
        agreed = {owner: each.target for owner, each in changes.items() if each.target is not None}
        plan = year_plan(
            scenario,
            scenario.title or name,
            its_capacity,
            agreed,
            planned_by_member(self._forecast.plan_book, self._year, self._holders()),
            self._rules,
            self._fiscal_year,
            self._forecast.plan_book,
            self._season,
        )
        months = plan.months
        return ScenarioPlan(
            name,
            plan,
            sources_needed(self._how, self._known, months, self._rules),
            creation_by_month(self._how, self._year, months),
            quarters_needed(self._ahead, self._company, self._year, months),
            self._work(its_capacity, months),
        )

    def _changed(
        self, name: str, scenario: PlanScenario, changes: Mapping[str, PersonPlan]
    ) -> tuple[list[Member], list[Member]]:
        """Return who sells in the year by a scenario, and who sells today and not then."""
        first_day = self._rules.calendar.first_day(self._year.first)
        known = {each.member_id: each for each in (*self._members, *self._leaving)}
        if unknown := sorted(set(changes) - set(known)):
            named = changes[unknown[0]].owner
            raise UnplannableYear(
                f"plan/{name}.toml: {named[:80]!r} has no target today and none in FY{self._fiscal_year}; name them as a seat, with the day on which they start"
            )
        members, leaving = list[Member](), list[Member]()
        for member_id, member in known.items():
            change = changes.get(member_id)
            after = member if change is None else _with(member, change)
            is_away = after.end is not None and after.end < first_day
            (leaving if is_away else members).append(after)
        for seat in scenario.seats:
            members.append(
                Member(
                    seat.name,
                    seat.name,
                    seat.team or self._rules.company,
                    seat.start_date,
                    seat.end_date,
                    seat.holidays,
                    Fraction(seat.share),
                    sells_today=False,
                    is_seat=True,
                )
            )
        if not members:
            raise UnplannableYear(
                f"nobody sells in FY{self._fiscal_year}: nobody has a target today who stays; name seats in plan/{name}.toml"
            )
        return members, leaving

    def _holders(self) -> dict[str, str]:
        """Return the owner of each client's newest deal."""
        deals = self._snapshot[["account_id", "owner_id", "created_at"]].dropna(
            subset=["account_id"]
        )
        newest = deals.sort_values("created_at", kind="stable").drop_duplicates(
            "account_id", keep="last"
        )
        return dict(zip(newest["account_id"].tolist(), newest["owner_id"].tolist(), strict=True))

    def _work(self, its_capacity: Capacity, months: Sequence[int]) -> list[WorkMonth]:
        """Return the work of the year: what is won, what is expected until it begins, and its targets."""
        inputs = self._inputs
        days = (
            days_per_amount(self._snapshot, inputs.month, inputs.rules)
            if has_effort(self._snapshot)
            else None
        )
        if days is None:
            return []
        until = range(inputs.month.index + 1, self._year.first.index)
        rate = its_capacity.rates
        a_month = rate.all_of_them * float(rate.size.mean())
        before = [
            (
                Month.from_index(index),
                a_month * float(rate.season[(index - inputs.month.index - 1) % 12 + 1]),
            )
            for index in until
        ]
        booked = [*before, *zip(self._year.months, map(float, months), strict=True)]
        won = work_of(self._snapshot, None, inputs.rules.calendar)
        return work_needed(won, booked, days, self._year, self._rules)

    def _lately(self) -> dict[str, int]:
        """Return what each person booked in the last twelve months."""
        known = self._known
        bookings = known.bookings
        here = (bookings.month > known.month - 12) & (bookings.month <= known.month)
        owners = known.owner_ids.to_pylist()
        total = columns.total_by(
            bookings.owner[here], bookings.amount[here].astype(np.float64), len(owners)
        )
        return {
            owner: round(float(amount))
            for owner, amount in zip(owners, total, strict=True)
            if amount > 0
        }


def _with(member: Member, change: PersonPlan) -> Member:
    return replace(
        member,
        start=change.start_date or member.start,
        end=change.end_date or member.end,
        share=Fraction(change.share),
    )


def _without_stated_months(rules: MonthRules) -> MonthRules:
    """Return rules that lay a target evenly where policy takes the months that are stated: of a proposal none are."""
    if rules.policy.phasing.method != "stated":
        return rules
    phasing = rules.policy.phasing.model_copy(update={"method": "even"})
    return replace(rules, policy=rules.policy.model_copy(update={"phasing": phasing}))
