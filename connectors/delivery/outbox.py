"""The outbox: documents that were handed over, each once, with a manifest; a folder, or a place in an object store."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from upath import UPath

from connectors.storage.files import write_atomically
from connectors.storage.monthly_tables import NotComputed
from connectors.storage.revision_documents import MANIFEST
from sales.calendar import Month
from sales.errors import UserError

MONTH_NAME = re.compile(r"[0-9]{4}-(0[1-9]|1[0-2])")


class UnusableOutbox(UserError, OSError):
    """The place that documents are to be handed over to cannot be used."""


@dataclass(frozen=True)
class Receipt:
    """What a delivery did: documents handed over now, and those that lay there already."""

    folder: str
    delivered: int
    already_there: int


def outbox_at(address: str, home: Path) -> UPath:
    """Return the outbox: below a home, or at an address such as s3://bucket/folder. Raises `UnusableOutbox`."""
    if not address:
        return UPath(home / "outbox")
    if re.search(r"://[^/]*:[^/]*@|://.*@.*@", address):
        raise UnusableOutbox(
            "ONPACE_OUTBOX_URL holds a password, which would be printed with the address; leave it out and set the variables of its kind of store, such as AWS_SECRET_ACCESS_KEY"
        )
    try:
        return UPath(address)
    except (ValueError, ImportError) as fault:
        raise UnusableOutbox(
            f"ONPACE_OUTBOX_URL {address[:60]!r} cannot be used ({str(fault)[:100]}); install what its kind of store needs, such as s3fs"
        ) from None


def deliver(packs: Path, month: Month, outbox: UPath) -> Receipt:
    """Copy a month's published documents from a folder into the outbox; a document whose digest was delivered before is left alone."""
    folder = outbox / str(month)
    manifest = json.loads((packs / MANIFEST).read_text(encoding="utf-8"))
    try:
        return _copy(manifest, packs, folder, month)
    except NotComputed:
        raise
    except OSError as fault:
        raise UnusableOutbox(
            f"{folder} cannot be written ({type(fault).__name__}); check ONPACE_OUTBOX_URL and its credentials"
        ) from None


def months_there(outbox: UPath) -> dict[Month, datetime]:
    """Return the months of which documents were handed over, and when last; raises `UnusableOutbox`."""
    try:
        folders = (
            [each for each in outbox.iterdir() if MONTH_NAME.fullmatch(each.name)]
            if outbox.exists()
            else []
        )
        manifests = {
            Month.parse(each.name): each / MANIFEST
            for each in folders
            if (each / MANIFEST).exists()
        }
        return {
            month: datetime.fromtimestamp(path.stat().st_mtime, UTC)
            for month, path in manifests.items()
        }
    except OSError as fault:
        raise UnusableOutbox(
            f"{outbox} cannot be read ({type(fault).__name__}); check ONPACE_OUTBOX_URL and its credentials"
        ) from None


def handed_over(outbox: UPath) -> set[str]:
    """Return the digests of all documents that were ever handed over; raises `UnusableOutbox`."""
    try:
        manifests = [
            json.loads((outbox / str(month) / MANIFEST).read_text(encoding="utf-8"))
            for month in months_there(outbox)
        ]
        return {
            each["sha256"]
            for manifest in manifests
            for entries in manifest["documents"].values()
            for each in entries
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as fault:
        raise UnusableOutbox(
            f"the manifests in {outbox} cannot be read ({type(fault).__name__}); check ONPACE_OUTBOX_URL and its credentials"
        ) from None


def _copy(manifest: dict[str, Any], packs: Path, folder: UPath, month: Month) -> Receipt:
    known: dict[str, list[dict[str, Any]]] = (
        json.loads((folder / MANIFEST).read_text(encoding="utf-8"))["documents"]
        if (folder / MANIFEST).exists()
        else {}
    )
    delivered = dict(known)
    new = 0
    for document in manifest["documents"]:
        name, digest = document["file"], document["sha256"]
        if digest in {each["sha256"] for each in known.get(name, [])}:
            continue
        content = (packs / name).read_bytes()
        if hashlib.sha256(content).hexdigest() != digest:
            raise NotComputed(
                f"{packs / name} is not the file that was published; run `onpace report {month}` again"
            )
        revision = len(known.get(name, [])) + 1
        target = name if revision == 1 else f"{Path(name).stem}-revision-{revision}.pdf"
        _write(folder / target, content)
        delivered[name] = [
            *known.get(name, []),
            {"sha256": digest, "revision": revision, "file": target},
        ]
        new += 1
    if new:
        _write(
            folder / MANIFEST,
            json.dumps(
                {"month": str(month), "documents": delivered}, indent=1, sort_keys=True
            ).encode(),
        )
    return Receipt(str(folder), new, len(manifest["documents"]) - new)


def _write(path: UPath, content: bytes) -> None:
    """Write a file whole: an object store shows it when it is complete, a folder when it is renamed."""
    if path.protocol in {"", "file"}:
        write_atomically(Path(path.path), content)
    else:
        path.write_bytes(content)
