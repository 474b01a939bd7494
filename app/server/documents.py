"""Documents for browsers: all of them on this machine, or each reader's own behind a proxy that says who asks.

Put here how documents are asked for over HTTP. Who may open what is `publication.reading`.
"""

from __future__ import annotations

import logging
import mimetypes
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from markupsafe import escape
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

from publication.document_links import LinkRefused, opened
from publication.reading import Directories, DocumentReading, NothingForThem, Shelf
from publication.workspace import Workspace
from sales.calendar import Month, UnknownMonth
from sales.errors import UserError

NOTHING = "There is nothing here for you."
NOTHING_YET = "Nothing is published yet: `onpace report MONTH` publishes a month."
UNREADABLE = "The documents cannot be read now; tell whoever runs this."
PAGE = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Month-end reports</title>
<style>body{{font:16px/1.5 system-ui,sans-serif;max-width:44rem;margin:2rem auto;padding:0 1rem;color:#1f2933}}
h1{{font-size:1.4rem}}h2{{font-size:1rem;margin:1.5rem 0 .25rem}}ul{{margin:0;padding-left:1.2rem}}a{{color:#0b4f6c}}</style>
</head><body><h1>Month-end reports</h1>{months}</body></html>
"""


class OpenDocuments(StaticFiles):
    """Every published document; what begins with a dot is being printed, and a manifest is no document."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """Answer with a file."""
        parts = Path(path).parts
        if any(part.startswith(".") for part in parts) or parts[-1:] == ("manifest.json",):
            raise HTTPException(404)
        return await super().get_response(path, scope)


class ReadersDocuments:
    """Documents for readers: by a link of a mail, and by the login of a proxy where a header names who asks."""

    def __init__(self, workspace: Callable[[], Workspace], header: str) -> None:
        """Use a workspace, made anew for each request; without a header there are only links."""
        self._made, self._header = workspace, header
        self._known = Directories()

    @property
    def routes(self) -> list[BaseRoute]:
        """Links and the list of documents; with a header the list is one's own, and so is each document."""
        own = [Route("/{month}/{name}", self.document)] if self._header else []
        return [Route("/link/{token}", self.linked), Route("/", self.listed), *own]

    def listed(self, request: Request) -> Response:
        """Answer with the list of a reader's documents; of all of them where nobody says who asks."""

        def answer() -> Response:
            reading = self._reading()
            reader = self._address(request, reading) if self._header else None
            nothing = NOTHING if self._header else NOTHING_YET
            months = "".join(map(_shelf, reading.shelves(reader)))
            return HTMLResponse(PAGE.format(months=months or f"<p>{nothing}</p>"))

        return _said(answer)

    def document(self, request: Request) -> Response:
        """Answer with one of a reader's documents; what is not theirs is not there."""

        def answer() -> Response:
            reading, name = self._reading(), request.path_params["name"]
            address = self._address(request, reading)
            month = Month.parse(request.path_params["month"])
            return _file(reading.content(address, month, name), name)

        return _said(answer)

    def linked(self, request: Request) -> Response:
        """Answer with the document that a link leads to."""

        def answer() -> Response:
            workspace = self._made()
            link = opened(request.path_params["token"], workspace.home, workspace.now())
            return _file(DocumentReading(workspace, self._known).linked(link), link.file)

        return _said(answer)

    def _reading(self) -> DocumentReading:
        return DocumentReading(self._made(), self._known)

    def _address(self, request: Request, reading: DocumentReading) -> str:
        named = request.headers.getlist(self._header)
        # Headers are bytes: proxies write names in UTF-8.
        user = named[0].encode("latin-1").decode("utf-8", "replace").strip() if named else ""
        if len(named) != 1 or not (address := reading.address_of(user)):
            raise HTTPException(401, "the proxy does not say who asks, or nobody knows them")
        return address


def _said(answer: Callable[[], Response]) -> Response:
    """Return an answer, or a word why there is none: that something is another's, and that it is not there, sound the same."""
    try:
        return answer()
    except (NothingForThem, UnknownMonth):
        return PlainTextResponse(f"{NOTHING}\n", status_code=404)
    except LinkRefused as refused:
        return PlainTextResponse(f"{refused}\n", status_code=403)
    except (UserError, OSError) as fault:
        logging.getLogger(__name__).warning("documents cannot be read: %s", fault)
        return PlainTextResponse(f"{UNREADABLE}\n", status_code=503)


def _file(content: bytes, name: str) -> Response:
    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
    response = Response(content, media_type=kind)
    response.headers["Content-Disposition"] = f"inline; filename*=UTF-8''{quote(name)}"
    return response


def _shelf(shelf: Shelf) -> str:
    if shelf.documents is None:
        return f"<h2>{shelf.month}</h2><p>{UNREADABLE}</p>"
    lines = "".join(
        f"<li>{escape(title)}: {', '.join(_link(shelf.month, name) for name in names)}</li>"
        for title, names in shelf.documents
    )
    return f"<h2>{shelf.month}</h2><ul>{lines}</ul>"


def _link(month: Month, name: str) -> str:
    kind = name.rpartition(".")[2].upper()
    return f'<a href="/{month}/{quote(name)}">{escape(kind)}</a>'
