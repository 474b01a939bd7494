"""Lineage is complete, lies in the graph, and is sound: whatever moves when a raw column changes says so."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from assets.metadata.lineage import LINEAGE, Parents
from assets.metadata.pages import PAGES
from assets.metadata.tables import column_lineage
from orchestration.definitions import defs
from sales.contracts.contract import column_names
from sales.contracts.published import MONTHLY
from sales.contracts.raw import RAW
from sales.forecast import backtest as track_record
from tests.assets.metadata.experiment import (
    CHANGES,
    DESCENDANTS,
    POLICY_OF,
    UNREAD,
    moved_by,
    undeclared,
)
from tests.assets.rich_firm import PLAIN, assets

GRAPH = defs.resolve_asset_graph()
# The target book is read of users only, and a flash is apart from every month.
APART = {dg.AssetKey("raw_targets"), dg.AssetKey("weekly_flash")}
ALL: dict[str, Parents] = {**LINEAGE, "month_end_packs": PAGES}


def columns_of(asset: str) -> set[str]:
    if asset in ALL:
        return set(ALL[asset])
    return {
        column.name
        for column in GRAPH.get(dg.AssetKey.from_user_string(asset))
        .metadata["dagster/column_schema"]
        .columns
    }


def test_every_column_of_every_table_says_where_it_comes_from() -> None:
    assert {name: set(parents) for name, parents in LINEAGE.items()} == {
        name: set(column_names(each)) for name, each in (MONTHLY | RAW).items()
    }


@pytest.mark.parametrize("name", ALL)
def test_parents_are_columns_of_what_the_asset_depends_on(name: str) -> None:
    parents = frozenset[tuple[str, str]]().union(*ALL[name].values())
    above = {key.to_user_string() for key in GRAPH.get_ancestor_asset_keys(dg.AssetKey(name))}
    assert {asset for asset, _ in parents} <= above
    assert {
        (asset, column) for asset, column in parents if column not in columns_of(asset)
    } == set()


@pytest.mark.parametrize("name", ["people", "calendar", "opportunity_history"])
def test_what_many_tables_read_together_is_no_table(name: str) -> None:
    """It says which raw tables it is read from; no edge leads around it."""
    mine = GRAPH.get(dg.AssetKey(name))
    assert mine.child_keys
    for parent in mine.parent_keys:
        readers = GRAPH.get(parent).child_keys - APART
        assert readers == {dg.AssetKey(name)}, parent


def test_no_edge_of_a_source_follows_from_others() -> None:
    for name in MONTHLY:
        parents = GRAPH.get(dg.AssetKey(name)).parent_keys
        for each in parents - {dg.AssetKey(table) for table in MONTHLY}:
            others = set().union(
                *(GRAPH.get_ancestor_asset_keys(other) for other in parents - {each})
            )
            assert each not in others, (name, each)


def test_every_raw_column_leads_to_a_field() -> None:
    assert [
        (name, column) for name in RAW for column, parents in LINEAGE[name].items() if not parents
    ] == []


def test_the_ui_is_told_the_same() -> None:
    told = column_lineage(LINEAGE["closing_plan"]).deps_by_column["amount"]
    assert list(told) == [dg.TableColumnDep(dg.AssetKey("opportunity_snapshot"), "amount")]


# Columns with the same descendants stand for each other; `python -m benchmarks.lineage` changes
# every one of them.
SAMPLE = list(
    {descendants: raw for raw, descendants in reversed(DESCENDANTS.items()) if descendants}.values()
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A policy folder; one past month end is judged, for time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(track_record, "JUDGED", ((float("inf"), 1),))
        yield tmp_path_factory.mktemp("policy")


@pytest.mark.parametrize("raw", SAMPLE, ids=".".join)
def test_what_a_raw_column_moves_has_it_among_its_ancestors(
    raw: tuple[str, str], folder: Path
) -> None:
    found = moved_by(POLICY_OF.get(raw, PLAIN), folder, [raw])
    assert found, "an experiment that moves nothing shows nothing"
    assert undeclared(LINEAGE, [raw], found) == set()


def test_what_is_read_by_nobody_moves_nothing(folder: Path) -> None:
    assert moved_by(PLAIN, folder, UNREAD) == set()


def test_an_edge_that_is_left_out_is_found(folder: Path) -> None:
    """Otherwise the experiment could not fail."""
    raw = ("raw_users", "is_active")
    found = moved_by(PLAIN, folder, [raw])
    cut = {
        **LINEAGE,
        "data_quality": {
            name: parents - {raw} for name, parents in LINEAGE["data_quality"].items()
        },
    }
    findings = {each for each in found if each[0] == "data_quality"}
    assert undeclared(cut, [raw], found) == findings != set()


def test_every_change_is_of_a_raw_column() -> None:
    assert {*CHANGES, *POLICY_OF} <= set(DESCENDANTS)


def test_the_experiment_makes_every_table() -> None:
    assert set(assets()) == set(MONTHLY)
