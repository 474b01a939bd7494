"""Monthly tables on disk: Delta, partitioned by month, with atomic commits.

Put writing and reading of monthly tables here: rows lie in `ONPACE_HOME/tables/NAME` (Delta); the
catalogue knows which version holds a month as last written, and what it was computed from. Which of
them readers see is `publications`; raw tables and extracts are `extracts`.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, fields
from decimal import Decimal
from typing import Any

import pandas as pd
import pyarrow as pa
import sqlalchemy as sa
from deltalake import CommitProperties, DeltaTable, PostCommitHookProperties, write_deltalake
from deltalake.exceptions import CommitFailedError, DeltaError

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import WRITTEN_TABLES
from connectors.storage.json_records import set_aside
from connectors.storage.leases import Leases
from connectors.storage.stored_files import CURE, DamagedTable, StoredFiles
from sales import arrow as columns
from sales.calendar import Month
from sales.checks.anomaly import figures
from sales.contracts.contract import Contract, column_names, empty
from sales.contracts.published import MONTHLY, month_column
from sales.errors import UserError
from sales.money import DECIMAL_PRECISION

ATTEMPTS = 20
# A published month names a version; the log that leads to it must outlive any retention.
KEEP_THE_LOG = PostCommitHookProperties(create_checkpoint=True, cleanup_expired_logs=False)
# A table is opened by reading its log from the last checkpoint on: with the usual hundred entries
# between two, that costs twice as much after twenty months.
CHECKPOINTS: Any = {"delta.checkpointInterval": "20"}
# Months are found by their partition: what columns hold need not be in the log.
NO_STATISTICS: Any = {"delta.dataSkippingNumIndexedCols": "0"}
# Months of one table may have money of different digits; no currency has more than four.
STORED_MONEY = pa.decimal128(28, 4)
# The tables of a month are read by many steps of a run: what was read stays in memory, a month or
# two of it.
MOST_HELD = 40
_held: dict[tuple[str, str, Month, int], pa.Table] = {}


class NotComputed(UserError, LookupError):
    """Something of a month is not there yet."""


@dataclass(frozen=True)
class Written:
    """One month of a table as it was written: where it lies, its size, and what it was computed from.

    Delta does not record that a month has no rows, nor how many digits its money had.

    `recipe` is a digest of everything that decides about the content, `digest` one of the content,
    `figures` its number of rows and sums of money; what an early version of this program did not
    note is empty.
    """

    version: int
    scales: dict[str, int]
    recipe: str = ""
    digest: str = ""
    run_id: str = ""
    figures: dict[str, str] = field(default_factory=dict[str, str])


class TableStore:
    """Monthly tables; several months may be written at the same time by several processes."""

    def __init__(
        self, catalogue: Catalogue, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Use the tables of a catalogue's home; nothing is created until something is written."""
        self._catalogue = catalogue
        self._root = catalogue.home / "tables"
        self._files = StoredFiles(catalogue)
        self._pause = pause

    def write(self, name: str, month: Month, frame: pd.DataFrame, note: dict[str, str]) -> None:
        """Replace one month of a table in one commit; `note` (run_id, digest, recipe) goes into the commit's metadata and the record."""
        column = month_column(name)
        table = pa.Table.from_pandas(frame, preserve_index=False)
        scales = {
            each.name: each.type.scale for each in table.schema if pa.types.is_decimal(each.type)
        }
        table = _rescaled(table, dict.fromkeys(scales, STORED_MONEY))
        path = self._root / name
        if not DeltaTable.is_deltatable(str(path)):
            self._files.begin_anew(name)

        def commit() -> None:
            exists = DeltaTable.is_deltatable(str(path))
            mode: Any = "overwrite" if exists else "error"
            write_deltalake(
                str(path),
                table,
                partition_by=[column],
                post_commithook_properties=KEEP_THE_LOG,
                mode=mode,
                predicate=f"{column} = '{month}'" if exists else None,
                schema_mode="merge" if exists else None,
                configuration=None if exists else CHECKPOINTS | NO_STATISTICS,
                commit_properties=CommitProperties(custom_metadata=note),
            )

        try:
            try_again(commit, self._pause)
        except DeltaError as fault:
            raise DamagedTable(
                f"{path} cannot be written to ({type(fault).__name__}); run `onpace check --stored --repair`"
            ) from None
        known = {key: note.get(key, "") for key in ("recipe", "digest", "run_id")}
        sizes = {figure: str(value) for figure, value in figures(frame).items()}
        version = self._files.note(name, [(column, "=", str(month))]).version()
        self.recall(name, month, Written(version, scales, **known, figures=sizes))

    def written(self, name: str, month: Month) -> Written | None:
        """Return the record of a month as it was last written, none where it never was."""
        of_month = (
            self._catalogue.mine(WRITTEN_TABLES),
            WRITTEN_TABLES.c.name == name,
            WRITTEN_TABLES.c.month == str(month),
        )
        found = self._catalogue.rows(sa.select(WRITTEN_TABLES).where(*of_month))
        names = [each.name for each in fields(Written)]
        return Written(**{name: getattr(found[0], name) for name in names}) if found else None

    def damaged(self, name: str, month: Month, record: Written) -> str:
        """Return what is wrong with a month as a record says, empty where nothing is."""
        try:
            self._month_of(name, month, record)
        except DamagedTable as fault:
            return str(fault)
        return ""

    def recall(self, name: str, month: Month, record: Written) -> None:
        """Let a month be what a record says: the last writing, or an earlier one."""
        values = {"name": name, "month": str(month)} | asdict(record)
        with self._catalogue.begin() as database:
            self._catalogue.put(database, WRITTEN_TABLES, values)
            Leases(self._catalogue).refuse_others(database, f"month {month}")

    def read(self, name: str, month: Month) -> pd.DataFrame:
        """Return one month of a table as it was last written, sorted by key; raises `NotComputed`."""
        record = self.written(name, month)
        if record is None:
            raise NotComputed(not_computed(name, month))
        return self.read_at(name, month, record)

    def read_at(self, name: str, month: Month, record: Written) -> pd.DataFrame:
        """Return one month of a table as a record says, sorted by key."""
        key = (str(self._root), name, month, record.version)
        if key not in _held:
            if len(_held) >= MOST_HELD:
                _held.clear()
            _held[key] = self._month_of(name, month, record)
        return columns.frame({each: _held[key].column(each) for each in _held[key].column_names})

    def _month_of(self, name: str, month: Month, record: Written) -> pa.Table:
        its_month = [(month_column(name), "=", str(month))]
        stored: Any = self._files.opened(name, record.version, its_month)
        try:
            table = stored.to_pyarrow_table(partitions=its_month)
        except (pa.ArrowException, DeltaError, OSError) as fault:
            raise DamagedTable(
                f"{name} of {month} cannot be read ({type(fault).__name__}); {CURE}"
            ) from None
        table = _rescaled(
            table,
            {
                column: pa.decimal128(DECIMAL_PRECISION, scale)
                for column, scale in record.scales.items()
            },
        )
        contract = MONTHLY[name]
        if record.figures and _figures_of(table) != {
            figure: Decimal(value) for figure, value in record.figures.items()
        }:
            raise DamagedTable(
                f"{name} of {month} is not what was stored: another table lies in its place; {CURE}"
            )
        key = [(each, "ascending") for each in contract.to_schema().unique or []]
        return _completed(table, contract).sort_by(key)

    def set_unreadable_aside(self) -> list[str]:
        """Move tables away of which no month can be read or written, and return their names; the months are computed again."""
        # Only the log is looked at: no month is called by an empty text.
        found = [
            path.name
            for path in sorted(self._root.iterdir() if self._root.is_dir() else ())
            if path.name in MONTHLY
            and self._files.damaged(path.name, None, [(month_column(path.name), "=", "")])
        ]
        for name in found:
            set_aside(self._root / name, self._catalogue.home / "earlier" / "damaged" / name)
        return found


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


def not_computed(name: str, month: Month) -> str:
    """Return the sentence for a month that is not there."""
    return f"{name} has no {month} yet; run `onpace report {month}` first"


def _figures_of(table: pa.Table) -> dict[str, Decimal]:
    """Return the figures that are noted of a table when it is written."""
    return figures(columns.frame({name: table.column(name) for name in table.column_names}))


def _completed(table: pa.Table, contract: type[Contract]) -> pa.Table:
    """Return the contract's columns in order; those that an earlier version of this program did not write are empty."""
    kinds = pa.Table.from_pandas(empty(contract), preserve_index=False).schema
    here = set(table.column_names)
    parts = {
        name: table.column(name) if name in here else pa.nulls(len(table), kinds.field(name).type)
        for name in column_names(contract)
    }
    return pa.table(parts)


def _rescaled(table: pa.Table, types: dict[str, pa.DataType]) -> pa.Table:
    for name, kind in types.items():
        table = table.set_column(
            table.column_names.index(name), name, table.column(name).cast(kind)
        )
    return table
