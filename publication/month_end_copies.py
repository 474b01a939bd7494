"""Our own copies of month ends: extracts that were read soon after one.

Salesforce keeps no past of roles, quotas and splits; such a copy is all there is of it. Put here
which extract is kept as a copy, and whether one still fits.
"""

from __future__ import annotations

from datetime import timedelta
from zoneinfo import ZoneInfo

from connectors.storage.extract_record import ExtractRecord
from publication.workspace import Workspace
from sales.calendar import Month
from sales.history.extract import EMBEDDED

# An extract read so soon after a month end is our own copy of it.
COPY_WITHIN = timedelta(days=10)


def keep_as_copy(workspace: Workspace, record: ExtractRecord) -> None:
    """Keep an extract that was read soon after a month end as our own copy of it."""
    defaults, policies = workspace.loaded.defaults(record), workspace.policies
    local = record.extracted_at.astimezone(ZoneInfo(policies.time_zone or record.time_zone))
    its_calendar = policies.for_month(Month.of(local.date()), defaults).calendar
    month = its_calendar.month_of(local.date()).plus(-1)
    as_of = policies.for_month(month, defaults).calendar.as_of(month)
    if timedelta(0) <= record.extracted_at - as_of <= COPY_WITHIN:
        workspace.extracts.keep_month_end(month, as_of, record)


def copy_of(workspace: Workspace, month: Month) -> ExtractRecord | None:
    """Return our own copy of a month end, none where the month ends at another instant by now or the org is another."""
    copy, latest = workspace.extracts.month_end(month), workspace.extracts.latest()
    if copy is None or latest is None:
        return None
    if (copy.record.source == EMBEDDED) != (workspace.source == EMBEDDED):
        return None
    is_local = not workspace.source.startswith("https://")
    if is_local and copy.record.pull.instance != latest.pull.instance:
        return None
    rules = workspace.policies.for_month(month, workspace.loaded.defaults(latest))
    wanted = rules.policy.pipeline.amount_field
    has_amounts = not wanted or copy.record.pull.amount_field == wanted
    return copy.record if has_amounts and copy.as_of == rules.calendar.as_of(month) else None


def copies_up_to(workspace: Workspace, month: Month) -> dict[Month, ExtractRecord]:
    """Return our own copies of month ends that a run of a month may look back on."""
    there = (
        (each, copy_of(workspace, each))
        for each in workspace.extracts.copied_months()
        if each <= month
    )
    return {each: copy for each, copy in there if copy is not None}
