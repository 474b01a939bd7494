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

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from pandera.typing import DataFrame

from connectors.salesforce.pull import PullPreview
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.files import digest_of, refuse_unusable_home
from connectors.storage.revision_documents import MANIFEST
from publication.forecast_sources import ForecastSources
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
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.targets import ComingMonth, PhasedTargets
from sales.coverage import coverage
from sales.coverage import deal_changes as changes
from sales.forecast import closing_plan as closing
from sales.forecast import coming_month as numbers
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.policy.sections import Weekday
from sales.targets import attainment
from sales.targets import phased_targets as targets
from sales.targets.phased_targets import NoTargets
from sales.targets.stated_plans import PlanBook
from sales.vocabulary import GrainKind

WEEK = timedelta(days=7)
WEEKDAYS = get_args(Weekday)
# Columns that name a month end in the tables of a month, and what they are called in those of a day.
DAYS = {"as_of_month": "as_of_day", "from_month": "from_day", "to_month": "to_day"}


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
    inputs = _as_of(workspace, day, record)
    before = day - WEEK
    return Flash(
        day, inputs, _tables(inputs, _as_of(workspace, before, record), day, before), before
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


def _as_of(workspace: Workspace, day: date, record: ExtractRecord) -> MonthInputs:
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
        read = record.pull.amount_field, record.pull.service_fields
        if record.source == workspace.source and read == (custom.amount, custom.service):
            inputs = _as_of(workspace, day, record)
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


def _tables(inputs: MonthInputs, earlier: MonthInputs, day: date, before: date) -> FlashTables:
    month, rules = inputs.month, inputs.rules
    snap = snapshot.opportunity_snapshot(inputs.history, month, rules, is_copy=inputs.is_copy)
    opening = snapshot.opening_snapshot(inputs.history, earlier.month, earlier.rules, snap)
    shared = credit.booking_credit(snap, inputs.extract, inputs.people, month, rules)
    sources = ForecastSources(inputs)
    phased = _phased(inputs, sources)
    changed = changes.deal_changes(opening, snap, month, rules)
    tables = {
        "opportunity_snapshot": snap,
        "phased_targets": phased,
        "target_attainment": attainment.target_attainment(snap, shared, phased, month, rules),
        "pipeline_coverage": coverage.pipeline_coverage(snap, shared, phased, month, rules),
        "closing_plan": closing.closing_plan(snap, month, rules),
        "deal_changes": changed.assign(from_month=str(before), to_month=str(day)),
    }
    return FlashTables(
        coming_month=_number_of_the_month(inputs),
        leave=_leave(inputs, sources.plan_book, day),
        **{name: _of_day(table, day) for name, table in tables.items()},
    )


def _leave(inputs: MonthInputs, book: PlanBook, day: date) -> pd.DataFrame:
    """Return who is away on a day or later in its month: a row a leave, by first day and person."""
    last = inputs.rules.calendar.last_day(inputs.month)
    away = [each for each in book.leaves if each.start <= last and each.end >= day]
    away.sort(key=lambda each: (each.start, each.owner_id))
    owners = columns.text([each.owner_id for each in away])
    return columns.frame(
        {
            "as_of_day": columns.repeat(str(day), len(away)),
            "owner_id": owners,
            "owner_name": inputs.people.name_of(owners),
            "team": inputs.people.team_of(owners),
            "first_day": pa.array([each.start for each in away], pa.date32()),
            "last_day": pa.array([each.end for each in away], pa.date32()),
        }
    )


def _number_of_the_month(inputs: MonthInputs) -> DataFrame[ComingMonth]:
    """Return the number of the running month as it was set at the month end before; no rows where nothing was known then."""
    before = inputs.month.plus(-1)
    copy = inputs.copies.get(before, inputs.record)
    known = resolve(inputs.workspace, before, copy)
    if not snapshot.has_records(known.history, before, known.rules):
        return empty(ComingMonth)
    forecast = ForecastSources(known)
    snap = snapshot.opportunity_snapshot(known.history, before, known.rules)
    shared = credit.booking_credit(snap, known.extract, known.people, before, known.rules)
    try:
        phased = _phased(known, forecast)
    except NoTargets:
        return empty(ComingMonth)
    return numbers.coming_month(forecast.forecast_basis, snap, shared, phased, before, known.rules)


def _phased(inputs: MonthInputs, forecast: ForecastSources) -> DataFrame[PhasedTargets]:
    bookings = snapshot.monthly_bookings(
        inputs.year_to_date(), inputs.month, inputs.rules, inputs.extracted_at
    )
    return targets.phased_targets(
        inputs.targets_in_force(),
        bookings,
        inputs.people,
        inputs.month,
        inputs.policies,
        inputs.organization,
        inputs.extracted_at,
        forecast.plan_book,
        forecast.seasons(),
    )


def _of_day(table: pd.DataFrame, day: date) -> pd.DataFrame:
    """Return a table of a month end as one of a day: named by the day, in the same columns."""
    if "month" in table.columns and "opportunity_id" in table.columns:
        table = table.rename(columns={"month": "as_of_month"})
    if "as_of_month" in table.columns:
        column = pd.Series(
            [str(day)] * len(table), dtype=pd.ArrowDtype(pa.string()), index=table.index
        )
        table = table.assign(as_of_month=column)
    return table.rename(columns=DAYS)
