"""Proposed targets that come into force: lines added to the target book, each with its next revision.

Put here how a file of targets joins the book; no line of the book is changed or taken away.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from connectors.policy.annual_targets import InvalidTargetBook, TargetRow, read_target_book
from connectors.policy.csv_rows import lines_of
from connectors.policy.folder import read_bytes
from connectors.policy.owners import Owners
from connectors.storage.files import write_atomically
from publication.month_inputs import MonthInputs
from publication.target_book import SALESFORCE, spelling_of
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


def adopt_targets(path: Path, inputs: MonthInputs, fiscal_year: int, rules: MonthRules) -> Adopted:
    """Add the targets of a file to the target book where it does not say the same; `rules` are those of the year.

    Raises `UserError` where the file or the book cannot be used, and leaves the book as it was.
    """
    book = _book_of(inputs, rules)
    text, header = _text_of(book)
    users, spelling = inputs.extract.users, spelling_of(rules)
    # It has to be a target book of its own.
    proposed = columns.rows(read_target_book(path, users, spelling))
    if not proposed:
        raise UnadoptableTargets(
            f"{path.name} has no targets; name a targets.csv that `onpace plan FY{fiscal_year} --to DIR` wrote"
        )
    if others := sorted({int(cast("int", row["fiscal_year"])) for row in proposed} - {fiscal_year}):
        raise UnadoptableTargets(
            f"{path.name} has targets of FY{others[0]}; keep lines of FY{fiscal_year} only"
        )
    latest = _latest(inputs, fiscal_year)
    owners, lines = Owners(users), list[dict[str, str]]()
    wanted = {str(row["owner_id"]): row for row in proposed}
    for line in lines_of(path, TargetRow, InvalidTargetBook, spelling):
        if line.row.annual_target is None:
            continue
        owner_id = owners.find(line.row.owner, line)
        before = latest.get(owner_id)
        if before is None or any(
            _plain(before[name]) != _plain(wanted[owner_id][name]) for name in STATED
        ):
            revision = 1 if before is None else int(cast("int", before["revision"])) + 1
            stated = {name: _cell(cell, rules) for name, cell in dict(line.row).items()}
            lines.append({**stated, "revision": str(revision), "effective_date": ""})
    _refuse_loss(lines, header, book)
    if lines:
        out = io.StringIO()
        csv.DictWriter(out, header, extrasaction="ignore", lineterminator="\n").writerows(lines)
        end = "" if text.endswith("\n") else "\n"
        write_atomically(book, f"{text}{end}{out.getvalue()}".encode())
    return Adopted(book, len(lines), len(wanted) - len(lines))


def _latest(inputs: MonthInputs, fiscal_year: int) -> dict[str, dict[str, object]]:
    """Return the highest revision of each person's target of a year."""
    found: dict[str, dict[str, object]] = {}
    for row in columns.rows(inputs.target_book):
        if row["fiscal_year"] == fiscal_year:
            owner = str(row["owner_id"])
            known = found.get(owner)
            if known is None or cast("int", row["revision"]) > cast("int", known["revision"]):
                found[owner] = row
    return found


def _cell(value: object, rules: MonthRules) -> str:
    """Return a cell as the policy folder spells it."""
    plain = _plain(value)
    if plain is None:
        return ""
    if isinstance(plain, Decimal):
        return spelled(plain, rules.policy.targets.decimal)
    return str(plain)


def _refuse_loss(lines: Sequence[Mapping[str, str]], header: Sequence[str], book: Path) -> None:
    for line in lines:
        for name in STATED:
            if line[name] and name not in header:
                raise UnadoptableTargets(
                    f"{book.name} has no column {name}, and {line['owner'][:80]!r} has one; add the column to its first line"
                )


def _plain(value: object) -> object:
    """Return a cell, nothing where it is empty in any way."""
    return None if value is None or value != value or value == "" else value  # noqa: PLR0124  # NaN


def _book_of(inputs: MonthInputs, rules: MonthRules) -> Path:
    source = rules.policy.targets.source
    path = inputs.workspace.policy_folder / source
    if source == SALESFORCE:
        raise UnadoptableTargets(
            "targets come from Salesforce's quotas by [targets] source: enter the proposed ones there"
        )
    if path.suffix.lower() != ".csv":
        raise UnadoptableTargets(
            f"{source} is no CSV file: copy the lines into it, each with its next revision"
        )
    return path


def _text_of(book: Path) -> tuple[str, list[str]]:
    """Return the text of the target book, and its columns; raises `UnadoptableTargets` where lines cannot be added to it as they are."""
    try:
        text = read_bytes(book).decode()
    except UnicodeDecodeError:
        text = ""
    first = text.removeprefix("\ufeff").splitlines()[:1]
    header = [each.strip() for each in next(csv.reader(first), list[str]())]
    if missing := [name for name in NEEDED if name not in header]:
        raise UnadoptableTargets(
            f"{book.name} has no column {missing[0]} in its first line, parted by commas: copy the proposed lines into it by hand"
        )
    return text, header
