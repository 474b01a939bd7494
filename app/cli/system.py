"""Commands about this machine: settings, the UI, and the embedded org."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.console import closed_month, one_sentence, out

app = typer.Typer()
org_app = typer.Typer(
    help="The embedded Salesforce org: a server with the real wire protocol, on this machine only.",
    no_args_is_help=True,
)
app.add_typer(org_app, name="org")


@org_app.command()
def serve(
    data: Annotated[
        Path | None,
        typer.Option(
            "--data",
            help="Folder with one CSV an object (Opportunity.csv, ...); the demo company if left out.",
        ),
    ] = None,
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port on 127.0.0.1; 0 takes a free one.")
    ] = 0,
    fault: Annotated[
        list[str] | None,
        typer.Option(
            "--fault",
            metavar="NAME=N",
            help="Misbehave N times, as Salesforce may: busy=3, expired-session=1. Repeatable.",
        ),
    ] = None,
) -> None:
    """Serve an org on this machine until it is stopped, and print its address once it answers.

    Accepts SALESFORCE_CLIENT_ID and SALESFORCE_CLIENT_SECRET of its own environment, else
    onpace-local for both; and the user, password and key that SALESFORCE_USERNAME,
    SALESFORCE_PASSWORD and SALESFORCE_PRIVATE_KEY_FILE name there.
    """
    with one_sentence():
        from orchestration.embedded import serve_until_stopped

        serve_until_stopped(
            data,
            port,
            fault or [],
            lambda line: out.print(line, markup=False),
        )


@app.command()
def doctor() -> None:
    """Say where every setting comes from, who we are in Salesforce, and what would make the numbers wrong.

    Secrets are never printed. Exit code 1 if a report could not be made.
    """
    with one_sentence():
        from app.cli.doctor_output import examine

        examine(lambda line: out.print(line, markup=False))


@app.command()
def ui(
    port: Annotated[
        int, typer.Option("--port", min=1, max=65535, help="Port of the Dagster UI on 127.0.0.1.")
    ] = 3000,
    read_only: Annotated[
        bool,
        typer.Option("--read-only", help="Refuse to launch, wipe and switch; without the daemon."),
    ] = False,
) -> None:
    """Open the Dagster UI on the same data, and serve the PDFs that it links to."""
    with one_sentence():
        from app.server.ui import serve_ui

        raise typer.Exit(
            serve_ui(port, lambda line: out.print(line, markup=False), read_only=read_only)
        )


@app.command()
def front(
    host: Annotated[
        str,
        typer.Option(
            "--host",
            help="Address to listen on. Documents are confidential: put a proxy with a login in front.",
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="Port; 0 takes a free one.")
    ] = 3001,
) -> None:
    """Serve the documents, /health and /metrics until stopped, for a production installation."""
    with one_sentence():
        from app.server.app import serve_front

        serve_front(host, port, lambda line: out.print(line, markup=False))


@app.command()
def health(
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object in place of lines.")
    ] = False,
) -> None:
    """Say whether this installation is well: storage, daemon, queue, disk, the newest published month, the last month end, what is stored.

    Exit code 1 if anything is failing.
    """
    with one_sentence():
        import json
        from datetime import UTC, datetime

        from app.server.health import examine

        findings = list(examine(datetime.now(UTC)))
        if as_json:
            out.print(
                json.dumps(
                    {
                        each.name: {"status": each.status, "sentence": each.sentence}
                        for each in findings
                    }
                ),
                markup=False,
            )
        else:
            for each in findings:
                out.print(f"{each.status:7} {each.name}: {each.sentence}", markup=False)
        raise typer.Exit(0 if all(each.is_ok for each in findings) else 1)


@app.command()
def check(
    stored: Annotated[
        bool,
        typer.Option(
            "--stored",
            help="Read everything that is kept and compare it with its digest, in place of the rest.",
        ),
    ] = False,
    with_repair: Annotated[
        bool, typer.Option("--repair", help="With --stored: bring back what can be brought back.")
    ] = False,
    offline: Annotated[
        bool, typer.Option("--offline", help="Ask neither Salesforce nor the mail server.")
    ] = False,
    month: Annotated[
        str | None,
        typer.Option(
            "--month",
            metavar="MONTH",
            help="The month whose report is meant. [default: the last closed one]",
            show_default=False,
        ),
    ] = None,
) -> None:
    """Say everything that would stop a report or make it wrong: login, permissions, policy, targets, recipients, brand, mail, schedule.

    Each finding has its cure, the worst come first; exit code 1 if a report would be stopped. With
    --stored it says instead whether all that is kept is as it was stored: each line names a file,
    and how it comes back: from another copy, by computing the month again from its frozen extract,
    from Salesforce, or only from a backup.
    """
    if with_repair and not stored:
        raise typer.BadParameter("--repair belongs to --stored")
    with one_sentence():
        if stored:
            from app.cli.stored import check_stored

            raise typer.Exit(check_stored(with_repair=with_repair))
        from app.cli.check import check_everything

        chosen = closed_month(month) if month else None
        raise typer.Exit(check_everything(chosen, is_offline=offline))


@app.command()
def prune(
    days: Annotated[
        int, typer.Option("--days", min=30, help="Runs that are over for so many days.")
    ] = 400,
    yes: Annotated[bool, typer.Option("--yes", help="Delete it; else it is counted.")] = False,
) -> None:
    """Say what may be forgotten: old records of runs in Dagster, and the extracts and revisions that policy no longer keeps.

    The three newest runs of each job and month stay. So do the first and the newest revision of
    each month, whatever was sent, and the extracts of all of them.
    """
    with one_sentence():
        from app.cli.stored import prune_home

        prune_home(days=days, is_sure=yes)


@app.command()
def upgrade() -> None:
    """Bring what is stored to this version's format; every command does so by itself, this one says what it does.

    Steps lose nothing, and one that was stopped is done again. Back ONPACE_HOME up first, as before
    every upgrade.
    """
    with one_sentence():
        from connectors.storage.migrations import FORMAT, format_of
        from orchestration import resources, settings

        if not settings.home().exists():
            out.print(
                f"there is no {settings.home()} yet, so nothing is to be upgraded", markup=False
            )
            return
        found = format_of(settings.home())
        catalogue = resources.upgraded(lambda line: out.print(line, markup=False))
        if (catalogue.home / "format.json").exists():
            with catalogue.begin():  # an older database is brought to this version's tables
                pass
        out.print(
            f"{catalogue.home} has format {FORMAT}" + (", as before" if found == FORMAT else ""),
            markup=False,
        )
