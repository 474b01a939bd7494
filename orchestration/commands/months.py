"""Commands about months: computing them, printing them, and taking their tables out."""

from __future__ import annotations

from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from orchestration.console import MonthArgument, closed_month, err, flat, one_sentence, out

if TYPE_CHECKING:
    from assets.books import Books
    from sales.calendar import Month

app = typer.Typer()

FreshOption = Annotated[bool, typer.Option("--fresh-extract", help="Read Salesforce again instead of the extract frozen for the month.")]
ReconstructOption = Annotated[
    bool, typer.Option("--reconstruct", help="Pass over our own copy of the month end and work the month out from what Salesforce says today.")
]
VanishedOption = Annotated[
    bool, typer.Option("--accept-vanished", help="Take records that can no longer be seen for deleted ones, however many they are.")
]


class Format(StrEnum):
    """File formats of an export."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


@app.command()
def demo() -> None:
    """Run the month end of the demo company for the latest closed month, and say where the PDFs are.

    Uses the embedded org and a mail server of its own whatever SALESFORCE_* and SMTP_* say. A second run prints only what
    changed, and mails nothing twice.
    """
    with one_sentence():
        from orchestration import resources, settings
        from orchestration.mailbox import mailbox

        settings.use_embedded_org()
        books = resources.make_books()
        month = _latest_month(books.now())
        with mailbox(settings.home() / "mailbox") as port:
            settings.use_mailbox(port)
            _run("month_end", month, fresh=False)
        out.print(f"Mails as their recipients would see them: {settings.home() / 'mailbox' / 'index.html'}", markup=False)
        out.print("Open the Dagster UI on the same data: make dev")


@app.command()
def report(
    month: MonthArgument, fresh_extract: FreshOption = False, reconstruct: ReconstructOption = False, accept_vanished: VanishedOption = False
) -> None:
    """Compute a month and print its packs, without delivering them.

    A month that was computed before is computed again from the extract frozen for it; one
    whose end was copied soon after it, from that copy.
    """
    chosen = closed_month(month)
    with one_sentence():
        _run("restatement", chosen, fresh=fresh_extract, reconstruct=reconstruct, accept_vanished=accept_vanished)


@app.command()
def backfill(
    months: Annotated[
        str, typer.Argument(metavar="MONTHS", help="2025-01..2025-12, a quarter such as 2025-Q3 or FY2025-Q3, or a year such as FY2026.")
    ],
    fresh_extract: FreshOption = False,
) -> None:
    """Compute and print several past months from one reading of Salesforce. Never delivers.

    Quarters and years are fiscal: FY2026-Q3 is the third quarter of the fiscal year called 2026.
    A month that fails is named with its reason and leaves the others standing.
    """
    with one_sentence():
        from orchestration import resources, runs

        books = resources.make_books()
        wanted = _months(months, books)
        out_of = len(wanted)
        numbers = iter(range(1, out_of + 1))
        started = datetime.now(UTC)

        def begin(month: Month) -> None:
            number = next(numbers)
            spent = (datetime.now(UTC) - started).total_seconds()
            left = f", about {spent / (number - 1) * (out_of - number + 1):.0f} s left" if number > 1 else ""
            err.print(f"[bold]{month}[/bold] ({number} of {out_of}{left})")

        outcome = runs.backfill(wanted, books, begin, fresh=fresh_extract)
        for done in outcome.done:
            out.print(str(books.home / "packs" / str(done) / "company.pdf"), markup=False)
        for failed, fault in outcome.failed.items():
            err.print(f"onpace: {failed}: {flat(str(fault))}", markup=False)
        if missed := wanted[len(outcome.done) + len(outcome.failed) :]:
            err.print(f"onpace: {len(missed)} months from {missed[0]} on were not tried", markup=False)
        if outcome.failed:
            raise typer.Exit(1)


@app.command()
def export(
    month: MonthArgument,
    to: Annotated[
        Path | None, typer.Option("--to", help="Folder to write to; made if missing. [default: ONPACE_HOME/exports/MONTH]", show_default=False)
    ] = None,
    format_: Annotated[Format, typer.Option("--format", help="One file a table, or one workbook.")] = Format.CSV,
) -> None:
    """Write the published tables of a computed month as files."""
    chosen = closed_month(month)
    with one_sentence():
        from connectors.storage import TableStore
        from orchestration import settings
        from reports.export import export_tables
        from sales.tables import PUBLISHED

        store = TableStore(settings.home())
        here = store.published_tables(chosen)
        tables = {name: store.read_published(name, chosen) for name in PUBLISHED if name in here}
        for path in export_tables(tables, chosen, to or settings.home() / "exports" / str(chosen), format_.value):
            out.print(str(path), markup=False)


def _run(job_name: str, month: Month, *, fresh: bool, reconstruct: bool = False, accept_vanished: bool = False) -> None:
    from orchestration import resources, runs

    books = resources.make_books()
    books.refuse_clearly_open(month)
    err.print(f"[bold]{month}[/bold] from {books.source}")
    with runs.dagster_instance() as instance:
        how = runs.HowToRead(fresh=fresh, reconstruct=reconstruct, accept_vanished=accept_vanished)
        runs.run_month(job_name, month, books, instance, how)
    for path in _published(books.home / "packs" / str(month)):
        out.print(str(path), markup=False)


def _published(folder: Path) -> list[Path]:
    import json

    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [folder / document["file"] for document in manifest["documents"]]


def _months(text: str, books: Books) -> list[Month]:
    from orchestration.months import UnknownMonths, months_named

    try:
        return months_named(text, books)
    except UnknownMonths as unknown:
        raise typer.BadParameter(str(unknown)) from None


def _latest_month(now: datetime) -> Month:
    from orchestration.embedded import last_month_there
    from sales.calendar import Month

    return Month(*last_month_there(now))
