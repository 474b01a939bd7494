"""Folders of documents that are replaced whole: made beside the old one, and moved into its place.

Put how a month's folder changes on disk here; what lies in it is `publisher`.
"""

from __future__ import annotations

import filecmp
import os
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

MANIFEST = "manifest.json"


def _is_same(folder: Path, stage: Path) -> bool:
    """Return whether a folder holds the same files, to the byte."""
    if not (folder / MANIFEST).exists():
        return False
    names = {path.name for path in stage.iterdir()}
    if {path.name for path in folder.iterdir()} != names:
        return False
    # Most of them are one file with two names, which is seen without reading.
    return all(
        path.samefile(folder / path.name) or filecmp.cmp(path, folder / path.name, shallow=False)
        for path in stage.iterdir()
    )


@contextmanager
def staged(folder: Path) -> Generator[Path]:
    """Yield an empty folder beside another one, and remove what is left of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    stage = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
    try:
        yield stage
    finally:
        shutil.rmtree(stage, ignore_errors=True)
        if folder.exists():
            shutil.rmtree(_former(folder), ignore_errors=True)


def put_in_place(folder: Path, stage: Path) -> None:
    """Put a folder in the place of another, unless they hold the same: readers see all of the old pack or all of the new."""
    if _is_same(folder, stage):
        return
    for path in stage.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    if folder.exists():
        folder.rename(_former(folder))
    stage.rename(folder)


def recover(folder: Path) -> None:
    """Put a pack back that a killed run had moved aside, and forget what it had staged."""
    if _former(folder).exists() and not folder.exists():
        _former(folder).rename(folder)
    for left in folder.parent.glob(f".{folder.name}-*"):
        shutil.rmtree(left, ignore_errors=True)


def _former(folder: Path) -> Path:
    return folder.parent / f".{folder.name}-former"
