"""Extracts: which versions of the raw tables belong together, and which extract a month is computed from.

Put records about extracts here. Below a home: `extracts/ID.json` (one extract),
`chosen/MONTH.json` (the extract that a run of the month reads), `month_ends/MONTH.json`
(our own copy of a month end: the first extract read soon after it), `pulling` (a pull
that is not finished). The extract frozen for a published month is in its publication (`publications`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from filelock import FileLock, Timeout

from connectors.storage.files import write_atomically
from connectors.storage.migrations import mark
from connectors.storage.publications import PublishedMonths
from connectors.storage.pull_checkpoint import PullCheckpoint
from connectors.storage.raw_tables import RawTables
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import Contract, empty
from sales.contracts.raw import RAW
from sales.errors import UserError
from sales.history.extract import Extract

KEPT_DAYS = 30
TRUE_UNLESS_SAID = {"is_active", "is_listed"}


class AnotherOrganization(UserError, ValueError):
    """A home already holds the numbers of a different organisation."""


class DamagedRecord(UserError, RuntimeError):
    """What is stored of an extract cannot be read."""


@dataclass(frozen=True)
class Watermark:
    """How far one object was read, and when.

    `cursor` is the end of the last window, `deleted_to` how far Salesforce's log of deletions
    reached; the rest says when it was read whole, and when all ids were compared.
    """

    cursor: datetime
    whole_at: datetime
    deleted_to: datetime
    compared_at: datetime


@dataclass(frozen=True)
class PullState:
    """What the next pull has to know of the last one, and what a reader may want to know of its cost."""

    how: str = "whole"
    api_version: str = ""
    api_usage: str = "unknown"
    requests: int = 0
    instance: str = ""
    identity: str = ""
    amount_field: str = ""
    service_fields: str = ""
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    watermarks: dict[str, Watermark] = field(default_factory=dict)


@dataclass(frozen=True)
class ExtractRecord:
    """What is stored of one extract: what it reaches up to and where it is from, the versions of its tables, findings.

    `stored_at` is when it was stored by this machine's clock; early versions did not note it.
    """

    extract_id: str
    extracted_at: datetime
    organization_id: str
    source: str
    time_zone: str
    versions: dict[str, int]
    rows: dict[str, int]
    findings: list[tuple[str, str]]
    pull: PullState = field(default_factory=PullState)
    stored_at: datetime | None = None


@dataclass(frozen=True)
class MonthEndCopy:
    """Our own copy of a month end: an extract read soon after `as_of`."""

    record: ExtractRecord
    as_of: datetime


def _utc_now() -> datetime:
    return datetime.now(UTC)


class ExtractStore:
    """Extracts and pins: a month is computed from the extract frozen for it."""

    def __init__(self, home: Path, now: Callable[[], datetime] = _utc_now) -> None:
        """Use a home; nothing is created until something is stored."""
        self._home, self._now = home, now
        self._published = PublishedMonths(home)
        self.raw = RawTables(home)

    @cached_property
    def checkpoint(self) -> PullCheckpoint:
        """Where a pull that is not finished lies."""
        return PullCheckpoint(self._home / "pulling")

    @contextmanager
    def alone(self, progress: Callable[[str], None] = lambda _: None) -> Iterator[None]:
        """Keep other pulls of this home away: two at once would ask Salesforce for the same."""
        (self._home / "extracts").mkdir(parents=True, exist_ok=True)
        lock = FileLock(self._home / "extracts" / ".lock")
        try:
            lock.acquire(timeout=0)
        except Timeout:
            progress("another run is reading Salesforce; waiting for it")
            lock.acquire()
        try:
            yield
        finally:
            lock.release()

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
        while (
            self._home / "extracts" / f"{extract_id}.json"
        ).exists():  # read twice within Salesforce's second
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
        write_atomically(self._home / "extracts" / f"{extract_id}.json", _json(asdict(record)))
        return record

    def latest(self) -> ExtractRecord | None:
        """Return the newest extract, or none."""
        found = sorted((self._home / "extracts").glob("[0-9]*.json"))
        return self._record(found[-1]) if found else None

    def pinned(self, month: Month) -> ExtractRecord | None:
        """Return the extract frozen for a month: the one its published numbers were computed from, or none."""
        publication = self._published.current(month)
        return self.named(publication.extract_id) if publication else None

    def choose(self, month: Month, record: ExtractRecord) -> None:
        """Note the extract that a run of the month reads; it is frozen when the month is published."""
        write_atomically(
            self._home / "chosen" / f"{month}.json", _json({"extract_id": record.extract_id})
        )

    def chosen(self, month: Month) -> ExtractRecord | None:
        """Return the extract that the latest run of a month reads, or none."""
        path = self._home / "chosen" / f"{month}.json"
        return (
            self.named(json.loads(path.read_text(encoding="utf-8"))["extract_id"])
            if path.exists()
            else None
        )

    def keep_month_end(self, month: Month, as_of: datetime, record: ExtractRecord) -> None:
        """Keep an extract as our own copy of a month end; the first one stands for ever."""
        path = self._home / "month_ends" / f"{month}.json"
        if not path.exists():
            write_atomically(
                path, _json({"extract_id": record.extract_id, "as_of": as_of.isoformat()})
            )

    def copied_months(self) -> list[Month]:
        """Return the months of whose ends there is a copy of our own."""
        return sorted(Month.parse(path.stem) for path in (self._home / "month_ends").glob("*.json"))

    def month_end(self, month: Month) -> MonthEndCopy | None:
        """Return our own copy of a month end, or none."""
        path = self._home / "month_ends" / f"{month}.json"
        if not path.exists():
            return None
        content = json.loads(path.read_text(encoding="utf-8"))
        return MonthEndCopy(
            self.named(content["extract_id"]), datetime.fromisoformat(content["as_of"])
        )

    def frames(self, record: ExtractRecord) -> dict[str, pd.DataFrame]:
        """Return the raw tables of an extract, with the columns that they have today."""
        return {name: self.frame(record, name) for name in RAW if name != "raw_targets"}

    def frame(self, record: ExtractRecord, name: str) -> pd.DataFrame:
        """Return one raw table of an extract, with the columns that it has today; empty where the extract has none."""
        contract = RAW[name]
        return (
            _completed(self.raw.read(name, record.versions[name]), contract)
            if name in record.versions
            else empty(contract)
        )

    def vacuum(self, now: datetime) -> None:
        """Forget extracts that are older than a month and that nothing needs; what is pinned, kept or newest stays."""
        latest = self.latest()
        needed = self._published.extract_ids() | ({latest.extract_id} if latest else set())
        for folder in ("chosen", "month_ends"):
            needed |= {
                json.loads(path.read_text(encoding="utf-8"))["extract_id"]
                for path in (self._home / folder).glob("*.json")
            }
        records = [self._record(path) for path in (self._home / "extracts").glob("[0-9]*.json")]
        old = [
            each
            for each in records
            if each.extract_id not in needed and now - each.extracted_at > timedelta(days=KEPT_DAYS)
        ]
        if not old:
            return
        kept = [each for each in records if each not in old]
        for each in old:
            (self._home / "extracts" / f"{each.extract_id}.json").unlink()
        for name in RAW:
            versions = {each.versions[name] for each in kept if name in each.versions}
            if versions:
                self.raw.vacuum(name, versions, KEPT_DAYS * 24)

    def named(self, extract_id: str) -> ExtractRecord:
        """Return an extract by its id."""
        return self._record(self._home / "extracts" / f"{extract_id}.json")

    def _record(self, path: Path) -> ExtractRecord:
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            pull = dict(content.pop("pull", {}))
            marks = {
                name: Watermark(
                    **{key: datetime.fromisoformat(value) for key, value in mark.items()}
                )
                for name, mark in pull.pop("watermarks", {}).items()
            }
            content["extracted_at"] = datetime.fromisoformat(content["extracted_at"])
            content["findings"] = [(place, meaning) for place, meaning in content["findings"]]
            if stored_at := content.get("stored_at"):
                content["stored_at"] = datetime.fromisoformat(stored_at)
            return ExtractRecord(**content, pull=PullState(**pull, watermarks=marks))
        except (ValueError, KeyError, TypeError, OSError) as fault:
            raise DamagedRecord(
                f"{path} cannot be read ({type(fault).__name__}); restore it from a backup"
            ) from None


def as_extract(frames: dict[str, pd.DataFrame], extract_id: str, extracted_at: datetime) -> Extract:
    """Return raw tables as the bundle that the core reads."""
    parts = {name.removeprefix("raw_"): frames[name] for name in RAW if name != "raw_targets"}
    return Extract(extract_id=extract_id, extracted_at=extracted_at, **parts)


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


def _json(content: object) -> bytes:
    return json.dumps(
        content, indent=1, sort_keys=True, default=lambda moment: moment.isoformat()
    ).encode()
