"""Mail over SMTP: a letter to one recipient, and what exactly is known when it fails.

Put the dialogue with the server here. What a letter says is `reports.email_body`; which state a
delivery is in is `ledger`. Retries of what certainly was not accepted are `mailer`'s.
"""

from __future__ import annotations

import re
import smtplib
import ssl
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import formataddr, parseaddr

from sales.errors import UserError

IMPLICIT, UPGRADED, PLAIN = "tls", "starttls", "none"
SECURITIES = (IMPLICIT, UPGRADED, PLAIN)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
BARE_LINE_END = re.compile(rb"\r?\n|\r(?!\n)")
FIRST_PERMANENT, FIRST_TEMPORARY, SUCCESS = 500, 400, 250
GO_AHEAD = 354


class MailUnusable(UserError, OSError):
    """Mail cannot be sent at all: no connection, no login, or settings that contradict each other."""


class NotAccepted(Exception):  # a fact, handled by the mailer
    """The server certainly did not accept the letter; it may later."""


class Refused(Exception):  # as above
    """The server will never accept the letter for this recipient."""


class Ambiguous(Exception):  # as above
    """The letter went out whole, and nobody knows whether the server took it."""


class TooLarge(Exception):  # as above
    """The server says beforehand that it takes no letter of this size."""


@dataclass(frozen=True)
class Attached:
    """A file in a letter."""

    name: str
    content: bytes


@dataclass(frozen=True)
class Letter:
    """A mail as it is to be read; `list_id` names the series, `message_id` this letter in it."""

    to: str
    to_name: str
    hidden_copies: tuple[str, ...]
    subject: str
    text: str
    html: str
    message_id: str
    list_id: str
    attached: tuple[Attached, ...] = ()


@dataclass(frozen=True)
class SmtpSettings:
    """Where mail goes out; the password is never printed."""

    host: str
    port: int
    security: str
    sender: str
    username: str = ""
    password: str = ""
    authority: str = ""  # a file with certificates to trust besides those of the machine
    timeout: float = 60.0  # seconds that each answer may take

    def __repr__(self) -> str:
        """Show where, never with what secret."""
        return f"SmtpSettings({self.host}:{self.port}, {self.security})"

    def check(self) -> None:
        """Raise `MailUnusable` for settings under which nothing may be sent."""
        if self.security not in SECURITIES:
            raise MailUnusable(
                f"SMTP_SECURITY {self.security[:20]!r} is unknown; use tls, starttls, or none on this machine"
            )
        if self.security == PLAIN and self.host not in LOOPBACK:
            raise MailUnusable(
                "SMTP_SECURITY none is for a server on this machine only; use tls or starttls"
            )
        if "@" not in parseaddr(self.sender)[1] or _has_line_end(self.sender):
            raise MailUnusable(
                "SMTP_FROM is no address; set one such as Onpace <reports@acme.example>"
            )


class SmtpServer:
    """A session with a mail server."""

    def __init__(self, session: smtplib.SMTP, sender: str) -> None:
        """Use an open session."""
        self._session, self._sender = session, sender

    def send(self, letter: Letter, before_the_end: Callable[[], None]) -> str:
        """Send a letter and return the server's answer.

        `before_the_end` is called when all but the last line is out: from there on the server may
        accept it. Raises `NotAccepted`, `Refused`, `TooLarge` or `Ambiguous`.
        """
        content = message_of(letter, self._sender).as_bytes(policy=SMTP)
        limit = self._session.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(content):
            raise TooLarge(
                f"the server takes {int(limit):,} bytes, the letter has {len(content):,}"
            )
        with _before_the_end():
            self._expect(
                self._session.mail(
                    parseaddr(self._sender)[1],
                    [f"size={len(content)}"] if "size" in self._session.esmtp_features else [],
                ),
                SUCCESS,
            )
            for address in (letter.to, *letter.hidden_copies):
                self._expect(self._session.rcpt(address), SUCCESS, 251)
            self._expect(self._session.docmd("DATA"), GO_AHEAD)
            self._session.send(_dotted(content))
            before_the_end()
        try:
            self._session.send(b".\r\n")
            code, answer = self._session.getreply()
        except (OSError, smtplib.SMTPException) as broken:
            raise Ambiguous(
                f"the connection ended after the letter was out ({type(broken).__name__})"
            ) from None
        if code == SUCCESS:
            return _words(answer)
        if code >= FIRST_TEMPORARY:
            raise (Refused if code >= FIRST_PERMANENT else NotAccepted)(f"{code} {_words(answer)}")
        raise Ambiguous(f"the server answered {code} {_words(answer)}")

    def reset(self) -> None:
        """Forget a letter that was not accepted, so that the next one can follow; a broken session stays broken."""
        try:
            self._session.rset()
        except (OSError, smtplib.SMTPException):
            self._session.close()

    def _expect(self, answer: tuple[int, bytes], *wanted: int) -> None:
        code, words = answer
        if code in wanted:
            return
        raise (Refused if code >= FIRST_PERMANENT else NotAccepted)(f"{code} {_words(words)}")


@contextmanager
def connected(settings: SmtpSettings) -> Generator[SmtpServer]:
    """Yield a session; raises `NotAccepted` where the server cannot be reached now, `MailUnusable` where it never will be."""
    settings.check()
    context = ssl.create_default_context(cafile=settings.authority or None)
    try:
        if settings.security == IMPLICIT:
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host, settings.port, timeout=settings.timeout, context=context
            )
        else:
            session = smtplib.SMTP(settings.host, settings.port, timeout=settings.timeout)
        session.ehlo_or_helo_if_needed()
        if settings.security == UPGRADED:
            session.starttls(context=context)
            session.ehlo()
        if settings.username:
            session.login(settings.username, settings.password)
    except smtplib.SMTPAuthenticationError as refused:
        if refused.smtp_code < FIRST_PERMANENT:
            raise NotAccepted(f"the mail server answers {refused.smtp_code} to the login") from None
        raise MailUnusable(
            f"the mail server refuses the login ({refused.smtp_code}); check SMTP_USERNAME and SMTP_PASSWORD"
        ) from None
    except (smtplib.SMTPNotSupportedError, ssl.SSLError) as unsafe:
        raise MailUnusable(
            f"{settings.host} offers no safe connection that can be trusted ({str(unsafe)[:100]}); check SMTP_SECURITY and SMTP_PORT"
        ) from None
    except (OSError, smtplib.SMTPException) as unreachable:
        raise NotAccepted(
            f"the mail server {settings.host}:{settings.port} cannot be reached ({type(unreachable).__name__})"
        ) from None
    try:
        yield SmtpServer(session, settings.sender)
    finally:
        try:
            session.quit()
        except (OSError, smtplib.SMTPException):
            session.close()


def message_of(letter: Letter, sender: str) -> EmailMessage:
    """Return a letter as a message; hidden copies are in the envelope only."""
    message = EmailMessage(policy=SMTP)
    message["From"] = sender
    message["To"] = (
        formataddr((_one_line(letter.to_name), letter.to)) if letter.to_name else letter.to
    )
    message["Subject"] = _one_line(letter.subject)
    message["Message-ID"] = letter.message_id
    message["List-Id"] = letter.list_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    for each in letter.attached:
        message.add_attachment(
            each.content, maintype="application", subtype="pdf", filename=each.name
        )
    return message


@contextmanager
def _before_the_end() -> Generator[None]:
    """Turn whatever breaks before the last line into what it means: the letter was not accepted."""
    try:
        yield
    except smtplib.SMTPServerDisconnected:
        raise NotAccepted("the server ended the connection before the letter was out") from None
    except smtplib.SMTPException as fault:
        raise NotAccepted(f"{type(fault).__name__} before the letter was out") from None
    except OSError as broken:
        raise NotAccepted(
            f"the connection broke before the letter was out ({type(broken).__name__})"
        ) from None


def _dotted(content: bytes) -> bytes:
    """Return a message for DATA: lines end as they must, and a line that begins with a dot has another one (RFC 5321, 4.5.2)."""
    lines = BARE_LINE_END.sub(b"\r\n", content)
    ended = lines if lines.endswith(b"\r\n") else lines + b"\r\n"
    return re.sub(rb"(?m)^\.", b"..", ended)


def _words(answer: bytes) -> str:
    return _one_line(answer.decode("ascii", "replace"))[:200]


def _one_line(text: str) -> str:
    return " ".join("".join(each if each.isprintable() else " " for each in text).split())


def _has_line_end(text: str) -> bool:
    return "\r" in text or "\n" in text
