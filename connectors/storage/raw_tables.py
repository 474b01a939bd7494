"""Raw tables on disk: Delta, each reading that changed something a version, merged record by record.

Put storing and changing raw tables here; which versions make one extract is `extracts`.
Rows stream through: no method but `read` holds a whole table.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from functools import partial
from itertools import chain
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from deltalake import CommitProperties, DeltaTable, WriterProperties, write_deltalake
from deltalake.exceptions import DeltaError

from connectors.storage.catalogue import Catalogue
from connectors.storage.monthly_tables import CHECKPOINTS, KEEP_THE_LOG, try_again
from connectors.storage.stored_files import CURE, DamagedTable, StoredFiles
from sales import arrow as columns

Note = dict[str, str]
MOST_FILES = 32
# A writer holds a group of rows in memory until it is full.
SMALL_GROUPS = WriterProperties(compression="ZSTD", max_row_group_size=1 << 16)


class RawTables:
    """Versioned raw tables of a home; one process writes at a time."""

    def __init__(
        self, catalogue: Catalogue, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        """Use `tables` in a catalogue's home; nothing is created until something is written."""
        self._root, self._files = catalogue.home / "tables", StoredFiles(catalogue)
        self._pause = pause

    def write(self, name: str, frame: pd.DataFrame, note: Note) -> int:
        """Store a table as a new version and return it; the same digest again is no new version."""
        path = str(self._root / name)
        if "digest" in note and DeltaTable.is_deltatable(path):
            stored = DeltaTable(path)
            if stored.history(1)[0].get("digest") == note["digest"]:
                return stored.version()
        return self.replace(name, iter([pa.Table.from_pandas(frame, preserve_index=False)]), note)

    def replace(self, name: str, pages: Iterator[pa.Table], note: Note) -> int:
        """Store pages as the whole table and return the version that holds them all.

        Each page is a commit, so that none but one is in memory; nobody reads a version that no
        extract names.
        """
        path, noted = str(self._root / name), CommitProperties(custom_metadata=note)
        if not DeltaTable.is_deltatable(path):
            self._files.begin_anew(name)
        for number, page in enumerate(pages):
            mode, schema = ("append", None) if number else ("overwrite", "overwrite")
            try_again(partial(self._write, path, page, mode, schema, noted), self._pause)
        return self._files.note(name).version()

    @staticmethod
    def _write(path: str, page: pa.Table, mode: Any, schema: Any, noted: CommitProperties) -> None:  # noqa: ANN401  # deltalake's literals
        write_deltalake(
            path,
            page,
            mode=mode,
            schema_mode=schema,
            configuration=CHECKPOINTS,
            writer_properties=SMALL_GROUPS,
            commit_properties=noted,
            post_commithook_properties=KEEP_THE_LOG,
        )

    def merge(
        self,
        name: str,
        base: int,
        pages: Iterator[pa.Table],
        key: str,
        stamp: str | None,
        note: Note,
    ) -> int:
        """Put records over those of a version, by key, the newer stamp winning; return the new version."""
        table = self._at(name, base)
        newer = f"t.{stamp} IS NULL OR s.{stamp} >= t.{stamp}" if stamp else None
        (
            table.merge(
                _stream(pages),
                f"t.{key} = s.{key}",
                source_alias="s",
                target_alias="t",
                merge_schema=True,
                writer_properties=SMALL_GROUPS,
                commit_properties=CommitProperties(custom_metadata=note),
                post_commithook_properties=KEEP_THE_LOG,
            )
            .when_matched_update_all(predicate=newer)
            .when_not_matched_insert_all()
            .execute()
        )
        if len(table.file_uris()) > MOST_FILES:  # each reading adds some, and each is opened
            table.optimize.compact(
                writer_properties=SMALL_GROUPS,
                commit_properties=CommitProperties(custom_metadata=note),
                post_commithook_properties=KEEP_THE_LOG,
            )
        return self._files.note(name).version()

    def mark_deleted(self, name: str, base: int, dead: pa.Table, key: str, note: Note) -> int:
        """Mark records as deleted, each at its instant (`key`, `modified_at`); return the new version."""
        if not dead.num_rows:
            return base
        (
            self._at(name, base)
            .merge(
                dead,
                f"t.{key} = s.{key}",
                source_alias="s",
                target_alias="t",
                commit_properties=CommitProperties(custom_metadata=note),
                post_commithook_properties=KEEP_THE_LOG,
            )
            .when_matched_update(
                {"is_deleted": "true", "modified_at": "s.modified_at"}, predicate="NOT t.is_deleted"
            )
            .execute()
        )
        return self._files.note(name).version()

    def changed(self, name: str, version: int, rows: pa.Table, key: str) -> pa.Table:
        """Return the rows that a version does not hold just so: windows overlap, and most of what comes again is known."""
        ids = rows.column(key).combine_chunks()
        held: set[tuple[object, ...]] = set()
        for path in self._files.data_of(name, version):
            file = pq.ParquetFile(path)
            if not set(rows.column_names) <= set(file.schema_arrow.names):
                return rows
            for batch in file.iter_batches(columns=rows.column_names):
                page = pa.Table.from_batches([batch]).select(rows.column_names).cast(rows.schema)
                known = page.filter(pc.is_in(page.column(key), value_set=ids))
                held.update(zip(*(column.to_pylist() for column in known.columns), strict=True))
        is_new = [
            row not in held
            for row in zip(*(column.to_pylist() for column in rows.columns), strict=True)
        ]
        return rows.filter(pa.array(is_new, pa.bool_()))

    def read(self, name: str, version: int) -> pd.DataFrame:
        """Return one version of a table."""
        stored: Any = self._files.opened(name, version)
        try:
            table: pa.Table = stored.to_pyarrow_table()
        except (pa.ArrowException, DeltaError, OSError) as fault:
            raise DamagedTable(
                f"version {version} of {name} cannot be read ({type(fault).__name__}); {CURE}"
            ) from None
        return columns.frame(
            {each: table.column(each).combine_chunks() for each in table.column_names}
        )

    def living(self, name: str, version: int, key: str) -> pa.Array:
        """Return the ids of records that are not deleted."""
        stored: Any = self._files.opened(name, version)
        table: pa.Table = stored.to_pyarrow_table(columns=[key, "is_deleted"])
        return table.filter(pc.invert(table.column("is_deleted"))).column(key).combine_chunks()

    def rows(self, name: str, version: int) -> int:
        """Return how many rows a version has, as its metadata says."""
        table = DeltaTable(str(self._root / name), version=version)
        return sum(pa.table(table.get_add_actions(flatten=True)).column("num_records").to_pylist())

    def damaged(self, name: str, version: int) -> str:
        """Return what is wrong with the files of a version, empty where nothing is."""
        return self._files.damaged(name, version)

    def vacuum(self, name: str, keep: set[int], hours: int) -> None:
        """Delete files that no kept version needs and that are older than so many hours; nothing else writes meanwhile.

        All files are looked at: the log forgets after a week which ones it once had.
        """
        path = str(self._root / name)
        if DeltaTable.is_deltatable(path):
            DeltaTable(path).vacuum(
                retention_hours=hours,
                dry_run=False,
                full=True,
                keep_versions=sorted(keep),
                post_commithook_properties=KEEP_THE_LOG,
            )

    def _at(self, name: str, base: int) -> DeltaTable:
        """Return the table at a version, its files checked; what a killed pull wrote after it is undone."""
        self._files.opened(name, base)
        table = DeltaTable(str(self._root / name))
        if table.version() != base:
            table.restore(base, post_commithook_properties=KEEP_THE_LOG)
        return table


def _stream(pages: Iterator[pa.Table]) -> pa.RecordBatchReader:
    first = next(pages)
    return pa.RecordBatchReader.from_batches(
        first.schema, chain.from_iterable(page.to_batches() for page in chain([first], pages))
    )
