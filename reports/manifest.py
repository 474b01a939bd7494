"""The manifest of a month's folder: which documents lie in it, with their digests and headlines.

Put reading and writing `manifest.json` here; what is printed is `publisher`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from markupsafe import Markup

from reports.document.document import MonthEndReport
from reports.document.month_tables import MonthTables
from reports.published_set import Pack, PublishedSet
from reports.staging import MANIFEST
from reports.text import formats
from sales.calendar import Month

# So many tiles are the headline of a document, in the manifest and in mails.
HEADLINES = 3


def read_manifest(folder: Path) -> dict[str, Any]:
    """Return what a folder says of its documents, nothing where it is not there or cannot be read: they are printed again."""
    try:
        found: dict[str, Any] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        for entry in found["documents"]:
            pack_of(entry, folder)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return {}
    return found


def manifest_of(
    published_set: PublishedSet, month: Month, source: str, tables: MonthTables, printed_with: str
) -> bytes:
    """Return the manifest of what was printed."""
    snapshot = tables.opportunity_snapshot
    documents = [
        {
            "file": pack.path.name,
            "title": pack.title,
            "kind": pack.kind,
            "grain_id": pack.grain_id,
            "language": pack.language,
            "paper": pack.paper,
            "audience": pack.audience,
            "sha256": pack.sha256,
            "content_digest": pack.content_digest,
            "other_shapes": pack.other_shapes,
            "headline": pack.headline,
            "verdict": pack.verdict,
            "actions": pack.actions,
        }
        for pack in published_set.packs
    ]
    content = {
        "month": str(month),
        "source": source,
        "as_of": snapshot["as_of"].iloc[0].isoformat(),
        "extracted_at": snapshot["extracted_at"].iloc[0].isoformat(),
        "printed_with": printed_with,
        "documents": documents,
        "failed": published_set.failed,
    }
    return json.dumps(content, indent=1, ensure_ascii=False).encode()


def entry_of(report: MonthEndReport, file: str, pdf: bytes) -> dict[str, Any]:
    """Return the manifest's entry of a document that lies in one shape only."""
    headline, verdict, actions = first_page_of(report)
    return {
        "file": file,
        "title": formats.unmarked(report.title),
        "kind": report.kind,
        "grain_id": report.grain_id,
        "language": report.language.code,
        "paper": report.theme.paper,
        "sha256": hashlib.sha256(pdf).hexdigest(),
        "headline": headline,
        "verdict": verdict,
        "actions": actions,
    }


def first_page_of(
    report: MonthEndReport,
) -> tuple[tuple[tuple[str, str, str], ...], str, tuple[str, ...]]:
    """Return what mails say of a document: its headline numbers (name, value, note), its verdict and its actions."""
    return (
        tuple((tile.name, tile.value, tile.note) for tile in report.tiles[:HEADLINES]),
        " ".join(_plain(each.text) for each in report.statements),
        tuple(
            f"{each.owner}: {_plain(each.text)}" if each.owner else _plain(each.text)
            for each in report.actions
        ),
    )


def _plain(text: str) -> str:
    """Return a text of a page as a mail says it, without links and marks."""
    return formats.unmarked(text.striptags() if isinstance(text, Markup) else text)


def pack_of(entry: dict[str, Any], folder: Path) -> Pack:
    """Return a document as the manifest knows it."""
    fields = {
        name: entry[name]
        for name in (
            "title",
            "kind",
            "grain_id",
            "language",
            "paper",
            "audience",
            "sha256",
            "content_digest",
        )
    }
    return Pack(
        folder / entry["file"],
        **fields,
        other_shapes=dict(entry["other_shapes"]),
        headline=tuple((name, value, note) for name, value, note in entry["headline"]),
        verdict=str(entry.get("verdict", "")),
        actions=tuple(str(each) for each in entry.get("actions", ())),
    )


def are_intact(folder: Path, entry: dict[str, Any]) -> bool:
    """Return whether all files of a document lie in a folder as they were printed."""
    files = {entry["file"]: entry["sha256"], **entry.get("other_shapes", {})}
    return "paper" in entry and all(
        _is_intact(folder / name, digest) for name, digest in files.items()
    )


def _is_intact(path: Path, sha256: str) -> bool:
    return path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == sha256
