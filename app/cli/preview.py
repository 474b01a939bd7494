"""`onpace preview`: how each person's year is phased and by what, and a first pack that is not published."""

from __future__ import annotations

from typing import Annotated

import typer

from app.console import closed_month, one_sentence, out

app = typer.Typer()


@app.command()
def preview(
    month: Annotated[
        str,
        typer.Argument(
            metavar="MONTH", help="A closed month. [default: the last one]", show_default=False
        ),
    ] = "",
    only_phasing: Annotated[
        bool,
        typer.Option("--phasing", help="Only the phasing: no table is computed, no page printed."),
    ] = False,
) -> None:
    """Print how each person's target is phased by month, with what decided it, and a first company pack that is marked as a preview.

    Reads Salesforce as a report does. Nothing is published and nobody is
    mailed; `onpace report MONTH` publishes the month.
    """
    chosen = closed_month(month) if month else None
    with one_sentence():
        from app.cli.first_pack import preview_month

        for each in preview_month(chosen, only_phasing=only_phasing):
            out.print(str(each), markup=False)
