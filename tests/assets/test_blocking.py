"""A month whose tables break a law is not printed and not published."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import dagster as dg
import pytest
from filelock import FileLock

from connectors.storage.monthly_tables import NotComputed
from orchestration import local_runs as runs
from publication.month_inputs import Books
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from tests.fakes import FakeReader, deal, extract, raw_tables, saved

MONTH = Month(2026, 3)


def ticking(start: datetime) -> Callable[[], datetime]:
    """Return a clock that moves on by a second each time it is read."""
    seconds = count()
    return lambda: start + timedelta(seconds=next(seconds))


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n"
    )
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONPACE_POLICY", str(tmp_path / "policy"))
    reader = FakeReader(raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])))
    return Books(
        tmp_path / "home",
        tmp_path / "policy",
        lambda: reader,
        "https://acme.example",
        ticking(datetime(2026, 5, 4, tzinfo=UTC)),
    )


def test_a_broken_law_stops_before_anything_is_printed(
    books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instance = dg.DagsterInstance.local_temp(str(tmp_path))
    with monkeypatch.context() as broken:
        broken.setattr(
            reconciliation, "movement_closes", lambda _: ["company Acme FY2026: does not close"]
        )
        with pytest.raises(runs.RunFailed, match="movement_closes"):
            runs.run_month("restatement", MONTH, books, instance, runs.HowToRead())
    assert not (books.home / "packs").exists()
    with pytest.raises(NotComputed):
        books.published.read("pipeline_movement", MONTH)
    runs.run_month("restatement", MONTH, books, instance, runs.HowToRead())
    assert len(books.published.read("pipeline_movement", MONTH)) == 12
    assert (books.home / "packs" / "2026-03" / "company.pdf").exists()


def pins(books: Books) -> dict[str, str]:
    return {path.stem: path.read_text() for path in (books.home / "published").glob("*.json")}


def test_a_fresh_backfill_reads_once_and_restates_every_month(
    books: Books, monkeypatch: pytest.MonkeyPatch
) -> None:
    months = [Month(2026, 2), MONTH]
    reader = books.connect()
    assert isinstance(reader, FakeReader)
    assert runs.backfill(months, books, lambda _: None).done == months
    again = runs.backfill(months, books, lambda _: None)
    assert (again.done, again.unchanged) == ([], months)
    assert reader.pulls == 1
    before = pins(books)
    monkeypatch.setattr(books, "now", ticking(datetime(2026, 5, 5, tzinfo=UTC)))
    assert runs.backfill(months, books, lambda _: None, fresh=True).done == months
    assert reader.pulls == 2
    assert all(before[name] != after for name, after in pins(books).items())


def test_one_months_fault_leaves_the_others_standing(books: Books) -> None:
    """Nothing existed in December, and in February the deal stands in a stage that nobody explains: March looks back on it."""
    rows = [
        saved(1, "2026-01-05 10:00"),
        saved(1, "2026-02-05 10:00", stage_name="Retired"),
        saved(1, "2026-03-05 10:00"),
    ]
    reader = books.connect()
    assert isinstance(reader, FakeReader)
    reader.raw = raw_tables(extract([deal(1)], rows))
    months = [Month(2025, 12), Month(2026, 1), Month(2026, 2), MONTH, Month(2026, 4)]
    outcome = runs.backfill(months, books, lambda _: None)
    assert outcome.done == [Month(2026, 1)]
    assert [type(fault).__name__ for fault in outcome.failed.values()] == [
        "NothingYet",
        "UnknownStage",
        "UnknownStage",
        "UnknownStage",
    ]


def test_a_fault_of_every_month_ends_a_backfill_and_keeps_what_is_done(books: Books) -> None:
    runs.backfill([Month(2026, 1)], books, lambda _: None)
    (books.policy_folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,nobody,1\n"
    )
    later = Books(books.home, books.policy_folder, books.connect, books.source, books.now)
    outcome = runs.backfill([Month(2026, 1), Month(2026, 2)], later, lambda _: None)
    assert (outcome.done, list(outcome.failed)) == ([], [Month(2026, 1)])
    assert len(books.published.read("pipeline_movement", Month(2026, 1))) == 12


def test_two_runs_of_a_month_do_not_meet(books: Books, tmp_path: Path) -> None:
    with (
        FileLock(_made(books.home / "dagster" / "locks") / f"{MONTH}.lock"),
        pytest.raises(runs.RunFailed, match="another run of 2026-03 is at work"),
    ):
        runs.run_month(
            "restatement",
            MONTH,
            books,
            dg.DagsterInstance.local_temp(str(tmp_path)),
            runs.HowToRead(),
        )


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True)
    return folder
