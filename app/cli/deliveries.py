"""Commands about delivery: sending, the ledger of what was sent, approval, and when month ends are due."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from app.console import (
    MonthArgument,
    closed_month,
    err,
    is_day,
    named_day,
    one_sentence,
    out,
    show,
)

if TYPE_CHECKING:
    from publication.delivery import DeliveryService
    from sales.calendar import Month

app = typer.Typer()
deliveries_app = typer.Typer(
    help="The ledger of deliveries: what was sent to whom, and what nobody knows.",
    no_args_is_help=True,
)
app.add_typer(deliveries_app, name="deliveries")
schedule_app = typer.Typer(help="When month ends and flashes are launched.", no_args_is_help=True)
app.add_typer(schedule_app, name="schedule")


@app.command()
def deliver(
    when: Annotated[
        str,
        typer.Argument(
            metavar="MONTH",
            help="A closed month, such as 2026-09; with --flash the day of a flash, the latest one if left out.",
        ),
    ] = "",
    *,
    flash: Annotated[
        bool,
        typer.Option(
            "--flash", help="Mail the weekly flash of a day to those whom [flash] recipients names."
        ),
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print who would get what, and send nothing.")
    ] = False,
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="ADDRESS", help="Send everything to this address instead: a rehearsal."
        ),
    ] = "",
    revisions: Annotated[
        bool,
        typer.Option(
            "--revisions", help="Send revised documents too, to those who have an earlier revision."
        ),
    ] = False,
) -> None:
    """Mail a published month, or a printed flash, to its recipients; nobody gets the same document twice.

    Exit code 1 if anything was refused, is waiting for another try, or is unknown.
    """
    if flash:
        _deliver_flash(when, to, dry_run=dry_run, with_revisions=revisions)
        return
    if not when:
        raise typer.BadParameter("name a month, such as 2026-09, or say --flash")
    chosen = closed_month(when)
    with one_sentence():
        from app.cli import delivery_output as mailing
        from orchestration import resources
        from publication.release import release_of

        room = resources.make_delivery_service()
        if dry_run:
            mailing.rehearse(
                release_of(room, chosen), str(chosen), lambda line: out.print(line, markup=False)
            )
        else:
            try:
                is_done = mailing.send(
                    room,
                    chosen,
                    to,
                    lambda line: out.print(line, markup=False),
                    with_revisions=revisions,
                )
            finally:
                _show_in_ui(room, chosen)
            if not is_done:
                raise typer.Exit(1)


def _deliver_flash(when: str, to: str, *, dry_run: bool, with_revisions: bool) -> None:
    """Mail a flash, or say who would get it."""
    named = named_day(when) if when else None
    with one_sentence():
        from app.cli import delivery_output as mailing
        from orchestration import resources
        from publication.flash import latest_day
        from publication.flash_delivery import FlashDelivery

        room = resources.make_delivery_service()
        flash = FlashDelivery(room, named or latest_day(room.workspace))
        if dry_run:
            mailing.rehearse(
                flash.release(), str(flash.day), lambda line: out.print(line, markup=False)
            )
            return
        done = flash.send(with_revisions=with_revisions, only_to=to)
        is_complete = mailing.told(done, lambda line: out.print(line, markup=False))
        if not to and flash.post():
            out.print("posted where ONPACE_NOTICES leads")
        if not is_complete:
            raise typer.Exit(1)


@deliveries_app.command(name="list")
def list_deliveries(
    month: Annotated[
        str,
        typer.Argument(
            metavar="MONTH", help="A month, or the day of a flash; all of them if left out."
        ),
    ] = "",
) -> None:
    """Print the ledger of deliveries: who got what, and what became of it."""
    chosen = month and str(named_day(month) if is_day(month) else closed_month(month))
    with one_sentence():
        from app.cli import delivery_output as mailing
        from orchestration import resources

        show(mailing.table(resources.make_delivery_service().ledger.all(chosen)))


@deliveries_app.command()
def resolve(
    number: Annotated[
        int,
        typer.Argument(metavar="ID", help="The number of a delivery that is unknown or refused."),
    ],
    sent: Annotated[
        bool,
        typer.Option("--sent/--again", help="It arrived; or it did not, and is to be sent again."),
    ],
) -> None:
    """Say what became of a delivery of which nobody knows: killed between the server's answer and our record."""
    with one_sentence():
        from orchestration import resources
        from sales.calendar import Month

        room = resources.make_delivery_service()
        done = room.resolve(number, was_sent=sent)
        if done.is_of_a_month:
            _show_in_ui(room, Month.parse(done.month))
        out.print(f"{done.id}: {done.file} to {done.recipient} is {done.status}", markup=False)


@deliveries_app.command()
def adopt(
    month: MonthArgument,
    sent: Annotated[
        bool,
        typer.Option("--sent/--again", help="Note them as sent; or let them be mailed again."),
    ],
) -> None:
    """Settle what the outbox says was mailed and the ledger does not know: after the loss of the ledger, or an older backup."""
    chosen = closed_month(month)
    with one_sentence():
        from orchestration import resources

        room = resources.make_delivery_service()
        done = room.adopt(chosen, were_sent=sent)
        _show_in_ui(room, chosen)
        word = "is noted as sent" if sent else "will be mailed again"
        for address, file, _ in done:
            out.print(f"{file} to {address} {word}", markup=False)
        out.print(
            f"{len(done)} documents of {chosen} were mailed and unknown to the ledger", markup=False
        )


@app.command()
def approve(
    month: MonthArgument,
    name: Annotated[
        str,
        typer.Option(
            "--name", help="Who approves. [default: the user of this machine]", show_default=False
        ),
    ] = "",
) -> None:
    """Approve of a month's documents as they are, where [delivery] needs_approval holds them."""
    chosen = closed_month(month)
    with one_sentence():
        import getpass

        from orchestration import resources

        who = name or getpass.getuser()
        resources.make_delivery_service().approve(chosen, who)
        out.print(f"{chosen} is approved by {who}", markup=False)


@schedule_app.command(name="next")
def next_runs(
    count: Annotated[
        int, typer.Argument(metavar="N", min=1, max=60, help="How many month ends.")
    ] = 12,
) -> None:
    """Print when the coming month ends are launched, in the reporting time zone."""
    with one_sentence():
        from orchestration.schedules import due_days
        from sales.calendar import Month

        now = datetime.now(UTC)
        coming = (
            (month, at)
            for month, at in due_days(Month.of(now.date()).plus(-1), count + 1)
            if at > now
        )
        for _, (month, at) in zip(range(count), coming, strict=False):
            out.print(f"{month}  {at:%a %Y-%m-%d %H:%M %Z}", markup=False)
        _say_whether_on()


FlashOption = Annotated[bool, typer.Option("--flash", help="The weekly flash, not the month end.")]


@schedule_app.command(name="on")
def switch_on(*, flash: FlashOption = False) -> None:
    """Let month ends, or flashes, be launched and mailed by themselves, while `onpace ui` or the daemon runs."""
    with one_sentence():
        from orchestration.schedule_switch import switch_schedule

        switch_schedule(is_on=True, is_flash=flash)
        what = "flash" if flash else "month end"
        rest = "" if flash else "; `onpace schedule next` says when it launches what"
        out.print(
            f"The schedule of the {what} is on. It launches while `onpace ui` runs, or the services of docs/deployment.md{rest}."
        )


@schedule_app.command(name="off")
def switch_off(*, flash: FlashOption = False) -> None:
    """Let no month end, or no flash, be launched or mailed by itself."""
    with one_sentence():
        from orchestration.schedule_switch import switch_schedule

        switch_schedule(is_on=False, is_flash=flash)
        what = "flash" if flash else "month end"
        out.print(f"The schedule of the {what} is off: none is launched or mailed by itself.")


def _say_whether_on() -> None:
    from orchestration.delivery_watch import switched_on
    from orchestration.instance import dagster_instance

    with dagster_instance() as instance:
        if switched_on(instance) is None:
            err.print("The schedule is off, so none of them is launched: `onpace schedule on`")


def _show_in_ui(room: DeliveryService, month: Month) -> None:
    """Let the UI show what the ledger knows now; mails that went out did so whether or not it can."""
    from sales.errors import UserError

    try:
        from orchestration.delivery_events import show_delivery
        from orchestration.instance import dagster_instance

        with dagster_instance() as instance:
            show_delivery(instance, room, month)
    except UserError as fault:
        err.print(f"the UI could not be told: {fault}", markup=False)
