"""What a month is computed from: its rules, its pinned extract, its target book.

Put the lookup of inputs here, so that asset bodies stay short. Built by
`orchestration.resources`; tests build it with fakes.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

import pandas as pd

from connectors.policy.annual_targets import read_target_book
from connectors.policy.folder import read_policies, read_recipients
from connectors.salesforce.pull import Outlook
from connectors.salesforce.session import Progress
from connectors.storage.document_ledger import Ledger
from connectors.storage.extract_catalog import ExtractRecord, ExtractStore, as_extract
from connectors.storage.monthly_tables import NotComputed, TableStore
from connectors.storage.publications import Publication, PublishedMonths
from publication.fingerprints import Recipes
from publication.forecast_inputs import Forecasts
from publication.preconditions import (
    approval,
    people_brands,
    refuse_another,
    refuse_clearly_open,
    refuse_unusable,
)
from reports.month_end import Readers
from sales.calendar import Month
from sales.delivery.directory import colleagues
from sales.delivery.recipients import Colleague, RecipientBook, editions
from sales.errors import Fault
from sales.history.extract import EMBEDDED, Extract, People, defaults_of, people
from sales.history.reconstruction import PipelineHistory
from sales.history.snapshot import KnownMonth, has_records
from sales.policy.rules import (
    CustomFields,
    InvalidPolicy,
    MonthRules,
    OrganizationDefaults,
    PolicyBook,
    SalesPolicy,
)
from sales.targets import phased_targets as targets
from sales.targets import quotas
from sales.targets.phased_targets import AnnualTarget
from sales.targets.quotas import ManagerQuota

SALESFORCE = "salesforce"
# A UI backfill starts a process a month: pulls this young serve all of them.
SHARED_PULL_HOURS = 6.0
MONTHS_OF_PAST = 25
# An extract read so soon after a month end is our own copy of it.
COPY_WITHIN = timedelta(days=10)


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
    _defaults: dict[str, OrganizationDefaults] = field(default_factory=dict)
    _past: dict[Month, list[Publication]] = field(default_factory=dict)
    _target_books: dict[Month, pd.DataFrame] = field(default_factory=dict)
    _histories: dict[tuple[object, ...], PipelineHistory] = field(default_factory=dict)

    @cached_property
    def tables(self) -> TableStore:
        """The monthly tables."""
        return TableStore(self.home)

    @cached_property
    def published(self) -> PublishedMonths:
        """The published months and their revisions."""
        return PublishedMonths(self.home)

    @cached_property
    def recipes(self) -> Recipes:
        """What tables are made from."""
        return Recipes(self)

    @cached_property
    def ledger(self) -> Ledger:
        """The ledger of published documents."""
        return Ledger(self.home)

    @cached_property
    def extracts(self) -> ExtractStore:
        """Extracts and pins."""
        return ExtractStore(self.home)

    @cached_property
    def policies(self) -> PolicyBook:
        """The policy files, read once a process."""
        _ = self.recipes.every_file  # digests are of files as they were before they were read
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
        refuse_clearly_open(month, self.now())
        fresh = fresh or reconstruct
        _ = self.policies.custom_fields  # a broken policy is said before Salesforce is asked
        pinned = self.extracts.pinned(month)
        if pinned is not None:
            refuse_another(self, pinned)
        if pinned is not None and not fresh and self.stands(month):
            return self._choose(month, pinned)
        copy = None if reconstruct else self.copy_of(month)
        if pinned is not None and not fresh:
            record = pinned
            refuse_unusable(self, month, self.extract(record))
        elif copy is not None and (fresh or copy.extract_id != getattr(pinned, "extract_id", "")):
            record = copy
            progress(
                f"{month} is computed from our own copy of that month end, read on {record.extracted_at:%Y-%m-%d %H:%M} UTC"
            )
            refuse_unusable(self, month, self.extract(record))
        elif (latest := self.extracts.latest()) is not None and self._serves(
            latest, month, shared_age
        ):
            record = latest
            refuse_unusable(self, month, self.extract(record))
        else:
            record = self._pull(month, progress, accepts_vanished=accepts_vanished)
        return self._choose(month, record)

    def stands(self, month: Month) -> bool:
        """Return whether readers see what a run would make: everything that decides about the month is as it was, and so are its tables."""
        publication, pinned = self.published.current(month), self.extracts.pinned(month)
        if (
            publication is None
            or pinned is None
            or publication.made_from != self.recipes.of_month(month, pinned)
        ):
            return False
        return all(
            self.tables.written(name, month) == written
            for name, written in publication.tables.items()
        )

    def _choose(self, month: Month, record: ExtractRecord) -> ExtractRecord:
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
        organization = OrganizationDefaults(
            "", "", self.time_zone, 1, named_by_end=False, currency="USD"
        )
        return self.policies.for_month(
            month, self.defaults_of(latest) if latest else organization
        ).policy

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
        refuse_another(self, pinned)
        self._chosen[month] = pinned

    def extract(self, record: ExtractRecord) -> Extract:
        """Return an extract's raw tables; the last one read stays in memory."""
        if record.extract_id not in self._loaded:
            frames = self.extracts.frames(record)
            self._loaded = {
                record.extract_id: as_extract(frames, record.extract_id, record.extracted_at)
            }
        return self._loaded[record.extract_id]

    def organization(self, month: Month) -> OrganizationDefaults:
        """Return what the organisation says of itself in the month's extract."""
        return self.defaults_of(self.record(month))

    def defaults_of(self, record: ExtractRecord) -> OrganizationDefaults:
        """Return what the organisation says of itself in an extract, without reading the rest of it."""
        if record.extract_id in self._loaded:
            return self._loaded[record.extract_id].defaults
        if record.extract_id not in self._defaults:
            organization, periods = (
                self.extracts.frame(record, name) for name in ("raw_organization", "raw_periods")
            )
            self._defaults[record.extract_id] = defaults_of(organization, periods)
        return self._defaults[record.extract_id]

    def past(self, month: Month) -> list[Publication]:
        """Return the published months before a month without a gap, the oldest first, at most two years of them."""
        if month not in self._past:
            found: list[Publication] = []
            while (
                len(found) < MONTHS_OF_PAST
                and (earlier := self.published.current(month.plus(-len(found) - 1))) is not None
            ):
                found.append(earlier)
            self._past = {month: found[::-1]}
        return self._past[month]

    def rules(self, month: Month) -> MonthRules:
        """Return the rules of a month."""
        return self.policies.for_month(month, self.organization(month))

    def history(self, month: Month) -> PipelineHistory:
        """Return the sorted history of the month's extract; months of one pull share it."""
        return self.history_of(
            self._extract_with_amounts(self.record(month), self.rules(month)), self.rules(month)
        )

    def history_at(self, earlier: Month, month: Month) -> PipelineHistory:
        """Return what a run of a month knows of an earlier month end: our own copy of it where there is one."""
        record = self.copy_of(earlier) or self.record(month)
        rules = self.policies.for_month(earlier, self.organization(month))
        return self.history_of(self._extract_with_amounts(record, rules), rules)

    def copy_of(self, month: Month) -> ExtractRecord | None:
        """Return our own copy of a month end, none where the month ends at another instant by now or the org is another."""
        copy, latest = self.extracts.month_end(month), self.extracts.latest()
        if (
            copy is None
            or latest is None
            or (copy.record.source == EMBEDDED) != (self.source == EMBEDDED)
        ):
            return None
        if (
            not self.source.startswith("https://")
            and copy.record.pull.instance != latest.pull.instance
        ):
            return None
        rules = self.policies.for_month(month, self.defaults_of(latest))
        wanted = rules.policy.pipeline.amount_field
        has_amounts = not wanted or copy.record.pull.amount_field == wanted
        return copy.record if has_amounts and copy.as_of == rules.calendar.as_of(month) else None

    def is_copy(self, month: Month, of: Month | None = None) -> bool:
        """Return whether the run of a month reads its own copy of that month end, or of an earlier one."""
        copy = self.copy_of(of or month)
        return copy is not None and (
            of is not None or copy.extract_id == self.record(month).extract_id
        )

    def readers(self, month: Month) -> Readers:
        """Return how people want their own pages, and the editions that recipients ask for."""
        extract = self.extract(self.record(month))
        asked = editions(self.recipients, self.colleagues(month))
        return Readers(people=people_brands(self.rules(month), extract.users), editions=asked)

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
            self._target_books[month] = self.target_book_of(
                self.rules(month), extract.users, extract.roles, extract.quotas
            )
        return self._target_books[month]

    def year_to_date(self, month: Month) -> Iterator[KnownMonth]:
        """Yield the month ends of the fiscal year so far at which there were records, each with its rules and history."""
        organization = self.organization(month)
        for each in (
            each for each in self.rules(month).calendar.year_of(month).months if each <= month
        ):
            rules, history = (
                self.policies.for_month(each, organization),
                self.history(month) if each == month else self.history_at(each, month),
            )
            if has_records(history, each, rules):
                yield each, rules, history

    def targets_in_force(self, month: Month) -> dict[Month, list[AnnualTarget]]:
        """Return the targets in force at each month end of the fiscal year so far."""
        return {
            each: self._in_force(each, month, rules, history.extract)
            for each, rules, history in self.year_to_date(month)
        }

    def in_force_at(self, origin: Month, month: Month) -> list[AnnualTarget]:
        """Return the targets in force at any earlier month end, as the run of a month knows them."""
        rules = self.policies.for_month(origin, self.organization(month))
        return self._in_force(origin, month, rules, self.extract(self.record(month)))

    def _in_force(
        self, each: Month, month: Month, rules: MonthRules, known: Extract
    ) -> list[AnnualTarget]:
        # Salesforce keeps no history of quotas: our own copies are all there is of their past.
        is_quota = rules.policy.targets.source == SALESFORCE
        book = (
            quotas.quota_book(known.quotas, known.users, known.roles, rules)
            if is_quota
            else self.target_book(month)
        )
        return targets.in_force(
            book,
            targets.static_rates(known.currency_rates),
            each,
            self.policies,
            self.organization(month),
        )

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
            self.extracts,
            self.source,
            progress,
            approve=approval(self, month),
            custom=custom,
            accepts_vanished=accepts_vanished,
        )
        self._read_at[record.extract_id] = self.now()
        self._keep_month_end(record)
        refuse_unusable(self, month, self.extract(record))
        return record

    def _keep_month_end(self, record: ExtractRecord) -> None:
        """Keep an extract that was read soon after a month end as our own copy of it."""
        defaults = self.defaults_of(record)
        local = record.extracted_at.astimezone(
            ZoneInfo(self.policies.time_zone or record.time_zone)
        )
        its_calendar = self.policies.for_month(Month.of(local.date()), defaults).calendar
        month = its_calendar.month_of(local.date()).plus(-1)
        as_of = self.policies.for_month(month, defaults).calendar.as_of(month)
        if timedelta(0) <= record.extracted_at - as_of <= COPY_WITHIN:
            self.extracts.keep_month_end(month, as_of, record)

    def _serves(self, record: ExtractRecord, month: Month, shared_age: timedelta) -> bool:
        rules = self.policies.for_month(month, self.defaults_of(record))
        is_after = record.extracted_at >= rules.calendar.as_of(month)
        custom = self.policies.custom_fields
        has_fields = (record.pull.amount_field, record.pull.service_fields) == (
            custom.amount,
            custom.service,
        )
        # What an extract reaches up to lies a little before the moment at which it was read.
        age = self.now() - self._read_at.get(record.extract_id, record.extracted_at)
        return is_after and has_fields and record.source == self.source and age < shared_age

    def history_of(self, extract: Extract, rules: MonthRules) -> PipelineHistory:
        """Return the sorted history of an extract by some rules; the last one asked for stays in memory."""
        pipeline = rules.policy.pipeline
        key = (extract.extract_id, rules.currency, pipeline.amount_field, pipeline.record_types)
        if key not in self._histories:
            history = PipelineHistory(
                extract,
                rules.currency,
                rules.digits,
                amount_field=pipeline.amount_field or "",
                record_types=pipeline.record_types,
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

    def target_book_of(
        self, rules: MonthRules, users: pd.DataFrame, roles: pd.DataFrame, quota_rows: pd.DataFrame
    ) -> pd.DataFrame:
        """Return the target book that the rules name, with owners found among the users."""
        source = rules.policy.targets.source
        if source == SALESFORCE:
            return quotas.quota_book(quota_rows, users, roles, rules)
        path = (self.policy_folder / source).resolve()
        if not path.is_relative_to(self.policy_folder.resolve()):
            raise InvalidPolicy(
                f"[targets] source = {source[:60]!r} lies outside the policy folder; put the file into it"
            )
        return read_target_book(path, users)
