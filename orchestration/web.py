"""The Dagster UI on this machine, and a server for the PDFs that it links to."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.routing import Mount
from starlette.staticfiles import StaticFiles

from local_org.server import PortTaken, serving_app
from orchestration import settings
from orchestration.runs import prepare_dagster_home
from sales.fault import Fault


class PacksPortTaken(Fault, OSError):
    """The PDFs cannot be served where links lead."""


@contextmanager
def _packs_server(files: Starlette, port: int) -> Iterator[None]:
    try:
        with serving_app(files, port):
            yield
    except PortTaken:
        raise PacksPortTaken(f"port {port} on 127.0.0.1 is not free for the PDFs; set ONPACE_PACKS_URL to another port") from None


def serve_ui(port: int, say: Callable[[str], None]) -> int:
    """Run `dagster dev` until it is stopped and return its exit code; PDFs are served beside it."""
    prepare_dagster_home()
    packs = settings.home() / "packs"
    packs.mkdir(parents=True, exist_ok=True)
    link = urlsplit(settings.value_of("ONPACE_PACKS_URL"))
    environment = os.environ | {
        "ONPACE_HOME": str(settings.home()),
        "ONPACE_POLICY": str(settings.policy_folder()),
        "PYTHONPATH": str(settings.PROJECT),
    }
    command = [sys.executable, "-m", "dagster", "dev", "-w", str(settings.PROJECT / "workspace.yaml"), "-h", "127.0.0.1", "-p", str(port)]
    files = Starlette(routes=[Mount("/", StaticFiles(directory=packs))])
    with _packs_server(files, link.port or 3001):
        say(f"Dagster UI: http://127.0.0.1:{port}  PDFs: {link.geturl()}  (stop with Ctrl-C)")
        process = subprocess.Popen(command, env=environment, cwd=settings.PROJECT)  # noqa: S603  # our own command
        # Ctrl-C reaches both processes; who stops a service tells only this one.
        signal.signal(signal.SIGTERM, lambda *_: process.terminate())
        try:
            return process.wait()
        except KeyboardInterrupt:
            return process.wait()
