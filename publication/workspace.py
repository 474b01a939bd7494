"""Where a run reads and writes: the home, the policy folder, the organisation, the clock.

Put what every part of a publication stands on here. Nothing in it depends on a month; what a month
is computed from is `month_inputs`.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

from pandera.typing import DataFrame

from connectors.policy.folder import policy_files, read_policies, read_recipients
from connectors.salesforce.pull import PullPreview
from connectors.salesforce.session import Progress
from connectors.storage.catalogue import Catalogue
from connectors.storage.document_ledger import DocumentLedger
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.extracts import ExtractStore
from connectors.storage.leases import PATIENCE, Leases
from connectors.storage.monthly_tables import TableStore
from connectors.storage.publications import PublishedMonths
from publication.loaded_extracts import LoadedExtracts
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.raw import RawAccounts
from sales.delivery.recipients import RecipientBook
from sales.policy.rules import CustomFields, MonthRules, OrganizationDefaults, PolicyBook
from sales.policy.sections import SalesPolicy


class Reader(Protocol):
    """Whatever reads an organisation."""

    def pull(
        self,
        store: ExtractStore,
        source: str,
        progress: Progress,
        *,
        approve: Callable[[PullPreview], None],
        custom: CustomFields,
        accepts_vanished: bool,
    ) -> ExtractRecord:
        """Store what Salesforce holds now as a new extract, unless `approve` raises."""
        ...

    def organization(self) -> OrganizationDefaults:
        """Return what the organisation says of itself."""
        ...


def _utc_now() -> datetime:
    return datetime.now(UTC)


def _any_theme(folder: Path, rules: MonthRules) -> None:
    """Accept every look: where no page is printed, none can be wrong."""
    _ = folder, rules


def _every_character() -> range:
    """Return every code point there is."""
    return range(sys.maxunicode + 1)


@dataclass(frozen=True)
class PageRules:
    """What the pages ask of a month before it is computed; whoever prints gives it, so that computing a table knows no page.

    `check_theme` raises the `UserError` that printing would meet with a year's brand; `repertoire`
    returns the code points that can be drawn.
    """

    check_theme: Callable[[Path, MonthRules], object] = _any_theme
    repertoire: Callable[[], Collection[int]] = _every_character


@dataclass(frozen=True, eq=False)
class Workspace:
    """The places and the clock of a process; made once, when a program starts.

    `database` is the address of the catalogue, empty for a file in the home; `patience` is for how
    many seconds a run waits for another one that is at work on the same. Two of the same places are not the same: each holds the policy as it read it.
    """

    home: Path
    policy_folder: Path
    connect: Callable[[], Reader]
    source: str
    now: Callable[[], datetime] = _utc_now
    pages: PageRules = PageRules()
    database: str = field(default="", repr=False)  # it may hold a password
    patience: int = PATIENCE

    @cached_property
    def catalogue(self) -> Catalogue:
        """What is known of extracts, tables, publications and deliveries."""
        return Catalogue(self.home, self.database)

    @cached_property
    def leases(self) -> Leases:
        """Who is at work on what."""
        return Leases(self.catalogue, self.patience)

    @cached_property
    def tables(self) -> TableStore:
        """The monthly tables."""
        return TableStore(self.catalogue)

    @cached_property
    def published(self) -> PublishedMonths:
        """The published months and their revisions."""
        return PublishedMonths(self.catalogue)

    @cached_property
    def documents(self) -> DocumentLedger:
        """The ledger of published documents."""
        return DocumentLedger(self.catalogue)

    @cached_property
    def extracts(self) -> ExtractStore:
        """What is known of extracts, and which month uses which."""
        return ExtractStore(self.catalogue, self.now)

    @cached_property
    def loaded(self) -> LoadedExtracts:
        """Extracts that are in memory."""
        return LoadedExtracts(self.extracts)

    def newest_accounts(self) -> DataFrame[RawAccounts]:
        """Return the clients of the newest extract; none where nothing was read."""
        latest = self.extracts.latest()
        return empty(RawAccounts) if latest is None else self.extracts.frame(latest, RawAccounts)

    @cached_property
    def policy_digests(self) -> list[tuple[str, str]]:
        """Every file of the policy folder with its digest: taken before any of them is read."""
        return policy_files(self.policy_folder)

    @cached_property
    def policies(self) -> PolicyBook:
        """The policy files, read once a process."""
        _ = self.policy_digests
        return read_policies(self.policy_folder)

    @property
    def recipients(self) -> RecipientBook:
        """Who gets what by the policy folder."""
        return read_recipients(self.policy_folder)

    @property
    def time_zone(self) -> str:
        """The reporting time zone: of the newest policy that names one, else the organisation's, else UTC."""
        latest = self.extracts.latest()
        return self.policies.time_zone or (latest.time_zone if latest else "UTC")

    @property
    def last_closed_month(self) -> Month:
        """The calendar month that ended last in the reporting time zone."""
        return Month.of(self.now().astimezone(ZoneInfo(self.time_zone)).date()).plus(-1)

    @property
    def has_fiscal_months(self) -> bool:
        """Whether any year is made of Salesforce's own fiscal months, which may end before the calendar's."""
        return any(each.fiscal.periods == "salesforce" for each in self.policies.policies.values())

    def policy_of(self, month: Month) -> SalesPolicy:
        """Return the policy of a month before its extract is selected: by what the newest extract says of the year."""
        latest = self.extracts.latest()
        organization = (
            self.loaded.defaults(latest)
            if latest
            else OrganizationDefaults("", "", self.time_zone, 1, named_by_end=False, currency="USD")
        )
        return self.policies.for_month(month, organization).policy
