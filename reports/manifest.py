"""The manifest of a month's folder: which documents lie in it, with their digests and headlines.

Put reading and writing `manifest.json` here; what is printed is `publisher`.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from reports.document.month_tables import MonthTables
from reports.published_set import Pack, PublishedSet
from reports.staging import MANIFEST
from sales.calendar import Month


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
