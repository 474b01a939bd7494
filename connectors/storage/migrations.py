"""A home's format: how what is stored below `ONPACE_HOME` is laid out, and the steps from each format to the next.

Put a step here when a release stores something in another way. Steps lose nothing, and one that was
stopped is done again: each asks what is there. The format stands in `format.json`; a home without
it is of format 1.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from filelock import FileLock

from connectors.storage.files import link, write_atomically
from sales.errors import UserError

FORMAT = 2
FILE = "format.json"
# What a home has that is not new.
SIGNS = ("extracts/*.json", "published/*.json")


class NewerHome(UserError, RuntimeError):
    """A home was written by a later version of this program."""


class NotUpgraded(UserError, OSError):
    """A home of an earlier format cannot be written to."""


def format_of(home: Path) -> int:
    """Return the format of a home; a new one is of today's."""
    path = home / FILE
    if path.exists():
        return int(json.loads(path.read_text(encoding="utf-8"))["format"])
    return 1 if any(True for sign in SIGNS for _ in home.glob(sign)) else FORMAT


def upgrade(home: Path, say: Callable[[str], None] = lambda _: None) -> int:
    """Bring a home to today's format, and return the format that it had; raises `NewerHome`."""
    found = format_of(home)
    if found > FORMAT:
        raise NewerHome(
            f"{home} has format {found}, and this version of Onpace knows formats up to {FORMAT}; install the later version again"
        )
    if found == FORMAT:
        return found
    try:
        with FileLock(home / ".upgrade.lock"):
            for number in range(format_of(home), FORMAT):
                what, step = STEPS[number]
                say(f"{home}: from format {number} to {number + 1}: {what}")
                step(home)
                mark(home, number + 1)
    except OSError as fault:
        raise NotUpgraded(
            f"{home} cannot be upgraded ({fault.strerror or fault}); nothing is lost: correct it and run `onpace upgrade`"
        ) from None
    return found


def mark(home: Path, number: int = FORMAT) -> None:
    """Note the format of a home."""
    write_atomically(home / FILE, json.dumps({"format": number}).encode())


def keep_revisions(home: Path) -> None:
    """Keep what readers saw as numbered revisions: the first publication, and the current one with its documents.

    Format 1 kept the tables of these two only; numbers between them were never kept.
    """
    for path in sorted((home / "published").glob("*.json")):
        current: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        if "revision" in current:  # done, before the step was stopped
            continue
        first_path = home / "published" / "first" / path.name
        first: dict[str, Any] = (
            json.loads(first_path.read_text(encoding="utf-8")) if first_path.exists() else current
        )
        numbered = [current] if first == current else [first, current]
        for number, publication in enumerate(numbered, 1):
            publication["revision"] = number
            folder = home / "revisions" / path.stem / str(number)
            folder.mkdir(parents=True, exist_ok=True)
            for document in (
                _documents(home / "packs" / path.stem) if publication is current else ()
            ):
                link(document, folder / document.name)
            write_atomically(folder / "publication.json", _json(publication))
        write_atomically(path, _json(current))
    shutil.rmtree(home / "published" / "first", ignore_errors=True)


# From a format: what its step does, in words for a person, and the step.
STEPS: dict[int, tuple[str, Callable[[Path], None]]] = {
    1: ("every published month is kept as revisions", keep_revisions)
}


def _documents(folder: Path) -> Iterator[Path]:
    return (
        (path for path in sorted(folder.iterdir()) if path.is_file())
        if folder.is_dir()
        else iter(())
    )


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
