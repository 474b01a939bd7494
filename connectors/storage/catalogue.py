"""The catalogue: one database of what lies in a home, what was published from it, and what was sent.

Put opening the database and its transactions here. Its tables are `catalogue_schema`; what the rows
mean is said where they are used: `extracts`, `monthly_tables`, `publications`,
`document_ledger`, and the ledger of deliveries. The catalogue is `ONPACE_HOME/catalogue.sqlite` unless another
database is named, which homes may share: each then has a name of its own, in `catalogue.json`.
"""

from __future__ import annotations

import json
import threading
import uuid
from collections.abc import Generator, Mapping, Sequence
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

from connectors.storage.catalogue_schema import bring_to_newest
from connectors.storage.files import write_atomically
from sales.errors import UserError

FILE, NAME_FILE = "catalogue.sqlite", "catalogue.json"
WAIT = 30.0  # seconds for another process to finish its transaction
ONLY_HOME = ""
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
        self.home, self._file = home, None if url else home / FILE
        self._is_ready = False
        try:
            self._engine = _engine(url or f"sqlite:///{home / FILE}")
        except (ArgumentError, NoSuchModuleError, ImportError) as fault:
            raise CatalogueUnusable(
                f"ONPACE_LEDGER_URL cannot be used ({type(fault).__name__}); "
                "name a database such as postgresql+psycopg://host/name"
            ) from None

    def rows(self, wanted: sa.Executable) -> Sequence[sa.Row[tuple[object, ...]]]:
        """Return what a query finds; nothing where nothing was ever stored."""
        if self._file is not None and not self._file.exists():
            self._refuse_elsewhere()
            return []
        with self.begin() as database:
            return database.execute(wanted).all()

    @contextmanager
    def begin(self) -> Generator[sa.Connection]:
        """Open a transaction on the newest tables; it is rolled back where the block raises."""
        if self._file is not None and not self._file.exists():
            self._refuse_elsewhere()
            self.home.mkdir(parents=True, exist_ok=True)
        with self._said():
            if self._file is not None or not self._is_ready:
                self._upgrade()
            with self._engine.begin() as database:
                yield database

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
        if self._file is not None:
            return ONLY_HOME
        path = self.home / NAME_FILE
        return str(json.loads(path.read_text(encoding="utf-8"))["home"]) if path.exists() else "?"

    def _of_home(self, table: sa.Table, values: Mapping[str, object]) -> dict[str, object]:
        return dict(values) | ({"home": self._name_given()} if "home" in table.columns else {})

    def _name_given(self) -> str:
        """Return the name of this home, which is given once and kept in the home."""
        if self._file is None and not (self.home / NAME_FILE).exists():
            self.home.mkdir(parents=True, exist_ok=True)
            with FileLock(self.home / f".{NAME_FILE}.lock"):
                if not (self.home / NAME_FILE).exists():
                    given = json.dumps({"home": str(uuid.uuid4())}).encode()
                    write_atomically(self.home / NAME_FILE, given)
        return self.name

    def _insert(
        self, table: sa.Table, row: Mapping[str, object]
    ) -> sqlite.Insert | postgresql.Insert:
        dialect = sqlite if self._engine.dialect.name == "sqlite" else postgresql
        return dialect.insert(table).values(**row)

    def _refuse_elsewhere(self) -> None:
        if (self.home / NAME_FILE).exists():
            raise CatalogueElsewhere(
                f"the catalogue of {self.home} is in another database; name it in ONPACE_LEDGER_URL again"
            )

    def _upgrade(self) -> None:
        """Bring the database to the tables of this version; another process may do so in the same moment."""
        for is_last in (False, True):
            try:
                with _ONE_AT_A_TIME, self._engine.begin() as database:
                    bring_to_newest(database)
            except (IntegrityError, ProgrammingError, OperationalError):
                if is_last:
                    raise
            else:
                break
        self._is_ready = True

    @contextmanager
    def _said(self) -> Generator[None]:
        """Say what a database refuses, without its address."""
        try:
            yield
        except DBAPIError as fault:
            # The address may hold a password: the driver's words are cut to the first line.
            said = str(fault.orig).splitlines()[0][:120] if fault.orig else "no answer"
            raise CatalogueUnusable(
                f"the catalogue cannot be used ({said}); check ONPACE_LEDGER_URL or ONPACE_HOME"
            ) from None


@lru_cache(maxsize=64)
def _engine(url: str) -> sa.Engine:
    """Return the connections of this process to a database: all who use it share them."""
    if url.startswith("sqlite:"):
        # A file is opened in no time, and no connection outlives its use: none is shared by a fork.
        return sa.create_engine(url, poolclass=sa.NullPool, connect_args={"timeout": WAIT})
    return sa.create_engine(url, pool_pre_ping=True)
