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
from datetime import datetime
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8
from email.utils import format_datetime, parseaddr

from email_validator import EmailNotValidError, validate_email

from sales.errors import UserError

IMPLICIT, UPGRADED, PLAIN = "tls", "starttls", "none"
SECURITIES = (IMPLICIT, UPGRADED, PLAIN)
LOOPBACK = {"127.0.0.1", "::1", "localhost"}
BARE_LINE_END = re.compile(rb"\r?\n|\r(?!\n)")
FIRST_PERMANENT, FIRST_TEMPORARY, SUCCESS, ELSEWHERE = 500, 400, 250, 251
GO_AHEAD = 354
# A header is at most 998 bytes long (RFC 5322, 2.1.1); a character takes up to twelve, encoded.
LONGEST_HEADER, LONGEST_NAME = 200, 60
# In a name they are quoted by some programs, and read as the end of a mailbox by others.
# An encoded word (RFC 2047) would be decoded before that.
SEPARATORS = re.compile(r'=\?|\?=|[",;:<>@()\[\]\\]')
NEEDS_UTF8 = "the mail server takes no address with such letters (SMTPUTF8)"
# What a refusal is about, by its enhanced code (RFC 3463); where there is none, by its words.
ENHANCED = re.compile(r"\b5\.(\d+\.\d+)\b")
OF_A_RECIPIENT = {"1.1", "1.2", "1.3", "1.4", "1.6", "1.10", "2.0", "2.1", "2.2", "2.3", "2.4"}
OF_THE_SENDER = {
    "1.7",
    "1.8",
    "5.0",
    "5.1",
    "5.2",
    "5.4",
    "7.8",
    "7.9",
    "7.20",
    "7.23",
    "7.25",
    "7.26",
    "7.27",
}
ABOUT_US = re.compile(
    r"\bhelo\b|\behlo\b|\bsender\b|\brelay|authenticat|client host|\bblocked\b|reverse (hostname|dns)|\bspf\b|\bdmarc\b|\bdkim\b",
    re.IGNORECASE,
)


class MailUnusable(UserError, OSError):
    """Mail cannot be sent at all: no connection, no login, or settings that contradict each other."""


class NotAccepted(Exception):  # a fact, handled by the mailer
    """The server certainly did not accept the letter; it may later."""


class Refused(Exception):  # as above
    """The server will never accept the letter for this recipient."""


class SenderRefused(Exception):  # as above
    """The server refuses us, by the name or the address that we send from: no recipient is to blame."""


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
    written_at: datetime
    attached: tuple[Attached, ...] = ()


@dataclass(frozen=True)
class Accepted:
    """The server's answer to a letter that it took, and the hidden copies that it refused, each with its reason."""

    answer: str
    refused_copies: dict[str, str]


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
    helo: str = ""  # what we call ourselves; the machine's name where empty

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

    def send(self, letter: Letter, before_the_end: Callable[[], None]) -> Accepted:
        """Send a letter and return the server's answer; a hidden copy that is refused keeps it from nobody else.

        `before_the_end` is called when all but the last line is out: from there on the server may
        accept it. Raises `NotAccepted`, `Refused`, `SenderRefused`, `TooLarge` or `Ambiguous`.
        """
        addresses = [envelope_address(each) for each in (letter.to, *letter.hidden_copies)]
        has_utf8 = "smtputf8" in self._session.esmtp_features
        if not addresses[0].isascii() and not has_utf8:
            raise Refused(NEEDS_UTF8)
        is_utf8 = has_utf8 and not all(each.isascii() for each in addresses)
        content = message_of(letter, self._sender).as_bytes(policy=SMTPUTF8 if is_utf8 else SMTP)
        limit = self._session.esmtp_features.get("size", "")
        if limit.isdigit() and 0 < int(limit) < len(content):
            raise TooLarge(
                f"the server takes {int(limit):,} bytes, the letter has {len(content):,}"
            )
        with _before_the_end():
            options = [f"size={len(content)}"] if "size" in self._session.esmtp_features else []
            answer = self._session.mail(
                parseaddr(self._sender)[1], [*options, *(["SMTPUTF8"] if is_utf8 else [])]
            )
            if answer[0] >= FIRST_PERMANENT:
                raise SenderRefused(f"{answer[0]} {_words(answer[1])}")
            self._expect(answer, SUCCESS)
            self._expect(self._recipient(addresses[0]), SUCCESS, ELSEWHERE)
            refused_copies: dict[str, str] = {}
            for given, address in zip(letter.hidden_copies, addresses[1:], strict=True):
                if not address.isascii() and not has_utf8:
                    refused_copies[given] = NEEDS_UTF8
                    continue
                code, words = self._recipient(address)
                if code not in {SUCCESS, ELSEWHERE}:
                    refused_copies[given] = f"{code} {_words(words)}"
            self._expect(self._session.docmd("DATA"), GO_AHEAD)
            self._send_but_the_end(content, before_the_end)
        try:
            self._session.send(b".\r\n")
            code, answer = self._session.getreply()
        except (OSError, smtplib.SMTPException) as broken:
            raise Ambiguous(
                f"the connection ended after the letter was out ({type(broken).__name__})"
            ) from None
        if code == SUCCESS:
            return Accepted(_words(answer), refused_copies)
        if code >= FIRST_TEMPORARY:
            self._expect((code, answer), SUCCESS)
        raise Ambiguous(f"the server answered {code} {_words(answer)}")

    def reset(self) -> None:
        """Forget a letter that was not accepted, so that the next one can follow; a broken session stays broken."""
        try:
            self._session.rset()
        except (OSError, smtplib.SMTPException):
            self._session.close()

    def _send_but_the_end(self, content: bytes, before_the_end: Callable[[], None]) -> None:
        """Send all but the last line; whatever breaks amid a letter ends the session.

        The server would wait for more of it, and we for its word.
        """
        try:
            self._session.send(_dotted(content))
            before_the_end()
        except BaseException:
            self._session.close()
            raise

    def _recipient(self, address: str) -> tuple[int, bytes]:
        """Name an address in the envelope, exactly as it is."""
        return self._session.docmd("RCPT", f"TO:<{address}>")

    def _expect(self, answer: tuple[int, bytes], *wanted: int) -> None:
        code, words = answer
        if code in wanted:
            return
        said = f"{code} {_words(words)}"
        if code < FIRST_PERMANENT:
            raise NotAccepted(said)
        raise (SenderRefused if _is_about_us(said) else Refused)(said)


@contextmanager
def connected(settings: SmtpSettings) -> Generator[SmtpServer]:
    """Yield a session; raises `NotAccepted` where the server cannot be reached now, `MailUnusable` where it never will be."""
    settings.check()
    context = ssl.create_default_context(cafile=settings.authority or None)
    try:
        if settings.security == IMPLICIT:
            session: smtplib.SMTP = smtplib.SMTP_SSL(
                settings.host,
                settings.port,
                local_hostname=settings.helo or None,
                timeout=settings.timeout,
                context=context,
            )
        else:
            session = smtplib.SMTP(
                settings.host,
                settings.port,
                local_hostname=settings.helo or None,
                timeout=settings.timeout,
            )
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
    message["Date"] = format_datetime(letter.written_at)
    message["From"] = _mailbox(*parseaddr(sender))
    message["To"] = _mailbox(letter.to_name, envelope_address(letter.to))
    message["Subject"] = _one_line(letter.subject)[:LONGEST_HEADER]
    message["Message-ID"] = letter.message_id
    message["List-Id"] = letter.list_id
    message["Auto-Submitted"] = "auto-generated"
    message.set_content(letter.text)
    message.add_alternative(letter.html, subtype="html")
    for each in letter.attached:
        message.add_attachment(
            each.content, maintype="application", subtype="pdf", filename=_one_line(each.name)
        )
    return message


def envelope_address(address: str) -> str:
    """Return an address as mail servers know it, an international domain in its ASCII form; raises `Refused`."""
    try:
        found = validate_email(address, check_deliverability=False, test_environment=True)
    except EmailNotValidError:
        raise Refused(f"{_one_line(address)[:80]!r} is no e-mail address") from None
    return f"{found.local_part}@{found.ascii_domain}"


def _mailbox(name: str, address: str) -> Address:
    """Return one mailbox, whatever stands in the name: what separates mailboxes is left out of it."""
    shown = " ".join(SEPARATORS.sub(" ", _one_line(name)).split())[:LONGEST_NAME].strip()
    local, _, domain = address.rpartition("@")
    return Address(shown, local, domain)


def _is_about_us(said: str) -> bool:
    """Return whether a refusal is of the sender or the session, and of no recipient (RFC 3463)."""
    enhanced = ENHANCED.search(said)
    if enhanced and enhanced[1] in OF_A_RECIPIENT:
        return False
    return bool(enhanced and enhanced[1] in OF_THE_SENDER) or bool(ABOUT_US.search(said))


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
