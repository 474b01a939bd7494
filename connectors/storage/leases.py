"""Leases: who is at work on what, known to every machine that shares a catalogue.

Put taking, renewing and judging a lease here. A lease is a row of the catalogue; what a lease of some
name protects is said where it is taken. Whether its holder is alive is asked of the operating system
where the holder is a process of this machine; else its last sign of life decides, so that a machine
that was switched off keeps nobody waiting for longer than `EXPIRY`.
"""

from __future__ import annotations

import os
import socket
import threading
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import lru_cache, partial
from pathlib import Path

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError
from tenacity import RetryError, Retrying, retry_if_exception_type, stop_after_attempt, wait_fixed

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import LEASES
from sales.errors import UserError

EXPIRY = timedelta(minutes=3)  # without a sign of life from another machine
BEAT = 20.0  # seconds between signs of life
LOOK_AGAIN = 1.0  # seconds
PATIENCE = 900  # looks: a month end with a long pull takes some minutes
LONGEST_WORK = 120
# What this process holds, or is about to: home and name by holder. A row of this process that is not
# among them was left by a release that did not reach the catalogue.
_held: dict[str, tuple[Path, str]] = {}
LONGEST_RELEASE = 5.0  # seconds for a sign of life that is under way
BREAKS = (UserError, OSError, SQLAlchemyError)
GONE = {"Z", "X"}  # states of a process that has ended and was not fetched by its parent


class AtWork(UserError, RuntimeError):
    """Somebody else is at work on the same, and did not finish while one waited."""


class LeaseLost(UserError, RuntimeError):
    """Another process took over what this one was at work on."""


@dataclass(frozen=True)
class Holder:
    """Who holds a lease: the row of the catalogue."""

    name: str
    holder: str
    work: str
    machine: str
    process: int
    started: str
    taken_at: datetime
    renewed_at: datetime

    @property
    def sentence(self) -> str:
        """Who it is, for a person who waits."""
        host = self.machine.partition(" ")[0]
        return (
            f"{self.work} (process {self.process} on {host}, since {self.taken_at:%Y-%m-%d %H:%M})"
        )

    def is_alive(self, now: datetime) -> bool:
        """Return whether the holder can still be at work, by the clock of the database."""
        if self.machine == this_machine() and self.process == os.getpid():
            return self.holder in _held
        if self.machine == this_machine() and (start := _start_of(self.process)) is not None:
            return start == self.started
        # A clock that was set back makes a sign of life come from the future.
        return abs(now - self.renewed_at) < EXPIRY


@dataclass(frozen=True)
class Lease:
    """Something that this process holds."""

    name: str
    holder: str

    def refuse_lost(self, database: sa.Connection) -> None:
        """Raise `LeaseLost` inside the transaction that writes what the lease protects."""
        mine = sa.select(LEASES.c.holder).where(LEASES.c.name == self.name).with_for_update()
        if database.execute(mine).scalar() != self.holder:
            raise LeaseLost(_lost(self.name))


class Leases:
    """The leases of one home, and those that all homes of a database share."""

    def __init__(
        self,
        catalogue: Catalogue,
        looks: int = PATIENCE,
        pause: Callable[[float], None] = time.sleep,
    ) -> None:
        """Use a catalogue; nothing is created until a lease is taken. Who is at work is looked at so many times, a second apart."""
        self._catalogue, self._looks, self._pause = catalogue, looks, pause

    @contextmanager
    def hold(
        self,
        name: str,
        work: str,
        tell: Callable[[str], None] = lambda _: None,
        *,
        is_shared: bool = False,
    ) -> Generator[Lease]:
        """Hold a lease while a block runs: one process of one machine at a time.

        `work` says to others what is done; `is_shared` makes it one of all homes that share the
        database. While another process holds it, `tell` hears who does; raises `AtWork` where that
        takes too long.
        """
        lease = self._taken(name, work, tell, is_shared=is_shared)
        over = threading.Event()
        beats = threading.Thread(target=self._renew, args=(lease, over), daemon=True)
        beats.start()
        try:
            yield lease
        finally:
            over.set()
            beats.join(LONGEST_RELEASE)
            _held.pop(lease.holder, None)
            # Where the catalogue does not answer now, the next one sees that nobody holds it any more.
            with suppress(*BREAKS), self._catalogue.begin() as database:
                database.execute(LEASES.delete().where(*_mine(lease)))

    def refuse_others(self, database: sa.Connection, name: str) -> None:
        """Raise, inside a transaction that writes what a lease protects, where another process is at work, or was since this one lost it.

        Who holds no lease may write while nobody does.
        """
        full = self._full(name, is_shared=False)
        here = self._catalogue.home, full
        mine = [holder for holder, held in _held.items() if held == here]
        found = sa.select(LEASES).where(LEASES.c.name == full).with_for_update()
        row = database.execute(found).first()
        if mine:
            if row is None or row.holder not in mine:
                raise LeaseLost(_lost(full))
        elif row is not None:
            now = _instant(database.execute(sa.select(sa.func.now())).scalar())
            if (other := _holder(row)).is_alive(now):
                raise AtWork(f"{other.sentence} is at work on the same; wait until it is done")

    def holder(self, name: str, *, is_shared: bool = False) -> Holder | None:
        """Return who is at work on something, none where nobody is or is no longer alive."""
        found = sa.select(LEASES, sa.func.now().label("now")).where(
            LEASES.c.name == self._full(name, is_shared=is_shared)
        )
        for row in self._catalogue.rows(found):
            holder = _holder(row)
            return holder if holder.is_alive(_instant(row.now)) else None
        return None

    def _full(self, name: str, *, is_shared: bool) -> str:
        return name if is_shared else f"{self._catalogue.name} {name}".strip()

    def _taken(
        self,
        name: str,
        work: str,
        tell: Callable[[str], None],
        *,
        is_shared: bool,
    ) -> Lease:
        told: list[str] = []

        def say(holder: Holder) -> None:
            if holder.holder not in told:
                told.append(holder.holder)
                tell(f"waiting for {holder.sentence}")

        again = Retrying(
            retry=retry_if_exception_type(_Held),
            stop=stop_after_attempt(self._looks),
            wait=wait_fixed(LOOK_AGAIN),
            sleep=self._pause,
        )
        try:
            return again(partial(self._try, name, work, say, is_shared=is_shared))
        except RetryError as given_up:
            held = given_up.last_attempt.exception()
            raise AtWork(
                f"{held} is at work on the same; wait until it is done, or end that process where it hangs"
            ) from None

    def _try(
        self, name: str, work: str, say: Callable[[Holder], None], *, is_shared: bool
    ) -> Lease:
        """Take a lease that nobody holds, or whose holder is dead; raises `_Held`."""
        mine = str(uuid.uuid4())
        try:
            with self._catalogue.begin() as database:  # which gives a home its name
                lease = Lease(self._full(name, is_shared=is_shared), mine)
                # Noted before the row is seen: no other thread of this process must take it for one
                # that was left.
                _held[mine] = self._catalogue.home, lease.name
                self._put(database, lease, work, say)
        except BaseException:
            _held.pop(mine, None)
            raise
        return lease

    def _put(
        self, database: sa.Connection, lease: Lease, work: str, say: Callable[[Holder], None]
    ) -> None:
        now = _instant(database.execute(sa.select(sa.func.now())).scalar())
        row = database.execute(sa.select(LEASES).where(LEASES.c.name == lease.name)).first()
        values = _values(lease, work, now)
        if row is None:
            # Two that insert at once: the second one's row is not taken, and it looks again.
            self._catalogue.add(database, LEASES, values)
        elif (holder := _holder(row)).is_alive(now):
            say(holder)
            raise _Held(holder.sentence)
        else:
            same = (LEASES.c.name == lease.name, LEASES.c.holder == holder.holder)
            database.execute(
                LEASES.update().where(*same, LEASES.c.renewed_at == row.renewed_at).values(**values)
            )
        if not database.execute(sa.select(LEASES.c.name).where(*_mine(lease))).first():
            raise _Held("another process")  # another one took it, or gave it up, in this moment

    def _renew(self, lease: Lease, over: threading.Event) -> None:
        """Give signs of life until the work is over, or somebody else took it."""
        while not over.wait(BEAT):
            with suppress(*BREAKS), self._catalogue.begin() as database:
                now = _instant(database.execute(sa.select(sa.func.now())).scalar())
                changed = LEASES.update().where(*_mine(lease)).values(renewed_at=now.isoformat())
                if not database.execute(changed).rowcount:
                    return


def _lost(name: str) -> str:
    return f"this process stood still for so long that another one took over {name}; nothing of its work was published, run it again"


class _Held(Exception):
    """Who is at work, in words."""


def _mine(lease: Lease) -> tuple[sa.ColumnElement[bool], ...]:
    return LEASES.c.name == lease.name, LEASES.c.holder == lease.holder


def _values(lease: Lease, work: str, now: datetime) -> dict[str, object]:
    process = os.getpid()
    return {
        "name": lease.name,
        "holder": lease.holder,
        "work": " ".join(work.split())[:LONGEST_WORK],
        "machine": this_machine(),
        "process": process,
        "started": _start_of(process) or "",
        "taken_at": now.isoformat(),
        "renewed_at": now.isoformat(),
    }


def _holder(row: sa.Row[tuple[object, ...]]) -> Holder:
    return Holder(
        row.name,
        row.holder,
        row.work,
        row.machine,
        row.process,
        row.started,
        datetime.fromisoformat(row.taken_at),
        datetime.fromisoformat(row.renewed_at),
    )


def _instant(said: object) -> datetime:
    """Return an instant of a database, which is UTC where it names no zone."""
    assert isinstance(said, datetime)  # noqa: S101  # SQLAlchemy's type of now()
    return said.astimezone(UTC) if said.tzinfo else said.replace(tzinfo=UTC)


def _start_of(process: int) -> str | None:
    """Return when a process of this machine began, in ticks since the kernel did: whatever the clock says; empty where it is gone, none where the system does not tell.

    proc(5): field 3 is the state, field 22 the start; the name before them may hold anything.
    """
    try:
        said = Path(f"/proc/{process}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return "" if Path("/proc/self/stat").exists() else None
    fields = said.rpartition(")")[2].split()
    return "" if fields[0] in GONE else fields[19]


@lru_cache(maxsize=1)
def this_machine() -> str:
    """Return what tells machines apart of which process numbers mean something: host, start of the kernel, container."""
    parts = [socket.gethostname()]
    with suppress(OSError):
        parts.append(Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip())
    with suppress(OSError):
        parts.append(str(Path("/proc/self/ns/pid").stat().st_ino))
    return " ".join(parts)
