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
from orchestration.run_tags import COMMAND
from publication.workspace import Workspace
from sales.calendar import Month
from sales.errors import UserError

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
def present(
    job_name: str, month: Month, workspace: Workspace
) -> Generator[tuple[str, Mapping[str, str]]]:
    """Show that a run of this process is at work while a block runs; yields the run's id, and the tags by which others see it.

    Dagster gives the tags of a run to those that repeat it: the id tells which run they are of.
    """
    run_id = str(uuid.uuid4())
    with workspace.leases.hold(f"run {run_id}", f"{job_name} of {month}"):
        yield run_id, {COMMAND: run_id}


def end_dead_runs(instance: dg.DagsterInstance, leases: Leases) -> list[dg.DagsterRun]:
    """End the runs of command lines whose process is gone as failed, and return them."""
    unfinished = dg.RunsFilter(statuses=UNFINISHED)
    dead = [
        run
        for run in instance.get_runs(unfinished)
        if run.tags.get(COMMAND) == run.run_id and leases.holder(f"run {run.run_id}") is None
    ]
    # A run that ended between the two questions has no lease either.
    left = {run.run_id for run in instance.get_runs(unfinished)} if dead else set[str]()
    ended = [run for run in dead if run.run_id in left]
    for run in ended:
        instance.report_run_failed(run, ENDED)
    return ended


@dg.sensor(
    minimum_interval_seconds=60,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every minute: ends runs whose process is gone, and tells hold_notice of recipients.toml and the channels of ONPACE_NOTICES, once, when runs wait for a quarter of an hour.",
)
def waiting_runs(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """End what is dead, so that nothing waits for it; tell of a queue that stands all the same."""
    room = make_delivery_service()
    for run in end_dead_runs(context.instance, room.workspace.leases):
        context.log.warning("run %s was ended: %s", run.run_id, ENDED)
    now = datetime.now(UTC)
    since = standing_since(context.instance, now)
    if since is None:
        return dg.SensorResult(cursor="", skip_reason=dg.SkipReason("no run waits for long"))
    if context.cursor:
        return dg.SkipReason(f"{sentence_of(since)}; that was told")
    try:
        room.notify(Month.of(now.date()).plus(-1), STANDS, f"{sentence_of(since)}\n")
    except UserError as fault:  # health and figures say it too
        context.log.warning("the alarm could not be sent: %s", fault)
    return dg.SensorResult(cursor=since.isoformat())


def sentence_of(since: datetime) -> str:
    """Say what a queue that stands means and what to do."""
    return f"runs wait since {since:%Y-%m-%d %H:%M} UTC and none begins; see what is at work under Runs, and end what hangs"


def standing_since(instance: dg.DagsterInstance, now: datetime) -> datetime | None:
    """Return since when runs wait while none began or ended, none where nothing waits for long."""
    oldest = waiting_since(instance)
    if oldest is None or now - oldest <= LONGEST_QUEUE:
        return None
    others = [each for each in dg.DagsterRunStatus if each is not dg.DagsterRunStatus.QUEUED]
    moved = dg.RunsFilter(statuses=others, updated_after=now - LONGEST_QUEUE)
    return None if instance.get_runs(moved, limit=1) else oldest


def waiting_since(instance: dg.DagsterInstance) -> datetime | None:
    """Return since when the oldest run in the queue waits, none where the queue is empty."""
    queued = dg.RunsFilter(statuses=[dg.DagsterRunStatus.QUEUED])
    oldest = instance.get_run_records(queued, limit=1, ascending=True)
    return oldest[0].create_timestamp if oldest else None
