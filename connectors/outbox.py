"""The outbox folder: documents that were handed over, each once, with a manifest."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from connectors.files import write_atomically
from connectors.storage import NotComputed
from sales.calendar import Month


@dataclass(frozen=True)
class Receipt:
    """What a delivery did: documents handed over now, and those that lay there already."""

    folder: Path
    delivered: int
    already_there: int


def deliver(home: Path, month: Month) -> Receipt:
    """Copy a month's packs into the outbox; a document whose digest was delivered before is left alone."""
    packs = home / "packs" / str(month)
    if not (packs / "manifest.json").exists():
        raise NotComputed(f"{month} has no packs yet; run `onpace report {month}` first")
    folder = home / "outbox" / str(month)
    manifest = _read(packs / "manifest.json")
    known = _read(folder / "manifest.json").get("documents", {}) if (folder / "manifest.json").exists() else {}
    delivered = dict(known)
    new = 0
    for document in manifest["documents"]:
        name, digest = document["file"], document["sha256"]
        if digest in {each["sha256"] for each in known.get(name, [])}:
            continue
        content = (packs / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise NotComputed(f"{packs / name} is not the file that was published; run `onpace report {month}` again")
        revision = len(known.get(name, [])) + 1
        target = name if revision == 1 else f"{Path(name).stem}-revision-{revision}.pdf"
        write_atomically(folder / target, content)
        delivered[name] = [*known.get(name, []), {"sha256": digest, "revision": revision, "file": target}]
        new += 1
    if new:
        content = {"month": str(month), "documents": delivered}
        write_atomically(folder / "manifest.json", json.dumps(content, indent=1, sort_keys=True).encode())
    return Receipt(folder, new, len(manifest["documents"]) - new)


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text(encoding="utf-8"))
