"""Letters that bring documents: what all of them have in common, whether a month's, a week's or a notice.

Put here how a letter is made of a mail's words and files, and the last look at who gets which
document. What a mail says is `reports.email_body`; in which order things are sent is
`connectors.delivery.mailer`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from pathlib import Path
from typing import Any

from connectors.delivery.ledger import DeliveryRecord
from connectors.delivery.mailer import message_id
from connectors.delivery.smtp import Attached, Letter, SmtpSettings
from publication.published_documents import content_of
from reports.email_body import Cover, Said
from sales.delivery.recipients import (
    DirectoryEntry,
    Document,
    MailBundle,
    RecipientBook,
    is_allowed,
    may_see,
)
from sales.errors import UserError


class NotForTheirEyes(UserError, RuntimeError):
    """A document was about to go to someone who may not see it."""


@dataclass(frozen=True)
class Series:
    """A series of mails: its name, the list that mail programs sort it by, and of which month or day a mail of it is."""

    name: str
    list_name: str
    of: str


def month_end_mails(month: object) -> Series:
    """Return the series of month ends and of notices about them."""
    return Series("Month end", "month-end", str(month))


def flash_mails(day: object) -> Series:
    """Return the series of weekly flashes."""
    return Series("Weekly flash", "weekly-flash", str(day))


def letter(
    smtp: SmtpSettings,
    bundle: MailBundle,
    mine: Sequence[DeliveryRecord],
    series: Series,
    known_id: str,
    said: Cover,
    files: tuple[Attached, ...],
    written_at: datetime,
) -> Letter:
    """Return a mail to one recipient; a mail that is sent again keeps the name that it is known by.

    Eight parameters: each is a part of the letter, and none belongs to another.
    """
    domain = parseaddr(smtp.sender)[1].rpartition("@")[2]
    return Letter(
        bundle.address,
        bundle.name,
        bundle.hidden_copies,
        said.subject,
        said.text,
        said.html,
        known_id or message_id(series.of, bundle.address, mine, domain),
        f"{series.name} <{series.list_name}.{domain}>",
        written_at,
        files,
    )


def said_by(entries: Iterable[Mapping[str, Any]]) -> dict[str, Said]:
    """Return what the first page of each document says, by file, from the entries of a manifest."""
    return {
        each["file"]: Said(
            [tuple(line) for line in each["headline"]],
            each.get("verdict", ""),
            each.get("actions", ()),
        )
        for each in entries
    }


def files_of(folder: Path, documents: Iterable[Document]) -> tuple[Attached, ...]:
    """Return documents as files of a letter; raises `NotComputed` where one is not what was made."""
    return tuple(
        Attached(each.file, content_of(folder / each.file, each.sha256)) for each in documents
    )


def readdressed(
    bundles: Sequence[MailBundle], address: str, book: RecipientBook
) -> tuple[MailBundle, ...]:
    """Return mails as a rehearsal sends them, all to one address and to nobody else; raises `NotForTheirEyes` where it may get none."""
    if not is_allowed(address, book):
        raise NotForTheirEyes(
            f"{address[:80]} is in none of allowed_domains of recipients.toml; nothing was sent"
        )
    return tuple(MailBundle(address, "", each.language, (), each.documents) for each in bundles)


def refuse_unseen(
    bundles: Iterable[MailBundle], book: RecipientBook, directory: Sequence[DirectoryEntry]
) -> None:
    """Raise `NotForTheirEyes` where a mail holds a document that its recipient may not see, whatever was planned."""
    for bundle in bundles:
        for each in bundle.documents:
            if not may_see(bundle.address, each, book, directory):
                raise NotForTheirEyes(
                    f"{each.file} was about to go to {bundle.address}, who may not see it; nothing was sent"
                )
