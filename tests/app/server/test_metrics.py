import json
from datetime import UTC, datetime
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus, PartitionBackfill
from dagster._daemon.types import DaemonHeartbeat
from prometheus_client.parser import text_string_to_metric_families

from app.server.metrics import exposition
from connectors.delivery.ledger import DeliveryLedger, Status
from connectors.storage.catalogue import Catalogue
from orchestration.instance import dagster_instance
from sales.calendar import Month
from tests.app.server.homes import new_home
from tests.fakes import published

NOW = datetime(2020, 5, 5, tzinfo=UTC)  # what a test records now is recent


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    return new_home(tmp_path, monkeypatch)


def figures() -> dict[tuple[str, ...], float]:
    """Return values by name and labels, as Prometheus' own parser reads them."""
    families = text_string_to_metric_families(exposition(lambda: NOW).decode())
    return {
        (sample.name, *sample.labels.values()): sample.value
        for family in families
        for sample in family.samples
    }


def test_an_empty_installation_has_its_figures() -> None:
    found = figures()
    assert found["onpace_recent_runs", "month_end", "success"] == 0
    assert {
        found["onpace_source_readable", source] for source in ("dagster", "home", "ledger")
    } == {1}
    assert ("onpace_newest_published_documents",) not in found, "no month is no number"


def test_runs_are_counted_by_job_and_status_and_the_newest_good_one_is_timed() -> None:
    @dg.job
    def month_end() -> None: ...

    @dg.job
    def restatement() -> None: ...

    @dg.job
    def anything() -> None: ...

    with dagster_instance() as instance:
        for status in (
            dg.DagsterRunStatus.SUCCESS,
            dg.DagsterRunStatus.FAILURE,
            dg.DagsterRunStatus.FAILURE,
        ):
            instance.create_run_for_job(month_end, status=status)
        done = restatement.execute_in_process(instance=instance)
        anything.execute_in_process(instance=instance)
        record = instance.get_run_record_by_id(done.run_id)
    found = figures()
    assert (
        found["onpace_recent_runs", "month_end", "success"],
        found["onpace_recent_runs", "month_end", "failure"],
    ) == (1, 2)
    assert record is not None
    assert found["onpace_last_success_timestamp_seconds", "restatement"] == record.end_time
    assert (
        found["onpace_last_success_duration_seconds", "restatement"]
        == record.end_time - record.start_time
    )
    assert ("onpace_last_success_timestamp_seconds", "month_end") not in found, "it has no times"
    assert not any("anything" in key for key in found), "only our jobs: their number is known"


def test_the_daemon_is_as_old_as_it_was_last_heard_of() -> None:
    with dagster_instance() as instance:
        instance.add_daemon_heartbeat(DaemonHeartbeat(NOW.timestamp() - 42, "SENSOR", None))
        instance.add_backfill(asked_for(BulkActionStatus.REQUESTED))
    found = figures()
    assert found["onpace_daemon_heartbeat_age_seconds", "sensor"] == 42
    assert (
        found["onpace_recent_backfills", "requested"],
        found["onpace_recent_backfills", "failed"],
    ) == (1, 0)


def asked_for(status: BulkActionStatus) -> PartitionBackfill:
    return PartitionBackfill(
        "abc", status, from_failure=False, tags={}, backfill_timestamp=NOW.timestamp()
    )


def test_the_newest_month_and_deliveries_are_counted_without_a_name(home: Path) -> None:
    published(home, Month(2026, 3), Month(2026, 4))
    (home / "packs" / "2026-04").mkdir(parents=True)
    (home / "packs" / "2026-04" / "manifest.json").write_text(
        json.dumps({"documents": [{"file": "company.pdf"}, {"file": "team-harbour.pdf"}]})
    )
    ledger = DeliveryLedger(Catalogue(home))
    planned = ledger.plan(
        "2026-04",
        "mail",
        [("ann@acme.example", "company.pdf", "aa"), ("bob@acme.example", "company.pdf", "aa")],
    )
    ledger.note(list(planned.values())[:1], Status.SENT)
    found = figures()
    assert (
        found["onpace_newest_published_month_timestamp_seconds",]
        == datetime(2026, 4, 1, tzinfo=UTC).timestamp()
    )
    assert found["onpace_newest_published_documents",] == 2
    assert [found["onpace_deliveries", status] for status in ("planned", "sent", "refused")] == [
        1,
        1,
        0,
    ]
    assert not any("acme" in label or "harbour" in label for key in found for label in key)


def test_a_source_that_cannot_be_read_is_said_and_leaves_the_others(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("ONPACE_LEDGER_URL", "nonsense://s3cret-planted@host")
    found = figures()
    assert [
        found["onpace_source_readable", source] for source in ("dagster", "home", "ledger")
    ] == [1, 0, 0]
