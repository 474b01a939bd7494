"""Two machines with one ledger: each has a home of its own, and both mail the same month.

Put trials here that need more than one machine. A fork is a machine of its own by the name that it
takes leases under: whether the other's processes live it can only tell by their signs of life, which
come and run out faster here.
"""

from __future__ import annotations

import os
import random
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from connectors.delivery.ledger import DeliveryLedger
from connectors.storage import leases
from tests.chaos.homes import SECOND, Firm, Running
from tests.chaos.trials import Verdict, judge_mails
from tests.postgresql import postgresql

MACHINES = ("amsterdam", "berlin")
EXPIRY, BEAT, LOOK_AGAIN = timedelta(seconds=3), 0.5, 0.2
DELIVER = ("deliver", str(SECOND))
MAILS = 3  # that a month end of the firm takes
STOPPED_EACH = 4  # trials: one machine stands still in place of being killed


@dataclass(frozen=True)
class Pair:
    """Two homes whose ledger is in one database."""

    firm: Firm
    folder: Path
    ledger: str

    def start(
        self,
        machine: str,
        words: Sequence[str] = DELIVER,
        prepare: Callable[[], None] = lambda: None,
    ) -> Running:
        """Let a machine deliver, or run another command."""
        return self.firm.start(
            self.folder / machine,
            words,
            settings={"ONPACE_LEDGER_URL": self.ledger},
            prepare=partial(_be_machine, machine, prepare),
        )


class SharedLedger:
    """Pairs of homes whose ledger is in one database of some kind, copied from one pair."""

    def __init__(self, firm: Firm, kind: str, copied: Callable[[str, Path], str]) -> None:
        """Make the pair that is copied; `copied` makes a copy of a ledger for a folder, or an empty one of no ledger, and returns its address."""
        self._firm, self._kind, self._copied = firm, kind, copied
        folder = Path(tempfile.mkdtemp(dir=firm.folder, prefix="pair-"))
        for machine in MACHINES:
            shutil.copytree(firm.home, folder / machine)
        self._original = Pair(firm, folder, copied("", folder))
        for machine in MACHINES:
            moved = self._original.start(machine, ("revisions", str(SECOND))).wait()
            assert moved.code == 0, moved.said

    def trial(self, number: int, chance: random.Random, verdict: Verdict) -> None:
        """Let both machines deliver and end one of them, or both; they do it again, and everybody got their mail once."""
        pair = self._copy()
        is_stopped = number // 2 % STOPPED_EACH == 1
        what = _stopped(pair, chance) if is_stopped else _killed(pair, chance)
        again = [each.wait() for each in [pair.start(machine) for machine in MACHINES]]
        last = pair.start(MACHINES[0]).wait()
        said = "".join(each.said for each in (*again, last))
        judge_mails(verdict, self._firm, pair.folder / MACHINES[0], f"{self._kind}: {what}", said)

    def _copy(self) -> Pair:
        folder = Path(tempfile.mkdtemp(dir=self._firm.folder, prefix="pair-"))
        for machine in MACHINES:
            shutil.copytree(self._original.folder / machine, folder / machine)
        return Pair(self._firm, folder, self._copied(self._original.ledger, folder))


def _killed(pair: Pair, chance: random.Random) -> str:
    """Kill one machine, or both, around a mail."""
    doomed = chance.choice([MACHINES[:1], MACHINES[1:], MACHINES])
    instants = {each: _instant(chance) for each in doomed}
    running = [
        pair.start(each, prepare=partial(_end_self, instants.get(each), signal.SIGKILL))
        for each in sorted(MACHINES, key=lambda machine: machine not in doomed)
    ]
    codes = [each.wait().code for each in running]
    return f"killed {', '.join(f'{each} {instant}' for each, instant in instants.items())} {codes}"


def _stopped(pair: Pair, chance: random.Random) -> str:
    """Let one machine stand still around a mail for longer than its lease lasts, while the other one delivers."""
    instant = _instant(chance)
    first = pair.start(MACHINES[0], prepare=partial(_end_self, instant, signal.SIGSTOP))
    _, status = os.waitpid(first.process, os.WUNTRACED)
    second = pair.start(MACHINES[1]).wait()
    if os.WIFSTOPPED(status):
        os.kill(first.process, signal.SIGCONT)
        _, status = os.waitpid(first.process, 0)
    return (
        f"{MACHINES[0]} stood still {instant} [{os.waitstatus_to_exitcode(status)}, {second.code}]"
    )


@dataclass(frozen=True)
class Instant:
    """So many seconds after the claim of a mail."""

    mail: int
    seconds: float

    def __str__(self) -> str:
        """For the verdict."""
        return f"{self.seconds * 1000:.1f} ms after claim {self.mail}"


def _instant(chance: random.Random) -> Instant:
    return Instant(
        chance.randint(1, MAILS), chance.choice([0.001, 0.003, 0.01, 0.03]) * chance.random()
    )


def _end_self(instant: Instant | None, how: signal.Signals) -> None:
    """Let this process, a fork, kill or stop itself at an instant."""
    if instant is None:
        return
    claim, claims = DeliveryLedger.claim, count(1)

    def claim_and_end(*arguments: Any) -> bool:
        is_taken = claim(*arguments)
        if next(claims) == instant.mail:
            signal.setitimer(signal.ITIMER_REAL, instant.seconds + 1e-6)
        return is_taken

    DeliveryLedger.claim = claim_and_end  # type: ignore[method-assign]
    signal.signal(signal.SIGALRM, lambda *_: os.kill(os.getpid(), how))


def _be_machine(name: str, prepare: Callable[[], None]) -> None:
    leases.this_machine = lambda: name
    leases.EXPIRY, leases.BEAT, leases.LOOK_AGAIN = EXPIRY, BEAT, LOOK_AGAIN
    prepare()


@contextmanager
def shared_ledgers(firm: Firm) -> Iterator[list[SharedLedger]]:
    """Yield ledgers on SQLite and, where this machine has it, on PostgreSQL."""
    with ExitStack() as stack:
        found = [SharedLedger(firm, "SQLite", _sqlite)]
        try:
            port = stack.enter_context(postgresql())
            found.append(SharedLedger(firm, "PostgreSQL", partial(_postgresql, port)))
        except pytest.skip.Exception as none:
            print(f"machines: not tried on PostgreSQL: {none}", flush=True)  # noqa: T201  # part of the report
        yield found


def _sqlite(original: str, folder: Path) -> str:
    path = folder / "ledger.sqlite"
    if original:
        shutil.copy2(str(sa.make_url(original).database), path)
    return f"sqlite:///{path}"


def _postgresql(port: int, original: str, folder: Path) -> str:
    address = sa.make_url(f"postgresql+psycopg://onpace@127.0.0.1:{port}/postgres")
    name = folder.name.replace("-", "_").lower()
    of = f' TEMPLATE "{sa.make_url(original).database}"' if original else ""
    engine = sa.create_engine(address, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
    with engine.connect() as database:
        database.execute(sa.text(f'CREATE DATABASE "{name}"{of}'))
    return address.set(database=name).render_as_string()
