from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
from alembic.config import Config

from connectors.delivery.ledger import DeliveryLedger
from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import (
    METADATA,
    NEWEST,
    NewerCatalogue,
    NotBroughtToNewest,
    bring_to_newest,
    version_of,
)
from connectors.storage.catalogue_versions import VERSION_TABLE

pytestmark = pytest.mark.slow


@pytest.fixture
def engine(tmp_path: Path) -> sa.Engine:
    return sa.create_engine(f"sqlite:///{tmp_path / 'catalogue.sqlite'}")


def shape(engine: sa.Engine) -> dict[str, object]:
    """Return what a database has of our tables, whatever made it."""
    seen = sa.inspect(engine)
    return {
        name: (
            [
                (each["name"], str(each["type"]), each["nullable"])
                for each in seen.get_columns(name)
            ],
            sorted(tuple(each["column_names"]) for each in seen.get_unique_constraints(name)),
        )
        for name in seen.get_table_names()
        if name != VERSION_TABLE
    }


def test_the_versions_make_what_the_program_reads_and_writes(
    engine: sa.Engine, tmp_path: Path
) -> None:
    with engine.begin() as database:
        bring_to_newest(database)
        assert version_of(database) == NEWEST
    declared = sa.create_engine(f"sqlite:///{tmp_path / 'declared.sqlite'}")
    METADATA.create_all(declared)
    assert shape(engine) == shape(declared)


def test_a_ledger_of_the_first_version_keeps_its_records(engine: sa.Engine, tmp_path: Path) -> None:
    # As they were made before versions were counted.
    METADATA.create_all(engine, [METADATA.tables[name] for name in ("deliveries", "approvals")])
    with engine.begin() as database:
        database.execute(
            METADATA.tables["approvals"]
            .insert()
            .values(month="2026-03", digest="d", name="Ann", at="2026-04-03")
        )
    assert DeliveryLedger(Catalogue(tmp_path)).approved_by("2026-03", "d") == "Ann"
    assert sa.inspect(engine).has_table(VERSION_TABLE)


def test_a_newer_catalogue_is_refused(engine: sa.Engine, tmp_path: Path) -> None:
    with Catalogue(tmp_path).begin():
        pass
    with engine.begin() as database:
        database.execute(sa.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(NewerCatalogue, match="install that version again"):
        DeliveryLedger(Catalogue(tmp_path)).all()


def test_versions_that_lose_a_row_are_rolled_back(
    engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    DeliveryLedger(Catalogue(tmp_path)).approve("2026-03", "d", "Ann")
    with engine.begin() as database:
        database.exec_driver_sql(f"UPDATE {VERSION_TABLE} SET version_num = '0004'")
        database.exec_driver_sql("ALTER TABLE extracts DROP COLUMN seal")
    before = shape(engine)

    def careless(config: Config, _: str) -> None:
        database = config.attributes["connection"]
        database.exec_driver_sql("ALTER TABLE extracts ADD COLUMN seal VARCHAR(64)")
        database.exec_driver_sql("DELETE FROM approvals")

    monkeypatch.setattr(command, "upgrade", careless)
    with pytest.raises(NotBroughtToNewest, match="of 1 rows of approvals 0 could be read"):
        Catalogue(tmp_path).rows(sa.select(METADATA.tables["approvals"]))
    assert shape(engine) == before
    with engine.begin() as database:
        assert version_of(database) == "0004"
        assert len(database.execute(sa.select(METADATA.tables["approvals"])).all()) == 1
