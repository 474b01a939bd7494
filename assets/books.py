"""What a month is computed from: its rules, its pinned extract, its target book.

Put the lookup of inputs here, so that asset bodies stay short. Built by
`orchestration.resources`; tests build it with fakes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Protocol
from uuid import uuid4

import pandas as pd

from connectors.policy_folder import read_policies
from connectors.salesforce import Pull
from connectors.salesforce_wire import Progress
from connectors.storage import AnotherOrganization, ExtractRecord, ExtractStore, NotComputed, TableStore, as_extract
from connectors.target_book import read_target_book
from reports.press import logo_of
from sales import targets
from sales.calendar import Month
from sales.extract import EMBEDDED, Extract, People, people
from sales.fault import Fault
from sales.history import PipelineHistory
from sales.policy import InvalidPolicy, MonthRules, OrganizationDefaults, PolicyBook, SalesPolicy
from sales.snapshot import has_records, month_end_state
from sales.targets import AnnualTarget, NoTargets

EARLIEST_MONTH = Month(2000, 1)  # as `partitions.months`
# A UI backfill starts a process a month: pulls this young serve all of them.
SHARED_PULL_HOURS = 6.0


class MonthNotClosed(Fault, ValueError):
    """A month has not ended in the reporting time zone."""


class Reader(Protocol):
    """Whatever reads an organisation whole."""

    def pull(self, progress: Progress) -> Pull:
        """Return all raw tables that Salesforce holds."""
        ...

    def organization(self) -> OrganizationDefaults:
        """Return what the organisation says of itself."""
        ...


@dataclass
class Books:
    """Everything that a run reads; one for each process."""

    home: Path
    policy_folder: Path
    connect: Callable[[], Reader]
    source: str
    now: Callable[[], datetime] = lambda: datetime.now(UTC)
    _loaded: dict[str, Extract] = field(default_factory=dict)
    _chosen: dict[Month, ExtractRecord] = field(default_factory=dict)
    _target_books: dict[Month, pd.DataFrame] = field(default_factory=dict)
    _histories: dict[tuple[str, str], PipelineHistory] = field(default_factory=dict)

    @cached_property
    def tables(self) -> TableStore:
        """The monthly tables."""
        return TableStore(self.home)

    @cached_property
    def extracts(self) -> ExtractStore:
        """Extracts and pins."""
        return ExtractStore(self.home, self.tables)

    @cached_property
    def policies(self) -> PolicyBook:
        """The policy files, read once a process."""
        return read_policies(self.policy_folder)

    def freeze(
        self, month: Month, progress: Progress, *, fresh: bool = False, shared_age: timedelta = timedelta(hours=SHARED_PULL_HOURS)
    ) -> ExtractRecord:
        """Return the extract that the month is computed from; publishing the month freezes it.

        A frozen extract is kept unless a fresh one is asked for; else a pull younger than
        `shared_age` that lies after the month's end serves, else Salesforce is read.
        Nothing is stored before the month, the policies and the target book were found good.
        """
        self.refuse_clearly_open(month)
        _ = self.policies  # a broken policy is said before Salesforce is asked
        pinned = self.extracts.pinned(month)
        if pinned is not None:
            self._refuse_demo_data(pinned)
        if pinned is not None and not fresh:
            record = pinned
            self.refuse_unusable(month, self.extract(record))
        elif (latest := self.extracts.latest()) is not None and self._serves(latest, month, shared_age):
            record = latest
            self.refuse_unusable(month, self.extract(record))
        else:
            record = self._pull(month, progress)
        self.extracts.choose(month, record)
        self._chosen[month] = record
        return record

    @property
    def time_zone(self) -> str:
        """The reporting time zone: of the newest policy that names one, else the organisation's, else UTC."""
        latest = self.extracts.latest()
        return self.policies.time_zone or (latest.time_zone if latest else "UTC")

    def policy_of(self, month: Month) -> SalesPolicy:
        """Return the policy of a month before its extract is chosen: by what the newest extract says of the year."""
        latest = self.extracts.latest()
        organization = OrganizationDefaults("", "", self.time_zone, 1, named_by_end=False, currency="USD")
        return self.policies.for_month(month, self.extract(latest).defaults if latest else organization).policy

    def record(self, month: Month) -> ExtractRecord:
        """Return the extract that this run of a month reads; it does not change while the run lasts."""
        if month not in self._chosen:
            chosen = self.extracts.chosen(month) or self.extracts.pinned(month)
            if chosen is None:
                raise NotComputed(f"no extract was chosen for {month}; run `onpace report {month}`")
            self._chosen[month] = chosen
        return self._chosen[month]

    def extract(self, record: ExtractRecord) -> Extract:
        """Return an extract's raw tables; the last one read stays in memory."""
        if record.extract_id not in self._loaded:
            frames = self.extracts.frames(record)
            self._loaded = {record.extract_id: as_extract(frames, record.extract_id, record.extracted_at)}
        return self._loaded[record.extract_id]

    def organization(self, month: Month) -> OrganizationDefaults:
        """Return what the organisation says of itself in the month's extract."""
        return self.extract(self.record(month)).defaults

    def rules(self, month: Month) -> MonthRules:
        """Return the rules of a month."""
        return self.policies.for_month(month, self.organization(month))

    def history(self, month: Month) -> PipelineHistory:
        """Return the sorted history of the month's extract; months of one pull share it."""
        return self._history_of(self.extract(self.record(month)), self.rules(month))

    def people(self, month: Month) -> People:
        """Return everybody with the team they are in by the month's rules."""
        return people(self.extract(self.record(month)), self.rules(month).policy.pipeline.team_by)

    def target_book(self, month: Month) -> pd.DataFrame:
        """Read the target book of the month's rules against the users of its extract."""
        if month not in self._target_books:
            self._target_books[month] = self._target_book(self.rules(month), self.extract(self.record(month)))
        return self._target_books[month]

    def year_to_date(self, month: Month) -> list[tuple[Month, MonthRules]]:
        """Return the month ends of the fiscal year so far at which there were records, each with its rules."""
        history, organization = self.history(month), self.organization(month)
        ends = [each for each in self.rules(month).calendar.year_of(month).months if each <= month]
        ruled = [(each, self.policies.for_month(each, organization)) for each in ends]
        return [(each, rules) for each, rules in ruled if has_records(history, each, rules)]

    def targets_in_force(self, month: Month) -> dict[Month, list[AnnualTarget]]:
        """Return the targets in force at each month end of the fiscal year so far."""
        book, organization = self.target_book(month), self.organization(month)
        rates = targets.static_rates(self.extract(self.record(month)).currency_rates)
        return {each: targets.in_force(book, rates, each, self.policies, organization) for each, _ in self.year_to_date(month)}

    def bundle(self, frames: dict[str, pd.DataFrame]) -> Extract:
        """Return raw tables that are not stored as the bundle that the core reads."""
        return as_extract(frames, f"unstored-{uuid4()}", self.now())

    def _pull(self, month: Month, progress: Progress) -> ExtractRecord:
        extracted_at = self.now()
        pull = self.connect().pull(progress)
        self.refuse_unusable(month, self.bundle(pull.tables))
        findings = [(finding.place, finding.meaning) for finding in pull.findings]
        return self.extracts.save(pull.tables, extracted_at, self.source, findings)

    def _refuse_demo_data(self, record: ExtractRecord) -> None:
        """Refuse to answer for a real organisation from the demo's extract, or the other way round."""
        if (record.source == EMBEDDED) != (self.source == EMBEDDED):
            raise AnotherOrganization(
                f"{self.home} holds numbers from {record.source}, and the settings name {self.source}; set ONPACE_HOME to another folder"
            )

    def _serves(self, record: ExtractRecord, month: Month, shared_age: timedelta) -> bool:
        rules = self.policies.for_month(month, self.extract(record).defaults)
        is_after = record.extracted_at >= rules.calendar.as_of(month)
        return is_after and record.source == self.source and self.now() - record.extracted_at < shared_age

    def refuse_unusable(self, month: Month, extract: Extract) -> None:
        """Raise the `Fault` that would stop a month's report: not closed, no deals, no targets, a bad target book or logo."""
        policies = self.policies
        rules = policies.for_month(month, extract.defaults)
        as_of = rules.calendar.as_of(month)
        if self.now() < as_of:
            raise MonthNotClosed(f"{month} is not closed: it ends on {as_of:%Y-%m-%d %H:%M} UTC; ask for an earlier month")
        book = self._target_book(rules, extract)
        logo_of(self.policy_folder, rules)
        month_end_state(self._history_of(extract, rules), month, rules)
        year = rules.calendar.fiscal_year(month)
        in_force = targets.in_force(book, targets.static_rates(extract.currency_rates), month, policies, extract.defaults)
        if not any(target.fiscal_year == year for target in in_force):
            raise NoTargets(targets.nobody_has_a_target(month, rules))

    def _history_of(self, extract: Extract, rules: MonthRules) -> PipelineHistory:
        key = (extract.extract_id, rules.currency)
        if key not in self._histories:
            self._histories = {key: PipelineHistory(extract, rules.currency, rules.digits)}
        return self._histories[key]

    def _target_book(self, rules: MonthRules, extract: Extract) -> pd.DataFrame:
        source = rules.policy.targets.source
        if source == "salesforce":
            raise NoTargets('[targets] source = "salesforce" is not supported yet; write the targets to targets.csv')
        path = (self.policy_folder / source).resolve()
        if not path.is_relative_to(self.policy_folder.resolve()):
            raise InvalidPolicy(f"[targets] source = {source[:60]!r} lies outside the policy folder; put the file into it")
        return read_target_book(path, extract.users)

    def refuse_clearly_open(self, month: Month) -> None:
        """Refuse before anything is read: no zone is more than 14 hours ahead of UTC."""
        following = month.plus(1)
        earliest = datetime(following.year, following.number, 1, tzinfo=UTC) - timedelta(hours=14)
        if self.now() < earliest:
            raise MonthNotClosed(f"{month} is not closed; the latest closed month is {Month.of(self.now().date()).plus(-1)}")
        if month < EARLIEST_MONTH:
            raise MonthNotClosed(f"{month} is before {EARLIEST_MONTH}, where months begin here; ask for a later month")
