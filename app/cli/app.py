"""The command line: `onpace`.

Put the program's own words here; commands are in the modules beside it, each does its work elsewhere.
"""

import gc
import os
import sys
from importlib.metadata import version
from typing import Annotated

import typer

from app.cli import commentary, deliveries, flash, init, months, plan, preview
from app.cli import questions as answers
from app.cli import revisions as past
from app.cli import system as machine
from app.console import err
from app.limits import too_little_memory
from connectors.storage.files import PRIVATE
from sales.errors import UserError

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
    rich_markup_mode="markdown",
    context_settings={"help_option_names": ["-h", "--help"]},
)
for subject in (init, preview, months, flash, plan, commentary, past, answers, deliveries, machine):
    app.add_typer(subject.app)


def _say_version(wanted: bool) -> None:  # noqa: FBT001  # typer calls it so
    if wanted:
        typer.echo(f"onpace {version('onpace')}")
        raise typer.Exit


# Commands that read an organisation or speak for it.
OF_AN_ORGANIZATION = {
    "backfill",
    "check",
    "comment",
    "deliver",
    "doctor",
    "flash",
    "plan",
    "preview",
    "report",
    "restate",
    "schedule",
}


def _say_if_demo(command: str) -> None:
    """Say that this is the demo company, where somebody may think that it is their own."""
    if command not in OF_AN_ORGANIZATION:
        return
    from orchestration import settings

    try:
        is_demo = settings.uses_embedded_org()
    except UserError:  # the command itself says what is wrong with a settings file
        return
    if is_demo:
        err.print(
            "No settings name a Salesforce here: this is the demo company. For your own, go to its folder, or write one with `onpace init DIR`."
        )


@app.callback()
def onpace(
    context: typer.Context,
    _: Annotated[
        bool,
        typer.Option("--version", callback=_say_version, is_eager=True, help="Say the version."),
    ] = False,
) -> None:
    """Take what stands before a command, and say it where the demo company is meant."""
    _say_if_demo(context.invoked_subcommand or "")


# Imports make objects that live as long as the process: looking through them again and again, and
# once more at the end, takes longer than most commands.
RARELY = (200_000, 50, 50)


def main() -> None:
    """Run the command line; what it and its processes store is for their owner alone."""
    if why := too_little_memory():
        sys.exit(f"onpace: {why}")
    gc.set_threshold(*RARELY)
    usual_umask = os.umask(PRIVATE)
    try:
        app(obj=usual_umask)
    finally:
        gc.freeze()


if __name__ == "__main__":
    sys.exit(main())
