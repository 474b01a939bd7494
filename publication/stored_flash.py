"""Flashes as they lie in a home: a folder a day, with pages, tables and a manifest that has the digest of each.

Put reading a flash here; computing and printing one is `flash`.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.parquet as pq

from connectors.storage.files import is_intact
from connectors.storage.monthly_tables import NotComputed
from connectors.storage.revision_documents import MANIFEST, documents_of
from publication.published_documents import manifest_in
from sales.errors import UserError

FLASHES, TABLE = "flash", ".parquet"
# Of the company's page: it is posted where people talk.
PICTURE = "company.png"


class NoSuchDay(UserError, ValueError):
    """A flash of a day cannot be made."""


def manifest_of_flash(home: Path, day: date) -> dict[str, Any]:
    """Return the manifest of a day's flash; raises `NoSuchDay` where there is none, `NotComputed` where it cannot be read."""
    folder = folder_of(home, day)
    if not (folder / MANIFEST).is_file():
        raise NoSuchDay(f"there is no flash of {day}; run `onpace flash --as-of {day}` first")
    return manifest_in(folder)


def stored_tables(home: Path, day: date) -> dict[str, pd.DataFrame]:
    """Return the tables of a day's flash as they were made; raises `NoSuchDay` where there is none, `NotComputed` where one is damaged."""
    folder, found = folder_of(home, day), dict[str, pd.DataFrame]()
    for name, digest in manifest_of_flash(home, day)["tables"].items():
        if not is_intact(folder / name, digest):
            raise NotComputed(
                f"{folder / name} is not what was made; run `onpace flash --as-of {day}` again"
            )
        table = pq.read_table(folder / name).to_pandas(types_mapper=pd.ArrowDtype)
        found[name.removesuffix(TABLE)] = table
    return found


def flash_with(home: Path, sha256: str) -> date | None:
    """Return the day of the flash that holds a page of this digest, none where none does."""
    for folder in sorted((home / FLASHES).glob("????-??-??")):
        if sha256 in (documents_of(folder) or {}).values():
            return date.fromisoformat(folder.name)
    return None


def folder_of(home: Path, day: date) -> Path:
    """Return where a day's flash lies."""
    return home / FLASHES / str(day)
