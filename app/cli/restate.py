"""`onpace restate`: months computed again beside what was published, and published only when a person agrees.

Put the comparison and its words for the terminal here; why a number moved is
`sales.restatement.restatement`.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

import dagster as dg
import pandas as pd
import pyarrow as pa
from rich.table import Table
from rich.text import Text

from connectors.storage.files import write_atomically
from connectors.storage.monthly_tables import NotComputed, Written
from connectors.storage.publications import Publication
from orchestration.jobs import TABLES
from orchestration.json_logs import say
from orchestration.local_runs import run_month
from publication.extract_selection import select, selected
from publication.month_inputs import resolve
from publication.pull_options import PullOptions
from publication.revision_changes import changes_to
from publication.workspace import Workspace
from reports.document.month_tables import Record
from reports.export.safe_csv import guarded_csv
from reports.text import formats
from sales.calendar import Month
from sales.contracts.published import MONTHLY
from sales.errors import UserError
from sales.restatement.restatement import Published, restatement
from sales.restatement.table_diff import TableChange

MOST_LINES = 25
NOTHING_NEW = PullOptions(shared_pull_hours=0.0)
MEASURES = {
    "bookings": "Bookings, year to date",
    "open_pipeline": "Open pipeline of the year",
    "target": "Phased target to date",
}


class AnotherRun(UserError, RuntimeError):
    """What was shown is not what would be published."""


@dataclass(frozen=True)
class Restating:
    """A month as it would be published, beside what readers see: each difference, and how many rows of each table differ."""

    month: Month
    was: Publication
    lines: pd.DataFrame | None
    changes: tuple[TableChange, ...]
    currency: str
    computed: Mapping[str, Written | None]

    @property
    def is_same(self) -> bool:
        """Whether no published number differs."""
        return not self.changes


def compute(
    month: Month, workspace: Workspace, instance: dg.DagsterInstance, options: PullOptions
) -> Restating:
    """Compute a published month again and compare; readers see nothing of it. Raises `NotComputed` where it was never published."""
    was = _published(month, workspace)
    run_month(
        "restatement",
        month,
        workspace,
        instance,
        options,
        TABLES,
        why=f"onpace restate {month}",
    )
    before = {name: workspace.published.table(was, name) for name in was.tables}
    now = {name: workspace.tables.read(name, month) for name in was.tables}
    rules = resolve(workspace, month, selected(workspace, month)).rules
    # The first version of this program made fewer tables.
    lines = (
        restatement(_compared(before), _compared(now), month, rules)
        if before.keys() >= set(Published.NEEDED)
        else None
    )
    return Restating(
        month,
        was,
        lines,
        changes_to(workspace, was),
        rules.currency,
        _written(month, workspace),
    )


def _compared(tables: Mapping[str, pd.DataFrame]) -> Published:
    return Published.among(tables)


def _written(month: Month, workspace: Workspace) -> dict[str, Written | None]:
    return {name: workspace.tables.written(name, month) for name in MONTHLY}


def _published(month: Month, workspace: Workspace) -> Publication:
    found = workspace.published.current(month)
    if found is None:
        raise NotComputed(
            f"{month} was never published; run `onpace report {month}`, there is nothing to restate"
        )
    return found


def refuse_unpublished(months: Sequence[Month], workspace: Workspace) -> None:
    """Raise `NotComputed` for the first month that was never published: before anything is computed."""
    for month in months:
        _published(month, workspace)


def publish(found: Restating, workspace: Workspace, instance: dg.DagsterInstance) -> Publication:
    """Print and publish what was shown as a new revision, and return it; raises `AnotherRun` where it is no longer what was shown."""
    if _written(found.month, workspace) != found.computed:
        raise AnotherRun(f"another run computed {found.month} since it was shown; restate it again")
    run_month(
        "restatement",
        found.month,
        workspace,
        instance,
        NOTHING_NEW,
        dg.AssetSelection.groups("report"),
        why=f"onpace restate {found.month} --yes",
    )
    return _published(found.month, workspace)


@dataclass(frozen=True)
class Progress:
    """How far a restatement is: the months that were computed, and those that were replaced."""

    computed: dict[Month, Restating] = field(default_factory=dict[Month, Restating])
    replaced: set[Month] = field(default_factory=set[Month])


@contextmanager
def given_up_unless_published(months: Sequence[Month], workspace: Workspace) -> Iterator[Progress]:
    """Yield what is to be told of progress; however it ends, months that were not replaced are again as readers see them.

    A month that another run computed meanwhile is left to that run.
    """
    progress = Progress()
    try:
        yield progress
    finally:
        faults: list[UserError] = []
        for month in (each for each in months if each not in progress.replaced):
            try:
                with workspace.leases.hold(f"month {month}", "giving up a restatement", say):
                    _give_up(month, workspace, progress.computed.get(month))
            except UserError as fault:  # the others are given up all the same
                say(f"{month} is not given up: {fault}")
                faults.append(fault)
        if faults and sys.exc_info()[1] is None:
            raise faults[0]


def _give_up(month: Month, workspace: Workspace, mine: Restating | None) -> None:
    pinned = workspace.extracts.pinned(month)
    is_others = mine is not None and _written(month, workspace) != mine.computed
    if pinned is not None and not is_others:
        workspace.published.go_back(month)
        select(workspace, month, pinned)


def shown(found: Restating, home: Path) -> list[Table | str]:
    """Return the differences for the terminal; all lines are written below a home where they are many."""
    when = f" of {found.was.at:%Y-%m-%d}" if found.was.at else ""
    head = f"{found.month}: revision {found.was.revision}{when} beside what would replace it"
    if found.is_same:
        return [f"{head}: no number differs"]
    lines = found.lines
    rows: list[Record] = (
        []
        if lines is None
        else [dict(zip(lines.columns, row, strict=True)) for row in lines.itertuples(index=False)]
    )
    parts: list[Table | str] = [head]
    if rows:
        parts += [_sums(rows, found.currency), _lines(rows[:MOST_LINES])]
    if lines is not None and len(rows) > MOST_LINES:
        path = home / "restatements" / f"{found.month}.csv"
        write_atomically(path, guarded_csv(pa.Table.from_pandas(lines, preserve_index=False)))
        parts.append(f"{len(rows) - MOST_LINES} more lines are in {path}")
    return [*parts, _tables(found.changes)]


def _sums(rows: Sequence[Record], currency: str) -> Table:
    causes = sorted({str(row["cause"]) for row in rows})
    table = Table(
        title=f"Difference by cause, in {currency}", title_justify="left", show_edge=False
    )
    for name in ("Number", *(each.replace("_", " ") for each in causes), "All"):
        table.add_column(name, justify="left" if name == "Number" else "right")
    for measure, label in MEASURES.items():
        mine = [row for row in rows if row["measure"] == measure]
        cells = [_money(_sum(row for row in mine if row["cause"] == cause)) for cause in causes]
        table.add_row(label, *cells, _money(_sum(mine)))
    return table


def _lines(rows: Sequence[Record]) -> Table:
    table = Table(title="Lines", title_justify="left", show_edge=False)
    for name in ("Number", "Record", "Name", "Person", "Before", "Now", "Difference", "Cause"):
        table.add_column(
            name, justify="right" if name in {"Before", "Now", "Difference"} else "left"
        )
    for row in rows:
        texts = [
            MEASURES[str(row["measure"])],
            *(_text(row[name]) for name in ("record_id", "name", "owner_name")),
        ]
        table.add_row(
            *(Text(each) for each in texts),
            *(_money(row[name]) for name in ("before", "after", "difference")),
            str(row["cause"]).replace("_", " "),
        )
    return table


def _tables(changes: Sequence[TableChange]) -> Table:
    table = Table(title="Rows of tables", title_justify="left", show_edge=False)
    for name in ("Table", "Rows now", "New", "Gone", "Changed", "In columns"):
        table.add_column(name, justify="left" if name in {"Table", "In columns"} else "right")
    for each in changes:
        table.add_row(
            each.table,
            *(f"{count:,}" for count in (each.rows, each.new, each.gone, each.changed)),
            ", ".join(each.columns) or formats.EMPTY,
        )
    return table


def _money(value: object) -> str:
    """Return an amount to the last digit: whoever restates wants to add up."""
    return f"{value:,}" if value else formats.EMPTY


def _text(value: object) -> str:
    return formats.printable(str(value))[:60] if isinstance(value, str) else formats.EMPTY


def _sum(rows: Iterable[Record]) -> Decimal:
    return sum((row["difference"] for row in rows), Decimal(0))
