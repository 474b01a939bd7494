"""The embedded org of this process: started when first asked for, stopped when the process ends."""

from __future__ import annotations

import atexit
import os
import signal
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from threading import Event
from zoneinfo import ZoneInfo

from connectors.salesforce.auth import Login
from embedded_org.company import ZONE, company
from embedded_org.csv_org import NoObjects, csv_org
from embedded_org.faults import UnknownFault
from embedded_org.server import OrgServer, PortTaken, serving
from embedded_org.sessions import DEFAULT_CREDENTIAL, Credentials, public_key_of
from orchestration.settings import private_key
from sales.errors import UserError

SEED = 20260401


class UnservableOrg(UserError, ValueError):
    """The org on this machine cannot be served as asked."""


_running = ExitStack()
# A server whose thread is still at work when Python ends may end the process badly.
atexit.register(_running.close)


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


def serve_until_stopped(
    data: Path | None, port: int, faults: Sequence[str], say: Callable[[str], None]
) -> None:
    """Serve the demo company, or a folder of CSVs, until the process is told to stop; `faults` are `NAME=TIMES`."""
    try:
        org = csv_org(data) if data else company(SEED, last_month_there(datetime.now(UTC))).org()
    except (NoObjects, UnicodeDecodeError, OSError) as fault:
        raise UnservableOrg(str(fault)) from None
    credentials = _credentials()
    server = OrgServer(org, credentials)
    for each in faults:
        _order(server, each)
    stopped = Event()
    for sign in (signal.SIGINT, signal.SIGTERM):
        signal.signal(sign, lambda *_: stopped.set())
    try:
        with serving(server, port) as address:
            say(f"serving on {address}")
            is_ours = credentials == Credentials()
            say(
                f"log in with client id and secret {DEFAULT_CREDENTIAL}: SALESFORCE_LOCAL_URL={address} SALESFORCE_CLIENT_ID={DEFAULT_CREDENTIAL} SALESFORCE_CLIENT_SECRET={DEFAULT_CREDENTIAL}"
                if is_ours
                else "log in with the SALESFORCE_* settings of this environment"
            )
            stopped.wait()
    except PortTaken as taken:
        raise UnservableOrg(str(taken)) from None


def _credentials() -> Credentials:
    """Return what the org accepts: what this environment says of logins."""

    def said(name: str) -> str:
        return os.environ.get(f"SALESFORCE_{name}", "")

    try:
        key = private_key()
        return Credentials(
            said("CLIENT_ID") or DEFAULT_CREDENTIAL,
            said("CLIENT_SECRET") or DEFAULT_CREDENTIAL,
            said("USERNAME") or Credentials.username,
            said("PASSWORD"),
            said("SECURITY_TOKEN"),
            public_key_of(key) if key else "",
        )
    except ValueError:
        raise UnservableOrg(
            "SALESFORCE_PRIVATE_KEY_FILE holds no private key in PEM form; name another file"
        ) from None


def _order(server: OrgServer, text: str) -> None:
    name, _, times = text.partition("=")
    if not times.removeprefix("-").isdigit():
        raise UnservableOrg(f"--fault {text[:60]!r} is not NAME=N; write it as busy=3")
    if name == "clock-skew":
        server.clock_skew = timedelta(seconds=int(times))
        return
    try:
        server.faults.order(name, int(times))
    except UnknownFault as unknown:
        raise UnservableOrg(f"{unknown}, clock-skew (in seconds)") from None
