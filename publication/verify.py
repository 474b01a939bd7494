"""Whether a file is one that we published, when and to whom."""

from __future__ import annotations

from pathlib import Path

from connectors.storage.document_ledger import PublishedFile
from connectors.storage.files import digest_of
from publication.delivery import DeliveryService
from publication.stored_flash import flash_with, folder_of
from sales.errors import UserError


class NotOurs(UserError, LookupError):
    """A file is none that was published from this home."""


def verify(file: Path, room: DeliveryService) -> list[str]:
    """Return what is known of a file, a sentence for each publication; raises `NotOurs`."""
    workspace, digest = room.workspace, digest_of(file)
    found = workspace.documents.find(digest)
    if not found and (day := flash_with(workspace.home, digest)):
        return [
            f"{file} is a page of the flash of {day}, as it lies in {folder_of(workspace.home, day)}"
        ]
    if not found:
        raise NotOurs(
            f"{file} is not a file that was published from {workspace.home} (SHA-256 {digest})"
        )
    return [
        f"{file} is {_what(each)}, {_where(each, room)}{'' if each.is_current else '; a later revision replaced it'}"
        for each in found
    ]


def _what(publication: PublishedFile) -> str:
    named = f"{publication.file} of {publication.month}, revision {publication.revision}: {publication.title} ({publication.audience})"
    return f"{named}, published on {publication.published_at:%Y-%m-%d %H:%M} UTC"


def _where(publication: PublishedFile, room: DeliveryService) -> str:
    place, recipients = (
        room.workspace.documents.handed_over(publication, room.outbox),
        room.ledger.recipients_of(publication.sha256),
    )
    over = f"handed over as {place}" if place else "not handed over"
    return f"{over}, {'mailed to ' + ', '.join(recipients) if recipients else 'mailed to nobody'}"
