"""The command by which a manager's words come onto a month's first page."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from app.console import MonthArgument, closed_month, err, one_sentence, out

if TYPE_CHECKING:
    from publication.workspace import Workspace
    from sales.calendar import Month

app = typer.Typer()


@app.command()
def comment(
    month: MonthArgument,
    team: Annotated[
        str | None,
        typer.Option(
            "--team",
            metavar="NAME",
            help="Whose pack the words stand in. [default: the company's]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Write a manager's words on a month: opens an editor, and says how they will stand on the first page.

    The words are a file of the policy folder, commentary/MONTH/company.md or team-NAME.md, with
    author and date; lists and emphasis of Markdown are understood. Words that cannot be read are
    not kept: what stood there before stays. `onpace report MONTH` prints them as a revision.
    """
    chosen = closed_month(month)
    with one_sentence():
        from connectors.policy.commentary import commentary_file
        from connectors.policy.folder import read_text
        from connectors.storage.files import write_atomically
        from orchestration import resources
        from reports.text import formats
        from sales.policy.commentary import InvalidCommentary, parse_commentary

        workspace = resources.make_workspace()
        path = commentary_file(workspace.policy_folder, chosen, _known(workspace, chosen, team))
        today = workspace.now().date().isoformat()
        before = read_text(path) if path.exists() else f"Author: \nDate: {today}\n\n"
        written = _edited(before)
        if written is None or written == before:
            err.print("onpace: nothing was written; the words are as they were", markup=False)
            return
        try:
            words = parse_commentary(written, path.name)
            write_atomically(path, words.as_file.encode())
        except (InvalidCommentary, OSError) as fault:
            draft = workspace.home / "drafts" / f"{chosen}-{path.name}"
            write_atomically(draft, written.encode())
            raise InvalidCommentary(f"{_why(fault, path)}; what you wrote is in {draft}") from None
        out.print(f"{words.author}, {words.day}", markup=False)
        for line in words.text.splitlines():
            out.print(formats.one_line(line), markup=False)
        out.print(f"{path}: `onpace report {chosen}` prints it on the first page", markup=False)


def _why(fault: Exception, path: Path) -> str:
    """Return why words were not kept."""
    if isinstance(fault, OSError):
        return f"{path} cannot be written ({fault.strerror or fault})"
    return str(fault)


def _edited(text: str) -> str | None:
    """Return what somebody makes of a text in their editor, none where they save nothing."""
    import click

    from sales.policy.commentary import InvalidCommentary

    try:
        return click.edit(text, extension=".md")
    except (click.ClickException, UnicodeDecodeError) as fault:
        raise InvalidCommentary(
            f"the editor gave back no text ({str(fault)[:120]}); set EDITOR to one that saves UTF-8"
        ) from None


def _known(workspace: Workspace, month: Month, team: str | None) -> str | None:
    """Return a team that the month's extract has, or the newest one; raises `InvalidCommentary` where there is none such."""
    if team is None:
        return None
    from connectors.storage.monthly_tables import NotComputed
    from publication.month_inputs import resolve
    from sales.policy.commentary import InvalidCommentary

    record = workspace.extracts.pinned(month) or workspace.extracts.latest()
    if record is None:
        raise NotComputed(f"nothing was read yet, so no team is known; run `onpace report {month}`")
    teams = sorted(set(resolve(workspace, month, record).people.teams.to_pylist()))
    if team not in teams:
        raise InvalidCommentary(f"{team[:60]!r} is no team; there are: {', '.join(teams)[:200]}")
    return team
