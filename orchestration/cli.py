"""The command line: `onpace`.

Put words for people here; each command does its work elsewhere. Heavy modules are
imported inside commands, so that `--help` and worker processes start fast.
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console

if TYPE_CHECKING:
    from assets.books import Books
    from sales.calendar import Month

app = typer.Typer(
    name="onpace",
    help=(
        "One number for the year, as twelve months that people still believe in.\n\n"
        "Onpace reads opportunities from Salesforce, phases targets, measures pipeline coverage, and prints month-end "
        "packs as PDF. Without SALESFORCE_* settings it uses an embedded demo company.\n\n"
        "Exit codes: 0 done; 1 failed, with one sentence that says what, where and what to do; 2 wrong usage."
    ),
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
org_app = typer.Typer(help="The embedded Salesforce org: a server with the real wire protocol, on this machine only.", no_args_is_help=True)
app.add_typer(org_app, name="org")
deliveries_app = typer.Typer(help="The ledger of deliveries: what was sent to whom, and what nobody knows.", no_args_is_help=True)
app.add_typer(deliveries_app, name="deliveries")
schedule_app = typer.Typer(help="When month ends are launched.", no_args_is_help=True)
app.add_typer(schedule_app, name="schedule")
out, err = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)

MonthArgument = Annotated[str, typer.Argument(metavar="MONTH", help="A closed month, such as 2026-09.")]
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


@contextmanager
def _one_sentence() -> Iterator[None]:
    """Print a fault as one sentence and leave with 1; anything else keeps its trace in a log."""
    from sales.fault import Fault

    try:
        yield
    except Fault as fault:
        err.print(f"onpace: {_flat(str(fault))}", markup=False)
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        err.print("onpace: stopped; what was stored before is as it was", markup=False)
        raise typer.Exit(1) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except OSError as fault:
        err.print(f"onpace: {fault.filename or 'a file'} cannot be used ({fault.strerror or fault}); check ONPACE_HOME and the disk", markup=False)
        raise typer.Exit(1) from None
    except Exception as unexpected:  # the last door: a person gets a sentence, the trace goes to a file
        log = _log_trace()
        err.print(f"onpace: unexpected {type(unexpected).__name__}: {_flat(str(unexpected))[:300]}; the trace is in {log}", markup=False)
        raise typer.Exit(1) from None


@app.command()
def demo() -> None:
    """Run the month end of the demo company for the latest closed month, and say where the PDFs are.

    Uses the embedded org and a mail server of its own whatever SALESFORCE_* and SMTP_* say. A second run prints only what
    changed, and mails nothing twice.
    """
    with _one_sentence():
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
    chosen = _month(month)
    with _one_sentence():
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
    with _one_sentence():
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
            err.print(f"onpace: {failed}: {_flat(str(fault))}", markup=False)
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
    chosen = _month(month)
    with _one_sentence():
        from connectors.storage import TableStore
        from orchestration import settings
        from reports.export import export_tables
        from sales.tables import PUBLISHED

        store = TableStore(settings.home())
        here = store.published_tables(chosen)
        tables = {name: store.read_published(name, chosen) for name in PUBLISHED if name in here}
        for path in export_tables(tables, chosen, to or settings.home() / "exports" / str(chosen), format_.value):
            out.print(str(path), markup=False)


@app.command(name="what-if")
def what_if(
    move: Annotated[
        list[str] | None, typer.Option("--move", metavar="DEAL=MONTH", help="The deal confirms in this month instead. Repeatable.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", metavar="DEAL", help="The deal is not won. Repeatable.")] = None,
    add: Annotated[
        list[str] | None, typer.Option("--add", metavar="ACCOUNT=AMOUNT@MONTH", help="Business that is certain comes on top. Repeatable.")
    ] = None,
    month: Annotated[str, typer.Option("--month", metavar="MONTH", help="A computed month end. [default: the newest]", show_default=False)] = "",
) -> None:
    """Print what a change does to attainment, coverage, the chance to hit month, quarter and year, and to the work.

    Nothing is stored. Deals are named by their record id.
    """
    chosen = _month(month) if month else None
    with _one_sentence():
        from orchestration import resources
        from orchestration import what_if as thinking

        at, rules, found = thinking.think(resources.make_books(), chosen, move or [], drop or [], add or [])
        out.print(f"As of the end of {at}")
        for table in thinking.tables(found, rules):
            out.print(table)
        out.print(thinking.remark(found))


@app.command()
def backtest(
    month: Annotated[str, typer.Option("--month", metavar="MONTH", help="A computed month end. [default: the newest]", show_default=False)] = "",
    to: Annotated[Path | None, typer.Option("--to", help="Folder for the table. [default: ONPACE_HOME/backtests/MONTH]", show_default=False)] = None,
) -> None:
    """Make the forecast of every past month end again from what was known then, and print how it did beside naive baselines."""
    chosen = _month(month) if month else None
    with _one_sentence():
        from orchestration import backtest as judging
        from orchestration import resources

        books = resources.make_books()
        at, record = judging.backtest(books, chosen, err)
        for table in judging.shown(record) or [judging.too_little()]:
            out.print(table)
        out.print(str(judging.write(record, at, to or books.home / "backtests" / str(at))), markup=False)


@app.command()
def verify(file: Annotated[Path, typer.Argument(metavar="FILE", help="A PDF, or one of its other shapes.")]) -> None:
    """Say whether a file is one that we published, when and to whom. Exit code 1 if it is not.

    A single changed byte makes it another file.
    """
    with _one_sentence():
        from orchestration import resources
        from orchestration.verification import verify as verified

        for sentence in verified(file, resources.make_mailroom()):
            out.print(sentence, markup=False)


@app.command()
def deliver(
    month: MonthArgument,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print who would get what, and send nothing.")] = False,
    to: Annotated[str, typer.Option("--to", metavar="ADDRESS", help="Send everything to this address instead: a rehearsal.")] = "",
    revisions: Annotated[bool, typer.Option("--revisions", help="Send revised documents too, to those who have an earlier revision.")] = False,
) -> None:
    """Mail a published month to its recipients; nobody gets the same document twice.

    Exit code 1 if anything was refused, is waiting for another try, or is unknown.
    """
    chosen = _month(month)
    with _one_sentence():
        from orchestration import mailing, resources

        room = resources.make_mailroom()
        if dry_run:
            mailing.rehearse(room, chosen, lambda line: out.print(line, markup=False))
        elif not mailing.send(room, chosen, to, lambda line: out.print(line, markup=False), with_revisions=revisions):
            raise typer.Exit(1)


@deliveries_app.command(name="list")
def list_deliveries(
    month: Annotated[str, typer.Argument(metavar="MONTH", help="A month; all of them if left out.")] = "",
) -> None:
    """Print the ledger of deliveries: who got what, and what became of it."""
    chosen = str(_month(month)) if month else ""
    with _one_sentence():
        from orchestration import mailing, resources

        out.print(mailing.table(resources.make_mailroom().ledger.all(chosen)))


@deliveries_app.command()
def resolve(
    number: Annotated[int, typer.Argument(metavar="ID", help="The number of a delivery that is unknown or refused.")],
    sent: Annotated[bool, typer.Option("--sent/--again", help="It arrived; or it did not, and is to be sent again.")],
) -> None:
    """Say what became of a delivery of which nobody knows: killed between the server's answer and our record."""
    with _one_sentence():
        from orchestration import resources

        done = resources.make_mailroom().ledger.resolve(number, was_sent=sent)
        out.print(f"{done.id}: {done.file} to {done.recipient} is {done.status}", markup=False)


@app.command()
def approve(
    month: MonthArgument,
    name: Annotated[str, typer.Option("--name", help="Who approves. [default: the user of this machine]", show_default=False)] = "",
) -> None:
    """Approve of a month's documents as they are, where [delivery] needs_approval holds them."""
    chosen = _month(month)
    with _one_sentence():
        import getpass

        from orchestration import resources

        who = name or getpass.getuser()
        resources.make_mailroom().approve(chosen, who)
        out.print(f"{chosen} is approved by {who}", markup=False)


@schedule_app.command(name="next")
def next_runs(
    count: Annotated[int, typer.Argument(metavar="N", min=1, max=60, help="How many month ends.")] = 12,
) -> None:
    """Print when the coming month ends are launched, in the reporting time zone."""
    with _one_sentence():
        from orchestration.schedules import due_days
        from sales.calendar import Month

        now = datetime.now(UTC)
        coming = ((month, at) for month, at in due_days(Month.of(now.date()).plus(-1), count + 1) if at > now)
        for _, (month, at) in zip(range(count), coming, strict=False):
            out.print(f"{month}  {at:%a %Y-%m-%d %H:%M %Z}", markup=False)


@org_app.command()
def serve(
    data: Annotated[
        Path | None, typer.Option("--data", help="Folder with one CSV an object (Opportunity.csv, ...); the demo company if left out.")
    ] = None,
    port: Annotated[int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")] = 0,
    fault: Annotated[
        list[str] | None,
        typer.Option("--fault", metavar="NAME=N", help="Misbehave N times, as Salesforce may: busy=3, expired-session=1. Repeatable."),
    ] = None,
) -> None:
    """Serve an org on this machine until it is stopped, and print its address once it answers.

    Accepts SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET of its own environment, else onpace-local for both; and
    the user, password and key that SALESFORCE_USERNAME, SALESFORCE_PASSWORD and SALESFORCE_PRIVATE_KEY_FILE name there.
    """
    with _one_sentence():
        from orchestration.embedded import serve_until_stopped

        serve_until_stopped(data, port, fault or [], lambda address: out.print(f"serving on {address}", markup=False))


@app.command()
def doctor() -> None:
    """Say where every setting comes from, who we are in Salesforce, and what would make the numbers wrong.

    Secrets are never printed. Exit code 1 if a report could not be made.
    """
    with _one_sentence():
        from orchestration.doctor import examine

        examine(lambda line: out.print(line, markup=False))


@app.command()
def ui(port: Annotated[int, typer.Option("--port", min=1, max=65535, help="Port of the Dagster UI on 127.0.0.1.")] = 3000) -> None:
    """Open the Dagster UI on the same data, and serve the PDFs that it links to."""
    with _one_sentence():
        from orchestration.web import serve_ui

        raise typer.Exit(serve_ui(port, lambda line: out.print(line, markup=False)))


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


def _month(text: str) -> Month:
    from sales.calendar import Month, UnknownMonth

    try:
        return Month.parse(text)
    except UnknownMonth as unknown:
        raise typer.BadParameter(str(unknown)) from None


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


def _flat(text: str) -> str:
    return re.sub(r"\s+", " ", text).strip()


def _log_trace() -> Path:
    from orchestration import settings

    name, trace = f"{datetime.now(UTC):%Y%m%dT%H%M%S}.log", traceback.format_exc()
    for folder in (settings.home() / "logs", Path(tempfile.gettempdir())):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            (folder / name).write_text(trace, encoding="utf-8")
        except OSError:
            continue  # the home may be the very thing that is broken
        return folder / name
    return Path(os.devnull)


def main() -> None:
    """Run the command line."""
    app()


if __name__ == "__main__":
    sys.exit(main())
