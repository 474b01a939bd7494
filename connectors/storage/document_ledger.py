"""The ledger of publications: which documents we published, when, and for whom.

Put what is known of published files here. Records are only added:
`ONPACE_HOME/publications.sqlite`.
"""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from upath import UPath

from sales.calendar import Month

SCHEMA = """
CREATE TABLE IF NOT EXISTS publications (
    sha256 TEXT NOT NULL, month TEXT NOT NULL, revision INTEGER NOT NULL, file TEXT NOT NULL, title TEXT NOT NULL,
    audience TEXT NOT NULL, language TEXT NOT NULL, published_at TEXT NOT NULL, PRIMARY KEY (month, file, sha256)
)
"""
WAIT = 30.0  # seconds for another process to finish its record


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
    """Every file that was ever published below a home."""

    def __init__(self, home: Path) -> None:
        """Use `home/publications.sqlite`; it is created by the first record."""
        self._path = home / "publications.sqlite"

    def record(self, month: Month, documents: Iterable[DocumentFile], now: datetime) -> None:
        """Note documents as published; those that are known stay as they were noted."""
        with self._open() as database:
            for each in documents:
                database.execute(
                    "INSERT OR IGNORE INTO publications SELECT ?, ?, 1 + COUNT(*), ?, ?, ?, ?, ? FROM publications WHERE month = ? AND file = ?",
                    (
                        each.sha256,
                        str(month),
                        each.file,
                        each.title,
                        each.audience,
                        each.language,
                        now.astimezone(UTC).isoformat(),
                        str(month),
                        each.file,
                    ),
                )

    def find(self, sha256: str) -> list[PublishedFile]:
        """Return every publication of a file, the first one first."""
        if not self._path.exists():
            return []
        with self._open() as database:
            rows = database.execute(
                "SELECT p.file, p.sha256, p.title, p.audience, p.language, p.month, p.revision, p.published_at, "
                "p.revision = (SELECT MAX(q.revision) FROM publications q WHERE q.month = p.month AND q.file = p.file) "
                "FROM publications p WHERE p.sha256 = ? ORDER BY p.published_at, p.month, p.file",
                (sha256,),
            ).fetchall()
        return [
            PublishedFile(
                file,
                sha256,
                title,
                audience,
                language,
                month,
                revision,
                datetime.fromisoformat(at),
                bool(is_current),
            )
            for file, sha256, title, audience, language, month, revision, at, is_current in rows
        ]

    def handed_over(self, publication: PublishedFile, outbox: UPath) -> str:
        """Return where a document was handed over, empty where it was not."""
        path = outbox / publication.month / "manifest.json"
        known = json.loads(path.read_text(encoding="utf-8"))["documents"] if path.exists() else {}
        there = [
            each
            for entries in known.values()
            for each in entries
            if each["sha256"] == publication.sha256
        ]
        return str(path.parent / there[0]["file"]) if there else ""

    @contextmanager
    def _open(self) -> Iterator[sqlite3.Connection]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with closing(sqlite3.connect(self._path, timeout=WAIT)) as database, database:
            database.execute(SCHEMA)
            yield database
