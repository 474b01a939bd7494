"""Dagster's instance below a folder of the test, stored as that of a home is."""

from __future__ import annotations

from pathlib import Path

import dagster as dg

from orchestration.sqlite_storage import PooledSqlite


def temporary_instance(folder: Path) -> dg.DagsterInstance:
    """Return an instance whose runs and events are in the folder."""
    storage = {
        "module": PooledSqlite.__module__,
        "class": PooledSqlite.__name__,
        "config": {"base_dir": str(folder)},
    }
    return dg.DagsterInstance.local_temp(str(folder), overrides={"storage": {"custom": storage}})
