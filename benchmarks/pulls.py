"""Time, memory and requests of reading an organisation from the embedded org over HTTP: part of `make bench`.

Peer in the same run: `airbyte-source-salesforce` reading the same two objects from the same
server, with its wait between two looks at a job cut from 5 s to 0.05 s. Each figure comes
from a process of its own, so that peak memory is its own.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.month_end import peak

SIZES = (25_000, 50_000, 100_000)
REPEATS = 3
PEER_DEALS = 200_000
CLIENTS = Path(__file__).parents[1] / "tests" / "clients"
AIRBYTE = CLIENTS / ".venv" / "bin" / "python"


def pull(address: str, home: str) -> dict[str, float]:
    """Pull into a home and return seconds, requests, rows and peak memory."""
    from connectors.salesforce.auth import Login
    from connectors.salesforce.pull import SalesforceClient
    from connectors.storage.catalogue import Catalogue
    from connectors.storage.extracts import ExtractStore

    store = ExtractStore(Catalogue(Path(home)))
    client = SalesforceClient(Login("", "onpace-local", "onpace-local", address))
    before = peak()
    wall, cpu = time.perf_counter(), time.process_time()
    record = client.pull(store, address)
    return {
        "wall": time.perf_counter() - wall,
        "cpu": time.process_time() - cpu,
        "requests": record.pull.requests,
        "rows": sum(record.rows.values()),
        "peak": peak(),
        "more": peak() - before,
    }


def in_a_process(address: str, home: str) -> dict[str, float]:
    """Return the figures of one pull."""
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.pulls", address, home],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def served(deals: int, history: str = "history") -> subprocess.Popen[str]:
    """Start an org of so many opportunities."""
    return subprocess.Popen(
        [sys.executable, "-m", "benchmarks.org", str(deals), history],
        stdout=subprocess.PIPE,
        text=True,
    )


def address_of(process: subprocess.Popen[str]) -> str:
    """Return where a started org answers."""
    assert process.stdout is not None
    return process.stdout.readline().strip()


def report() -> None:
    """Print every figure."""
    print(
        f"\nreading Salesforce, {date.today()}; seconds, MiB at the peak of a process and above what it had before the pull"
    )
    for deals in SIZES:
        process = served(deals)
        try:
            address = address_of(process)
            with TemporaryDirectory() as folder:
                first = in_a_process(address, f"{folder}/0")
                again = in_a_process(address, f"{folder}/0")
        finally:
            process.terminate()
        print(
            f"  {deals:7,} opportunities, {first['rows']:9,.0f} rows   everything: wall {first['wall']:6.1f}  CPU {first['cpu']:6.1f}  "
            f"peak {first['peak']:5.0f} (+{first['more']:.0f})  {first['requests']:.0f} requests   "
            f"no news: wall {again['wall']:5.1f}  CPU {again['cpu']:5.1f}  {again['requests']:.0f} requests"
        )
    beside_airbyte()


def beside_airbyte() -> None:
    """Print how long both take for the same opportunities, median of several runs each, taken in turn."""
    if not AIRBYTE.exists():
        print("  airbyte-source-salesforce is not installed: make clients")
        return
    process = served(PEER_DEALS, "")
    ours: list[float] = []
    theirs: list[float] = []
    try:
        address = address_of(process)
        for _ in range(REPEATS):
            with TemporaryDirectory() as folder:
                ours.append(in_a_process(address, folder)["wall"])
                command = [
                    str(AIRBYTE),
                    str(CLIENTS / "read_all.py"),
                    address,
                    folder,
                    "Opportunity",
                ]
                done = subprocess.run(command, capture_output=True, text=True, check=True)
                theirs.append(float(done.stdout.splitlines()[-1].split("\t")[2]))
    finally:
        process.terminate()
    print(
        f"  {PEER_DEALS:,} opportunities alone: ours {PEER_DEALS / median(ours):,.0f} rows a second, airbyte-source-salesforce "
        f"{PEER_DEALS / median(theirs):,.0f}: {median(theirs) / median(ours):.1f} times its throughput"
    )


if __name__ == "__main__":
    if len(sys.argv) == 1:
        report()
    else:
        print(json.dumps(pull(*sys.argv[1:])))
