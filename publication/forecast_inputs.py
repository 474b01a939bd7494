"""What forecasts of a month are made from: its panel, what is foreseen, the plan book, and targets as they once were.

Put the lookup of a forecast's inputs here; `books` has what every month is computed from.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pandas as pd

from connectors.policy.plan_files import read_plan_book
from sales.calendar import Month
from sales.contracts.published import MonthlyBookings, empty
from sales.statistics import close_dates as confirmation
from sales.statistics.close_dates import ConfirmationScore
from sales.statistics.deal_outcomes import Foresight, foresight
from sales.statistics.point_in_time import Panel
from sales.targets import phased_targets as targets
from sales.targets.phased_targets import NoTargets, Plan
from sales.targets.seasonality import Season
from sales.targets.stated_plans import PlanBook

if TYPE_CHECKING:
    from publication.month_inputs import Books


@dataclass
class Forecasts:
    """Forecast inputs of the months that a process computes; the last month's stay in memory."""

    books: Books
    _panels: dict[tuple[Month, str], Panel] = field(default_factory=dict)
    _foresights: dict[tuple[Month, str], Foresight] = field(default_factory=dict)
    _plan_books: dict[tuple[Month, str], PlanBook] = field(default_factory=dict)

    def panel(self, month: Month) -> Panel:
        """Return the open deals of every month end up to a month's."""
        key = self._key(month)
        if key not in self._panels:
            self._panels = {key: Panel(self.books.history(month), month, self.books.rules(month))}
        return self._panels[key]

    def foresight(self, month: Month) -> Foresight:
        """Return what is known at a month's end, and what becomes of its open deals."""
        key = self._key(month)
        if key not in self._foresights:
            self._foresights = {key: foresight(self.panel(month).known_at(month.index))}
        return self._foresights[key]

    def confirmation_score(self, month: Month) -> ConfirmationScore:
        """Return how near our dates of confirmation came in the past, beside the CRM's."""
        return confirmation.confirmation_score(self.panel(month), month.index)

    def plan_book(self, month: Month) -> PlanBook:
        """Return what the policy folder states beside the annual targets."""
        key = self._key(month)
        if key not in self._plan_books:
            extract = self.books.extract(self.books.record(month))
            self._plan_books[key] = read_plan_book(
                self.books.policy_folder,
                extract.users,
                extract.accounts,
                self.books.rules(month).digits,
            )
        return self._plan_books[key]

    def seasons(self, month: Month, origin: Month | None = None) -> dict[int, Season]:
        """Return the season of this fiscal year and the next where it is phased by season: as it was known before the year began.

        With an `origin` the years are those of that earlier month end, as the run of `month` knows
        it.
        """
        organization, at = self.books.organization(month), origin or month
        found: dict[int, Season] = {}
        this_year = self.books.rules(month).calendar.fiscal_year(at)
        for year in (this_year, this_year + 1):
            rules = self.books.policies.for_fiscal_year(year, organization)
            if rules.policy.phasing.method == "seasonal":
                found[year] = self.panel(month).season_of(rules.calendar.year(year), at)
        return found

    def plans(self, month: Month) -> list[Plan]:
        """Return the plan of each annual target in force."""
        books, seasons = self.books, self.seasons(month)
        organization = books.organization(month)
        return [
            targets.plan(
                each,
                books.policies.for_fiscal_year(each.fiscal_year, organization),
                self.plan_book(month),
                seasons.get(each.fiscal_year),
            )
            for each in books.targets_in_force(month)[month]
        ]

    def targets_at(self, origin: Month, month: Month) -> pd.DataFrame | None:
        """Return the phased targets as in force at an earlier month end, none where nobody had one; for a run of `month`."""
        books = self.books
        in_force = books.in_force_at(origin, month)
        try:
            return targets.phased_targets(
                {origin: in_force},
                empty(MonthlyBookings),
                books.people(month),
                origin,
                books.policies,
                books.organization(month),
                books.record(month).extracted_at,
                self.plan_book(month),
                self.seasons(month, origin),
            )
        except NoTargets:
            return None

    def _key(self, month: Month) -> tuple[Month, str]:
        return month, self.books.record(month).extract_id
