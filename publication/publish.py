"""Publishing a month: its documents printed, noted, and made what readers see together with its tables."""

from __future__ import annotations

from collections.abc import Callable
from zoneinfo import ZoneInfo

from connectors.storage.document_ledger import DocumentFile
from connectors.storage.publications import Publication
from publication import fingerprints
from publication.extract_selection import is_current
from publication.month_inputs import MonthInputs
from publication.readers import readers
from reports.document.month_tables import MonthTables
from reports.month_end import Restated
from reports.published_set import Pack, PublishedSet
from reports.publisher import Publisher
from sales.restatement.restatement import Published, restatement


def unchanged_documents(
    inputs: MonthInputs, publisher: Publisher
) -> tuple[PublishedSet, Publication] | None:
    """Return the documents that readers see where a run would make the same, none where the month must be published."""
    workspace, month = inputs.workspace, inputs.month
    publication, standing = workspace.published.current(month), publisher.standing(month)
    if publication is None or standing is None:
        return None
    is_same = (inputs.record.extract_id, standing.digest) == (
        publication.extract_id,
        publication.documents,
    )
    return (standing, publication) if is_same and is_current(workspace, month) else None


def publish(
    inputs: MonthInputs, tables: MonthTables, publisher: Publisher, progress: Callable[..., None]
) -> tuple[PublishedSet, Publication]:
    """Print a month's documents and publish them with its tables.

    A month of which a document failed is published without a fingerprint: the next run makes it
    again.
    """
    workspace, month, record = inputs.workspace, inputs.month, inputs.record
    published_set = publisher.publish(
        tables,
        month,
        inputs.rules,
        record.source,
        progress,
        readers=readers(inputs),
        before=_before(inputs, tables),
    )
    files = [each for pack in published_set.packs for each in _files(pack)]
    is_whole = not published_set.failed and fingerprints.are_current(
        workspace, month, record, inputs.copies
    )
    made_from = fingerprints.of_month(workspace, month, record, inputs.copies) if is_whole else ""
    return published_set, workspace.published.publish(
        month, record.extract_id, workspace.now(), published_set.digest, made_from, files
    )


def _before(inputs: MonthInputs, tables: MonthTables) -> Restated | None:
    """Return what differs from the month as it was published first, none where it never was."""
    published = inputs.workspace.published
    first = published.first(inputs.month)
    # The first version of this program made fewer tables.
    if first is None or not first.tables.keys() >= set(Published.NEEDED):
        return None
    was = Published.among({name: published.table(first, name) for name in Published.NEEDED})
    now = Published(tables.opportunity_snapshot, tables.booking_credit, tables.phased_targets)
    zone = ZoneInfo(inputs.rules.calendar.time_zone)
    day = first.at.astimezone(zone).date() if first.at else None
    return Restated(restatement(was, now, inputs.month, inputs.rules), day)


def _files(pack: Pack) -> list[DocumentFile]:
    shapes = {pack.path.name: pack.sha256, **pack.other_shapes}
    return [
        DocumentFile(file, sha256, pack.title, pack.audience, pack.language)
        for file, sha256 in shapes.items()
    ]
