"""Years of use: `python -m benchmarks.years --months 1000` lets a clock run ahead and publishes month after month in one home.

Each month the org changes, is read, and every table and document is stored and published; the
tables are those of one month of a small firm, so that what is measured is the keeping, not the
computing. Prints, for every tenth part, seconds of CPU a month of each step, what reading the first
month and the newest costs, the size of the home by part, and memory.
"""

from __future__ import annotations

import argparse
import multiprocessing
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.pool import Pool
from pathlib import Path

import pandas as pd

from connectors.salesforce.auth import Login
from connectors.salesforce.pull import SalesforceClient
from connectors.storage.catalogue import Catalogue
from connectors.storage.document_ledger import DocumentFile
from connectors.storage.files import make_home
from connectors.storage.publications import PublishedMonths
from connectors.storage.revision_documents import documents_of
from embedded_org.server import OrgServer, serving
from publication.workspace import Workspace
from reports.publisher import Publisher
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.published import MONTHLY, month_column
from tests.connectors.salesforce.orgs import LivingOrg
from tests.reports.months import MONTH, tables_of

DEALS = 200  # of which so many change a month
CHANGED = 20
PARTS = 10
KEPT_DAYS = 30


def main() -> int:
    """Publish months and print what they cost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.years", description=__doc__)
    parser.add_argument("--months", type=int, default=1000)
    months: int = parser.parse_args().months
    living = LivingOrg(DEALS)
    with tempfile.TemporaryDirectory(prefix="onpace-years-") as name:
        home = Path(name) / "home"
        make_home(home)
        frames, printed = _a_month(Path(name))
        with (
            serving(OrgServer(living.org)) as address,
            # As runs are: each in a process of its own.
            multiprocessing.get_context("fork").Pool(1, maxtasksperchild=1) as processes,
        ):
            place = _Place(home, address, frames, printed)
            print(HEAD)
            _live(months, living, place, processes)
    return 0


@dataclass(frozen=True)
class _Place:
    home: Path
    address: str
    frames: Mapping[str, pd.DataFrame]
    printed: Path


def _live(months: int, living: LivingOrg, place: _Place, processes: Pool) -> None:
    first, part = Month.of(living.now.date()), max(months // PARTS, 1)
    spent: Counter[str] = Counter()
    for n in range(months):
        month = first.plus(n)
        for k in range(CHANGED):
            living.change((n * CHANGED + k) % DEALS, 100 + n)
        after = month.plus(1)
        living.now = living.now.replace(year=after.year, month=after.number, day=2, hour=6)
        cost, peak = processes.apply(_month_end, (place, month, living.now, n))
        spent.update(cost)
        if (n + 1) % part == 0:
            reads = processes.apply(_reading, (place, (first, month)))
            _say(n + 1, part, spent, [*reads.values()], place.home, peak)
            spent.clear()


def _month_end(
    place: _Place, month: Month, now: datetime, n: int
) -> tuple[dict[str, float], float]:
    """Read, store and publish a month; return seconds of CPU of each step, and the most memory in MB."""
    spent: Counter[str] = Counter()
    # The fork begins with what its parent holds, which serves the org.
    begun = _memory("VmRSS")
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")  # the peak begins anew
    client = SalesforceClient(Login("", "onpace-local", "onpace-local", place.address))
    workspace = Workspace(place.home, place.home.parent, lambda: client, "here", lambda: now)
    with _timed(spent, "read"):
        record = client.pull(workspace.extracts, place.address, lambda _: None)
        workspace.extracts.choose(month, record)
    with _timed(spent, "store"):
        for name, frame in place.frames.items():
            workspace.tables.write(name, month, _of(frame, name, month), {})
    with _timed(spent, "publish"):
        files = documents_of(place.printed) or {}
        noted = [DocumentFile(each, sha, "Acme", "all", "en") for each, sha in files.items()]
        workspace.published.publish(
            month, record.extract_id, now, "d", str(n), noted, place.printed
        )
    with _timed(spent, "forget"):
        workspace.extracts.forget(now, KEPT_DAYS)
    return dict(spent), _memory("VmHWM") - begun


def _reading(place: _Place, ends: tuple[Month, Month]) -> dict[str, float]:
    """Read all tables of two months as readers do."""
    spent: Counter[str] = Counter()
    for end, month in zip(("first", "newest"), ends, strict=True):
        with _timed(spent, end):
            for name in MONTHLY:
                PublishedMonths(Catalogue(place.home)).read(name, month)
    return dict(spent)


def _memory(line: str) -> float:
    """Return a line of what the kernel says of this process's memory, in MB."""
    status = Path("/proc/self/status").read_text(encoding="utf-8")
    return int(re.findall(rf"^{line}:\s+(\d+) kB", status, re.MULTILINE)[0]) / 1024


HEAD = "months | CPU s a month: read, store, publish, forget | CPU s to read a month: first, newest | MB: raw, tables, documents, catalogue | files in the home | MB of memory that a month takes"


def _say(
    count: int, part: int, spent: Counter[str], reads: Sequence[float], home: Path, peak: float
) -> None:
    each = ", ".join(f"{spent[step] / part:.2f}" for step in ("read", "store", "publish", "forget"))
    raw, tables = _megabytes(home, "tables/raw_*"), _megabytes(home, "tables/*")
    sizes = (raw, tables - raw, _megabytes(home, "revisions"), _megabytes(home, "catalogue.sqlite"))
    files = sum(path.is_file() for path in home.rglob("*"))
    print(
        f"{count} | {each} | {', '.join(f'{seconds:.2f}' for seconds in reads)} | "
        f"{', '.join(f'{size:.1f}' for size in sizes)} | {files} | {peak:.0f}",
        flush=True,
    )


@contextmanager
def _timed(spent: Counter[str], step: str) -> Iterator[None]:
    begun = time.process_time()
    yield
    spent[step] += time.process_time() - begun  # type: ignore[assignment]


def _megabytes(home: Path, where: str) -> float:
    sizes: dict[int, int] = {}
    for top in home.glob(where):
        for path in (top, *top.rglob("*")):
            if path.is_file():
                its = path.stat()
                sizes[its.st_ino] = its.st_blocks * 512
    return sum(sizes.values()) / 1e6


def _of(frame: pd.DataFrame, name: str, month: Month) -> pd.DataFrame:
    """Return a table as that of another month."""
    column = month_column(name)
    return frame.assign(**{column: pd.Series(str(month), frame.index, frame[column].dtype)})


def _a_month(folder: Path) -> tuple[Mapping[str, pd.DataFrame], Path]:
    """Return the tables of a month, and a folder with its documents."""
    tables, variant = tables_of(4)
    frames = {name: getattr(tables, name, empty(MONTHLY[name])) for name in MONTHLY}
    issued = Publisher(folder / "packs", folder).publish(tables, MONTH, variant.rules, "here")
    return frames, issued.folder


if __name__ == "__main__":
    sys.exit(main())
