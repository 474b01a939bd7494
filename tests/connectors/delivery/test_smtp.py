from dataclasses import replace
from datetime import UTC, datetime
from email import message_from_bytes
from email.policy import SMTP, default
from pathlib import Path

import pytest

from connectors.delivery.smtp import (
    Ambiguous,
    Attached,
    Letter,
    MailUnusable,
    NotAccepted,
    Refused,
    SenderRefused,
    SmtpSettings,
    TooLarge,
    connected,
    envelope_address,
    message_of,
)
from tests.connectors.delivery.mail_servers import PASSWORD, USER, Inbox, certificate, serving

pytestmark = pytest.mark.slow

SENDER = "Onpace <reports@acme.example>"
LETTER = Letter(
    "md@acme.example",
    "Ann Ödegård",
    ("archive@acme.example",),
    "Acme: April 2026",
    "In words.\n.hidden dot\n",
    "<p>In words.</p>",
    "<onpace.2026-04.abc@acme.example>",
    "Month end <month-end.acme.example>",
    datetime(2026, 5, 5, 9, tzinfo=UTC),
    (Attached("company.pdf", b"%PDF-1.7\n..\r\n.\r\nend"),),
)


def nothing() -> None:
    return None


def settings(port: int, **changed: str) -> SmtpSettings:
    return replace(SmtpSettings("127.0.0.1", port, "none", SENDER), **changed)


def send(port: int, letter: Letter = LETTER, **changed: str) -> str:
    with connected(settings(port, **changed)) as server:
        return server.send(letter, nothing).answer


def test_a_letter_arrives_whole_and_hidden_copies_stay_hidden() -> None:
    inbox = Inbox()
    with serving(inbox) as port:
        assert send(port) == "accepted"
    recipients, message = inbox.envelopes[0]
    assert recipients == ["md@acme.example", "archive@acme.example"]
    assert "archive" not in str(message)
    assert (message["From"], message["Subject"], message["Message-ID"]) == (
        SENDER,
        LETTER.subject,
        LETTER.message_id,
    )
    assert message["List-Id"] == LETTER.list_id
    assert str(message["To"]) == "Ann Ödegård <md@acme.example>"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text is not None
    assert html is not None
    assert text.get_content().replace("\r\n", "\n") == LETTER.text
    assert html.get_content().strip() == LETTER.html
    (file,) = message.iter_attachments()
    assert (file.get_filename(), file.get_content_type(), file.get_content()) == (
        "company.pdf",
        "application/pdf",
        LETTER.attached[0].content,
    )


@pytest.mark.parametrize(("security", "implicit"), [("starttls", False), ("tls", True)])
def test_mail_goes_over_tls_with_a_login(tmp_path: Path, security: str, implicit: bool) -> None:  # noqa: FBT001  # a parameter
    inbox, folder = Inbox(), certificate(tmp_path)
    with serving(inbox, tls=folder, implicit=implicit, login=not implicit) as port:
        trusted = {"security": security, "authority": str(folder / "certificate.pem")}
        login = {"username": USER, "password": PASSWORD} if not implicit else {}
        assert send(port, **trusted, **login) == "accepted"
        with pytest.raises(MailUnusable, match="offers no safe connection that can be trusted"):
            send(port, security=security, **login)
        if not implicit:
            with pytest.raises(
                MailUnusable, match="check SMTP_USERNAME and SMTP_PASSWORD"
            ) as refused:
                send(port, **trusted, username=USER, password="wrong-planted")
            assert "wrong-planted" not in str(refused.value)
    assert len(inbox.envelopes) == 1


def test_a_server_without_tls_is_not_trusted_with_anything() -> None:
    inbox = Inbox()
    with serving(inbox) as port, pytest.raises(MailUnusable, match="offers no safe connection"):
        send(port, security="starttls")
    assert inbox.envelopes == []


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"host": "mail.acme.example"}, "none is for a server on this machine only"),
        ({"security": "ssl"}, "SMTP_SECURITY 'ssl' is unknown"),
        ({"sender": "nobody"}, "SMTP_FROM is no address"),
        ({"sender": "a@b.example\r\nBcc: x@y.example"}, "SMTP_FROM is no address"),
    ],
)
def test_settings_under_which_nothing_may_be_sent_are_refused(
    changed: dict[str, str], says: str
) -> None:
    with pytest.raises(MailUnusable, match=says), connected(settings(1, **changed)):
        pass


@pytest.mark.parametrize("step", ["RCPT", "DATA"])
def test_what_a_server_says_for_now_and_for_ever_is_told_apart(step: str) -> None:
    inbox = Inbox(answers={step: ["451 4.7.1 greylisted, try again", "550 5.1.1 no such user"]})
    with serving(inbox) as port:
        with pytest.raises(NotAccepted, match="451 4.7.1 greylisted"):
            send(port)
        with pytest.raises(Refused, match="550 5.1.1 no such user"):
            send(port)
        assert send(port) == "accepted"
    assert len(inbox.envelopes) == 1


@pytest.mark.parametrize("step", ["MAIL", "RCPT"])
def test_a_connection_that_dies_before_the_end_left_nothing(step: str) -> None:
    inbox = Inbox(drops={step: 1})
    with (
        serving(inbox) as port,
        pytest.raises(NotAccepted, match="before the letter was out|cannot be reached"),
    ):
        send(port)
    assert inbox.envelopes == []


def test_a_connection_that_dies_instead_of_the_answer_leaves_a_doubt() -> None:
    inbox = Inbox(drops={"ANSWER": 1})
    noted: list[str] = []
    with (
        serving(inbox) as port,
        connected(settings(port)) as server,
        pytest.raises(Ambiguous, match="ended after the letter was out"),
    ):
        server.send(LETTER, lambda: noted.append("unknown"))
    assert noted == ["unknown"], "the doubt is noted before the last line goes out"
    assert len(inbox.envelopes) == 1, "and here the server did take it"


def test_a_slow_server_is_not_waited_for_for_ever() -> None:
    """Slow before the end: certainly not accepted. Slow to answer the end: a doubt."""
    for step, fault in (("MAIL", NotAccepted), ("ANSWER", Ambiguous)):
        inbox = Inbox(stalls={step})
        with (
            serving(inbox) as port,
            pytest.raises(fault),
            connected(replace(settings(port), timeout=0.3)) as server,
        ):
            server.send(LETTER, nothing)


def test_nothing_is_noted_as_doubtful_before_all_but_the_last_line_is_out() -> None:
    noted: list[str] = []
    with (
        serving(Inbox(answers={"RCPT": ["550 no"]})) as port,
        connected(settings(port)) as server,
        pytest.raises(Refused),
    ):
        server.send(LETTER, lambda: noted.append("unknown"))
    assert noted == []


def test_a_letter_that_is_too_large_is_known_before_it_is_sent() -> None:
    inbox = Inbox()
    with serving(inbox, size=1_000) as port, pytest.raises(TooLarge, match="takes 1,000 bytes"):
        send(port)
    assert inbox.envelopes == []


def test_a_server_that_is_not_there_can_be_tried_again() -> None:
    with serving(Inbox()) as port:
        pass
    with pytest.raises(NotAccepted, match="cannot be reached"):
        send(port)


def test_names_from_salesforce_add_no_header() -> None:
    hostile = replace(
        LETTER, to_name="Ann\r\nBcc: evil@example.invalid", subject="April\r\nX-Evil: 1\x00\u202e"
    )
    message = message_of(hostile, SENDER)
    assert message["Bcc"] is None
    assert message["X-Evil"] is None
    assert "\n" not in str(message["Subject"])


def test_the_password_is_never_shown() -> None:
    assert PASSWORD not in repr(settings(25, password=PASSWORD))


@pytest.mark.parametrize(
    ("step", "answer"),
    [
        ("MAIL", "550 5.1.1 no such user"),
        ("RCPT", "504 5.5.2 <c0ffee15dead>: Helo command rejected: need fully-qualified hostname"),
        ("RCPT", "554 5.7.1 <md@acme.example>: Relay access denied"),
        ("RCPT", "550 5.7.26 unauthenticated mail is prohibited"),
        ("DATA", "550 5.7.1 sender address rejected by policy"),
    ],
)
def test_a_refusal_of_the_sender_is_of_no_recipient(step: str, answer: str) -> None:
    with (
        serving(Inbox(answers={step: [answer]})) as port,
        pytest.raises(SenderRefused, match=answer[:3]),
    ):
        send(port)


def test_a_refused_hidden_copy_keeps_the_letter_from_nobody() -> None:
    inbox = Inbox(answers={"RCPT archive@acme.example": ["550 5.1.1 no such mailbox"]})
    with serving(inbox) as port, connected(settings(port)) as server:
        accepted = server.send(LETTER, nothing)
    assert accepted.refused_copies == {"archive@acme.example": "550 5.1.1 no such mailbox"}
    assert inbox.envelopes[0][0] == ["md@acme.example"]


def test_an_address_with_other_letters_needs_a_server_that_takes_them() -> None:
    foreign = replace(LETTER, to="jörg@acme.example", hidden_copies=())
    inbox = Inbox()
    with serving(inbox, has_utf8=True) as port:
        assert send(port, foreign) == "accepted"
    assert inbox.envelopes[0][0] == ["jörg@acme.example"]
    with serving(Inbox()) as port:
        with pytest.raises(Refused, match="SMTPUTF8"):
            send(port, foreign)
        copied = replace(LETTER, hidden_copies=("jörg@acme.example",))
        with connected(settings(port)) as server:
            assert list(server.send(copied, nothing).refused_copies) == ["jörg@acme.example"]


def test_what_was_parsed_is_what_is_sent() -> None:
    assert envelope_address("ann@grün.example") == "ann@xn--grn-ioa.example"
    for text in (
        "<evil@evil.example> x@acme.example",
        "x@acme.example, evil@evil.example",
        "evil@evil.example (x@acme.example)",
        "x@acme.example\r\nRCPT TO:<evil@evil.example>",
        '"x@acme.example" <evil@evil.example>',
        "@acme.example",
        "x@",
    ):
        with pytest.raises(Refused, match="is no e-mail address"):
            envelope_address(text)


@pytest.mark.parametrize(
    "name",
    [
        "Odum, Ann Marguerite von der Heide-Wolfenstein (Geschäftsführung Österreich; Süd, West & Übersee)",
        'a" <evil@evil.example>, "b',
        "Łukasz, <x@y.example>; 北京 \u202e\r\nBcc: evil@evil.example",
        "=?utf-8?q?x=2C_y_=3Cevil=40evil=2Eexample=3E?=",
        "ß" * 5_000,
        "",
    ],
)
def test_a_mail_has_one_addressee_whatever_stands_in_a_name(name: str) -> None:
    letter = replace(LETTER, to_name=name, subject=name or "April")
    sent = message_of(letter, SENDER).as_bytes(policy=SMTP)
    read = message_from_bytes(sent, policy=default)
    assert [each.addr_spec for each in read["To"].addresses] == [LETTER.to]
    assert [each.addr_spec for each in read["From"].addresses] == ["reports@acme.example"]
    assert read["Bcc"] is None
    assert read["Date"].datetime == LETTER.written_at
    head = sent.partition(b"\r\n\r\n")[0]
    assert max(len(line) for line in head.split(b"\r\n")) <= 998


def test_attachments_keep_their_names_in_any_script() -> None:
    letter = replace(LETTER, attached=(Attached("команда-北京.pdf", b"%PDF"),))
    read = message_from_bytes(message_of(letter, SENDER).as_bytes(policy=SMTP), policy=default)
    assert [each.get_filename() for each in read.iter_attachments()] == ["команда-北京.pdf"]
