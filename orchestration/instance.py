"""The Dagster instance of this machine: ours below `ONPACE_HOME`, or one that somebody set up for production.

Put the choice and the opening of an instance here; what runs in it is `local_runs`.
"""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator
from contextlib import contextmanager

import dagster as dg
from sqlalchemy.exc import SQLAlchemyError

from connectors.storage.files import refuse_unusable_name, write_atomically
from orchestration import settings
from orchestration.sqlite_storage import PooledSqlite
from sales.errors import UserError

FILE = "dagster.yaml"


class InstanceUnusable(UserError, OSError):
    """Dagster's instance cannot be opened."""


def prepare_dagster_home() -> None:
    """Point Dagster at the instance that settings name, else at `ONPACE_HOME/dagster` with our own instance settings."""
    folder = settings.dagster_home()
    if folder is None:
        refuse_unusable_name(settings.home())
        folder = settings.home() / "dagster"
        ours = _embedded()
        if not (folder / FILE).is_file() or (folder / FILE).read_bytes() != ours:
            write_atomically(folder / FILE, ours)
    elif not (folder / FILE).is_file():
        raise InstanceUnusable(
            f"ONPACE_DAGSTER_HOME names {folder}, and there is no {FILE} in it; correct it, or leave it empty"
        )
    os.environ["DAGSTER_HOME"] = str(folder)


def _embedded() -> bytes:
    """Return the settings of an instance that keeps what it stores beside them, wherever that is."""
    pooled = {
        "module": PooledSqlite.__module__,
        "class": PooledSqlite.__name__,
        "config": {"base_dir": {"env": "DAGSTER_HOME"}},
    }
    stored = f"storage: {json.dumps({'custom': pooled})}\n"
    return (settings.PROJECT / FILE).read_bytes() + stored.encode()


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """Yield the instance that the UI shows too; raises `InstanceUnusable` where its storage does not answer, then or later."""
    prepare_dagster_home()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    try:
        instance = dg.DagsterInstance.get()
    except Exception as fault:  # noqa: BLE001  # whatever configuration and driver raise
        raise _unusable(fault) from None
    with instance:
        try:
            yield instance
        except Exception as fault:
            if isinstance(fault, SQLAlchemyError) or isinstance(fault.__cause__, SQLAlchemyError):
                raise _unusable(fault) from None
            raise


def _unusable(fault: Exception) -> InstanceUnusable:
    """Return the fault without the driver's own words, which may hold the address of the database."""
    folder = os.environ["DAGSTER_HOME"]
    words = f"Dagster's storage cannot be used ({type(fault).__name__})"
    if settings.dagster_home() is None:
        return InstanceUnusable(
            f"{words}; restore {folder} from a backup or move it away: it holds the record of runs, and no number"
        )
    return InstanceUnusable(
        f"{words}; check {FILE} in {folder}, the variables that it names, and that the database answers"
    )
