"""Reads streams from a local org with Airbyte's Salesforce connector: `read_all.py ADDRESS OUT STREAM[:rest]...`.

Run it with the connector's own Python. It checks the connection, reads every stream in full and
writes OUT/STREAM.jsonl. The connector only knows salesforce.com, so its requests are sent to
ADDRESS instead; a request to any other host is refused.
"""

from __future__ import annotations

import logging
import os
import sys
import time
from collections.abc import Iterator
from copy import copy
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
from airbyte_cdk.models import (
    AirbyteStream,
    ConfiguredAirbyteCatalog,
    ConfiguredAirbyteStream,
    DestinationSyncMode,
    Status,
    SyncMode,
    Type,
)
from airbyte_cdk.sources.declarative.async_job.job_orchestrator import AsyncJobOrchestrator
from airbyte_cdk.utils.traced_exception import AirbyteTracedException
from requests import PreparedRequest, Response
from requests.adapters import HTTPAdapter
from source_salesforce import SourceSalesforce
from source_salesforce.api import UNSUPPORTED_BULK_API_SALESFORCE_OBJECTS

LOG = logging.getLogger("airbyte")
CREDENTIAL, REFRESH_TOKEN = "onpace-local", "local-refresh-token"


def route_to(address: str) -> None:
    """Send every request for a host below salesforce.com to the address; refuse other hosts."""
    send = HTTPAdapter.send

    def routed(adapter: HTTPAdapter, request: PreparedRequest, **options: Any) -> Response:  # noqa: ANN401
        url = urlsplit(request.url or "")
        if f"{url.scheme}://{url.netloc}" != address and not (url.hostname or "").endswith(".salesforce.com"):
            raise ConnectionRefusedError(f"the org is the only host to be asked, not {url.hostname}")
        sent = copy(request)
        sent.url = address + url.path + (f"?{url.query}" if url.query else "")
        answer = send(adapter, sent, **options)
        # The connector tells its requests apart by their address.
        answer.request, answer.url = request, request.url or ""
        return answer

    HTTPAdapter.send = routed  # type: ignore[method-assign]


def poll_every(seconds: float) -> None:
    """Ask for the state of a job this often: five seconds, the connector's own choice, hide what is measured."""
    AsyncJobOrchestrator._WAIT_TIME_BETWEEN_STATUS_UPDATE_IN_SECONDS = seconds  # noqa: SLF001


def config() -> dict[str, object]:
    """Return a fresh configuration; the connector writes into it."""
    return {
        "client_id": CREDENTIAL, "client_secret": CREDENTIAL, "refresh_token": REFRESH_TOKEN,
        "start_date": "2000-01-01T00:00:00Z", "preserve_na_values": True,
    }


def check() -> None:
    """Run the connector's check; leaves with its message when it fails."""
    try:
        status = SourceSalesforce(None, config(), None).check(LOG, config())
    except AirbyteTracedException as fault:
        sys.exit(f"check: {fault.message}")
    if status.status is not Status.SUCCEEDED:
        sys.exit(f"check: {status.message}")


def records(name: str) -> Iterator[dict[str, Any]]:
    """Yield every record of a stream, read in full."""
    stream = AirbyteStream(name=name, json_schema={}, supported_sync_modes=[SyncMode.full_refresh])
    configured = ConfiguredAirbyteStream(stream=stream, sync_mode=SyncMode.full_refresh, destination_sync_mode=DestinationSyncMode.overwrite)
    catalog = ConfiguredAirbyteCatalog(streams=[configured])
    for message in SourceSalesforce(catalog, config(), None).read(LOG, config(), catalog, []):
        if message.type is Type.RECORD and message.record:
            yield message.record.data


def read(name: str, path: Path) -> int:
    """Write a stream's records as JSON lines and return how many there are."""
    count = 0
    with path.open("wb") as file:
        for count, record in enumerate(records(name), 1):
            file.write(orjson.dumps(record) + b"\n")
    return count


def main() -> None:
    """Check, then read each stream in turn."""
    address, out, *streams = sys.argv[1:]
    LOG.setLevel(logging.ERROR)
    route_to(address.rstrip("/"))
    poll_every(float(os.environ.get("POLL_SECONDS", "0.05")))
    folder = Path(out).resolve()
    folder.mkdir(parents=True, exist_ok=True)
    os.chdir(folder)  # the connector leaves temporary files where it runs
    check()
    for each in streams:
        name, _, way = each.partition(":")
        if way == "rest":
            UNSUPPORTED_BULK_API_SALESFORCE_OBJECTS.append(name)
        start = time.perf_counter()
        count = read(name, folder / f"{name}.jsonl")
        print(f"{each}\t{count}\t{time.perf_counter() - start:.2f}", flush=True)


if __name__ == "__main__":
    main()
