"""Retention: what a home may forget of the past, and forgetting it.

Put here what policy says of keeping. What readers see, what they saw first, what was ever sent, and
the extracts of all these are never forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from upath import UPath

from connectors.delivery.ledger import DeliveryLedger
from connectors.delivery.mailed_note import MailedNote
from connectors.delivery.mailer import MAIL
from connectors.delivery.outbox import handed_over
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.publications import Publication
from connectors.storage.revision_documents import documents_of
from publication.workspace import Workspace


def forgettable_revisions(
    workspace: Workspace, ledger: DeliveryLedger, outbox: UPath
) -> list[Publication]:
    """Return the revisions that were replaced longer ago than policy keeps them, and of which nothing left the house.

    None where policy names no number of days. The first revision of a month and the newest are
    never among them, and one whose documents cannot be told stays.
    """
    days = workspace.policies.newest.retention.revisions_days
    if days is None:
        return []
    superseded = workspace.published.superseded(workspace.now() - timedelta(days=days))
    outside = _outside(ledger, outbox) if superseded else set[str]()
    return [each for each in superseded if _stayed_inside(workspace, each, ledger, outbox, outside)]


def forget_extracts(workspace: Workspace) -> int:
    """Forget extracts that nothing needs and that are older than policy keeps them, and return how many they were."""
    days = workspace.policies.newest.retention.extracts_days
    return workspace.extracts.forget(_now(workspace), days)


def forgettable_extracts(workspace: Workspace) -> list[ExtractRecord]:
    """Return the extracts that would be forgotten."""
    days = workspace.policies.newest.retention.extracts_days
    return workspace.extracts.forgettable(_now(workspace), days)


def forget_revisions(
    workspace: Workspace, ledger: DeliveryLedger, outbox: UPath, revisions: Sequence[Publication]
) -> None:
    """Forget revisions, their tables and their documents; each while nothing else is at work on its month.

    One that was sent since it was found stays.
    """
    for each in revisions:
        with workspace.leases.hold(f"month {each.month}", "retention"):
            outside = _outside(ledger, outbox)
            if _stayed_inside(workspace, each, ledger, outbox, outside):
                workspace.published.forget(each)


def _outside(ledger: DeliveryLedger, outbox: UPath) -> set[str]:
    """Return the digests of all files that left the house."""
    return ledger.digests() | handed_over(outbox)


def _stayed_inside(
    workspace: Workspace,
    publication: Publication,
    ledger: DeliveryLedger,
    outbox: UPath,
    outside: set[str],
) -> bool:
    """Return whether nothing of a revision left the house; false where nobody can tell."""
    kept, month = workspace.published.kept, publication.month
    files = documents_of(kept.folder(month, publication.revision))
    if files is None or kept.has_other_manifest(month, publication.revision):
        return False
    if MailedNote(outbox, month).count() > len(ledger.mailed(str(month), MAIL)):
        return False  # the ledger is of an older backup
    return outside.isdisjoint(files.values())


def _now(workspace: Workspace) -> datetime:
    """Return the instant that ages are measured to: Salesforce's where this machine's clock is ahead of it."""
    latest = workspace.extracts.latest()
    return min(workspace.now(), latest.extracted_at) if latest else workspace.now()
