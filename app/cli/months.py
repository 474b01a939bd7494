"""Commands that make months: the demo, a report, a backfill."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.console import MonthArgument, closed_month, err, flat, one_sentence, out

if TYPE_CHECKING:
    from publication.pull_options import PullOptions
    from publication.workspace import Workspace
    from sales.calendar import Month

app = typer.Typer()

FreshOption = Annotated[
    bool,
    typer.Option(
        "--fresh-extract",
        help="Pass over the extract that the month was published from: our own copy of the month end serves where there is one, else Salesforce is read again.",
    ),
]
OnlyOption = Annotated[
    list[str] | None,
    typer.Option(
        "--only",
        metavar="NAME",
        help="Only this group or table (coverage, target_attainment, report ...), from what is stored. Repeatable.",
    ),
]
ReconstructOption = Annotated[
    bool,
    typer.Option(
        "--reconstruct",
        help="Pass over our own copy of the month end and work the month out from what Salesforce says today.",
    ),
]
VanishedOption = Annotated[
    bool,
    typer.Option(
        "--accept-vanished",
        help="Take records that can no longer be seen for deleted ones, however many they are.",
    ),
]


@app.command()
def demo(
    month: Annotated[
        str,
        typer.Option(
            "--month",
            metavar="MONTH",
            help="A past month of the company. [default: the latest closed one]",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Run the month end of the demo company, and say where the PDFs are and what to open first.

    Uses the embedded org and a mail server of its own whatever SALESFORCE_* and SMTP_* say. A
    second run prints only what changed, and mails nothing twice.
    """
    chosen = closed_month(month) if month else None
    with one_sentence():
        from app.demo.mail_server import mailbox
        from orchestration import resources, settings
        from publication.pull_options import PullOptions

        settings.use_embedded_org()
        workspace = resources.make_workspace()
        of = chosen or _latest_month(workspace.now())
        with mailbox(settings.home() / "mailbox") as port:
            settings.use_mailbox(port)
            _run("month_end", of, PullOptions(shared_pull_hours=0.0))
        for line in _what_to_open(workspace.home, of):
            out.print(line, markup=False)


def _what_to_open(home: Path, month: Month) -> Iterator[str]:
    """Yield what somebody who sees the demo for the first time may look at, in that order."""
    from orchestration import settings

    packs = home / "packs" / str(month)
    ui = "make dev" if settings.is_checkout() else "onpace ui"
    yield "Open first:"
    yield f"1. The company's month on one page, and what must happen next: {packs / 'company.html'}"
    yield f"2. A team's pack and each person's own page lie beside it: {packs}"
    yield f"3. Mails as their recipients would see them: {home / 'mailbox' / 'index.html'}"
    yield f"4. The Dagster UI on the same data, with lineage and reruns: {ui}"
    yield "5. Your own Salesforce: onpace init DIR"


@app.command()
def report(
    month: MonthArgument,
    only: OnlyOption = None,
    fresh_extract: FreshOption = False,
    reconstruct: ReconstructOption = False,
    accept_vanished: VanishedOption = False,
) -> None:
    """Compute a month and print its packs, without delivering them.

    A month that was computed before is computed again from the extract frozen for it; one whose end
    was copied soon after it, from that copy. Where nothing changed that decides about it, nothing
    is computed; else what did not change stands.
    """
    chosen = closed_month(month)
    if only and "extract" not in only and (fresh_extract or reconstruct or accept_vanished):
        raise typer.BadParameter(
            "--only without extract reads nothing from Salesforce; add --only extract, or leave the other options out"
        )
    with one_sentence():
        from publication.pull_options import PullOptions

        options = PullOptions(
            fresh=fresh_extract,
            shared_pull_hours=0.0,
            reconstruct=reconstruct,
            accept_vanished=accept_vanished,
        )
        _run("restatement", chosen, options, only or [])


@app.command()
def backfill(
    months: Annotated[
        str,
        typer.Argument(
            metavar="MONTHS",
            help="2025-01..2025-12, a quarter such as FY2025-Q3, a year such as FY2026, or several with commas.",
        ),
    ],
    fresh_extract: FreshOption = False,
    yes: Annotated[bool, typer.Option("--yes", help="Begin without asking.")] = False,
) -> None:
    """Compute and print several past months from one reading of Salesforce. Never delivers.

    Quarters and years are fiscal: FY2026-Q3 is the third quarter of the fiscal year called 2026.
    A month in which nothing changed is not computed again; one that fails is named with its reason,
    leaves the others standing, and is resumed alone.
    """
    with one_sentence():
        from orchestration import local_runs as runs
        from orchestration import resources

        workspace = resources.make_workspace()
        wanted = months_of(months, workspace)
        err.print(f"{months.strip()} is {_in_words(wanted)}", markup=False)
        if not yes and len(wanted) > 1 and sys.stdin.isatty() and not typer.confirm("Begin?"):
            return
        out_of, places = len(wanted), {month: number for number, month in enumerate(wanted, 1)}
        started: list[datetime] = []

        def begin(month: Month) -> None:
            started.append(workspace.now())
            spent = (started[-1] - started[0]).total_seconds()
            left = (
                f", about {spent / (len(started) - 1) * (out_of - places[month] + 1):.0f} s left"
                if len(started) > 1
                else ""
            )
            err.print(f"[bold]{month}[/bold] ({places[month]} of {out_of}{left})")

        outcome = runs.backfill(wanted, workspace, begin, fresh=fresh_extract)
        for done in outcome.done:
            out.print(str(workspace.home / "packs" / str(done) / "company.pdf"), markup=False)
        for failed, fault in outcome.failed.items():
            err.print(f"onpace: {failed}: {flat(str(fault))}", markup=False)
        if outcome.unchanged:
            err.print(
                f"{len(outcome.unchanged)} of {out_of} months are unchanged and were not computed again"
            )
        missed = [
            each
            for each in wanted
            if each not in {*outcome.done, *outcome.unchanged, *outcome.failed}
        ]
        if missed:
            err.print(
                f"onpace: {len(missed)} months from {missed[0]} on were not tried", markup=False
            )
        if outcome.failed:
            left = ",".join(str(each) for each in (*outcome.failed, *missed))
            err.print(
                f"onpace: once the reason is gone, resume with: onpace backfill {left}",
                markup=False,
            )
            raise typer.Exit(1)


def _in_words(months: Sequence[Month]) -> str:
    """Return which months those are: `3 months, 2026-07 to 2026-09`."""
    is_range = months[-1].index - months[0].index == len(months) - 1
    named = f"{months[0]} to {months[-1]}" if is_range else ", ".join(map(str, months))
    return str(months[0]) if len(months) == 1 else f"{len(months)} months, {named}"


def report_again(month: Month) -> None:
    """Compute what is missing of a month and print its packs, from the extract frozen for it."""
    from publication.pull_options import PullOptions

    _run("restatement", month, PullOptions(shared_pull_hours=0.0))


def _run(job_name: str, month: Month, options: PullOptions, only: Sequence[str] = ()) -> None:
    from orchestration import local_runs as runs
    from orchestration import resources
    from orchestration.instance import dagster_instance
    from publication.preconditions import refuse_clearly_open

    workspace = resources.make_workspace()
    refuse_clearly_open(workspace, month)
    chosen = runs.selection_of(only) if only else None
    err.print(f"[bold]{month}[/bold] from {workspace.source}")
    if not workspace.policy_folder.is_dir():
        err.print(
            "  there is no policy folder of your own: defaults hold; `onpace init DIR` writes one"
        )
    may_stand = job_name == "restatement" and not (only or options.wants_fresh)
    with dagster_instance() as instance:
        if may_stand and runs.note_unchanged(month, workspace, instance):
            err.print(
                f"  {month} is unchanged: all that decides about it is as it was when it was published; nothing was computed"
            )
        else:
            is_demo = job_name == "month_end"
            runs.run_month(
                job_name,
                month,
                workspace,
                instance,
                options,
                chosen,
                why="onpace demo" if is_demo else f"onpace report {month}",
                approved_by="onpace demo" if is_demo else "",
            )
    for path in _published(workspace.home / "packs" / str(month)):
        out.print(str(path), markup=False)


def _published(folder: Path) -> list[Path]:
    import json

    if not (folder / "manifest.json").exists():  # only some tables were asked for
        return []
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    return [folder / document["file"] for document in manifest["documents"]]


def months_of(text: str, workspace: Workspace) -> list[Month]:
    """Return the months that a word names; raises Typer's `BadParameter`."""
    from app.cli.month_ranges import UnknownMonths, months_named

    try:
        return months_named(text, workspace)
    except UnknownMonths as unknown:
        raise typer.BadParameter(str(unknown)) from None


def _latest_month(now: datetime) -> Month:
    from orchestration.embedded import last_month_there
    from sales.calendar import Month

    return Month(*last_month_there(now))
