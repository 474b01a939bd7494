"""Retention: what a home may forget of the past, and forgetting it.

Put here what policy says of keeping. What readers see, what they saw first, what was ever sent, and
the extracts of all these are never forgotten.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta

from upath import UPath

from connectors.delivery.ledger import DeliveryLedger
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
    outside = ledger.digests() | handed_over(outbox) if superseded else set[str]()
    return [each for each in superseded if _stayed_inside(workspace, each, outside)]


def forget_extracts(workspace: Workspace) -> int:
    """Forget extracts that nothing needs and that are older than policy keeps them, and return how many they were."""
    days = workspace.policies.newest.retention.extracts_days
    return workspace.extracts.forget(workspace.now(), days)


def forgettable_extracts(workspace: Workspace) -> list[ExtractRecord]:
    """Return the extracts that would be forgotten."""
    days = workspace.policies.newest.retention.extracts_days
    return workspace.extracts.forgettable(workspace.now(), days)


def forget_revisions(workspace: Workspace, revisions: Sequence[Publication]) -> None:
    """Forget revisions, their tables and their documents; each while nothing else is at work on its month."""
    for each in revisions:
        with workspace.leases.hold(f"month {each.month}", "retention"):
            workspace.published.forget(each)


def _stayed_inside(workspace: Workspace, publication: Publication, outside: set[str]) -> bool:
    folder = workspace.published.kept.folder(publication.month, publication.revision)
    files = documents_of(folder)
    return files is not None and outside.isdisjoint(files.values())
