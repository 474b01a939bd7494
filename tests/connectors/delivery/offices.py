"""A home with a ledger that sends to a server; run as a program, it delivers again and again and is killed at it."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import smtplib
import sys
import traceback
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

from connectors.delivery.ledger import DeliveryLedger, DeliveryRecord
from connectors.delivery.mailer import SendResult, deliver, message_id
from connectors.delivery.smtp import Attached, Letter, SmtpServer, SmtpSettings, connected
from connectors.storage.catalogue import Catalogue
from connectors.storage.leases import Leases
from sales.delivery.recipients import Document, MailBundle

MONTH, MAILS = "2026-04", 200
KILLED, BROKEN, HUNG = 9, 3, 60  # exit codes, seconds
STEPS = (
    (DeliveryLedger, ("claim", "note", "recover")),
    (SmtpServer, ("send", "_expect")),
    (smtplib.SMTP, ("send", "getreply")),
)


def bundle(n: int, content: str = "first") -> MailBundle:
    document = Document(
        f"person-{n}.pdf",
        hashlib.sha256(f"{n} {content}".encode()).hexdigest(),
        "person",
        str(n),
        "en",
        "A4",
        f"Person {n}",
    )
    return MailBundle(f"p{n}@acme.example", "", "en", (), (document,))


def compose(
    bundle: MailBundle,
    mine: Sequence[DeliveryRecord],
    known_id: str,
    linked: bool,  # noqa: FBT001
) -> Letter:  # the mailer's
    name = known_id or message_id(MONTH, bundle.address, mine, "acme.example")
    files = () if linked else tuple(Attached(each.file, b"%PDF " * 50) for each in mine)
    return Letter(
        bundle.address,
        "",
        bundle.hidden_copies,
        "s",
        "t\n",
        "<p>h</p>",
        name,
        "Month end <m.acme.example>",
        datetime(2026, 5, 5, 9, tzinfo=UTC),
        files,
    )


class Office:
    """A home with its ledger, and a server."""

    def __init__(self, home: Path, port: int) -> None:
        catalogue = Catalogue(home)
        self.ledger, self.leases = DeliveryLedger(catalogue), Leases(catalogue, looks=1)
        self.connect = partial(
            connected, SmtpSettings("127.0.0.1", port, "none", "Onpace <r@acme.example>")
        )
        self.pauses: list[float] = []

    def run(self, *bundles: MailBundle, with_revisions: bool = False) -> SendResult:
        return deliver(
            bundles,
            MONTH,
            self.ledger,
            self.connect,
            compose,
            self.leases.hold("sending", "a delivery", is_shared=True),
            pause=self.pauses.append,
            with_revisions=with_revisions,
        )

    def statuses(self) -> dict[str, str]:
        return {each.file: each.status.value for each in self.ledger.all()}


def main(home: Path, port: int, kills: int, seed: int) -> None:
    """Deliver so many times, each in a process of its own that is gone after some steps; print how many were killed.

    This process has no other thread, so that its children begin with every lock open.
    """
    chance, killed = random.Random(seed), 0  # noqa: S311  # chance, no secret
    for _ in range(kills):
        steps = chance.randrange(1, 60)
        child = os.fork()
        if not child:
            _deliver_until_killed(home, port, steps)
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        if code not in {0, KILLED}:
            sys.exit(f"a delivery ended with {code}")
        killed += code == KILLED
    print(killed)  # noqa: T201  # its answer


def _deliver_until_killed(home: Path, port: int, steps: int) -> None:
    left = steps
    signal.alarm(HUNG)

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(KILLED)

    for owner, names in STEPS:
        for name in names:
            setattr(owner, name, _stepping(getattr(owner, name), step))
    try:
        Office(home, port).run(*(bundle(n) for n in range(MAILS)))
    except BaseException:  # noqa: BLE001  # a child must not go on where its parent is
        traceback.print_exc()
        os._exit(BROKEN)
    os._exit(0)


def _stepping(work: Callable[..., object], step: Callable[[], None]) -> Callable[..., object]:
    def stepped(*args: object, **named: object) -> object:
        step()
        done = work(*args, **named)
        step()
        return done

    return stepped


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]))
