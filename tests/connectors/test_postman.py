"""Each document once: whatever breaks, and wherever the process is killed."""

import hashlib
import os
import random
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import pytest
from filelock import FileLock

from connectors import postman
from connectors.delivery_ledger import Delivery, DeliveryLedger, NoSuchDelivery, Status
from connectors.mail import Attached, Letter, SmtpServer, SmtpSettings, connected
from connectors.postman import AnotherPostman, Round, deliver, message_id
from sales.recipients import Document, Parcel
from tests.connectors.mail_servers import Inbox, serving

MONTH = "2026-04"


def parcel(n: int, content: str = "first") -> Parcel:
    document = Document(f"person-{n}.pdf", hashlib.sha256(f"{n} {content}".encode()).hexdigest(), "person", str(n), "en", f"Person {n}")
    return Parcel(f"p{n}@acme.example", "", "en", (), (document,))


def compose(parcel: Parcel, mine: Sequence[Delivery], known_id: str, linked: bool) -> Letter:  # noqa: FBT001  # the postman's
    name = known_id or message_id(MONTH, parcel.address, mine, "acme.example")
    files = () if linked else tuple(Attached(each.file, b"%PDF " * 50) for each in mine)
    return Letter(parcel.address, "", (), "s", "t\n", "<p>h</p>", name, "Month end <m.acme.example>", files)


class Office:
    """A home with its ledger, and a server."""

    def __init__(self, home: Path, port: int) -> None:
        self.ledger, self.lock = DeliveryLedger.at(home), home / "lock"
        self.connect = partial(connected, SmtpSettings("127.0.0.1", port, "none", "Onpace <r@acme.example>"))
        self.pauses: list[float] = []

    def run(self, *parcels: Parcel, with_revisions: bool = False) -> Round:
        return deliver(parcels, MONTH, self.ledger, self.connect, compose, self.lock, pause=self.pauses.append, with_revisions=with_revisions)

    def statuses(self) -> dict[str, str]:
        return {each.file: each.status.value for each in self.ledger.all()}


def test_each_document_goes_out_once(tmp_path: Path) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        first = office.run(parcel(1), parcel(2))
        again = office.run(parcel(1), parcel(2), parcel(3))
    assert (len(first.sent), first.is_complete) == (2, True)
    assert (again.sent, len(again.already)) == (["p3@acme.example person-3.pdf"], 2)
    assert len(set(inbox.ids)) == len(inbox.ids) == 3


def test_what_is_greylisted_is_tried_again_with_longer_pauses_and_then_by_the_next_run(tmp_path: Path) -> None:
    inbox = Inbox(answers={"RCPT": ["451 later"] * (postman.ATTEMPTS + 1)})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        first = office.run(parcel(1))
        assert first.waiting == {"p1@acme.example person-1.pdf": "451 later"}
        assert len(office.pauses) == postman.ATTEMPTS - 1
        assert office.pauses[0] < office.pauses[-1]
        assert office.run(parcel(1)).sent == ["p1@acme.example person-1.pdf"]
    assert len(inbox.envelopes) == 1


def test_one_address_that_is_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    inbox = Inbox(answers={"RCPT p2@acme.example": ["550 5.1.1 no such user"]})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        done = office.run(parcel(1), parcel(2), parcel(3))
        assert (len(done.sent), done.refused) == (2, {"p2@acme.example person-2.pdf": "550 5.1.1 no such user"})
        assert office.run(parcel(2)).refused, "a refused one is not tried by itself"
        (refused,) = [each for each in office.ledger.all() if each.status is Status.REFUSED]
        office.ledger.resolve(refused.id, was_sent=False)
        assert office.run(parcel(2)).sent == ["p2@acme.example person-2.pdf"]


def test_a_doubt_stays_until_a_person_says_what_became_of_it(tmp_path: Path) -> None:
    inbox = Inbox(drops={"ANSWER": 1})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        assert list(office.run(parcel(1), parcel(2)).unknown) == ["p1@acme.example person-1.pdf"]
        assert list(office.run(parcel(1), parcel(2)).unknown) == ["p1@acme.example person-1.pdf"], "never sent again by itself"
        assert len(inbox.envelopes) == 2
        (doubt,) = [each for each in office.ledger.all() if each.status is Status.UNKNOWN]
        with pytest.raises(NoSuchDelivery):
            office.ledger.resolve(99, was_sent=True)
        office.ledger.resolve(doubt.id, was_sent=False)
        again = office.run(parcel(1), parcel(2))
    assert again.sent == ["p1@acme.example person-1.pdf"]
    assert inbox.ids[0] == inbox.ids[2], "servers and people can see that it is a repeat"


def test_a_revision_goes_out_only_when_it_is_asked_for(tmp_path: Path) -> None:
    with serving(Inbox()) as port:
        office = Office(tmp_path, port)
        office.run(parcel(1))
        held = office.run(parcel(1, "second"), parcel(2, "second"))
        assert (held.revised, held.sent) == (["p1@acme.example person-1.pdf"], ["p2@acme.example person-2.pdf"])
        assert office.run(parcel(1, "second"), with_revisions=True).sent == ["p1@acme.example person-1.pdf"]
    assert [(each.revision, each.status) for each in office.ledger.all() if each.file == "person-1.pdf"] == [(1, Status.SENT), (2, Status.SENT)]


def test_a_letter_that_is_too_large_goes_out_with_links(tmp_path: Path) -> None:
    inbox = Inbox()
    with serving(inbox, size=1_200) as port:
        big = parcel(1)
        assert Office(tmp_path, port).run(big).sent == ["p1@acme.example person-1.pdf"]
    assert not list(inbox.envelopes[0][1].iter_attachments())


def test_two_postmen_do_not_work_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path, 1)
    with FileLock(office.lock), pytest.raises(AnotherPostman):
        office.run(parcel(1))


MAILS, KILLS = 200, 200


def test_killed_anywhere_nothing_is_lost_and_nothing_is_sent_twice(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed 200 times while it delivers 200 mails: around writes to the ledger, words to the server and its answers."""
    inbox, parcels = Inbox(), [parcel(n) for n in range(MAILS)]
    chance = random.Random(4)  # noqa: S311  # chance, no secret
    doubts: set[str] = set()
    with serving(inbox) as port:
        for _ in range(KILLS):
            _run_and_kill(tmp_path, port, parcels, monkeypatch, chance.randrange(1, 60))
            ledger = DeliveryLedger.at(tmp_path)
            doubts |= {each.recipient for each in ledger.all() if each.status is Status.UNKNOWN}
        last = Office(tmp_path, port).run(*parcels)
    records = DeliveryLedger.at(tmp_path).all()
    arrived = [recipients[0] for recipients, _ in inbox.envelopes]
    assert len(arrived) == len(set(arrived)), "nobody got a mail twice"
    unknown = {each.recipient for each in records if each.status is Status.UNKNOWN}
    assert {each.recipient for each in records if each.status is Status.SENT} | unknown == {each.address for each in parcels}, "nobody was forgotten"
    assert {each.recipient for each in records if each.status is Status.SENT} <= set(arrived), "what is noted as sent did arrive"
    assert set(arrived) - {each.recipient for each in records if each.status is Status.SENT} <= unknown, "what arrived without a record is a doubt"
    assert unknown == doubts
    assert 0 < len(unknown) < MAILS / 2, "a doubt is the exception"
    assert len(last.unknown) == len(unknown)


def _run_and_kill(home: Path, port: int, parcels: list[Parcel], monkeypatch: pytest.MonkeyPatch, steps: int) -> None:
    """Deliver in a process of its own that is gone after so many steps."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    left = steps

    def step() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os._exit(9)

    try:
        for owner, names in ((DeliveryLedger, ("claim", "note", "recover")), (SmtpServer, ("send", "_expect"))):
            for name in names:
                monkeypatch.setattr(owner, name, _stepping(getattr(owner, name), step))
        import smtplib

        for name in ("send", "getreply"):
            monkeypatch.setattr(smtplib.SMTP, name, _stepping(getattr(smtplib.SMTP, name), step))
        Office(home, port).run(*parcels)
    finally:
        os._exit(0)


def _stepping(work: object, step: object) -> object:
    def stepped(*args: object, **named: object) -> object:
        step()  # type: ignore[operator]
        done = work(*args, **named)  # type: ignore[operator]
        step()  # type: ignore[operator]
        return done

    return stepped
