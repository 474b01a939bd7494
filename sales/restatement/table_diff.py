"""What differs between two states of a published table, row by row.

Put the counting of differences here; why a number moved is `restatement`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from sales import arrow as columns
from sales.contracts.published import MONTHLY

STAMPS = {"as_of", "extracted_at"}


@dataclass(frozen=True)
class TableChange:
    """How many rows of a table are new, gone, and changed, and in which columns; the instants of reading do not count."""

    table: str
    rows: int
    new: int
    gone: int
    changed: int
    columns: tuple[str, ...]

    @property
    def is_none(self) -> bool:
        """Whether nothing differs."""
        return not (self.new or self.gone or self.changed)


def table_change(name: str, before: pd.DataFrame, now: pd.DataFrame) -> TableChange:
    """Return what differs between two states of a monthly table, matched by its key."""
    key = list(MONTHLY[name].to_schema().unique or [])
    shown = [each for each in now.columns if each not in STAMPS]
    was, are = _rows(before, key, shown), _rows(now, key, shown)
    changed = [each for each in are if each in was and was[each] != are[each]]
    moved = {
        shown[n]
        for each in changed
        for n, (one, other) in enumerate(zip(was[each], are[each], strict=True))
        if one != other
    }
    return TableChange(
        name,
        len(are),
        len(are.keys() - was.keys()),
        len(was.keys() - are.keys()),
        len(changed),
        tuple(each for each in shown if each in moved),
    )


def _rows(
    table: pd.DataFrame, key: list[str], shown: list[str]
) -> dict[tuple[object, ...], tuple[object, ...]]:
    cells = [columns.arrow(table[name]).to_pylist() for name in shown]
    places = [shown.index(name) for name in key]
    return {tuple(row[place] for place in places): row for row in zip(*cells, strict=True)}
