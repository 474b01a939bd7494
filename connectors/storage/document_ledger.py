"""The ledger of publications: which documents we published, when, and for whom.

Put what is known of published files here. Records are only added to the catalogue.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from upath import UPath

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import DOCUMENTS
from sales.calendar import Month


@dataclass(frozen=True)
class DocumentFile:
    """A file that was published."""

    file: str
    sha256: str
    title: str
    audience: str
    language: str


@dataclass(frozen=True)
class PublishedFile(DocumentFile):
    """A file, the month it is of, its revision from 1 on, and when it was published."""

    month: str
    revision: int
    published_at: datetime
    is_current: bool


class DocumentLedger:
    """Every file that was ever published from a home."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Use a catalogue; nothing is created until something is noted."""
        self._catalogue = catalogue

    def record(
        self,
        database: sa.Connection,
        month: Month,
        documents: Iterable[DocumentFile],
        now: datetime,
    ) -> None:
        """Note documents as published, in a transaction; of those that are known only that they are shown again."""
        mine = (self._catalogue.mine(DOCUMENTS), DOCUMENTS.c.month == str(month))
        instant = now.astimezone(UTC).isoformat()
        at = {"month": str(month), "published_at": instant, "shown_at": instant}
        for each in documents:
            of_file = (*mine, DOCUMENTS.c.file == each.file)
            known = sa.select(sa.func.count()).where(*of_file)
            revision = 1 + database.execute(known).scalar_one()
            self._catalogue.add(database, DOCUMENTS, asdict(each) | at | {"revision": revision})
            shown = DOCUMENTS.update().where(*of_file, DOCUMENTS.c.sha256 == each.sha256)
            database.execute(shown.values(shown_at=instant))

    def find(self, sha256: str) -> list[PublishedFile]:
        """Return the first publication of a file in each month; it is current where readers see it today."""
        mine, later = self._catalogue.mine(DOCUMENTS), DOCUMENTS.alias()
        same = (later.c.home == DOCUMENTS.c.home, later.c.month == DOCUMENTS.c.month)
        of_file = sa.select(later.c.sha256).where(*same, later.c.file == DOCUMENTS.c.file)
        newest = of_file.order_by(later.c.shown_at.desc(), later.c.revision.desc()).limit(1)
        wanted = (
            sa.select(DOCUMENTS, newest.scalar_subquery().label("newest"))
            .where(mine, DOCUMENTS.c.sha256 == sha256)
            .order_by(DOCUMENTS.c.published_at, DOCUMENTS.c.month, DOCUMENTS.c.file)
        )
        return [_published(row) for row in self._catalogue.rows(wanted)]

    def handed_over(self, publication: PublishedFile, outbox: UPath) -> str:
        """Return where a document was handed over, empty where it was not."""
        path = outbox / publication.month / "manifest.json"
        known: dict[str, list[dict[str, str]]] = (
            json.loads(path.read_text(encoding="utf-8"))["documents"] if path.exists() else {}
        )
        there = [
            each
            for entries in known.values()
            for each in entries
            if each["sha256"] == publication.sha256
        ]
        return str(path.parent / there[0]["file"]) if there else ""


def _published(row: sa.Row[tuple[object, ...]]) -> PublishedFile:
    return PublishedFile(
        row.file,
        row.sha256,
        row.title,
        row.audience,
        row.language,
        row.month,
        row.revision,
        datetime.fromisoformat(row.published_at),
        row.sha256 == row.newest,
    )
