"""Runs that were killed are ended, and a queue that stands is told of."""

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
    SIGN_OF_LIFE,
    end_dead_runs,
    waiting_runs,
    waiting_since,
)
from sales.calendar import Month


@dg.job
def month_end() -> None: ...


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    (tmp_path / "dagster").mkdir()
    return dg.DagsterInstance.local_temp(str(tmp_path / "dagster"))


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
    with leases.hold("run alive", "month_end of 2026-03"):
        alive = instance.create_run_for_job(**started, tags={SIGN_OF_LIFE: "run alive"})
        dead = instance.create_run_for_job(**started, tags={SIGN_OF_LIFE: "run dead"})
        launched = instance.create_run_for_job(**started)
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
    assert queue_finding(since, since + LONGEST_QUEUE).is_ok
    late = queue_finding(since, since + LONGEST_QUEUE + timedelta(seconds=1))
    assert not late.is_ok
    assert "runs wait since" in late.sentence
    assert queue_finding(None, since).is_ok


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
    queue(instance)
    context = dg.build_sensor_context(instance=instance)
    first = waiting_runs(context)
    assert isinstance(first, dg.SensorResult)
    assert room.told[0] == "Runs wait and none begins"
    again = waiting_runs(dg.build_sensor_context(instance=instance, cursor=first.cursor))
    assert isinstance(again, dg.SkipReason)
    assert len(room.told) == 2
