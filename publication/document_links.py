"""Links to single documents: signed, for one address, and over after a month.

Put signing here. Whether a link still opens anything is decided when it is opened, by `reading`.
"""

from __future__ import annotations

import os
import secrets
import tempfile
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path

import jwt

from connectors.storage.files import flush_folders
from connectors.storage.files import link as link_file
from sales.calendar import Month
from sales.errors import UserError

KEY_FILE = "link.key"
VALID_FOR = timedelta(days=30)
ALGORITHM = "HS256"
KEY_BYTES = 32
LONGEST = 2000  # characters of a link's token


class LinkRefused(UserError, PermissionError):
    """A link is not one of ours, or its time is over."""


class DamagedKey(UserError, OSError):
    """The key of links cannot be used."""


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
    except (jwt.PyJWTError, ValueError):
        raise LinkRefused("this link is not one of ours") from None
    if now.timestamp() >= until:
        raise LinkRefused("this link is over; ask for the document again")
    return link


def _key(home: Path) -> bytes:
    """Return the key of a home's links, made when it is first needed."""
    path = home / KEY_FILE
    if not path.exists():
        handle, name = tempfile.mkstemp(dir=home, prefix=".", suffix=".key")  # of mode 0600
        try:
            with os.fdopen(handle, "wb") as file:
                file.write(secrets.token_hex(KEY_BYTES).encode())
                file.flush()
                os.fsync(file.fileno())
            with suppress(FileExistsError):  # another process was quicker: its key is the one
                link_file(Path(name), path)
            flush_folders(home, home)
        finally:
            Path(name).unlink(missing_ok=True)
    key = path.read_bytes()
    if len(key) < KEY_BYTES:
        raise DamagedKey(f"{path} is damaged; delete it, which ends all links that were sent")
    return key
