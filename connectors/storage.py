"""Monthly tables on disk: Delta, partitioned by month, with atomic commits.

Put everything about monthly tables below `ONPACE_HOME` here: `tables/NAME` (Delta),
`written/NAME/MONTH.json` (the version that holds a month as last written),
`published/MONTH.json` (the versions that readers see, and the extract that is frozen for
the month), `published/first/MONTH.json` (the same as it was published first, for ever). Raw
tables and extracts are `extracts`.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from connectors.files import write_atomically
from sales import columns
from sales.calendar import Month
from sales.fault import Fault
from sales.money import DECIMAL_PRECISION
from sales.tables import MONTHLY, Contract, column_names, empty, month_column

ATTEMPTS = 20
# A published month names a version; the log that leads to it must outlive any retention.
KEEP_THE_LOG = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
# Months of one table may have money of different digits; no currency has more than four.
STORED_MONEY = pa.decimal128(28, 4)


class NotComputed(Fault, LookupError):
    """A month has no such table yet."""


@dataclass(frozen=True)
class FirstPublication:
    """A month as it was published first; `at` is unknown where an early version of this program published it."""

    at: datetime | None
    table: Callable[[str], pd.DataFrame]


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
                str(path), table, partition_by=[column], post_commithook_properties=KEEP_THE_LOG,
                mode=mode,
                predicate=f"{column} = '{month}'" if exists else None,
                schema_mode="merge" if exists else None,
                commit_properties=CommitProperties(custom_metadata=note),
            )  # fmt: skip

        try_again(commit, self._pause)
        record = {"version": DeltaTable(str(path)).version(), "scales": scales}
        write_atomically(self._record_of(name, month), _json(record))

    def read(self, name: str, month: Month) -> pd.DataFrame:
        """Return one month of a table as it was last written, sorted by key; raises `NotComputed`."""
        record = self._record_of(name, month)
        if not record.exists():
            raise NotComputed(_not_computed(name, month))
        return self._month_of(name, month, json.loads(record.read_text(encoding="utf-8")))

    def publish(self, month: Month, extract_id: str, now: datetime) -> None:
        """Make what was last written of a month the state that readers see, all tables at once, and freeze its extract.

        What was published first stays known, with the instant of it.
        """
        first, current = self._first_publication(month), self._publication(month)
        if current.exists() and not first.exists():  # it was published by a version that kept no first one
            write_atomically(first, current.read_bytes())
        tables = {name: json.loads(self._record_of(name, month).read_text(encoding="utf-8")) for name in MONTHLY}
        record = _json({"month": str(month), "extract_id": extract_id, "published_at": now.isoformat(), "tables": tables})
        if not first.exists():
            write_atomically(first, record)
        write_atomically(current, record)

    def first_publication(self, month: Month) -> FirstPublication | None:
        """Return when a month was published first and how its tables are read, none where it never was."""
        path = self._first_publication(month) if self._first_publication(month).exists() else self._publication(month)
        if not path.exists():
            return None
        record = json.loads(path.read_text(encoding="utf-8"))
        at = record.get("published_at")
        return FirstPublication(datetime.fromisoformat(at) if at else None, lambda name: self._month_of(name, month, record["tables"][name]))

    def published_extract(self, month: Month) -> str | None:
        """Return the id of the extract that the published month was computed from, or none."""
        path = self._publication(month)
        return json.loads(path.read_text(encoding="utf-8"))["extract_id"] if path.exists() else None

    def read_published(self, name: str, month: Month) -> pd.DataFrame:
        """Return one month of a table as it was published; a run that was killed since does not show."""
        path = self._publication(month)
        record = json.loads(path.read_text(encoding="utf-8"))["tables"].get(name) if path.exists() else None
        if record is None:
            raise NotComputed(_not_computed(name, month))
        return self._month_of(name, month, record)

    def published_tables(self, month: Month) -> list[str]:
        """Return the names of a published month's tables: an earlier version of this program made fewer. Raises `NotComputed`."""
        path = self._publication(month)
        if not path.exists():
            raise NotComputed(_not_computed("the month", month))
        return sorted(json.loads(path.read_text(encoding="utf-8"))["tables"])

    def latest_published(self) -> Month | None:
        """Return the newest month that was published, or none."""
        months = [Month.parse(path.stem) for path in (self._home / "published").glob("*.json")]
        return max(months, default=None)

    def _month_of(self, name: str, month: Month, record: dict[str, Any]) -> pd.DataFrame:
        stored = DeltaTable(str(self._root / name), version=record["version"])
        table = stored.to_pyarrow_table(partitions=[(month_column(name), "=", str(month))])
        table = _rescaled(table, {column: pa.decimal128(DECIMAL_PRECISION, scale) for column, scale in record["scales"].items()})
        contract = MONTHLY[name]
        key = [(each, "ascending") for each in contract.to_schema().unique or []]
        ordered = _completed(table, contract).sort_by(key)
        return columns.frame({each: ordered.column(each) for each in ordered.column_names})

    def _publication(self, month: Month) -> Path:
        return self._home / "published" / f"{month}.json"

    def _first_publication(self, month: Month) -> Path:
        return self._home / "published" / "first" / f"{month}.json"

    def _record_of(self, name: str, month: Month) -> Path:
        # Delta says neither that a month was written without rows, nor how many digits its money had.
        return self._home / "written" / name / f"{month}.json"


def try_again(commit: Callable[[], None], pause: Callable[[float], None]) -> None:
    """Commit, again and again while another process commits first."""
    for attempt in range(ATTEMPTS):
        try:
            commit()
        except (CommitFailedError, DeltaError, OSError) as conflict:
            is_race = isinstance(conflict, CommitFailedError) or "already exists" in str(conflict)
            if not is_race or attempt == ATTEMPTS - 1:
                raise
            pause(random.uniform(0, 0.1) * (attempt + 1))  # noqa: S311  # spreading retries
        else:
            return


def _not_computed(name: str, month: Month) -> str:
    return f"{name} has no {month} yet; run `onpace report {month}` first"


def _completed(table: pa.Table, contract: type[Contract]) -> pa.Table:
    """Return the contract's columns in order; those that an earlier version of this program did not write are empty."""
    kinds = pa.Table.from_pandas(empty(contract), preserve_index=False).schema
    here = set(table.column_names)
    parts = {name: table.column(name) if name in here else pa.nulls(len(table), kinds.field(name).type) for name in column_names(contract)}
    return pa.table(parts)


def _rescaled(table: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    for name, kind in types.items():
        table = table.set_column(table.column_names.index(name), name, table.column(name).cast(kind))
    return table


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
