"""Lines of the tables in the policy folder: their columns as typed rows, and how to complain about them.

Put here how a line becomes a row; how a file becomes lines is `spreadsheet`, what a cell says is
`cell_values`, which columns a file has is said by the rows of `annual_targets` and `plan_files`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Generic, TypeVar, get_args

from pydantic import BaseModel, ConfigDict, ValidationError

from connectors.policy.cell_values import UNKNOWN, Spelling, amount_of, plain
from connectors.policy.spreadsheet import TableRow, UnreadableTable, rows_of
from sales.errors import UserError

TOTALS = ("total", "sum", "gesamt", "somme", "suma", "totaal", "insgesamt")


class InvalidPolicyTable(UserError, ValueError):
    """A table of the policy folder cannot be used."""


class PolicyRow(BaseModel):
    """The cells of a line; a column without a default must be in the file, and an empty cell takes the default."""

    model_config = ConfigDict(frozen=True, arbitrary_types_allowed=True)


_Row = TypeVar("_Row", bound=PolicyRow)


@dataclass(frozen=True)
class PolicyLine(Generic[_Row]):
    """A line of a file as a row, and how to complain about it."""

    file_name: str
    number: int
    row: _Row
    kind: type[InvalidPolicyTable]

    def fault(self, what: str) -> InvalidPolicyTable:
        """Return an error that names file and line."""
        return self.kind(f"{self.file_name} line {self.number}: {what}")


def lines_of(
    path: Path,
    row: type[_Row],
    kind: type[InvalidPolicyTable] = InvalidPolicyTable,
    spelling: Spelling = UNKNOWN,
    faults: list[UserError] | None = None,
) -> Iterator[PolicyLine[_Row]]:
    """Yield the lines of a file that are not empty and no total; raises `kind`, naming file, line and cure.

    Where `faults` are collected, a line that cannot be read is added to them and passed over.
    """
    fields = row.model_fields
    needed = [name for name, field in fields.items() if field.is_required()]
    try:
        lines = list(rows_of(path, list(fields), needed))
    except UnreadableTable as fault:
        raise kind(f"{path.name} {fault}") from None
    amounts = [
        name
        for name, field in fields.items()
        if Decimal in (field.annotation, *get_args(field.annotation))
    ]
    spelling = spelling.learned(line.cells.get(name) for line in lines for name in amounts)
    read = list[TableRow]()
    for line in lines:
        place = f"{path.name} line {line.number}"
        with collected(faults):
            if _is_total(line, needed, amounts):
                _check_total(line, read, amounts[0], spelling, kind, place)
                continue
            read.append(line)
            cells = _row_of(line, row, place, kind, spelling)
            yield PolicyLine(path.name, line.number, cells, kind)


@contextmanager
def collected(faults: list[UserError] | None) -> Iterator[None]:
    """Add what is wrong in a block to a list, where there is one; else it is raised."""
    try:
        yield
    except UserError as fault:
        if faults is None:
            raise
        faults.append(fault)


def _row_of(
    line: TableRow, row: type[_Row], place: str, kind: type[InvalidPolicyTable], spelling: Spelling
) -> _Row:
    fields = row.model_fields
    cells = {
        name: plain(cell) if isinstance(cell, str) or cell is None else cell
        for name, cell in line.cells.items()
    }
    known = {name: cells.get(name, "") for name in fields if fields[name].is_required()}
    known |= {name: cell for name, cell in cells.items() if cell != ""}
    texts = {
        name: plain(cell) if fields[name].annotation is str else cell
        for name, cell in known.items()
    }
    try:
        return row.model_validate(texts, context=spelling)
    except ValidationError as wrong:
        first = wrong.errors()[0]
        said = str(first.get("ctx", {}).get("error", first["msg"]))
        # A word where a number or a day belongs: the cells stand one too far to the right.
        is_word = not any(each.isdigit() for each in str(first["input"]))
        shifted = "; if an amount before it has a comma, put the amount into quotes"
        raise kind(f"{place}: {first['loc'][0]}{said}{shifted * is_word}") from None


def _is_total(line: TableRow, needed: list[str], amounts: list[str]) -> bool:
    """Return whether a line is the total of those above: a word that says so, and nobody named; a year beside it is no name."""
    others = [plain(line.cells.get(name)) for name in needed if name not in amounts]
    words = [text.casefold() for text in others if text]
    if any(word.strip(" :") in TOTALS for word in words):
        return all(
            word.strip(" :") in TOTALS or word.removeprefix("fy").isdigit() for word in words
        )
    return len(words) < len(others) and all(word.startswith(TOTALS) for word in words)


def _check_total(
    line: TableRow,
    above: list[TableRow],
    name: str,
    spelling: Spelling,
    kind: type[InvalidPolicyTable],
    place: str,
) -> None:
    try:
        stated = amount_of(line.cells.get(name), spelling)
        cells = [each.cells.get(name) for each in above]
        total = sum((amount_of(each, spelling) for each in cells if plain(each)), Decimal(0))
    except ValueError as wrong:
        raise kind(f"{place}: {name}{wrong}") from None
    if stated != total:
        raise kind(
            f"{place}: is the total of {stated:,f}, and the lines above sum to {total:,f}; correct or remove it"
        )
