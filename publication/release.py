"""What goes out of a month when it is released, and what became of what went out: read from ledger and outbox, changing nothing.

Put here what a person sees before approving, and what is true of a delivery afterwards; sending is
`delivery`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

from connectors.delivery.ledger import NOTICE, DeliveryRecord, Status
from connectors.delivery.mailer import MAIL
from connectors.delivery.outbox import handed_over
from connectors.storage.revision_documents import documents_of
from publication.delivery import DeliveryService
from publication.workspace import Workspace
from sales.calendar import Month
from sales.delivery.recipients import Document, Mailing

GONE = {Status.SENT, Status.UNKNOWN}


class Novelty(StrEnum):
    """What a document is to its recipient."""

    NEW = "new"
    REVISED = "revised"
    SENT = "sent before"
    REFUSED = "refused by the server"


@dataclass(frozen=True)
class AddressedDocument:
    """A document that an address is to have."""

    address: str
    hidden_copies: tuple[str, ...]
    document: Document
    novelty: Novelty


@dataclass(frozen=True)
class Release:
    """Who is to get what of a month, in the order of mails, what holds it back, and what differs from the revision before.

    `changed_tables` are names; `before` is the revision that is compared with, 0 where there is none.
    """

    documents: tuple[AddressedDocument, ...]
    held: tuple[str, ...]
    warnings: tuple[str, ...]
    before: int
    changed_tables: tuple[str, ...]
    has_mail_server: bool

    @property
    def mails(self) -> dict[str, list[AddressedDocument]]:
        """The documents that each address is to have."""
        found: dict[str, list[AddressedDocument]] = {}
        for each in self.documents:
            found.setdefault(each.address, []).append(each)
        return found

    @property
    def unsent(self) -> int:
        """How many mails would go out now: those with a document that is new to their address."""
        return sum(
            any(each.novelty is Novelty.NEW for each in documents)
            for documents in self.mails.values()
        )


@dataclass(frozen=True)
class DeliveryState:
    """How many documents of a month were handed over to the outbox, and what became of its mails, by recipient and document."""

    handed_over: int
    mails: Counter[Status]

    @property
    def is_empty(self) -> bool:
        """Whether nothing ever went out."""
        return not self.handed_over and not self.mails


def release_of(room: DeliveryService, month: Month) -> Release:
    """Return what would go out of a published month; raises `NotComputed`."""
    plan = room.planned(month)
    before, changed = _changed(room.workspace, month)
    return Release(
        addressed(plan, _mails(room, month)),
        tuple(room.held(month)),
        plan.warnings,
        before,
        changed,
        room.smtp is not None,
    )


def addressed(plan: Mailing, records: Sequence[DeliveryRecord]) -> tuple[AddressedDocument, ...]:
    """Return every document of a plan with its address, and whether it went there before by the ledger's records."""
    return tuple(
        AddressedDocument(
            bundle.address, bundle.hidden_copies, each, _novelty(records, bundle.address, each)
        )
        for bundle in plan.bundles
        for each in bundle.documents
    )


def state_of(room: DeliveryService, month: Month) -> DeliveryState:
    """Return what went out of a month by outbox and ledger, in whatever revision."""
    published = room.workspace.published
    current = published.current(month)
    files = documents_of(published.kept.folder(month, current.revision)) if current else None
    became: dict[tuple[str, str], Status] = {}
    for each in _mails(room, month):
        # What went out did, whatever was planned since.
        if became.get((each.recipient, each.file)) not in GONE:
            became[each.recipient, each.file] = each.status
    there = set((files or {}).values()) & handed_over(room.outbox)
    return DeliveryState(len(there), Counter(became.values()))


def _mails(room: DeliveryService, month: Month) -> list[DeliveryRecord]:
    """Return the records of a month's mails, the oldest revision first."""
    found = (each for each in room.ledger.all(str(month)) if each.channel == MAIL)
    return sorted((each for each in found if each.file != NOTICE), key=lambda each: each.revision)


def _novelty(records: Sequence[DeliveryRecord], address: str, document: Document) -> Novelty:
    sent = {
        each.sha256
        for each in records
        if (each.recipient, each.file) == (address, document.file) and each.status in GONE
    }
    if document.sha256 in sent:
        return Novelty.SENT
    if any(
        (each.recipient, each.sha256, each.status) == (address, document.sha256, Status.REFUSED)
        for each in records
    ):
        return Novelty.REFUSED
    return Novelty.REVISED if sent else Novelty.NEW


def _changed(workspace: Workspace, month: Month) -> tuple[int, tuple[str, ...]]:
    """Return the revision before the current one, 0 where there is none, and the tables that differ from it."""
    revisions = workspace.published.revisions(month)
    if len(revisions) < 2:  # noqa: PLR2004
        return 0, ()
    before, now = revisions[-2:]
    differ = {
        name
        for name in before.tables.keys() | now.tables.keys()
        if name not in before.tables
        or name not in now.tables
        or before.tables[name].digest != now.tables[name].digest
    }
    return before.revision, tuple(sorted(differ))
