"""Tables as an Excel workbook: a sheet a table, numbers and dates as such, text that is never a formula, totals that follow filters."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.utility import xl_col_to_name
from xlsxwriter.worksheet import Worksheet

from sales import arrow as columns
from sales.errors import UserError

MOST_ROWS = 1_048_575
LONGEST_TEXT = 32_767
LONGEST_SHEET_NAME = 31
# A line of the cover, in points, and how many letters stand in one.
LINE_HEIGHT, LETTERS_A_LINE = 15, 115
# Columns whose rows add up; a table with rows of people, teams and the company has none.
TOTALS: dict[str, tuple[str, ...]] = {
    "opportunity_snapshot": ("amount",),
    "deals_of_the_year": ("amount",),
    "credit_of_the_year": ("amount",),
    "phased_targets": ("baseline_target", "rephased_target", "at_risk", "ahead"),
    "bottom_up_plan": (
        "baseline_target",
        "client_plans",
        "difference",
        "bookings",
        "expected",
        "agreed",
    ),
    "closing_plan": ("amount",),
    "client_phasing": ("bookings", "expected", "agreed", "delivery_days"),
    "client_agreements": ("monthly_amount", "monthly_days", "backlog"),
    "pipeline_generation": ("required", "created"),
    "restatement": ("before", "after", "difference"),
}
# Excel's SUBTOTAL: the sum of the rows that a filter leaves.
SUM_OF_SHOWN = 109
OPTIONS = {
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
    "constant_memory": True,
}


# Spreadsheets know no days before 1900: they are written as text.
FIRST_YEAR = 1900


class TooManyRows(UserError, ValueError):
    """A table does not fit on a sheet."""


@dataclass(frozen=True)
class Sheet:
    """A table as a sheet: its title, what heads its columns, those that are shares of 1 to be read as percent, and those whose rows add up."""

    title: str
    table: pa.Table
    heads: tuple[str, ...]
    percent: frozenset[str] = frozenset()
    totals: tuple[str, ...] = ()


@dataclass(frozen=True)
class Cover:
    """The first sheet of a document's workbook: lines of text, the first one a heading, and what each sheet holds."""

    title: str
    lines: tuple[str, ...]
    sheets: tuple[tuple[str, str], ...]


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write one sheet a table as it is published, heads frozen, with filters and totals."""
    for name, table in tables.items():
        if len(table) >= MOST_ROWS:
            raise TooManyRows(
                f"{name} has {len(table):,} rows and a sheet holds {MOST_ROWS:,}; export as csv or parquet"
            )
    with xlsxwriter.Workbook(str(path), OPTIONS) as book:
        _fill(
            book,
            [
                Sheet(
                    name,
                    pa.table({str(each): columns.arrow(table[each]) for each in table.columns}),
                    tuple(str(each) for each in table.columns),
                    totals=TOTALS.get(name, ()),
                )
                for name, table in tables.items()
            ],
        )


def workbook_of(sheets: Sequence[Sheet], created: datetime, cover: Cover | None = None) -> bytes:
    """Return tables as a workbook; the same tables give the same bytes. Of a table that no sheet can hold, the first rows are in it."""
    out = io.BytesIO()
    book: Any
    with xlsxwriter.Workbook(out, OPTIONS | {"in_memory": True}) as book:
        book.set_properties({"created": created})
        if cover is not None:
            _write_cover(book, cover)
        _fill(
            book,
            [replace(each, table=each.table.slice(0, MOST_ROWS - 1)) for each in sheets],
        )
    return out.getvalue()


def _write_cover(book: Any, cover: Cover) -> None:  # noqa: ANN401  # its methods have no types
    heading, wrapped = book.add_format({"bold": True, "font_size": 16}), {"text_wrap": True}
    text, name = book.add_format({**wrapped, "valign": "top"}), book.add_format({"bold": True})
    sheet = book.add_worksheet(cover.title[:LONGEST_SHEET_NAME])
    sheet.hide_gridlines(2)
    sheet.set_column(0, 0, 26)
    sheet.set_column(1, 1, 90)
    first, *rest = cover.lines
    sheet.write_string(0, 0, first[:LONGEST_TEXT], heading)
    for row, line in enumerate(rest, start=1):
        sheet.set_row(row, LINE_HEIGHT * (1 + len(line) // LETTERS_A_LINE))
        sheet.merge_range(row, 0, row, 1, line[:LONGEST_TEXT], text)
    for row, (title, meaning) in enumerate(cover.sheets, start=len(cover.lines) + 1):
        sheet.write_string(row, 0, title[:LONGEST_TEXT], name)
        sheet.write_string(row, 1, meaning[:LONGEST_TEXT], text)


def _fill(book: Any, sheets: Sequence[Sheet]) -> None:  # noqa: ANN401  # its methods have no types
    head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
    strong = {"bold": True, "top": 1}
    formats: dict[type, Format] = {
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    percent = book.add_format({"num_format": "0.0%"})
    amounts = {
        digits: (
            book.add_format({"num_format": _amount_format(digits)}),
            book.add_format({"num_format": _amount_format(digits), **strong}),
        )
        for digits in sorted({_digits(column) for each in sheets for column in each.table.schema})
    }
    label = book.add_format(strong)
    if not sheets:
        book.add_worksheet("no tables")
    for each in sheets:
        table = each.table
        sheet = book.add_worksheet(each.title[:LONGEST_SHEET_NAME])
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, table.num_columns - 1, 16)
        for position, words in enumerate(each.heads):
            sheet.write_string(0, position, words, head)
        of_columns = list[dict[type, Format]]()
        for column in table.schema:
            number = percent if column.name in each.percent else None
            of_columns.append(
                {**formats, Decimal: number or amounts[_digits(column)][0]}
                | ({float: number} if number else {})
            )
        # Rows one after the other: only the one in hand is in memory.
        rows = zip(*(column.to_pylist() for column in table.columns), strict=True)
        for row, cells in enumerate(rows, start=1):
            for position, (cell, of_column) in enumerate(zip(cells, of_columns, strict=True)):
                _write_cell(sheet, row, position, cell, of_column)
        sheet.autofilter(0, 0, max(len(table), 1), table.num_columns - 1)
        _write_totals(
            sheet,
            table,
            each.totals,
            {digits: total for digits, (_, total) in amounts.items()},
            label,
        )


def _digits(column: pa.Field) -> int:
    """Return the digits of a column of money, two for any other."""
    return column.type.scale if pa.types.is_decimal(column.type) else 2


def _amount_format(digits: int) -> str:
    return f"#,##0.{'0' * digits}" if digits else "#,##0"


def _write_totals(
    sheet: Worksheet,
    table: pa.Table,
    names: tuple[str, ...],
    totals: Mapping[int, Format],
    label: Format,
) -> None:
    """Write the sum of each column that adds up below the table, as a formula that follows the filters."""
    here = [(table.column_names.index(name), name) for name in names if name in table.column_names]
    if not here or not len(table):
        return
    last = len(table)
    sheet.write_string(last + 1, 0, "Total", label)
    for position, name in here:
        column = xl_col_to_name(position)
        value = sum(
            (Decimal(str(each)) for each in table.column(name).to_pylist() if each is not None),
            Decimal(0),
        )
        sheet.write_formula(
            last + 1,
            position,
            f"=SUBTOTAL({SUM_OF_SHOWN},{column}2:{column}{last + 1})",
            totals[_digits(table.schema.field(position))],
            float(value),  # type: ignore[arg-type]  # the stub knows whole values only
        )


def _write_cell(
    sheet: Worksheet, row: int, position: int, cell: object, formats: dict[type, Format]
) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, position, cell)
    elif isinstance(cell, str):
        sheet.write_string(row, position, cell[:LONGEST_TEXT])
    elif isinstance(cell, date) and cell.year < FIRST_YEAR:
        sheet.write_string(row, position, cell.isoformat())
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, position, cell.replace(tzinfo=None), formats[datetime])
    elif isinstance(cell, date):
        sheet.write_datetime(
            row,
            position,
            datetime(cell.year, cell.month, cell.day),  # noqa: DTZ001
            formats[date],
        )  # Excel has no zones
    elif isinstance(cell, Decimal):
        sheet.write_number(row, position, float(cell), formats[Decimal])
    else:
        sheet.write_number(row, position, float(str(cell)), formats.get(float))
