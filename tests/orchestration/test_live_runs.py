"""Runs that were killed are ended, and a queue that stands is told of."""

import uuid
from datetime import timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteJobOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin

from app.server.health import queue_finding
from connectors.delivery.mailer import SendResult
from connectors.storage.catalogue import Catalogue
from connectors.storage.leases import Leases
from orchestration import live_runs as module
from orchestration.live_runs import (
    LONGEST_QUEUE,
    end_dead_runs,
    standing_since,
    waiting_runs,
    waiting_since,
)
from orchestration.run_tags import COMMAND
from sales.calendar import Month
from tests.temporary_instance import temporary_instance


@dg.job
def month_end() -> None: ...


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    (tmp_path / "dagster").mkdir()
    return temporary_instance(tmp_path / "dagster")


def queue(instance: dg.DagsterInstance) -> None:
    """Let a run wait as the daemon's queue does."""
    location = InProcessCodeLocationOrigin(LoadableTargetOrigin())
    origin = RemoteJobOrigin(RemoteRepositoryOrigin(location, "__repository__"), "month_end")
    waiting = {"status": dg.DagsterRunStatus.QUEUED, "remote_job_origin": origin}
    instance.create_run_for_job(month_end, **waiting)


def status_of(instance: dg.DagsterInstance, run: dg.DagsterRun) -> dg.DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_a_run_whose_process_is_gone_is_ended_and_the_others_stay(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    leases = Leases(Catalogue(tmp_path))
    started = {"job_def": month_end, "status": dg.DagsterRunStatus.STARTED}
    ids = [str(uuid.uuid4()) for _ in range(2)]
    with leases.hold(f"run {ids[0]}", "month_end of 2026-03"):
        alive, dead = (
            instance.create_run_for_job(**started, run_id=each, tags={COMMAND: each})
            for each in ids
        )
        # Dagster gives the tags of the dead one to the run that repeats it.
        launched = instance.create_run_for_job(**started, tags={COMMAND: dead.run_id})
        ended = [run.run_id for run in end_dead_runs(instance, leases)]
    assert ended == [dead.run_id]
    assert status_of(instance, dead) is dg.DagsterRunStatus.FAILURE
    assert status_of(instance, alive) is dg.DagsterRunStatus.STARTED
    assert status_of(instance, launched) is dg.DagsterRunStatus.STARTED, "Dagster watches it"


def test_a_queue_that_stands_for_a_quarter_of_an_hour_is_not_well(
    instance: dg.DagsterInstance,
) -> None:
    assert waiting_since(instance) is None
    queue(instance)
    since = waiting_since(instance)
    assert since is not None
    late = since + LONGEST_QUEUE + timedelta(minutes=1)
    assert standing_since(instance, since + LONGEST_QUEUE) is None
    assert standing_since(instance, late) == since
    assert "runs wait since" in queue_finding(since).sentence
    assert not queue_finding(since).is_ok
    assert queue_finding(None).is_ok
    begun = instance.create_run_for_job(month_end, status=dg.DagsterRunStatus.STARTED)
    instance.report_run_failed(begun, "it ended")
    assert standing_since(instance, since + LONGEST_QUEUE + timedelta(microseconds=1)) is None, (
        "it moves"
    )


class Room:
    """A delivery service that only hears what it is told."""

    def __init__(self, leases: Leases) -> None:
        self.leases, self.told = leases, list[str]()

    @property
    def workspace(self) -> "Room":
        return self

    def notify(self, _month: Month, subject: str, text: str) -> SendResult:
        self.told += [subject, text]
        return SendResult()


def test_the_sensor_tells_of_a_queue_once(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = Room(Leases(Catalogue(tmp_path)))
    monkeypatch.setattr(module, "make_delivery_service", lambda: room)
    monkeypatch.setattr(module, "LONGEST_QUEUE", timedelta(0))
    idle = waiting_runs(dg.build_sensor_context(instance=instance, cursor="told"))
    assert isinstance(idle, dg.SensorResult)
    assert idle.cursor == "", "what waits next is told anew"
    queue(instance)
    context = dg.build_sensor_context(instance=instance)
    first = waiting_runs(context)
    assert isinstance(first, dg.SensorResult)
    assert room.told[0] == "Runs wait and none begins"
    again = waiting_runs(dg.build_sensor_context(instance=instance, cursor=first.cursor))
    assert isinstance(again, dg.SkipReason)
    assert len(room.told) == 2
