"""The record of runs, kept short: what may be deleted of it, and deleting it.

Put here what Dagster keeps and nobody asks for any more. Numbers, documents and deliveries are not
Dagster's, and nothing here touches them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import datetime, timedelta

import dagster as dg

# So many of the newest runs of each job and month stay, however old: the UI shows what they made.
KEPT_OF_EACH = 3
PAGE = 500


def prunable(instance: dg.DagsterInstance, now: datetime, older_than: timedelta) -> list[str]:
    """Return the ids of runs that are over for so long and are none of the newest of their job and month, the newest first."""
    seen: Counter[tuple[str, str]] = Counter()
    found: list[str] = []
    cursor: str | None = None
    while page := instance.get_run_records(limit=PAGE, cursor=cursor):
        for record in page:
            run = record.dagster_run
            kind = run.job_name, run.tags.get("dagster/partition", "")
            seen[kind] += 1
            is_old = now - record.create_timestamp > older_than
            if is_old and seen[kind] > KEPT_OF_EACH and run.is_finished:
                found.append(run.run_id)
        cursor = page[-1].dagster_run.run_id
    return found


def prune(instance: dg.DagsterInstance, run_ids: Sequence[str]) -> None:
    """Delete runs with their events."""
    for run_id in run_ids:
        instance.delete_run(run_id)
