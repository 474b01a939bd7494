"""One database for what is known of a home, and of several homes where they share it."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.delivery.ledger import DeliveryLedger, Status
from connectors.storage.catalogue import FILE, Catalogue, CatalogueElsewhere, CatalogueUnusable
from connectors.storage.catalogue_schema import PUBLICATIONS, SELECTED_EXTRACTS
from connectors.storage.migrations import carry_over
from connectors.storage.publications import PublishedMonths
from sales.calendar import Month
from tests.fakes import published
from tests.postgresql import postgresql

pytestmark = pytest.mark.slow

MARCH, NOW = Month(2026, 3), datetime(2026, 4, 3, 9, tzinfo=UTC)
SELECTED = {"month": "2026-03", "extract_id": "e1"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with postgresql(tmp_path_factory.mktemp("postgresql")) as port:
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
    with pytest.raises(CatalogueUnusable, match="check ONPACE_LEDGER_URL or ONPACE_HOME"):
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
