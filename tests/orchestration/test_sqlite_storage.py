"""The embedded instance keeps its files open, and reads and writes what Dagster itself does."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from unittest import mock

import dagster as dg
import pytest
from dagster._core.storage.event_log.sqlite import sqlite_event_log
from dagster._core.storage.event_log.sqlite.sqlite_event_log import SqliteEventLogStorage

from orchestration import sqlite_storage
from orchestration.instance import dagster_instance
from orchestration.sqlite_storage import OPEN_RUNS, PooledEvents
from tests.temporary_instance import temporary_instance

ROOT = Path(__file__).parents[2]


@dg.op
def work() -> None: ...


@dg.job
def job() -> None:
    work()


@pytest.fixture
def instance(tmp_path: Path) -> Iterator[dg.DagsterInstance]:
    with temporary_instance(tmp_path) as instance:
        yield instance


def run(instance: dg.DagsterInstance) -> str:
    return job.execute_in_process(instance=instance).run_id


def opened(folder: Path) -> set[str]:
    """Return the names of the databases of the folder that this process has open."""
    links = (Path("/proc/self/fd") / name.name for name in Path("/proc/self/fd").iterdir())
    paths = [link.resolve() for link in links if link.exists()]
    return {path.name for path in paths if path.is_relative_to(folder) and path.suffix == ".db"}


def test_what_it_wrote_dagster_reads_and_the_other_way_round(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    ours = run(instance)
    with dg.DagsterInstance.local_temp(str(tmp_path)) as plain:
        assert type(plain.event_log_storage) is SqliteEventLogStorage
        assert [record.run_id for record in plain.get_runs()] == [ours]
        theirs = run(plain)
        assert len(plain.all_logs(ours)) == len(plain.all_logs(theirs))
    assert {record.run_id for record in instance.get_runs()} == {ours, theirs}
    assert len(instance.all_logs(theirs)) == len(instance.all_logs(ours))


def test_a_run_needs_few_engines(instance: dg.DagsterInstance) -> None:
    """Dagster makes one for every event; each compiles its statements anew."""
    with (
        mock.patch.object(
            sqlite_event_log, "create_engine", side_effect=AssertionError("an engine of Dagster's")
        ),
        mock.patch.object(
            sqlite_storage, "create_engine", wraps=sqlite_storage.create_engine
        ) as ours,
    ):
        run(instance)
    assert ours.call_count == len(["the run"])


def test_few_files_stay_open_however_many_runs_are_read(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    runs = [run(instance) for _ in range(OPEN_RUNS + 3)]
    for each in runs:
        assert instance.all_logs(each)
    assert opened(tmp_path) == {
        "index.db",
        "runs.db",
        *(f"{each}.db" for each in runs[-OPEN_RUNS:]),
    }
    instance.dispose()
    assert not opened(tmp_path)


def test_what_is_wiped_is_not_held_open(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    gone = run(instance)
    assert isinstance(instance.event_log_storage, PooledEvents)
    instance.event_log_storage.wipe()
    assert not any(gone in name for name in opened(tmp_path))
    assert not instance.all_logs(gone)


def test_a_home_with_any_name_has_an_instance_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / 'Möwe: "the firm\'s" # {home}'
    monkeypatch.setenv("ONPACE_HOME", str(home))
    monkeypatch.setenv("ONPACE_DAGSTER_HOME", "")
    monkeypatch.setenv("DAGSTER_HOME", "")
    with dagster_instance() as instance:
        assert isinstance(instance.event_log_storage, PooledEvents)
        assert instance.run_coordinator.__class__.__name__ == "QueuedRunCoordinator"
        run(instance)
    assert (home / "dagster" / "history" / "runs.db").is_file()


def test_a_home_that_was_moved_goes_on_where_it_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ONPACE_DAGSTER_HOME", "")
    monkeypatch.setenv("DAGSTER_HOME", "")
    first, later = tmp_path / "first", tmp_path / "later"
    found: list[set[str]] = []
    for home in (first, later):
        monkeypatch.setenv("ONPACE_HOME", str(home))
        with dagster_instance() as instance:
            run(instance)
            found.append({record.run_id for record in instance.get_runs()})
        if home is first:
            first.rename(later)
    assert len(found[1]) == 2
    assert found[0] < found[1]
    assert not first.exists()


OPENING = """
import sys
from pathlib import Path
from tests.temporary_instance import temporary_instance
print("ready", flush=True)
while not Path(sys.argv[1], "go").exists(): pass
with temporary_instance(Path(sys.argv[1])) as instance: print(len(instance.get_runs()))
"""


@pytest.mark.slow
def test_processes_that_open_a_new_home_at_once_make_its_files_once(tmp_path: Path) -> None:
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", OPENING, str(tmp_path)],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(4)
    ]
    for process in processes:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
    (tmp_path / "go").touch()
    for process in processes:
        shown, fault = process.communicate(timeout=120)
        assert (process.returncode, shown) == (0, "0\n"), fault
