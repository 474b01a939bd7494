"""What a month is computed from: its rules, its extract, its people, its target book, our copies of earlier month ends.

Made once for a run and passed; it never changes while the run lasts, whatever others do.
`extract_selection` decides which extract it is; what a forecast needs besides is `forecast_sources`.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property

import pandas as pd

from connectors.storage.extract_record import ExtractRecord
from publication.extract_selection import selected
from publication.month_end_copies import copies_up_to
from publication.target_book import SALESFORCE, target_book_of
from publication.workspace import Workspace
from sales.calendar import Month
from sales.delivery.directory import directory
from sales.delivery.recipients import DirectoryEntry
from sales.history.extract import Extract, People, people
from sales.history.rates import Rates
from sales.history.reconstruction import PipelineHistory
from sales.history.snapshot import KnownMonth, has_records
from sales.policy.rules import MonthRules, OrganizationDefaults, PolicyBook
from sales.targets import quotas
from sales.targets.annual_targets import AnnualTarget, ComingTarget, coming, in_force
from sales.targets.quotas import ManagerQuota


@dataclass(frozen=True)
class MonthInputs:
    """The inputs of one month.

    `record` names the extract, `copies` our own copies of month ends up to this one, by month.
    Raw tables are read when they are first asked for.
    """

    month: Month
    rules: MonthRules
    record: ExtractRecord
    organization: OrganizationDefaults
    policies: PolicyBook
    copies: Mapping[Month, ExtractRecord]
    workspace: Workspace

    @property
    def extracted_at(self) -> datetime:
        """When the extract was read."""
        return self.record.extracted_at

    @property
    def is_copy(self) -> bool:
        """Whether the extract is our own copy of this month end."""
        copy = self.copies.get(self.month)
        return copy is not None and copy.extract_id == self.record.extract_id

    @property
    def extract(self) -> Extract:
        """The raw tables."""
        return self.workspace.loaded.extract(self.record)

    @property
    def history(self) -> PipelineHistory:
        """The sorted history of the extract."""
        return self.workspace.loaded.history(self.record, self.rules)

    def history_at(self, earlier: Month) -> PipelineHistory:
        """Return what a run of this month knows of an earlier month end: our own copy of it where there is one."""
        record = self.copies.get(earlier, self.record)
        return self.workspace.loaded.history(record, self.rules_of(earlier))

    def rules_of(self, month: Month) -> MonthRules:
        """Return the rules of another month, as this extract's organisation has it."""
        return self.policies.for_month(month, self.organization)

    @cached_property
    def people(self) -> People:
        """Everybody with the team they are in by the month's rules."""
        return people(self.extract, self.rules.policy.pipeline.team_by)

    @cached_property
    def directory(self) -> list[DirectoryEntry]:
        """Every active user."""
        return directory(self.extract, self.rules)

    @cached_property
    def target_book(self) -> pd.DataFrame:
        """The annual targets as stated, with owners found among the users."""
        one, folder = self.extract, self.workspace.policy_folder
        return target_book_of(self.rules, folder, one.users, one.roles, one.quotas)

    @cached_property
    def manager_quotas(self) -> list[ManagerQuota]:
        """Managers' quotas of the month's year beside those of their teams, where quotas are the targets."""
        if self.rules.policy.targets.source != SALESFORCE:
            return []
        year, one = self.rules.calendar.fiscal_year(self.month), self.extract
        found = quotas.manager_quotas(one.quotas, one.users, one.roles, self.rules)
        return [each for each in found if each.fiscal_year == year]

    def year_to_date(self) -> Iterator[KnownMonth]:
        """Yield the month ends of the fiscal year so far at which there were records, each with its rules and history."""
        months = self.rules.calendar.year_of(self.month).months
        for each in (each for each in months if each <= self.month):
            rules = self.rules_of(each)
            history = self.history if each == self.month else self.history_at(each)
            if has_records(history, each, rules):
                yield each, rules, history

    def targets_in_force(self) -> dict[Month, list[AnnualTarget]]:
        """Return the targets in force at each month end of the fiscal year so far."""
        return {
            each: self._in_force(each, rules, history.extract)
            for each, rules, history in self.year_to_date()
        }

    def targets_in_force_at(self, origin: Month) -> list[AnnualTarget]:
        """Return the targets in force at any earlier month end, as the run of this month knows them."""
        return self._in_force(origin, self.rules_of(origin), self.extract)

    def _in_force(self, each: Month, rules: MonthRules, known: Extract) -> list[AnnualTarget]:
        # Salesforce keeps no history of quotas: our own copies are all there is of their past.
        is_quota = rules.policy.targets.source == SALESFORCE
        book = (
            quotas.quota_book(known.quotas, known.users, known.roles, rules)
            if is_quota
            else self.target_book
        )
        return in_force(book, self.plan_rates, each, self.policies, self.organization)

    def plan_rates(self, year: int) -> Rates:
        """Return the rates of a fiscal year's plan: those of its policy, else those that held on its first day.

        The rates of that day are looked up in the first of our own copies that knew them, so that
        a later change of rates moves no target; without a copy in the extract used.
        """
        rules = self.policies.for_fiscal_year(year, self.organization)
        eve = rules.calendar.year(year).first.plus(-1)
        copy = min((month for month in self.copies if month >= eve), default=None)
        record = self.record if copy is None else self.copies[copy]
        known = self.workspace.loaded.extract(record)
        corporate = known.defaults.currency if len(known.currency_rates) else self.rules.currency
        return Rates(known.currency_rates, corporate, rules.policy.fiscal.rates)

    @cached_property
    def coming_targets(self) -> list[ComingTarget]:
        """Who has a target of this year, or of the next one at its eve, that takes effect only later."""
        return coming(self.target_book, self.month, self.policies, self.organization)


def resolve(workspace: Workspace, month: Month, record: ExtractRecord | None = None) -> MonthInputs:
    """Return the inputs of a month from an extract, else from the one that was selected for it."""
    used = record or selected(workspace, month)
    organization = workspace.loaded.defaults(used)
    return MonthInputs(
        month,
        workspace.policies.for_month(month, organization),
        used,
        organization,
        workspace.policies,
        copies_up_to(workspace, month),
        workspace,
    )
