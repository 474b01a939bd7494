"""What running costs: start of the UI, Dagster's share of a run, a backfill of 36 months, and one without news.

Part of `make bench`. The peers in the same run: Dagster itself with a code location of one asset,
and a job of as many empty assets on the same kind of instance. `python -m benchmarks.operations 12`
takes fewer months.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import requests

from app.demo.mail_server import free_port

ROOT = Path(__file__).resolve().parent.parent
ONPACE = Path(sys.executable).with_name("onpace")
REPEATS = 3
PATIENCE = 180.0
READY = {
    "query": "{ workspaceOrError { ... on Workspace { locationEntries { locationOrLoadError { __typename } } } } }"
}
BARE = "import dagster as dg\n\n\n@dg.asset\ndef bare() -> None: ...\n\n\ndefs = dg.Definitions(assets=[bare])\n"


def environment(home: Path) -> dict[str, str]:
    """Return an environment without settings but a home."""
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SALESFORCE_", "ONPACE_", "DAGSTER_", "SMTP_"))
    }
    return clean | {"ONPACE_HOME": str(home), "PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "ignore"}


def seconds(command: list[str], home: Path) -> float:
    """Return the wall seconds of a command that succeeds."""
    started = time.perf_counter()
    done = subprocess.run(
        command, env=environment(home), cwd=home.parent, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return time.perf_counter() - started


def printed(command: list[str], home: Path) -> float:
    """Return the number that a command prints."""
    return float(
        subprocess.run(
            command,
            env=environment(home),
            cwd=home.parent,
            capture_output=True,
            text=True,
            check=True,
        ).stdout
    )


def imports(home: Path) -> None:
    """Print how long the code location is imported, beside Dagster alone."""
    ours, bare = (
        median(
            printed(
                [
                    sys.executable,
                    "-c",
                    f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)",
                ],
                home,
            )
            for _ in range(REPEATS)
        )
        for module in ("orchestration.definitions", "dagster")
    )
    print(
        f"import of the code location: {ours:.2f} s; of dagster alone {bare:.2f} s (aim: under 3 s)"
    )


@contextlib.contextmanager
def running(command: list[str], home: Path) -> Iterator[None]:
    """Run a server, and stop it at the end."""
    process = subprocess.Popen(
        command,
        env=environment(home),
        cwd=home.parent,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


def usable(port: int) -> float:
    """Return the wall seconds until the UI answers with a loaded code location."""
    started = time.perf_counter()
    while time.perf_counter() - started < PATIENCE:
        with contextlib.suppress(requests.RequestException):
            answer = requests.post(f"http://127.0.0.1:{port}/graphql", json=READY, timeout=5).json()
            entries = answer["data"]["workspaceOrError"]["locationEntries"]
            if entries and all(
                (each["locationOrLoadError"] or {}).get("__typename") == "RepositoryLocation"
                for each in entries
            ):
                return time.perf_counter() - started
        time.sleep(0.1)
    raise TimeoutError(f"the UI on port {port} did not load its code location")


def start(folder: Path) -> None:
    """Print how long `onpace ui` takes to a usable UI, beside `dagster dev` with one asset."""
    (folder / "bare.py").write_text(BARE)
    found: dict[str, list[float]] = {"ours": [], "bare": []}
    for turn in range(REPEATS):
        port, packs = free_port(), free_port()
        home = folder / f"ui-{turn}"
        os.environ.pop("DAGSTER_HOME", None)
        with_packs = [
            "env",
            f"ONPACE_PACKS_URL=http://127.0.0.1:{packs}",
            str(ONPACE),
            "ui",
            "--port",
            str(port),
        ]
        with running(with_packs, home):
            found["ours"].append(usable(port))
        port = free_port()
        bare = folder / f"dagster-{turn}"
        bare.mkdir()
        (bare / "dagster.yaml").write_bytes((ROOT / "dagster.yaml").read_bytes())
        command = [
            "env",
            f"DAGSTER_HOME={bare}",
            sys.executable,
            "-m",
            "dagster",
            "dev",
            "-f",
            str(folder / "bare.py"),
            "-p",
            str(port),
        ]
        with running(command, folder / "bare"):
            found["bare"].append(usable(port))
    print(
        f"start to a usable UI: {median(found['ours']):.1f} s; dagster dev with one asset {median(found['bare']):.1f} s"
    )


def overhead(home: Path) -> None:
    """Print Dagster's share: a run in which every asset is unchanged, beside a job of as many empty assets."""
    code = """
import sys, time
import dagster as dg
from orchestration import local_runs as runs
from orchestration import resources
from orchestration.definitions import defs
from orchestration.instance import dagster_instance
from sales.calendar import Month
from publication.pull_options import PullOptions
workspace = resources.make_workspace()
month = workspace.published.latest()
steps = len(defs.resolve_job_def("restatement").nodes)
print(steps)
empty = [dg.asset(name=f"empty_{n}")(lambda: None) for n in range(steps)]
job = dg.Definitions(assets=empty, jobs=[dg.define_asset_job("empty", executor_def=dg.in_process_executor)]).resolve_job_def("empty")
with dagster_instance() as instance:
    for _ in range(4):
        started = time.perf_counter(); runs.run_month("restatement", month, workspace, instance, PullOptions(shared_pull_hours=0.0)); ours = time.perf_counter() - started
        started = time.perf_counter(); job.execute_in_process(instance=instance); bare = time.perf_counter() - started
        print(ours, bare)
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=environment(home),
        capture_output=True,
        text=True,
        check=True,
    )
    steps, _, *lines = done.stdout.splitlines()  # the first pair warms up
    pairs = [tuple(map(float, line.split())) for line in lines]
    ours, bare = (median(each) for each in zip(*pairs, strict=True))
    each = ours / int(steps) * 1000
    print(
        f"a run of an unchanged month, {steps} steps: {ours:.2f} s, {each:.0f} ms a step; as many empty assets {bare:.2f} s ({ours / bare:.1f} times)"
    )


def backfills(home: Path, count: int) -> None:
    """Print how long a first backfill of so many months takes, and the same again without news."""
    from orchestration.embedded import last_month_there
    from sales.calendar import Month

    last = Month(*last_month_there(datetime.now(UTC)))
    months = f"{last.plus(1 - count)}..{last}"
    first = seconds([str(ONPACE), "backfill", months], home)
    again = median(seconds([str(ONPACE), "backfill", months], home) for _ in range(REPEATS))
    print(
        f"{count} months of the demo: {first:.0f} s, {first / count:.1f} s a month; again without news {again:.1f} s ({first / again:.0f} times; aim: under 60 s)"
    )


def main() -> None:
    """Print every figure."""
    if (ROOT / ".env").exists():
        sys.exit("move .env away: these figures are of the demo company, not of your Salesforce")
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 36
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        imports(home)
        start(folder)
        backfills(home, count)
        overhead(home)


if __name__ == "__main__":
    main()
