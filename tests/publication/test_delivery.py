"""The delivery service on a published month of a small firm, with a real mail server."""

import hashlib
import json
import re
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from connectors.delivery.mailer import SendResult
from connectors.delivery.outbox import UnusableOutbox
from connectors.storage.catalogue_schema import DELIVERIES, STORED_FILES
from connectors.storage.monthly_tables import NotComputed
from publication.delivery import (
    DeliveryService,
    HeldBack,
    LedgerBehind,
    NoMailServer,
)
from publication.document_links import opened
from publication.extract_selection import published_extract
from publication.letters import NotForTheirEyes
from publication.month_inputs import resolve
from sales.delivery.recipients import may_see
from tests.connectors.delivery.mail_servers import Inbox, serving
from tests.publication.april import NOW, delivery_of
from tests.reports.months import MONTH

pytestmark = pytest.mark.slow


@pytest.fixture
def office(published: Path, tmp_path: Path) -> Callable[..., DeliveryService]:
    """The delivery service of a copy of that home, by port and further rules."""
    folder = tmp_path / "office"
    shutil.copytree(published, folder)

    def room(port: int = 1, rules: str = "") -> DeliveryService:
        return delivery_of(folder, port, rules)

    return room


def test_recipients_get_their_documents_with_the_headline_numbers(
    office: Callable[..., DeliveryService],
) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        done = office(port).send(MONTH)
        assert office(port).send(MONTH).sent == []
    assert done.is_complete
    mails = {recipients[0]: message for recipients, message in inbox.envelopes}
    assert set(mails) == {"md@acme.example", "ann@acme.example", "bob@acme.example"}
    director = mails["md@acme.example"]
    assert next(part.get_filename() for part in director.iter_attachments()) == "company.pdf"
    text = director.get_body(("plain",))
    assert text is not None
    for words in (
        "April 2026 booked €0, 0% of its target of €15k.",
        "1. Lead of South: Agree with Bob what the year can still bring:",
        "Year to date: €40k (67% of €60k)",
        "Still to win: €140k",
        "2 documents are attached.",
    ):
        assert words in text.get_content()
    assert [part.get_filename() for part in mails["ann@acme.example"].iter_attachments()] == [
        next(
            path.name
            for path in (office().workspace.home / "packs" / "2026-04").glob("person-ann-*.pdf")
        )
    ]


def test_nobody_is_sent_what_they_may_not_see_even_if_it_was_planned(
    office: Callable[..., DeliveryService], monkeypatch: pytest.MonkeyPatch
) -> None:
    from publication import delivery as delivery_service

    inbox = Inbox()
    planned = delivery_service.mailing

    def swapped(*given: object) -> object:
        plan = planned(*given)  # type: ignore[arg-type]
        first, second, *rest = plan.bundles
        return replace(plan, bundles=(replace(first, documents=second.documents), second, *rest))

    monkeypatch.setattr(delivery_service, "mailing", swapped)
    with (
        serving(inbox) as port,
        pytest.raises(NotForTheirEyes, match="who may not see it; nothing was sent"),
    ):
        office(port).send(MONTH)
    assert inbox.envelopes == []


def test_every_recipient_of_a_real_plan_against_every_document(
    office: Callable[..., DeliveryService],
) -> None:
    room = office()
    plan, directory = (
        room.planned(MONTH),
        resolve(room.workspace, MONTH, published_extract(room.workspace, MONTH)).directory,
    )
    documents = {each for bundle in plan.bundles for each in bundle.documents}
    for bundle in plan.bundles:
        for document in documents:
            assert (document in bundle.documents) == may_see(
                bundle.address, document, room.workspace.recipients, directory
            ), (
                bundle.address,
                document.file,
            )


def test_a_month_that_is_held_back_sends_nothing_and_says_why_once(
    office: Callable[..., DeliveryService],
) -> None:
    inbox, rules = Inbox(), "[delivery]\nneeds_approval = true\n"
    with serving(inbox) as port:
        room = office(port, rules)
        with pytest.raises(HeldBack, match="nobody has approved of 2026-04 as it is"):
            room.send(MONTH)
        for _ in range(2):
            room.notify(MONTH, "held", "; ".join(room.held(MONTH)))
        assert [recipients for recipients, _ in inbox.envelopes] == [["operations@acme.example"]]
        room.approve(MONTH, "Ann")
        assert room.send(MONTH).is_complete
    assert len(inbox.envelopes) == 4


def test_a_channel_learns_of_it_too(office: Callable[..., DeliveryService]) -> None:
    told: list[tuple[str, ...]] = []
    channel = SimpleNamespace(tell=lambda *words: told.append(words))
    replace(office(), notices=channel, smtp=None).notify(
        MONTH, "The month end is held back", "Nothing was sent."
    )
    assert told == [("The month end is held back", "Nothing was sent.")]


def test_an_approval_is_of_the_documents_as_they_are(
    office: Callable[..., DeliveryService],
) -> None:
    room = office(rules="[delivery]\nneeds_approval = true\n")
    room.approve(MONTH, "Ann")
    assert room.held(MONTH) == []
    path = room.workspace.published.documents(MONTH) / "manifest.json"
    manifest = json.loads(path.read_text())
    manifest["documents"][0]["sha256"] = "0" * 64
    path.write_text(json.dumps(manifest))
    with pytest.raises(NotComputed, match="are not in .* as they were published"):
        room.held(MONTH)
    with room.workspace.catalogue.begin() as database:
        database.execute(STORED_FILES.delete())  # as of before their digests were noted
    with pytest.raises(NotComputed, match="does not list what was published"):
        room.held(MONTH)
    current = room.workspace.published.current(MONTH)
    assert current is not None
    others = hashlib.sha256(
        "".join(each["sha256"] for each in manifest["documents"]).encode()
    ).hexdigest()[:32]
    room.workspace.published.publish(MONTH, current.extract_id, NOW, others, printed=path.parent)
    assert room.held(MONTH) == [
        "nobody has approved of 2026-04 as it is; look at it and run `onpace approve 2026-04`"
    ]


def test_what_is_shown_and_not_published_does_not_leave(
    office: Callable[..., DeliveryService],
) -> None:
    """A run that was killed before it published leaves nothing that is sent, whatever lies below packs."""
    room = office()
    for path in (room.workspace.home / "packs" / "2026-04").iterdir():
        path.unlink()
        path.write_bytes(b"of a run that was killed")
    inbox = Inbox()
    with serving(inbox) as port:
        assert office(port).send(MONTH).is_complete
    sent = [part.get_content() for _, mail in inbox.envelopes for part in mail.iter_attachments()]
    assert sent
    assert all(each.startswith(b"%PDF") for each in sent)


def test_a_rehearsal_goes_to_one_address_that_is_allowed(
    office: Callable[..., DeliveryService],
) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        with pytest.raises(NotForTheirEyes, match="is in none of allowed_domains"):
            office(port).send(MONTH, only_to="me@private.example")
        assert office(port).send(MONTH, only_to="me@acme.example").is_complete
        assert {address for recipients, _ in inbox.envelopes for address in recipients} == {
            "me@acme.example"
        }
        assert len(office(port).send(MONTH).sent) == 4, (
            "a rehearsal takes nothing from the recipients"
        )


def test_a_document_that_was_changed_on_disk_does_not_leave(
    office: Callable[..., DeliveryService],
) -> None:
    inbox, room = Inbox(), office()
    (room.workspace.published.documents(MONTH) / "company.pdf").write_bytes(b"%PDF forged")
    with pytest.raises(NotComputed, match="is not the file that was published"):
        room.planned(MONTH)  # the dry run says so too
    with (
        serving(inbox) as port,
        pytest.raises(Exception, match="is not the file that was published"),
    ):
        office(port).send(MONTH)
    assert all(message["To"] != "md@acme.example" for _, message in inbox.envelopes)


def test_a_pack_that_is_too_large_for_the_server_is_linked(
    office: Callable[..., DeliveryService],
) -> None:
    inbox = Inbox()
    with serving(inbox, size=20_000) as port:
        assert office(port).send(MONTH).is_complete
    home = office().workspace.home
    for (recipient, *_), message in inbox.envelopes:
        text = message.get_body(("plain",))
        assert text is not None
        tokens = re.findall(r"https://packs\.acme\.example/link/(\S+)", text.get_content())
        assert tokens
        for token in tokens:
            assert opened(token, home, NOW).address == recipient


def test_a_link_is_its_recipients_own_where_another_one_gets_the_same(
    office: Callable[..., DeliveryService],
) -> None:
    room, inbox = office(), Inbox()
    path = room.workspace.policy_folder / "recipients.toml"
    same = '[[recipients]]\naddress = "{}@acme.example"\npacks = ["company"]\n'
    path.write_text(
        'allowed_domains = ["acme.example"]\n' + same.format("one") + same.format("two")
    )
    with serving(inbox, size=20_000) as port:
        office(port).send(MONTH)
        office(port).send(MONTH, only_to="boss@acme.example")
    found: dict[str, set[str]] = {}
    for (recipient, *_), message in inbox.envelopes:
        text = message.get_body(("plain",))
        assert text is not None
        [token] = re.findall(r"/link/(\S+)", text.get_content())
        found.setdefault(recipient, set()).add(opened(token, room.workspace.home, NOW).address)
    assert found["one@acme.example"] == {"one@acme.example"}
    assert found["two@acme.example"] == {"two@acme.example"}
    # A rehearsal's opens too.
    assert found["boss@acme.example"] <= {"one@acme.example", "two@acme.example"}


def test_packs_of_an_earlier_version_are_printed_again_first(
    office: Callable[..., DeliveryService],
) -> None:
    room = office()
    path = room.workspace.published.documents(MONTH) / "manifest.json"
    manifest = json.loads(path.read_text())
    for each in manifest["documents"]:
        del each["paper"]
    path.write_text(json.dumps(manifest))
    with room.workspace.catalogue.begin() as database:
        database.execute(STORED_FILES.delete())
    with pytest.raises(NotComputed, match="run `onpace report 2026-04` first"):
        room.planned(MONTH)


def test_without_a_server_it_is_said(office: Callable[..., DeliveryService]) -> None:
    with pytest.raises(NoMailServer, match="set SMTP_HOST"):
        replace(office(), smtp=None).send(MONTH)


class TestALedgerThatWasLost:
    """Everything of April was mailed; then the deliveries in the catalogue are those of an older backup."""

    @pytest.fixture
    def lost(self, office: Callable[..., DeliveryService]) -> DeliveryService:
        with serving(Inbox()) as port:
            assert len(office(port).send(MONTH).sent) == 4
        room = office()
        with room.workspace.catalogue.begin() as database:
            database.execute(DELIVERIES.delete())
        return room

    def again(self, room: DeliveryService) -> tuple[SendResult, Inbox]:
        inbox = Inbox()
        with serving(inbox) as port:
            assert room.smtp is not None
            return replace(room, smtp=replace(room.smtp, port=port)).send(MONTH), inbox

    def test_nothing_is_mailed_again_without_a_word(self, lost: DeliveryService) -> None:
        with pytest.raises(
            LedgerBehind,
            match="4 documents of 2026-04 were mailed.*knows of 0.*deliveries adopt 2026-04",
        ):
            self.again(lost)
        assert lost.ledger.all() == []

    @pytest.mark.parametrize("status", ["planned", "sending"])
    def test_a_ledger_from_before_the_mails_were_sent_is_behind_too(
        self, office: Callable[..., DeliveryService], status: str
    ) -> None:
        with serving(Inbox()) as port:
            office(port).send(MONTH)
        room = office()
        with room.workspace.catalogue.begin() as database:
            database.execute(DELIVERIES.update().values(status=status))
        with pytest.raises(LedgerBehind, match="knows of 0"):
            self.again(room)
        assert len(room.adopt(MONTH, were_sent=True)) == 4
        done, inbox = self.again(room)
        assert (done.sent, inbox.envelopes) == ([], [])

    def test_a_delivery_that_a_person_wants_again_is_no_loss(
        self, office: Callable[..., DeliveryService]
    ) -> None:
        with serving(Inbox()) as port:
            office(port).send(MONTH)
        room = office()
        with room.workspace.catalogue.begin() as database:
            first = DELIVERIES.update().where(DELIVERIES.c.id == 1)
            database.execute(first.values(status="unknown"))
        room.resolve(1, was_sent=False)
        assert len(self.again(room)[0].sent) == 1

    def test_what_is_adopted_as_sent_is_not_mailed(self, lost: DeliveryService) -> None:
        assert len(lost.adopt(MONTH, were_sent=True)) == 4
        done, inbox = self.again(lost)
        assert (done.sent, len(done.already), inbox.envelopes) == ([], 4, [])
        assert lost.adopt(MONTH, were_sent=True) == []

    def test_what_is_wanted_again_is_mailed_again(self, lost: DeliveryService) -> None:
        assert len(lost.adopt(MONTH, were_sent=False)) == 4
        done, inbox = self.again(lost)
        assert (len(done.sent), len(inbox.envelopes)) == (4, 3)

    def test_a_note_that_cannot_be_read_stops_the_delivery(self, lost: DeliveryService) -> None:
        (lost.outbox / str(MONTH) / "mailed.json").write_text("{")
        with pytest.raises(UnusableOutbox, match="which says what was mailed"):
            self.again(lost)

    def test_the_note_names_no_address(self, lost: DeliveryService) -> None:
        assert "@" not in (lost.outbox / str(MONTH) / "mailed.json").read_text()

    def test_a_rehearsal_is_neither_noted_nor_refused(self, lost: DeliveryService) -> None:
        before = (lost.outbox / str(MONTH) / "mailed.json").read_text()
        inbox = Inbox()
        with serving(inbox) as port:
            assert lost.smtp is not None
            room = replace(lost, smtp=replace(lost.smtp, port=port))
            room.send(MONTH, only_to="boss@acme.example")
        assert inbox.envelopes
        assert (lost.outbox / str(MONTH) / "mailed.json").read_text() == before
