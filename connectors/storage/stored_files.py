"""Stored files: the digest of each file that a table lies in, noted when it is written and checked when it is read.

Put opening a Delta table here: a version of it is the files that its log names. Neither they nor the
log's entries ever change, so a file whose digest is another one is damaged, and is never read as if
it were not. Files of before digests were kept are taken as they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from deltalake import DeltaTable
from deltalake.exceptions import DeltaError

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import STORED_FILES
from connectors.storage.files import UnreadableFile, digest_of, flush, flush_folders
from sales.errors import UserError

LOG = "_delta_log"
ENTRY = re.compile(r"(\d{20})\.json")
CHECKPOINT = re.compile(r"(\d{20})\.checkpoint\.parquet")
AT_ONCE = 500  # paths of one query
Partitions = list[tuple[str, str, Any]]
# What a process has checked it does not read twice: by path, instant of the last change and size.
_checked: set[tuple[str, int, int, str]] = set()


class DamagedTable(UserError, OSError):
    """A file of a stored table is missing or is not what was stored."""


class StoredFiles:
    """The files of the tables of one home."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Use a catalogue and `tables` in its home."""
        self._catalogue, self._root = catalogue, catalogue.home / "tables"

    def opened(
        self, name: str, version: int | None = None, partitions: Partitions | None = None
    ) -> DeltaTable:
        """Return a table at a version (the newest if none is given) once its files are checked; raises `DamagedTable`.

        With `partitions` only the files of these are checked. The newest version needs every entry
        that was noted since the log's checkpoint: a shorter log would begin its last numbers again.
        """
        log = self._log(name, version)
        if version is None:
            for key in self._entries_from(name, log):
                self._check_is_there(self._root / key)
        # The log first: what a damaged one says is not to be relied upon, nor how it is read.
        self._check(log)
        table = self._table(name, version)
        self._check(self._data(name, table, partitions))
        return table

    def note(self, name: str, partitions: Partitions | None = None) -> DeltaTable:
        """Flush and note the files of a table's newest version that are new, of all its partitions or of some; return the table."""
        table = self._table(name, None)
        if partitions is not None and not self._has_digests(name, partitions):
            partitions = None  # of before digests were kept: all of it is noted now
        files = [*self._log(name, table.version()), *self._data(name, table, partitions)]
        known = self._known(files)
        new = [path for path in files if self._key(path) not in known]
        for path in new:
            flush(path)
        # Folders may be as new as their files, up to the home.
        for folder in {path.parent for path in new}:
            flush_folders(folder, self._root.parent)
        with self._catalogue.begin() as database:
            for path in new:
                values = {"path": self._key(path), "sha256": digest_of(path)}
                self._catalogue.add(database, STORED_FILES, values)
        return table

    def begin_anew(self, name: str) -> None:
        """Forget the files of a table that is not there any more: its log begins again."""
        mine = self._catalogue.mine(STORED_FILES)
        gone = STORED_FILES.c.path.startswith(f"{name}/", autoescape=True)
        with self._catalogue.begin() as database:
            database.execute(STORED_FILES.delete().where(mine, gone))

    def damaged(
        self, name: str, version: int | None = None, partitions: Partitions | None = None
    ) -> str:
        """Return what is wrong with a version of a table, empty where nothing is."""
        try:
            self.opened(name, version, partitions)
        except DamagedTable as fault:
            return str(fault)
        return ""

    def _table(self, name: str, version: int | None) -> DeltaTable:
        try:
            return DeltaTable(str(self._root / name), version=version)
        except (DeltaError, OSError, ValueError) as fault:
            at = "" if version is None else f" at version {version}"
            raise DamagedTable(
                f"{self._root / name} cannot be read{at} ({type(fault).__name__}); {CURE}"
            ) from None

    def _log(self, name: str, version: int | None) -> list[Path]:
        """Return the entries of the log that a version is read from: its newest checkpoint and what follows."""
        folder = self._root / name / LOG
        entries = {
            path: int(found[1])
            for path in (folder.iterdir() if folder.is_dir() else ())
            if (found := ENTRY.fullmatch(path.name) or CHECKPOINT.fullmatch(path.name))
        }
        upto = {
            path: number for path, number in entries.items() if version is None or number <= version
        }
        begin = max((n for path, n in upto.items() if path.suffix == ".parquet"), default=-1)
        return sorted(
            path
            for path, number in upto.items()
            if number == begin or (number > begin and path.suffix == ".json")
        )

    def data_of(self, name: str, version: int | None = None) -> list[Path]:
        """Return the files of a version's rows once they are checked; raises `DamagedTable`."""
        return self._data(name, self.opened(name, version), None)

    def _data(self, name: str, table: DeltaTable, partitions: Partitions | None) -> list[Path]:
        # The address of the folder is escaped as in a URL, what follows it is as on the disk.
        folder = self._root / name
        try:
            uris = table.file_uris(partitions)
            return [folder / each.rpartition(f"/{name}/")[2] for each in uris]
        except (DeltaError, OSError, ValueError) as fault:
            raise DamagedTable(
                f"{table.table_uri} cannot be read ({type(fault).__name__}); {CURE}"
            ) from None

    def _known(self, files: Iterable[Path]) -> dict[str, str]:
        """Return the digests that are noted of files, by their keys."""
        keys = [self._key(path) for path in files]
        found: dict[str, str] = {}
        for start in range(0, len(keys), AT_ONCE):
            its = STORED_FILES.c.path.in_(keys[start : start + AT_ONCE])
            wanted = sa.select(STORED_FILES).where(self._catalogue.mine(STORED_FILES), its)
            found |= {str(row.path): str(row.sha256) for row in self._catalogue.rows(wanted)}
        return found

    def _has_digests(self, name: str, partitions: Partitions) -> bool:
        """Return whether a digest is noted of any file of a table's data."""
        folder = f"{name}/{partitions[0][0]}="
        wanted = sa.select(STORED_FILES).where(
            self._catalogue.mine(STORED_FILES),
            STORED_FILES.c.path.startswith(folder, autoescape=True),
        )
        return bool(self._catalogue.rows(wanted.limit(1)))

    def _entries_from(self, name: str, log: Sequence[Path]) -> list[str]:
        """Return the noted entries of a log from its checkpoint on, from the first one where it has none."""
        checkpoints = [path.name for path in log if path.suffix == ".parquet"]
        folder = f"{name}/{LOG}/"
        wanted = sa.select(STORED_FILES).where(
            self._catalogue.mine(STORED_FILES),
            STORED_FILES.c.path.startswith(folder, autoescape=True),
            STORED_FILES.c.path > folder + max(checkpoints, default=""),
        )
        keys = [str(row.path) for row in self._catalogue.rows(wanted)]
        return [each for each in keys if ENTRY.fullmatch(Path(each).name)]

    def _key(self, path: Path) -> str:
        return path.relative_to(self._root).as_posix()

    def _check_is_there(self, path: Path) -> None:
        if not path.is_file():
            raise DamagedTable(f"{path} is missing; {CURE}")

    def _check(self, files: Sequence[Path]) -> None:
        known = self._known(files)
        for path in files:
            self._check_one(path, known.get(self._key(path)))

    def _check_one(self, path: Path, sha256: str | None) -> None:
        try:
            its = path.stat()
            key = (str(path), its.st_mtime_ns, its.st_size, sha256 or "")
            if key in _checked:
                return
            if sha256 is not None and digest_of(path) != sha256:
                raise DamagedTable(f"{path} is damaged: it is not what was stored; {CURE}")
        except (UnreadableFile, FileNotFoundError, NotADirectoryError, PermissionError) as fault:
            raise DamagedTable(f"{path} cannot be read ({type(fault).__name__}); {CURE}") from None
        _checked.add(key)


CURE = "run `onpace check --stored` to see what is damaged and how it comes back"
