"""The production instance on a real PostgreSQL, where the machine has one."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import requests
from dagster._core.definitions.run_request import InstigatorType
from dagster._core.remote_origin import (
    InProcessCodeLocationOrigin,
    RemoteInstigatorOrigin,
    RemoteRepositoryOrigin,
)
from dagster._core.scheduler.instigation import (
    InstigatorState,
    InstigatorStatus,
    ScheduleInstigatorData,
)
from dagster._core.types.loadable_target_origin import LoadableTargetOrigin
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

from app.demo.mail_server import free_port
from app.server.health import examine
from app.server.metrics import exposition
from orchestration.instance import dagster_instance
from tests.postgresql import postgresql

ROOT = Path(__file__).parents[2]
SECRET = "s3cret-planted-here"
LOCATION = ROOT / "tests" / "orchestration" / "small_location.py"
LAUNCH = """
mutation { launchRun(executionParams: {mode: "default", runConfigData: "{}", selector:
  {repositoryLocationName: "%s", repositoryName: "__repository__", jobName: "small"}}) { __typename } }
"""

SWITCHED_ON = InstigatorState(
    RemoteInstigatorOrigin(
        RemoteRepositoryOrigin(
            InProcessCodeLocationOrigin(LoadableTargetOrigin()), "__repository__"
        ),
        "small_schedule",
    ),
    InstigatorType.SCHEDULE,
    InstigatorStatus.RUNNING,
    ScheduleInstigatorData("0 7 * * *"),
)


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    with postgresql(SECRET) as port:
        yield port


@pytest.fixture
def environment(port: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Settings of a production installation, here and for processes started by a test."""
    deploy = tmp_path / "deploy"
    deploy.mkdir()
    # The port of production is written out, the server of a test has another.
    text = (ROOT / "deploy" / "dagster.yaml").read_text(encoding="utf-8")
    assert "port: 5432" in text
    (deploy / "dagster.yaml").write_text(
        text.replace("port: 5432", f"port: {port}"), encoding="utf-8"
    )
    (tmp_path / "home").mkdir()
    deploy.chmod(0o555)
    ours = {
        "ONPACE_HOME": str(tmp_path / "home"),
        "ONPACE_DAGSTER_HOME": str(deploy),
        "DAGSTER_HOME": str(deploy),
        "DAGSTER_POSTGRES_HOST": "127.0.0.1",
        "DAGSTER_POSTGRES_DB": "postgres",
        "DAGSTER_POSTGRES_USER": "onpace",
        "DAGSTER_POSTGRES_PASSWORD": SECRET,
    }
    for name, value in ours.items():
        monkeypatch.setenv(name, value)
    return {**os.environ, **ours, "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


def rows(port: int, query: str) -> list[tuple[object, ...]]:
    with psycopg.connect(
        host="127.0.0.1", port=port, user="onpace", dbname="postgres", password=SECRET
    ) as database:
        return database.execute(query.encode()).fetchall()


def test_runs_and_events_are_in_postgresql_and_another_process_reads_them(
    environment: dict[str, str], port: int
) -> None:
    from tests.orchestration.small_location import small

    with dagster_instance() as instance:
        done = small.execute_in_process(instance=instance, partition_key="2026-04")
        instance.add_instigator_state(SWITCHED_ON)
    assert rows(
        port, f"SELECT pipeline_name, status, partition FROM runs WHERE run_id = '{done.run_id}'"
    ) == [("small", "SUCCESS", "2026-04")]
    assert rows(port, f"SELECT count(*) FROM event_logs WHERE run_id = '{done.run_id}'")[0][0] > 5
    assert rows(port, "SELECT status, job_type FROM jobs") == [("RUNNING", "SCHEDULE")]
    code = (
        "from orchestration.instance import dagster_instance\n"
        "with dagster_instance() as instance:\n"
        "    print([state.status.value for state in instance.all_instigator_state()])\n"
        f"    print([event.user_message for event in instance.all_logs({done.run_id!r}) if 'the month is' in event.user_message])"
    )
    read = subprocess.run(
        [sys.executable, "-c", code],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert read.stdout.split("\n")[:2] == ["['RUNNING']", "['the month is 2026-04']"]
    assert SECRET not in read.stdout + read.stderr


def test_nothing_is_written_into_the_folder_of_the_instance(environment: dict[str, str]) -> None:
    with dagster_instance() as instance:
        assert not instance.is_ephemeral
    folder = Path(environment["DAGSTER_HOME"])
    assert [path.name for path in folder.iterdir()] == ["dagster.yaml"]
    assert not (Path(environment["ONPACE_HOME"]) / "dagster").exists()


@pytest.fixture
def read_only(environment: dict[str, str], tmp_path: Path) -> Iterator[str]:
    """Start the read-only UI as deploy/ does and yield its address."""
    port = free_port()
    words = [
        "--read-only",
        "--log-format",
        "json",
        "-h",
        "127.0.0.1",
        "-p",
        str(port),
        "-f",
        str(LOCATION),
    ]
    with (tmp_path / "webserver.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "dagster_webserver", *words],
            env=environment,
            cwd=tmp_path,
            stdout=log,
            stderr=log,
        )
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait(30)


def test_the_read_only_ui_refuses_a_launch_and_shows_no_password(
    read_only: str, tmp_path: Path, port: int
) -> None:
    session = requests.Session()
    session.mount(
        "http://", HTTPAdapter(max_retries=Retry(total=60, backoff_factor=0.3, backoff_max=0.5))
    )
    assert session.get(f"{read_only}/server_info", timeout=30).status_code == 200
    before = rows(port, "SELECT count(*) FROM runs")
    answer = session.post(
        f"{read_only}/graphql", json={"query": LAUNCH % LOCATION.name}, timeout=60
    ).json()
    assert answer["data"]["launchRun"]["__typename"] == "UnauthorizedError"
    assert rows(port, "SELECT count(*) FROM runs") == before
    # `ps` reads the same: our processes are given the name of the variable, and never its value.
    arguments = [
        path.read_bytes() for path in Path("/proc").glob("[0-9]*/cmdline") if path.exists()
    ]
    assert any(b"DAGSTER_POSTGRES_PASSWORD" in each for each in arguments)
    assert not any(SECRET.encode() in each for each in arguments)
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not any(SECRET.encode() in path.read_bytes() for path in written)


@pytest.mark.usefixtures("environment")
def test_a_database_that_is_down_is_a_sentence_without_the_password(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("DAGSTER_POSTGRES_DB", "none-such")
    found = {each.name: each for each in examine(datetime(2026, 5, 1, tzinfo=UTC))}
    assert [found[name].status for name in ("storage", "daemon", "month_end", "disk")] == [
        "failing",
        "failing",
        "failing",
        "ok",
    ]
    assert found["storage"].sentence.startswith(
        "Dagster's storage cannot be used (DagsterPostgresException); check dagster.yaml in "
    )
    assert not any(SECRET in each.sentence for each in found.values())


@pytest.mark.usefixtures("environment")
def test_a_missing_variable_leaves_the_other_figures_standing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("DAGSTER_POSTGRES_PASSWORD")
    figures = exposition().decode()
    assert 'onpace_source_readable{source="dagster"} 0.0' in figures
    assert 'onpace_source_readable{source="ledger"} 1.0' in figures
