"""Changing one raw column at a time, and what moves: the experiment that declared lineage is held against."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.config import config_context

from assets.metadata.lineage import LINEAGE, Parents
from sales import arrow as columns
from sales.contracts.contract import Contract, column_names
from sales.contracts.parents import STATED, Columns
from sales.contracts.published import MONTHLY
from sales.contracts.raw import RAW
from sales.history.extract import Extract
from tests.assets.rich_firm import (
    BY_ROLE,
    OTHER,
    HeldWorkspace,
    Tables,
    month_tables,
    no_reader,
    rich_extract,
    write_policy,
)

Change = Callable[[pa.Array], pa.Array]


def shuffled(values: pa.Array) -> pa.Array:
    """Return the values of a column in other rows: ids stay ids, and unique ones unique."""
    return values.take(pa.array(np.random.default_rng(7).permutation(len(values))))


def turned(first: int, last: int) -> Change:
    """Return a change that moves the values of some rows down by one, the last of them to the first."""

    def change(old: pa.Array) -> pa.Array:
        return pa.concat_arrays(
            [old[:first], old[last - 1 : last], old[first : last - 1], old[last:]]
        )

    return change


def each(change: Callable[[int, object], object]) -> Change:
    """Return a change of each value, given its row."""
    return lambda old: pa.array(
        [change(row, value) for row, value in enumerate(old.to_pylist())], old.type
    )


def written(*values: object) -> Change:
    """Return a change that writes these values over the first rows."""
    return lambda old: pa.array([*values, *old.to_pylist()[len(values) :]][: len(old)], old.type)


# Where other rows hold the same, or the whole would be refused.
CHANGES: Mapping[tuple[str, str], Change] = {
    ("raw_organization", "organization_id"): written("00D000000000002AAA"),
    ("raw_organization", "name"): written("Another Firm"),
    ("raw_organization", "time_zone"): written("Pacific/Auckland"),
    ("raw_organization", "fiscal_year_start_month"): written(4),
    ("raw_organization", "names_year_by_start"): written(False),
    ("raw_organization", "currency_code"): written("EUR"),
    ("raw_organization", "is_multi_currency"): written(True),
    ("raw_currency_rates", "currency_code"): turned(1, 3),
    ("raw_currency_rates", "start_date"): each(lambda _, day: day and date(2022, 3, 1)),
    ("raw_currency_rates", "next_start_date"): each(lambda _, day: day and date(2021, 9, 1)),
    ("raw_currency_rates", "rate"): written(1, Decimal("0.5"), Decimal("0.6")),
    # Fiscal months follow each other: only the ends of their row are free, and where a year begins.
    ("raw_periods", "kind"): written(*["Week"] * 12),
    ("raw_periods", "start_date"): written(date(2021, 4, 25)),
    ("raw_periods", "end_date"): each(
        lambda _, day: date(2022, 7, 28) if day == date(2022, 7, 3) else day
    ),
    ("raw_periods", "number"): each(lambda row, _: (row + 6) % 12 + 1),
    ("raw_opportunity_field_history", "field"): each(
        lambda row, name: name if row % 2 else "Former"
    ),
    ("raw_opportunity_field_history", "old_value"): each(
        lambda _, old: {"005000000000002AAA": "005000000000003AAA"}.get(str(old), old)
    ),
    ("raw_users", "username"): turned(0, 3),
    ("raw_users", "email"): turned(3, 5),
    ("raw_roles", "parent_role_id"): written("00E000000000001AAA", None),
    ("raw_queues", "queue_id"): turned(0, 2),
    ("raw_queues", "name"): turned(0, 2),
    ("raw_record_types", "developer_name"): turned(0, 2),
    ("raw_split_types", "split_type_id"): turned(0, 2),
    ("raw_split_types", "name"): turned(0, 2),
    ("raw_split_types", "split_field"): turned(0, 2),
    ("raw_split_types", "is_active"): written(False),
    ("raw_split_types", "is_total_validated"): written(False),
    ("raw_quotas", "currency_code"): written(*["GBP"] * 200),
    ("raw_quotas", "owner_id"): each(
        lambda _, owner: {"005000000000002AAA": "005000000000003AAA"}.get(str(owner), owner)
    ),
}


def changed(extract: Extract, table: str, column: str) -> Extract:
    """Return an extract in which one column of a raw table says something else."""
    name = table.removeprefix("raw_")
    return replace(
        extract,
        extract_id=f"{table}.{column}",
        **{name: changed_table(getattr(extract, name), table, column)},
    )


def changed_table(frame: pd.DataFrame, table: str, column: str) -> pd.DataFrame:
    """Return a raw table in which one column says something else."""
    change = CHANGES.get((table, column), shuffled)
    return frame.assign(**{column: columns.series(change(columns.arrow(frame[column])))})


def moved(
    before: Mapping[str, pd.DataFrame], after: Mapping[str, pd.DataFrame]
) -> set[tuple[str, str]]:
    """Return the published columns that differ, as (table, column).

    Rows are held against each other by key. A row that comes or goes is a change of the key's
    columns whose values come or go; where none of them does, of `KEY`.
    """
    return {
        (name, column)
        for name in before
        for column in _moved(before[name], after[name], MONTHLY[name])
    }


KEY = "(key)"


def _moved(before: pd.DataFrame, after: pd.DataFrame, contract: type[Contract]) -> set[str]:
    key = list(contract.Config.unique)  # type: ignore[attr-defined]
    old, new = _rows(before, key), _rows(after, key)
    found: set[str] = set()
    if old.keys() != new.keys():
        found = {
            name for n, name in enumerate(key) if {row[n] for row in old} != {row[n] for row in new}
        } or {KEY}
    names = [name for name in before.columns if name not in key]
    for row in old.keys() & new.keys():
        if old[row] != new[row]:
            found |= {
                name for name, was, now in zip(names, old[row], new[row], strict=True) if was != now
            }
    return found


def _rows(table: pd.DataFrame, key: list[str]) -> dict[tuple[object, ...], tuple[object, ...]]:
    rest = [name for name in table.columns if name not in key]
    values = {name: columns.arrow(table[name]).to_pylist() for name in table.columns}
    return dict(
        zip(
            zip(*(values[name] for name in key), strict=True),
            zip(*(values[name] for name in rest), strict=True),
            strict=True,
        )
    )


def above(lineage: Mapping[str, Parents]) -> dict[tuple[str, str], Columns]:
    """Return for each monthly column every column that it is computed from, directly or not."""
    known: dict[tuple[str, str], Columns] = {}

    def ancestors(each: tuple[str, str]) -> Columns:
        if each not in known:
            parents = lineage.get(each[0], {}).get(each[1], STATED)
            known[each] = parents.union(*(ancestors(parent) for parent in parents))
        return known[each]

    return {
        (table, column): ancestors((table, column))
        for table in MONTHLY
        for column in lineage[table]
    }


def undeclared(
    lineage: Mapping[str, Parents], raw: Iterable[tuple[str, str]], found: Iterable[tuple[str, str]]
) -> set[tuple[str, str]]:
    """Return what moved without having one of the changed raw columns among its ancestors; where only the key moved, those of any key column."""
    known = above(lineage)

    def ancestors(table: str, column: str) -> Columns:
        names = list(MONTHLY[table].Config.unique) if column == KEY else [column]  # type: ignore[attr-defined]
        return STATED.union(*(known[table, name] for name in names))

    return {each for each in found if not set(raw) & ancestors(*each)}


def moved_by(policy: str, folder: Path, raw: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return what moves when raw columns say something else; contracts are not checked, for time."""
    with config_context(validation_enabled=False):
        return moved(_month(policy, folder), _compute(policy, folder, raw))


@lru_cache(maxsize=4)
def _month(policy: str, folder: Path) -> Tables:
    return _compute(policy, folder, ())


def _compute(policy: str, folder: Path, raw: Sequence[tuple[str, str]]) -> Tables:
    held, book = rich_extract(), [column for table, column in raw if table == "raw_targets"]
    for table, column in raw:
        held = held if table == "raw_targets" else changed(held, table, column)

    def alter(targets: pd.DataFrame) -> pd.DataFrame:
        for column in book:
            targets = changed_table(targets, "raw_targets", column)
        return targets

    write_policy(folder, policy)
    return month_tables(
        HeldWorkspace(folder, folder, no_reader, "https://firm.example", held=held, alter=alter)
    )


# Which policy a column is changed under, where it is not the plain one: what only the other form of
# a rule reads.
POLICY_OF: Mapping[tuple[str, str], str] = {
    **{
        (table, column): OTHER
        for table in ("raw_quotas", "raw_record_types", "raw_periods")
        for column in column_names(RAW[table])
    },
    ("raw_users", "manager_id"): OTHER,
    ("raw_opportunities", "record_type_id"): OTHER,
    ("raw_opportunities", "custom_amount"): OTHER,
    ("raw_organization", "names_year_by_start"): OTHER,
    ("raw_split_types", "name"): OTHER,
    ("raw_roles", "parent_role_id"): BY_ROLE,
}
DESCENDANTS: Mapping[tuple[str, str], Columns] = {
    raw: frozenset(each for each, ancestors in above(LINEAGE).items() if raw in ancestors)
    for raw in ((table, column) for table in RAW for column in column_names(RAW[table]))
}
UNREAD = [raw for raw, descendants in DESCENDANTS.items() if not descendants]
