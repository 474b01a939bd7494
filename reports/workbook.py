"""Published tables as an Excel workbook: a sheet a table, text that is never a formula."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from sales import columns
from sales.fault import Fault

MOST_ROWS = 1_048_575
LONGEST_TEXT = 32_767
LONGEST_SHEET_NAME = 31


class TooManyRows(Fault, ValueError):
    """A table does not fit on a sheet."""


def write_workbook(tables: Mapping[str, pd.DataFrame], path: Path) -> None:
    """Write one sheet a table, heads frozen, with filters."""
    for name, table in tables.items():
        if len(table) > MOST_ROWS:
            raise TooManyRows(f"{name} has {len(table):,} rows and a sheet holds {MOST_ROWS:,}; export as csv or parquet")
    options = {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False, "constant_memory": True}
    with xlsxwriter.Workbook(str(path), options) as book:
        head = book.add_format({"bold": True, "bottom": 1})
        formats: dict[type, Format] = {
            Decimal: book.add_format({"num_format": "#,##0.00"}),
            datetime: book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"}),
            date: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        for name, table in tables.items():
            sheet = book.add_worksheet(name[:LONGEST_SHEET_NAME])
            sheet.freeze_panes(1, 0)
            sheet.set_column(0, len(table.columns) - 1, 16)
            for position, column in enumerate(table.columns):
                sheet.write_string(0, position, column, head)
            values = [columns.arrow(table[column]).to_pylist() for column in table.columns]
            for row, cells in enumerate(zip(*values, strict=True), start=1):
                for position, cell in enumerate(cells):
                    _write_cell(sheet, row, position, cell, formats)
            sheet.autofilter(0, 0, max(len(table), 1), len(table.columns) - 1)


def _write_cell(sheet: Worksheet, row: int, position: int, cell: object, formats: dict[type, Format]) -> None:
    if cell is None:
        return
    if isinstance(cell, bool):
        sheet.write_boolean(row, position, cell)
    elif isinstance(cell, str):
        sheet.write_string(row, position, cell[:LONGEST_TEXT])
    elif isinstance(cell, datetime):
        sheet.write_datetime(row, position, cell.replace(tzinfo=None), formats[datetime])
    elif isinstance(cell, date):
        sheet.write_datetime(row, position, datetime(cell.year, cell.month, cell.day), formats[date])  # noqa: DTZ001  # Excel has no zones
    elif isinstance(cell, Decimal):
        sheet.write_number(row, position, float(cell), formats[Decimal])
    else:
        sheet.write_number(row, position, float(str(cell)))
