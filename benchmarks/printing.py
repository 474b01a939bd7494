"""Printing a month: the publisher beside a plain loop and a persistent headless Chromium, on the same pages in one run.

Part of `make bench`. Wall time is what counts: the publisher and Chromium use both cores, a plain loop
cannot. The plain loop prints a part of the documents, and time a document is compared.
"""

from __future__ import annotations

import pickle
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from benchmarks.chromium import browser, executable
from reports.rendering import pdf as render
from reports.rendering import pool as workers
from reports.rendering.pdf import TEMPLATES, RenderJob

if TYPE_CHECKING:  # workers import this module: it stays as light for them as the command line is
    from reports.document.month_tables import MonthTables
    from sales.policy.rules import MonthRules

PEOPLE = int(sys.argv[1]) if len(sys.argv) == 2 else 500
SAMPLE = min(PEOPLE, 60)
REPEATS = 3
MIB = 1024


@dataclass
class Timed:
    """Wall and CPU seconds of a block."""

    wall: float = 0.0
    cpu: float = 0.0


@contextmanager
def timed() -> Iterator[Timed]:
    """Note wall and CPU seconds, those of ended children included."""
    found, wall, cpu = Timed(), time.perf_counter(), _cpu()
    yield found
    found.wall, found.cpu = time.perf_counter() - wall, _cpu() - cpu


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def by_press(jobs: Sequence[RenderJob]) -> Timed:
    """Print documents as a month end does."""
    with timed() as found:
        done = list(workers.printed((str(n), job, False) for n, job in enumerate(jobs)))
    assert all(isinstance(each, workers.Printed) for _, each in done)
    return found


def by_plain_loop(jobs: Sequence[RenderJob]) -> Timed:
    """Print documents one after the other, as WeasyPrint's documentation shows, to the same standard."""
    from weasyprint import HTML

    with timed() as found:
        for job in jobs:
            sheet = render.stylesheet(job.theme) + render.font_faces(needs_others=False)
            HTML(
                string=job.html.replace("</head>", f"<style>{sheet}</style></head>"),
                base_url=f"{TEMPLATES}/",
            ).write_pdf(pdf_variant="pdf/a-3a", pdf_tags=True)
    return found


def by_chromium(jobs: Sequence[RenderJob]) -> tuple[str, Timed]:
    """Print documents in one persistent browser with a tab for each core; its PDFs are tagged, of no standard, and have no running heads."""
    hidden = "<style>.running-left,.running-right,.foot-left{display:none}</style></head>"
    pages = [
        job.html.replace(
            "</head>",
            f"<style>{render.stylesheet(job.theme)}{render.font_faces(needs_others=False)}</style>{hidden}",
        )
        for job in jobs
    ]
    with browser(tabs=2, base=TEMPLATES) as printer:
        printer.pdf(pages[0])
        found, wall, cpu = Timed(), time.perf_counter(), printer.cpu_seconds()
        with ThreadPoolExecutor(2) as pool:
            list(pool.map(printer.pdf, pages))
        found.wall, found.cpu = time.perf_counter() - wall, printer.cpu_seconds() - cpu
        return printer.version, found


def line(name: str, documents: int, found: Timed, note: str = "") -> None:
    """Print one row of the report."""
    print(
        f"  {name:28} {documents:4} documents  {found.wall / documents:6.3f} s wall  {found.cpu / documents:6.3f} s CPU a document  {note}"
    )


def peers(persons: list[RenderJob], company: RenderJob) -> None:
    """Compare on persons and on the company pack."""
    everybody = (persons * (PEOPLE // len(persons) + 1))[:PEOPLE]
    publisher = by_press(everybody)
    plain = by_plain_loop(everybody[:SAMPLE])
    print(
        f"\npersonal pages, wall and CPU a document; {PEOPLE} of them and the company pack in one run"
    )
    line("publisher", PEOPLE, publisher)
    line(
        "plain loop",
        SAMPLE,
        plain,
        f"{plain.wall / SAMPLE / (publisher.wall / PEOPLE):.1f} times the wall time of the publisher",
    )
    has_chromium = executable() is not None
    if has_chromium:
        version, chromium = by_chromium(everybody)
        line(
            version,
            PEOPLE,
            chromium,
            f"{chromium.wall / publisher.wall:.2f} times the wall time of the publisher",
        )
    else:
        print(
            "  no Chromium here: apt-get install chromium-headless-shell, or name one in $CHROMIUM"
        )
    print("\nthe company pack, medians of three")
    ours = [_once(lambda: render.pdf_of(company)) for _ in range(REPEATS)]
    plain_ones = [by_plain_loop([company]) for _ in range(REPEATS)]
    mine = median(each.wall for each in ours)
    print(f"  publisher, one process       {mine:6.2f} s wall")
    print(f"  plain loop                   {median(each.wall for each in plain_ones):6.2f} s wall")
    if has_chromium:
        print(
            f"  Chromium                     {median(by_chromium([company])[1].wall for _ in range(REPEATS)):6.2f} s wall"
        )


def growth(persons: list[RenderJob]) -> None:
    """Show how time and memory of one worker grow with the number of documents, each number in a process of its own."""
    print("\nhow one worker grows: documents, CPU seconds a document, peak memory")
    with TemporaryDirectory() as folder:
        path = Path(folder) / "proofs"
        path.write_bytes(pickle.dumps(persons))
        for count in (20, 80, 320):
            command = [
                sys.executable,
                "-m",
                "benchmarks.printing",
                "--worker",
                str(path),
                str(count),
            ]
            print(
                "  "
                + subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            )


def one_worker(path: str, count: int) -> None:
    """Print so many documents as a worker does, and say what it took."""
    persons: list[RenderJob] = pickle.loads(Path(path).read_bytes())  # noqa: S301  # written by this program
    with timed() as found:
        for n in range(count):
            workers.print_one(persons[n % len(persons)], is_pictured=False)
    # What getrusage says holds the peak of the process that started this one.
    peak = (
        next(
            int(line.split()[1])
            for line in Path("/proc/self/status").read_text().splitlines()
            if line.startswith("VmHWM")
        )
        / MIB
    )
    print(f"{count:4}  {found.cpu / count:6.3f} s  {peak:6.0f} MiB")


def three_changed(tables: MonthTables, rules: MonthRules) -> None:
    """Print a month, change three people, and print it again."""
    from benchmarks.pages import MONTH, POLICY
    from reports.publisher import Publisher

    with TemporaryDirectory() as folder:
        publisher = Publisher(Path(folder), POLICY)
        first = _once(lambda: publisher.publish(tables, MONTH, rules, "bench"))
        plan = tables.closing_plan
        people = list(dict.fromkeys(plan["owner_id"]))[:3]
        changed = plan.assign(
            push_count=plan["push_count"]
            + plan["owner_id"].isin(people).astype(plan["push_count"].dtype)
        )
        again = replace(tables, closing_plan=changed)
        printed: list[int] = []
        second = _once(
            lambda: printed.append(publisher.publish(again, MONTH, rules, "bench").printed)
        )
        third = _once(
            lambda: printed.append(publisher.publish(again, MONTH, rules, "bench").printed)
        )
    print(
        f"\nthe demo's month: first {first.wall:.1f} s; three people changed {second.wall:.1f} s ({printed[0]} documents: theirs, their teams', the company's)"
    )
    print(f"  nothing changed {third.wall:.1f} s ({printed[1]} documents)")


def many_deals(tables: MonthTables, rules: MonthRules) -> None:
    """Print the pages of a person with 60 and with 6,000 open deals."""
    from benchmarks.pages import MONTH
    from reports.document.document import Variant
    from reports.month_end import month_end_reports
    from reports.publisher import render_job_of

    walls: dict[int, list[float]] = {}
    for count in (60, 6_000):
        reports = month_end_reports(_with_deals(tables, count), Variant(MONTH, rules, is_demo=True))
        owner = tables.closing_plan["owner_id"].iloc[0]
        report = next(each for each in reports if each.grain_id == owner)
        job = render_job_of(report, "a.pdf")
        render.pdf_of(job)
        walls[count] = [
            _once(lambda report=report: render.pdf_of(render_job_of(report, "a.pdf"))).wall
            for _ in range(REPEATS)
        ]
    few, many = median(walls[60]), median(walls[6_000])
    print(
        f"\na person's pages with their tables: 60 deals {few:.2f} s, 6,000 deals {many:.2f} s, {many / few:.2f} times"
    )


def _with_deals(tables: MonthTables, count: int) -> MonthTables:
    """Return tables in which the first owner of the closing plan has so many deals in it."""
    import pandas as pd

    plan, snapshot = tables.closing_plan, tables.opportunity_snapshot
    owner = plan["owner_id"].iloc[0]
    mine = plan.loc[plan["owner_id"] == owner]
    copies = -(-count // len(mine))
    state = snapshot.loc[snapshot["opportunity_id"].isin(mine["opportunity_id"])]
    plans, states = [plan], [snapshot]
    for n in range(copies - 1):
        for part, rows in ((plans, mine), (states, state)):
            named = [f"{each[:12]}{n:05d}X" for each in rows["opportunity_id"]]
            part.append(
                rows.assign(
                    opportunity_id=pd.Series(
                        named, index=rows.index, dtype=rows["opportunity_id"].dtype
                    )
                )
            )
    return replace(
        tables,
        closing_plan=pd.concat(plans, ignore_index=True),
        opportunity_snapshot=pd.concat(states, ignore_index=True),
    )


def _once(work: Callable[[], object]) -> Timed:
    with timed() as found, no_collection():
        work()
    return found


no_collection = render.no_garbage_collection


def main() -> None:
    """Print every figure."""
    from benchmarks.pages import demo_month, demo_reports
    from reports.publisher import render_job_of

    reports = demo_reports()
    persons = [render_job_of(report, "a.pdf") for report in reports if report.kind == "person"]
    company = render_job_of(reports[0], "a.pdf")
    cells = [
        sum(
            len(table.rows) * len(table.columns)
            for section in report.sections
            for table in section.tables
        )
        for report in reports
    ]
    print(
        f"printing, {date.today()}: {reports[0].title}; {cells[0]} table cells in the company pack, {median(cells[4:]):.0f} on the pages of a person"
    )
    tables, rules = demo_month()
    three_changed(tables, rules)
    many_deals(tables, rules)
    growth(persons)
    peers(persons, company)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--worker"]:
        one_worker(sys.argv[2], int(sys.argv[3]))
    else:
        main()
