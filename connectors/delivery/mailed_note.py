"""What was mailed, noted beside what was handed over: it outlives a ledger that is lost, or of an older backup.

Put what the outbox knows of mails here. A note names no address: it has a digest for each pair of
recipient and document.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

from upath import UPath

from connectors.delivery.outbox import UnusableOutbox
from connectors.storage.files import write_atomically
from sales.calendar import Month

FILE = "mailed.json"
Pair = tuple[str, str]  # a recipient's address, the SHA-256 of a document


class MailedNote:
    """The note of one month's mails, or of those of a day's flash, in an outbox."""

    def __init__(self, outbox: UPath, of: Month | date | str) -> None:
        """Use an outbox; nothing is written until something was mailed."""
        self._path = outbox / str(of) / FILE

    def among(self, pairs: Iterable[Pair]) -> list[Pair]:
        """Return which of these pairs were mailed; raises `UnusableOutbox` where nobody can tell."""
        known = self._known()
        return [each for each in pairs if _digest(each) in known] if known else []

    def count(self) -> int:
        """Return how many pairs were mailed; raises `UnusableOutbox`."""
        return len(self._known())

    def add(self, pairs: Iterable[Pair]) -> None:
        """Note pairs as mailed."""
        known = self._known()
        self._write(known, known | {_digest(each) for each in pairs})

    def replace(self, pairs: Iterable[Pair]) -> None:
        """Note these pairs as mailed, and no others."""
        self._write(self._known(), {_digest(each) for each in pairs})

    def _known(self) -> set[str]:
        try:
            return {str(each) for each in json.loads(self._path.read_text(encoding="utf-8"))}
        except FileNotFoundError:
            return set()
        # Libraries of object stores have faults of their own; whether a file exists they do not say.
        except Exception as fault:  # noqa: BLE001
            raise UnusableOutbox(
                f"{self._path} cannot be read ({type(fault).__name__}), which says what was mailed; restore it, or delete it if `onpace deliveries list` knows every mail"
            ) from None

    def _write(self, before: set[str], after: set[str]) -> None:
        if after == before:
            return
        content = json.dumps(sorted(after), indent=0).encode()
        try:
            if self._path.protocol in {"", "file"}:
                write_atomically(Path(self._path.path), content)
            else:
                self._path.write_bytes(content)
        except OSError as fault:
            raise UnusableOutbox(
                f"{self._path} cannot be written ({type(fault).__name__}); check ONPACE_OUTBOX_URL and its credentials"
            ) from None


def _digest(pair: Pair) -> str:
    recipient, sha256 = pair
    return hashlib.sha256(f"{recipient.casefold()}\0{sha256}".encode()).hexdigest()[:32]
