"""The state of a running month: its tables as of a day's first instant, by the functions that close a month.

Put here what a weekly flash is computed from and how it is printed; where it lies is `stored_flash`,
what its page says `reports.flash`. A flash freezes no extract of a month end and is never mixed with closed months.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import get_args
from zoneinfo import ZoneInfo

import pyarrow as pa
import pyarrow.parquet as pq

from connectors.salesforce.pull import PullPreview
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.files import digest_of, refuse_unusable_home
from connectors.storage.revision_documents import MANIFEST
from publication.flash_tables import flash_tables
from publication.month_end_copies import keep_as_copy
from publication.month_inputs import MonthInputs, resolve
from publication.preconditions import EARLIEST_MONTH, refuse_another
from publication.stored_flash import PICTURE, TABLE, NoSuchDay, folder_of
from publication.workspace import Workspace
from reports.file_names import FileNames
from reports.flash import FlashTables, flash_reports
from reports.manifest import entry_of
from reports.publisher import Publisher, render_job_of
from reports.rendering import pdf as render
from reports.staging import put_in_place, recover, staged
from sales.calendar import Month
from sales.policy.sections import Weekday
from sales.vocabulary import GrainKind

WEEK = timedelta(days=7)
WEEKDAYS = get_args(Weekday)


@dataclass(frozen=True)
class Flash:
    """A day's flash: its tables, the inputs of the month that was running, and the day of the one before."""

    day: date
    inputs: MonthInputs
    tables: FlashTables
    before: date


def latest_day(workspace: Workspace, today: date | None = None) -> date:
    """Return the last day of [flash] weekday, today included, where the company is; a Monday shows what was known at last Sunday's midnight."""
    today = today or workspace.now().astimezone(ZoneInfo(workspace.time_zone)).date()
    return today - timedelta(days=(today.weekday() - weekday(workspace)) % len(WEEKDAYS))


def weekday(workspace: Workspace) -> int:
    """Return the day of the week on which a flash is due by the newest policy, 0 for Monday."""
    return WEEKDAYS.index(workspace.policies.newest.flash.weekday)


def compute_flash(workspace: Workspace, day: date, progress: Callable[[str], None]) -> Flash:
    """Compute the tables of a day, from the first extract that reaches up to it, else from a new reading.

    Raises `UserError` for a day that has not begun, or that lies before the first record.
    """
    month = _running(day)
    _refuse(workspace, day, month)
    record = _extract_of(workspace, day, month, progress)
    inputs = as_of_day(workspace, day, record)
    before = day - WEEK
    return Flash(
        day,
        inputs,
        flash_tables(inputs, as_of_day(workspace, before, record), day, before),
        before,
    )


def print_flash(workspace: Workspace, flash: Flash, publisher: Publisher) -> Iterator[Path]:
    """Print a flash's pages, put them and its tables below the home in the place of earlier ones, and yield the paths of the pages.

    A manifest beside them lists what lies there, with digests, and what each first page says.
    """
    folder = folder_of(workspace.home, flash.day)
    names, documents = FileNames(), list[dict[str, object]]()
    record, as_of = flash.inputs.record, flash.inputs.rules.calendar.as_of(flash.inputs.month)
    variant = publisher.variant(flash.inputs.month, flash.inputs.rules, record.source)
    with workspace.leases.hold(f"flash {flash.day}", f"the flash of {flash.day}"):
        recover(folder)
        with staged(folder) as stage:
            for report in flash_reports(flash.tables, flash.day, flash.before, variant):
                name = names.of(report)
                pdf = render.pdf_of(render_job_of(report, name))
                (stage / name).write_bytes(pdf)
                entry = entry_of(report, name, pdf)
                if report.kind == GrainKind.COMPANY:
                    picture = stage / PICTURE
                    picture.write_bytes(render.png_of(pdf))
                    entry["other_shapes"] = {PICTURE: digest_of(picture)}
                documents.append(entry)
            content = {
                "day": str(flash.day),
                "month": str(flash.inputs.month),
                "as_of": as_of.isoformat(),
                "extract_id": record.extract_id,
                "source": record.source,
                "documents": documents,
                "tables": _stored(flash.tables, stage),
            }
            text = json.dumps(content, indent=1, ensure_ascii=False)
            (stage / MANIFEST).write_text(text, encoding="utf-8")
            put_in_place(folder, stage)
    yield from (folder / str(each["file"]) for each in documents)


def _stored(tables: FlashTables, folder: Path) -> dict[str, str]:
    """Write tables into a folder, and return the digest of each file."""
    digests: dict[str, str] = {}
    for name, table in tables.named().items():
        path = folder / f"{name}{TABLE}"
        pq.write_table(pa.Table.from_pandas(table, preserve_index=False), path)
        digests[path.name] = digest_of(path)
    return digests


def _running(day: date) -> Month:
    """Return the month that runs, or has just ended, where a day begins."""
    return Month.of(day - timedelta(days=1))


def _refuse(workspace: Workspace, day: date, month: Month) -> None:
    refuse_unusable_home(workspace.home)
    now = workspace.now()
    if day > (now + timedelta(hours=14)).date():
        raise NoSuchDay(
            f"{day} has not begun anywhere; ask for {latest_day(workspace)} or an earlier day"
        )
    if month < EARLIEST_MONTH:
        raise NoSuchDay(f"{day} is before {EARLIEST_MONTH}, where months begin here")


def as_of_day(workspace: Workspace, day: date, record: ExtractRecord) -> MonthInputs:
    """Return the inputs of the month that runs where a day begins, with nothing known after that."""
    whole = resolve(workspace, _running(day), record)
    policies = replace(whole.policies, until=day)
    rules = policies.for_month(whole.month, whole.organization)
    month = rules.calendar.month_of(day - timedelta(days=1))
    return replace(
        whole, month=month, policies=policies, rules=policies.for_month(month, whole.organization)
    )


def _extract_of(
    workspace: Workspace, day: date, month: Month, progress: Callable[[str], None]
) -> ExtractRecord:
    custom = workspace.policies.custom_fields
    for record in workspace.extracts.all():
        if record.source == workspace.source and record.pull.has_read(custom):
            inputs = as_of_day(workspace, day, record)
            if record.extracted_at >= inputs.rules.calendar.as_of(inputs.month):
                refuse_another(workspace, record)
                return record
    record = workspace.connect().pull(
        workspace.extracts,
        workspace.source,
        progress,
        approve=_reaching(workspace, day, month),
        custom=custom,
        accepts_vanished=False,
    )
    keep_as_copy(workspace, record)
    return record


def _reaching(workspace: Workspace, day: date, month: Month) -> Callable[[PullPreview], None]:
    def approve(preview: PullPreview) -> None:
        policies = replace(workspace.policies, until=day)
        as_of = policies.for_month(month, preview.defaults).calendar.as_of(month)
        if preview.reaches_to < as_of:
            raise NoSuchDay(
                f"{day} begins on {as_of:%Y-%m-%d %H:%M} UTC, and Salesforce's clock says {preview.reaches_to:%Y-%m-%d %H:%M}; ask for an earlier day"
            )

    return approve
