"""The ledger of deliveries on a real PostgreSQL, where the machine has one."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psycopg
import pytest
import sqlalchemy as sa

from app.demo.mail_server import free_port
from connectors.delivery.ledger import DeliveryLedger, NoSuchDelivery, Status
from connectors.storage.catalogue import Catalogue, CatalogueUnusable
from connectors.storage.catalogue_schema import DELIVERIES
from tests.postgresql import postgresql

pytestmark = pytest.mark.slow

WANTED = [("a@acme.example", "company.pdf", "aa"), ("b@acme.example", "company.pdf", "aa")]


@pytest.fixture
def ledger_of(tmp_path: Path) -> Callable[[str], DeliveryLedger]:
    return lambda address: DeliveryLedger(Catalogue(tmp_path, address))


@pytest.fixture(scope="module")
def address() -> Iterator[str]:
    with postgresql() as port:
        yield f"postgresql+psycopg://onpace@127.0.0.1:{port}/postgres"


def test_states_of_deliveries_are_kept(
    address: str, ledger_of: Callable[[str], DeliveryLedger]
) -> None:
    ledger = ledger_of(address)
    planned = list(ledger.plan("2026-04", "mail", WANTED).values())
    assert [each.status for each in planned] == [Status.PLANNED] * 2
    assert ledger.claim(planned[:1], "<id>")
    assert not ledger.claim(planned, "<id>"), "one of them is taken"
    assert ledger.recover("mail") == 1
    ledger.note(planned[:1], Status.UNKNOWN, "no answer")
    assert ledger_of(address).plan("2026-04", "mail", WANTED)[WANTED[0]].status is Status.UNKNOWN
    assert ledger.resolve(planned[0].id, was_sent=True).status is Status.SENT
    with pytest.raises(NoSuchDelivery):
        ledger.resolve(planned[0].id, was_sent=False)
    assert ledger.recipients_of("aa") == ["a@acme.example"]
    ledger.approve("2026-04", "digest", "Ann")
    assert (ledger.approved_by("2026-04", "digest"), ledger.approved_by("2026-04", "other")) == (
        "Ann",
        "",
    )


def test_of_many_processes_that_claim_a_mail_one_gets_it(
    address: str, ledger_of: Callable[[str], DeliveryLedger]
) -> None:
    planned = list(ledger_of(address).plan("2026-05", "mail", WANTED).values())
    with ThreadPoolExecutor(8) as pool:
        claims = list(pool.map(lambda n: ledger_of(address).claim(planned, f"<{n}>"), range(8)))
    assert claims.count(True) == 1


def test_of_many_processes_that_plan_the_same_each_sees_one_record(
    address: str, ledger_of: Callable[[str], DeliveryLedger]
) -> None:
    with ThreadPoolExecutor(8) as pool:
        plans = list(
            pool.map(lambda _: ledger_of(address).plan("2026-06", "mail", WANTED), range(8))
        )
    assert len({each.id for plan in plans for each in plan.values()}) == 2


def test_of_many_that_upgrade_a_new_ledger_at_once_each_can_use_it(
    address: str, ledger_of: Callable[[str], DeliveryLedger]
) -> None:
    with psycopg.connect(address.replace("+psycopg", ""), autocommit=True) as server:
        server.execute("CREATE DATABASE new_ledger")
    new = address.replace("/postgres", "/new_ledger")
    with ThreadPoolExecutor(8) as pool:
        answers = [pool.submit(ledger_of(new).all) for _ in range(8)]
        assert [answer.result(timeout=60) for answer in answers] == [[]] * 8


def test_an_address_is_never_shown_with_its_password(tmp_path: Path) -> None:
    with pytest.raises(CatalogueUnusable) as fault:
        Catalogue(
            tmp_path, f"postgresql+psycopg://onpace:s3cret-planted@127.0.0.1:{free_port()}/none"
        ).rows(sa.select(DELIVERIES))
    assert "s3cret-planted" not in str(fault.value)
    with pytest.raises(CatalogueUnusable, match="name a database such as"):
        Catalogue(tmp_path, "nonsense://s3cret-planted@host")
