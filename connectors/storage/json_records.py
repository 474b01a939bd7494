"""Records as homes of the formats 1 and 2 kept them: a JSON file each, and two databases beside them.

Put reading them into a catalogue here; nothing else reads them. They stay in `earlier/`.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connectors.storage.catalogue import FILE, Catalogue
from connectors.storage.catalogue_schema import (
    DOCUMENTS,
    EXTRACTS,
    MONTH_END_COPIES,
    PUBLICATIONS,
    SELECTED_EXTRACTS,
    WRITTEN_TABLES,
)
from sales.errors import UserError

DELIVERIES, DOCUMENT_LEDGER = "deliveries.sqlite", "publications.sqlite"
FOLDERS = ("extracts", "chosen", "month_ends", "written", "published")
UNFINISHED = ".unfinished-catalogue"
NOT_NOTED: dict[str, object] = {"recipe": "", "digest": "", "run_id": "", "figures": {}}

Rows = Iterator[tuple[sa.Table, Mapping[str, object]]]


class DamagedRecord(UserError, RuntimeError):
    """A record of a home cannot be read."""


def into_catalogue(home: Path) -> None:
    """Put every record of a home into its catalogue, all at once, and the files into `earlier/format-2`; raises `DamagedRecord`."""
    if not (home / FILE).exists():
        stage = home / UNFINISHED
        shutil.rmtree(stage, ignore_errors=True)  # of an upgrade that was stopped
        stage.mkdir()
        if (home / DELIVERIES).exists():
            _copy_database(home / DELIVERIES, stage / FILE)
        catalogue = Catalogue(stage)
        with catalogue.begin() as database:
            for table, values in _rows(home):
                catalogue.put(database, table, values)
        (stage / FILE).replace(home / FILE)
    _set_aside(home, home / "earlier" / "format-2")
    shutil.rmtree(home / UNFINISHED, ignore_errors=True)


def _rows(home: Path) -> Rows:
    """Yield what a home has on record, each with the table that it belongs to."""
    for _, record in _records(home, "extracts/[0-9]*.json"):
        yield EXTRACTS, {"pull": {}, "stored_at": None} | record
    for path, record in _records(home, "chosen/*.json"):
        yield SELECTED_EXTRACTS, {"month": path.stem} | record
    for path, record in _records(home, "month_ends/*.json"):
        yield MONTH_END_COPIES, {"month": path.stem} | record
    for path, record in _records(home, "written/*/*.json"):
        values = {"name": path.parent.name, "month": path.stem} | NOT_NOTED | record
        yield WRITTEN_TABLES, values
    for _, record in _records(home, "revisions/*/[0-9]*/publication.json"):
        yield PUBLICATIONS, _publication(record)
    # What readers see is the newest revision, noted once more where it was made again to the same.
    for _, record in _records(home, "published/*.json"):
        yield PUBLICATIONS, _publication(record)
    yield from _documents(home / DOCUMENT_LEDGER)


def _records(home: Path, pattern: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(home.glob(pattern)):
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError) as fault:
            raise _damaged(path, fault) from None
        if not isinstance(record, dict):
            raise _damaged(path, TypeError())
        yield path, record


def _damaged(path: Path, fault: Exception) -> DamagedRecord:
    return DamagedRecord(
        f"{path} cannot be read ({type(fault).__name__}); restore it from a backup, and run `onpace upgrade`"
    )


def _publication(record: dict[str, Any]) -> dict[str, object]:
    not_noted: dict[str, object] = {"published_at": None, "documents": "", "made_from": ""}
    return not_noted | record


def _documents(path: Path) -> Rows:
    """Yield the files that were published, of a database with one table."""
    if not path.exists():
        return
    names = [each.name for each in DOCUMENTS.columns if each.name not in {"home", "shown_at"}]
    with closing(sqlite3.connect(path)) as database:
        for row in database.execute(f"SELECT {', '.join(names)} FROM publications"):  # noqa: S608  # our names
            values = dict(zip(names, row, strict=True))
            yield DOCUMENTS, values | {"shown_at": values["published_at"]}


def _copy_database(old: Path, new: Path) -> None:
    """Copy a database, what a killed process left in its journal included."""
    with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(new)) as target:
        source.backup(target)


def _set_aside(home: Path, folder: Path) -> None:
    """Move what was read out of the way; what was moved before an upgrade was stopped stays where it is."""
    records = [*home.glob("revisions/*/[0-9]*/publication.json")]
    for name in FOLDERS:
        records += (each for each in (home / name).rglob("*.json") if each.is_file())
    for name in (DELIVERIES, DOCUMENT_LEDGER):
        records += [home / name] if (home / name).exists() else []
    for path in records:
        target = folder / path.relative_to(home)
        target.parent.mkdir(parents=True, exist_ok=True)
        path.replace(target)
    for name in FOLDERS:
        shutil.rmtree(home / name, ignore_errors=True)
