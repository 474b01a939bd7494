"""What forecasts of a month are made from: its point-in-time data, the fate of its open deals, stated plans, seasons.

Put the lookup of a forecast's inputs here; what every table is computed from is `month_inputs`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from connectors.policy.plan_files import read_plan_book
from publication.month_inputs import MonthInputs
from publication.target_book import spelling_of
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.history import MonthlyBookings
from sales.forecast.submitted_calls import submitted_calls
from sales.statistics.close_dates import CloseDateScore, close_date_score
from sales.statistics.deal_outcomes import ForecastBasis, forecast_basis
from sales.statistics.point_in_time import Knowledge, PointInTimeData
from sales.targets import phased_targets as targets
from sales.targets.phased_targets import NoTargets
from sales.targets.rephasing import Plan
from sales.targets.seasonality import Season
from sales.targets.stated_plans import PlanBook, StatedCall


@dataclass(frozen=True)
class ForecastSources:
    """Inputs of the forecasts of one month; what takes long is worked out when it is first asked for."""

    inputs: MonthInputs

    @cached_property
    def point_in_time(self) -> PointInTimeData:
        """The open deals of every month end up to the month's."""
        return PointInTimeData(self.inputs.history, self.inputs.month, self.inputs.rules)

    @cached_property
    def known(self) -> Knowledge:
        """What is known at the month's end."""
        return self.point_in_time.known_at(self.inputs.month.index)

    @cached_property
    def forecast_basis(self) -> ForecastBasis:
        """What is known at the month's end, and what becomes of its open deals, learned anew."""
        return forecast_basis(self.known)

    def close_date_score(self) -> CloseDateScore:
        """Return how near our dates of confirmation came in the past, beside the CRM's."""
        return close_date_score(self.point_in_time, self.inputs.month.index)

    @cached_property
    def plan_book(self) -> PlanBook:
        """What the policy folder states beside the annual targets."""
        one, rules = self.inputs.extract, self.inputs.rules
        return read_plan_book(
            self.inputs.workspace.policy_folder,
            one.users,
            one.accounts,
            rules.digits,
            spelling_of(rules),
            self.inputs.workspace.newest_accounts,
        )

    def calls(self) -> list[StatedCall]:
        """Return what people submitted in Salesforce, and what calls.csv states: of one day, that leads."""
        one, rules = self.inputs.extract, self.inputs.rules
        currency = columns.arrow(one.organization["currency_code"])[0].as_py()
        submitted = submitted_calls(one.submitted_forecasts, one.users, one.roles, currency, rules)
        return [*submitted, *self.plan_book.calls]

    def seasons(self, origin: Month | None = None) -> dict[int, Season]:
        """Return the season of this fiscal year and the next where it is phased by season: as it was known before the year began.

        With an `origin` the years are those of that earlier month end, as the run of the month
        knows it.
        """
        inputs = self.inputs
        at = origin or inputs.month
        found: dict[int, Season] = {}
        this_year = inputs.rules.calendar.fiscal_year(at)
        for year in (this_year, this_year + 1):
            rules = inputs.policies.for_fiscal_year(year, inputs.organization)
            if rules.policy.phasing.method == "seasonal":
                found[year] = self.point_in_time.season_of(rules.calendar.year(year), at)
        return found

    def plans(self) -> list[Plan]:
        """Return the plan of each annual target in force."""
        inputs, seasons = self.inputs, self.seasons()
        return [
            targets.plan(
                each,
                inputs.policies.for_fiscal_year(each.fiscal_year, inputs.organization),
                self.plan_book,
                seasons.get(each.fiscal_year),
            )
            for each in inputs.targets_in_force()[inputs.month]
        ]

    def targets_at(self, origin: Month) -> pd.DataFrame | None:
        """Return the phased targets as in force at an earlier month end, none where nobody had one."""
        inputs = self.inputs
        try:
            return targets.phased_targets(
                {origin: inputs.targets_in_force_at(origin)},
                empty(MonthlyBookings),
                inputs.people,
                origin,
                inputs.policies,
                inputs.organization,
                inputs.extracted_at,
                self.plan_book,
                self.seasons(origin),
            )
        except NoTargets:
            return None
