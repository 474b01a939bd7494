"""Tables as an Excel workbook: a sheet a table, numbers and dates as such, text that is never a formula, totals that follow filters."""

from __future__ import annotations

import io
from collections.abc import Mapping
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
# Columns whose rows add up; a table with rows of people, teams and the company has none.
TOTALS: dict[str, tuple[str, ...]] = {
    "opportunity_snapshot": ("amount",),
    "deals_of_the_year": ("amount",),
    "credit_of_the_year": ("amount",),
    "phased_targets": ("baseline_target", "rephased_target", "at_risk", "ahead"),
    "bottom_up_plan": ("baseline_target", "client_plans", "difference", "bookings", "expected"),
    "closing_plan": ("amount",),
    "client_phasing": ("bookings", "expected", "delivery_days"),
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


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write one sheet a table, heads frozen, with filters and totals."""
    for name, table in tables.items():
        if len(table) >= MOST_ROWS:
            raise TooManyRows(
                f"{name} has {len(table):,} rows and a sheet holds {MOST_ROWS:,}; export as csv or parquet"
            )
    with xlsxwriter.Workbook(str(path), OPTIONS) as book:
        _fill(
            book,
            {
                name: pa.table({str(each): columns.arrow(table[each]) for each in table.columns})
                for name, table in tables.items()
            },
        )


def workbook_of(tables: Mapping[str, pa.Table], created: datetime) -> bytes:
    """Return the tables as a workbook; the same tables give the same bytes. Of a table that no sheet can hold, the first rows are in it."""
    out = io.BytesIO()
    book: Any
    with xlsxwriter.Workbook(out, OPTIONS | {"in_memory": True}) as book:
        book.set_properties({"created": created})
        _fill(book, {name: table.slice(0, MOST_ROWS - 1) for name, table in tables.items()})
    return out.getvalue()


def _fill(book: Any, tables: Mapping[str, pa.Table]) -> None:  # noqa: ANN401  # its methods have no types
    head, strong = book.add_format({"bold": True, "bottom": 1}), {"bold": True, "top": 1}
    formats: dict[type, Format] = {
        datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
        date: book.add_format({"num_format": "yyyy-mm-dd"}),
    }
    amounts = {
        digits: (
            book.add_format({"num_format": _amount_format(digits)}),
            book.add_format({"num_format": _amount_format(digits), **strong}),
        )
        for digits in sorted({_digits(each) for table in tables.values() for each in table.schema})
    }
    label = book.add_format(strong)
    if not tables:
        book.add_worksheet("no tables")
    for name, table in tables.items():
        sheet = book.add_worksheet(name[:LONGEST_SHEET_NAME])
        sheet.freeze_panes(1, 0)
        sheet.set_column(0, table.num_columns - 1, 16)
        for position, column in enumerate(table.column_names):
            sheet.write_string(0, position, column, head)
        for row, cells in enumerate(
            zip(*(table.column(each).to_pylist() for each in table.column_names), strict=True),
            start=1,
        ):
            for position, cell in enumerate(cells):
                amount = amounts[_digits(table.schema.field(position))][0]
                _write_cell(sheet, row, position, cell, formats | {Decimal: amount})
        sheet.autofilter(0, 0, max(len(table), 1), table.num_columns - 1)
        _write_totals(
            sheet,
            table,
            TOTALS.get(name, ()),
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
        sheet.write_number(row, position, float(str(cell)))
