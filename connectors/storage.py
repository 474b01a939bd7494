"""Tables on disk: Delta, partitioned by month, with atomic commits; and the extracts that months pin.

Put everything about `ONPACE_HOME` that holds tables here. The layout below a home:
`tables/NAME` (Delta), `written/NAME/MONTH.json` (the version that holds a month as last
written), `extracts/ID.json` (which versions of the raw tables make one extract),
`chosen/MONTH.json` (the extract that a run of the month reads), `published/MONTH.json`
(the versions that readers see, and the extract that is frozen for the month).
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
from deltalake.exceptions import CommitFailedError, DeltaError
from filelock import FileLock

from sales import columns
from sales.calendar import Month
from sales.extract import Extract, defaults_of
from sales.fault import Fault
from sales.money import DECIMAL_PRECISION
from sales.tables import MONTHLY, RAW, column_names, month_column

ATTEMPTS = 20
# Months of one table may have money of different digits; no currency has more than four.
STORED_MONEY = pa.decimal128(28, 4)


class NotComputed(Fault, LookupError):
    """A month has no such table yet."""


class AnotherOrganization(Fault, ValueError):
    """A home already holds the numbers of a different organisation."""


class DamagedRecord(Fault, RuntimeError):
    """What is stored of an extract cannot be read."""


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
        scales = {each.name: each.type.scale for each in table.schema if pa.types.is_decimal(each.type)}
        table = _rescaled(table, dict.fromkeys(scales, STORED_MONEY))
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
        record = {"version": DeltaTable(str(path)).version(), "scales": scales}
        write_atomically(self._record_of(name, month), _json(record))

    def read(self, name: str, month: Month) -> pd.DataFrame:
        """Return one month of a table as it was last written, sorted by key; raises `NotComputed`."""
        record = self._record_of(name, month)
        if not record.exists():
            raise NotComputed(_not_computed(name, month))
        return self._month_of(name, month, json.loads(record.read_text(encoding="utf-8")))

    def publish(self, month: Month, extract_id: str) -> None:
        """Make what was last written of a month the state that readers see, all tables at once, and freeze its extract."""
        tables = {name: json.loads(self._record_of(name, month).read_text(encoding="utf-8")) for name in MONTHLY}
        write_atomically(self._publication(month), _json({"month": str(month), "extract_id": extract_id, "tables": tables}))

    def published_extract(self, month: Month) -> str | None:
        """Return the id of the extract that the published month was computed from, or none."""
        path = self._publication(month)
        return json.loads(path.read_text(encoding="utf-8"))["extract_id"] if path.exists() else None

    def read_published(self, name: str, month: Month) -> pd.DataFrame:
        """Return one month of a table as it was published; a run that was killed since does not show."""
        path = self._publication(month)
        if not path.exists():
            raise NotComputed(_not_computed(name, month))
        return self._month_of(name, month, json.loads(path.read_text(encoding="utf-8"))["tables"][name])

    def _month_of(self, name: str, month: Month, record: dict[str, Any]) -> pd.DataFrame:
        stored = DeltaTable(str(self._root / name), version=record["version"])
        table = stored.to_pyarrow_table(partitions=[(month_column(name), "=", str(month))])
        table = _rescaled(table, {column: pa.decimal128(DECIMAL_PRECISION, scale) for column, scale in record["scales"].items()})
        contract = MONTHLY[name]
        key = [(each, "ascending") for each in contract.to_schema().unique or []]
        ordered = table.select(column_names(contract)).sort_by(key)
        return columns.frame({each: ordered.column(each) for each in ordered.column_names})

    def _publication(self, month: Month) -> Path:
        return self._home / "published" / f"{month}.json"

    def _record_of(self, name: str, month: Month) -> Path:
        # Delta says neither that a month was written without rows, nor how many digits its money had.
        return self._home / "written" / name / f"{month}.json"

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

    def read_raw(self, name: str, version: int) -> pd.DataFrame:
        """Return one version of a raw table."""
        table = DeltaTable(str(self._root / name), version=version).to_pyarrow_table()
        return columns.frame({each: table.column(each).combine_chunks() for each in table.column_names})

    def _try_again(self, commit: Callable[[], None]) -> None:
        for attempt in range(ATTEMPTS):
            try:
                commit()
            except (CommitFailedError, DeltaError, OSError) as conflict:
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
    time_zone: str
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
                extract_id, extracted_at, organization_id, source, defaults_of(frames["raw_organization"]).time_zone, versions,
                {name: len(frame) for name, frame in frames.items()}, findings,
            )  # fmt: skip
            content = {
                "extract_id": extract_id, "extracted_at": extracted_at.isoformat(), "organization_id": organization_id,
                "source": source, "time_zone": record.time_zone, "versions": versions, "rows": record.rows, "findings": findings,
            }  # fmt: skip
            write_atomically(self._home / "extracts" / f"{extract_id}.json", _json(content))
        return record

    def latest(self) -> ExtractRecord | None:
        """Return the newest extract, or none."""
        found = sorted((self._home / "extracts").glob("[0-9]*.json"))
        return self._record(found[-1]) if found else None

    def pinned(self, month: Month) -> ExtractRecord | None:
        """Return the extract frozen for a month: the one its published numbers were computed from, or none."""
        extract_id = self._tables.published_extract(month)
        return self._record(self._home / "extracts" / f"{extract_id}.json") if extract_id else None

    def choose(self, month: Month, record: ExtractRecord) -> None:
        """Note the extract that a run of the month reads; it is frozen when the month is published."""
        write_atomically(self._home / "chosen" / f"{month}.json", _json({"extract_id": record.extract_id}))

    def chosen(self, month: Month) -> ExtractRecord | None:
        """Return the extract that the latest run of a month reads, or none."""
        path = self._home / "chosen" / f"{month}.json"
        if not path.exists():
            return None
        extract_id = json.loads(path.read_text(encoding="utf-8"))["extract_id"]
        return self._record(self._home / "extracts" / f"{extract_id}.json")

    def frames(self, record: ExtractRecord) -> dict[str, pd.DataFrame]:
        """Return the raw tables of an extract."""
        return {name: self._tables.read_raw(name, version) for name, version in record.versions.items()}

    def _record(self, path: Path) -> ExtractRecord:
        try:
            content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
            return ExtractRecord(
                extract_id=content["extract_id"],
                extracted_at=datetime.fromisoformat(content["extracted_at"]),
                organization_id=content["organization_id"],
                source=content["source"],
                time_zone=content["time_zone"],
                versions=content["versions"],
                rows=content["rows"],
                findings=[(place, meaning) for place, meaning in content["findings"]],
            )
        except (ValueError, KeyError, TypeError, OSError) as fault:
            raise DamagedRecord(f"{path} cannot be read ({type(fault).__name__}); restore it from a backup") from None


def as_extract(frames: dict[str, pd.DataFrame], extract_id: str, extracted_at: datetime) -> Extract:
    """Return raw tables as the bundle that the core reads."""
    parts = {name.removeprefix("raw_"): frames[name] for name in RAW if name != "raw_targets"}
    return Extract(extract_id=extract_id, extracted_at=extracted_at, **parts)


def _not_computed(name: str, month: Month) -> str:
    return f"{name} has no {month} yet; run `onpace report {month}` first"


def _rescaled(table: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    for name, kind in types.items():
        table = table.set_column(table.column_names.index(name), name, table.column(name).cast(kind))
    return table


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
