"""What healthy means: storage answers, the daemon lives, no run waits for ever, the disk has room, month ends are published, ran well and are as they were stored.

Put a question about this installation here, as a function from facts to a `Finding`. Sentences are
for those who operate it; the web shows their status words only. No finding holds a secret, or
anything of clients.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from pathlib import Path

import dagster as dg

from connectors.storage.publications import PublishedMonths
from orchestration import settings
from orchestration.instance import dagster_instance
from orchestration.live_runs import sentence_of, standing_since
from orchestration.resources import catalogue
from orchestration.schedules import due_days
from sales.calendar import Month
from sales.errors import UserError

# A round of the daemon takes seconds, one with much to launch a few minutes.
LONGEST_SILENCE = timedelta(minutes=10)
LEAST_FREE = 2 << 30  # bytes: an extract and the documents of some months
# A month end that is due has a day to be read, printed, and tried again by a person.
TIME_TO_PUBLISH = timedelta(days=1)
BROKEN = {dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED}


@dataclass(frozen=True)
class Finding:
    """An answer to one question: its name, whether it is well, and one sentence."""

    name: str
    is_ok: bool
    sentence: str

    @property
    def status(self) -> str:
        """The answer in one word."""
        return "ok" if self.is_ok else "failing"


def daemon_finding(
    required: Sequence[str], beats: Mapping[str, datetime], now: datetime
) -> Finding:
    """Say whether every part of the daemon was at work a short while ago."""
    silent = sorted(
        each for each in required if each not in beats or now - beats[each] > LONGEST_SILENCE
    )
    if not silent:
        return Finding("daemon", True, "the daemon is at work")
    seen = [beats[each] for each in silent if each in beats]
    since = f"since {min(seen):%Y-%m-%d %H:%M} UTC" if seen else "yet"
    return Finding(
        "daemon",
        False,
        f"nothing was heard of {', '.join(silent).lower()} {since}; start dagster-daemon, or read its log",
    )


def disk_finding(folder: Path, fault: str, free: int) -> Finding:
    """Say whether the home can be written to and has room."""
    if fault:
        return Finding(
            "disk",
            False,
            f"{folder} cannot be written to ({fault}); correct its owner, or ONPACE_HOME",
        )
    if free < LEAST_FREE:
        return Finding(
            "disk",
            False,
            f"{folder} has {free >> 20} MiB left, and {LEAST_FREE >> 20} are wanted; make room",
        )
    return Finding("disk", True, f"{folder} can be written to and has {free >> 30} GiB left")


def published_finding(newest: Month | None, next_due: datetime | None, now: datetime) -> Finding:
    """Say whether the month after the newest published one is overdue; a new installation has published nothing."""
    if newest is None or next_due is None:
        return Finding("published", True, "nothing was published yet")
    if now > next_due + TIME_TO_PUBLISH:
        what = f"{newest.plus(1)} was due on {next_due:%Y-%m-%d %H:%M %Z} and is not published; see the runs of month_end and its schedule"
        return Finding("published", False, what)
    return Finding("published", True, f"{newest} is the newest published month")


def month_end_finding(status: dg.DagsterRunStatus | None, month: str) -> Finding:
    """Say what became of the last run of the month end."""
    if status is None:
        return Finding("month_end", True, "month_end has never run here")
    if status in BROKEN:
        return Finding(
            "month_end",
            False,
            f"the last month_end, of {month}, ended with {status.value}; see the run in the UI",
        )
    return Finding("month_end", True, f"the last month_end, of {month}: {status.value}")


def queue_finding(since: datetime | None) -> Finding:
    """Say whether runs wait and none begins."""
    if since is not None:
        return Finding("queue", False, sentence_of(since))
    return Finding("queue", True, "no run waits for long")


def stored_finding(damaged: Sequence[str], month: Month | None) -> Finding:
    """Say whether what readers see of the newest published month is as it was stored."""
    if not damaged:
        return Finding(
            "stored", True, f"{month} is as it was stored" if month else "nothing is published yet"
        )
    more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
    return Finding(
        "stored", False, f"{damaged[0]}{more}; run `onpace check --stored`, it names the cure"
    )


def examine(now: datetime) -> Iterator[Finding]:
    """Yield an answer to every question; what cannot be known is failing."""
    try:
        with dagster_instance() as instance:
            beats = {
                name: datetime.fromtimestamp(beat.timestamp, UTC)
                for name, beat in instance.get_daemon_heartbeats().items()
            }
            daemon = daemon_finding(instance.get_required_daemon_types(), beats, now)
            last = instance.get_run_records(dg.RunsFilter(job_name="month_end"), limit=1)
            queue = queue_finding(standing_since(instance, now))
    except OSError as fault:  # `InstanceUnusable`, or a home that cannot be
        unknown = "is not known while storage does not answer"
        yield Finding("storage", False, str(fault))
        yield Finding("daemon", False, f"the daemon {unknown}")
        yield Finding("queue", False, f"whether runs wait {unknown}")
        yield Finding("month_end", False, f"the last month_end {unknown}")
    else:
        yield Finding("storage", True, "Dagster's storage answers")
        yield daemon
        yield queue
        run = last[0].dagster_run if last else None
        yield month_end_finding(
            run.status if run else None, run.tags.get("dagster/partition", "?") if run else ""
        )
    yield _disk(settings.home())
    yield _published(now)
    yield _stored(now)


def _disk(home: Path) -> Finding:
    try:
        with tempfile.TemporaryFile(dir=home):
            return disk_finding(home, "", shutil.disk_usage(home).free)
    except OSError as fault:
        return disk_finding(home, fault.strerror or "unknown", 0)


def _published(now: datetime) -> Finding:
    try:
        newest = PublishedMonths(catalogue()).latest()
        return published_finding(newest, _due_after(newest, now.date()) if newest else None, now)
    except (UserError, OSError) as fault:
        return Finding("published", False, f"when the next month is due is not known: {fault}")


def _stored(now: datetime) -> Finding:
    try:
        published = PublishedMonths(catalogue())
        newest = published.latest()
        current = published.current(newest) if newest else None
        # Reading a month takes a second, and a monitor asks twice a minute.
        found = _damaged(current.month, current.revision, now.strftime("%F %H")) if current else ()
        if found:  # it may be mended by now
            _damaged.cache_clear()
        return stored_finding(found, newest)
    except (UserError, OSError) as fault:
        return Finding("stored", False, f"what is stored is not known: {fault}")


@lru_cache(maxsize=2)
def _damaged(month: Month, revision: int, hour: str) -> tuple[str, ...]:  # noqa: ARG001  # asked once an hour
    """Return what is wrong with the tables and documents of a revision, a sentence each."""
    published = PublishedMonths(catalogue())
    publication = published.revision(month, revision)
    return (
        *(each.partition(";")[0] for each in published.damaged(publication)),
        *(f"{path} is damaged or missing" for path in published.damaged_documents(publication)),
    )


@lru_cache(maxsize=2)
def _due_after(newest: Month, today: date) -> datetime:  # noqa: ARG001  # an edited policy counts from the next day on
    """Return when the next month end is due; it takes reading an extract, so it is asked once a day."""
    return next(due_days(newest.plus(1), 1))[1]
