"""A month whose tables break a law is not printed and not published."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest

from connectors.storage.leases import AtWork
from connectors.storage.monthly_tables import NotComputed
from connectors.storage.publications import Publication
from orchestration import local_runs as runs
from publication.pull_options import PullOptions
from publication.workspace import Workspace
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.temporary_instance import temporary_instance

MONTH = Month(2026, 3)


def ticking(start: datetime) -> Callable[[], datetime]:
    """Return a clock that moves on by a second each time it is read."""
    seconds = count()
    return lambda: start + timedelta(seconds=next(seconds))


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n"
    )
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONPACE_POLICY", str(tmp_path / "policy"))
    reader = FakeReader(raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])))
    return Workspace(
        tmp_path / "home",
        tmp_path / "policy",
        lambda: reader,
        "https://acme.example",
        ticking(datetime(2026, 5, 4, tzinfo=UTC)),
    )


def test_a_broken_law_stops_before_anything_is_printed(
    workspace: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = temporary_instance(tmp_path)
    with monkeypatch.context() as broken:
        broken.setattr(
            reconciliation, "movement_closes", lambda _: ["company Acme FY2026: does not close"]
        )
        with pytest.raises(runs.RunFailed, match="movement_closes"):
            runs.run_month(
                "restatement", MONTH, workspace, instance, PullOptions(shared_pull_hours=0.0)
            )
    assert not (workspace.home / "packs").exists()
    with pytest.raises(NotComputed):
        workspace.published.read("pipeline_movement", MONTH)
    runs.run_month("restatement", MONTH, workspace, instance, PullOptions(shared_pull_hours=0.0))
    assert len(workspace.published.read("pipeline_movement", MONTH)) == 12
    assert (workspace.home / "packs" / "2026-03" / "company.pdf").exists()


def pins(workspace: Workspace) -> dict[Month, Publication | None]:
    months = workspace.published.months()
    return {month: workspace.published.current(month) for month in months}


def test_a_fresh_backfill_reads_once_and_restates_every_month(
    workspace: Workspace,
) -> None:
    months = [Month(2026, 2), MONTH]
    reader = workspace.connect()
    assert isinstance(reader, FakeReader)
    assert runs.backfill(months, workspace, lambda _: None).done == months
    again = runs.backfill(months, workspace, lambda _: None)
    assert (again.done, again.unchanged) == ([], months)
    assert reader.pulls == 1
    before = pins(workspace)
    later = replace(workspace, now=ticking(datetime(2026, 5, 5, tzinfo=UTC)))
    assert runs.backfill(months, later, lambda _: None, fresh=True).done == months
    assert reader.pulls == 2
    assert all(before[name] != after for name, after in pins(workspace).items())


def test_one_months_fault_leaves_the_others_standing(workspace: Workspace) -> None:
    """Nothing existed in December, and in February the deal stands in a stage that nobody explains: March looks back on it."""
    rows = [
        saved(1, "2026-01-05 10:00"),
        saved(1, "2026-02-05 10:00", stage_name="Retired"),
        saved(1, "2026-03-05 10:00"),
    ]
    reader = workspace.connect()
    assert isinstance(reader, FakeReader)
    reader.raw = raw_tables(extract([deal(1)], rows))
    months = [Month(2025, 12), Month(2026, 1), Month(2026, 2), MONTH, Month(2026, 4)]
    outcome = runs.backfill(months, workspace, lambda _: None)
    assert outcome.done == [Month(2026, 1)]
    assert [type(fault).__name__ for fault in outcome.failed.values()] == [
        "NothingYet",
        "UnknownStage",
        "UnknownStage",
        "UnknownStage",
    ]


def test_a_fault_of_every_month_ends_a_backfill_and_keeps_what_is_done(
    workspace: Workspace,
) -> None:
    runs.backfill([Month(2026, 1)], workspace, lambda _: None)
    (workspace.policy_folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,nobody,1\n"
    )
    later = replace(workspace)
    outcome = runs.backfill([Month(2026, 1), Month(2026, 2)], later, lambda _: None)
    assert (outcome.done, list(outcome.failed)) == ([], [Month(2026, 1)])
    assert len(workspace.published.read("pipeline_movement", Month(2026, 1))) == 12


def test_two_runs_of_a_month_do_not_meet(workspace: Workspace, tmp_path: Path) -> None:
    hasty = replace(workspace, patience=1)
    with (
        workspace.leases.hold(f"month {MONTH}", "the backfill of March"),
        pytest.raises(AtWork, match=r"the backfill of March \(process \d+ on .* is at work"),
    ):
        runs.run_month(
            "restatement",
            MONTH,
            hasty,
            temporary_instance(tmp_path),
            PullOptions(shared_pull_hours=0.0),
        )
