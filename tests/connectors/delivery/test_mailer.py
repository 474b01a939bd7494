"""Each document once: whatever breaks, and wherever the process is killed."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from connectors.delivery import mailer
from connectors.delivery.ledger import DeliveryLedger, NoSuchDelivery, Status
from connectors.delivery.smtp import SmtpServer
from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import LEASES
from connectors.storage.leases import AtWork, LeaseLost
from tests.connectors.delivery.mail_servers import Inbox, serving
from tests.connectors.delivery.offices import MAILS, Office, bundle

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[3]


def test_each_document_goes_out_once(tmp_path: Path) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        first = office.run(bundle(1), bundle(2))
        again = office.run(bundle(1), bundle(2), bundle(3))
    assert (len(first.sent), first.is_complete) == (2, True)
    assert (again.sent, len(again.already)) == (["p3@acme.example person-3.pdf"], 2)
    assert len(set(inbox.ids)) == len(inbox.ids) == 3


def test_what_is_greylisted_is_tried_again_with_longer_pauses_and_then_by_the_next_run(
    tmp_path: Path,
) -> None:
    inbox = Inbox(answers={"RCPT": ["451 later"] * (mailer.ATTEMPTS + 1)})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        first = office.run(bundle(1))
        assert first.waiting == {"p1@acme.example person-1.pdf": "451 later"}
        assert len(office.pauses) == mailer.ATTEMPTS - 1
        assert office.pauses[0] < office.pauses[-1]
        assert office.run(bundle(1)).sent == ["p1@acme.example person-1.pdf"]
    assert len(inbox.envelopes) == 1


def test_one_address_that_is_refused_does_not_stop_the_others(tmp_path: Path) -> None:
    inbox = Inbox(answers={"RCPT p2@acme.example": ["550 5.1.1 no such user"]})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        done = office.run(bundle(1), bundle(2), bundle(3))
        assert (len(done.sent), done.refused) == (
            2,
            {"p2@acme.example person-2.pdf": "550 5.1.1 no such user"},
        )
        assert office.run(bundle(2)).refused, "a refused one is not tried by itself"
        (refused,) = [each for each in office.ledger.all() if each.status is Status.REFUSED]
        office.ledger.resolve(refused.id, was_sent=False)
        assert office.run(bundle(2)).sent == ["p2@acme.example person-2.pdf"]


def test_a_doubt_stays_until_a_person_says_what_became_of_it(tmp_path: Path) -> None:
    inbox = Inbox(drops={"ANSWER": 1})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        assert list(office.run(bundle(1), bundle(2)).unknown) == ["p1@acme.example person-1.pdf"]
        assert list(office.run(bundle(1), bundle(2)).unknown) == ["p1@acme.example person-1.pdf"], (
            "never sent again by itself"
        )
        assert len(inbox.envelopes) == 2
        (doubt,) = [each for each in office.ledger.all() if each.status is Status.UNKNOWN]
        with pytest.raises(NoSuchDelivery):
            office.ledger.resolve(99, was_sent=True)
        office.ledger.resolve(doubt.id, was_sent=False)
        again = office.run(bundle(1), bundle(2))
    assert again.sent == ["p1@acme.example person-1.pdf"]
    assert inbox.ids[0] == inbox.ids[2], "servers and people can see that it is a repeat"


def test_a_revision_goes_out_only_when_it_is_asked_for(tmp_path: Path) -> None:
    with serving(Inbox()) as port:
        office = Office(tmp_path, port)
        office.run(bundle(1))
        held = office.run(bundle(1, "second"), bundle(2, "second"))
        assert (held.revised, held.sent) == (
            ["p1@acme.example person-1.pdf"],
            ["p2@acme.example person-2.pdf"],
        )
        assert office.run(bundle(1, "second"), with_revisions=True).sent == [
            "p1@acme.example person-1.pdf"
        ]
    assert [
        (each.revision, each.status) for each in office.ledger.all() if each.file == "person-1.pdf"
    ] == [(1, Status.SENT), (2, Status.SENT)]


def test_a_letter_that_is_too_large_goes_out_with_links(tmp_path: Path) -> None:
    inbox = Inbox()
    with serving(inbox, size=1_200) as port:
        big = bundle(1)
        assert Office(tmp_path, port).run(big).sent == ["p1@acme.example person-1.pdf"]
    assert not list(inbox.envelopes[0][1].iter_attachments())


def test_two_postmen_do_not_work_at_once(tmp_path: Path) -> None:
    office = Office(tmp_path, 1)
    with office.leases.hold("sending", "a delivery", is_shared=True), pytest.raises(AtWork):
        office.run(bundle(1))


@pytest.mark.parametrize("place", [(DeliveryLedger, "claim"), (SmtpServer, "send")])
def test_who_stood_still_for_too_long_sends_nothing_that_another_one_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: tuple[type, str]
) -> None:
    """A machine sleeps at its first step; another one takes over and sends all, then the first one wakes up."""
    inbox, bundles = Inbox(), [bundle(n) for n in range(3)]
    owner, name = place
    usual = getattr(owner, name)
    with serving(inbox) as port:

        def asleep(*given: object, **named: object) -> object:
            monkeypatch.setattr(owner, name, usual)
            with Catalogue(tmp_path).begin() as database:
                long_ago = {"machine": "elsewhere", "renewed_at": "2001-01-01T00:00:00+00:00"}
                database.execute(LEASES.update().values(**long_ago))
            assert len(Office(tmp_path, port).run(*bundles).sent) == 3
            return usual(*given, **named)

        monkeypatch.setattr(owner, name, asleep)
        with pytest.raises(LeaseLost):
            Office(tmp_path, port).run(*bundles)
        assert len(Office(tmp_path, port).run(*bundles).already) == 3
    assert sorted(to[0] for to, _ in inbox.envelopes) == [each.address for each in bundles]


KILLS = 100


def test_killed_anywhere_nothing_is_lost_and_nothing_is_sent_twice(tmp_path: Path) -> None:
    """Killed 100 times while it delivers its mails: around writes to the ledger, words to the server and its answers."""
    inbox = Inbox()
    with serving(inbox) as port:
        command = [
            sys.executable,
            "-m",
            "tests.connectors.delivery.offices",
            str(tmp_path),
            str(port),
            str(KILLS),
            "4",
        ]
        done = subprocess.run(
            command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=300
        )
        assert done.returncode == 0, done.stderr
        last = Office(tmp_path, port).run(*(bundle(n) for n in range(MAILS)))
    records = DeliveryLedger(Catalogue(tmp_path)).all()
    arrived = [recipients[0] for recipients, _ in inbox.envelopes]
    sent, unknown = (
        {each.recipient for each in records if each.status is status}
        for status in (Status.SENT, Status.UNKNOWN)
    )
    assert int(done.stdout) > KILLS / 4, "processes were killed at work"
    assert len(arrived) == len(set(arrived)), "nobody got a mail twice"
    assert sent | unknown == {bundle(n).address for n in range(MAILS)}, "nobody was forgotten"
    assert sent <= set(arrived), "what is noted as sent did arrive"
    assert set(arrived) - sent <= unknown, "what arrived without a record is in doubt"
    assert 0 < len(unknown) < MAILS / 2, "a doubt is the exception"
    assert len(last.unknown) == len(unknown)


def test_a_relay_that_refuses_us_refuses_nobody_for_good(tmp_path: Path) -> None:
    """It dislikes the name that we greet it with; once that is mended everybody gets their mail."""
    inbox = Inbox(answers={"RCPT": ["504 5.5.2 Helo command rejected"] * 2})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        done = office.run(bundle(1), bundle(2), bundle(3))
        assert (done.sent, done.refused, len(done.waiting)) == ([], {}, 3)
        assert "check SMTP_HELO" in done.stopped
        assert {each.status for each in office.ledger.all()} == {Status.PLANNED}
        assert len(office.run(bundle(1), bundle(2), bundle(3)).sent) == 3


def test_a_relay_that_refuses_us_for_one_address_does_not_hold_up_the_others(
    tmp_path: Path,
) -> None:
    inbox = Inbox(answers={"RCPT p2@acme.example": ["554 5.7.1 Relay access denied"]})
    with serving(inbox) as port:
        done = Office(tmp_path, port).run(bundle(1), bundle(2), bundle(3))
    assert (len(done.sent), list(done.waiting), done.stopped) == (
        2,
        ["p2@acme.example person-2.pdf"],
        "",
    )


def test_each_hidden_copy_has_a_state_of_its_own(tmp_path: Path) -> None:
    copied = replace(bundle(1), hidden_copies=("old@acme.example", "archive@acme.example"))
    inbox = Inbox(answers={"RCPT old@acme.example": ["550 5.1.1 no such mailbox"]})
    with serving(inbox) as port:
        office = Office(tmp_path, port)
        done = office.run(copied)
        assert done.sent == ["p1@acme.example person-1.pdf"]
        assert done.refused == {
            "old@acme.example person-1.pdf": "hidden copy: 550 5.1.1 no such mailbox"
        }
        assert office.run(copied).already == ["p1@acme.example person-1.pdf"]
        states = {each.recipient: (each.channel, each.status) for each in office.ledger.all()}
    assert states == {
        "p1@acme.example": ("mail", Status.SENT),
        "old@acme.example": ("copy", Status.REFUSED),
        "archive@acme.example": ("copy", Status.SENT),
    }
    assert len(inbox.envelopes) == 1


def test_an_address_that_no_server_takes_does_not_hold_up_the_others(tmp_path: Path) -> None:
    with serving(Inbox()) as port:
        foreign = replace(bundle(2), address="jörg@acme.example")
        done = Office(tmp_path, port).run(bundle(1), foreign, bundle(3))
    assert len(done.sent) == 2
    assert "SMTPUTF8" in done.refused["jörg@acme.example person-2.pdf"]
