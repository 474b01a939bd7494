"""Extracts: which versions of the raw tables belong together, and which extract each month names.

Put records about extracts here. The catalogue has each extract, the one that a run of a month reads,
and our own copy of a month end: the first extract read soon after it. A pull that is not finished
lies in `ONPACE_HOME/pulling`. The extract frozen for a published month is in its publication
(`publications`).
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cached_property
from typing import Any, TypeVar, cast

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from pandera.typing import DataFrame

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import EXTRACTS, MONTH_END_COPIES, SELECTED_EXTRACTS
from connectors.storage.extract_record import ExtractRecord, PullState, record_of, row_of
from connectors.storage.leases import Leases
from connectors.storage.migrations import mark
from connectors.storage.publications import PublishedMonths
from connectors.storage.pull_checkpoint import PullCheckpoint
from connectors.storage.raw_tables import RawTables
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import Contract, empty, table_name
from sales.contracts.raw import RAW
from sales.errors import UserError
from sales.history.extract import Extract

TRUE_UNLESS_SAID = {"is_active", "is_listed"}


_Contract = TypeVar("_Contract", bound=Contract)


class AnotherOrganization(UserError, ValueError):
    """A home already holds the numbers of a different organisation."""


class NoSuchExtract(UserError, LookupError):
    """A month names an extract that is not stored."""


@dataclass(frozen=True)
class MonthEndCopy:
    """Our own copy of a month end: an extract read soon after `as_of`."""

    record: ExtractRecord
    as_of: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ExtractStore:
    """Extracts, the one selected for the next run of each month, and our own copies of month ends."""

    def __init__(self, catalogue: Catalogue, now: Callable[[], datetime] = _utc_now) -> None:
        """Use a catalogue and its home; nothing is created until something is stored."""
        self._home, self._catalogue, self._now = catalogue.home, catalogue, now
        self._published = PublishedMonths(catalogue)
        self.raw = RawTables(catalogue)

    @cached_property
    def checkpoint(self) -> PullCheckpoint:
        """Where a pull that is not finished lies."""
        return PullCheckpoint(self._home / "pulling")

    @contextmanager
    def alone(self, progress: Callable[[str], None] = lambda _: None) -> Generator[None]:
        """Keep other pulls of this home away: two at once would ask Salesforce for the same."""
        with Leases(self._catalogue).hold("pull", "reading Salesforce", progress):
            yield

    def save(
        self,
        frames: dict[str, pd.DataFrame],
        extracted_at: datetime,
        source: str,
        findings: list[tuple[str, str]],
    ) -> ExtractRecord:
        """Store whole tables as an extract."""
        with self.alone():
            self.refuse_another(str(frames["raw_organization"]["organization_id"].iloc[0]))
            note = {"extracted_at": extracted_at.isoformat()}
            versions = {name: self.raw.write(name, frame, note) for name, frame in frames.items()}
            return self.add(extracted_at, source, versions, findings, PullState())

    def refuse_another(self, organization_id: str) -> None:
        """Raise `AnotherOrganization` if this home belongs to a different one."""
        latest = self.latest()
        if latest is not None and latest.organization_id != organization_id:
            raise AnotherOrganization(
                f"{self._home} holds the numbers of organisation {latest.organization_id}, and Salesforce answered as "
                f"{organization_id}; set ONPACE_HOME to another folder"
            )

    def add(
        self,
        extracted_at: datetime,
        source: str,
        versions: dict[str, int],
        findings: list[tuple[str, str]],
        pull: PullState,
    ) -> ExtractRecord:
        """Record an extract whose tables are stored; it exists once this is written, so a killed pull leaves none behind."""
        organization = self.raw.read("raw_organization", versions["raw_organization"])
        rows = {name: self.raw.rows(name, version) for name, version in versions.items()}
        extract_id = f"{extracted_at:%Y%m%dT%H%M%S%f}"
        while self._find(extract_id) is not None:  # read twice within Salesforce's second
            extract_id += "0"
        record = ExtractRecord(
            extract_id,
            extracted_at,
            str(organization["organization_id"].iloc[0]),
            source,
            str(organization["time_zone"].iloc[0]),
            versions,
            rows,
            findings,
            pull,
            self._now(),
        )
        if self.latest() is None:
            mark(self._home)
        with self._catalogue.begin() as database:
            self._catalogue.put(database, EXTRACTS, row_of(record))
            Leases(self._catalogue).refuse_others(database, "pull")
        return record

    def latest(self) -> ExtractRecord | None:
        """Return the newest extract, or none."""
        newest = self._extracts().order_by(EXTRACTS.c.extract_id.desc()).limit(1)
        return next((record_of(row) for row in self._catalogue.rows(newest)), None)

    def all(self) -> list[ExtractRecord]:
        """Return every extract that is stored, the oldest first."""
        return list(self.newest_first())[::-1]

    def newest_first(self) -> Iterator[ExtractRecord]:
        """Yield every extract that is stored, the newest first."""
        in_order = self._extracts().order_by(EXTRACTS.c.extract_id.desc())
        return map(record_of, self._catalogue.each(in_order))

    def pinned(self, month: Month) -> ExtractRecord | None:
        """Return the extract frozen for a month: the one its published numbers were computed from, or none."""
        publication = self._published.current(month)
        return self.named(publication.extract_id) if publication else None

    def choose(self, month: Month, record: ExtractRecord) -> None:
        """Note the extract that a run of the month reads; it is frozen when the month is published."""
        values = {"month": str(month), "extract_id": record.extract_id}
        with self._catalogue.begin() as database:
            self._catalogue.put(database, SELECTED_EXTRACTS, values)
            Leases(self._catalogue).refuse_others(database, f"month {month}")

    def chosen(self, month: Month) -> ExtractRecord | None:
        """Return the extract that the latest run of a month reads, or none."""
        for row in self._of_month(SELECTED_EXTRACTS, month):
            return self.named(row.extract_id)
        return None

    def keep_month_end(self, month: Month, as_of: datetime, record: ExtractRecord) -> None:
        """Keep an extract as our own copy of a month end; the first one stands for ever."""
        values = {
            "month": str(month),
            "extract_id": record.extract_id,
            "as_of": as_of.isoformat(),
        }
        with self._catalogue.begin() as database:
            self._catalogue.add(database, MONTH_END_COPIES, values)

    def copied_months(self) -> list[Month]:
        """Return the months of whose ends there is a copy of our own."""
        mine = self._catalogue.mine(MONTH_END_COPIES)
        copied = self._catalogue.rows(sa.select(MONTH_END_COPIES).where(mine))
        return sorted(Month.parse(row.month) for row in copied)

    def month_end(self, month: Month) -> MonthEndCopy | None:
        """Return our own copy of a month end, or none."""
        for row in self._of_month(MONTH_END_COPIES, month):
            return MonthEndCopy(self.named(row.extract_id), datetime.fromisoformat(row.as_of))
        return None

    def frames(self, record: ExtractRecord) -> dict[str, pd.DataFrame]:
        """Return the raw tables of an extract, with the columns that they have today."""
        return {
            name: self.frame(record, contract)
            for name, contract in RAW.items()
            if name != "raw_targets"
        }

    def frame(self, record: ExtractRecord, contract: type[_Contract]) -> DataFrame[_Contract]:
        """Return one raw table of an extract, with the columns that it has today; empty where the extract has none."""
        name = table_name(contract)
        if name not in record.versions:
            return empty(contract)
        stored = _completed(self.raw.read(name, record.versions[name]), contract)
        return cast("DataFrame[_Contract]", stored)

    def damaged(self, record: ExtractRecord) -> list[str]:
        """Return what is wrong with the raw tables of an extract, a sentence each; none where nothing is."""
        found = (self.raw.damaged(name, each) for name, each in sorted(record.versions.items()))
        return [each for each in found if each]

    def forgettable(self, now: datetime, kept_days: int) -> list[ExtractRecord]:
        """Return the extracts that are older than so many days and that nothing needs: none that is published, selected, a copy of a month end or the newest."""
        latest = self.latest()
        needed = self._published.extract_ids()
        if latest is not None:
            needed.add(latest.extract_id)
        for table in (SELECTED_EXTRACTS, MONTH_END_COPIES):
            mine = sa.select(table).where(self._catalogue.mine(table))
            needed.update(str(row.extract_id) for row in self._catalogue.rows(mine))
        oldest = now - timedelta(days=kept_days)
        return [
            each
            for each in self.newest_first()
            if each.extract_id not in needed and each.extracted_at < oldest
        ]

    def forget(self, now: datetime, kept_days: int) -> int:
        """Forget those extracts and the files that only they need, and return how many they were."""
        if not self.forgettable(now, kept_days):
            return 0
        with self.alone():
            return self._forget(self.forgettable(now, kept_days), kept_days)

    def _forget(self, old: list[ExtractRecord], kept_days: int) -> int:
        gone = EXTRACTS.c.extract_id.in_([each.extract_id for each in old])
        with self._catalogue.begin() as database:
            database.execute(EXTRACTS.delete().where(self._catalogue.mine(EXTRACTS), gone))
        kept = self.all()
        for name in RAW if old else ():
            versions = {each.versions[name] for each in kept if name in each.versions}
            if versions:
                self.raw.vacuum(name, versions, kept_days * 24)
        return len(old)

    def named(self, extract_id: str) -> ExtractRecord:
        """Return an extract by its id; raises `NoSuchExtract`."""
        found = self._find(extract_id)
        if found is None:
            raise NoSuchExtract(
                f"extract {extract_id} is not in the catalogue of {self._home}; restore the home from a backup"
            )
        return found

    def _find(self, extract_id: str) -> ExtractRecord | None:
        wanted = self._extracts().where(EXTRACTS.c.extract_id == extract_id)
        return next((record_of(row) for row in self._catalogue.rows(wanted)), None)

    def _extracts(self) -> sa.Select[tuple[object, ...]]:
        return sa.select(EXTRACTS).where(self._catalogue.mine(EXTRACTS))

    def _of_month(self, table: sa.Table, month: Month) -> Sequence[sa.Row[tuple[object, ...]]]:
        mine = (self._catalogue.mine(table), table.c.month == str(month))
        return self._catalogue.rows(sa.select(table).where(*mine))


def as_extract(
    frames: dict[str, pd.DataFrame],
    extract_id: str,
    extracted_at: datetime,
    dimension_field: str = "",
) -> Extract:
    """Return raw tables as the bundle that the core reads."""
    parts: dict[str, Any] = {
        name.removeprefix("raw_"): frames[name] for name in RAW if name != "raw_targets"
    }
    named = {"extract_id": extract_id, "extracted_at": extracted_at}
    return Extract(**named, **parts, dimension_field=dimension_field)


def _completed(frame: pd.DataFrame, contract: type[Contract]) -> pd.DataFrame:
    """Return a table that an earlier version of this program stored, with the columns that came since."""
    blank = empty(contract)
    missing = [name for name in blank.columns if name not in frame.columns]
    if not missing:
        return frame[list(blank.columns)]
    size = len(frame)
    added = {
        name: pa.repeat(pa.scalar(name in TRUE_UNLESS_SAID), size)
        if pa.types.is_boolean(kind := columns.arrow_type(blank[name]))
        else pa.nulls(size, kind)
        for name in missing
    }
    return pd.concat([frame.reset_index(drop=True), columns.frame(added)], axis=1)[
        list(blank.columns)
    ]
