"""Bulk 2.0 query jobs: made once, found again, waited for, downloaded page by page.

Put the life of a job here; what to do when it ends badly is decided in `reader`.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pyarrow as pa
import pyarrow.csv

from connectors.salesforce.answers import Job, JobCreated, Jobs, expect, expect_value
from connectors.salesforce.refusals import (
    AnswerLost,
    DailyLimitReached,
    IncompleteAnswer,
    LocatorExpired,
    QueryTimeout,
    RequestRefused,
    ResourceNotFound,
    SalesforceUnavailable,
)
from connectors.salesforce.session import SalesforceSession
from sales.errors import UserError

PAGE = 50_000
LONGEST_JOB_SECONDS = 6 * 3_600.0
FIRST_POLL_SECONDS, SLOWEST_POLL_SECONDS = 0.05, 10.0
MANY_ROWS_IN_A_BLOCK = 1 << 26
# Salesforce dates a job to the second.
SECOND = timedelta(seconds=1)
UNSUPPORTED = ("not supported by the Bulk API", "Async API not enabled", "INVALIDENTITY")


class NoBulk(UserError, RuntimeError):
    """This object, or this organisation, cannot be read by Bulk."""


class JobEnded(RequestRefused):
    """A job failed, was aborted or is gone."""


class ForeignJob(UserError, RuntimeError):
    """A job that was found is not the one that was lost."""


@dataclass(frozen=True)
class Page:
    """A page of a finished job as text columns; `following` is the next page's locator, empty after the last."""

    table: pa.Table
    following: str


class BulkQueries:
    """Query jobs of one connection."""

    def __init__(self, session: SalesforceSession) -> None:
        """Use a connection."""
        self._wire = session

    def create(self, soql: str, object_name: str) -> str:
        """Return the id of a new job; one whose answer was lost is found again instead of made twice."""
        asked_at = self._wire.now
        try:
            job = self._wire.create(
                "jobs/query",
                {"operation": "queryAll", "query": soql},
                what=f"read {object_name} by Bulk",
            )
        except AnswerLost:
            return self.find(object_name, asked_at) or self.create(soql, object_name)
        except RequestRefused as refused:
            if any(word in str(refused) for word in UNSUPPORTED):
                raise NoBulk(str(refused)) from None
            raise
        return str(expect(job, JobCreated, f"read {object_name} by Bulk")["id"])

    def find(self, object_name: str, asked_at: datetime) -> str:
        """Return the newest job of ours for an object since an instant, or nothing."""
        listed = expect(self._wire.get("jobs/query", what="list Bulk jobs"), Jobs, "list Bulk jobs")
        me = str(self._wire.whoami()["user_id"])
        ours = [
            job
            for job in listed["records"]
            if job["object"] == object_name
            and job["operation"] == "queryAll"
            and str(job["createdById"])[:15] == me[:15]
            and datetime.strptime(job["createdDate"], "%Y-%m-%dT%H:%M:%S.%f%z")
            >= asked_at.astimezone(UTC) - SECOND
        ]
        return str(max(ours, key=lambda job: job["createdDate"])["id"]) if ours else ""

    def wait(self, job_id: str) -> int:
        """Wait until a job is done and return how many records it processed.

        Raises `QueryTimeout`, or `JobEnded` when there will be no results.
        """
        pause, waited = FIRST_POLL_SECONDS, 0.0
        while True:
            what = f"look at Bulk job {job_id}"
            try:
                job = expect(self._wire.get(f"jobs/query/{job_id}", what=what), Job, what)
            except ResourceNotFound:
                raise JobEnded(f"Bulk job {job_id} is gone") from None
            reason = self._wire.login.masked(str(job.get("errorMessage") or "no reason given"))
            if job["state"] == "JobComplete":
                return int(expect_value([job], "numberRecordsProcessed", what))
            if job["state"] in {"Failed", "Aborted"}:
                kind = QueryTimeout if "QUERY_TIMEOUT" in reason else JobEnded
                raise kind(f"Bulk job {job_id} {job['state'].lower()}: {reason}")
            if waited > LONGEST_JOB_SECONDS:
                raise SalesforceUnavailable(
                    f"Bulk job {job_id} is still {job['state']} after {waited / 3600:.0f} hours; run again later"
                )
            self._wire.pause(pause)
            waited += pause
            pause = min(pause * 1.5, SLOWEST_POLL_SECONDS)

    def page(self, job_id: str, locator: str, fields: Sequence[str]) -> Page:
        """Return one page; raises `LocatorExpired`, `JobEnded`, or `IncompleteAnswer` when it holds fewer records than announced."""
        wanted = {"maxRecords": str(PAGE)} | ({"locator": locator} if locator else {})
        try:
            answer = self._wire.download(
                f"jobs/query/{job_id}/results", wanted, what=f"read results of Bulk job {job_id}"
            )
        except ResourceNotFound:
            raise JobEnded(f"Bulk job {job_id} is gone") from None
        except (LocatorExpired, RequestRefused) as refused:
            if not locator:
                raise
            raise LocatorExpired(str(refused)) from None
        table = _parsed(answer.content, fields)
        announced = int(answer.headers.get("Sforce-NumberOfRecords", -1))
        if table.num_rows != announced:
            raise IncompleteAnswer(
                f"a page of Bulk job {job_id} announced {announced:,} records and holds {table.num_rows:,}; run again"
            )
        following = answer.headers.get("Sforce-Locator", "null")
        return Page(table, "" if following == "null" else following)

    def forget(self, job_id: str) -> bool:
        """Delete a job that has ended: left behind it would stay for a week. Nothing depends on it."""
        try:
            self._wire.send("DELETE", f"jobs/query/{job_id}", what=f"delete Bulk job {job_id}")
        except ResourceNotFound:
            return True
        except (RequestRefused, SalesforceUnavailable, DailyLimitReached):
            return False
        return True

    def abort(self, job_id: str) -> None:
        """Stop a job, as far as Salesforce listens; one that has ended is deleted."""
        with suppress(UserError):
            self._wire.send(
                "PATCH",
                f"jobs/query/{job_id}",
                {"state": "Aborted"},
                what=f"abort Bulk job {job_id}",
            )
        self.forget(job_id)


def _parsed(content: bytes, fields: Sequence[str]) -> pa.Table:
    """Read a page: everything is text, and nothing but an empty string is null."""
    try:
        table = pyarrow.csv.read_csv(
            io.BytesIO(content.replace(b"\x00", b"")),
            read_options=pyarrow.csv.ReadOptions(
                block_size=MANY_ROWS_IN_A_BLOCK, use_threads=False
            ),
            parse_options=pyarrow.csv.ParseOptions(newlines_in_values=True),
            convert_options=pyarrow.csv.ConvertOptions(
                column_types={name: pa.string() for name in fields},
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
        )
    except pa.ArrowInvalid as fault:
        raise IncompleteAnswer(
            f"a Bulk page cannot be read ({' '.join(str(fault).split())[:120]}); run again"
        ) from None
    if table.column_names != list(fields):
        raise ForeignJob(
            f"a Bulk page has columns {[each[:40] for each in table.column_names[:5]]} instead of {list(fields)[:5]}; run again"
        )
    return table
