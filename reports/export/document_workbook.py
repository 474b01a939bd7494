"""The workbook of a document: a cover that says what its first page says, and its tables in words a reader knows.

Put here how a published table is put into readers' words: names in place of ids, heads in place of
column names, shares as percent. The sheets themselves are `workbook`; `onpace export` writes the
tables as they are published.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

import pyarrow as pa
import pyarrow.compute as pc
from markupsafe import Markup

from reports.document.document import MonthEndReport
from reports.export.workbook import TOTALS, Cover, Sheet, workbook_of
from reports.text import formats
from sales.contracts.registry import TABLES

# Said on the cover for all tables; and names beside ids, which are written as names.
LEFT_OUT = {"as_of", "as_of_month", "team_id"}
ID_OF = {"owner_name": "owner_id", "account_name": "account_id", "name": "opportunity_id"}
PERCENT, SHARES = "_pct", ("probability", "conversion", "chance", "reach_after_miss", "floor")
WORDS = {
    "p10": "P10",
    "p50": "P50",
    "p90": "P90",
    "pct": "",
    "crm": "CRM",
}
SHEETS = {
    "deals_of_the_year": "Deals that are open, or close in the fiscal year or later.",
    "credit_of_the_year": "Who gets the credit of the bookings of the fiscal year and later.",
    "restatement": "What differs from the month as it was published first, line by line.",
}


def document_workbook(report: MonthEndReport) -> bytes:
    """Return a document's tables as a workbook that says first what they are."""
    sheets = [_sheet(name, table, report.names) for name, table in report.attachments.items()]
    listed = tuple(
        (sheet.title, _meaning(name))
        for sheet, name in zip(sheets, report.attachments, strict=True)
    )
    actions = (
        f"{number}. {_plain(f'{each.owner}: ') if each.owner else ''}{_plain(each.text)}"
        for number, each in enumerate(report.actions, start=1)
    )
    cover = Cover(
        report.language.say("Overview"),
        (
            _plain(report.title),
            f"{_plain(report.subtitle)}, {report.labels.as_of} {report.language.day(report.last_day)}",
            _plain(report.audience),
            *([report.labels.demo_long] if report.is_demo else []),
            *(_plain(each.text) for each in report.statements),
            *actions,
        ),
        listed,
    )
    return workbook_of(sheets, datetime.fromisoformat(report.created), cover)


def _sheet(name: str, table: pa.Table, names: Mapping[str, str]) -> Sheet:
    """Return a table in readers' words."""
    percent: set[str] = set()
    parts: dict[str, pa.Array] = {}
    for column in table.column_names:
        values = table.column(column).combine_chunks()
        if column in LEFT_OUT or ID_OF.get(column) in table.column_names:
            continue
        if column.endswith("_id"):
            values = _named(values, names)
        if column.endswith(PERCENT):
            values = pc.divide(values, 100.0)
        if column.endswith(PERCENT) or any(
            column.startswith(each) or column.endswith(each) for each in SHARES
        ):
            percent.add(column)
        parts[column] = values
    return Sheet(
        title_of(name),
        pa.table(parts),
        tuple(head_of(column) for column in parts),
        frozenset(percent),
        tuple(each for each in TOTALS.get(name, ()) if each in parts),
    )


def title_of(table: str) -> str:
    """Return a table's name as a reader says it, `Closing plan`."""
    return table.replace("_", " ").capitalize()


def head_of(column: str) -> str:
    """Return a column's name as a reader says it, `Close date`."""
    column = "name" if column == "grain_id" else column.removesuffix("_id")
    words = [WORDS.get(each, each) for each in column.split("_")]
    said = " ".join(each for each in words if each)
    return said[:1].upper() + said[1:]


def _named(ids: pa.Array, names: Mapping[str, str]) -> pa.Array:
    """Return what ids are called; one that nobody is called by stays."""
    return pa.array(
        [None if each is None else names.get(each, each) for each in ids.to_pylist()], pa.string()
    )


def _meaning(table: str) -> str:
    contract = TABLES[table].contract if table in TABLES else None
    return SHEETS.get(table) or (contract.__doc__ or "" if contract else "")


def _plain(text: str) -> str:
    return formats.unmarked(text.striptags() if isinstance(text, Markup) else text)
