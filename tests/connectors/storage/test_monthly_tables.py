import json
import multiprocessing
import os
import signal
from concurrent.futures import ProcessPoolExecutor
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import EXTRACTS, LEASES
from connectors.storage.extracts import AnotherOrganization, ExtractStore
from connectors.storage.files import write_atomically
from connectors.storage.leases import LeaseLost, Leases
from connectors.storage.monthly_tables import NotComputed, TableStore
from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.contracts.contract import checked
from sales.contracts.quality import DataQuality
from sales.contracts.raw import RAW
from tests.fakes import deal, extract, frame, published, raw_tables, saved

pytestmark = pytest.mark.slow

MONTH = Month(2026, 3)
NOW, LATER = datetime(2026, 4, 3, 9, tzinfo=UTC), datetime(2026, 5, 3, 9, tzinfo=UTC)
SPAWN = multiprocessing.get_context("spawn")


def findings(month: Month, count: int, size: int = 3) -> pd.DataFrame:
    row = {
        "as_of_month": str(month),
        "severity": "info",
        "detail": str(count),
        "amount": Decimal("1.10"),
        "as_of": datetime(2026, 4, 1, tzinfo=UTC),
        "extracted_at": datetime(2026, 4, 2, tzinfo=UTC),
    }
    return frame(
        DataQuality, [row | {"finding": "f", "record_id": f"r{n:05d}"} for n in range(size)]
    )


def test_a_month_is_replaced_whole_and_others_stay(tmp_path: Path) -> None:
    store = TableStore(Catalogue(tmp_path))
    store.write("data_quality", MONTH, findings(MONTH, 1), {})
    store.write("data_quality", MONTH.plus(1), findings(MONTH.plus(1), 1), {})
    store.write("data_quality", MONTH, findings(MONTH, 2, 2), {"run_id": "r"})
    pd.testing.assert_frame_equal(store.read("data_quality", MONTH), findings(MONTH, 2, 2))
    pd.testing.assert_frame_equal(
        store.read("data_quality", MONTH.plus(1)), findings(MONTH.plus(1), 1)
    )


def test_no_rows_and_not_computed_are_different_answers(tmp_path: Path) -> None:
    store = TableStore(Catalogue(tmp_path))
    with pytest.raises(
        NotComputed, match="data_quality has no 2026-03 yet; run `onpace report 2026-03`"
    ):
        store.read("data_quality", MONTH)
    store.write("data_quality", MONTH, findings(MONTH, 1), {})
    with pytest.raises(NotComputed):
        store.read("data_quality", MONTH.plus(1))
    store.write("data_quality", MONTH, findings(MONTH, 1, 0), {})
    assert store.read("data_quality", MONTH).empty
    store.write("data_quality", MONTH, findings(MONTH, 1), {})
    assert len(store.read("data_quality", MONTH)) == 3


def _write(home: str, number: int) -> None:
    month = Month(2026, number)
    TableStore(Catalogue(Path(home))).write(
        "data_quality", month, findings(month, number, 50), {"run_id": str(number)}
    )


def test_different_months_may_be_written_at_the_same_time(tmp_path: Path) -> None:
    with ProcessPoolExecutor(4, mp_context=SPAWN) as pool:
        list(pool.map(_write, [str(tmp_path)] * 12, range(1, 13)))
    store = TableStore(Catalogue(tmp_path))
    for number in range(1, 13):
        month = Month(2026, number)
        pd.testing.assert_frame_equal(
            store.read("data_quality", month), findings(month, number, 50)
        )


def _write_for_ever(home: str, started: object) -> None:
    store, turn = TableStore(Catalogue(Path(home))), 0
    while True:
        turn += 1
        store.write("data_quality", MONTH, findings(MONTH, turn, 2_000), {})
        started.set()  # type: ignore[attr-defined]


def test_a_killed_writer_leaves_a_whole_month(tmp_path: Path) -> None:
    for _ in range(3):
        started = SPAWN.Event()
        writer = SPAWN.Process(target=_write_for_ever, args=(str(tmp_path), started))
        writer.start()
        assert started.wait(60)
        assert writer.pid is not None
        os.kill(writer.pid, signal.SIGKILL)
        writer.join()
        table = TableStore(Catalogue(tmp_path)).read("data_quality", MONTH)
        assert len(table) == 2_000
        assert len(set(table["detail"])) == 1


def test_months_of_one_table_may_have_money_of_different_digits(tmp_path: Path) -> None:
    """A first deal in dinars, or a change to yen, must not block a home."""
    store = TableStore(Catalogue(tmp_path))
    store.write("data_quality", MONTH, findings(MONTH, 1), {})
    thousandths = findings(MONTH.plus(1), 1)
    thousandths["amount"] = columns.series(money.decimal_array(np.array([1234, 5, 0]), 3))
    store.write("data_quality", MONTH.plus(1), thousandths, {})
    pd.testing.assert_frame_equal(store.read("data_quality", MONTH), findings(MONTH, 1))
    assert [str(amount) for amount in store.read("data_quality", MONTH.plus(1))["amount"]] == [
        "1.234",
        "0.005",
        "0.000",
    ]


def test_extracts_are_versions_and_months_keep_theirs(tmp_path: Path) -> None:
    store = ExtractStore(Catalogue(tmp_path))
    assert store.latest() is None
    old = raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")]))
    new = raw_tables(extract([deal(1), deal(2)], [saved(1, "2026-01-05 10:00")]))
    first = store.save(
        old, datetime(2026, 4, 1, tzinfo=UTC), "here", [("Opportunity.Amount", "hidden")]
    )
    store.choose(MONTH, first)
    published(tmp_path, MONTH, extract_id=first.extract_id)
    second = store.save(new, datetime(2026, 4, 2, tzinfo=UTC), "here", [])
    assert store.latest() == second
    store.choose(MONTH, second)  # a run that has not published yet
    assert (store.pinned(MONTH), store.chosen(MONTH)) == (first, second)
    assert store.pinned(MONTH.plus(1)) is None
    assert len(store.frames(first)["raw_opportunities"]) == 1
    assert len(store.frames(second)["raw_opportunities"]) == 2
    pd.testing.assert_frame_equal(
        store.frames(first)["raw_opportunities"], old["raw_opportunities"]
    )


def test_a_home_belongs_to_one_organisation(tmp_path: Path) -> None:
    store = ExtractStore(Catalogue(tmp_path))
    raw = raw_tables(extract([deal(1)], []))
    store.save(raw, datetime(2026, 4, 1, tzinfo=UTC), "here", [])
    other = raw | {
        "raw_organization": raw["raw_organization"].assign(organization_id="00D000000000009AAA")
    }
    with pytest.raises(AnotherOrganization, match="set ONPACE_HOME to another folder"):
        store.save(other, datetime(2026, 4, 2, tzinfo=UTC), "here", [])
    assert len(store.all()) == 1


def test_a_file_is_replaced_in_one_step(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "a.json"
    write_atomically(path, json.dumps("old").encode())

    def fail(_: int) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(os, "fsync", fail)
    with pytest.raises(OSError, match="disk full"):
        write_atomically(path, b"new")
    assert json.loads(path.read_text()) == "old"
    assert [each.name for each in tmp_path.iterdir()] == ["a.json"]


def test_an_extract_of_the_first_version_of_this_program_is_still_read(tmp_path: Path) -> None:
    store = ExtractStore(Catalogue(tmp_path))
    raw = raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")]))
    raw["raw_opportunities"] = raw["raw_opportunities"].drop(
        columns=["record_type_id", "is_private", "custom_amount"]
    )
    raw["raw_stages"] = raw["raw_stages"].drop(columns=["stage_id", "is_active", "is_listed"])
    record = store.save(raw, datetime(2026, 4, 2, tzinfo=UTC), "https://acme.example", [("a", "b")])
    versions = dict(record.versions)
    del versions["raw_queues"], versions["raw_opportunity_splits"]
    with Catalogue(tmp_path).begin() as database:
        database.execute(EXTRACTS.update().values(pull={}, versions=versions, seal=None))
    old = store.latest()
    assert old is not None
    assert old.pull.watermarks == {}  # so the next pull reads everything
    frames = store.frames(old)
    for name, frame_ in frames.items():
        checked(frame_, RAW[name])
    assert frames["raw_stages"]["is_listed"].all()
    assert len(frames["raw_opportunities"]) == 1


def test_a_run_that_lost_its_month_writes_no_table_of_it(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    store, leases = TableStore(catalogue), Leases(catalogue)
    with leases.hold(f"month {MONTH}", "a run"):
        store.write("data_quality", MONTH, findings(MONTH, 1), {"digest": "one"})
        with catalogue.begin() as database:
            database.execute(LEASES.update().values(holder="another", machine="elsewhere"))
        with pytest.raises(LeaseLost):
            store.write("data_quality", MONTH, findings(MONTH, 2), {"digest": "two"})
    pd.testing.assert_frame_equal(store.read("data_quality", MONTH), findings(MONTH, 1))
