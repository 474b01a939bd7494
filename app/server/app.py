"""What listens on this machine: the Dagster UI, and the front, which serves documents, health and figures.

Put servers and what they answer here; what healthy means is `health`, figures are `metrics`.
"""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

import uvicorn
from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware, RequestResponseEndpoint
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from app.server.documents import OpenDocuments, ReadersDocuments
from app.server.health import examine
from app.server.metrics import exposition
from connectors.delivery.smtp import LOOPBACK
from embedded_org.server import PortTaken, serving_app
from orchestration import resources, settings
from orchestration.json_logs import json_formatter, wants_json
from reports.rendering.table_script import table_script
from sales.errors import UserError

HEADERS = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
# A page runs nothing but what sorts its lists, and loads nothing; a PDF is shown by the browser's own
# program, which needs both.
PAGE_POLICY = f"default-src 'none'; style-src 'unsafe-inline'; img-src data:; font-src data:; script-src '{table_script().digest}'; frame-ancestors 'none'"


class PacksPortTaken(UserError, OSError):
    """The PDFs cannot be served where links lead."""


class AddressTaken(UserError, OSError):
    """The front cannot listen where it was told to, or must not."""


def front() -> Starlette:
    """Return the application: `/health`, `/metrics`, and below `/` the documents, which are confidential.

    Without a header that says who asks, whoever reaches it reads all of them: it is for this machine
    only.
    """
    header = settings.user_header()
    routes = ReadersDocuments(resources.make_workspace, header).routes
    if not header:
        packs = settings.home() / "packs"
        packs.mkdir(parents=True, exist_ok=True)
        routes.append(Mount("/", OpenDocuments(directory=packs)))
    documents = Starlette(routes=routes)
    return Starlette(
        routes=[
            Route("/health", _health),
            Route("/metrics", _metrics),
            # Asked for by another name, a page of somebody else's leads here (DNS rebinding). Monitors
            # ask by address for words and figures, which tell nothing of the company.
            Mount("/", TrustedHostMiddleware(documents, _names(), www_redirect=False)),
        ],
        middleware=[Middleware(_Guarded)],
    )


def _names() -> list[str]:
    """Return the names by which documents are asked for: of this machine alone, and the one that links carry where a header says who asks."""
    named = settings.host_of("ONPACE_PACKS_URL") if settings.user_header() else ""
    return ["127.0.0.1", "localhost", "[::1]", "::1", *([named] if named else [])]


class _Guarded(BaseHTTPMiddleware):
    """Documents are confidential: no cache keeps them, and nothing in them is run or taken for something else."""

    async def dispatch(self, request: Request, call_next: RequestResponseEndpoint) -> Response:
        response = await call_next(request)
        for name, value in HEADERS.items():
            response.headers[name] = value
        if response.headers.get("Content-Type", "").startswith("text/html"):
            response.headers["Content-Security-Policy"] = PAGE_POLICY
        return response


def _health(_: Request) -> Response:
    """Answer with status words only: sentences name folders and hosts."""
    findings = {each.name: each for each in examine(datetime.now(UTC))}
    is_well = all(each.is_ok for each in findings.values())
    words = {
        "status": "ok" if is_well else "failing",
        "checks": {name: each.status for name, each in findings.items()},
    }
    return JSONResponse(
        words, status_code=200 if is_well else 503, headers={"Cache-Control": "no-store"}
    )


def _metrics(_: Request) -> Response:
    return Response(
        exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST, "Cache-Control": "no-store"}
    )


def serve_front(host: str, port: int, say: Callable[[str], None]) -> None:
    """Serve the front until the process is told to stop."""
    handler = logging.StreamHandler()
    if wants_json():
        handler.setFormatter(json_formatter())
    logging.basicConfig(level=logging.WARNING, handlers=[handler])
    if host not in LOOPBACK and not settings.user_header():
        raise AddressTaken(
            f"whoever reaches {host} would read every document; set ONPACE_USER_HEADER to the header in which your proxy says who asks, or listen on 127.0.0.1"
        )
    app = front()
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, port))
        except OSError as fault:
            raise AddressTaken(
                f"{host}:{port} cannot be listened on ({fault.strerror or fault}); choose another with --host and --port"
            ) from None
        say(f"documents, /health and /metrics: http://{host}:{listener.getsockname()[1]}")
        if host not in LOOPBACK:
            say(
                f"who asks is what the header {settings.user_header()} says: nobody but your proxy may reach this address"
            )
        uvicorn.Server(
            uvicorn.Config(
                app, log_config=None, access_log=False, lifespan="off", server_header=False
            )
        ).run(sockets=[listener])


@contextmanager
def packs_server(files: Starlette, port: int) -> Iterator[None]:
    """Serve documents beside the UI while a block runs; raises `PacksPortTaken`."""
    try:
        with serving_app(files, port):
            yield
    except PortTaken:
        raise PacksPortTaken(
            f"port {port} on 127.0.0.1 is not free for the PDFs; set ONPACE_PACKS_URL to another port"
        ) from None
