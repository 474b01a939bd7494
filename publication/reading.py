"""Who may open which published document: what `recipients.toml` gives an address, and nothing else.

Put here what a reader who asks gets. What is mailed unasked is `delivery`; both follow the same plan.
"""

from __future__ import annotations

import threading
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from connectors.storage.revision_documents import MANIFEST
from publication.document_links import DocumentLink
from publication.extract_selection import published_extract
from publication.month_inputs import resolve
from publication.published_documents import (
    Entry,
    content_of,
    documents_listed,
    manifest_in,
)
from publication.workspace import Workspace
from sales.calendar import Month
from sales.delivery.recipients import DirectoryEntry, mailing
from sales.errors import UserError


class NothingForThem(UserError, LookupError):
    """There is no such document, or it is not for who asks; both are the same to them."""


@dataclass(frozen=True)
class Shelf:
    """What a reader finds of a month: each document's title with the names of its files; none where that cannot be read now."""

    month: Month
    documents: Sequence[tuple[str, tuple[str, ...]]] | None


@dataclass(frozen=True)
class Directories:
    """Who worked where, by month, extract and policy: reading it takes a second."""

    found: dict[str, Sequence[DirectoryEntry]] = field(
        default_factory=dict[str, Sequence[DirectoryEntry]]
    )
    lock: threading.Lock = field(default_factory=threading.Lock)


class DocumentReading:
    """Opens documents of one home for readers."""

    def __init__(self, workspace: Workspace, known: Directories | None = None) -> None:
        """Use a workspace; `known` is what another one, of the same home, knew of people."""
        self._workspace = workspace
        self._known = Directories() if known is None else known

    def address_of(self, user: str) -> str:
        """Return the address of a user as the login names them: by `user` of recipients.toml, else the name is the address."""
        name = unicodedata.normalize("NFC", user)
        known = {
            unicodedata.normalize("NFC", each.user).casefold(): each.address
            for each in self._workspace.recipients.recipients
        }
        return known.get(name.casefold(), name if "@" in name else "") if name else ""

    def shelves(self, address: str | None) -> Iterator[Shelf]:
        """Yield what an address may open, the newest month first; without one everything that is published."""
        for month in reversed(self._workspace.published.months()):
            try:
                entries = self._entries(self._workspace.published.documents(month))
                found = entries if address is None else self._for(address, month, entries)
                mine = [(str(each["title"]), _files(each)) for each in found]
            except (UserError, OSError):  # of this month: the others are shown
                mine = None
            if mine is None or mine:
                yield Shelf(month, mine)

    def content(self, address: str, month: Month, name: str) -> bytes:
        """Return a file of a published month as it was published; raises `NothingForThem`."""
        if month not in self._workspace.published.months():
            raise NothingForThem("there is no such document")
        folder = self._workspace.published.documents(month)
        return self._file(address, month, folder, name, "")

    def linked(self, link: DocumentLink) -> bytes:
        """Return the file that a link leads to, as it was when it was sent; raises `NothingForThem`."""
        published = self._workspace.published
        for each in reversed(published.revisions(link.month)):
            folder = published.kept.folder(link.month, each.revision)
            if (folder / MANIFEST).is_file() and not published.kept.has_other_manifest(
                link.month, each.revision
            ):
                try:
                    return self._file(link.address, link.month, folder, link.file, link.sha256)
                except NothingForThem:
                    continue
        raise NothingForThem("there is no such document")

    def _file(self, address: str, month: Month, folder: Path, name: str, sha256: str) -> bytes:
        for entry in self._for(address, month, self._entries(folder)):
            digest = {entry["file"]: entry["sha256"], **entry["other_shapes"]}.get(name)
            if digest is None or (sha256 and digest != sha256):
                continue
            return content_of(folder / name, digest)
        raise NothingForThem("there is no such document")

    def _for(self, address: str, month: Month, entries: Sequence[Entry]) -> list[Entry]:
        """Return the documents that recipients.toml gives an address, in every language."""
        documents = documents_listed(entries)
        plan = mailing(self._workspace.recipients, self._directory(month), documents)
        mine = {
            (document.kind, document.grain_id)
            for bundle in plan.bundles
            if bundle.address.casefold() == address.casefold()
            for document in bundle.documents
        }
        return [each for each in entries if (each["kind"], each["grain_id"]) in mine]

    def _directory(self, month: Month) -> Sequence[DirectoryEntry]:
        record = published_extract(self._workspace, month)
        key = f"{month} {record.extract_id} {self._workspace.policy_digests}"
        with self._known.lock:
            if key not in self._known.found:
                self._known.found[key] = resolve(self._workspace, month, record).directory
            return self._known.found[key]

    @staticmethod
    def _entries(folder: Path) -> list[Entry]:
        return [each for each in manifest_in(folder)["documents"] if "paper" in each]


def _files(entry: Entry) -> tuple[str, ...]:
    return (str(entry["file"]), *(str(each) for each in entry["other_shapes"]))
