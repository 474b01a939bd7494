"""A stored table that is not what was stored is refused, whatever became of its files."""

import os
import random
import shutil
import time
from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pytest

from connectors.storage.catalogue import Catalogue
from connectors.storage.monthly_tables import TableStore
from connectors.storage.raw_tables import RawTables
from connectors.storage.stored_files import CURE, DamagedTable, StoredFiles
from sales.calendar import Month
from sales.contracts.quality import DataQuality
from tests.fakes import frame

MONTHS = [Month(2026, 3), Month(2026, 4)]
NAME = "data_quality"


def findings(month: Month, amount: str) -> pd.DataFrame:
    row = {
        "as_of_month": str(month),
        "severity": "info",
        "detail": "d",
        "amount": Decimal(amount),
        "finding": "f",
        "as_of": datetime(2026, 4, 1, tzinfo=UTC),
        "extracted_at": datetime(2026, 4, 2, tzinfo=UTC),
    }
    return frame(DataQuality, [row | {"record_id": f"r{n}"} for n in range(4)])


@pytest.fixture
def home(tmp_path: Path) -> Path:
    store = TableStore(Catalogue(tmp_path))
    for month in MONTHS:
        store.write(NAME, month, findings(month, "43350.00"), {"digest": "one"})
    return tmp_path


def read(home: Path, month: Month) -> pd.DataFrame:
    """Read as another process would: what this one holds in memory does not count."""
    store = TableStore(Catalogue(home))
    record = store.written(NAME, month)
    assert record is not None
    return store._month_of(NAME, month, record).to_pandas()


def files(home: Path) -> list[Path]:
    return sorted(path for path in (home / "tables").rglob("*") if path.is_file())


def flip(path: Path, place: int) -> None:
    content = bytearray(path.read_bytes())
    content[place % len(content)] ^= 1 << (place % 8)
    path.unlink()
    path.write_bytes(content)


def test_no_flipped_bit_changes_a_number(
    home: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    good = {month: read(home, month) for month in MONTHS}
    rng, refused = random.Random(7), 0  # noqa: S311
    for number in range(60):
        copy = tmp_path_factory.mktemp("copy") / str(number)
        shutil.copytree(home, copy)
        flip(rng.choice(files(copy)), rng.randrange(10**6))
        for month in MONTHS:
            try:
                pd.testing.assert_frame_equal(read(copy, month), good[month])
            except DamagedTable:
                refused += 1
        shutil.rmtree(copy)
    assert refused >= 40


@pytest.mark.parametrize(
    "damage",
    [
        lambda path: path.unlink(),
        lambda path: path.write_bytes(b""),
        lambda path: path.write_bytes(path.read_bytes()[: path.stat().st_size // 2]),
        lambda path: path.write_bytes(path.read_bytes() + b"\n"),
    ],
    ids=["gone", "empty", "cut", "longer"],
)
@pytest.mark.parametrize("kind", ["*.parquet", "*.json"])
def test_a_file_that_is_gone_or_cut_is_a_sentence(
    home: Path, kind: str, damage: Callable[[Path], object]
) -> None:
    for path in (home / "tables" / NAME).rglob(kind):
        damage(path)
    with pytest.raises(DamagedTable, match="run `onpace check --stored`"):
        read(home, MONTHS[0])


def test_a_table_that_is_gone_is_no_empty_table_and_can_be_written_again(home: Path) -> None:
    store = TableStore(Catalogue(home))
    shutil.rmtree(home / "tables" / NAME)
    with pytest.raises(DamagedTable, match="data_quality cannot be read at version 0"):
        read(home, MONTHS[0])
    store.write(NAME, MONTHS[1], findings(MONTHS[1], "43350.00"), {"digest": "one"})
    assert len(read(home, MONTHS[1])) == 4
    with pytest.raises(DamagedTable, match="another table lies in its place"):
        read(home, MONTHS[0])


def test_a_log_that_cannot_be_read_is_set_aside_and_the_table_begins_anew(home: Path) -> None:
    store = TableStore(Catalogue(home))
    flip(home / "tables" / NAME / "_delta_log" / f"{0:020}.json", 5)
    assert store.set_unreadable_aside() == [NAME]
    assert (home / "earlier" / "damaged" / NAME).is_dir()
    for month in MONTHS:
        store.write(NAME, month, findings(month, "43350.00"), {"digest": "one"})
        assert len(read(home, month)) == 4
    assert store.set_unreadable_aside() == []


def test_raw_tables_are_checked_before_they_are_read_or_changed(tmp_path: Path) -> None:
    raw = RawTables(Catalogue(tmp_path))
    table = pd.DataFrame({"id": ["a", "b"], "amount": [43350.0, 1.0]})
    version = raw.write("raw_roles", table, {"digest": "one"})
    assert raw.damaged("raw_roles", version) == ""
    flip(next((tmp_path / "tables" / "raw_roles").glob("*.parquet")), 60)
    for use in (
        lambda: raw.read("raw_roles", version),
        lambda: raw.living("raw_roles", version, "id"),
        lambda: raw._at("raw_roles", version),
    ):
        with pytest.raises(DamagedTable, match="is damaged: it is not what was stored"):
            use()
    assert "is damaged" in raw.damaged("raw_roles", version)


def test_files_of_before_digests_were_kept_are_taken_as_they_are(home: Path) -> None:
    from connectors.storage.catalogue_schema import STORED_FILES

    with Catalogue(home).begin() as database:
        database.execute(STORED_FILES.delete())
    assert len(read(home, MONTHS[0])) == 4
    (home / "tables" / NAME / "_delta_log" / f"{0:020}.json").write_text("{")
    with pytest.raises(DamagedTable):
        read(home, MONTHS[0])


def test_a_table_whose_newest_log_entry_is_gone_begins_anew(home: Path) -> None:
    """Written to as it is, it would begin that entry's number again."""
    store = TableStore(Catalogue(home))
    (home / "tables" / NAME / "_delta_log" / f"{1:020}.json").unlink()
    assert store.set_unreadable_aside() == [NAME]
    for month in MONTHS:
        store.write(NAME, month, findings(month, "43350.00"), {"digest": "one"})
    assert [len(read(home, month)) for month in MONTHS] == [4, 4]


@pytest.mark.parametrize("last", [18, 19, 20, 21])
def test_a_log_that_lost_its_newest_commit_is_noticed_also_where_that_made_a_checkpoint(
    tmp_path: Path, last: int
) -> None:
    store = TableStore(Catalogue(tmp_path))
    for n in range(last + 1):
        store.write(NAME, MONTHS[0], findings(MONTHS[0], str(n)), {"digest": str(n)})
    log = tmp_path / "tables" / NAME / "_delta_log"
    lost = list(log.glob(f"{last:020}.*"))
    assert lost
    for path in lost:
        path.unlink()
    (log / "_last_checkpoint").unlink(missing_ok=True)
    assert StoredFiles(Catalogue(tmp_path)).damaged(NAME).endswith(CURE)


def test_old_files_that_no_kept_version_needs_are_deleted_whatever_the_log_forgot(
    tmp_path: Path,
) -> None:
    """A checkpoint forgets after a week which files a table once had."""
    raw = RawTables(Catalogue(tmp_path))
    versions = [
        raw.replace("raw_users", iter([pa.table({"user_id": [str(n)]})]), {"digest": str(n)})
        for n in range(3)
    ]
    folder = tmp_path / "tables" / "raw_users"
    known = set(folder.glob("*.parquet"))
    forgotten = folder / "part-00000-forgotten-c000.zstd.parquet"
    forgotten.write_bytes(next(iter(known)).read_bytes())
    months_ago = time.time() - 60 * 86_400
    for path in (forgotten, *known):
        os.utime(path, (months_ago, months_ago))
    raw.vacuum("raw_users", {versions[0], versions[-1]}, 30 * 24)
    assert not forgotten.exists()
    found = [raw.read("raw_users", each)["user_id"].item() for each in (versions[0], versions[-1])]
    assert found == ["0", "2"]


@pytest.mark.parametrize("name", ["My Firm", "Möwe & Söhne", "100%", 'a"b#c', "data_quality"])
def test_tables_lie_below_a_folder_of_any_name(tmp_path: Path, name: str) -> None:
    """The library says where a table's files are by an address, in which a blank is `%20`."""
    home = tmp_path / name
    for month in MONTHS:
        TableStore(Catalogue(home)).write(NAME, month, findings(month, "43350.00"), {"digest": "a"})
    assert len(read(home, MONTHS[0])) == 4
    raw, rows = RawTables(Catalogue(home)), pa.table({"user_id": ["one", "two"]})
    version = raw.replace("raw_users", iter([rows.slice(0, 1)]), {"digest": "a"})
    assert raw.changed("raw_users", version, rows, "user_id").to_pydict() == {"user_id": ["two"]}
