"""Commands about published months: taking their tables out, their revisions, and restating them."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.cli.months import FreshOption, ReconstructOption, months_of
from app.console import (
    MonthArgument,
    closed_month,
    err,
    is_day,
    named_day,
    one_sentence,
    out,
    shared,
    show,
)

app = typer.Typer()


class Format(StrEnum):
    """File formats of an export."""

    CSV = "csv"
    PARQUET = "parquet"
    XLSX = "xlsx"


@app.command()
def export(
    context: typer.Context,
    month: Annotated[
        str,
        typer.Argument(
            metavar="MONTH",
            help="A closed month, such as 2026-09; or the day of a flash, such as 2026-11-16.",
        ),
    ],
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            help="Folder to write to; made if missing. [default: ONPACE_HOME/exports/MONTH]",
            show_default=False,
        ),
    ] = None,
    format_: Annotated[
        Format, typer.Option("--format", help="One file a table, or one workbook.")
    ] = Format.CSV,
    exact: Annotated[
        bool,
        typer.Option(
            "--exact",
            help="CSV for programs: texts that a spreadsheet would take for a formula stay as they are.",
        ),
    ] = False,
    revision: Annotated[
        int | None,
        typer.Option(
            "--revision",
            metavar="N",
            min=1,
            help="As readers saw it in this revision. [default: the current one]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write the published tables of a computed month as files; `onpace revisions` lists what may be asked for."""
    if is_day(month):
        if revision:
            raise typer.BadParameter("a flash has no revisions; leave --revision out")
        _export_flash(context, named_day(month), to, format_, is_exact=exact)
        return
    chosen = closed_month(month)
    with one_sentence():
        from connectors.storage.publications import PublishedMonths
        from orchestration import resources
        from publication.published_tables import published_tables
        from reports.export.tables import export_tables

        catalogue = resources.upgraded()
        tables = published_tables(PublishedMonths(catalogue), chosen, revision)
        folder = (
            catalogue.home
            / "exports"
            / (f"{chosen}-revision-{revision}" if revision else str(chosen))
        )
        with shared(context) if to else nullcontext():
            paths = export_tables(tables, chosen, to or folder, format_.value, is_exact=exact)
        for path in paths:
            out.print(str(path), markup=False)


def _export_flash(
    context: typer.Context, day: date, to: Path | None, format_: Format, *, is_exact: bool
) -> None:
    with one_sentence():
        from orchestration import resources
        from publication.stored_flash import stored_tables
        from reports.export.tables import export_tables

        home = resources.upgraded().home
        tables, folder = stored_tables(home, day), to or home / "exports" / str(day)
        with shared(context) if to else nullcontext():
            paths = export_tables(tables, str(day), folder, format_.value, is_exact=is_exact)
        for path in paths:
            out.print(str(path), markup=False)


@app.command()
def revisions(month: MonthArgument) -> None:
    """List every revision of a month that was ever published, with its documents; they are kept for as long as policy says, the first, the newest and what was sent for ever."""
    chosen = closed_month(month)
    with one_sentence():
        from connectors.storage.monthly_tables import NotComputed
        from connectors.storage.publications import PublishedMonths
        from orchestration import resources

        found = PublishedMonths(resources.upgraded())
        if not (there := found.revisions(chosen)):
            raise NotComputed(f"{chosen} was never published; run `onpace report {chosen}`")
        for before, each in zip([None, *there], there, strict=False):
            when = f"{each.at:%Y-%m-%d %H:%M} UTC" if each.at else "at an unknown time"
            told = ""
            if before is not None and each.has_numbers_of(before):
                told = f"  (the numbers of {before.revision}: words or looks changed)"
            out.print(
                f"{each.revision}  {when}  extract {each.extract_id}  {found.kept.folder(chosen, each.revision)}{told}",
                markup=False,
            )


@app.command()
def restate(
    months: Annotated[
        str,
        typer.Argument(
            metavar="MONTHS",
            help="A month, a range, a quarter such as FY2025-Q3, or a year such as FY2026.",
        ),
    ],
    fresh_extract: FreshOption = False,
    reconstruct: ReconstructOption = False,
    yes: Annotated[bool, typer.Option("--yes", help="Publish without asking.")] = False,
) -> None:
    """Compute published months again, show how they differ from what readers see, and replace them only with your word.

    What is replaced stays as an earlier revision. Nothing is delivered: `onpace deliver MONTH
    --revisions` does that.
    """
    with one_sentence():
        from app.cli import restate as restating
        from orchestration import resources
        from orchestration.instance import dagster_instance
        from orchestration.local_runs import shared_hours
        from publication.pull_options import PullOptions

        workspace = resources.make_workspace()
        started, wanted = workspace.now(), months_of(months, workspace)
        restating.refuse_unpublished(wanted, workspace)
        with (
            dagster_instance() as instance,
            restating.given_up_unless_published(wanted, workspace) as progress,
        ):
            for month in wanted:
                err.print(f"[bold]{month}[/bold]")
                # The first month reads where it must; what was read since then serves the others.
                hours = shared_hours(workspace, started)
                options = PullOptions(
                    fresh=fresh_extract, shared_pull_hours=hours, reconstruct=reconstruct
                )
                progress.computed[month] = restating.compute(month, workspace, instance, options)
            found = list(progress.computed.values())
            for each in found:
                for part in restating.shown(each, workspace.home):
                    show(part)
            differing = [each.month for each in found if not each.is_same]
            if differing and not (
                yes
                or (
                    sys.stdin.isatty()
                    and typer.confirm(
                        f"Publish {', '.join(map(str, differing))} as {'a new revision' if len(differing) == 1 else 'new revisions'}?",
                        err=True,
                    )
                )
            ):
                out.print("Nothing was replaced; --yes publishes what is shown")
                return
            for each in (each for each in found if not each.is_same):
                published = restating.publish(each, workspace, instance)
                progress.replaced.add(each.month)
                out.print(
                    f"{each.month} is published as revision {published.revision}: {workspace.home / 'packs' / str(each.month)}",
                    markup=False,
                )
