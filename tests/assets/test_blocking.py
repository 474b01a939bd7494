"""A month whose tables break a law is not printed and not published."""

from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest

from assets.books import Books
from connectors.storage import NotComputed
from orchestration import runs
from sales import reconciliation
from sales.calendar import Month
from tests.fakes import FakeReader, deal, extract, raw_tables, saved

MONTH = Month(2026, 3)


@pytest.fixture
def books(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Books:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "targets.csv").write_text("fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n")
    monkeypatch.setenv("ONPACE_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("ONPACE_POLICY", str(tmp_path / "policy"))
    reader = FakeReader(raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])))
    return Books(tmp_path / "home", tmp_path / "policy", lambda: reader, "https://acme.example", lambda: datetime(2026, 5, 4, tzinfo=UTC))


def test_a_broken_law_stops_before_anything_is_printed(books: Books, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    instance = dg.DagsterInstance.local_temp(str(tmp_path))
    with monkeypatch.context() as broken:
        broken.setattr(reconciliation, "movement_closes", lambda _: ["company Acme FY2026: does not close"])
        with pytest.raises(runs.RunFailed, match="movement_closes"):
            runs.run_month("restatement", MONTH, books, instance)
    assert not (books.home / "packs").exists()
    with pytest.raises(NotComputed):
        books.tables.read_published("pipeline_movement", MONTH)
    runs.run_month("restatement", MONTH, books, instance)
    assert len(books.tables.read_published("pipeline_movement", MONTH)) == 12
    assert (books.home / "packs" / "2026-03" / "company.pdf").exists()
