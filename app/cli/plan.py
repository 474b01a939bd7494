"""The command that plans a year to come."""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Annotated

import typer

from app.console import closed_month, err, one_sentence, out, shared

app = typer.Typer()
LARGEST = 10**12


@app.command()
def plan(
    context: typer.Context,
    year: Annotated[
        str, typer.Argument(metavar="YEAR", help="A fiscal year to come, such as FY2028.")
    ],
    number: Annotated[
        str,
        typer.Option(
            "--number",
            metavar="AMOUNT",
            help="The company's number, for scenarios that state neither a number nor a chance.",
            show_default=False,
        ),
    ] = "",
    to: Annotated[
        Path | None,
        typer.Option("--to", metavar="DIR", help="Where the plan is written.", show_default=False),
    ] = None,
    month: Annotated[
        str,
        typer.Option(
            "--month",
            metavar="MONTH",
            help="Plan from what was known at the end of this closed month. [default: the last one]",
            show_default=False,
        ),
    ] = "",
    adopt: Annotated[
        Path | None,
        typer.Option(
            "--adopt",
            metavar="FILE",
            help="Add the targets of this targets.csv to the target book, each with its next revision.",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Propose everybody's target and months of a year to come, with the chance that each is reached and what it takes.

    Scenarios are the files plan/*.toml of the policy folder: a number or a chance, who joins and
    leaves. Without any there is one of what people can sell, and one of --number. Writes a
    document, its tables, and for each scenario a targets.csv to be edited; --adopt adds such a
    file to the target book. Reports know nothing of a plan before that.
    """
    if (to is None) == (adopt is None):
        raise typer.BadParameter(
            "say where the plan is written, --to DIR, or which targets are adopted, --adopt FILE"
        )
    chosen, amount = closed_month(month) if month else None, _amount(number) if number else None
    with one_sentence():
        from app.cli.year_plans import adopted, planned

        if adopt is not None:
            out.print(adopted(year, adopt, chosen), markup=False)
        elif to is not None:
            err.print(f"[bold]Planning[/bold] {year}")
            with shared(context):
                for line in planned(year, amount, to, chosen):
                    out.print(str(line), markup=False)


# Digits, with commas between thousands or without.
AMOUNT = re.compile(r"(\d{1,3}(,\d{3})+|\d+(_\d+)*)(\.\d+)?")


def _amount(text: str) -> Decimal:
    if AMOUNT.fullmatch(text) is None:
        raise typer.BadParameter(f"{text[:40]!r} is no amount; write it as 9000000")
    amount = Decimal(text.replace(",", "").replace("_", ""))
    if amount > LARGEST:
        raise typer.BadParameter(f"{text[:40]} is too large for the number of a company")
    return amount
