"""Years of use: `python -m benchmarks.years --months 1000` lets a clock run ahead and publishes month after month in one home.

Each month the org changes, is read, and every table and document is stored and published; the
tables are those of one month of a small firm, so that what is measured is the keeping, not the
computing. Prints, for every tenth part, seconds of CPU a month of each step, what reading the first
month and the newest costs, the size of the home by part, open files and memory.
"""

from __future__ import annotations

import argparse
import resource
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import pandas as pd

from connectors.storage.catalogue import Catalogue
from connectors.storage.document_ledger import DocumentFile
from connectors.storage.files import make_home
from connectors.storage.publications import PublishedMonths
from connectors.storage.revision_documents import documents_of
from publication.workspace import Workspace
from reports.publisher import Publisher
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.published import MONTHLY, month_column
from tests.connectors.salesforce.orgs import LivingOrg, Reading, reading
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
        with reading(living, home) as one:
            _live(months, living, one, home, frames, printed)
    return 0


def _live(
    months: int,
    living: LivingOrg,
    one: Reading,
    home: Path,
    frames: Mapping[str, pd.DataFrame],
    printed: Path,
) -> None:
    spent: Counter[str] = Counter()
    first = Month.of(living.now.date())
    print(HEAD)
    for n in range(months):
        month = first.plus(n)
        for k in range(CHANGED):
            living.change((n * CHANGED + k) % DEALS, 100 + n)
        living.now = living.now.replace(
            year=month.plus(1).year, month=month.plus(1).number, day=2, hour=6
        )
        workspace = Workspace(home, home.parent, one.client, one.address, lambda: living.now)
        with _timed(spent, "read"):
            record = one.pull()
            one.store.choose(month, record)
        with _timed(spent, "store"):
            for name, frame in frames.items():
                workspace.tables.write(name, month, _of(frame, name, month), {})
        with _timed(spent, "publish"):
            files = documents_of(printed) or {}
            noted = [DocumentFile(each, sha, "Acme", "all", "en") for each, sha in files.items()]
            workspace.published.publish(
                month, record.extract_id, living.now, "d", str(n), noted, printed
            )
        with _timed(spent, "forget"):
            workspace.extracts.forget(living.now, KEPT_DAYS)
        if (n + 1) % max(months // PARTS, 1) == 0:
            _say(n + 1, months // PARTS or 1, spent, home, (first, month))
            spent.clear()


HEAD = "months | CPU s a month: read, store, publish, forget | CPU s to read a month: first, newest | MB: raw, tables, documents, catalogue | files in the home | open files | peak MB"


def _say(count: int, part: int, spent: Counter[str], home: Path, ends: tuple[Month, Month]) -> None:
    each = ", ".join(f"{spent[step] / part:.2f}" for step in ("read", "store", "publish", "forget"))
    reads: Counter[str] = Counter()
    for month in ends:
        with _timed(reads, str(month)):
            for name in MONTHLY:
                PublishedMonths(Catalogue(home)).read(name, month)
    raw, tables = _megabytes(home, "tables/raw_*"), _megabytes(home, "tables/*")
    sizes = (raw, tables - raw, _megabytes(home, "revisions"), _megabytes(home, "catalogue.sqlite"))
    files = sum(path.is_file() for path in home.rglob("*"))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(
        f"{count} | {each} | {', '.join(f'{seconds:.2f}' for seconds in reads.values())} | "
        f"{', '.join(f'{size:.1f}' for size in sizes)} | {files} | {len(list(Path('/proc/self/fd').iterdir()))} | {peak:.0f}",
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
