"""A table as a spreadsheet wrote it: text in any of the usual encodings and separators, or a workbook.

Put here how a file becomes rows of cells under the names of their columns; what the cells say is
`cell_values`.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from connectors.policy.cell_values import plain
from connectors.policy.folder import LARGEST_FILE, read_bytes

WORKBOOK = ".xlsx"
# A workbook is packed: what it unpacks to is looked at before it is unpacked.
LARGEST_WORKBOOK = 50 * LARGEST_FILE
SEPARATORS = ",;\t|"
# Lines above the names of the columns: a title, a date, a blank line.
MOST_LINES_ABOVE = 5

Cells = Sequence[object]


class UnreadableTable(ValueError):
    """A file is no table; the text says where and what to do, without the file's name."""


@dataclass(frozen=True)
class TableRow:
    """A line of a table: its number in the file, and its cells by column."""

    number: int
    cells: dict[str, object]


def rows_of(path: Path, known: Sequence[str], needed: Sequence[str]) -> Iterator[TableRow]:
    """Yield the rows of a table that hold anything; raises `UnreadableTable` and `InvalidPolicy`.

    `known` are the columns that there may be, `needed` those that must be there. Names of columns
    are read whatever their case and blanks; lines that repeat them, and empty columns, are none.
    """
    lines = _workbook(path, needed) if path.suffix.lower() == WORKBOOK else _text(path, needed)
    header: list[str] | None = None
    above = list[str]()
    for number, cells in lines:
        named = [_name(each) for each in cells]
        if header is None:
            if set(needed) <= set(named):
                header = _checked_header(named, known)
            elif any(named):
                above.append(f"line {number}: {', '.join(filter(None, named))[:80]}")
                if len(above) > MOST_LINES_ABOVE:
                    break
            continue
        if not any(map(plain, cells)) or named == [*header, *[""] * (len(named) - len(header))]:
            continue
        if any(map(plain, cells[len(header) :])) or any(
            plain(cell) for name, cell in zip(header, cells, strict=False) if not name
        ):
            raise UnreadableTable(
                f"line {number}: has more cells than the header; put an amount with a comma into quotes, or name the column"
            )
        yield TableRow(
            number, {name: cell for name, cell in zip(header, cells, strict=False) if name}
        )
    if header is None:
        missing = [name for name in needed if not any(name in each for each in above)]
        raise UnreadableTable(
            f"has no column {(missing or needed)[0]!r}; the first line names the columns: {', '.join(known)}"
        )


def _checked_header(named: list[str], known: Sequence[str]) -> list[str]:
    for name in named:
        if name and name not in known:
            raise UnreadableTable(
                f"has an unknown column {name[:40]!r}; known are: {', '.join(known)}"
            )
        if name and named.count(name) > 1:
            raise UnreadableTable(f"names the column {name!r} twice; keep one of them")
    while named and not named[-1]:
        named.pop()
    return named


def _name(cell: object) -> str:
    return "_".join(plain(cell).casefold().replace("_", " ").replace("-", " ").split())


def _text(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, Cells]]:
    text = decoded(read_bytes(path))
    first, _, rest = text.partition("\n")
    above = 0
    if first.strip().lower().startswith("sep=") and len(first.strip()) == len("sep=;"):
        text, above = rest, 1
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=_separator(text, needed), strict=True
    )
    number = 1
    try:
        for cells in reader:
            yield number + above, cells
            number = reader.line_num + 1
    except csv.Error as fault:
        raise UnreadableTable(
            f"line {number + above} cannot be read: {fault}; correct the line"
        ) from None


def _separator(text: str, needed: Sequence[str]) -> str:
    """Return the sign between cells: the one by which a first line holds most of the columns that must be there."""
    lines = [line for line in text.splitlines()[: 2 * MOST_LINES_ABOVE] if line.strip()]
    counts = {
        sign: max(
            (
                len(set(needed) & {_name(each.strip('"')) for each in line.split(sign)})
                for line in lines
            ),
            default=0,
        )
        for sign in SEPARATORS
    }
    return max(SEPARATORS, key=lambda sign: counts[sign])


def decoded(raw: bytes) -> str:
    """Return the text of a file in UTF-8 or UTF-16, else in the Windows code page of western Europe."""
    if raw.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        encodings = ["utf-16"]
    else:
        encodings = ["utf-8-sig", "cp1252"]
    for encoding in encodings:
        try:
            return raw.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise UnreadableTable("is no text in UTF-8, UTF-16 or Windows-1252; save it as CSV UTF-8")


def _workbook(path: Path, needed: Sequence[str]) -> Iterator[tuple[int, Cells]]:
    """Yield the lines of the sheet that names the columns; formulas count by the value that was saved."""
    sheets = _sheets(read_bytes(path))
    fitting = {
        title: rows
        for title, rows in sheets.items()
        if any(set(needed) <= {_name(each) for each in row} for row in rows[: 2 * MOST_LINES_ABOVE])
    }
    if len(fitting) > 1:
        raise UnreadableTable(
            f"has the columns on the sheets {', '.join(map(repr, fitting))}; keep them on one"
        )
    chosen = fitting or sheets
    for rows in list(chosen.values())[:1]:
        yield from enumerate(rows, start=1)


def _sheets(raw: bytes) -> dict[str, list[Cells]]:
    import openpyxl  # noqa: PLC0415  # few files need it, and it is slow to load

    if _unpacked_size(raw) > LARGEST_WORKBOOK:
        raise UnreadableTable(
            f"unpacks to more than {LARGEST_WORKBOOK:,} bytes; this cannot be a target book"
        )
    try:
        book = openpyxl.load_workbook(io.BytesIO(raw), read_only=True, data_only=True)
        return {
            sheet.title: [tuple(row) for row in sheet.iter_rows(values_only=True)]
            for sheet in book.worksheets
        }
    except Exception as fault:  # noqa: BLE001  # a damaged workbook raises anything
        raise UnreadableTable(
            f"is no workbook that can be read ({type(fault).__name__}); save it again as .xlsx or CSV"
        ) from None


def _unpacked_size(raw: bytes) -> int:
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as packed:
            return sum(each.file_size for each in packed.infolist())
    except zipfile.BadZipFile:
        raise UnreadableTable("is no workbook; save it again as .xlsx or CSV") from None
