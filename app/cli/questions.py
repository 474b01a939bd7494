"""Commands that answer questions from what is published, and store nothing of it."""

from __future__ import annotations

import sys
from contextlib import nullcontext
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from app.console import closed_month, err, one_sentence, out, shared, show

app = typer.Typer()


class Subject(StrEnum):
    """What can be explained."""

    COVERAGE = "coverage"
    ATTAINMENT = "attainment"


class Shape(StrEnum):
    """How an explanation is written."""

    TABLE = "table"
    CSV = "csv"


@app.command()
def explain(
    subject: Annotated[Subject, typer.Argument(help="The table that the figure is in.")],
    team: Annotated[
        str | None,
        typer.Option(
            "--team", metavar="NAME", help="A team. [default: the company]", show_default=False
        ),
    ] = None,
    person: Annotated[
        str | None,
        typer.Option("--person", metavar="NAME", help="A person by name, user name or User id."),
    ] = None,
    period: Annotated[
        str,
        typer.Option(
            "--period",
            metavar="PERIOD",
            help="As in the table: 2026-05, FY2026-Q2 or FY2026.",
            show_default=False,
        ),
    ] = "",
    as_of: Annotated[
        str,
        typer.Option(
            "--as-of",
            metavar="MONTH",
            help="A computed month end. [default: the newest]",
            show_default=False,
        ),
    ] = "",
    column: Annotated[
        str,
        typer.Option(
            "--column",
            metavar="NAME",
            help="One figure, with those it is computed from. [default: all]",
            show_default=False,
        ),
    ] = "",
    shape: Annotated[
        Shape,
        typer.Option(
            "--format", help="Tables to read, or one for a spreadsheet, on standard output."
        ),
    ] = Shape.TABLE,
) -> None:
    """Print where the figures of coverage or attainment come from: the deals and targets behind each, which add up to it.

    A figure that they do not add up to is a fault, and nothing is printed as if it were right.
    """
    if team is not None and person is not None:
        raise typer.BadParameter("name a team or a person, not both")
    chosen = closed_month(as_of) if as_of else None
    with one_sentence():
        from app.cli import explain as explaining
        from app.cli import explanation_tables
        from orchestration import resources

        question = explaining.Question(subject.value, team, person, period, chosen, column)
        found = explaining.answer(resources.make_workspace(), question)
        if shape is Shape.CSV:
            sys.stdout.buffer.write(explanation_tables.as_csv(found))
            return
        out.print(explanation_tables.title(found), markup=False)
        for table in explanation_tables.tables(found):
            out.print()
            show(table)
        out.print()
        out.print(explanation_tables.remark(found.explanation))


@app.command(name="what-if")
def what_if(
    move: Annotated[
        list[str] | None,
        typer.Option(
            "--move",
            metavar="DEAL=MONTH",
            help="The deal confirms in this month instead. Repeatable.",
        ),
    ] = None,
    drop: Annotated[
        list[str] | None,
        typer.Option("--drop", metavar="DEAL", help="The deal is not won. Repeatable."),
    ] = None,
    add: Annotated[
        list[str] | None,
        typer.Option(
            "--add",
            metavar="ACCOUNT=AMOUNT@MONTH",
            help="Business that is certain comes on top. Repeatable.",
        ),
    ] = None,
    month: Annotated[
        str,
        typer.Option(
            "--month",
            metavar="MONTH",
            help="A computed month end. [default: the newest]",
            show_default=False,
        ),
    ] = "",
) -> None:
    """Print what a change does to attainment, coverage, the chance to hit month, quarter and year, and to the work.

    Nothing is stored. Deals are named by their record id.
    """
    chosen = closed_month(month) if month else None
    with one_sentence():
        from app.cli import scenarios as thinking
        from orchestration import resources

        at, rules, found = thinking.think(
            resources.make_workspace(), chosen, move or [], drop or [], add or []
        )
        out.print(f"As of the end of {at}")
        for table in thinking.tables(found, rules):
            show(table)
        out.print(thinking.remark(found, is_added=bool(add)))


@app.command()
def backtest(
    context: typer.Context,
    month: Annotated[
        str,
        typer.Option(
            "--month",
            metavar="MONTH",
            help="A computed month end. [default: the newest]",
            show_default=False,
        ),
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option(
            "--to",
            help="Folder for the table. [default: ONPACE_HOME/backtests/MONTH]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Make the forecast of every past month end again from what was known then, and print how it did beside naive baselines."""
    chosen = closed_month(month) if month else None
    with one_sentence():
        from app.cli import backtest as judging
        from orchestration import resources

        workspace = resources.make_workspace()
        at, record = judging.backtest(workspace, chosen, err)
        for table in judging.shown(record) or [judging.too_little()]:
            show(table)
        with shared(context) if to else nullcontext():
            path = judging.write(record, at, to or workspace.home / "backtests" / str(at))
        out.print(str(path), markup=False)


@app.command()
def verify(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="A PDF, or one of its other shapes.")
    ],
) -> None:
    """Say whether a file is one that we published, when and to whom. Exit code 1 if it is not.

    A single changed byte makes it another file.
    """
    with one_sentence():
        from orchestration import resources
        from publication.verify import verify as verified

        for sentence in verified(file, resources.make_delivery_service()):
            out.print(sentence, markup=False)
