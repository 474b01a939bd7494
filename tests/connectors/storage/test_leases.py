"""Leases: one holder at a time, a dead one keeps nobody waiting, and a lost one publishes nothing."""

import subprocess
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.storage import leases as module
from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import LEASES
from connectors.storage.leases import EXPIRY, AtWork, LeaseLost, Leases
from tests.postgresql import postgresql

HOLD_AND_BE_KILLED = """
import os, sys
from pathlib import Path
from connectors.storage.catalogue import Catalogue
from connectors.storage.leases import Leases
with Leases(Catalogue(Path(sys.argv[1]), sys.argv[2])).hold("month", "the backfill"):
    os.kill(os.getpid(), 9)
"""


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with postgresql() as port:
        yield f"postgresql+psycopg://onpace@127.0.0.1:{port}/postgres"


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest) -> str:
    return "" if request.param == "sqlite" else request.getfixturevalue("server")


@pytest.fixture
def catalogue(url: str, tmp_path: Path) -> Catalogue:
    return Catalogue(tmp_path, url)


def hasty(catalogue: Catalogue, looks: int = 1) -> Leases:
    return Leases(catalogue, looks, lambda _: None)


def change(catalogue: Catalogue, **values: object) -> None:
    """Change what the catalogue says of every lease, as another machine would."""
    with catalogue.begin() as database:
        database.execute(LEASES.update().values(**values))


def test_one_holds_and_the_other_is_told_who(catalogue: Catalogue) -> None:
    told: list[str] = []
    with (
        hasty(catalogue).hold("month", "the backfill"),
        pytest.raises(AtWork, match=r"the backfill \(process \d+ on .*, since .*\) is at work"),
        hasty(catalogue, 3).hold("month", "a report", told.append),
    ):
        pytest.fail("both at once")
    assert len(told) == 1, "said once, not at each look"
    assert told[0].startswith("waiting for the backfill (process ")


def test_who_waits_goes_on_once_the_other_is_done(catalogue: Catalogue) -> None:
    first = hasty(catalogue).hold("month", "the backfill")
    first.__enter__()
    waiting = Leases(catalogue, 5, lambda _: first.__exit__(None, None, None))
    with waiting.hold("month", "a report"):
        holder = waiting.holder("month")
    assert holder is not None
    assert holder.work == "a report"
    assert waiting.holder("month") is None


def test_other_names_are_free(catalogue: Catalogue) -> None:
    with hasty(catalogue).hold("month 2026-03", "a"), hasty(catalogue).hold("month 2026-04", "b"):
        pass


def test_homes_of_one_database_share_only_what_is_said_to_be_shared(
    server: str, tmp_path: Path
) -> None:
    here, there = (hasty(Catalogue(tmp_path / name, server)) for name in ("a", "b"))
    with here.hold("month", "a run"), there.hold("month", "a run"):
        pass
    with (
        here.hold("sending", "a delivery", is_shared=True),
        pytest.raises(AtWork),
        there.hold("sending", "a delivery", is_shared=True),
    ):
        pytest.fail("both at once")


def test_a_killed_process_keeps_nobody_waiting(
    catalogue: Catalogue, url: str, tmp_path: Path
) -> None:
    with catalogue.begin():  # a home has its name before two use it
        pass
    killed = subprocess.run(
        [sys.executable, "-c", HOLD_AND_BE_KILLED, str(tmp_path), url], check=False
    )
    assert killed.returncode == -9
    with hasty(catalogue).hold("month", "a report"):
        pass


@pytest.mark.parametrize("seconds", [-1, 1])
def test_another_machine_is_believed_until_it_was_silent_for_too_long(
    catalogue: Catalogue, seconds: int
) -> None:
    now = datetime.now(UTC)
    with hasty(catalogue).hold("month", "the backfill"):
        change(catalogue, machine="elsewhere", renewed_at=now.isoformat())
        with pytest.raises(AtWork, match="on elsewhere"), hasty(catalogue).hold("month", "a"):
            pytest.fail("both at once")
        # Also where its clock, or this database's, was set.
        silent = now - seconds * (EXPIRY + timedelta(seconds=60))
        change(catalogue, renewed_at=silent.isoformat())
        with hasty(catalogue).hold("month", "a report"):
            pass


def test_a_process_of_this_machine_is_believed_whatever_the_clock_says(
    catalogue: Catalogue,
) -> None:
    with hasty(catalogue).hold("month", "the backfill"):
        change(catalogue, renewed_at=datetime(2001, 1, 1, tzinfo=UTC).isoformat())
        with pytest.raises(AtWork), hasty(catalogue).hold("month", "a report"):
            pytest.fail("both at once")
        change(catalogue, process=1, started="0")  # its number was given to another process
        with hasty(catalogue).hold("month", "a report"):
            pass


def test_a_lease_that_could_not_be_given_back_keeps_its_own_process_waiting_no_longer(
    catalogue: Catalogue,
) -> None:
    held = hasty(catalogue).hold("month", "a notice")
    lease = held.__enter__()
    module._held.pop(lease.holder)  # as after a release that met no catalogue
    with hasty(catalogue).hold("month", "a report"):
        pass
    held.__exit__(None, None, None)


def test_who_writes_what_another_one_is_at_work_on_is_refused(catalogue: Catalogue) -> None:
    leases = hasty(catalogue)

    def write() -> None:
        with catalogue.begin() as database:
            leases.refuse_others(database, "month")

    write()  # nobody is at work
    with leases.hold("month", "the backfill") as lease:
        write()
        change(catalogue, holder="another", machine="elsewhere")
        with pytest.raises(LeaseLost):
            write()
        module._held.pop(lease.holder)
        with pytest.raises(AtWork, match="on elsewhere"):
            write()
        change(catalogue, renewed_at=datetime(2001, 1, 1, tzinfo=UTC).isoformat())
        write()
        module._held[lease.holder] = catalogue.home, lease.name


def test_what_was_taken_over_is_refused_in_the_transaction_that_writes(
    catalogue: Catalogue,
) -> None:
    with hasty(catalogue).hold("month", "the backfill") as lease:
        with catalogue.begin() as database:
            lease.refuse_lost(database)
        long_ago = datetime(2001, 1, 1, tzinfo=UTC).isoformat()
        change(catalogue, machine="elsewhere", renewed_at=long_ago)
        with hasty(catalogue).hold("month", "a report") as other:
            with pytest.raises(LeaseLost, match="run it again"), catalogue.begin() as database:
                lease.refuse_lost(database)
            with catalogue.begin() as database:
                other.refuse_lost(database)


def test_a_holder_gives_signs_of_life(
    catalogue: Catalogue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "BEAT", 0.01)
    long_ago = datetime(2001, 1, 1, tzinfo=UTC)
    with hasty(catalogue).hold("month", "the backfill"):
        change(catalogue, renewed_at=long_ago.isoformat())
        beaten = threading.Event()

        def look() -> None:
            while not beaten.is_set():
                holder = hasty(catalogue).holder("month")
                if holder is not None and holder.renewed_at > long_ago:
                    beaten.set()

        looking = threading.Thread(target=look, daemon=True)
        looking.start()
        assert beaten.wait(30)


def test_many_at_once_and_one_holds(url: str, tmp_path: Path) -> None:
    """Eight threads, each with connections of its own, take one lease 5 times: never two at once."""
    at_work, most, faults = 0, 0, list[BaseException]()
    counting = threading.Lock()
    with Catalogue(tmp_path, url).begin():
        pass

    def take() -> None:
        nonlocal at_work, most
        mine = Leases(Catalogue(tmp_path, url), 10_000, lambda _: None)
        try:
            for _ in range(5):
                with mine.hold("month", "a run"):
                    with counting:
                        at_work += 1
                        most = max(most, at_work)
                    with counting:
                        at_work -= 1
        except BaseException as fault:  # noqa: BLE001  # told by the test
            faults.append(fault)

    threads = [threading.Thread(target=take) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (faults, most) == ([], 1)
