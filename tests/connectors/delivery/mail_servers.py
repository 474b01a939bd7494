"""Real SMTP servers for tests: ordinary, with TLS, and ones that misbehave at a named step."""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import SMTP as POLICY
from pathlib import Path
from typing import cast

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from app.demo.mail_server import free_port

USER, PASSWORD = "onpace", "s3cret-planted-mail"


@dataclass
class Inbox:
    """What a server accepted, and how it is to behave: `answers` by step are given once each, `drops` end the connection there."""

    answers: dict[str, list[str]] = field(default_factory=dict)
    drops: dict[str, int] = field(default_factory=dict)
    stalls: set[str] = field(default_factory=set)
    patience: threading.Event = field(default_factory=threading.Event)
    on_accept: Callable[[], None] = lambda: None
    envelopes: list[tuple[list[str], EmailMessage]] = field(default_factory=list)

    @property
    def ids(self) -> list[str]:
        """The Message-IDs of what was accepted, in order."""
        return [str(message["Message-ID"]) for _, message in self.envelopes]

    async def _stall(self, step: str) -> None:
        """Answer only when the test is over."""
        if step in self.stalls:
            await asyncio.to_thread(self.patience.wait, 20)

    def _answer(self, step: str, server: SMTP, good: str) -> str:
        if self.drops.get(step, 0) > 0:
            self.drops[step] -= 1
            assert server.transport is not None
            server.transport.abort()
        given = self.answers.get(step, [])
        return given.pop(0) if given else good

    async def handle_MAIL(  # noqa: N802  # the server's names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del session
        envelope.mail_from = address
        await self._stall("MAIL")
        envelope.mail_options.extend(options)
        return self._answer("MAIL", server, "250 OK")

    async def handle_RCPT(  # noqa: N802  # as above
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        del session, options
        answer = self._answer("RCPT", server, "250 OK")
        answer = self._answer(f"RCPT {address}", server, answer)
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802  # as above
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        del session
        answer = self._answer("DATA", server, "250 accepted")
        if answer.startswith("250"):
            message = message_from_bytes(cast("bytes", envelope.original_content), policy=POLICY)
            self.envelopes.append((list(envelope.rcpt_tos), cast("EmailMessage", message)))
            self.on_accept()
        await self._stall("ANSWER")
        self._answer("ANSWER", server, "")
        return answer


@contextmanager
def serving(
    inbox: Inbox,
    *,
    tls: Path | None = None,
    implicit: bool = False,
    size: int = 64_000_000,
    login: bool = False,
    has_utf8: bool = False,
) -> Iterator[int]:
    """Yield the port of a server on 127.0.0.1; `tls` is a folder with its certificate."""
    context = None
    if tls:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(tls / "certificate.pem", tls / "key.pem")
    controller = Controller(
        inbox,
        hostname="127.0.0.1",
        port=free_port(),
        data_size_limit=size,
        enable_SMTPUTF8=has_utf8,
        ssl_context=context if implicit else None,
        tls_context=None if implicit else context,
        require_starttls=bool(tls) and not implicit,
        authenticator=_authenticate if login else None,
        auth_required=login,
        auth_require_tls=bool(tls) and not implicit,
    )
    controller.start()
    try:
        yield controller.port
    finally:
        inbox.patience.set()
        controller.stop()


def _authenticate(
    server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: object
) -> AuthResult:
    del server, session, envelope, mechanism
    given = cast("LoginPassword", data)
    return AuthResult(
        success=(given.login, given.password) == (USER.encode(), PASSWORD.encode()), handled=False
    )


def certificate(folder: Path) -> Path:
    """Write a key and a certificate for 127.0.0.1 that nobody trusts of itself, and return the folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=2))
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    (folder / "certificate.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    (folder / "key.pem").write_bytes(private)
    return folder
