"""The command by which a manager's words come onto a month's first page."""

from __future__ import annotations

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
        import click
        from rich.markdown import Markdown
        from rich.text import Text

        from connectors.policy.commentary import commentary_file
        from connectors.policy.folder import read_text
        from connectors.storage.files import write_atomically
        from orchestration import resources
        from sales.policy.commentary import InvalidCommentary, parse_commentary

        workspace = resources.make_workspace()
        path = commentary_file(workspace.policy_folder, chosen, _known(workspace, chosen, team))
        today = workspace.now().date().isoformat()
        before = read_text(path) if path.exists() else f"Author: \nDate: {today}\n\n"
        written = click.edit(before, extension=".md")
        if written is None or written == before:
            err.print("onpace: nothing was written; the words are as they were", markup=False)
            return
        try:
            words = parse_commentary(written, path.name)
        except InvalidCommentary as fault:
            draft = workspace.home / "drafts" / f"{chosen}-{path.name}"
            write_atomically(draft, written.encode())
            raise InvalidCommentary(f"{fault}; what you wrote is in {draft}") from None
        write_atomically(path, words.as_file.encode())
        out.print(Text(f"{words.author}, {words.day}"))
        out.print(Markdown(words.text))
        out.print(f"{path}: `onpace report {chosen}` prints it on the first page", markup=False)


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
