"""The embedded org of this process: started when first asked for, stopped when the process ends."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from functools import lru_cache
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

from connectors.salesforce_wire import Login
from local_org.company import ZONE, company
from local_org.csv_org import NoObjects, csv_org
from local_org.server import DEFAULT_CREDENTIAL, OrgServer, PortTaken, serving
from sales.fault import Fault

SEED = 20260401


class UnservableOrg(Fault, ValueError):
    """The org on this machine cannot be served as asked."""


_running = ExitStack()


def last_month_there(now: datetime, zone: ZoneInfo = ZONE) -> tuple[int, int]:
    """Return the latest closed month where the demo company is."""
    local = now.astimezone(zone)
    return (local.year, local.month - 1) if local.month > 1 else (local.year - 1, 12)


@lru_cache(maxsize=1)
def embedded_login() -> Login:
    """Start the demo company's org on loopback and return how to log in to it."""
    org = company(SEED, last_month_there(datetime.now(UTC))).org()
    address = _running.enter_context(serving(OrgServer(org)))
    return Login("", DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL, address)


def serve_until_stopped(data: Path | None, port: int, say: Callable[[str], None]) -> None:
    """Serve the demo company, or a folder of CSVs, until the process is told to stop."""
    try:
        org = csv_org(data) if data else company(SEED, last_month_there(datetime.now(UTC))).org()
    except (NoObjects, UnicodeDecodeError, OSError) as fault:
        raise UnservableOrg(str(fault)) from None
    client_id = os.environ.get("SALESFORCE_CLIENT_ID") or DEFAULT_CREDENTIAL
    client_secret = os.environ.get("SALESFORCE_CLIENT_SECRET") or DEFAULT_CREDENTIAL
    stopped = Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stopped.set())
    try:
        with serving(OrgServer(org, client_id, client_secret), port) as address:
            say(address)
            stopped.wait()
    except PortTaken as taken:
        raise UnservableOrg(str(taken)) from None
