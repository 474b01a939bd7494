"""Delivery from the terminal: rehearsal, sending, and the ledger as a table."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rich.table import Table
from rich.text import Text

from connectors.delivery.ledger import DeliveryRecord
from connectors.delivery.mailer import SendResult
from publication.delivery import DeliveryService
from publication.release import Novelty, Release
from sales.calendar import Month

Say = Callable[[str], None]
WORDS = {
    Novelty.NEW: "",
    Novelty.REVISED: " (revised since it was sent: --revisions sends it)",
    Novelty.SENT: " (sent before)",
    Novelty.REFUSED: " (refused by the server: see `onpace deliveries list`)",
}


def rehearse(release: Release, name: str, say: Say) -> None:
    """Print who would get what of a month or a flash, what holds it, and what cannot be sent; nothing is sent or noted."""
    for address, documents in release.mails.items():
        copies = documents[0].hidden_copies
        hidden = f" (hidden copies: {', '.join(copies)})" if copies else ""
        named = (f"{each.document.file}{WORDS[each.novelty]}" for each in documents)
        say(f"{address}{hidden}: {', '.join(named)}")
    if not release.documents:
        say(
            "nobody gets anything: recipients.toml of the policy folder names nobody for these documents"
        )
    for warning in (*release.warnings, *(f"held back: {reason}" for reason in release.held)):
        say(warning)
    if not release.has_mail_server:
        say("no mail server is named: set SMTP_HOST and SMTP_FROM, else nothing can be sent")
    say(f"{release.unsent} mails of {name} would be sent; nothing was")


def send(
    room: DeliveryService, month: Month, only_to: str, say: Say, *, with_revisions: bool
) -> bool:
    """Send what was never sent, print what became of it, and return whether nothing is left to do."""
    return told(room.send(month, with_revisions=with_revisions, only_to=only_to), say)


def told(done: SendResult, say: Say) -> bool:
    """Print what became of mails, and return whether nothing is left to do."""
    for name in done.sent:
        say(f"sent: {name}")
    for word, those in (
        ("refused", done.refused),
        ("waiting", done.waiting),
        ("unknown", done.unknown),
    ):
        for name, reason in those.items():
            say(f"{word}: {name}: {reason}")
    for name in done.revised:
        say(f"revised: {name}: an earlier revision was sent; send this one with --revisions")
    say(f"{len(done.sent)} documents sent, {len(done.already)} sent before")
    return done.is_complete


def table(deliveries: Sequence[DeliveryRecord]) -> Table:
    """Return the ledger as a table."""
    shown = Table("id", "month", "recipient", "document", "revision", "status", "since", "detail")
    for each in deliveries:
        cells = (
            str(each.id),
            each.month,
            each.recipient,
            each.file,
            str(each.revision),
            each.status.value,
            f"{each.changed_at:%Y-%m-%d %H:%M}",
            each.detail,
        )
        shown.add_row(*(Text(cell) for cell in cells))
    return shown
