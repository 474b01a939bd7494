"""Which extract a month is computed from: the one it was published from, our own copy, a young pull, or a new one.

Put the choice here; what a month is then computed from is `month_inputs`.
"""

from __future__ import annotations

from datetime import timedelta

from connectors.salesforce.session import Progress
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.files import refuse_unusable_home
from connectors.storage.leases import AtWork
from connectors.storage.monthly_tables import NotComputed
from publication import fingerprints
from publication.month_end_copies import copy_of, keep_as_copy
from publication.preconditions import (
    approval,
    refuse_another,
    refuse_clearly_open,
    refuse_unusable,
)
from publication.pull_options import PullOptions
from publication.retention import forget_extracts
from publication.workspace import Workspace
from sales.calendar import Month

DEFAULT = PullOptions()


def resolve_extract(
    workspace: Workspace, month: Month, progress: Progress, options: PullOptions = DEFAULT
) -> ExtractRecord:
    """Return the extract that the month is computed from; publishing the month freezes it.

    A frozen extract is kept unless a fresh one is asked for; else our own copy of the month
    end stands (unless `reconstruct`); else a pull that is young enough and lies after the month's
    end serves, else Salesforce is read. What was read stays stored also where the month cannot be
    computed from it: the next run need not ask again.
    """
    refuse_clearly_open(workspace, month)
    refuse_unusable_home(workspace.home)
    _ = workspace.policies.custom_fields  # a broken policy is said before Salesforce is asked
    pinned = workspace.extracts.pinned(month)
    if pinned is not None:
        refuse_another(workspace, pinned)
        if not options.wants_fresh and is_current(workspace, month):
            return select(workspace, month, pinned)
    record = _stored(workspace, month, pinned, progress, options)
    if record is None:
        record = select(workspace, month, _pull(workspace, month, progress, options))
        try:
            forget_extracts(workspace)
        except AtWork:  # the next reading does it
            progress("old extracts are kept for now: another process reads Salesforce")
        return record
    refuse_unusable(workspace, month, workspace.loaded.extract(record))
    return select(workspace, month, record)


def select(workspace: Workspace, month: Month, record: ExtractRecord) -> ExtractRecord:
    """Note the extract that the next run of the month reads, and return it."""
    workspace.extracts.choose(month, record)
    return record


def selected(workspace: Workspace, month: Month) -> ExtractRecord:
    """Return the extract that was selected for a month; raises `NotComputed`."""
    found = workspace.extracts.chosen(month) or workspace.extracts.pinned(month)
    if found is None:
        raise NotComputed(f"no extract was chosen for {month}; run `onpace report {month}`")
    return found


def published_extract(workspace: Workspace, month: Month) -> ExtractRecord:
    """Return the extract that a published month was computed from, whatever was selected since; raises `NotComputed`."""
    pinned = workspace.extracts.pinned(month)
    if pinned is None:
        raise NotComputed(f"{month} is not there yet; run `onpace report {month}` first")
    refuse_another(workspace, pinned)
    return pinned


def is_current(workspace: Workspace, month: Month) -> bool:
    """Return whether readers see what a run would make: everything that decides about the month is as it was, and so are its tables."""
    publication, pinned = workspace.published.current(month), workspace.extracts.pinned(month)
    if publication is None or pinned is None:
        return False
    if publication.made_from != fingerprints.of_month(workspace, month, pinned):
        return False
    return all(
        workspace.tables.written(name, month) == written
        for name, written in publication.tables.items()
    )


def _stored(
    workspace: Workspace,
    month: Month,
    pinned: ExtractRecord | None,
    progress: Progress,
    options: PullOptions,
) -> ExtractRecord | None:
    """Return what is stored already and serves, none where Salesforce must be read."""
    if pinned is not None and not options.wants_fresh:
        return pinned
    copy = None if options.reconstruct else copy_of(workspace, month)
    if copy is not None:
        progress(
            f"{month} is computed from our own copy of that month end, "
            f"read on {copy.extracted_at:%Y-%m-%d %H:%M} UTC"
        )
        return copy
    latest = workspace.extracts.latest()
    is_there = latest is not None and _serves(workspace, latest, month, options.shared_age)
    return latest if is_there else None


def _serves(
    workspace: Workspace, record: ExtractRecord, month: Month, shared_age: timedelta
) -> bool:
    rules = workspace.policies.for_month(month, workspace.loaded.defaults(record))
    # What an extract reaches up to lies a little before the moment at which it was stored.
    age = workspace.now() - (record.stored_at or record.extracted_at)
    return (
        record.extracted_at >= rules.calendar.as_of(month)
        and record.pull.has_read(workspace.policies.custom_fields)
        and record.source == workspace.source
        and age < shared_age
    )


def _pull(
    workspace: Workspace, month: Month, progress: Progress, options: PullOptions
) -> ExtractRecord:
    record = workspace.connect().pull(
        workspace.extracts,
        workspace.source,
        progress,
        approve=approval(workspace, month),
        custom=workspace.policies.custom_fields,
        accepts_vanished=options.accept_vanished,
    )
    keep_as_copy(workspace, record)
    refuse_unusable(workspace, month, workspace.loaded.extract(record))
    return record
