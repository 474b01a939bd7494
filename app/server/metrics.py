"""Figures of this installation for Prometheus: runs, backfills, the daemon, the newest month, deliveries.

Put figures about operation here, never numbers of sales. Labels take few values (jobs, states,
parts of the daemon):
no client, no recipient, no month. A scrape takes a few bounded queries and reads no event log.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from connectors.delivery.ledger import DeliveryLedger
from connectors.storage.publications import PublishedMonths
from orchestration import settings
from orchestration.instance import dagster_instance
from orchestration.live_runs import waiting_since
from orchestration.resources import catalogue
from sales.errors import UserError

# Backfills and single assets from the UI run under the last of these names.
JOBS = ("month_end", "release", "restatement", "__ASSET_JOB")
BACKFILL_STATES = (
    "REQUESTED",
    "COMPLETED",
    "COMPLETED_SUCCESS",
    "COMPLETED_FAILED",
    "FAILED",
    "FAILING",
    "CANCELING",
    "CANCELED",
)
RECENT, MOST_COUNTED = timedelta(days=30), 500
NEVER = {
    dg.DagsterRunStatus.MANAGED,
    dg.DagsterRunStatus.SUSPENDED,
}  # states that no run of ours takes


class OperationMetrics(Collector):
    """Reads every source anew at each scrape; one that cannot be read is missing, and said to be."""

    def __init__(self, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> None:
        """Use a clock for ages."""
        self._now = now

    def collect(self) -> Iterator[Metric]:
        """Yield every family."""
        readable = GaugeMetricFamily(
            "onpace_source_readable",
            "1 where the source of these figures could be read",
            labels=["source"],
        )
        for source, read in (
            ("dagster", self._of_dagster),
            ("home", _of_home),
            ("ledger", _of_ledger),
        ):
            try:
                families = list(read())
            except (UserError, OSError, ValueError):
                families = []
            readable.add_metric([source], 1 if families else 0)
            yield from families
        yield readable

    def _of_dagster(self) -> Iterator[Metric]:
        with dagster_instance() as instance:
            since = self._now() - RECENT
            yield _runs(instance, since)
            yield from _last_successes(instance)
            yield _backfills(instance, since)
            yield self._heartbeats(instance)
            yield self._queue(instance)

    def _queue(self, instance: dg.DagsterInstance) -> Metric:
        since = waiting_since(instance)
        age = (self._now() - since).total_seconds() if since else 0.0
        return GaugeMetricFamily(
            "onpace_oldest_queued_run_age_seconds",
            "Since when the oldest run of the queue waits, 0 where none does",
            value=age,
        )

    def _heartbeats(self, instance: dg.DagsterInstance) -> Metric:
        age = GaugeMetricFamily(
            "onpace_daemon_heartbeat_age_seconds",
            "Since a part of the daemon was last heard of",
            labels=["daemon"],
        )
        for name, beat in sorted(instance.get_daemon_heartbeats().items()):
            age.add_metric([name.lower()], self._now().timestamp() - beat.timestamp)
        return age


def exposition(now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> bytes:
    """Return the figures in the text format of Prometheus."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(OperationMetrics(now))
    return generate_latest(registry)


def _runs(instance: dg.DagsterInstance, since: datetime) -> Metric:
    runs = GaugeMetricFamily(
        "onpace_recent_runs",
        f"Runs of the last {RECENT.days} days, of the newest {MOST_COUNTED}",
        labels=["job", "status"],
    )
    newest = instance.get_run_records(dg.RunsFilter(created_after=since), limit=MOST_COUNTED)
    counted = Counter((record.dagster_run.job_name, record.dagster_run.status) for record in newest)
    for job in JOBS:
        for status in (each for each in dg.DagsterRunStatus if each not in NEVER):
            runs.add_metric([job, status.value.lower()], counted[job, status])
    return runs


def _last_successes(instance: dg.DagsterInstance) -> Iterator[Metric]:
    ended = GaugeMetricFamily(
        "onpace_last_success_timestamp_seconds",
        "When the newest good run of a job ended",
        labels=["job"],
    )
    took = GaugeMetricFamily(
        "onpace_last_success_duration_seconds",
        "How long the newest good run of a job took",
        labels=["job"],
    )
    for job in JOBS:
        for record in instance.get_run_records(
            dg.RunsFilter(job_name=job, statuses=[dg.DagsterRunStatus.SUCCESS]), limit=1
        ):
            if record.start_time is not None and record.end_time is not None:
                ended.add_metric([job], record.end_time)
                took.add_metric([job], record.end_time - record.start_time)
    yield from (ended, took)


def _backfills(instance: dg.DagsterInstance, since: datetime) -> Metric:
    backfills = GaugeMetricFamily(
        "onpace_recent_backfills",
        f"Backfills of the last {RECENT.days} days, of the newest {MOST_COUNTED}",
        labels=["status"],
    )
    counted = Counter(
        each.status.value
        for each in instance.get_backfills(limit=MOST_COUNTED)
        if each.backfill_timestamp >= since.timestamp()
    )
    for status in BACKFILL_STATES:
        backfills.add_metric([status.lower()], counted[status])
    return backfills


def _of_home() -> Iterator[Metric]:
    newest = PublishedMonths(catalogue()).latest()
    published = GaugeMetricFamily(
        "onpace_newest_published_month_timestamp_seconds",
        "The first day of the newest published month, midnight UTC",
    )
    documents = GaugeMetricFamily(
        "onpace_newest_published_documents", "Documents of the newest published month"
    )
    if newest is not None:
        published.add_metric([], datetime(newest.year, newest.number, 1, tzinfo=UTC).timestamp())
        documents.add_metric([], _documents(settings.home() / "packs" / str(newest)))
    yield from (published, documents)


def _documents(folder: Path) -> int:
    path = folder / "manifest.json"
    return len(json.loads(path.read_text(encoding="utf-8"))["documents"]) if path.exists() else 0


def _of_ledger() -> Iterator[Metric]:
    deliveries = GaugeMetricFamily(
        "onpace_deliveries", "Deliveries of the ledger", labels=["status"]
    )
    for status, count in DeliveryLedger(catalogue()).counts().items():
        deliveries.add_metric([status.value], count)
    yield deliveries
