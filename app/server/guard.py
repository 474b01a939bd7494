"""What a browser may ask of the Dagster UI: only what a page of the UI itself asks, by one of our own names.

Put the rules here. The webserver runs mutations by GET, and answers any name that leads to it: a page of
somebody else's that is opened on this machine could launch a month end with the address of an image,
or read everything by a name of its own that it points here. It has no login, so a request that comes
from elsewhere must be told by what browsers say of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

OWN_NAMES = ("127.0.0.1", "localhost", "::1")
READS = {"GET", "HEAD"}
JSON = "application/json"


class Guard:
    """An application in front of the UI's own: it passes on what `why_refused` does not refuse."""

    def __init__(self, app: ASGIApp, names: Sequence[str] = OWN_NAMES) -> None:
        """Use the UI's application and the names by which it is asked."""
        self._app, self._names = app, {each.lower() for each in names}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or open a socket."""
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
            return
        refused = self.why_refused(scope)
        if not refused:
            await self._app(scope, receive, send)
        elif scope["type"] == "http":
            await PlainTextResponse(f"{refused}\n", status_code=403)(scope, receive, send)
        else:
            await receive()
            await send({"type": "websocket.close", "code": 1008, "reason": refused})

    def why_refused(self, scope: Scope) -> str:
        """Return why a request is not passed on, empty where it is."""
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if _name_of(f"//{host}") not in self._names:
            return "asked for by a name that is not ours"
        origin = headers.get("origin")
        if origin is not None and origin.lower().partition("://")[2] != host.lower():
            return "asked for by a page of another place"
        if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"} and not _is_visit(
            headers
        ):
            return "asked for by a page of another place"
        if scope["type"] == "websocket":
            return "" if origin is not None else "a socket is opened by a page only"
        if scope["method"] in READS:
            has_question = scope["path"].rstrip("/").endswith("/graphql") and scope["query_string"]
            return "GraphQL is asked by POST" if has_question else ""
        kind = headers.get("content-type", "").partition(";")[0].strip().lower()
        return "" if kind == JSON else f"what changes something is {JSON}"


def _is_visit(headers: Headers) -> bool:
    """Return whether somebody follows a link to a page, as from a mail."""
    return (
        headers.get("sec-fetch-mode") == "navigate" and headers.get("sec-fetch-dest") == "document"
    )


def _name_of(address: str) -> str:
    try:
        return (urlsplit(address).hostname or "").lower()
    except ValueError:
        return ""
