"""The graph as data."""

import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from syrupy.assertion import SnapshotAssertion

from orchestration.definitions import defs
from orchestration.schedules import month_end_schedule

ROOT = Path(__file__).parents[2]


def test_the_graph(snapshot: SnapshotAssertion) -> None:
    graph = defs.resolve_asset_graph()
    described = {
        key.to_user_string(): {
            "group": graph.get(key).group_name,
            "deps": sorted(parent.to_user_string() for parent in graph.get(key).parent_keys),
            "partitioned": graph.get(key).is_partitioned,
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
    return {key.to_user_string() for key in defs.resolve_job_def(job).asset_layer.executable_asset_keys}


def test_only_the_month_end_delivers() -> None:
    assert selected("month_end") - selected("restatement") == {"month_end_delivery"}


def test_business_checks_block() -> None:
    graph = defs.resolve_asset_graph()
    checks = [graph.get(key) for key in graph.asset_check_keys]
    assert len(checks) == 7
    assert all(check.blocking for check in checks)


@pytest.fixture
def instance(tmp_path: Path) -> dg.DagsterInstance:
    return dg.DagsterInstance.local_temp(str(tmp_path))


def evaluate(instance: dg.DagsterInstance, *when: int) -> object:
    moment = datetime(*when, tzinfo=UTC)  # type: ignore[misc]
    context = dg.build_schedule_context(instance=instance, scheduled_execution_time=moment)
    return month_end_schedule(context)


def test_the_month_end_is_due_on_the_third_working_day(instance: dg.DagsterInstance) -> None:
    """In January 2026 the first is a holiday in England and the third working day is Tuesday the 6th."""
    assert isinstance(evaluate(instance, 2026, 1, 5, 7), dg.SkipReason)
    due = evaluate(instance, 2026, 1, 6, 7)
    assert isinstance(due, dg.RunRequest)
    assert due.partition_key == "2025-12"


def test_a_machine_that_was_off_catches_up_once(instance: dg.DagsterInstance) -> None:
    assert isinstance(evaluate(instance, 2026, 1, 9, 7), dg.RunRequest)
    job = defs.resolve_job_def("month_end")
    tags = {"dagster/partition": "2025-12"}
    instance.create_run_for_job(job, tags=tags | {"dagster/backfill": "abc"}, status=dg.DagsterRunStatus.SUCCESS)
    assert isinstance(evaluate(instance, 2026, 1, 9, 7), dg.RunRequest)  # a backfill delivered nothing
    instance.create_run_for_job(job, tags=tags, status=dg.DagsterRunStatus.SUCCESS)
    assert isinstance(evaluate(instance, 2026, 1, 9, 7), dg.SkipReason)
    assert isinstance(evaluate(instance, 2026, 2, 9, 7), dg.RunRequest)


def test_the_schedule_ticks_at_seven_where_the_company_is() -> None:
    assert (month_end_schedule.cron_schedule, month_end_schedule.execution_timezone) == ("0 7 1-12 * *", "Europe/London")


def test_definitions_load_with_an_empty_environment(tmp_path: Path) -> None:
    code = "import orchestration.definitions as d; print(len(d.defs.resolve_asset_graph().get_all_asset_keys()))"
    environment = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=environment, capture_output=True, text=True, check=False, timeout=120)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == 34
