"""Lineage is complete, lies in the graph, and is sound: whatever moves when a raw column changes says so."""

from collections.abc import Callable, Iterable
from pathlib import Path

import dagster as dg
import pytest
from pandera.config import config_context

from assets.lineage import LINEAGE, Parents
from assets.metadata import column_lineage
from assets.pages import PAGES
from assets.parents import Columns
from orchestration.definitions import defs
from sales import track_record
from sales.tables import MONTHLY, RAW, column_names
from tests.assets.experiment import CHANGES, KEY, ancestors, changed, changed_table, moved, shuffled
from tests.assets.rich_firm import OTHER, PLAIN, HeldBooks, Tables, assets, month_tables, rich_extract, write_policy

GRAPH = defs.resolve_asset_graph()
ALL: dict[str, Parents] = {**LINEAGE, "month_end_packs": PAGES}
def columns_of(asset: str) -> set[str]:
    if asset in ALL:
        return set(ALL[asset])
    return {column.name for column in GRAPH.get(dg.AssetKey.from_user_string(asset)).metadata["dagster/column_schema"].columns}


def test_every_column_of_every_table_says_where_it_comes_from() -> None:
    assert {name: set(parents) for name, parents in LINEAGE.items()} == {name: set(column_names(each)) for name, each in (MONTHLY | RAW).items()}


@pytest.mark.parametrize("name", ALL)
def test_parents_are_columns_of_what_the_asset_depends_on(name: str) -> None:
    parents = frozenset[tuple[str, str]]().union(*ALL[name].values())
    above = {key.to_user_string() for key in GRAPH.get(dg.AssetKey(name)).parent_keys}
    assert {asset for asset, _ in parents} <= above
    assert {(asset, column) for asset, column in parents if column not in columns_of(asset)} == set()


def test_every_raw_column_leads_to_a_field() -> None:
    assert [(name, column) for name in RAW for column, parents in LINEAGE[name].items() if not parents] == []


def test_the_ui_is_told_the_same() -> None:
    told = column_lineage(LINEAGE["closing_plan"]).deps_by_column["amount"]
    assert list(told) == [dg.TableColumnDep(dg.AssetKey("opportunity_snapshot"), "amount")]


def everything_above(lineage: dict[str, Parents], table: str, column: str) -> Columns:
    """Return a column's ancestors; where only keys differ, those of any key column."""
    names = MONTHLY[table].Config.unique if column == KEY else [column]  # type: ignore[attr-defined]
    return frozenset[tuple[str, str]]().union(*(ancestors(lineage, table, name) for name in names))


def undeclared(lineage: dict[str, Parents], raw: Iterable[tuple[str, str]], found: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return what moved without having one of the changed raw columns among its ancestors."""
    return {each for each in found if not set(raw) & everything_above(lineage, *each)}


DESCENDANTS = {
    (table, column): frozenset((name, each) for name in MONTHLY for each in LINEAGE[name] if (table, column) in ancestors(LINEAGE, name, each))
    for table in RAW for column in column_names(RAW[table])
}  # fmt: skip
UNREAD = [raw for raw, descendants in DESCENDANTS.items() if not descendants]
# Columns with the same descendants stand for each other here; `python -m benchmarks.lineage` changes every one.
SAMPLE = list({descendants: raw for raw, descendants in reversed(DESCENDANTS.items()) if descendants}.values())


@pytest.fixture
def move(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., set[tuple[str, str]]]:
    """Return what changes of raw columns move; one past month end is judged, and contracts are not checked, for time."""
    monkeypatch.setattr(track_record, "JUDGED", ((float("inf"), 1),))

    def computed(policy: str, *raw: tuple[str, str]) -> Tables:
        folder, held = write_policy(tmp_path, policy), rich_extract()
        for each in raw:
            held = held if each[0] == "raw_targets" else changed(held, *each)
        books = HeldBooks(folder, folder, pytest.fail, "https://firm.example", held=held)
        for each in raw:
            books.alter = (lambda table, each=each: changed_table(table, *each)) if each[0] == "raw_targets" else books.alter
        with config_context(validation_enabled=False):
            return month_tables(books)

    def move(policy: str, *raw: tuple[str, str]) -> set[tuple[str, str]]:
        if policy not in BEFORE:
            BEFORE[policy] = computed(policy)
        return moved(BEFORE[policy], computed(policy, *raw))

    return move


# The tables of each policy without a change, made once.
BEFORE: dict[str, Tables] = {}


@pytest.mark.parametrize("raw", SAMPLE, ids=".".join)
def test_what_a_raw_column_moves_has_it_among_its_ancestors(raw: tuple[str, str], move: Callable[..., set[tuple[str, str]]]) -> None:
    found = move(PLAIN, raw)
    assert found, "an experiment that moves nothing shows nothing"
    assert undeclared(LINEAGE, [raw], found) == set()


def test_what_is_read_by_nobody_moves_nothing(move: Callable[..., set[tuple[str, str]]]) -> None:
    assert move(PLAIN, *UNREAD) == set()


def test_an_edge_that_is_left_out_is_found(move: Callable[..., set[tuple[str, str]]]) -> None:
    """Otherwise the experiment could not fail."""
    raw = ("raw_users", "is_active")
    found = move(PLAIN, raw)
    cut = {**LINEAGE, "data_quality": {name: parents - {raw} for name, parents in LINEAGE["data_quality"].items()}}
    assert undeclared(cut, [raw], found) == found != set()


def test_every_change_is_of_a_column_and_makes_it_another() -> None:
    assert set(CHANGES) <= {(table, column) for table in RAW for column in column_names(RAW[table])}
    assert shuffled(rich_extract().roles["role_id"].array._pa_array.combine_chunks()).to_pylist() != rich_extract().roles["role_id"].tolist()


def test_the_experiment_makes_every_table() -> None:
    assert set(assets()) == set(MONTHLY)
