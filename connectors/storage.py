"""Tables on disk: Delta, partitioned by month, with atomic commits; and the extracts that months pin.

Put everything about `ONPACE_HOME` that holds tables here. The layout below a home:
`tables/NAME` (Delta), `extracts/ID.json` (which versions of the raw tables make one
extract), `pins/MONTH.json` (which extract a month was computed from), `published/MONTH.json`
(which versions of the monthly tables readers see).
"""

from __future__ import annotations

import json
import os
import random
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError, TableNotFoundError
from filelock import FileLock

from sales import columns
from sales.calendar import Month
from sales.extract import Extract
from sales.fault import Fault
from sales.tables import MONTHLY, RAW, column_names, month_column

ATTEMPTS = 20


class NotComputed(Fault, LookupError):
    """A month has no such table yet."""


class AnotherOrganization(Fault, ValueError):
    """A home already holds the numbers of a different organisation."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader sees the old content or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


class TableStore:
    """Monthly tables; several months may be written at the same time by several processes."""

    def __init__(self, home: Path, *, pause: Callable[[float], None] = time.sleep) -> None:
        """Use `home/tables`; nothing is created until something is written."""
        self._home = home
        self._root = home / "tables"
        self._pause = pause

    def write(self, name: str, month: Month, frame: pd.DataFrame, note: dict[str, str]) -> None:
        """Replace one month of a table in one commit; `note` goes into the commit's metadata."""
        column = month_column(name)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        path = self._root / name

        def commit() -> None:
            exists = DeltaTable.is_deltatable(str(path))
            mode: Any = "overwrite" if exists else "error"
            write_deltalake(
                str(path), table, partition_by=[column],
                mode=mode,
                predicate=f"{column} = '{month}'" if exists else None,
                schema_mode="merge" if exists else None,
                commit_properties=CommitProperties(custom_metadata=note),
            )  # fmt: skip

        self._try_again(commit)
        marker = self._empty_marker(name, month)
        if frame.empty:
            write_atomically(marker, b"")
        else:
            marker.unlink(missing_ok=True)

    def read(self, name: str, month: Month) -> pd.DataFrame:
        """Return one month of a table as it was last written, sorted by key; raises `NotComputed`."""
        table = self._month_of(name, month, None)
        if table.num_rows == 0 and not self._empty_marker(name, month).exists():
            raise NotComputed(_not_computed(name, month))
        return _framed(name, table)

    def publish(self, month: Month, extract_id: str) -> None:
        """Make what was last written of a month the state that readers see: all tables at once."""
        versions = {name: DeltaTable(str(self._root / name)).version() for name in MONTHLY}
        write_atomically(self._publication(month), _json({"month": str(month), "extract_id": extract_id, "versions": versions}))

    def read_published(self, name: str, month: Month) -> pd.DataFrame:
        """Return one month of a table as it was published; a run that was killed since does not show."""
        path = self._publication(month)
        if not path.exists():
            raise NotComputed(_not_computed(name, month))
        version = json.loads(path.read_text(encoding="utf-8"))["versions"][name]
        return _framed(name, self._month_of(name, month, version))

    def _month_of(self, name: str, month: Month, version: int | None) -> pa.Table:
        try:
            stored = DeltaTable(str(self._root / name), version=version)
        except TableNotFoundError:
            raise NotComputed(_not_computed(name, month)) from None
        return stored.to_pyarrow_table(partitions=[(month_column(name), "=", str(month))])

    def _publication(self, month: Month) -> Path:
        return self._home / "published" / f"{month}.json"

    def _empty_marker(self, name: str, month: Month) -> Path:
        # A partition without rows leaves no trace in Delta, and "none" is not "not computed".
        return self._home / "published" / f".{name}-{month}-empty"

    def write_raw(self, name: str, frame: pd.DataFrame, note: dict[str, str]) -> int:
        """Store a raw table as a new version and return it; the same content again is no new version."""
        path = str(self._root / name)
        if "digest" in note and DeltaTable.is_deltatable(path):
            stored = DeltaTable(path)
            if stored.history(1)[0].get("digest") == note["digest"]:
                return stored.version()
        table = pa.Table.from_pandas(frame, preserve_index=False)
        noted = CommitProperties(custom_metadata=note)
        self._try_again(lambda: write_deltalake(path, table, mode="overwrite", schema_mode="overwrite", commit_properties=noted))
        return DeltaTable(path).version()

    def read_raw(self, name: str, version: int | None = None) -> pd.DataFrame:
        """Return one version of a raw table, the newest unless told otherwise."""
        table = DeltaTable(str(self._root / name), version=version).to_pyarrow_table()
        return columns.frame({each: table.column(each).combine_chunks() for each in table.column_names})

    def _try_again(self, commit: Callable[[], None]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                commit()
            except (CommitFailedError, OSError) as conflict:
                # Another run committed first: look again and write on top of it.
                is_race = isinstance(conflict, CommitFailedError) or "already exists" in str(conflict)
                if not is_race or attempt == ATTEMPTS - 1:
                    raise
                self._pause(random.uniform(0, 0.1) * (attempt + 1))  # noqa: S311  # spreading retries
            else:
                return


@dataclass(frozen=True)
class ExtractRecord:
    """What is stored of one extract: when it was read and from where, the versions of its tables, findings."""

    extract_id: str
    extracted_at: datetime
    organization_id: str
    source: str
    versions: dict[str, int]
    rows: dict[str, int]
    findings: list[tuple[str, str]]


class ExtractStore:
    """Extracts and pins: a month is computed from the extract frozen for it."""

    def __init__(self, home: Path, tables: TableStore) -> None:
        """Use `home/extracts` and `home/pins`."""
        self._home = home
        self._tables = tables

    def save(self, frames: dict[str, pd.DataFrame], extracted_at: datetime, source: str, findings: list[tuple[str, str]]) -> ExtractRecord:
        """Store an extract; it exists once its record is written, so a killed run leaves none behind."""
        organization_id = str(frames["raw_organization"]["organization_id"].iloc[0])
        (self._home / "extracts").mkdir(parents=True, exist_ok=True)
        with FileLock(self._home / "extracts" / ".lock"):
            latest = self.latest()
            if latest is not None and latest.organization_id != organization_id:
                raise AnotherOrganization(
                    f"{self._home} holds the numbers of organisation {latest.organization_id}, and Salesforce answered as "
                    f"{organization_id}; set ONPACE_HOME to another folder"
                )
            extract_id = f"{extracted_at:%Y%m%dT%H%M%S%f}"
            note = {"extract_id": extract_id, "extracted_at": extracted_at.isoformat()}
            versions = {name: self._tables.write_raw(name, frame, note) for name, frame in frames.items()}
            record = ExtractRecord(
                extract_id, extracted_at, organization_id, source, versions,
                {name: len(frame) for name, frame in frames.items()}, findings,
            )  # fmt: skip
            content = {
                "extract_id": extract_id, "extracted_at": extracted_at.isoformat(), "organization_id": organization_id,
                "source": source, "versions": versions, "rows": record.rows, "findings": findings,
            }  # fmt: skip
            write_atomically(self._home / "extracts" / f"{extract_id}.json", _json(content))
        return record

    def latest(self) -> ExtractRecord | None:
        """Return the newest extract, or none."""
        found = sorted((self._home / "extracts").glob("[0-9]*.json"))
        return self._record(found[-1]) if found else None

    def pinned(self, month: Month) -> ExtractRecord | None:
        """Return the extract frozen for a month, or none."""
        pin = self._home / "pins" / f"{month}.json"
        if not pin.exists():
            return None
        extract_id = json.loads(pin.read_text(encoding="utf-8"))["extract_id"]
        return self._record(self._home / "extracts" / f"{extract_id}.json")

    def pin(self, month: Month, record: ExtractRecord) -> None:
        """Freeze an extract for a month."""
        write_atomically(self._home / "pins" / f"{month}.json", _json({"extract_id": record.extract_id}))

    def frames(self, record: ExtractRecord) -> dict[str, pd.DataFrame]:
        """Return the raw tables of an extract."""
        return {name: self._tables.read_raw(name, version) for name, version in record.versions.items()}

    def _record(self, path: Path) -> ExtractRecord:
        content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        return ExtractRecord(
            extract_id=content["extract_id"],
            extracted_at=datetime.fromisoformat(content["extracted_at"]),
            organization_id=content["organization_id"],
            source=content["source"],
            versions=content["versions"],
            rows=content["rows"],
            findings=[(place, meaning) for place, meaning in content["findings"]],
        )


def as_extract(frames: dict[str, pd.DataFrame], extract_id: str, extracted_at: datetime) -> Extract:
    """Return raw tables as the bundle that the core reads."""
    parts = {name.removeprefix("raw_"): frames[name] for name in RAW if name != "raw_targets"}
    return Extract(extract_id=extract_id, extracted_at=extracted_at, **parts)


def _not_computed(name: str, month: Month) -> str:
    return f"{name} has no {month} yet; run `onpace report {month}` first"


def _framed(name: str, table: pa.Table) -> pd.DataFrame:
    contract = MONTHLY[name]
    key = [(each, "ascending") for each in contract.to_schema().unique or []]
    ordered = table.select(column_names(contract)).sort_by(key)
    return columns.frame({each: ordered.column(each) for each in ordered.column_names})


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
