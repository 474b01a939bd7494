"""Who launched a run: a schedule, which nobody waits for, or a person, by the tags that Dagster gives it.

Dagster gives the tags and the configuration of a run to the one that repeats it: what a schedule or a
person decided then is not decided for the repetition.
"""

from __future__ import annotations

import dagster as dg

SCHEDULE, SENSOR, BACKFILL = "dagster/schedule_name", "dagster/sensor_name", "dagster/backfill"
PARENT = "dagster/parent_run_id"


def is_scheduled(run: dg.DagsterRun) -> bool:
    """Return whether a schedule launched the run itself."""
    return SCHEDULE in run.tags and not is_repeated(run)


def is_repeated(run: dg.DagsterRun) -> bool:
    """Return whether the run executes another one again."""
    return PARENT in run.tags
