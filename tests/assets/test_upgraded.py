"""A home of the first version of this program is made again by this one."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from app.cli import restate as restating
from connectors.storage.migrations import upgrade
from publication.extract_selection import is_current
from publication.pull_options import PullOptions
from publication.workspace import Workspace
from sales.calendar import Month
from tests.connectors.storage.test_migrations import home_of
from tests.temporary_instance import temporary_instance

MARCH = Month(2026, 3)


def nobody() -> None:
    raise AssertionError("what was read then is read again")


def test_a_month_of_the_first_version_is_restated_and_published(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = home_of("format-1-of-the-first-version", tmp_path)
    upgrade(home)
    monkeypatch.setenv("ONPACE_HOME", str(home))
    monkeypatch.setenv("ONPACE_POLICY", str(tmp_path / "policy"))
    workspace = Workspace(
        home,
        tmp_path / "policy",
        nobody,
        "https://acme.example",
        lambda: datetime(2026, 5, 4, 9, tzinfo=UTC),
    )  # type: ignore[arg-type]
    with temporary_instance(tmp_path) as instance:
        found = restating.compute(MARCH, workspace, instance, PullOptions(shared_pull_hours=0.0))
        assert found.lines is None, "it kept too little to explain a difference line by line"
        assert {each.table for each in found.changes} <= set(found.was.tables)
        assert restating.publish(found, workspace, instance).revision == 2
    assert is_current(workspace, MARCH)
    assert workspace.published.read("booking_credit", MARCH)["is_won"].tolist() == [False, True]
    assert len(workspace.published.read("opportunity_snapshot", MARCH, 1)) == 2
