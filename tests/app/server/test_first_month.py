"""Months of the UI begin with the first of which something was read."""

from pathlib import Path

import pytest

from app.server import ui
from assets.partitions import FIRST_MONTH, first_month
from publication.extract_selection import resolve_extract
from publication.preconditions import EARLIEST_MONTH
from publication.workspace import Workspace
from sales.calendar import Month, UnknownMonth
from tests.publication.april import workspace_of
from tests.reports.months import MONTH


@pytest.fixture
def workspace(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Workspace:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n"
    )
    monkeypatch.delenv(FIRST_MONTH, raising=False)
    made = workspace_of(tmp_path)
    monkeypatch.setattr(ui, "make_workspace", lambda: made)
    return made


def test_it_is_found_in_what_was_read_last(workspace: Workspace) -> None:
    assert ui._first_month() == "", "nothing was read yet"
    record = resolve_extract(workspace, MONTH, lambda _: None)
    created = workspace.loaded.extract(record).opportunities["created_at"].min()
    assert ui._first_month() == str(Month.of(created.date()))


def test_what_is_stated_counts(workspace: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    del workspace
    monkeypatch.setenv(FIRST_MONTH, "2023-01")
    assert ui._first_month() == "2023-01"
    assert first_month() == Month(2023, 1)


def test_the_ui_starts_where_what_was_read_is_damaged(workspace: Workspace) -> None:
    resolve_extract(workspace, MONTH, lambda _: None)
    (workspace.home / "catalogue.sqlite").write_bytes(b"no database")
    assert ui._first_month() == ""


def test_what_is_no_month_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(FIRST_MONTH, "January")
    with pytest.raises(UnknownMonth, match="ONPACE_FIRST_MONTH: 'January' is not a month"):
        first_month()
    monkeypatch.setenv(FIRST_MONTH, " ")
    assert first_month() == EARLIEST_MONTH
