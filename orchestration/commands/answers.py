"""Commands that answer questions from what is published, and store nothing of it."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from orchestration.console import closed_month, err, one_sentence, out

app = typer.Typer()


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
    chosen = closed_month(month) if month else None
    with one_sentence():
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
    chosen = closed_month(month) if month else None
    with one_sentence():
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
    with one_sentence():
        from orchestration import resources
        from orchestration.verification import verify as verified

        for sentence in verified(file, resources.make_mailroom()):
            out.print(sentence, markup=False)
