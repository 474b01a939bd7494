"""Published documents as their manifest lists them, read from the folder of a revision and held against their digests.

Put here what whoever sends documents and whoever serves them need alike; who may have which is
`sales.delivery.recipients`.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from connectors.storage.monthly_tables import NotComputed
from connectors.storage.revision_documents import MANIFEST, documents_of
from sales.delivery.recipients import Document

Entry = Mapping[str, Any]
FIELDS = ("file", "sha256", "kind", "grain_id", "language", "paper", "title")


def manifest_in(folder: Path) -> dict[str, Any]:
    """Return the manifest of a folder; raises `NotComputed` where it cannot be read."""
    path = folder / MANIFEST
    if documents_of(folder) is None:
        raise NotComputed(f"{path} cannot be read; run `onpace check --stored`")
    return json.loads(path.read_text(encoding="utf-8"))


def documents_listed(entries: Iterable[Entry]) -> list[Document]:
    """Return the documents of a manifest's entries."""
    return [Document(*(each[name] for name in FIELDS)) for each in entries]


def content_of(path: Path, sha256: str) -> bytes:
    """Return a file as it was published; raises `NotComputed` where another one lies in its place."""
    content = path.read_bytes() if path.is_file() else b""
    if hashlib.sha256(content).hexdigest() != sha256:
        raise NotComputed(
            f"{path} is not the file that was published; run `onpace check --stored --repair`"
        )
    return content
