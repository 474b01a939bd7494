"""Proposed targets that come into force: lines added to the target book, each with its next revision.

Put here how a file of targets joins the book; no line of the book is changed or taken away.
"""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from connectors.policy.annual_targets import (
    MONTHLY_TARGETS,
    InvalidTargetBook,
    TargetRow,
    read_target_book,
)
from connectors.policy.csv_rows import lines_of
from connectors.policy.folder import read_bytes
from connectors.policy.owners import Owners
from connectors.storage.files import write_atomically
from publication.month_inputs import MonthInputs
from publication.plan_members import refuse_begun
from publication.target_book import SALESFORCE, spelling_of, target_book_of
from reports.export.year_plan_tables import spelled
from sales import arrow as columns
from sales.errors import UserError
from sales.policy.rules import MonthRules

# What a target says besides whose and when it is.
STATED = ("annual_target", "currency_code", "start_date", "end_date", "holidays")
NEEDED = ("fiscal_year", "owner", "annual_target", "revision")


class UnadoptableTargets(UserError, ValueError):
    """Targets that cannot be added to the target book by themselves."""


@dataclass(frozen=True)
class Adopted:
    """What became of proposed targets: the book, how many lines were added, and how many said what it says already."""

    book: Path
    added: int
    left: int


@dataclass(frozen=True)
class _Book:
    """The target book of a year: its file, its text and columns, the sign before its decimals, and each person's latest line of the year."""

    path: Path
    text: str
    header: list[str]
    decimal: str | None
    latest: Mapping[str, Mapping[str, object]]

    def with_lines(self, lines: Sequence[Mapping[str, str]]) -> str:
        """Return the text with lines after its last one."""
        out = io.StringIO()
        csv.DictWriter(out, self.header, extrasaction="ignore", lineterminator="\n").writerows(
            lines
        )
        end = "" if self.text.endswith("\n") else "\n"
        return f"{self.text}{end}{out.getvalue()}"


def adopt_targets(path: Path, inputs: MonthInputs, fiscal_year: int) -> Adopted:
    """Add the targets of a file to the target book of a year to come, where it does not say the same.

    Raises `UserError` where the file or the book cannot be used, or the book could not be read
    afterwards, and leaves the book as it was.
    """
    rules = inputs.policies.for_fiscal_year(fiscal_year, inputs.organization)
    refuse_begun(inputs.month, fiscal_year, rules)
    proposed = _proposed(path, inputs, fiscal_year, rules)
    book = _book_of(inputs, fiscal_year, rules)
    lines = [
        line
        for owner_id, row in proposed.items()
        if (line := _line(row, book.latest.get(owner_id), book.decimal)) is not None
    ]
    _refuse_loss(lines, book)
    if lines:
        text = book.with_lines(lines)
        _refuse_unreadable(text, inputs, rules)
        # Whoever may read the book may still, and a link stays one.
        real, mode = book.path.resolve(), book.path.stat().st_mode
        write_atomically(real, text.encode())
        real.chmod(mode)
    return Adopted(book.path, len(lines), len(proposed) - len(lines))


def _proposed(
    path: Path, inputs: MonthInputs, fiscal_year: int, rules: MonthRules
) -> dict[str, TargetRow]:
    """Return the proposed targets by owner; the file has to be a target book of its own."""
    if not path.is_file():
        raise UnadoptableTargets(
            f"{path} is no file; name a targets.csv that `onpace plan FY{fiscal_year} --to DIR` wrote"
        )
    users, spelling = inputs.extract.users, spelling_of(rules)
    read_target_book(path, users, spelling)
    owners, found = Owners(users), dict[str, TargetRow]()
    for line in lines_of(path, TargetRow, InvalidTargetBook, spelling):
        if line.row.annual_target is None:
            continue
        if line.row.fiscal_year != fiscal_year:
            raise line.fault(
                f"has a target of FY{line.row.fiscal_year}; keep lines of FY{fiscal_year} only"
            )
        owner_id = owners.find(line.row.owner, line)
        if owner_id in found:
            raise line.fault(f"names {line.row.owner[:80]!r} again; keep one line of each person")
        found[owner_id] = line.row
    if not found:
        raise UnadoptableTargets(
            f"{path.name} has no targets; name a targets.csv that `onpace plan FY{fiscal_year} --to DIR` wrote"
        )
    return found


def _line(
    row: TargetRow, before: Mapping[str, object] | None, decimal: str | None
) -> dict[str, str] | None:
    """Return a line of the book with the next revision, none where the latest one says the same."""
    stated = dict(row)
    if before is not None:
        # A day is said where it matters.
        asked = (*STATED, "effective_date") if row.effective_date else STATED
        if all((before[name] or None) == (stated[name] or None) for name in asked):
            return None
    revision = 1 if before is None else int(cast("int", before["revision"])) + 1
    cells = {name: _cell(cell, decimal) for name, cell in stated.items()}
    return {**cells, "revision": str(revision)}


def _cell(value: object, decimal: str | None) -> str:
    """Return a cell as the book spells it."""
    if value is None:
        return ""
    return spelled(value, decimal) if isinstance(value, Decimal) else str(value)


def _refuse_unreadable(text: str, inputs: MonthInputs, rules: MonthRules) -> None:
    """Raise `UnadoptableTargets` where a book of this text could not be read, alone or beside the months that are stated."""
    folder, one = inputs.workspace.policy_folder, inputs.extract
    with tempfile.TemporaryDirectory() as name:
        trial = Path(name) / rules.policy.targets.source
        trial.parent.mkdir(parents=True, exist_ok=True)
        trial.write_bytes(text.encode())
        if (monthly := folder / MONTHLY_TARGETS).is_file():
            (Path(name) / MONTHLY_TARGETS).write_bytes(read_bytes(monthly))
        try:
            target_book_of(rules, Path(name), one.users, one.roles, one.quotas)
        except UserError as fault:
            raise UnadoptableTargets(
                f"with these lines the book could not be read: {fault}"
            ) from None


def _refuse_loss(lines: Sequence[Mapping[str, str]], book: _Book) -> None:
    for line in lines:
        for name in (*STATED, "effective_date"):
            if line[name] and name not in book.header:
                raise UnadoptableTargets(
                    f"{book.path.name} has no column {name}, and {line['owner'][:80]!r} has one; add the column to its first line"
                )


def _book_of(inputs: MonthInputs, fiscal_year: int, rules: MonthRules) -> _Book:
    """Return the target book of a year; raises `UnadoptableTargets` where lines cannot be added to it as they are."""
    source, folder = rules.policy.targets.source, inputs.workspace.policy_folder
    path = folder / source
    if source == SALESFORCE:
        raise UnadoptableTargets(
            "targets come from Salesforce's quotas by [targets] source: enter the proposed ones there"
        )
    if path.suffix.lower() != ".csv":
        raise UnadoptableTargets(
            f"{source} is no CSV file: copy the lines into it, each with its next revision"
        )
    if rules.policy.phasing.method == "stated":
        raise UnadoptableTargets(
            f'[phasing] method = "stated" takes months as they are stated: copy those of plan_people.csv into {MONTHLY_TARGETS}'
        )
    if not path.resolve().is_relative_to(folder.resolve()):
        raise UnadoptableTargets(
            f"[targets] source = {source[:60]!r} lies outside the policy folder; put the file into it"
        )
    users, spelling = inputs.extract.users, spelling_of(rules)
    read = columns.rows(read_target_book(path, users, spelling))
    latest = {
        str(row["owner_id"]): row
        for row in sorted(read, key=lambda row: row["revision"])
        if row["fiscal_year"] == fiscal_year
    }
    try:
        text = read_bytes(path).decode()
    except UnicodeDecodeError:
        text = ""
    cells = [
        [each.strip() for each in row]
        for row in csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    ]
    header = cells[0] if cells else []
    if missing := [name for name in NEEDED if name not in header]:
        raise UnadoptableTargets(
            f"{path.name} has no column {missing[0]} in its first line, parted by commas: copy the proposed lines into it by hand"
        )
    place = header.index("annual_target")
    amounts = [row[place] for row in cells[1:] if len(row) > place]
    return _Book(path, text, header, spelling.learned(amounts).decimal, latest)
