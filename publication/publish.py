"""Publishing a month: its documents printed, noted, and made what readers see together with its tables."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from zoneinfo import ZoneInfo

import pandas as pd

from connectors.storage.document_ledger import DocumentFile
from connectors.storage.leases import Lease
from connectors.storage.publications import Publication
from publication import fingerprints
from publication.extract_selection import is_current
from publication.last_report import last_report
from publication.month_inputs import MonthInputs
from publication.readers import readers
from publication.workspace import Workspace
from reports.document.month_tables import MonthTables
from reports.month_end import Restated
from reports.published_set import Pack, PublishedSet
from reports.publisher import Publisher
from sales.calendar import Month
from sales.restatement.restatement import Published, restatement


def unchanged_documents(
    inputs: MonthInputs, publisher: Publisher
) -> tuple[PublishedSet, Publication] | None:
    """Return the documents that readers see where a run would make the same, none where the month must be published."""
    standing = published_documents(inputs.workspace, inputs.month, publisher)
    if standing is None or inputs.record.extract_id != standing[1].extract_id:
        return None
    if not is_current(inputs.workspace, inputs.month):
        return None
    show(inputs.workspace, inputs.month, publisher)
    return standing


def published_documents(
    workspace: Workspace, month: Month, publisher: Publisher
) -> tuple[PublishedSet, Publication] | None:
    """Return the documents of a month as they were published, none where some are missing or damaged, its tables too, or there are none."""
    publication = workspace.published.current(month)
    if publication is None:
        return None
    folder = workspace.published.kept.folder(month, publication.revision)
    standing = publisher.standing(month, folder)
    if standing is None or standing.digest != publication.documents:
        return None
    if workspace.published.kept.has_other_manifest(month, publication.revision):
        return None
    return None if workspace.published.damaged(publication) else (standing, publication)


def show(workspace: Workspace, month: Month, publisher: Publisher) -> None:
    """Let people see what is published of a month below `packs`: a run may have been killed before it could."""
    publisher.show(month, workspace.published.documents(month))


def publish(
    inputs: MonthInputs,
    lease: Lease,
    tables: MonthTables,
    publisher: Publisher,
    progress: Callable[..., None],
) -> tuple[PublishedSet, Publication]:
    """Print a month's documents and publish them with its tables.

    A month of which a document failed is published without a fingerprint: the next run makes it
    again. Raises `LeaseLost`, with nothing published, where somebody else is at work on the month.
    """
    workspace, month, record = inputs.workspace, inputs.month, inputs.record
    before = workspace.published.current(month)
    made: list[Publication] = []

    def commit(published_set: PublishedSet, folder: Path) -> None:
        files = [each for pack in published_set.packs for each in _files(pack)]
        is_whole = not published_set.failed and fingerprints.are_current(
            workspace, month, record, inputs.copies
        )
        made_from = (
            fingerprints.of_month(workspace, month, record, inputs.copies) if is_whole else ""
        )
        made.append(
            workspace.published.publish(
                month,
                record.extract_id,
                workspace.now(),
                published_set.digest,
                made_from,
                files,
                folder,
                guard=lease.refuse_lost,
            )
        )

    published_set = publisher.publish(
        tables,
        month,
        inputs.rules,
        record.source,
        progress,
        readers=readers(inputs),
        before=_before(inputs, tables),
        last=last_report(workspace.published, month, tables.opportunity_snapshot),
        printed_before=workspace.published.kept.folder(month, before.revision) if before else None,
        publish=commit,
    )
    return published_set, made[0]


def _before(inputs: MonthInputs, tables: MonthTables) -> Restated | None:
    """Return what differs from the month as it was published first, none where it never was."""
    published = inputs.workspace.published
    first = published.first(inputs.month)
    # The first version of this program made fewer tables.
    if first is None or not first.tables.keys() >= set(Published.NEEDED):
        return None
    was = Published.among(
        {name: _as_first(inputs, tables, first, name) for name in Published.NEEDED}
    )
    now = Published(tables.opportunity_snapshot, tables.booking_credit, tables.phased_targets)
    zone = ZoneInfo(inputs.rules.calendar.time_zone)
    day = first.at.astimezone(zone).date() if first.at else None
    return Restated(restatement(was, now, inputs.month, inputs.rules), day)


def _as_first(
    inputs: MonthInputs, tables: MonthTables, first: Publication, name: str
) -> pd.DataFrame:
    """Return a table as it was published first; what was computed now serves where it is the same, as where the file of then is damaged."""
    written = inputs.workspace.tables.written(name, inputs.month)
    if written is not None and written.digest and written.digest == first.tables[name].digest:
        return getattr(tables, name)
    return inputs.workspace.published.table(first, name)


def _files(pack: Pack) -> list[DocumentFile]:
    shapes = {pack.path.name: pack.sha256, **pack.other_shapes}
    return [
        DocumentFile(file, sha256, pack.title, pack.audience, pack.language)
        for file, sha256 in shapes.items()
    ]
