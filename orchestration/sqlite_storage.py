"""Dagster's SQLite files, with their connections kept open.

Dagster builds an engine, compiles its statements anew and opens a file for every event, and SQLite folds its
write-ahead log into the file whenever the last connection closes: two to three seconds of each month. Put how the
embedded instance stores here; what it is told to do stays in `dagster.yaml`, and PostgreSQL has a pool of its own.
"""

from __future__ import annotations

import fcntl
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from dagster._core.storage.event_log.sqlite.sqlite_event_log import (
    INDEX_SHARD_NAME,
    SqliteEventLogStorage,
)
from dagster._core.storage.runs.sqlite.sqlite_run_storage import SqliteRunStorage
from dagster._core.storage.schedules.sqlite.sqlite_schedule_storage import SqliteScheduleStorage
from dagster._core.storage.sqlite import SQLITE_BUSY_TIMEOUT_SECONDS
from dagster._core.storage.sqlite_storage import DagsterSqliteStorage, SqliteStorageConfig
from dagster._serdes import ConfigurableClassData
from sqlalchemy import Connection, Engine, create_engine

# A run has a file of its own, and the UI reads many of them.
OPEN_RUNS = 8


def _engine(address: str) -> Engine:
    """Return an engine that keeps one connection open, and opens more where threads meet."""
    return create_engine(
        address,
        pool_size=1,
        max_overflow=-1,
        connect_args={"timeout": SQLITE_BUSY_TIMEOUT_SECONDS},
    )


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Wait until no other process makes the files of a folder."""
    with (folder / ".opening").open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # given back when the file is closed, also by a kill
        yield


class PooledRuns(SqliteRunStorage):
    """The record of runs, over one engine."""

    def __init__(self, conn_string: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Take the address of the file; nothing is opened yet."""
        self._engine = _engine(conn_string)
        super().__init__(conn_string, inst_data)

    @contextmanager
    def connect(self) -> Iterator[Connection]:
        """Yield a connection in a transaction."""
        with self._engine.connect() as connection, connection.begin():
            yield connection

    def dispose(self) -> None:
        """Close the file."""
        super().dispose()
        self._engine.dispose()


class PooledEvents(SqliteEventLogStorage):
    """The log of events: an engine for the index, and one for each run that was read or written last."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Take the folder of the files, and make the index where there is none."""
        self._engines: OrderedDict[str, Engine] = OrderedDict()
        super().__init__(base_dir, inst_data)

    @contextmanager
    def _connect(self, shard: str) -> Iterator[Connection]:
        with self._db_lock:
            engine = self._engine_of(shard)
            if shard not in self._initialized_dbs:
                self._initdb(engine)
                self._initialized_dbs.add(shard)
            with engine.connect() as connection, connection.begin():
                yield connection

    def _engine_of(self, shard: str) -> Engine:
        """Return the shard's engine, as the newest; the lock is held, so that none of the others is in use."""
        if shard not in self._engines:
            self._engines[shard] = _engine(self.conn_string_for_shard(shard))
        self._engines.move_to_end(shard)
        oldest = [name for name in self._engines if name != INDEX_SHARD_NAME][:-OPEN_RUNS]
        for name in oldest:
            self._engines.pop(name).dispose()
        return self._engines[shard]

    def wipe(self) -> None:
        """Delete everything, and hold no file that is gone."""
        self._close()
        super().wipe()

    def dispose(self) -> None:
        """Close the files."""
        super().dispose()
        self._close()

    def _close(self) -> None:
        with self._db_lock:
            while self._engines:
                self._engines.popitem()[1].dispose()


class PooledSqlite(DagsterSqliteStorage):
    """The storage of the embedded instance: the layout on disk is Dagster's, so that either reads what the other wrote."""

    def __init__(self, base_dir: str, inst_data: ConfigurableClassData | None = None) -> None:
        """Take the folder of the instance, and make the files where there are none: of processes that come at once, one."""
        self.base_dir = base_dir
        history = Path(base_dir) / "history"
        with _alone(Path(base_dir)):
            self._run_storage = PooledRuns.from_local(f"{history}/")
            self._event_log_storage = PooledEvents(f"{history / 'runs'}/")
            self._schedule_storage = SqliteScheduleStorage.from_local(f"{base_dir}/schedules/")
        self._inst_data = inst_data
        # Dagster's own would make the files once more.
        super(DagsterSqliteStorage, self).__init__()

    @classmethod
    def from_config_value(
        cls, inst_data: ConfigurableClassData, config_value: SqliteStorageConfig
    ) -> Self:
        """Return the storage below the folder that the settings of the instance name."""
        return cls.from_local(inst_data=inst_data, **config_value)
