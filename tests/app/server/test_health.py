from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
import requests
from typer.testing import CliRunner

from app.cli import app as cli
from app.server.app import front
from app.server.health import (
    LEAST_FREE,
    daemon_finding,
    disk_finding,
    examine,
    month_end_finding,
    published_finding,
    stored_finding,
)
from embedded_org.server import serving_app
from orchestration.instance import dagster_instance
from sales.calendar import Month
from tests.app.server.homes import new_home

NOW = datetime(2026, 5, 5, 12, 0, tzinfo=UTC)
APRIL_DUE = datetime(2026, 5, 4, 7, 0, tzinfo=UTC)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return new_home(tmp_path, monkeypatch)


@pytest.mark.parametrize(("minutes", "is_ok"), [(9, True), (11, False)])
def test_a_daemon_may_be_silent_for_ten_minutes(minutes: int, *, is_ok: bool) -> None:
    beats = {"SENSOR": NOW, "SCHEDULER": NOW - timedelta(minutes=minutes)}
    found = daemon_finding(["SENSOR", "SCHEDULER"], beats, NOW)
    assert found.is_ok is is_ok
    assert (
        is_ok
        or found.sentence
        == "nothing was heard of scheduler since 2026-05-05 11:49 UTC; start dagster-daemon, or read its log"
    )


def test_a_daemon_that_never_was_is_failing() -> None:
    assert (
        daemon_finding(["SENSOR"], {}, NOW).sentence
        == "nothing was heard of sensor yet; start dagster-daemon, or read its log"
    )
    assert daemon_finding(["SENSOR"], {"SENSOR": NOW, "RETIRED": APRIL_DUE}, NOW).is_ok, (
        "only the parts that this instance needs"
    )


@pytest.mark.parametrize(
    ("fault", "free", "status"),
    [
        ("", LEAST_FREE, "ok"),
        ("", LEAST_FREE - 1, "failing"),
        ("Read-only file system", LEAST_FREE, "failing"),
    ],
)
def test_a_home_needs_room_and_the_right_to_write(fault: str, free: int, status: str) -> None:
    assert disk_finding(Path("there"), fault, free).status == status


@pytest.mark.parametrize(
    ("newest", "due", "hours", "is_ok"),
    [
        (None, None, 0, True),
        (Month(2026, 3), APRIL_DUE, 24, True),
        (Month(2026, 3), APRIL_DUE, 25, False),
        (Month(2026, 4), APRIL_DUE + timedelta(days=30), 25, True),
    ],
)
def test_a_month_that_is_due_has_a_day_to_be_published(
    newest: Month | None, due: datetime | None, hours: int, *, is_ok: bool
) -> None:
    found = published_finding(newest, due, APRIL_DUE + timedelta(hours=hours))
    assert found.is_ok is is_ok
    assert is_ok or found.sentence.startswith(
        "2026-04 was due on 2026-05-04 07:00 UTC and is not published"
    )


@pytest.mark.parametrize(
    ("status", "is_ok"),
    [
        (None, True),
        (dg.DagsterRunStatus.STARTED, True),
        (dg.DagsterRunStatus.SUCCESS, True),
        (dg.DagsterRunStatus.FAILURE, False),
        (dg.DagsterRunStatus.CANCELED, False),
    ],
)
def test_the_last_month_end_must_not_have_failed(
    status: dg.DagsterRunStatus | None, *, is_ok: bool
) -> None:
    assert month_end_finding(status, "2026-04").is_ok is is_ok


def test_a_later_good_run_makes_up_for_a_failed_one(home: Path) -> None:
    @dg.job
    def month_end() -> None: ...

    def month_end_status() -> str:
        return next(each.status for each in examine(NOW) if each.name == "month_end")

    with dagster_instance() as instance:
        instance.create_run_for_job(
            month_end, status=dg.DagsterRunStatus.FAILURE, tags={"dagster/partition": "2026-04"}
        )
        assert month_end_status() == "failing"
        instance.create_run_for_job(
            month_end, status=dg.DagsterRunStatus.SUCCESS, tags={"dagster/partition": "2026-04"}
        )
        assert month_end_status() == "ok"
    assert (home / "dagster" / "dagster.yaml").exists()


@pytest.mark.usefixtures("home")
def test_the_command_answers_for_people_and_for_programs() -> None:
    told = CliRunner().invoke(cli.app, ["health"])
    assert told.exit_code == 1, "no daemon was ever here"
    assert "ok      storage: Dagster's storage answers\n" in told.stdout
    assert (
        CliRunner()
        .invoke(cli.app, ["health", "--json"])
        .stdout.startswith('{"storage": {"status": "ok", "sentence": ')
    )


def test_a_home_that_was_not_upgraded_yet_is_not_well(home: Path) -> None:
    """Its months would not be seen, and nobody told that one is overdue."""
    (home / "format.json").write_text('{"format": 2}')
    (found,) = (each for each in examine(NOW) if each.name == "published")
    assert not found.is_ok
    assert found.sentence.endswith("has format 2; run `onpace upgrade`")


@pytest.fixture
def address(home: Path) -> Iterator[str]:
    (home / "packs" / "2026-04").mkdir(parents=True)
    (home / "packs" / "2026-04" / "company.pdf").write_bytes(b"%PDF-")
    (home / "packs" / "2026-04" / "company.html").write_bytes(b"<p>x</p>")
    (home / "packs" / ".2026-04-x").mkdir()  # a run is printing
    (home / "packs" / ".2026-04-x" / "company.pdf").write_bytes(b"%PDF-")
    with serving_app(front()) as address:
        yield address


def test_the_front_says_words_of_health_and_nothing_of_this_machine(
    address: str, home: Path
) -> None:
    answer = requests.get(f"{address}/health", timeout=30)
    assert answer.status_code == 503
    assert answer.json() == {
        "status": "failing",
        "checks": {
            "storage": "ok",
            "daemon": "failing",
            "queue": "ok",
            "month_end": "ok",
            "disk": "ok",
            "published": "ok",
            "stored": "ok",
        },
    }
    assert str(home) not in answer.text


def test_the_front_serves_figures_and_documents(address: str) -> None:
    figures = requests.get(f"{address}/metrics", timeout=30)
    assert figures.headers["Content-Type"].startswith("text/plain; version=")
    assert "# TYPE onpace_recent_runs gauge" in figures.text
    assert requests.get(f"{address}/2026-04/company.pdf", timeout=30).content == b"%PDF-"
    assert figures.headers["Cache-Control"] == "no-store"
    page = requests.get(f"{address}/2026-04/company.html", timeout=30)
    assert page.headers["X-Content-Type-Options"] == "nosniff"
    assert page.headers["Content-Security-Policy"].startswith("default-src 'none'")
    for outside in (
        "/.2026-04-x/company.pdf",
        "/../dagster/dagster.yaml",
        "/%2e%2e/dagster/dagster.yaml",
        "/2026-04/",
    ):
        assert requests.get(address + outside, timeout=30).status_code == 404


def test_damage_of_the_newest_month_is_not_well() -> None:
    found = stored_finding(["a is damaged", "b is damaged"], Month(2026, 3))
    assert not found.is_ok
    assert found.sentence.startswith("a is damaged and 1 more; run `onpace check --stored`")
    assert stored_finding([], None).is_ok


@pytest.mark.parametrize(
    ("host", "code"),
    [
        ("evil.example", 400),
        ("evil.example:3001", 400),
        ("localhost:3001", 200),
        ("127.0.0.1", 200),
        ("[::1]:3001", 200),
        ("packs.acme.example", 400),
    ],
)
def test_documents_are_asked_for_by_our_own_names(
    home: Path, monkeypatch: pytest.MonkeyPatch, host: str, code: int
) -> None:
    """A page of somebody else's, whose name was made to lead here, gets nothing."""
    monkeypatch.setenv("ONPACE_PACKS_URL", "https://packs.acme.example/documents")
    # Without a header that says who asks, all documents are here: for this machine only.
    (home / "packs" / "2026-04").mkdir(parents=True)
    (home / "packs" / "2026-04" / "company.pdf").write_bytes(b"%PDF-")
    with serving_app(front()) as address:
        headers = {"Host": host}
        answer = requests.get(f"{address}/2026-04/company.pdf", headers=headers, timeout=30)
        assert answer.status_code == code
        assert requests.get(f"{address}/metrics", headers=headers, timeout=30).status_code == 200
