"""`onpace ui`: Dagster's webserver and daemon as processes of this command, and the documents that they link to.

Put here how the UI is started and ended; who may reach it is `guard`.
"""

from __future__ import annotations

import os
import secrets
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

from app.server.app import front, packs_server
from assets.partitions import FIRST_MONTH
from orchestration import settings
from orchestration.instance import prepare_dagster_home
from orchestration.json_logs import wants_json
from orchestration.resources import make_workspace
from sales.errors import UserError

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
    link = urlsplit(settings.value_of("ONPACE_PACKS_URL"))
    environment = (
        ONE_THREAD
        | os.environ
        | {
            "ONPACE_HOME": str(settings.home()),
            "ONPACE_POLICY": str(settings.policy_folder()),
            "PYTHONPATH": str(settings.PROJECT),
            FIRST_MONTH: _first_month(),
        }
    )
    token = settings.value_of("ONPACE_UI_TOKEN") or secrets.token_urlsafe(24)
    workspace = ["-w", str(settings.PROJECT / "workspace.yaml")]
    log = ["--log-format", "json" if wants_json() else "colored"]
    webserver = [sys.executable, "-m", "app.server.webserver", *workspace, *log]
    webserver += ["-h", "127.0.0.1", "-p", str(port), *(["--read-only"] if read_only else [])]
    daemon = [str(Path(sys.executable).with_name("dagster-daemon")), "run", *workspace, *log]
    with packs_server(front(), link.port or 3001):
        say(
            f"Dagster UI: http://127.0.0.1:{port}/?token={token}\nPDFs: {link.geturl()}  (stop with Ctrl-C)"
        )
        # Dagster ends its own processes by SIGINT; who was started in the background would let them
        # ignore it.
        signal.signal(signal.SIGINT, signal.default_int_handler)
        processes = [
            subprocess.Popen(each, env=environment | extra, cwd=settings.beside())  # noqa: S603  # our own commands
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
        except KeyboardInterrupt:
            code = processes[0].wait()
        end()
        for each in processes[1:]:
            each.wait()
        return code


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
