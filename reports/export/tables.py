"""Published tables as files that other programs read: CSV and Parquet; workbooks are `workbook`."""

from __future__ import annotations

import csv
import uuid
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from reports.export.safe_csv import guarded, written
from reports.export.workbook import write_workbook
from sales import arrow as columns
from sales.calendar import Month
from sales.errors import UserError


class UnwritableFolder(UserError, OSError):
    """An export cannot be written where it was asked for."""


def export_tables(
    tables: Mapping[str, pd.DataFrame],
    month: Month | str,
    folder: Path,
    format_: str,
    *,
    is_exact: bool = False,
) -> list[Path]:
    """Write each table, or one workbook of all, and return the paths; a file is replaced in one step.

    In CSV a text that a spreadsheet would take for a formula begins with an apostrophe, unless it
    is to be exact; the other formats say what is text.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if format_ == "xlsx":
            return [
                _replace(folder / f"onpace-{month}.xlsx", lambda path: write_workbook(tables, path))
            ]
        writers: dict[str, Callable[[pd.DataFrame, Path], None]] = {
            "csv": partial(_write_csv, is_exact=is_exact),
            "parquet": _write_parquet,
        }
        write = writers[format_]
        return [
            _replace(folder / f"{name}.{format_}", lambda path, table=table: write(table, path))
            for name, table in tables.items()
        ]
    except OSError as fault:
        raise UnwritableFolder(
            f"{folder} cannot be written ({fault.strerror or fault}); choose another folder with --to"
        ) from None


def _write_csv(table: pd.DataFrame, path: Path, *, is_exact: bool) -> None:
    found = {name: columns.arrow(table[name]) for name in table.columns}
    parts = {
        name: written(values if is_exact else guarded(values)) for name, values in found.items()
    }
    # The csv module leaves a lone carriage return bare, and readers take it for the end of a row.
    has_return = any(
        pc.any(pc.match_substring(each, "\r")).as_py()
        for each in parts.values()
        if pa.types.is_string(each.type)
    )
    quoting = csv.QUOTE_ALL if has_return else csv.QUOTE_MINIMAL
    columns.frame(parts).to_csv(
        path, index=False, lineterminator="\n", encoding="utf-8", quoting=quoting
    )


def _write_parquet(table: pd.DataFrame, path: Path) -> None:
    pq.write_table(
        pa.Table.from_pandas(table, preserve_index=False).replace_schema_metadata(), path
    )


def _replace(path: Path, write: Callable[[Path], None]) -> Path:
    # Not by `tempfile`, whose files are private: the umask decides who may read an export.
    part = path.with_name(f".{uuid.uuid4().hex}{path.suffix}")
    try:
        write(part)
        part.replace(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return path
