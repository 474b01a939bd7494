"""What a month is computed from: its rules, its pinned extract, its target book.

Put the lookup of inputs here, so that asset bodies stay short. Built by
`orchestration.resources`; tests build it with fakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import pandas as pd

from assets.forecasts import Forecasts
from connectors.extracts import AnotherOrganization, ExtractRecord, ExtractStore, as_extract
from connectors.plan_files import read_plan_book
from connectors.policy_csv import Owners
from connectors.policy_folder import read_policies, read_recipients
from connectors.publications import Ledger
from connectors.salesforce import Outlook
from connectors.salesforce_wire import Progress
from connectors.storage import NotComputed, TableStore
from connectors.target_book import read_target_book
from reports.brand import looks_of
from reports.month_end import Readers
from sales import quotas, targets
from sales.calendar import Month
from sales.colleagues import colleagues
from sales.credit import split_type
from sales.extract import EMBEDDED, Extract, People, people
from sales.fault import Fault
from sales.history import PipelineHistory
from sales.policy import CustomFields, InvalidPolicy, MonthRules, OrganizationDefaults, PersonBrand, PolicyBook, SalesPolicy
from sales.quotas import ManagerQuota
from sales.recipients import Colleague, RecipientBook, editions
from sales.snapshot import KnownMonth, has_records, month_end_state, refuse_before_first
from sales.targets import AnnualTarget, NoTargets

SALESFORCE = "salesforce"
EARLIEST_MONTH = Month(2000, 1)  # as `partitions.months`
# A UI backfill starts a process a month: pulls this young serve all of them.
SHARED_PULL_HOURS = 6.0
# An extract read so soon after a month end is our own copy of it.
COPY_WITHIN = timedelta(days=10)


class MonthNotClosed(Fault, ValueError):
    """A month has not ended in the reporting time zone."""


class ExtractTooOld(Fault, LookupError):
    """The extract of a month lacks what the policy asks for by now."""


class Reader(Protocol):
    """Whatever reads an organisation."""

    def pull(
        self,
        store: ExtractStore,
        source: str,
        progress: Progress,
        *,
        approve: Callable[[Outlook], None],
        custom: CustomFields,
        accepts_vanished: bool,
    ) -> ExtractRecord:
        """Store what Salesforce holds now as a new extract, unless `approve` raises."""
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
    _read_at: dict[str, datetime] = field(default_factory=dict)
    _chosen: dict[Month, ExtractRecord] = field(default_factory=dict)
    _target_books: dict[Month, pd.DataFrame] = field(default_factory=dict)
    _histories: dict[tuple[object, ...], PipelineHistory] = field(default_factory=dict)

    @cached_property
    def tables(self) -> TableStore:
        """The monthly tables."""
        return TableStore(self.home)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of published documents."""
        return Ledger(self.home)

    @cached_property
    def extracts(self) -> ExtractStore:
        """Extracts and pins."""
        return ExtractStore(self.home, self.tables)

    @cached_property
    def policies(self) -> PolicyBook:
        """The policy files, read once a process."""
        return read_policies(self.policy_folder)

    def freeze(
        self,
        month: Month,
        progress: Progress,
        *,
        fresh: bool = False,
        shared_age: timedelta = timedelta(hours=SHARED_PULL_HOURS),
        reconstruct: bool = False,
        accepts_vanished: bool = False,
    ) -> ExtractRecord:
        """Return the extract that the month is computed from; publishing the month freezes it.

        A frozen extract is kept unless a fresh one is asked for; else our own copy of the month
        end stands (unless `reconstruct`); else a pull younger than `shared_age` that lies after
        the month's end serves, else Salesforce is read. What was read stays stored also where
        the month cannot be computed from it: the next run need not ask again.
        """
        self.refuse_clearly_open(month)
        _ = self.policies.custom_fields  # a broken policy is said before Salesforce is asked
        pinned = self.extracts.pinned(month)
        if pinned is not None:
            self._refuse_demo_data(pinned)
        copy = None if reconstruct else self.copy_of(month)
        if pinned is not None and not fresh:
            record = pinned
            self.refuse_unusable(month, self.extract(record))
        elif copy is not None and (fresh or copy.extract_id != getattr(pinned, "extract_id", "")):
            record = copy
            progress(f"{month} is computed from our own copy of that month end, read on {record.extracted_at:%Y-%m-%d %H:%M} UTC")
            self.refuse_unusable(month, self.extract(record))
        elif (latest := self.extracts.latest()) is not None and self._serves(latest, month, shared_age):
            record = latest
            self.refuse_unusable(month, self.extract(record))
        else:
            record = self._pull(month, progress, accepts_vanished=accepts_vanished)
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

    def use_published(self, month: Month) -> None:
        """Read from now on the extract that a published month was computed from, whatever was chosen since."""
        pinned = self.extracts.pinned(month)
        if pinned is None:
            raise NotComputed(f"{month} is not there yet; run `onpace report {month}` first")
        self._refuse_demo_data(pinned)
        self._chosen[month] = pinned

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
        return self._history_of(self._extract_with_amounts(self.record(month), self.rules(month)), self.rules(month))

    def history_at(self, earlier: Month, month: Month) -> PipelineHistory:
        """Return what a run of a month knows of an earlier month end: our own copy of it where there is one."""
        record = self.copy_of(earlier) or self.record(month)
        rules = self.policies.for_month(earlier, self.organization(month))
        return self._history_of(self._extract_with_amounts(record, rules), rules)

    def copy_of(self, month: Month) -> ExtractRecord | None:
        """Return our own copy of a month end, none where the month ends at another instant by now or the org is another."""
        copy, latest = self.extracts.month_end(month), self.extracts.latest()
        if copy is None or latest is None or (copy.record.source == EMBEDDED) != (self.source == EMBEDDED):
            return None
        if not self.source.startswith("https://") and copy.record.pull.instance != latest.pull.instance:
            return None
        rules = self.policies.for_month(month, self.extract(latest).defaults)
        wanted = rules.policy.pipeline.amount_field
        has_amounts = not wanted or copy.record.pull.amount_field == wanted
        return copy.record if has_amounts and copy.as_of == rules.calendar.as_of(month) else None

    def is_copy(self, month: Month, of: Month | None = None) -> bool:
        """Return whether the run of a month reads its own copy of that month end, or of an earlier one."""
        copy = self.copy_of(of or month)
        return copy is not None and (of is not None or copy.extract_id == self.record(month).extract_id)

    def readers(self, month: Month) -> Readers:
        """Return how people want their own pages, and the editions that recipients ask for."""
        extract = self.extract(self.record(month))
        asked = editions(self.recipients, self.colleagues(month))
        return Readers(people=_people_brands(self.rules(month), extract.users), editions=asked)

    @property
    def recipients(self) -> RecipientBook:
        """Who gets what by the policy folder."""
        return read_recipients(self.policy_folder)

    def colleagues(self, month: Month) -> list[Colleague]:
        """Return every active user of the month's extract."""
        return colleagues(self.extract(self.record(month)), self.rules(month))

    def people(self, month: Month) -> People:
        """Return everybody with the team they are in by the month's rules."""
        return people(self.extract(self.record(month)), self.rules(month).policy.pipeline.team_by)

    @cached_property
    def forecasts(self) -> Forecasts:
        """What forecasts are made from."""
        return Forecasts(self)

    def target_book(self, month: Month) -> pd.DataFrame:
        """Read the target book of the month's rules against the users of its extract."""
        if month not in self._target_books:
            extract = self.extract(self.record(month))
            self._target_books[month] = self._target_book(self.rules(month), extract.users, extract.roles, extract.quotas)
        return self._target_books[month]

    def year_to_date(self, month: Month) -> Iterator[KnownMonth]:
        """Yield the month ends of the fiscal year so far at which there were records, each with its rules and history."""
        organization = self.organization(month)
        for each in (each for each in self.rules(month).calendar.year_of(month).months if each <= month):
            rules, history = self.policies.for_month(each, organization), self.history(month) if each == month else self.history_at(each, month)
            if has_records(history, each, rules):
                yield each, rules, history

    def targets_in_force(self, month: Month) -> dict[Month, list[AnnualTarget]]:
        """Return the targets in force at each month end of the fiscal year so far."""
        return {each: self._in_force(each, month, rules, history.extract) for each, rules, history in self.year_to_date(month)}

    def in_force_at(self, origin: Month, month: Month) -> list[AnnualTarget]:
        """Return the targets in force at any earlier month end, as the run of a month knows them."""
        rules = self.policies.for_month(origin, self.organization(month))
        return self._in_force(origin, month, rules, self.extract(self.record(month)))

    def _in_force(self, each: Month, month: Month, rules: MonthRules, known: Extract) -> list[AnnualTarget]:
        # Salesforce keeps no history of quotas: our own copies are all there is of their past.
        is_quota = rules.policy.targets.source == SALESFORCE
        book = quotas.quota_book(known.quotas, known.users, known.roles, rules) if is_quota else self.target_book(month)
        return targets.in_force(book, targets.static_rates(known.currency_rates), each, self.policies, self.organization(month))

    def manager_quotas(self, month: Month) -> list[ManagerQuota]:
        """Return managers' quotas of the month's year beside those of their teams, where quotas are the targets."""
        rules = self.rules(month)
        if rules.policy.targets.source != SALESFORCE:
            return []
        year = rules.calendar.fiscal_year(month)
        extract = self.extract(self.record(month))
        found = quotas.manager_quotas(extract.quotas, extract.users, extract.roles, rules)
        return [each for each in found if each.fiscal_year == year]

    def _pull(self, month: Month, progress: Progress, *, accepts_vanished: bool) -> ExtractRecord:
        custom = self.policies.custom_fields
        record = self.connect().pull(
            self.extracts, self.source, progress, approve=partial(self._approve, month), custom=custom, accepts_vanished=accepts_vanished
        )
        self._read_at[record.extract_id] = self.now()
        self._keep_month_end(record)
        self.refuse_unusable(month, self.extract(record))
        return record

    def _approve(self, month: Month, outlook: Outlook) -> None:
        """Raise the `Fault` that would stop a month's report, before its extract is read."""
        rules = self.policies.for_month(month, outlook.defaults)
        as_of = rules.calendar.as_of(month)
        self._refuse_open(month, as_of)
        if outlook.reaches_to < as_of:
            raise MonthNotClosed(
                f"{month} ends on {as_of:%Y-%m-%d %H:%M} UTC, and Salesforce's clock says {outlook.reaches_to:%Y-%m-%d %H:%M:%S}; "
                f"run again in a minute, or check this machine's clock"
            )
        looks_of(self.policy_folder, rules)
        _people_brands(rules, outlook.users)
        read_recipients(self.policy_folder)
        refuse_before_first(month, outlook.first_created, as_of)
        self.refuse_without_targets(month, rules, outlook.users, outlook.roles, outlook.quotas)

    def _refuse_open(self, month: Month, as_of: datetime) -> None:
        if self.now() < as_of:
            raise MonthNotClosed(f"{month} is not closed: it ends on {as_of:%Y-%m-%d %H:%M} UTC; ask for an earlier month")

    def _keep_month_end(self, record: ExtractRecord) -> None:
        """Keep an extract that was read soon after a month end as our own copy of it."""
        defaults = self.extract(record).defaults
        local = record.extracted_at.astimezone(ZoneInfo(self.policies.time_zone or record.time_zone))
        its_calendar = self.policies.for_month(Month.of(local.date()), defaults).calendar
        month = its_calendar.month_of(local.date()).plus(-1)
        as_of = self.policies.for_month(month, defaults).calendar.as_of(month)
        if timedelta(0) <= record.extracted_at - as_of <= COPY_WITHIN:
            self.extracts.keep_month_end(month, as_of, record)

    def _refuse_demo_data(self, record: ExtractRecord) -> None:
        """Refuse to answer for a real organisation from the demo's extract, or the other way round."""
        if (record.source == EMBEDDED) != (self.source == EMBEDDED):
            raise AnotherOrganization(
                f"{self.home} holds numbers from {record.source}, and the settings name {self.source}; set ONPACE_HOME to another folder"
            )

    def _serves(self, record: ExtractRecord, month: Month, shared_age: timedelta) -> bool:
        rules = self.policies.for_month(month, self.extract(record).defaults)
        is_after = record.extracted_at >= rules.calendar.as_of(month)
        custom = self.policies.custom_fields
        has_fields = (record.pull.amount_field, record.pull.service_fields) == (custom.amount, custom.service)
        # What an extract reaches up to lies a little before the moment at which it was read.
        age = self.now() - self._read_at.get(record.extract_id, record.extracted_at)
        return is_after and has_fields and record.source == self.source and age < shared_age

    def refuse_unusable(self, month: Month, extract: Extract) -> None:
        """Raise the `Fault` that would stop a month's report: not closed, no deals, no targets, a bad target book or logo."""
        policies = self.policies
        rules = policies.for_month(month, extract.defaults)
        self._refuse_open(month, rules.calendar.as_of(month))
        book = self._target_book(rules, extract.users, extract.roles, extract.quotas)
        _people_brands(rules, extract.users)
        read_recipients(self.policy_folder)
        read_plan_book(self.policy_folder, extract.users, extract.accounts, rules.digits)
        looks_of(self.policy_folder, rules)
        month_end_state(self._history_of(extract, rules), month, rules)
        split_type(extract, rules)
        year = rules.calendar.fiscal_year(month)
        in_force = targets.in_force(book, targets.static_rates(extract.currency_rates), month, policies, extract.defaults)
        if not any(target.fiscal_year == year for target in in_force):
            raise NoTargets(targets.nobody_has_a_target(month, rules))

    def refuse_without_targets(self, month: Month, rules: MonthRules, users: pd.DataFrame, roles: pd.DataFrame, quota_rows: pd.DataFrame) -> None:
        """Raise the `Fault` that a month's targets would meet, without an extract."""
        book = self._target_book(rules, users, roles, quota_rows)
        if not (book["fiscal_year"] == rules.calendar.fiscal_year(month)).any():
            raise NoTargets(targets.nobody_has_a_target(month, rules))

    def _history_of(self, extract: Extract, rules: MonthRules) -> PipelineHistory:
        pipeline = rules.policy.pipeline
        key = (extract.extract_id, rules.currency, pipeline.amount_field, pipeline.record_types)
        if key not in self._histories:
            history = PipelineHistory(
                extract, rules.currency, rules.digits, amount_field=pipeline.amount_field or "", record_types=pipeline.record_types
            )
            self._histories = {key: history}
        return self._histories[key]

    def _extract_with_amounts(self, record: ExtractRecord, rules: MonthRules) -> Extract:
        wanted = rules.policy.pipeline.amount_field
        if wanted and record.pull.amount_field != wanted:
            raise ExtractTooOld(
                f"the extract of {record.extracted_at:%Y-%m-%d} was read without {wanted}, which [pipeline] amount_field names; "
                f"run the month with --fresh-extract --reconstruct"
            )
        return self.extract(record)

    def _target_book(self, rules: MonthRules, users: pd.DataFrame, roles: pd.DataFrame, quota_rows: pd.DataFrame) -> pd.DataFrame:
        source = rules.policy.targets.source
        if source == SALESFORCE:
            return quotas.quota_book(quota_rows, users, roles, rules)
        path = (self.policy_folder / source).resolve()
        if not path.is_relative_to(self.policy_folder.resolve()):
            raise InvalidPolicy(f"[targets] source = {source[:60]!r} lies outside the policy folder; put the file into it")
        return read_target_book(path, users)

    def refuse_clearly_open(self, month: Month) -> None:
        """Refuse before anything is read: no zone is more than 14 hours ahead of UTC."""
        following = month.plus(1)
        earliest = datetime(following.year, following.number, 1, tzinfo=UTC) - timedelta(hours=14)
        if self.now() < earliest:
            raise MonthNotClosed(f"{month} is not closed; the latest closed month is {Month.of(self.now().date()).plus(-1)}")
        if month < EARLIEST_MONTH:
            raise MonthNotClosed(f"{month} is before {EARLIEST_MONTH}, where months begin here; ask for a later month")


def _people_brands(rules: MonthRules, users: pd.DataFrame) -> dict[str, PersonBrand]:
    """Find the people of `[brand.people]` by user name, e-mail or id; raises `InvalidPolicy` for someone unknown."""
    owners = Owners(users)
    found: dict[str, PersonBrand] = {}
    for key, brand in rules.policy.brand.people.items():
        matches = owners.matches(key)
        if len(matches) != 1:
            what = "fits several users; use the user name" if matches else "is no user name, e-mail or User id of this organisation; correct it"
            raise InvalidPolicy(f"[brand.people] {key[:60]!r} {what}")
        found[matches[0]] = brand
    return found
