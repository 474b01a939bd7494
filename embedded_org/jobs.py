"""Bulk 2.0 query jobs: their states, their results, page by page."""

from __future__ import annotations

import base64
import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC

from starlette.requests import Request
from starlette.responses import Response

from embedded_org.answers import OrgError, csv_page
from embedded_org.objects import Org
from embedded_org.sessions import API_USER
from embedded_org.soql import Select, translate

NEXT_STATE = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}
# Setup objects are read by REST only.
WITHOUT_BULK = {
    "Organization",
    "FiscalYearSettings",
    "Period",
    "ForecastingType",
    "OpportunitySplitType",
}


@dataclass
class Job:
    """One job; its rows are those of the moment it was created."""

    job_id: str
    operation: str
    query: str
    version: str
    select: Select
    rows: list[tuple[object, ...]]
    created_at: str
    state: str = "UploadComplete"
    message: str = ""
    miscount: int = 0

    def show(self) -> dict[str, object]:
        """Return what creating, listing and aborting a job answer."""
        return {
            "id": self.job_id,
            "operation": self.operation,
            "object": self.select.entity.name,
            "createdById": API_USER,
            "createdDate": self.created_at,
            "systemModstamp": self.created_at,
            "state": self.state,
            "concurrencyMode": "Parallel",
            "contentType": "CSV",
            "apiVersion": float(self.version),
            "lineEnding": "LF",
            "columnDelimiter": "COMMA",
        }

    def show_progress(self) -> dict[str, object]:
        """Return what asking for a job answers."""
        processed = len(self.rows) + self.miscount if self.state == "JobComplete" else 0
        reason = {"errorMessage": self.message} if self.message else {}
        return (
            self.show()
            | reason
            | {
                "jobType": "V2Query",
                "numberRecordsProcessed": processed,
                "retries": 0,
                "totalProcessingTime": 100,
                "isPkChunkingSupported": not self.select.has_order,
            }
        )


@dataclass
class Jobs:
    """The jobs of an org; a job advances by one state each time it is shown."""

    org: Org
    page_size: int
    jobs: dict[str, Job] = field(default_factory=dict)
    created: int = 0
    _numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    async def create(self, request: Request, version: str) -> dict[str, object]:
        """Create a job."""
        body = await request.json()
        operation, query = body.get("operation"), body.get("query", "")
        if operation not in {"query", "queryAll"}:
            raise OrgError(400, "API_ERROR", f"Unsupported operation: {operation}")
        select = translate(query, self.org, include_deleted=operation == "queryAll")
        if select.is_count or select.is_aggregate:
            raise OrgError(400, "API_ERROR", "Aggregate Relationships not supported in Bulk Query")
        if select.entity.name in WITHOUT_BULK:
            raise OrgError(
                400,
                "INVALIDENTITY",
                f"Entity '{select.entity.name}' is not supported by the Bulk API.",
            )
        created_at = self.org.now().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")
        job = Job(
            f"750{next(self._numbers):012d}AAA",
            operation,
            query,
            version,
            select,
            self.org.run(select.sql, select.values),
            created_at,
        )
        self.jobs[job.job_id] = job
        self.created += 1
        return job.show()

    def find(self, job_id: str) -> Job:
        """Return a job; raises `OrgError` 404."""
        job = self.jobs.get(job_id)
        if job is None:
            raise OrgError(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    def advance(self, job: Job) -> dict[str, object]:
        """Show a job, one state further."""
        job.state = NEXT_STATE.get(job.state, job.state)
        return job.show_progress()

    async def abort(self, job: Job, request: Request) -> dict[str, object]:
        """Stop a job that has not ended."""
        if (await request.json()).get("state") != "Aborted":
            raise OrgError(400, "INVALIDJOBSTATE", "Only Aborted may be set")
        if job.state not in NEXT_STATE:
            raise OrgError(400, "INVALIDJOBSTATE", f"Aborting already {job.state} Job not allowed")
        job.state = "Aborted"
        return job.show()

    def page(self, job: Job, request: Request, version: str, headers: dict[str, str]) -> Response:
        """Return a page of a finished job as CSV."""
        if version != job.version:
            raise OrgError(
                409,
                "API_ERROR",
                "Results must be read with the API version the job was created with",
            )
        if job.state != "JobComplete":
            raise OrgError(400, "INVALIDJOBSTATE", f"Job is in state {job.state}")
        locator = request.query_params.get("locator", "")
        try:
            start = (
                int(base64.urlsafe_b64decode(locator + "==").decode().split(":")[-1])
                if locator
                else 0
            )
            size = min(int(request.query_params.get("maxRecords", self.page_size)), self.page_size)
        except ValueError:
            raise OrgError(400, "API_ERROR", "Invalid locator or maxRecords") from None
        rows = job.rows[start : start + size]
        end = start + len(rows)
        following = base64.urlsafe_b64encode(f"0:{job.job_id}:{end}".encode()).decode().rstrip("=")
        counted = {
            "Sforce-NumberOfRecords": str(len(rows)),
            "Sforce-Locator": following if end < len(job.rows) else "null",
        }
        return Response(
            csv_page(job.select.columns, rows), media_type="text/csv", headers=counted | headers
        )
