"""What goes wrong at Salesforce, on order: each fault has a name and happens so many times.

Put misbehaviour here, as a layer around the whole server. How the org behaves when
all is well is `server`.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import ClientDisconnect
from starlette.responses import HTMLResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from embedded_org.answers import error
from embedded_org.jobs import Jobs
from embedded_org.sessions import Sessions

DATA = re.compile(r"/services/data/v[\d.]+/")
BUSY = "ConcurrentPerOrgLongTxn Limit exceeded."
USED_UP = "TotalRequests Limit exceeded."
SLOW = "Your query request was running for too long."
DOWN = "<html><head><title>Maintenance</title></head><body><h1>We are down for maintenance.</h1></body></html>"


class UnknownFault(ValueError):
    """A fault that this org does not know."""


@dataclass(frozen=True)
class Asked:
    """What a request asks for."""

    method: str
    path: str
    query: dict[str, list[str]]

    @property
    def is_data(self) -> bool:
        """Anything behind a login."""
        return bool(DATA.match(self.path))

    @property
    def is_query(self) -> bool:
        """The first page of a REST query."""
        return (
            self.path.rstrip("/").endswith(("/query", "/queryAll"))
            and self.method == "GET"
            and "/jobs/" not in self.path
        )

    @property
    def is_further_page(self) -> bool:
        """A further page of a REST query."""
        return bool(re.search(r"v[\d.]+/(query|queryAll)/[^/]+$", self.path))

    @property
    def is_download(self) -> bool:
        """A page of a Bulk job."""
        return self.path.rstrip("/").endswith("/results")

    @property
    def is_further_download(self) -> bool:
        """A further page of a Bulk job."""
        return self.is_download and "locator" in self.query

    @property
    def is_new_job(self) -> bool:
        """A Bulk job is created."""
        return self.method == "POST" and self.path.rstrip("/").endswith("/jobs/query")

    @property
    def job_id(self) -> str:
        """The job that is asked for, or nothing."""
        found = re.search(r"/jobs/query/([^/]+)/?$", self.path) if self.method == "GET" else None
        return found[1] if found else ""


@dataclass
class Answer:
    """An answer on its way: may be changed, cut short or never sent."""

    start: Message
    body: bytes

    def change_header(self, name: str, value: str) -> None:
        """Replace a header."""
        headers = [(key, old) for key, old in self.start["headers"] if key.lower() != name.encode()]
        self.start["headers"] = [*headers, (name.encode(), value.encode())]

    def change_body(self, body: bytes) -> None:
        """Replace the body, framed as it should be."""
        self.body = body
        self.change_header("content-length", str(len(body)))


Before = Callable[["Faults", Asked], Response | None]
After = Callable[["Faults", Answer], None]


@dataclass(frozen=True)
class Fault:
    """When a fault can happen, and what it does before the org answers, to the answer, or to the connection."""

    fits: Callable[[Asked], bool]
    before: Before | None = None
    after: After | None = None
    connection: str = ""


def _expire(faults: Faults, _: Asked) -> None:
    faults.sessions.tokens.clear()


def _end_job(state: str, message: str) -> Before:
    def end(faults: Faults, asked: Asked) -> None:
        job = faults.jobs.jobs.get(asked.job_id)
        if job is not None:
            job.state, job.message = state, message

    return end


def _forget_job(faults: Faults, asked: Asked) -> None:
    faults.jobs.jobs.pop(asked.job_id, None)


def _miscount(faults: Faults, asked: Asked) -> None:
    job = faults.jobs.jobs.get(asked.job_id)
    if job is not None:
        job.miscount += 1


def _answers(status: int, code: str, message: str) -> Before:
    return lambda _, __: error(status, code, message)


def _drop_last_line(_: Faults, answer: Answer) -> None:
    lines = answer.body.splitlines(keepends=True)
    answer.change_body(b"".join(lines[:-1]) if len(lines) > 1 else answer.body)


def _drop_last_record(_: Faults, answer: Answer) -> None:
    content: dict[str, Any] = json.loads(answer.body)
    if content.get("records"):
        answer.change_body(json.dumps(content | {"records": content["records"][:-1]}).encode())


KNOWN: dict[str, Fault] = {
    "expired-session": Fault(lambda asked: asked.is_data, _expire),
    "expired-session-in-paging": Fault(lambda asked: asked.is_further_page, _expire),
    "expired-session-in-download": Fault(lambda asked: asked.is_further_download, _expire),
    "unavailable": Fault(lambda asked: asked.is_data, lambda _, __: HTMLResponse(DOWN, 503)),
    "busy": Fault(lambda asked: asked.is_data, _answers(403, "REQUEST_LIMIT_EXCEEDED", BUSY)),
    "daily-limit": Fault(
        lambda asked: asked.is_data, _answers(403, "REQUEST_LIMIT_EXCEEDED", USED_UP)
    ),
    "timeout": Fault(lambda asked: asked.is_data, connection="silent"),
    "dropped-connection": Fault(lambda asked: asked.is_data, connection="dropped"),
    "truncated-body": Fault(
        lambda asked: asked.is_data and not asked.is_new_job, connection="truncated"
    ),
    "short-page": Fault(lambda asked: asked.is_download, after=_drop_last_line),
    "short-answer": Fault(
        lambda asked: asked.is_query or asked.is_further_page, after=_drop_last_record
    ),
    "expired-locator": Fault(
        lambda asked: asked.is_further_page,
        _answers(400, "INVALID_QUERY_LOCATOR", "invalid query locator"),
    ),
    "expired-bulk-locator": Fault(
        lambda asked: asked.is_further_download, _answers(400, "API_ERROR", "Invalid locator")
    ),
    "failed-job": Fault(
        lambda asked: bool(asked.job_id),
        _end_job("Failed", "InternalServerError: please try again"),
    ),
    "aborted-job": Fault(lambda asked: bool(asked.job_id), _end_job("Aborted", "")),
    "vanished-job": Fault(lambda asked: bool(asked.job_id), _forget_job),
    "miscounted-job": Fault(lambda asked: bool(asked.job_id), _miscount),
    "lost-job": Fault(lambda asked: asked.is_new_job, connection="lost"),
    "query-timeout": Fault(lambda asked: asked.is_query, _answers(400, "QUERY_TIMEOUT", SLOW)),
    "job-timeout": Fault(
        lambda asked: bool(asked.job_id), _end_job("Failed", f"QUERY_TIMEOUT: {SLOW}")
    ),
    "no-composite": Fault(
        lambda asked: asked.path.rstrip("/").endswith("/composite"),
        _answers(404, "NOT_FOUND", "The requested resource does not exist"),
    ),
}
# What may befall one request inside a composite one; the rest is about whole connections.
INSIDE = {"query-timeout", "short-answer"}


@dataclass
class Faults:
    """Faults to come: how many more times each happens. `happened` counts those that did."""

    sessions: Sessions
    jobs: Jobs
    left: dict[str, int] = field(default_factory=dict)
    happened: dict[str, int] = field(default_factory=dict)

    def order(self, name: str, times: int) -> None:
        """Let a fault happen the next so many times that it can; raises `UnknownFault`."""
        if name not in KNOWN:
            raise UnknownFault(
                f"there is no fault {name[:40]!r}; known are {', '.join(sorted(KNOWN))}"
            )
        self.left[name] = times

    def take(self, asked: Asked, *, is_inside: bool) -> Fault | None:
        """Return the fault that befalls a request, if any, and count it."""
        for name, times in self.left.items():
            if times > 0 and KNOWN[name].fits(asked) and (not is_inside or name in INSIDE):
                self.left[name] = times - 1
                self.happened[name] = self.happened.get(name, 0) + 1
                return KNOWN[name]
        return None


@dataclass
class FaultLayer:
    """The server with its faults around it."""

    app: ASGIApp
    faults: Faults

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or misbehave."""
        asked = Asked(
            scope["method"], scope["path"], parse_qs(scope["query_string"].decode(errors="replace"))
        )
        fault = self.faults.take(asked, is_inside="onpace.inside" in scope)
        if fault is None:
            await self.app(scope, receive, send)
            return
        answer = fault.before(self.faults, asked) if fault.before else None
        if answer is not None:
            await answer(scope, receive, send)
        elif fault.connection == "silent":
            await _wait_until_gone(receive)
        elif fault.connection == "dropped":
            _drop(receive)
        else:
            made = await self._answer(scope, receive)
            if fault.after:
                fault.after(self.faults, made)
            await _deliver(made, fault.connection, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Answer:
        """Return the org's answer, uncompressed so that it can be changed."""
        plain = {
            **scope,
            "headers": [
                (key, value) for key, value in scope["headers"] if key != b"accept-encoding"
            ],
        }
        messages: list[Message] = []

        async def keep(message: Message) -> None:  # ASGI's signature
            messages.append(message)

        await self.app(plain, receive, keep)
        start = next(message for message in messages if message["type"] == "http.response.start")
        return Answer(dict(start), b"".join(message.get("body", b"") for message in messages))


async def _deliver(answer: Answer, connection: str, receive: Receive, send: Send) -> None:
    if connection == "lost":
        _drop(receive)
        return
    await send(answer.start)
    if connection == "truncated" and len(answer.body) > 1:
        await send(
            {
                "type": "http.response.body",
                "body": answer.body[: len(answer.body) // 2],
                "more_body": True,
            }
        )
        _drop(receive)
        return
    await send({"type": "http.response.body", "body": answer.body})


async def _wait_until_gone(receive: Receive) -> None:
    try:
        while (await receive())["type"] != "http.disconnect":
            pass
    except ClientDisconnect:
        return


def _drop(receive: Receive) -> None:
    """Close the connection under the client; the transport is all that uvicorn's request knows of it."""
    receive.__self__.transport.close()  # type: ignore[attr-defined]
