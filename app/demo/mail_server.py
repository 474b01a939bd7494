"""A mail server on this machine that keeps what it gets in a folder: the demo's mailboxes."""

from __future__ import annotations

import hashlib
import logging
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from email import message_from_bytes
from email.policy import SMTP as POLICY
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from markupsafe import Markup

MOST_BYTES = 64_000_000
PAGE = Markup("""<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>Mails of the demo</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>body {{ font: 15px/1.5 system-ui, sans-serif; max-width: 760px; margin: 32px auto; color: #1b2733 }} pre {{ white-space: pre-wrap; background: #f3f6f8; padding: 12px }}</style>
</head><body><h1>Mails of the demo</h1><p>Nothing left this machine. Each mail lies beside this page as a file.</p>
{}</body></html>
""")
MAIL = Markup("<h2>{}</h2><p>To {} · {} · <a href='{}'>{}</a></p><pre>{}</pre>\n")


class _Keeper:
    """Keeps each message as a file named after its id, so that a repeat would be seen as one."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: ARG002, N802  # the server's signature
        content = envelope.original_content or b""
        message = message_from_bytes(content, policy=POLICY)
        name = hashlib.sha256(str(message["Message-ID"]).encode()).hexdigest()[:16]
        (self._folder / f"{name}.eml").write_bytes(content)
        return "250 kept"


@contextmanager
def mailbox(folder: Path) -> Iterator[int]:
    """Yield the port of a server on 127.0.0.1; when it ends, a page beside the mails lists them."""
    folder.mkdir(parents=True, exist_ok=True)
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    controller = Controller(
        _Keeper(folder), hostname="127.0.0.1", port=free_port(), data_size_limit=MOST_BYTES
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()
        _write_page(folder)


def free_port() -> int:
    """Return a port of this machine that nobody listens on: the server cannot be told to find one itself."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _write_page(folder: Path) -> None:
    shown: list[Markup] = []
    for path in sorted(folder.glob("*.eml")):
        message = message_from_bytes(path.read_bytes(), policy=POLICY)
        body = message.get_body(("plain",))
        files = ", ".join(part.get_filename() or "" for part in message.iter_attachments())
        shown.append(
            MAIL.format(
                message["Subject"],
                message["To"],
                files,
                path.name,
                path.name,
                body.get_content() if body else "",
            )
        )
    (folder / "index.html").write_text(PAGE.format(Markup().join(shown)), encoding="utf-8")
