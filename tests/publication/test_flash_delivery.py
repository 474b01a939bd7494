"""Mailing a flash: to whom the policy lets it go, once, with a real mail server."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from connectors.delivery.ledger import DeliveryLedger
from connectors.delivery.mailed_note import MailedNote
from connectors.delivery.notices import NoticeUnusable
from connectors.delivery.outbox import outbox_at
from connectors.delivery.smtp import SmtpSettings
from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import DELIVERIES
from connectors.storage.monthly_tables import NotComputed
from publication.delivery import DeliveryService, LedgerBehind
from publication.flash import compute_flash, print_flash
from publication.flash_delivery import NOBODY, FlashDelivery
from publication.letters import NotForTheirEyes
from publication.release import Novelty
from publication.stored_flash import NoSuchDay, folder_of, stored_tables
from publication.workspace import Workspace
from reports.publisher import Publisher
from sales.calendar import Month
from tests.connectors.delivery.mail_servers import Inbox, serving
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.plain_pages import plain_pages

NOW = datetime(2026, 4, 22, 9, tzinfo=UTC)
DAY = date(2026, 4, 20)
RULES = '[flash]\nrecipients = ["company", "own"]\n'
RECIPIENTS = """
allowed_domains = ["acme.example"]
own_pages = true
led_teams = true
[[recipients]]
address = "md@acme.example"
packs = ["company", "team:North"]
"""


@pytest.fixture
def office(tmp_path: Path) -> Callable[..., FlashDelivery]:
    """The delivery of the flash of a firm of one seller, by port and rules."""
    policy = tmp_path / "policy"
    policy.mkdir()
    (policy / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,12000\n"
    )
    (policy / "recipients.toml").write_text(RECIPIENTS)
    history = [
        saved(1, "2026-04-02 10:00", amount=300, close_date=date(2026, 4, 28)),
        saved(1, "2026-04-21 10:00", amount=900, close_date=date(2026, 4, 28)),
    ]
    reader = FakeReader(raw_tables(extract([deal(1)], history)), lambda: NOW)

    def room(port: int = 1, rules: str = RULES) -> FlashDelivery:
        (policy / "fy2026.toml").write_text(rules)
        home = tmp_path / "home"
        workspace = Workspace(home, policy, lambda: reader, "https://acme.example", lambda: NOW)
        if not folder_of(home, DAY).exists():
            printed(workspace)
        service = DeliveryService(
            workspace,
            DeliveryLedger(Catalogue(home)),
            SmtpSettings("127.0.0.1", port, "none", "Onpace <reports@acme.example>"),
            outbox_at("", home),
            pause=lambda _: None,
        )
        return FlashDelivery(service, DAY)

    return room


def printed(workspace: Workspace) -> None:
    with plain_pages():
        publisher = Publisher(workspace.home / "packs", workspace.policy_folder)
        list(print_flash(workspace, compute_flash(workspace, DAY, lambda _: None), publisher))


def test_each_gets_the_pages_that_the_policy_names_once(
    office: Callable[..., FlashDelivery],
) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        done = office(port).send()
        again = office(port).send()
    assert done.is_complete
    assert (again.sent, len(again.already)) == ([], 2)
    mails = {recipients[0]: message for recipients, message in inbox.envelopes}
    files = {
        address: [part.get_filename() for part in mail.iter_attachments()]
        for address, mail in mails.items()
    }
    assert set(files) == {"md@acme.example", "ann@acme.example"}
    assert files["md@acme.example"] == ["company.pdf"], "packs of teams do not come as a flash"
    assert files["ann@acme.example"][0].startswith("person-ann")
    mail = mails["md@acme.example"]
    assert str(mail["Subject"]) == "Acme: April 2026 to date, 19 Apr 2026"
    assert "weekly-flash.acme.example" in str(mail["List-Id"])
    text = mail.get_body(("plain",))
    assert text is not None
    for words in ("April 2026 has booked €0", "Due by the end of the month: €300"):
        assert words in text.get_content()
    assert "once a week" in text.get_content()


def test_months_know_nothing_of_a_flash(office: Callable[..., FlashDelivery]) -> None:
    with serving(Inbox()) as port:
        office(port).send()
    room = office().room
    assert room.deliveries() == {}
    assert room.ledger.all(str(Month(2026, 4))) == []
    assert {each.is_of_a_month for each in room.ledger.all()} == {False}


def test_nobody_is_mailed_unless_the_policy_says_so(
    office: Callable[..., FlashDelivery],
) -> None:
    flash = office(rules="")
    assert NOBODY in flash.release().warnings
    assert flash.release().documents == ()
    assert flash.send().sent == []


def test_a_flash_that_was_printed_again_goes_out_when_asked_for(
    office: Callable[..., FlashDelivery],
) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        office(port).send()
        path = folder_of(office().room.workspace.home, DAY) / "manifest.json"
        manifest = json.loads(path.read_text())
        page = path.parent / manifest["documents"][0]["file"]
        page.write_bytes(b"%PDF-1.7 printed again")
        with pytest.raises(NotComputed, match="is not the file"):
            office(port).send()
        manifest["documents"][0]["sha256"] = hashlib.sha256(page.read_bytes()).hexdigest()
        path.write_text(json.dumps(manifest))
        assert [each.novelty for each in office(port).release().documents].count(
            Novelty.REVISED
        ) == 1
        assert office(port).send().sent == []
        assert office(port).send(with_revisions=True).sent == ["md@acme.example company.pdf"]
    assert str(inbox.envelopes[-1][1]["Subject"]).endswith("revised")


def test_a_rehearsal_goes_to_one_address_and_is_no_delivery(
    office: Callable[..., FlashDelivery],
) -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        with pytest.raises(NotForTheirEyes):
            office(port).send(only_to="me@elsewhere.example")
        assert len(office(port).send(only_to="me@acme.example").sent) == 2
    assert {recipients[0] for recipients, _ in inbox.envelopes} == {"me@acme.example"}
    assert {each.novelty for each in office().release().documents} == {Novelty.NEW}


def test_a_lost_ledger_mails_nobody_twice(office: Callable[..., FlashDelivery]) -> None:
    with serving(Inbox()) as port:
        office(port).send()
        with office().room.workspace.catalogue.begin() as database:
            database.execute(DELIVERIES.delete())
        with pytest.raises(LedgerBehind, match="2026-04-20"):
            office(port).send()
    assert MailedNote(office().room.outbox, DAY).count() == 2


def test_a_persons_word_on_a_flash_settles_it(office: Callable[..., FlashDelivery]) -> None:
    with serving(Inbox(drops={"ANSWER": 9})) as port:
        assert office(port).send().unknown
    room = office().room
    first = room.ledger.all(str(DAY))[0]
    assert room.resolve(first.id, was_sent=False).status == "planned"


def test_damage_is_told(office: Callable[..., FlashDelivery]) -> None:
    home = office().room.workspace.home
    (folder_of(home, DAY) / "closing_plan.parquet").write_bytes(b"")
    with pytest.raises(NotComputed, match="onpace flash --as-of 2026-04-20"):
        stored_tables(home, DAY)
    with pytest.raises(NoSuchDay):
        FlashDelivery(office().room, date(2026, 4, 13)).planned()


class Channel:
    """A place that notices go to; `down` for so many notices."""

    def __init__(self, down: int = 0) -> None:
        self.told: list[tuple[str, str, bytes]] = []
        self.down = down

    def tell(self, subject: str, text: str, picture: Path) -> None:
        if self.down:
            self.down -= 1
            raise NoticeUnusable("a notice was not taken")
        self.told.append((subject, text, picture.read_bytes()))


def test_the_companys_lines_and_picture_are_posted_once(
    office: Callable[..., FlashDelivery],
) -> None:
    channel = Channel(down=1)

    def flash(rules: str) -> FlashDelivery:
        one = office(rules=rules)
        return FlashDelivery(replace(one.room, notices=channel), DAY)  # type: ignore[arg-type]

    assert not flash(RULES).post(), "the policy does not ask for it"
    rules = f"{RULES}post = true\n"
    with pytest.raises(NoticeUnusable):
        flash(rules).post()
    assert flash(rules).post(), "it is tried again"
    assert not flash(rules).post()
    ((subject, text, picture),) = channel.told
    assert subject == "Acme: April 2026 to date, 19 Apr 2026"
    assert text.splitlines()[0].startswith("April 2026 has booked €0 of its")
    assert len(text.splitlines()) == 3
    assert picture.startswith(b"\x89PNG")
