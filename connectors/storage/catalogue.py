"""The catalogue: one database of what lies in a home, what was published from it, and what was sent.

Put opening the database and its transactions here. Its tables are `catalogue_schema`; what the rows
mean is said where they are used: `extracts`, `monthly_tables`, `publications`,
`document_ledger`, and the ledger of deliveries. The catalogue is `ONPACE_HOME/catalogue.sqlite`
unless another database is named, which homes may share: each then has a name of its own, in
`catalogue.json`.
"""

from __future__ import annotations

import hashlib
import json
import os
import threading
import uuid
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import (
    ArgumentError,
    DBAPIError,
    IntegrityError,
    NoSuchModuleError,
    OperationalError,
    ProgrammingError,
)

from connectors.storage.catalogue_schema import HOMES, NEWEST, bring_to_newest, version_of
from connectors.storage.files import make_home, write_atomically
from sales.errors import UserError

FILE, NAME_FILE = "catalogue.sqlite", "catalogue.json"
WAIT = 30.0  # seconds for another process to finish its transaction
ONLY_HOME = ""
# Of a row: whose it is, the seal itself, when a document was shown last, and what a query adds.
UNSEALED = {"home", "seal", "shown_at", "newest"}
# What SQLite says of a file that is not what it wrote.
DAMAGED = ("malformed", "could not decode", "not a database", "no such table", "no such column")
AT_ONCE = 50  # rows in memory
# Where a file of SQLite counts the changes of its tables (its file format, 1.3).
SCHEMA_COOKIE = slice(40, 44)
DIALECTS = ("sqlite", "postgresql")
SUCH_AS = "name a database such as postgresql+psycopg://host/name"
# Alembic keeps what it works on in one place a process: two threads at once would wait for each
# other for ever.
_ONE_AT_A_TIME = threading.Lock()


class CatalogueUnusable(UserError, OSError):
    """The catalogue's database cannot be used."""


class CatalogueElsewhere(UserError, LookupError):
    """A home's catalogue is in a database that is not named any more."""


class Catalogue:
    """The catalogue of one home; nothing is created until something is written."""

    def __init__(self, home: Path, url: str = "") -> None:
        """Use a home and a database by its address, empty for a file in the home; raises `CatalogueUnusable`."""
        own = sa.URL.create("sqlite", database=str(home / FILE))
        self.home, self._is_ready = home, False
        self._known_schema: tuple[int, bytes] | None = None
        try:
            named = sa.make_url(url) if url else own
            if "@" in (named.host or ""):  # a part of the password, which would be printed
                raise CatalogueUnusable(
                    "ONPACE_LEDGER_URL has more than one @; write those of the user and the password as %40"
                )
            self._file = home / FILE if _is_same_file(named, own) else None
            self._engine = _engine(own if self._file else named)
        except (ArgumentError, NoSuchModuleError, ImportError) as fault:
            raise CatalogueUnusable(
                f"ONPACE_LEDGER_URL cannot be used ({type(fault).__name__}); {SUCH_AS}"
            ) from None
        if self._engine.dialect.name not in DIALECTS:
            raise CatalogueUnusable(f"ONPACE_LEDGER_URL names no PostgreSQL database; {SUCH_AS}")

    def rows(self, wanted: sa.Executable) -> Sequence[sa.Row[tuple[object, ...]]]:
        """Return what a query finds; nothing where nothing was ever stored."""
        return list(self.each(wanted))

    def each(self, wanted: sa.Executable) -> Iterator[sa.Row[tuple[object, ...]]]:
        """Yield what a query finds, since the rows of many months take much memory together; nothing may be written meanwhile."""
        if self._is_missing():
            self._refuse_lost()
            return
        with self._transaction() as database:
            result = database.execute(wanted)
            names = tuple(result.keys())
            try:
                for some in result.partitions(AT_ONCE):
                    for row in some:
                        if "seal" in names:
                            self._check_seal(dict(zip(names, row, strict=True)))
                        yield row
            except ValueError:  # a value that is not of its type: JSON, text
                raise CatalogueUnusable(_damaged(self._file)) from None

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """Open a transaction to write in; it is rolled back where the block raises."""
        if self._is_missing():
            self._refuse_lost()
        make_home(self.home)
        if self._file is None and not (self.home / NAME_FILE).exists():
            self._give_name()
        with self._transaction() as database:
            yield database

    @contextmanager
    def _transaction(self) -> Generator[sa.Connection]:
        with self._said():
            # A file may be replaced while this process lives, as by a restored backup.
            if not self._is_ready or self._schema() != self._known_schema:
                self._upgrade()
            with self._engine.begin() as database:
                yield database

    def _schema(self) -> tuple[int, bytes] | None:
        """Return what tells a file whose tables are others from this one: which file it is, and SQLite's count of changes to its tables; none of a server."""
        if self._file is None:
            return None
        try:
            with self._file.open("rb") as file:
                return os.fstat(file.fileno()).st_ino, file.read(SCHEMA_COOKIE.stop)[SCHEMA_COOKIE]
        except OSError:  # what is wrong with it is said where it is used
            return 0, b""

    @property
    def is_shared(self) -> bool:
        """Whether the database is one that other homes may use too."""
        return self._file is None

    def mine(self, table: sa.Table) -> sa.ColumnElement[bool]:
        """Return the condition that a row is of this home."""
        return table.c.home == self.name

    def put(self, database: sa.Connection, table: sa.Table, values: Mapping[str, object]) -> None:
        """Insert a row of this home, or replace the one of the same key."""
        key = [column.name for column in table.primary_key]
        row = self._of_home(table, values)
        changed = {name: value for name, value in row.items() if name not in key}
        database.execute(
            self._insert(table, row).on_conflict_do_update(index_elements=key, set_=changed)
        )

    def add(self, database: sa.Connection, table: sa.Table, values: Mapping[str, object]) -> None:
        """Insert a row, of this home where tables tell homes apart, unless there is one of the same key."""
        row = self._of_home(table, values)
        database.execute(self._insert(table, row).on_conflict_do_nothing())

    @property
    def name(self) -> str:
        """What this home is called among those that share a database; unknown until something of it is stored."""
        path = self.home / NAME_FILE
        if self._file is not None or not path.exists():
            return ONLY_HOME if self._file is not None else "?"
        try:
            return str(json.loads(path.read_text(encoding="utf-8"))["home"])
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise CatalogueUnusable(
                f"{path} cannot be read ({type(fault).__name__}); restore it from a backup"
            ) from None

    def _of_home(self, table: sa.Table, values: Mapping[str, object]) -> dict[str, object]:
        if "home" not in table.columns:
            return dict(values)
        return dict(values) | {"home": self.name, "seal": _seal(values)}

    def _check_seal(self, row: Mapping[str, object]) -> None:
        """Raise `CatalogueUnusable` where a whole row is not what was stored; rows of before seals are taken as they are."""
        if row["seal"] is not None and row["seal"] != _seal(row):
            raise CatalogueUnusable(_damaged(self._file))

    def _give_name(self) -> None:
        """Name this home for good: in the database first, so that a name in the home is always known there."""
        with FileLock(self.home / f".{NAME_FILE}.lock"):
            if (self.home / NAME_FILE).exists():
                return
            given = str(uuid.uuid4())
            with self._transaction() as database:
                database.execute(HOMES.insert().values(home=given, path=str(self.home)))
            write_atomically(self.home / NAME_FILE, json.dumps({"home": given}).encode())

    def _insert(
        self, table: sa.Table, row: Mapping[str, object]
    ) -> sqlite.Insert | postgresql.Insert:
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        return dialect.insert(table).values(**row)

    def _is_missing(self) -> bool:
        """Return whether the file in the home is not there, or holds nothing: SQLite would take it for a new one."""
        return self._file is not None and (
            not self._file.exists() or (self._file.is_file() and not self._file.stat().st_size)
        )

    def _refuse_lost(self) -> None:
        """Raise where this home has no catalogue any more: a new one would publish first revisions again."""
        if (self.home / NAME_FILE).exists():
            raise CatalogueElsewhere(
                f"the catalogue of {self.home} is in another database; name it in ONPACE_LEDGER_URL again"
            )
        if any((self.home / "revisions").glob("*/[0-9]*")):
            raise CatalogueElsewhere(
                f"{self.home} has published months and no {FILE}; run `onpace upgrade`, or restore it from a backup"
            )

    def _upgrade(self) -> None:
        """Bring the database to the tables of this version; another process may do so in the same moment."""
        with self._engine.begin() as database:
            version = version_of(database)
        for is_last in (False, True) if version != NEWEST else ():
            try:
                with _ONE_AT_A_TIME, self._engine.begin() as database:
                    if database.dialect.name == "sqlite":  # its driver would begin at the first row
                        database.exec_driver_sql("BEGIN IMMEDIATE")
                    self._bring_to_newest(database)
            except (IntegrityError, ProgrammingError, OperationalError):
                if is_last:
                    raise
            else:
                break
        if self._file is None and (self.home / NAME_FILE).exists():
            with self._engine.begin() as database:
                known = sa.select(HOMES.c.home).where(HOMES.c.home == self.name)
                if database.execute(known).first() is None:
                    raise CatalogueElsewhere(
                        f"the database that ONPACE_LEDGER_URL names does not know {self.home}; name the one that its catalogue is in"
                    )
        self._is_ready, self._known_schema = True, self._schema()

    def _bring_to_newest(self, database: sa.Connection) -> None:
        try:
            bring_to_newest(database)
        except ValueError:  # a value that is not of its type
            raise CatalogueUnusable(_damaged(self._file)) from None

    @contextmanager
    def _said(self) -> Generator[None]:
        """Say what a database refuses, without its address."""
        try:
            yield
        except UnicodeDecodeError:  # of SQLite's words about a schema that is damaged
            raise CatalogueUnusable(_damaged(self._file)) from None
        except DBAPIError as fault:
            # The address may hold a password: the driver's words are cut to the first line.
            said = str(fault.orig).splitlines()[0][:120] if fault.orig else "no answer"
            is_damaged = any(words in said for words in DAMAGED)
            if self._file is not None and (is_damaged or self._file.is_dir()):
                raise CatalogueUnusable(_damaged(self._file)) from None
            raise CatalogueUnusable(
                f"the catalogue cannot be used ({said}); check ONPACE_LEDGER_URL or ONPACE_HOME"
            ) from None


def _seal(values: Mapping[str, object]) -> str:
    """Return the digest of a row's values, but for those that are not stored or change."""
    kept = {
        name: value for name, value in values.items() if value is not None and name not in UNSEALED
    }
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def _damaged(file: Path | None) -> str:
    return f"{file or 'the catalogue'} is damaged; restore it from a backup, nothing else holds what it knows"


def _is_same_file(named: sa.URL, own: sa.URL) -> bool:
    """Return whether an address means the home's own file, however it is written."""
    if named.get_backend_name() != "sqlite" or not named.database:
        return False
    return Path(named.database).resolve() == Path(str(own.database)).resolve()


@lru_cache(maxsize=64)
def _engine(url: sa.URL) -> sa.Engine:
    """Return the connections of this process to a database: all who use it share them."""
    if url.get_backend_name() == "sqlite":
        # A file is opened in no time, and no connection outlives its use: none is shared by a fork.
        return sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": WAIT})
    return sa.create_engine(url, pool_pre_ping=True)
