"""Plans of a year to come, one for each scenario, from what is known at a closed month end.

Put here what a plan is made from: who sells, what the policy folder states, which past counts. What
it proposes is `sales.planning`; the files that come of it are `year_plan_files`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal

import numpy as np
from pandera.typing import DataFrame

from connectors.policy.plan_scenarios import changes_by_person, read_scenarios
from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs
from publication.plan_members import PlanMembers, UnplannableYear, refuse_begun
from sales import arrow as columns
from sales.contracts.history import OpportunitySnapshot
from sales.forecast.client_agreements import agreed_months, known_agreements
from sales.forecast.generation import creation
from sales.forecast.work import has_effort, work_of
from sales.forecast.work_capacity import capacity_of
from sales.history import snapshot
from sales.planning.capacity import Capacity, capacity
from sales.planning.needs import (
    WorkMonth,
    creation_by_month,
    days_per_amount,
    quarters_needed,
    sources_needed,
    work_needed,
)
from sales.planning.scenario import AS_EXPECTED, AS_NUMBERED, PlanScenario
from sales.planning.scenario_plan import ScenarioPlan, YearPlans
from sales.planning.year_plan import ImpossiblePlan, planned_by_member, year_plan
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains
from sales.statistics.deal_outcomes import has_history
from sales.statistics.period_distribution import ForecastInputs, forecast_inputs
from sales.targets.annual_targets import InvalidTarget
from sales.targets.seasonality import Season

YEAR = re.compile(r"(?:FY)?([12][0-9]{3})", re.IGNORECASE)


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
        refuse_begun(inputs.month, fiscal_year, self._rules)
        self._forecast = ForecastSources(inputs)
        self._known = self._forecast.known
        if not has_history(self._known):
            raise UnplannableYear(
                f"at the end of {inputs.month} there are too few decided deals, or closed months with won ones, to plan from: a plan goes on at the rate of six months at least"
            )
        self._season = self._season_of_year()
        self._how = creation(self._known)
        self._people = PlanMembers(
            inputs, self._rules, fiscal_year, self._year, self._known, self._forecast.plan_book
        )
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
            self._people.lately,
            self._people.today[2],
        )

    def _season_of_year(self) -> Season | None:
        if self._rules.policy.phasing.method != "seasonal":
            return None
        return self._forecast.point_in_time.season_of(self._year, self._inputs.month)

    def _forecast_of_company(self) -> tuple[ForecastInputs | None, Grain]:
        """Return what the company's required coverage rests on, and the company as a grain of those who sell today."""
        stay, leave, _ = self._people.today
        everybody = [*stay, *leave]
        grains = Grains(
            columns.text([each.member_id for each in everybody]),
            columns.text([each.team for each in everybody]),
            self._rules.company,
        )
        sells = np.ones(len(everybody), np.bool_)
        *_, company = grains
        return forecast_inputs(self._forecast.forecast_basis, grains, sells), company

    def _planned(self, name: str, scenario: PlanScenario) -> ScenarioPlan:
        try:
            return self._plan_of(name, scenario)
        except (ImpossiblePlan, InvalidTarget) as fault:
            raise UnplannableYear(f"scenario {name!r}: {fault}") from None

    def _plan_of(self, name: str, scenario: PlanScenario) -> ScenarioPlan:
        changes = changes_by_person(scenario, name, self._inputs.extract.users)
        members, leaving = self._people.changed(name, scenario, changes)
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
            sources_needed(self._how, self._known, self._year, months, self._rules),
            creation_by_month(self._how, self._year, months),
            quarters_needed(self._ahead, self._company, self._rules.calendar, self._year, months),
            self._work(its_capacity, months),
        )

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
        booked = [*its_capacity.before, *zip(self._year.months, map(float, months), strict=True)]
        won = work_of(self._snapshot, None, inputs.rules.calendar)
        plans, calendar = self._forecast.plan_book, inputs.rules.calendar
        known = known_agreements(plans.agreements, inputs.month, inputs.rules)
        agreed = agreed_months(known, self._year.first, len(self._year.months), calendar)
        capacity = capacity_of(plans, inputs.month, self._rules)
        return work_needed(won, booked, days, self._year, self._rules, agreed, capacity)


def _without_stated_months(rules: MonthRules) -> MonthRules:
    """Return rules that lay a target evenly where policy takes the months that are stated: of a proposal none are."""
    if rules.policy.phasing.method != "stated":
        return rules
    phasing = rules.policy.phasing.model_copy(update={"method": "even"})
    return replace(rules, policy=rules.policy.model_copy(update={"phasing": phasing}))
