"""What a browser may ask of the Dagster UI: only what a page of the UI itself asks, by one of our own names.

Put the rules here. The webserver runs mutations by GET, and answers any name that leads to it: a page of
somebody else's that is opened on this machine could launch a month end with the address of an image,
or read everything by a name of its own that it points here. It has no login, so a request that comes
from elsewhere must be told by what browsers say of it. On a machine that others use too, a token
tells who started it: the address that is opened first carries it, and a cookie from then on.
"""

from __future__ import annotations

import hmac
from collections.abc import Sequence
from urllib.parse import urlsplit

from markupsafe import escape
from starlette.datastructures import Headers
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

OWN_NAMES = ("127.0.0.1", "localhost", "::1")
IN_ADDRESS = "token"
# Says that the program runs and its version, and is asked by monitors, by whatever name.
PUBLIC = "/server_info"
SIGN_IN = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Onpace</title></head>
<body style="font:16px/1.5 system-ui,sans-serif;max-width:40rem;margin:3rem auto;padding:0 1rem">
<p>Open the address that <code>onpace ui</code> printed when it started: it carries a token.</p>
<p>If you have done so in this browser, <a href="{path}">go on</a>.</p></body></html>
"""
READS = {"GET", "HEAD"}
JSON = "application/json"


class Guard:
    """An application in front of the UI's own: it passes on what `why_refused` does not refuse."""

    def __init__(self, app: ASGIApp, names: Sequence[str] = OWN_NAMES, token: str = "") -> None:
        """Use the UI's application and the names by which it is asked; without a token, whoever asks by them is answered."""
        self._app, self._names = app, {each.lower() for each in names}
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request, or open a socket."""
        if scope["type"] not in {"http", "websocket"} or _is_public(scope):
            await self._app(scope, receive, send)
            return
        refused = self.why_refused(scope)
        if not refused and not self._is_known(scope):
            if scope["type"] == "http":
                await self._signed_in(scope)(scope, receive, send)
                return
            refused = "opened by somebody who has no token"
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

    def _is_known(self, scope: Scope) -> bool:
        """Return whether a request carries the token, in a cookie or as a bearer's."""
        if not self._token:
            return True
        asked = HTTPConnection(scope)
        scheme, _, given = asked.headers.get("authorization", "").partition(" ")
        shown = [
            asked.cookies.get(self._cookie(scope), ""),
            given.strip() if scheme.lower() == "bearer" else "",
        ]
        return any(map(self._is_token, shown))

    def _signed_in(self, scope: Scope) -> Response:
        """Return the answer to who has no cookie: one, where the address carries the token, else a page that says how to get it."""
        asked = HTTPConnection(scope)
        if scope["method"] in READS and self._is_token(asked.query_params.get(IN_ADDRESS, "")):
            rest = asked.url.remove_query_params(IN_ADDRESS)
            response = RedirectResponse(
                f"{_own(rest.path)}{f'?{rest.query}' if rest.query else ''}", status_code=303
            )
            response.set_cookie(
                self._cookie(scope), self._token, httponly=True, samesite="strict", path="/"
            )
            return response
        if "text/html" in asked.headers.get("accept", ""):
            path = escape(_own(asked.url.path))
            return HTMLResponse(SIGN_IN.format(path=path), status_code=401)
        return PlainTextResponse("the token of this UI is needed\n", status_code=401)

    def _is_token(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._token.encode())

    @staticmethod
    def _cookie(scope: Scope) -> str:
        """Return the cookie's name: browsers send one to every port of a machine."""
        _, port = scope.get("server") or ("", None)
        return f"onpace_ui_{port or 0}"


def _is_public(scope: Scope) -> bool:
    return scope["type"] == "http" and scope["path"] == PUBLIC and scope["method"] in READS


def _own(path: str) -> str:
    """Return a path that stays on this server: two slashes would name another one."""
    return "/" + path.lstrip("/\\")


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
