"""Names of documents' files: readable in every script, safe on every disk, the same from month to month and from print to print."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Any

from anyascii import anyascii

from reports.document.document import MonthEndReport
from sales.vocabulary import GrainKind

# So much of an id's digest tells the files of namesakes apart; two ids that share it get all of it.
FEWEST_DIGITS = 6
MOST_LETTERS = 40
# Letters of a name that are looked at: a name may be a million long.
READ = 200


class FileNames:
    """Names the documents of one month, each name once.

    `before` are the manifest's entries of what was printed of that month before: a document keeps
    the name that it has, since mails were sent under it.
    """

    def __init__(self, before: Iterable[Mapping[str, Any]] = ()) -> None:
        """Keep the names of a manifest's entries."""
        self._kept = {
            (entry["kind"], entry["grain_id"], _variant(entry["file"])): entry["file"]
            for entry in before
        }
        self._taken: set[str] = set()

    def of(self, report: MonthEndReport) -> str:
        """Return a document's file name."""
        key = report.kind, report.grain_id, report.variant
        kept = self._kept.get(key)
        others = self._taken | (set(self._kept.values()) - {kept})
        name = kept or next(each for each in _names(report) if each not in others)
        self._taken.add(name)
        return name


def _names(report: MonthEndReport) -> Iterable[str]:
    tail = f".{report.variant}" if report.variant else ""
    if report.kind == GrainKind.COMPANY:
        return (f"company{tail}.pdf",)
    shown = report.title if report.kind == GrainKind.PERSON else report.grain_id
    letters = re.sub(r"[^a-z0-9]+", "-", anyascii(shown[:READ]).lower())
    slug = letters.strip("-")[:MOST_LETTERS].strip("-")
    digest = hashlib.sha256(report.grain_id.encode()).hexdigest()
    return (
        "-".join(part for part in (report.kind, slug, digest[:digits]) if part) + f"{tail}.pdf"
        for digits in (FEWEST_DIGITS, len(digest))
    )


def _variant(file: str) -> str:
    """Return which language or paper a file name says that it is of, empty for the usual ones."""
    return file.removesuffix(".pdf").partition(".")[2]
