"""One database for what is known of a home, and of several homes where they share it."""

import multiprocessing
import shutil
import sqlite3
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from connectors.delivery.ledger import DeliveryLedger, Status
from connectors.storage.catalogue import FILE, Catalogue, CatalogueElsewhere, CatalogueUnusable
from connectors.storage.catalogue_schema import (
    APPROVALS,
    NEWEST,
    PUBLICATIONS,
    SELECTED_EXTRACTS,
    VERSION_TABLE,
)
from connectors.storage.migrations import carry_over
from connectors.storage.publications import PublishedMonths
from sales.calendar import Month
from tests.fakes import published
from tests.postgresql import postgresql

pytestmark = pytest.mark.slow

MARCH, NOW = Month(2026, 3), datetime(2026, 4, 3, 9, tzinfo=UTC)
SELECTED = {"month": "2026-03", "extract_id": "e1"}


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as port:
        yield f"postgresql+psycopg://onpace@127.0.0.1:{port}/postgres"


def test_looking_creates_nothing(tmp_path: Path) -> None:
    assert Catalogue(tmp_path / "home").rows(sa.select(PUBLICATIONS)) == []
    assert not (tmp_path / "home").exists()


def test_what_was_begun_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)

    def stopped() -> None:
        with catalogue.begin() as database:
            catalogue.put(database, SELECTED_EXTRACTS, SELECTED)
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stopped()
    assert catalogue.rows(sa.select(SELECTED_EXTRACTS)) == []


def test_a_row_is_replaced_or_kept_by_its_key(tmp_path: Path) -> None:
    catalogue = Catalogue(tmp_path)
    with catalogue.begin() as database:
        catalogue.put(database, SELECTED_EXTRACTS, SELECTED)
        catalogue.put(database, SELECTED_EXTRACTS, SELECTED | {"extract_id": "e2"})
        catalogue.add(database, SELECTED_EXTRACTS, SELECTED | {"extract_id": "e3"})
    assert [row.extract_id for row in catalogue.rows(sa.select(SELECTED_EXTRACTS))] == ["e2"]


def test_a_file_that_is_no_database_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to be looked at" * 20)
    with pytest.raises(CatalogueUnusable, match="is damaged; restore it from a backup"):
        PublishedMonths(Catalogue(tmp_path)).latest()


def test_a_folder_in_its_place_is_said(tmp_path: Path) -> None:
    (tmp_path / FILE).mkdir()
    with pytest.raises(CatalogueUnusable, match="is damaged; restore it from a backup"):
        PublishedMonths(Catalogue(tmp_path)).latest()


def test_many_may_write_at_once(tmp_path: Path) -> None:
    def write(number: int) -> None:
        catalogue = Catalogue(tmp_path)
        with catalogue.begin() as database:
            values = {"month": f"2026-{number:02d}", "extract_id": "e1"}
            catalogue.put(database, SELECTED_EXTRACTS, values)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(write, range(1, 13)))
    assert len(Catalogue(tmp_path).rows(sa.select(SELECTED_EXTRACTS))) == 12


def test_homes_that_share_a_database_know_nothing_of_each_other(
    tmp_path: Path, server: str
) -> None:
    here, there = (Catalogue(tmp_path / name, server) for name in ("here", "there"))
    with here.begin() as database:
        here.put(database, SELECTED_EXTRACTS, SELECTED)
    mine = sa.select(SELECTED_EXTRACTS.c.extract_id)
    assert there.rows(mine.where(there.mine(SELECTED_EXTRACTS))) == []
    with there.begin() as database:
        there.put(database, SELECTED_EXTRACTS, SELECTED | {"extract_id": "e2"})
    for each, extract_id in ((here, "e1"), (there, "e2")):
        (row,) = each.rows(mine.where(each.mine(SELECTED_EXTRACTS)))
        assert row.extract_id == extract_id
    assert not (tmp_path / "here" / FILE).exists()


def test_a_home_moves_into_the_database_that_is_named_and_back_is_refused(
    tmp_path: Path, server: str
) -> None:
    published(tmp_path, MARCH)
    planned = DeliveryLedger(Catalogue(tmp_path)).plan(
        "2026-03", "mail", [("a@b.example", "f", "1")]
    )
    DeliveryLedger(Catalogue(tmp_path)).note(list(planned.values()), Status.SENT)
    shared, told = Catalogue(tmp_path, server), list[str]()
    carry_over(shared, told.append)
    carry_over(shared, told.append)
    assert told == [
        f"{tmp_path}: the catalogue moves into the database that ONPACE_LEDGER_URL names"
    ]
    assert PublishedMonths(shared).months() == [MARCH]
    assert DeliveryLedger(shared).recipients_of("1") == ["a@b.example"]
    assert (tmp_path / "earlier" / FILE).exists()
    with pytest.raises(CatalogueElsewhere, match="name it in ONPACE_LEDGER_URL again"):
        PublishedMonths(Catalogue(tmp_path)).latest()


def test_the_homes_own_file_by_its_address_is_no_other_database(tmp_path: Path) -> None:
    published(tmp_path, MARCH)
    named = Catalogue(tmp_path, f"sqlite:///{tmp_path / FILE}")
    carry_over(named)
    assert not named.is_shared
    assert PublishedMonths(named).months() == [MARCH]


@pytest.mark.parametrize("name", ["a?b", "a%20b#c d", "größe"])
def test_a_home_may_be_called_anything(tmp_path: Path, name: str) -> None:
    home = tmp_path / name
    published(home, MARCH)
    assert (home / FILE).is_file()
    assert PublishedMonths(Catalogue(home)).months() == [MARCH]


def test_a_database_that_does_not_know_a_home_is_refused(tmp_path: Path, server: str) -> None:
    """It would publish revision 1 again."""
    with psycopg.connect(server.replace("+psycopg", ""), autocommit=True) as connection:
        connection.execute("CREATE DATABASE another")
    here = Catalogue(tmp_path, server)
    with here.begin() as database:
        here.put(database, SELECTED_EXTRACTS, SELECTED)
    another = Catalogue(tmp_path, server.replace("/postgres", "/another"))
    with pytest.raises(CatalogueElsewhere, match="does not know .*name the one"):
        PublishedMonths(another).latest()
    with pytest.raises(CatalogueElsewhere), another.begin():
        pass


def test_published_months_without_a_catalogue_are_refused(tmp_path: Path) -> None:
    published(tmp_path, MARCH)
    (tmp_path / "revisions" / "2026-03" / "1").mkdir(parents=True)
    (tmp_path / FILE).unlink()
    with pytest.raises(CatalogueElsewhere, match="has published months and no catalogue.sqlite"):
        PublishedMonths(Catalogue(tmp_path)).latest()


def test_a_name_that_cannot_be_read_is_said(tmp_path: Path, server: str) -> None:
    (tmp_path / "catalogue.json").write_text("{")
    with pytest.raises(CatalogueUnusable, match=r"catalogue.json cannot be read .*from a backup"):
        PublishedMonths(Catalogue(tmp_path, server)).latest()


def test_other_databases_are_refused(tmp_path: Path) -> None:
    with pytest.raises(CatalogueUnusable, match="name a database such as"):
        Catalogue(tmp_path, "mysql://host/name")


def _first_use(home: str) -> int:
    return len(Catalogue(Path(home)).rows(sa.select(PUBLICATIONS)))


def test_many_processes_may_use_a_new_home_at_once(tmp_path: Path) -> None:
    (tmp_path / FILE).touch()  # so that each of them brings it to today's tables
    with ProcessPoolExecutor(6, mp_context=multiprocessing.get_context("spawn")) as pool:
        assert list(pool.map(_first_use, [str(tmp_path)] * 6)) == [0] * 6


def test_an_approval_and_a_plan_are_not_carried_over_twice(tmp_path: Path, server: str) -> None:
    ledger = DeliveryLedger(Catalogue(tmp_path))
    ledger.approve("2026-05", "digest-of-may", "Ann")
    ledger.plan("2026-05", "mail", [("planned@b.example", "f", "2")])
    shared = Catalogue(tmp_path, server)
    carry_over(shared)
    (tmp_path / "earlier" / FILE).rename(tmp_path / FILE)  # stopped before it was set aside
    carry_over(shared)
    of_may = sa.select(APPROVALS).where(APPROVALS.c.month == "2026-05")
    assert len(shared.rows(of_may)) == 1
    assert DeliveryLedger(shared).all("2026-05") == []


def test_an_emptied_catalogue_is_not_taken_for_a_new_one(tmp_path: Path) -> None:
    with Catalogue(tmp_path).begin():
        pass
    (tmp_path / "revisions" / "2026-03" / "1").mkdir(parents=True)
    (tmp_path / "catalogue.sqlite").write_bytes(b"")
    for use in (
        lambda: Catalogue(tmp_path).rows(sa.select(PUBLICATIONS)),
        lambda: Catalogue(tmp_path).begin().__enter__(),
    ):
        with pytest.raises(CatalogueElsewhere, match="restore it from a backup"):
            use()


def test_a_row_that_is_not_what_was_stored_is_refused(tmp_path: Path) -> None:
    published(tmp_path, MARCH)
    with Catalogue(tmp_path).begin() as database:
        database.execute(PUBLICATIONS.update().values(extract_id="of another month"))
    with pytest.raises(CatalogueUnusable, match="is damaged; restore it from a backup"):
        PublishedMonths(Catalogue(tmp_path)).current(MARCH)
    with Catalogue(tmp_path).begin() as database:
        database.execute(PUBLICATIONS.update().values(seal=None))
    assert PublishedMonths(Catalogue(tmp_path)).current(MARCH), "a row of before seals"


def test_a_password_with_an_at_is_not_taken_for_a_host(tmp_path: Path) -> None:
    with pytest.raises(CatalogueUnusable, match="more than one @; write .* as %40") as refused:
        Catalogue(tmp_path, "postgresql+psycopg://onpace:half@s3cret-planted@127.0.0.1/none")
    assert "planted" not in str(refused.value)


def test_a_damaged_schema_is_said_whatever_sqlite_says_of_it(tmp_path: Path) -> None:
    """Found by flipping bits: SQLite quotes the damaged words, which are no text any more."""
    catalogue = Catalogue(tmp_path)
    with catalogue.begin():
        pass
    path = tmp_path / FILE
    path.write_bytes(
        path.read_bytes().replace(b"CREATE TABLE publications", b"CR\xd5ATE TABLE publications")
    )
    with pytest.raises(CatalogueUnusable, match="is damaged; restore it from a backup"):
        Catalogue(tmp_path).rows(sa.select(PUBLICATIONS))


def test_a_file_that_is_replaced_meanwhile_is_brought_to_this_version_too(tmp_path: Path) -> None:
    """As by a backup of an earlier version, into the same file or as another one."""
    one = Catalogue(tmp_path / "home")
    old = tmp_path / "old.sqlite"
    with closing(sqlite3.connect(old)) as database:
        database.execute("CREATE TABLE nothing_of_ours (a)")
        database.commit()
    wanted = sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))
    place = tmp_path / "home" / FILE
    for is_another_file in (False, True):
        with one.begin() as database:
            database.execute(sa.text("SELECT 1"))
        copy = shutil.copyfile(old, place.with_suffix(".new") if is_another_file else place)
        copy.replace(place)
        assert [row[0] for row in one.rows(wanted)] == [NEWEST]
