"""Links to single documents: signed, for one address, and over after a month.

Put signing here. Whether a link still opens anything is decided when it is opened, by `reading`.
"""

from __future__ import annotations

import os
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jwt

from connectors.storage.files import flush_folders
from sales.calendar import Month
from sales.errors import UserError

KEY_FILE = "link.key"
VALID_FOR = timedelta(days=30)
ALGORITHM = "HS256"
LONGEST = 2000  # characters of a link's token


class LinkRefused(UserError, PermissionError):
    """A link is not one of ours, or its time is over."""


@dataclass(frozen=True)
class DocumentLink:
    """What a link leads to: a file of a month as it was when it was sent, and to whom."""

    month: Month
    file: str
    sha256: str
    address: str


def signed(link: DocumentLink, home: Path, now: datetime) -> str:
    """Return a link as a text for an address, good for thirty days."""
    claims = {
        "month": str(link.month),
        "file": link.file,
        "sha256": link.sha256,
        "sub": link.address,
        "exp": int((now + VALID_FOR).timestamp()),
    }
    return jwt.encode(claims, _key(home), ALGORITHM)


def opened(text: str, home: Path, now: datetime) -> DocumentLink:
    """Return what a link leads to; raises `LinkRefused`."""
    if len(text) > LONGEST or not (home / KEY_FILE).is_file():
        raise LinkRefused("this link is not one of ours")
    try:
        claims = jwt.decode(
            text,
            _key(home),
            [ALGORITHM],
            options={
                "require": ["exp", "sub", "month", "file", "sha256"],
                "verify_exp": False,  # by our clock, not by the library's
            },
        )
        until = int(claims["exp"])
        link = DocumentLink(
            Month.parse(str(claims["month"])),
            *(str(claims[name]) for name in ("file", "sha256", "sub")),
        )
    except (jwt.InvalidTokenError, ValueError):
        raise LinkRefused("this link is not one of ours") from None
    if now.timestamp() >= until:
        raise LinkRefused("this link is over; ask for the document again")
    return link


def _key(home: Path) -> bytes:
    """Return the key of a home's links, made when it is first needed."""
    path = home / KEY_FILE
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return path.read_bytes()
    with os.fdopen(handle, "wb") as file:
        file.write(secrets.token_hex(32).encode())
        file.flush()
        os.fsync(file.fileno())
    flush_folders(home, home)
    return path.read_bytes()
