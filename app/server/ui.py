"""`onpace ui`: Dagster's webserver and daemon as processes of this command, and the documents that they link to.

Put here how the UI is started and ended; who may reach it is `guard`.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

from filelock import FileLock, Timeout

from app.server.app import front, packs_server
from assets.partitions import FIRST_MONTH
from orchestration import settings
from orchestration.instance import prepare_dagster_home
from orchestration.json_logs import wants_json
from orchestration.resources import make_workspace
from sales.errors import UserError

PACKS_PORT = 3001


class UiTaken(UserError, OSError):
    """The UI cannot be opened: its port is taken, or another one is open on this home."""


# Two runs at once on two cores: threads of linear algebra would wait for each other, and one alone is
# as fast without them.
ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1"}


def serve_ui(port: int, say: Callable[[str], None], *, read_only: bool = False) -> int:
    """Run the Dagster UI until it is stopped and return its exit code; documents are served beside it.

    The webserver stands behind our guard, which asks for a token that the address carries, a new one
    at each start unless one is set. The daemon comes along, but for the read-only UI, which
    launches, wipes and switches nothing.
    """
    prepare_dagster_home()
    refuse_taken_port(port)
    link = urlsplit(settings.value_of("ONPACE_PACKS_URL"))
    try:
        packs_port = link.port or PACKS_PORT
    except ValueError:
        raise UiTaken(
            f"ONPACE_PACKS_URL {link.geturl()[:60]!r} names no port; write it as http://127.0.0.1:3001"
        ) from None
    if packs_port == port:
        raise UiTaken(
            f"port {port} is where ONPACE_PACKS_URL has the packs; choose another one with --port"
        )
    environment = (
        ONE_THREAD
        | os.environ
        | {
            "ONPACE_HOME": str(settings.home()),
            "PYTHONPATH": str(settings.PROJECT),
            "PYTHONSAFEPATH": "1",  # where one stands may hold modules of the same names
            FIRST_MONTH: _first_month(),
        }
    )
    token = settings.value_of("ONPACE_UI_TOKEN") or secrets.token_urlsafe(24)
    workspace = ["-w", str(settings.PROJECT / "workspace.yaml")]
    log = ["--log-format", "json" if wants_json() else "colored"]
    webserver = [sys.executable, "-m", "app.server.webserver", *workspace, *log]
    webserver += ["-h", "127.0.0.1", "-p", str(port), *(["--read-only"] if read_only else [])]
    daemon = [str(Path(sys.executable).with_name("dagster-daemon")), "run", *workspace, *log]
    with _alone(is_needed=not read_only), packs_server(front(), packs_port):
        say(
            f"Dagster UI: http://127.0.0.1:{port}/?token={token}\nThe packs of all months: {link.geturl()}  (stop with Ctrl-C)"
        )
        # Dagster ends its own processes by SIGINT; who was started in the background would let them
        # ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        processes = [
            subprocess.Popen(each, env=environment | extra)  # noqa: S603  # our own commands
            for each, extra in (
                (webserver, {"ONPACE_UI_TOKEN": token}),
                *([] if read_only else [(daemon, dict[str, str]())]),
            )
        ]

        def end(*_: object) -> None:
            for each in processes:
                each.terminate()

        # Ctrl-C reaches all of them; who stops a service tells only this one.
        signal.signal(signal.SIGTERM, end)
        try:
            code = processes[0].wait()
        except KeyboardInterrupt:  # whoever interrupts this process alone ends the others too
            end()
            code = processes[0].wait()
        end()
        for each in processes[1:]:
            each.wait()
        return code


def refuse_taken_port(port: int) -> None:
    """Raise `UiTaken` where something listens on a port of this machine already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError as fault:
            raise UiTaken(
                f"port {port} on 127.0.0.1 cannot be used for the UI ({fault.strerror}); choose another one with --port"
            ) from None


@contextmanager
def _alone(*, is_needed: bool) -> Iterator[None]:
    """Be the only UI of a home while a block runs: two daemons would each launch what is due."""
    if not is_needed:
        yield
        return
    lock = FileLock(settings.home() / "dagster" / "ui.lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UiTaken(f"another `onpace ui` is open on {settings.home()}; stop it first") from None
    try:
        yield
    finally:
        lock.release()


def _first_month() -> str:
    """Return the first month to offer: what is set, else the first of which something was read, else nothing."""
    if stated := settings.value_of(FIRST_MONTH):
        return stated
    try:
        workspace = make_workspace()
        latest = workspace.extracts.latest()
        first = workspace.loaded.first_month(latest) if latest else None
    except UserError:  # what is damaged is told by health, by checks and by the run that needs it
        return ""
    return str(first) if first else ""
