"""The wire protocol of the org: OAuth, REST and Bulk 2.0 query jobs over HTTP.

Put paths, headers, paging and error bodies here. What a query means is `soql`;
which data is served is the caller's choice (`company` or `csv_org`).
"""

from __future__ import annotations

import base64
import csv
import io
import itertools
import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from local_org.objects import Org, csv_value, instant_text, json_value
from local_org.soql import Column, Select, SoqlError, translate

VERSIONS = ("58.0", "59.0", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0", "66.0")
HOST = "https://local-org.my.salesforce.com"
DAILY_REQUESTS = 15_000
LARGEST_PAGE = 2_000
BULK_PAGE = 50_000
DEFAULT_CREDENTIAL = "onpace-local"
API_USER = "005000000000APIAAA"


class OrgError(Exception):
    """An answer that is an error: HTTP status, code and message."""

    def __init__(self, status: int, code: str, message: str) -> None:
        """Keep the parts of the error body."""
        super().__init__(message)
        self.status, self.code, self.message = status, code, message


@dataclass
class Result:
    """A query's rows, kept while its locator lives."""

    select: Select
    rows: Sequence[tuple[object, ...]]


@dataclass
class Job:
    """A Bulk 2.0 query job."""

    job_id: str
    operation: str
    query: str
    version: str
    result: Result
    created_at: str
    state: str = "UploadComplete"


@dataclass
class OrgServer:
    """One org behind HTTP; `client_id` and `client_secret` are what it accepts."""

    org: Org
    client_id: str = DEFAULT_CREDENTIAL
    client_secret: str = DEFAULT_CREDENTIAL
    page_size: int = LARGEST_PAGE
    bulk_page: int = BULK_PAGE
    requests: int = 0
    tokens: set[str] = field(default_factory=set)
    locators: dict[str, Result] = field(default_factory=dict)
    jobs: dict[str, Job] = field(default_factory=dict)
    _job_numbers: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def app(self) -> Starlette:
        """Return the ASGI application."""
        data = "/services/data/v{version}"
        routes = [
            Route("/services/oauth2/token", self.token, methods=["POST"]),
            Route("/services/oauth2/userinfo", self.userinfo),
            Route("/id/{org}/{user}", self.userinfo),
            Route("/services/data", self.versions),
            Route("/services/data/", self.versions),
            Route(f"{data}", self.resources),
            Route(f"{data}/", self.resources),
            Route(f"{data}/limits", self.limits),
            Route(f"{data}/limits/", self.limits),
            Route(f"{data}/sobjects", self.sobjects),
            Route(f"{data}/sobjects/", self.sobjects),
            Route(f"{data}/sobjects/{{name}}/describe", self.describe),
            Route(f"{data}/sobjects/{{name}}/describe/", self.describe),
            Route(f"{data}/sobjects/{{name}}/deleted", self.deleted),
            Route(f"{data}/sobjects/{{name}}/deleted/", self.deleted),
            Route(f"{data}/sobjects/{{name}}/updated", self.updated),
            Route(f"{data}/sobjects/{{name}}/updated/", self.updated),
            Route(f"{data}/sobjects/{{name}}/{{record_id}}", self.record),
            Route(f"{data}/query", self.query),
            Route(f"{data}/query/", self.query),
            Route(f"{data}/queryAll", self.query),
            Route(f"{data}/queryAll/", self.query),
            Route(f"{data}/query/{{locator}}", self.more),
            Route(f"{data}/queryAll/{{locator}}", self.more),
            Route(f"{data}/jobs/query", self.job_list, methods=["GET", "POST"]),
            Route(f"{data}/jobs/query/", self.job_list, methods=["GET", "POST"]),
            Route(f"{data}/jobs/query/{{job_id}}", self.job, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{data}/jobs/query/{{job_id}}/", self.job, methods=["GET", "PATCH", "DELETE"]),
            Route(f"{data}/jobs/query/{{job_id}}/results", self.job_results),
            Route(f"{data}/jobs/query/{{job_id}}/results/", self.job_results),
        ]
        handlers: dict[Any, Any] = {OrgError: _error, SoqlError: _refused_query, HTTPException: _not_found}
        return Starlette(routes=routes, middleware=[Middleware(GZipMiddleware, minimum_size=1024)], exception_handlers=handlers)

    # --- who may ask

    async def token(self, request: Request) -> Response:
        """Answer OAuth client credentials, in the header or in the form."""
        form = dict(parse_qsl((await request.body()).decode(errors="replace")))
        client_id, client_secret = form.get("client_id"), form.get("client_secret")
        scheme, _, encoded = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() == "basic":
            try:
                client_id, _, client_secret = base64.b64decode(encoded).decode().partition(":")
            except (ValueError, UnicodeDecodeError):
                return _oauth_error("invalid_client", "invalid client credentials")
        if form.get("grant_type") != "client_credentials":
            return _oauth_error("unsupported_grant_type", "grant type not supported")
        if not secrets.compare_digest(str(client_id).encode(), self.client_id.encode()):
            return _oauth_error("invalid_client_id", "client identifier invalid")
        if not secrets.compare_digest(str(client_secret).encode(), self.client_secret.encode()):
            return _oauth_error("invalid_client", "invalid client credentials")
        token = f"00D000000000LOC!{secrets.token_urlsafe(48)}"
        self.tokens.add(token)
        answer = {
            "access_token": token, "instance_url": HOST, "id": f"{HOST}/id/{self._org_id()}/{API_USER}",
            "token_type": "Bearer", "issued_at": str(int(datetime.now(UTC).timestamp() * 1000)),
            "signature": base64.b64encode(secrets.token_bytes(32)).decode(), "scope": "api", "api_instance_url": HOST,
        }  # fmt: skip
        return JSONResponse(answer)

    async def userinfo(self, request: Request) -> Response:
        """Say who the token belongs to."""
        self._authorise(request)
        who = {"user_id": API_USER, "sub": f"{HOST}/id/{self._org_id()}/{API_USER}", "organization_id": self._org_id(),
               "preferred_username": "api@local-org.example", "username": "api@local-org.example", "urls": {}}  # fmt: skip
        return self._json(who)

    def _authorise(self, request: Request) -> str:
        self.requests += 1
        token = request.headers.get("authorization", "").partition(" ")[2]
        if token not in self.tokens:
            raise OrgError(401, "INVALID_SESSION_ID", "Session expired or invalid")
        version = request.path_params.get("version", VERSIONS[-1])
        if version not in VERSIONS:
            raise OrgError(404, "NOT_FOUND", "The requested resource does not exist")
        return version

    # --- what there is

    async def versions(self, _: Request) -> Response:
        """List API versions, without a token."""
        return JSONResponse([{"label": f"v{each}", "url": f"/services/data/v{each}", "version": each} for each in VERSIONS])

    async def resources(self, request: Request) -> Response:
        """List the resources of a version."""
        version = self._authorise(request)
        names = ("sobjects", "query", "queryAll", "limits", "jobs", "tooling")
        listed = {name: f"/services/data/v{version}/{name}" for name in names}
        return self._json(listed | {"identity": f"{request.base_url}id/{self._org_id()}/{API_USER}"})

    async def limits(self, request: Request) -> Response:
        """Say what is left of today's limits."""
        self._authorise(request)
        full = {"Max": 10_000, "Remaining": 10_000 - len(self.jobs)}
        return self._json({
            "DailyApiRequests": {"Max": DAILY_REQUESTS, "Remaining": DAILY_REQUESTS - self.requests},
            "DailyBulkV2QueryJobs": full,
            "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
            "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
        })  # fmt: skip

    async def sobjects(self, request: Request) -> Response:
        """List the objects."""
        version = self._authorise(request)
        listed = [each.summary(version) for each in self.org.objects.values()]
        return self._json({"encoding": "UTF-8", "maxBatchSize": 200, "sobjects": listed})

    async def describe(self, request: Request) -> Response:
        """Describe one object as this user sees it."""
        version = self._authorise(request)
        return self._json(self._object(request).describe(version))

    async def record(self, request: Request) -> Response:
        """Return one record."""
        version = self._authorise(request)
        entity = self._object(request)
        names = ", ".join(each.name for each in entity.visible())
        record_id = str(request.path_params["record_id"]).replace("'", "")
        soql = f"SELECT {names} FROM {entity.name} WHERE Id = '{record_id}'"  # noqa: S608  # parsed and bound below
        select = translate(soql, self.org, include_deleted=False)
        rows = self.org.run(select.sql, select.values)
        if not rows:
            raise OrgError(404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible")
        return self._json(_record(select, rows[0], version))

    async def deleted(self, request: Request) -> Response:
        """List records deleted in a window."""
        self._authorise(request)
        entity, start, end = self._object(request), *self._window(request)
        if not entity.find("IsDeleted"):
            raise OrgError(400, "INVALID_REPLICATION_DATE", f"{entity.name} is not replicable")
        rows = self.org.run(
            f'SELECT "Id", "SystemModstamp" FROM "{entity.name}" WHERE "IsDeleted" = 1 '  # noqa: S608  # resolved name
            'AND "SystemModstamp" >= ? AND "SystemModstamp" < ? ORDER BY "SystemModstamp", "Id"',
            (start, end),
        )
        listed = [{"id": row[0], "deletedDate": json_value(row[1], "datetime")} for row in rows]
        earliest = json_value(start, "datetime")
        return self._json({"deletedRecords": listed, "earliestDateAvailable": earliest, "latestDateCovered": json_value(end, "datetime")})

    async def updated(self, request: Request) -> Response:
        """List records changed in a window."""
        self._authorise(request)
        entity, start, end = self._object(request), *self._window(request)
        live = 'AND "IsDeleted" = 0 ' if entity.find("IsDeleted") else ""
        rows = self.org.run(
            f'SELECT "Id" FROM "{entity.name}" WHERE "SystemModstamp" >= ? AND "SystemModstamp" < ? {live}ORDER BY "Id"',  # noqa: S608
            (start, end),
        )
        return self._json({"ids": [row[0] for row in rows], "latestDateCovered": json_value(end, "datetime")})

    def _window(self, request: Request) -> tuple[str, str]:
        try:
            # An unencoded plus sign arrives as a blank.
            start, end = (instant_text(request.query_params[name].replace(" ", "+")) for name in ("start", "end"))
        except (KeyError, ValueError):
            raise OrgError(400, "INVALID_REPLICATION_DATE", "startDate and endDate must be instants with a zone") from None
        if start[:16] >= end[:16]:
            raise OrgError(400, "INVALID_REPLICATION_DATE", "endDate must be at least one minute later than startDate")
        return start, end

    def _object(self, request: Request) -> Any:  # noqa: ANN401
        entity = self.org.find(request.path_params["name"])
        if entity is None:
            raise OrgError(404, "NOT_FOUND", "The requested resource does not exist")
        return entity

    def _org_id(self) -> str:
        rows = self.org.run('SELECT "Id" FROM "Organization"') if "Organization" in self.org.objects else []
        return str(rows[0][0]) if rows else "00D000000000LOCAAA"

    # --- REST queries

    async def query(self, request: Request) -> Response:
        """Answer the first page of a query."""
        version = self._authorise(request)
        if "q" not in request.query_params:
            raise OrgError(400, "MALFORMED_QUERY", "unexpected token: '<EOF>'")
        include_deleted = "queryAll" in request.url.path
        select = translate(request.query_params["q"], self.org, include_deleted=include_deleted)
        rows = self.org.run(select.sql, select.values)
        if select.is_count:
            return self._json({"totalSize": rows[0][0], "done": True, "records": []})
        hint = request.headers.get("sforce-query-options", "")
        size = int(hint.partition("=")[2]) if hint.startswith("batchSize=") else self.page_size
        return self._page(Result(select, rows), 0, max(200, min(size, self.page_size)) if hint else self.page_size, version)

    async def more(self, request: Request) -> Response:
        """Answer a further page; the locator remembers its query."""
        version = self._authorise(request)
        name, _, offset = str(request.path_params["locator"]).rpartition("-")
        if name not in self.locators or not offset.isdigit():
            raise OrgError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(self.locators[name], int(offset), self.page_size, version, name)

    def _page(self, result: Result, offset: int, size: int, version: str, name: str | None = None) -> Response:
        rows = result.rows[offset : offset + size]
        answer: dict[str, object] = {"totalSize": len(result.rows), "done": offset + size >= len(result.rows)}
        if not answer["done"]:
            name = name or f"01g{secrets.token_hex(7)}"
            self.locators[name] = result
            answer["nextRecordsUrl"] = f"/services/data/v{version}/query/{name}-{offset + size}"
        answer["records"] = [_record(result.select, row, version) for row in rows]
        return self._json(answer)

    # --- Bulk 2.0 query jobs

    async def job_list(self, request: Request) -> Response:
        """Create a job, or list those there are."""
        version = self._authorise(request)
        if request.method == "GET":
            return self._json({"done": True, "records": [_job(each) for each in self.jobs.values()], "nextRecordsUrl": None})
        body = await request.json()
        operation, query = body.get("operation"), body.get("query", "")
        if operation not in {"query", "queryAll"}:
            raise OrgError(400, "API_ERROR", f"Unsupported operation: {operation}")
        select = translate(query, self.org, include_deleted=operation == "queryAll")
        if select.is_count or select.is_aggregate:
            raise OrgError(400, "API_ERROR", "Aggregate Relationships not supported in Bulk Query")
        job = Job(
            f"750{next(self._job_numbers):012d}AAA", operation, query, version,
            Result(select, self.org.run(select.sql, select.values)), _now(),
        )  # fmt: skip
        self.jobs[job.job_id] = job
        return self._json(_job(job))

    async def job(self, request: Request) -> Response:
        """Show, abort or delete a job; a job advances by one state each time it is shown."""
        self._authorise(request)
        job = self._find_job(request)
        if request.method == "DELETE":
            del self.jobs[job.job_id]
            return Response(status_code=204, headers=self._limit_header())
        if request.method == "PATCH":
            if (await request.json()).get("state") != "Aborted":
                raise OrgError(400, "INVALIDJOBSTATE", "Only Aborted may be set")
            job.state = "Aborted"
        else:
            job.state = {"UploadComplete": "InProgress", "InProgress": "JobComplete"}.get(job.state, job.state)
        return self._json(_job(job) | {
            "jobType": "V2Query", "numberRecordsProcessed": len(job.result.rows) if job.state == "JobComplete" else 0,
            "retries": 0, "totalProcessingTime": 100, "isPkChunkingSupported": not job.result.select.has_order,
        })  # fmt: skip

    async def job_results(self, request: Request) -> Response:
        """Return a page of a finished job as CSV."""
        version = self._authorise(request)
        job = self._find_job(request)
        if version != job.version:
            raise OrgError(409, "API_ERROR", "Results must be read with the API version the job was created with")
        if job.state != "JobComplete":
            raise OrgError(400, "INVALIDJOBSTATE", f"Job is in state {job.state}")
        locator = request.query_params.get("locator", "")
        try:
            start = int(base64.urlsafe_b64decode(locator + "==").decode().split(":")[-1]) if locator else 0
            size = min(int(request.query_params.get("maxRecords", self.bulk_page)), self.bulk_page)
        except ValueError:
            raise OrgError(400, "API_ERROR", "Invalid locator or maxRecords") from None
        rows = job.result.rows[start : start + size]
        end = start + len(rows)
        following = base64.urlsafe_b64encode(f"0:{job.job_id}:{end}".encode()).decode().rstrip("=")
        headers = {
            "Sforce-NumberOfRecords": str(len(rows)),
            "Sforce-Locator": following if end < len(job.result.rows) else "null",
            **self._limit_header(),
        }
        return Response(_csv(job.result.select.columns, rows), media_type="text/csv", headers=headers)

    def _find_job(self, request: Request) -> Job:
        job = self.jobs.get(request.path_params["job_id"])
        if job is None:
            raise OrgError(404, "NOT_FOUND", "The requested resource does not exist")
        return job

    # --- answers

    def _json(self, content: object) -> Response:
        return JSONResponse(content, headers=self._limit_header(), media_type="application/json;charset=UTF-8")

    def _limit_header(self) -> dict[str, str]:
        return {"Sforce-Limit-Info": f"api-usage={self.requests}/{DAILY_REQUESTS}"}


def _record(select: Select, row: tuple[object, ...], version: str) -> dict[str, object]:
    if select.is_aggregate:
        return {"attributes": {"type": "AggregateResult"}} | {c.name: v for c, v in zip(select.columns, row, strict=True)}
    record: dict[str, Any] = {"attributes": {"type": select.entity.name}}
    for column, value in zip(select.columns, row, strict=True):
        *parents, name = column.name.split(".")
        place = record
        for parent in parents:
            if place.get(parent) is None:
                place[parent] = {"attributes": {"type": parent}}
            place = place[parent]
        place[name] = json_value(value, column.kind)
    for parent in {column.name.split(".")[0] for column in select.columns if "." in column.name}:
        if all(value is None for key, value in record[parent].items() if key != "attributes"):
            record[parent] = None
    if "Id" in record:
        record["attributes"]["url"] = f"/services/data/v{version}/sobjects/{select.entity.name}/{record['Id']}"
    return record


def _csv(columns: Sequence[Column], rows: Sequence[tuple[object, ...]]) -> str:
    text = io.StringIO()
    writer = csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    kinds = [column.kind for column in columns]
    writer.writerows([csv_value(value, kind) for value, kind in zip(row, kinds, strict=True)] for row in rows)
    return text.getvalue()


def _job(job: Job) -> dict[str, object]:
    return {
        "id": job.job_id, "operation": job.operation, "object": job.result.select.entity.name, "createdById": API_USER,
        "createdDate": job.created_at, "systemModstamp": job.created_at, "state": job.state, "concurrencyMode": "Parallel",
        "contentType": "CSV", "apiVersion": float(job.version), "lineEnding": "LF", "columnDelimiter": "COMMA",
    }  # fmt: skip


def _now() -> str:
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.000+0000")


def _oauth_error(code: str, description: str) -> Response:
    return JSONResponse({"error": code, "error_description": description}, status_code=400)


async def _error(_: Request, error: Exception) -> Response:
    assert isinstance(error, OrgError)  # noqa: S101  # registered for this type
    return JSONResponse([{"message": error.message, "errorCode": error.code}], status_code=error.status)


async def _refused_query(_: Request, error: Exception) -> Response:
    assert isinstance(error, SoqlError)  # noqa: S101  # registered for this type
    return JSONResponse([{"message": str(error), "errorCode": error.code}], status_code=400)


async def _not_found(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this type
    if error.status_code == 404:  # noqa: PLR2004
        return JSONResponse([{"message": "The requested resource does not exist", "errorCode": "NOT_FOUND"}], status_code=404)
    return PlainTextResponse(error.detail, status_code=error.status_code)


class PortTaken(OSError):
    """The port to listen on is not free."""


@contextmanager
def serving(server: OrgServer, port: int = 0) -> Iterator[str]:
    """Serve an org on loopback in a thread and yield the address once it answers."""
    with serving_app(server.app(), port) as address:
        yield address


@contextmanager
def serving_app(app: Starlette, port: int = 0) -> Iterator[str]:
    """Serve any application on loopback in a thread and yield the address once it answers."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as fault:
            raise PortTaken(f"port {port} on 127.0.0.1 is not free ({fault.strerror}); choose another with --port") from None
        started = threading.Event()
        running = _Announcing(uvicorn.Config(app, log_level="critical", lifespan="off", access_log=False), started)
        thread = threading.Thread(target=running.run, kwargs={"sockets": [listener]}, daemon=True)
        thread.start()
        started.wait()
        try:
            yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join()


class _Announcing(uvicorn.Server):
    """A server that says when it listens."""

    def __init__(self, config: uvicorn.Config, started: threading.Event) -> None:
        super().__init__(config)
        self._announced = started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._announced.set()
