"""The graph as data."""

import os
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from orchestration import schedules, sensors
from orchestration.definitions import defs
from orchestration.schedules import due_days, month_end_schedule
from sales.calendar import Month
from sales.contracts.published import MONTHLY
from tests.temporary_instance import temporary_instance

ROOT = Path(__file__).parents[2]


def test_the_graph(snapshot: SnapshotAssertion) -> None:
    graph = defs.resolve_asset_graph()
    described = {
        key.to_user_string(): {
            "group": graph.get(key).group_name,
            "deps": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            "partitioned": graph.get(key).is_partitioned,
            "external": graph.get(key).is_external,
            "kinds": sorted(graph.get(key).kinds),
            "checks": sorted(check.name for check in graph.get(key).check_keys),
        }
        for key in sorted(graph.get_all_asset_keys())
    }
    assert described == snapshot


def test_every_asset_is_described_for_a_reader_and_has_an_owner() -> None:
    graph = defs.resolve_asset_graph()
    for key in graph.get_all_asset_keys():
        assert len(graph.get(key).description or "") > 40, key
        assert graph.get(key).owners, key
        assert graph.get(key).group_name != "default", key


def selected(job: str) -> set[str]:
    return {
        key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.executable_asset_keys
    }


def test_only_the_month_end_delivers() -> None:
    delivering = {"month_end_release", "month_end_delivery"}
    assert selected("month_end") - selected("restatement") == delivering
    assert selected("release") == delivering


def test_what_others_make_is_never_run() -> None:
    graph = defs.resolve_asset_graph()
    outside = {key.to_user_string() for key in graph.external_asset_keys}
    assert {key.split("/")[0] for key in outside} == {"salesforce", "policy"}
    ours = selected("month_end") | selected("flash")
    assert not outside & (ours | selected("restatement"))
    assert len(ours) + len(outside) == len(graph.get_all_asset_keys())


def test_a_flash_is_apart_from_every_month_end() -> None:
    assert selected("flash") == {"weekly_flash", "weekly_flash_delivery"}
    assert not selected("flash") & selected("month_end")


def test_laws_block_and_warnings_do_not() -> None:
    graph = defs.resolve_asset_graph()
    blocking = {key.name for key in graph.asset_check_keys if graph.get(key).blocking}
    assert len(blocking) == 8
    warnings = [key for key in graph.asset_check_keys if key.name == "as_usual"]
    assert {key.name for key in graph.asset_check_keys} - blocking == {
        "as_usual",
        "every_month_end_was_delivered",
    }
    assert {key.asset_key.to_user_string() for key in warnings} == set(MONTHLY)


class Told:
    """A delivery service that only listens."""

    def __init__(self) -> None:
        self.notices: list[tuple[str, str, str]] = []

    def notify(self, month: object, subject: str, text: str) -> None:
        self.notices.append((str(month), subject, text))


@pytest.mark.parametrize(
    ("fault", "notices"),
    [("the disk is full", 1), ("2026-04 is held back: nobody has approved", 0)],
)
def test_a_failed_month_end_is_told_once_with_a_link(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch, fault: str, notices: int
) -> None:
    @dg.op
    def broken() -> None:
        raise RuntimeError(fault)

    @dg.job
    def month_end() -> None:
        broken()

    told = Told()
    shown: list[str] = []
    monkeypatch.setattr(sensors, "make_delivery_service", lambda: told)
    monkeypatch.setattr(sensors, "show_delivery", lambda *given: shown.append(str(given[-1])))
    run = month_end.execute_in_process(
        instance=instance, raise_on_error=False, tags={"dagster/partition": "2026-04"}
    )
    context = dg.build_run_status_sensor_context(
        "failed_month_end", run.get_run_failure_event(), instance, run.dagster_run
    ).for_run_failure()
    sensors.failed_month_end(context)
    assert len(told.notices) == notices
    assert shown == ["2026-04"], "what went out before still did"
    for month, subject, text in told.notices:
        assert (month, subject) == ("2026-04", "The month end of 2026-04 failed")
        assert "the disk is full" in text
        assert f"http://127.0.0.1:3000/runs/{run.run_id}" in text


def test_coming_month_ends_keep_their_local_time_across_daylight_saving() -> None:
    """The demo company is in London: 07:00 is 06:00 UTC in summer and 07:00 UTC in winter."""
    days = dict(due_days(Month(2026, 8), 4))
    assert {at.hour for at in days.values()} == {7}
    assert [at.astimezone(UTC).hour for at in days.values()] == [6, 6, 7, 7]


@pytest.fixture
def instance(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dg.DagsterInstance:
    """Return Dagster's record beside an empty home: the checkout's own may have delivered a month."""
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path / "home"))
    return temporary_instance(tmp_path)


def evaluate(instance: dg.DagsterInstance, *when: int) -> object:
    return at(instance, datetime(*when, tzinfo=UTC))  # type: ignore[misc]


LONDON = ZoneInfo("Europe/London")


def at(instance: dg.DagsterInstance, moment: datetime) -> object:
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
    return month_end_schedule(context)


def test_the_month_end_is_due_on_the_third_working_day(instance: dg.DagsterInstance) -> None:
    """In January 2026 the first is a holiday in England and the third working day is Tuesday the 6th."""
    assert isinstance(evaluate(instance, 2026, 1, 5, 7), dg.SkipReason)
    due = evaluate(instance, 2026, 1, 6, 7)
    assert isinstance(due, dg.RunRequest)
    assert due.partition_key == "2025-12"


def test_a_machine_that_was_off_catches_up_once(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert isinstance(evaluate(instance, 2026, 1, 9, 7), dg.RunRequest)
    job = defs.resolve_job_def("month_end")
    tags = {"dagster/partition": "2025-12"}
    instance.create_run_for_job(
        job, tags=tags | {"dagster/backfill": "abc"}, status=dg.DagsterRunStatus.SUCCESS
    )
    assert isinstance(
        evaluate(instance, 2026, 1, 9, 7), dg.RunRequest
    )  # a backfill delivered nothing
    instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.SUCCESS)
    assert isinstance(evaluate(instance, 2026, 1, 9, 7), dg.RunRequest)  # it waits for an approval
    instance.create_run_for_job(
        job, tags=tags | {"dagster/schedule_name": "s"}, status=dg.DagsterRunStatus.SUCCESS
    )
    assert isinstance(evaluate(instance, 2026, 1, 9, 7), dg.SkipReason)
    assert isinstance(evaluate(instance, 2026, 2, 9, 7), dg.RunRequest)
    monkeypatch.setattr(schedules, "is_delivered", lambda month: str(month) == "2026-01")
    assert isinstance(evaluate(instance, 2026, 2, 9, 7), dg.SkipReason)


def test_the_month_end_is_due_at_seven_where_the_company_is(instance: dg.DagsterInstance) -> None:
    """The policy is read at each tick: July 2026 is due in London on the 5th of August, 07:00, which is 06:00 UTC."""
    assert isinstance(evaluate(instance, 2026, 8, 5, 5, 45), dg.SkipReason)
    assert isinstance(evaluate(instance, 2026, 8, 5, 6), dg.RunRequest)


@pytest.mark.parametrize(
    ("status", "backfill", "launches"),
    [
        (dg.DagsterRunStatus.FAILURE, "", False),
        (dg.DagsterRunStatus.CANCELED, "", False),
        (dg.DagsterRunStatus.CANCELING, "", False),
        (dg.DagsterRunStatus.FAILURE, "abc", True),
    ],
)
def test_what_ended_badly_is_tried_again_a_day_later(
    instance: dg.DagsterInstance,
    monkeypatch: pytest.MonkeyPatch,
    status: dg.DagsterRunStatus,
    backfill: str,
    *,
    launches: bool,
) -> None:
    """Who cancels a month end must not find it mailed a quarter of an hour later; a backfill stands for no month end."""
    now = datetime.now(UTC)
    soon, a_day_later = now + timedelta(minutes=15), now + timedelta(hours=25)
    monkeypatch.setattr(schedules, "due_at", lambda *_: now - timedelta(hours=1))
    # A month may end in between, where the company is.
    for month in {
        Month.of(each.astimezone(LONDON).date()).plus(-1) for each in (soon, a_day_later)
    }:
        tags = {"dagster/partition": str(month)}
        tags |= {"dagster/backfill": backfill} if backfill else {}
        instance.create_run_for_job(defs.resolve_job_def("month_end"), tags=tags, status=status)
    assert isinstance(at(instance, soon), dg.RunRequest) == launches
    if status != dg.DagsterRunStatus.CANCELING:
        assert isinstance(at(instance, a_day_later), dg.RunRequest)


def test_who_switches_the_schedule_on_late_mails_nobody(instance: dg.DagsterInstance) -> None:
    late = evaluate(instance, 2026, 1, 28, 7)
    assert isinstance(late, dg.SkipReason)
    assert "launch it and approve what it shows" in str(late.skip_message)


def test_definitions_load_with_an_empty_environment(tmp_path: Path) -> None:
    code = "import orchestration.definitions as d; g = d.defs.resolve_asset_graph(); print(len(g.executable_asset_keys), len(g.external_asset_keys))"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.split() == ["53", "27"]
