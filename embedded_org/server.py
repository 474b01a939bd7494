"""The wire protocol of the org: REST over HTTP, with Bulk 2.0 query jobs and logins beside it.

Put paths, headers, paging and replication here. What a query means is `soql`, logins are
`sessions`, jobs are `jobs`, misbehaviour is `faults`; which data is served is the caller's
choice (`company` or `csv_org`).
"""

from __future__ import annotations

import json
import secrets
import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from embedded_org import answers
from embedded_org.answers import OrgError
from embedded_org.faults import FaultLayer, Faults
from embedded_org.jobs import Jobs
from embedded_org.objects import Org, SObject, instant_text, json_value
from embedded_org.sessions import API_USER, HOST, Credentials, Sessions
from embedded_org.soql import Select, SoqlError, translate

VERSIONS = ("58.0", "59.0", "60.0", "61.0", "62.0", "63.0", "64.0", "65.0", "66.0")
DAILY_REQUESTS = 15_000
LARGEST_PAGE, SMALLEST_PAGE = 2_000, 200
BULK_PAGE = 50_000
DELETIONS_KEPT = timedelta(days=15)
# Some clients look headers up as they are spelt.
SPELLING = {
    name.lower(): name
    for name in (
        b"Content-Type",
        b"Sforce-Limit-Info",
        b"Sforce-Locator",
        b"Sforce-NumberOfRecords",
    )
}
MOST_SUBREQUESTS, MOST_QUERIES = 25, 5


@dataclass
class Result:
    """A query's rows, kept while its locator lives."""

    select: Select
    rows: Sequence[tuple[object, ...]]


@dataclass
class OrgServer:
    """One org behind HTTP; `credentials` are what it accepts, `requests` counts what it answered."""

    org: Org
    credentials: Credentials = field(default_factory=Credentials)
    page_size: int = LARGEST_PAGE
    bulk_page: int = BULK_PAGE
    clock_skew: timedelta = timedelta(0)
    requests: int = 0
    locators: dict[str, Result] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Set up logins, jobs and faults around the org."""
        self.sessions = Sessions(self.credentials, self.now)
        self.jobs = Jobs(self.org, self.bulk_page)
        self.faults = Faults(self.sessions, self.jobs)
        self.app: ASGIApp = _Dated(FaultLayer(self._application(), self.faults), self)

    def now(self) -> datetime:
        """Return the org's clock as clients see it."""
        return self.org.now() + self.clock_skew

    def _application(self) -> Starlette:
        data = "/services/data/v{version}"
        paths: list[tuple[str, Any, list[str]]] = [
            ("/services/oauth2/token", self.token, ["POST"]),
            ("/services/oauth2/userinfo", self.userinfo, ["GET"]),
            ("/services/Soap/u/{version}", self.sessions.soap, ["POST"]),
            ("/id/{org}/{user}", self.userinfo, ["GET"]),
            ("/services/data", self.versions, ["GET"]),
            (f"{data}", self.resources, ["GET"]),
            (f"{data}/limits", self.limits, ["GET"]),
            (f"{data}/composite", self.composite, ["POST"]),
            (f"{data}/sobjects", self.sobjects, ["GET"]),
            (f"{data}/sobjects/{{name}}/describe", self.describe, ["GET"]),
            (f"{data}/sobjects/{{name}}/deleted", self.deleted, ["GET"]),
            (f"{data}/sobjects/{{name}}/updated", self.updated, ["GET"]),
            (f"{data}/sobjects/{{name}}/{{record_id}}", self.record, ["GET"]),
            (f"{data}/query", self.query, ["GET"]),
            (f"{data}/queryAll", self.query, ["GET"]),
            (f"{data}/query/{{locator}}", self.more, ["GET"]),
            (f"{data}/queryAll/{{locator}}", self.more, ["GET"]),
            (f"{data}/jobs/query", self.job_list, ["GET", "POST"]),
            (f"{data}/jobs/query/{{job_id}}", self.job, ["GET", "PATCH", "DELETE"]),
            (f"{data}/jobs/query/{{job_id}}/results", self.job_results, ["GET"]),
        ]
        routes = [
            Route(path + end, handler, methods=methods)
            for path, handler, methods in paths
            for end in ("", "/")
        ]
        handlers: dict[Any, Any] = {
            OrgError: answers.refused,
            SoqlError: answers.refused_query,
            HTTPException: answers.not_found,
        }
        return Starlette(
            routes=routes,
            middleware=[Middleware(GZipMiddleware, minimum_size=1024)],
            exception_handlers=handlers,
        )

    # --- who asks

    async def token(self, request: Request) -> Response:
        """Answer OAuth grants."""
        return await self.sessions.token(request, self._org_id())

    async def userinfo(self, request: Request) -> Response:
        """Say who the token belongs to."""
        self._authorise(request)
        name = self.credentials.username
        who = {
            "user_id": API_USER,
            "sub": f"{HOST}/id/{self._org_id()}/{API_USER}",
            "organization_id": self._org_id(),
            "preferred_username": name,
            "username": name,
            "urls": {},
        }
        return self._json(who)

    def _authorise(self, request: Request) -> str:
        if "onpace.inside" not in request.scope:
            self.requests += 1
        self.sessions.authorise(request)
        version = request.path_params.get("version", VERSIONS[-1])
        if version not in VERSIONS:
            raise OrgError(404, "NOT_FOUND", "The requested resource does not exist")
        return version

    # --- what there is

    async def versions(self, _: Request) -> Response:
        """List API versions, without a token."""
        return JSONResponse(
            [
                {"label": f"v{each}", "url": f"/services/data/v{each}", "version": each}
                for each in VERSIONS
            ]
        )

    async def resources(self, request: Request) -> Response:
        """List the resources of a version."""
        version = self._authorise(request)
        names = ("sobjects", "query", "queryAll", "limits", "jobs", "tooling", "composite")
        listed = {name: f"/services/data/v{version}/{name}" for name in names}
        return self._json(
            listed | {"identity": f"{request.base_url}id/{self._org_id()}/{API_USER}"}
        )

    async def limits(self, request: Request) -> Response:
        """Say what is left of today's limits."""
        self._authorise(request)
        full = {"Max": 10_000, "Remaining": 10_000 - self.jobs.created}
        return self._json(
            {
                "DailyApiRequests": {
                    "Max": DAILY_REQUESTS,
                    "Remaining": DAILY_REQUESTS - self.requests,
                },
                "DailyBulkV2QueryJobs": full,
                "DailyBulkV2QueryFileStorageMB": {"Max": 976_562, "Remaining": 976_562},
                "DailyBulkApiBatches": {"Max": 15_000, "Remaining": 15_000},
            }
        )

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
            raise OrgError(
                404, "NOT_FOUND", "Provided external ID field does not exist or is not accessible"
            )
        return self._json(answers.record(select, rows[0], version))

    # --- replication

    async def deleted(self, request: Request) -> Response:
        """List records deleted in a window, those that are gone for good included."""
        self._authorise(request)
        entity, start, end = self._object(request), *self._window(request)
        if not entity.find("IsDeleted"):
            raise OrgError(400, "INVALID_REPLICATION_DATE", f"{entity.name} is not replicable")
        earliest = instant_text(
            (self.org.now() - DELETIONS_KEPT).astimezone(UTC).isoformat(timespec="milliseconds")
        )
        if start < earliest:
            raise OrgError(
                400,
                "INVALID_REPLICATION_DATE",
                f"startDate before org replication enabled date: {earliest}",
            )
        rows = self.org.run(
            f'SELECT "Id", "SystemModstamp" FROM "{entity.name}" WHERE "IsDeleted" = 1 '  # noqa: S608  # resolved name
            'AND "SystemModstamp" >= ? AND "SystemModstamp" < ?',
            (start, end),
        )
        gone = [
            (record_id, at)
            for record_id, at in self.org.purged.get(entity.name, [])
            if start <= at < end
        ]
        listed = [
            {"id": record_id, "deletedDate": json_value(at, "datetime")}
            for record_id, at in sorted([*rows, *gone], key=lambda row: (row[1], row[0]))
        ]
        covered = json_value(min(end, self.org.stamp()), "datetime")
        return self._json(
            {
                "deletedRecords": listed,
                "earliestDateAvailable": json_value(earliest, "datetime"),
                "latestDateCovered": covered,
            }
        )

    async def updated(self, request: Request) -> Response:
        """List records changed in a window."""
        self._authorise(request)
        entity, start, end = self._object(request), *self._window(request)
        live = 'AND "IsDeleted" = 0 ' if entity.find("IsDeleted") else ""
        rows = self.org.run(
            f'SELECT "Id" FROM "{entity.name}" WHERE "SystemModstamp" >= ? AND "SystemModstamp" < ? {live}ORDER BY "Id"',  # noqa: S608
            (start, end),
        )
        return self._json(
            {"ids": [row[0] for row in rows], "latestDateCovered": json_value(end, "datetime")}
        )

    def _window(self, request: Request) -> tuple[str, str]:
        try:
            # An unencoded plus sign arrives as a blank.
            start, end = (
                instant_text(request.query_params[name].replace(" ", "+"))
                for name in ("start", "end")
            )
        except (KeyError, ValueError):
            raise OrgError(
                400,
                "INVALID_REPLICATION_DATE",
                "startDate and endDate must be instants with a zone",
            ) from None
        if start[:16] >= end[:16]:
            raise OrgError(
                400,
                "INVALID_REPLICATION_DATE",
                "endDate must be at least one minute later than startDate",
            )
        return start, end

    def _object(self, request: Request) -> SObject:
        entity = self.org.find(request.path_params["name"])
        if entity is None:
            raise OrgError(404, "NOT_FOUND", "The requested resource does not exist")
        return entity

    def _org_id(self) -> str:
        rows = (
            self.org.run('SELECT "Id" FROM "Organization"')
            if "Organization" in self.org.objects
            else []
        )
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
        return self._page(
            Result(select, rows),
            0,
            max(SMALLEST_PAGE, min(size, self.page_size)) if hint else self.page_size,
            version,
        )

    async def more(self, request: Request) -> Response:
        """Answer a further page; the locator remembers its query."""
        version = self._authorise(request)
        name, _, offset = str(request.path_params["locator"]).rpartition("-")
        if name not in self.locators or not offset.isdigit():
            raise OrgError(400, "INVALID_QUERY_LOCATOR", "invalid query locator")
        return self._page(self.locators[name], int(offset), self.page_size, version, name)

    def _page(
        self, result: Result, offset: int, size: int, version: str, name: str | None = None
    ) -> Response:
        rows = result.rows[offset : offset + size]
        answer: dict[str, object] = {
            "totalSize": len(result.rows),
            "done": offset + size >= len(result.rows),
        }
        if not answer["done"]:
            name = name or f"01g{secrets.token_hex(7)}"
            self.locators[name] = result
            answer["nextRecordsUrl"] = f"/services/data/v{version}/query/{name}-{offset + size}"
        answer["records"] = [answers.record(result.select, row, version) for row in rows]
        return self._json(answer)

    # --- several requests in one

    async def composite(self, request: Request) -> Response:
        """Answer up to 25 requests, five of them queries, as one."""
        self._authorise(request)
        wanted = (await request.json()).get("compositeRequest", [])
        queries = sum(1 for each in wanted if "/query" in urlsplit(each["url"]).path)
        if len(wanted) > MOST_SUBREQUESTS or queries > MOST_QUERIES:
            raise OrgError(
                400,
                "LIMIT_EXCEEDED",
                f"The limit of {MOST_SUBREQUESTS} requests, {MOST_QUERIES} of them queries, is exceeded",
            )
        return self._json(
            {"compositeResponse": [await self._subrequest(request, each) for each in wanted]}
        )

    async def _subrequest(self, request: Request, wanted: dict[str, str]) -> dict[str, object]:
        parts = urlsplit(wanted["url"])
        scope: Scope = {
            **{
                key: value
                for key, value in request.scope.items()
                if key in {"type", "http_version", "scheme", "server", "client", "asgi"}
            },
            "method": wanted["method"],
            "path": parts.path,
            "raw_path": parts.path.encode(),
            "root_path": "",
            "query_string": parts.query.encode(),
            "headers": [
                (key, value) for key, value in request.scope["headers"] if key == b"authorization"
            ],
            "onpace.inside": True,
        }
        sent: list[Message] = []

        async def keep(message: Message) -> None:  # ASGI's signature
            sent.append(message)

        await self.app(scope, _no_body, keep)
        body = b"".join(message.get("body", b"") for message in sent)
        return {
            "body": json.loads(body) if body else None,
            "httpHeaders": {},
            "httpStatusCode": sent[0]["status"],
            "referenceId": wanted["referenceId"],
        }

    # --- Bulk 2.0 query jobs

    async def job_list(self, request: Request) -> Response:
        """Create a job, or list those there are."""
        version = self._authorise(request)
        if request.method == "POST":
            return self._json(await self.jobs.create(request, version))
        return self._json(
            {
                "done": True,
                "records": [each.show() for each in self.jobs.jobs.values()],
                "nextRecordsUrl": None,
            }
        )

    async def job(self, request: Request) -> Response:
        """Show, abort or delete a job."""
        self._authorise(request)
        job = self.jobs.find(request.path_params["job_id"])
        if request.method == "DELETE":
            del self.jobs.jobs[job.job_id]
            return Response(status_code=204, headers=self._limit_header())
        return self._json(
            await self.jobs.abort(job, request)
            if request.method == "PATCH"
            else self.jobs.advance(job)
        )

    async def job_results(self, request: Request) -> Response:
        """Return a page of a finished job."""
        version = self._authorise(request)
        return self.jobs.page(
            self.jobs.find(request.path_params["job_id"]), request, version, self._limit_header()
        )

    def _json(self, content: object) -> Response:
        return JSONResponse(
            content, headers=self._limit_header(), media_type="application/json;charset=UTF-8"
        )

    def _limit_header(self) -> dict[str, str]:
        return {"Sforce-Limit-Info": f"api-usage={self.requests}/{DAILY_REQUESTS}"}


async def _no_body() -> Message:  # ASGI's signature
    return {"type": "http.request", "body": b"", "more_body": False}


@dataclass
class _Dated:
    """Every answer carries the org's clock, as HTTP's Date says, and header names as Salesforce spells them."""

    app: ASGIApp
    server: OrgServer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def dated(message: Message) -> None:
            if message["type"] == "http.response.start":
                date = format_datetime(self.server.now().astimezone(UTC), usegmt=True)
                headers = [
                    (SPELLING.get(name, name), value) for name, value in message.get("headers", [])
                ]
                message = {**message, "headers": [*headers, (b"Date", date.encode())]}
            await send(message)

        await self.app(scope, receive, dated)


class PortTaken(OSError):
    """The port to listen on is not free."""


@contextmanager
def serving(server: OrgServer, port: int = 0) -> Iterator[str]:
    """Serve an org on loopback in a thread and yield the address once it answers."""
    with serving_app(server.app, port) as address:
        yield address


@contextmanager
def serving_app(app: ASGIApp, port: int = 0) -> Iterator[str]:
    """Serve any application on loopback in a thread and yield the address once it answers."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError as fault:
            raise PortTaken(
                f"port {port} on 127.0.0.1 is not free ({fault.strerror}); choose another with --port"
            ) from None
        started = threading.Event()
        config = uvicorn.Config(
            app,
            log_level="critical",
            http="h11",
            lifespan="off",
            access_log=False,
            date_header=not isinstance(app, _Dated),
        )
        running = _Announcing(config, started)
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
