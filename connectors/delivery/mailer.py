"""The mailer: letters to recipients, each document once.

Put the order of steps here, in which nothing is lost and nothing is sent twice:

1. what is to go out is planned in the ledger;
2. a mail's documents are claimed (`sending`);
3. all of the mail but its last line is sent: whatever breaks until here, the server took nothing,
and they are planned again; 4. they are noted as `unknown`, and then the last line is sent; 5. the
server's answer is noted: `sent`, `refused`, or planned again.

Killed in step 2 or 3, the next run sends them; killed between 4 and 5, they stay `unknown` until a
person says what became of them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from connectors.delivery.ledger import DeliveryLedger, DeliveryRecord, Status
from connectors.delivery.smtp import (
    Accepted,
    Ambiguous,
    Letter,
    NotAccepted,
    Refused,
    SenderRefused,
    SmtpServer,
    TooLarge,
)
from connectors.storage.leases import Lease
from sales.delivery.recipients import Document, MailBundle
from sales.errors import UserError

MAIL, REHEARSAL, COPY = "mail", "rehearsal", "copy"
FLASH, FLASH_REHEARSAL = "flash", "flash rehearsal"
ATTEMPTS = 4
FIRST_WAIT, LONGEST_WAIT = 1.0, 60.0  # seconds
# A relay may refuse us for one address only, or for all: after so many it is not asked about the rest.
MOST_IN_A_ROW = 2
NOT_TRIED = "not tried: the mail server refuses us"

Connect = Callable[[], AbstractContextManager[SmtpServer]]
# Makes a parcel's letter: of the documents named by file with their revisions, with links instead
# of files or not.
Compose = Callable[[MailBundle, Sequence[DeliveryRecord], str, bool], Letter]


@dataclass
class SendResult:
    """What became of the mails of one run; `stopped` is why the server took none of the rest."""

    sent: list[str] = field(default_factory=list)
    already: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    waiting: dict[str, str] = field(default_factory=dict)
    unknown: dict[str, str] = field(default_factory=dict)
    revised: list[str] = field(default_factory=list)
    stopped: str = ""

    @property
    def is_complete(self) -> bool:
        """Whether nothing is left to do."""
        return not (self.refused or self.waiting or self.unknown)


def deliver(
    bundles: Sequence[MailBundle],
    month: str,
    ledger: DeliveryLedger,
    connect: Connect,
    compose: Compose,
    alone: AbstractContextManager[Lease],
    *,
    pause: Callable[[float], None],
    with_revisions: bool = False,
    channel: str = MAIL,
) -> SendResult:
    """Send each parcel's documents that were never sent to it; a failure of one leaves the others standing.

    A revision of a document that was sent goes out `with_revisions` only. A rehearsal has a channel
    of its own. `alone` keeps away whoever else would send; raises what it raises, and
    `MailUnusable` where mail cannot be sent at all.
    """
    found = SendResult()
    with alone as lease:
        ledger = ledger.under(lease)
        ledger.recover(channel)
        records = ledger.plan(
            month, channel, [_key(bundle, each) for bundle in bundles for each in bundle.documents]
        )
        planned = [
            (bundle, [records[_key(bundle, each)] for each in bundle.documents])
            for bundle in bundles
        ]
        for bundle, deliveries in planned:
            _sort(bundle, deliveries, found)
        todo: list[tuple[MailBundle, list[DeliveryRecord]]] = []
        for bundle, mine in planned:
            due = [each for each in mine if each.status is Status.PLANNED]
            held = (
                []
                if with_revisions
                else [each for each in due if each.revision > 1 and ledger.sent_before(each)]
            )
            found.revised += [f"{bundle.address} {each.file}" for each in held]
            todo.append((bundle, [each for each in due if each not in held]))
        session = _Session(connect)
        try:
            in_a_row = 0
            for bundle, mine in todo:
                if mine and found.stopped:
                    found.waiting |= dict.fromkeys(_names(bundle, mine), NOT_TRIED)
                elif mine:
                    us = _send(bundle, mine, ledger, session, compose, found, pause)
                    in_a_row = in_a_row + 1 if us else 0
                    found.stopped = us if in_a_row == MOST_IN_A_ROW else ""
        finally:
            session.close()
    return found


def message_id(month: str, address: str, deliveries: Sequence[DeliveryRecord], domain: str) -> str:
    """Return the id of a mail: the same for the same month, recipient and revisions, so that a repeat is known as one."""
    content = "\0".join(
        [
            month,
            address.casefold(),
            *(f"{each.file}\0{each.revision}\0{each.sha256}" for each in deliveries),
        ]
    )
    return f"<onpace.{month}.{hashlib.sha256(content.encode()).hexdigest()[:32]}@{domain}>"


def _key(bundle: MailBundle, document: Document) -> tuple[str, str, str]:
    return bundle.address, document.file, document.sha256


def _sort(bundle: MailBundle, deliveries: Sequence[DeliveryRecord], found: SendResult) -> None:
    """Note what the ledger knows of a parcel before anything is sent."""
    for each in deliveries:
        name = f"{bundle.address} {each.file}"
        if each.status is Status.SENT:
            found.already.append(name)
        elif each.status is Status.REFUSED:
            found.refused[name] = each.detail
        elif each.status is Status.UNKNOWN:
            found.unknown[name] = f"delivery {each.id}: {each.detail}"


def _send(
    bundle: MailBundle,
    mine: list[DeliveryRecord],
    ledger: DeliveryLedger,
    session: _Session,
    compose: Compose,
    found: SendResult,
    pause: Callable[[float], None],
) -> str:
    """Send a mail and note what became of it; return why the server refuses us, empty where it does not."""
    names = _names(bundle, mine)
    retrying = Retrying(
        retry=retry_if_exception_type(NotAccepted),
        stop=stop_after_attempt(ATTEMPTS),
        wait=wait_exponential_jitter(FIRST_WAIT, LONGEST_WAIT),
        sleep=pause,
        reraise=True,
    )
    try:
        accepted: Accepted = retrying(_attempt, bundle, mine, ledger, session, compose)
    except NotAccepted as later:
        found.waiting |= dict.fromkeys(names, str(later))
    except SenderRefused as us:
        reason = f"the mail server refuses us ({us}); check SMTP_HELO, SMTP_FROM and SMTP_USERNAME, and run it again"
        found.waiting |= dict.fromkeys(names, reason)
        return reason
    except Refused as never:
        ledger.note(mine, Status.REFUSED, str(never))
        found.refused |= dict.fromkeys(names, str(never))
    except Ambiguous as unknown:
        ledger.note(mine, Status.UNKNOWN, str(unknown))
        found.unknown |= {
            name: f"delivery {each.id}: {unknown}" for name, each in zip(names, mine, strict=True)
        }
    else:
        ledger.note(mine, Status.SENT, accepted.answer)
        found.sent += names
        _note_copies(bundle, mine, accepted, ledger, found)
    return ""


def _note_copies(
    bundle: MailBundle,
    mine: list[DeliveryRecord],
    accepted: Accepted,
    ledger: DeliveryLedger,
    found: SendResult,
) -> None:
    """Note what became of hidden copies, each by its own address."""
    for address in bundle.hidden_copies:
        keys = [(address, each.file, each.sha256) for each in mine]
        records = list(ledger.plan(mine[0].month, COPY, keys).values())
        reason = accepted.refused_copies.get(address)
        if reason is None:
            ledger.note(records, Status.SENT, f"with the mail to {bundle.address}")
            continue
        ledger.note(records, Status.REFUSED, reason)
        found.refused |= {f"{address} {each.file}": f"hidden copy: {reason}" for each in records}


def _names(bundle: MailBundle, mine: Sequence[DeliveryRecord]) -> list[str]:
    return [f"{bundle.address} {each.file}" for each in mine]


def _attempt(
    bundle: MailBundle,
    mine: list[DeliveryRecord],
    ledger: DeliveryLedger,
    session: _Session,
    compose: Compose,
) -> Accepted:
    """Send a mail once; whatever was certainly not accepted is planned again."""
    letter = compose(bundle, mine, "", False)
    if not ledger.claim(mine, letter.message_id):
        raise NotAccepted("its records changed in this moment")
    try:
        server = session.server()
        try:
            return server.send(
                letter,
                lambda: ledger.note(mine, Status.UNKNOWN, "no answer of the server was noted"),
            )
        except TooLarge as large:
            smaller = compose(bundle, mine, letter.message_id, True)
            if not smaller.attached:
                return server.send(
                    smaller,
                    lambda: ledger.note(mine, Status.UNKNOWN, "no answer of the server was noted"),
                )
            raise Refused(
                f"{large}; set ONPACE_PACKS_URL to an address at which recipients can open documents"
            ) from None
    except (NotAccepted, Refused, SenderRefused) as failed:
        session.recover()
        ledger.note(mine, Status.PLANNED, str(failed))
        raise
    except Ambiguous:
        session.close()
        raise
    except UserError:
        ledger.note(mine, Status.PLANNED)
        raise


class _Session:
    """The open session with the server, opened when first needed and again after it broke."""

    def __init__(self, connect: Connect) -> None:
        self._connect = connect
        self._open: AbstractContextManager[SmtpServer] | None = None
        self._server: SmtpServer | None = None

    def server(self) -> SmtpServer:
        if self._server is None:
            self._open = self._connect()
            self._server = self._open.__enter__()
        return self._server

    def recover(self) -> None:
        """Begin the next mail in a new session: what state a failed one is in, nobody knows."""
        self.close()

    def close(self) -> None:
        opened, self._open, self._server = self._open, None, None
        if opened is not None:
            opened.__exit__(None, None, None)
