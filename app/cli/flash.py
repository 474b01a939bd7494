"""The command that prints the weekly page of the month that is running."""

from __future__ import annotations

from typing import Annotated

import typer

from app.console import err, named_day, one_sentence, out

app = typer.Typer()


@app.command()
def flash(
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            metavar="DAY",
            help="As of the midnight at which this day begins, such as 2026-11-16. [default: the last Monday]",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Print one page for the company, each team and each person about the month that is running.

    What is booked to date against the number of the month, what is due until its end, what is
    overdue, and what changed in the week before. Nothing of it is mixed with closed months;
    `onpace deliver --flash` mails it, `onpace export DAY` writes its tables.
    """
    chosen = named_day(as_of) if as_of else None
    with one_sentence():
        from orchestration import resources
        from publication.flash import compute_flash, latest_day, print_flash

        workspace = resources.make_workspace()
        day = chosen or latest_day(workspace)
        err.print(f"[bold]{day}[/bold] from {workspace.source}")
        found = compute_flash(workspace, day, lambda line: err.print(f"  {line}", markup=False))
        for path in print_flash(workspace, found, resources.make_publisher(workspace)):
            out.print(str(path), markup=False)
