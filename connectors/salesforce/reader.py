"""Reading objects completely, whatever happens on the way: small answers by REST, large ones by Bulk.

Put decisions about what to do when a reading goes wrong here. What goes over the wire is
`session` and `bulk`; what is kept of it is `connectors.storage.pull_checkpoint`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa

from connectors.salesforce.bulk import BulkQueries, ForeignJob, JobEnded, NoBulk
from connectors.salesforce.cells import text_table
from connectors.salesforce.refusals import IncompleteAnswer, LocatorExpired, QueryTimeout
from connectors.salesforce.session import Progress, SalesforceSession
from connectors.salesforce.transport import Call
from connectors.storage.pull_checkpoint import (
    DOWNLOADED,
    PullCheckpoint,
    Reading,
    Slice,
    UnfinishedPull,
)

BULK_FROM_ROWS = 2_000
MOST_ATTEMPTS = 4
NARROWEST = timedelta(minutes=1)
# Salesforce was founded in 1999: no record is older.
BEFORE_ALL = datetime(1999, 1, 1, tzinfo=UTC)

Shape = Callable[[pa.Table], pa.Table]


class ObjectReader:
    """Takes the readings of one pull further, slice by slice; every page that came is kept."""

    def __init__(
        self,
        session: SalesforceSession,
        checkpoint: PullCheckpoint,
        pull: UnfinishedPull,
        progress: Progress,
    ) -> None:
        """Use a connection and a staging area; whatever slice was asked for before may have a job."""
        self._wire, self._bulk = session, BulkQueries(session)
        self._desk, self._pull, self._progress = checkpoint, pull, progress
        self._orphans = {
            id(part)
            for reading in pull.readings.values()
            for part in reading.slices
            if part.asked_at and not part.job_id
        }
        self._without_bulk: set[str] = set()
        self._attempts: Counter[int] = Counter()

    def first_call(self, reading: Reading) -> Call | None:
        """Return the call that begins a reading, to be sent together with others; none where a job is already at work."""
        part = next((each for each in reading.slices if not each.is_done), None)
        return Call("queryAll", {"q": reading.soql(part)}) if part and not part.asked_at else None

    def read(self, reading: Reading, shape: Shape, first: Any = None) -> None:  # noqa: ANN401
        """Read what is left; `first` is the answer to the first call, or the fault that met it.

        A slice that takes Salesforce too long is halved, and both halves are read. Raises the
        last fault of a slice that went wrong too often.
        """
        while not reading.is_done:
            part = next(each for each in reading.slices if not each.is_done)
            try:
                if isinstance(first, Exception):
                    fault, first = first, None
                    raise fault
                answer, first = first, None
                self._advance(reading, part, shape, answer)
            except QueryTimeout as slow:
                self._forget_job(part)
                self._halve(reading, part, slow)
            except ForeignJob as foreign:  # somebody else's: it is not ours to delete
                self._count(part, foreign)
                part.job_id = part.asked_at = ""
            except LocatorExpired as expired:  # the job still stands: its answer can be had again
                self._count(part, expired)
                self._desk.drop(reading, part)
            except (JobEnded, IncompleteAnswer) as fault:
                self._count(part, fault)
                self._forget_job(part)
                self._desk.drop(reading, part)
            self._desk.save(self._pull)

    def abandon(self) -> None:
        """Abort jobs that still work; what was downloaded, and the jobs it came from, are kept for next time."""
        for reading in self._pull.readings.values():
            for part in reading.slices:
                if part.job_id and not part.is_done and not part.parts:
                    self._bulk.abort(part.job_id)
                    part.job_id = part.asked_at = ""
        self._desk.save(self._pull)

    def forget(self, pull: UnfinishedPull) -> None:
        """Delete the jobs of a pull that will not be finished."""
        for part in (part for reading in pull.readings.values() for part in reading.slices):
            if part.job_id and not part.is_done:
                self._bulk.abort(part.job_id)

    def _advance(
        self, reading: Reading, part: Slice, shape: Shape, first: dict[str, Any] | None
    ) -> None:
        if not part.asked_at:
            answer = first or self._wire.query(
                reading.soql(part), what=f"read {reading.object_name}"
            )
            part.announced = int(answer["totalSize"])
            if (
                answer["done"]
                or part.announced < BULK_FROM_ROWS
                or reading.object_name in self._without_bulk
            ):
                self._by_rest(reading, part, shape, answer)
                return
            part.asked_at = self._wire.now.isoformat()
            self._desk.save(self._pull)
        if not part.job_id:
            self._find_or_make_job(reading, part)
            if not part.job_id:
                return
        self._by_bulk(reading, part, shape)

    def _by_rest(self, reading: Reading, part: Slice, shape: Shape, answer: dict[str, Any]) -> None:
        self._desk.drop(reading, part)
        for records in self._wire.pages(answer, what=f"read {reading.object_name}"):
            self._desk.add(reading, part, shape(text_table(records, reading.fields)))
            self._say(reading, part)
        part.is_done = True

    def _find_or_make_job(self, reading: Reading, part: Slice) -> None:
        if (
            id(part) in self._orphans
        ):  # another process asked and was killed before it noted the answer
            self._orphans.discard(id(part))
            part.job_id = self._bulk.find(
                reading.object_name, datetime.fromisoformat(part.asked_at)
            )
        try:
            part.job_id = part.job_id or self._bulk.create(reading.soql(part), reading.object_name)
        except NoBulk:
            self._without_bulk.add(reading.object_name)
            part.asked_at = ""
        self._desk.save(self._pull)

    def _by_bulk(self, reading: Reading, part: Slice, shape: Shape) -> None:
        processed = self._bulk.wait(part.job_id)
        while part.locator != DOWNLOADED:
            page = self._page(part, reading)
            self._desk.add(reading, part, shape(page.table))
            part.locator = page.following or DOWNLOADED
            self._desk.save(self._pull)
            self._say(reading, part, processed)
        if part.rows != processed or part.rows < part.announced:
            raise IncompleteAnswer(
                f"{reading.object_name} had {part.announced:,} records, Bulk job {part.job_id} processed {processed:,} and sent {part.rows:,}; run again"
            )
        part.is_done = True
        self._forget_job(part)

    def _page(self, part: Slice, reading: Reading) -> Any:  # noqa: ANN401
        for _ in range(MOST_ATTEMPTS - 1):
            try:
                return self._bulk.page(part.job_id, part.locator, reading.fields)
            except IncompleteAnswer:
                continue  # the locator stands, so the same page can be asked for again
        return self._bulk.page(part.job_id, part.locator, reading.fields)

    def _halve(self, reading: Reading, part: Slice, slow: QueryTimeout) -> None:
        self._desk.drop(reading, part)
        since = datetime.fromisoformat(part.since) if part.since else BEFORE_ALL
        until = datetime.fromisoformat(part.until) if part.until else self._wire.now
        if until - since < NARROWEST:
            raise slow
        middle = soql_instant(since + (until - since) / 2)
        number = max(each.number for each in reading.slices) + 1
        halves = [Slice(number, part.since, middle), Slice(number + 1, middle, part.until)]
        where = reading.slices.index(part)
        # Stamps only grow: read in their order, a record that changes meanwhile is met again, never
        # missed.
        reading.slices[where : where + 1] = halves
        self._progress(
            f"{reading.object_name}: too slow for Salesforce, read in {len(reading.slices)} windows"
        )

    def _count(self, part: Slice, fault: Exception) -> None:
        self._attempts[id(part)] += 1
        if self._attempts[id(part)] >= MOST_ATTEMPTS:
            raise fault
        self._progress(f"{fault}; trying again")

    def _forget_job(self, part: Slice) -> None:
        if part.job_id and not self._bulk.forget(part.job_id):
            self._progress(
                f"Bulk job {part.job_id} could not be deleted; Salesforce forgets it in a week"
            )
        part.job_id = part.asked_at = ""

    def _say(self, reading: Reading, part: Slice, total: int = 0) -> None:
        total = max(total, part.announced)
        if part.rows:
            self._progress(
                f"{reading.object_name}: {part.rows:,} of {total:,} records received ({part.rows * 100 // max(total, 1)} %)"
            )


def soql_instant(moment: datetime) -> str:
    """Return an instant as SOQL writes it."""
    return (
        moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{moment.microsecond // 1000:03d}Z"
    )
