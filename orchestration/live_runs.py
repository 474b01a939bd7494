"""Runs of which nobody knows how they ended: told from those at work, and ended, so that none waits for them.

Put the sign of life of a run here. A run that the daemon launched is watched by Dagster's run
monitoring; one of the command line runs in the command's own process, and holds a lease while it
does: a process that was killed holds it no more.
"""

from __future__ import annotations

import uuid
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import dagster as dg

from connectors.storage.leases import Leases
from orchestration.resources import make_delivery_service
from publication.workspace import Workspace
from sales.calendar import Month

SIGN_OF_LIFE = "onpace/lease"
UNFINISHED = [
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
ENDED = "its process ended without a word, as when it is killed or the machine stops; what was stored before is as it was, launch it again"
# A run waits for one that is at work, and a month end takes minutes.
LONGEST_QUEUE = timedelta(minutes=15)
STANDS = "Runs wait and none begins"


@contextmanager
def present(job_name: str, month: Month, workspace: Workspace) -> Generator[Mapping[str, str]]:
    """Show that a run of this process is at work while a block runs; yields the tags by which others see it."""
    name = f"run {uuid.uuid4()}"
    with workspace.leases.hold(name, f"{job_name} of {month}"):
        yield {SIGN_OF_LIFE: name}


def end_dead_runs(instance: dg.DagsterInstance, leases: Leases) -> list[dg.DagsterRun]:
    """End the runs whose process is gone as failed, and return them."""
    dead = [
        run
        for run in instance.get_runs(dg.RunsFilter(statuses=UNFINISHED))
        if (name := run.tags.get(SIGN_OF_LIFE)) and leases.holder(name) is None
    ]
    for run in dead:
        instance.report_run_failed(run, ENDED)
    return dead


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every minute: ends runs whose process is gone, and tells hold_notice of recipients.toml and the Slack channel, once, when runs wait for a quarter of an hour.",
)
def waiting_runs(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """End what is dead, so that nothing waits for it; tell of a queue that stands all the same."""
    room = make_delivery_service()
    for run in end_dead_runs(context.instance, room.workspace.leases):
        context.log.warning("run %s was ended: %s", run.run_id, ENDED)
    since = waiting_since(context.instance)
    if since is None or datetime.now(UTC) - since < LONGEST_QUEUE:
        return dg.SkipReason("no run waits for long")
    if context.cursor == since.isoformat():
        return dg.SkipReason(f"runs wait since {since:%Y-%m-%d %H:%M} UTC, which was told")
    month = Month.of(since.date()).plus(-1)
    room.notify(month, STANDS, f"{sentence_of(since)}\n")
    return dg.SensorResult(cursor=since.isoformat())


def sentence_of(since: datetime) -> str:
    """Say what a queue that stands means and what to do."""
    return f"runs wait since {since:%Y-%m-%d %H:%M} UTC and none begins; see what is at work under Runs, and end what hangs"


def waiting_since(instance: dg.DagsterInstance) -> datetime | None:
    """Return since when the oldest run in the queue waits, none where the queue is empty."""
    queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    oldest = instance.get_run_records(queued, limit=1, ascending=True)
    return oldest[0].create_timestamp if oldest else None
