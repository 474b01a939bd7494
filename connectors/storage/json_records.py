"""Records as homes of the formats 1 and 2 kept them: a JSON file each, and two databases beside them.

Put reading them into a catalogue here; nothing else reads them. They stay in `earlier/`.
"""

from __future__ import annotations

import json
import shutil
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any, cast

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

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
UNFINISHED, RECORDS_READ = ".unfinished-catalogue", ".records-read"
NOT_NOTED: dict[str, object] = {"recipe": "", "digest": "", "run_id": "", "figures": {}}

# What a column holds where its type in the database does not say it.
JSON_KINDS: dict[type, type] = {sa.JSON: dict, sa.Integer: int}
KINDS: dict[tuple[str, str], type] = {("extracts", "findings"): list}

Rows = Iterator[tuple[Path, sa.Table, Mapping[str, object]]]


class DamagedRecord(UserError, RuntimeError):
    """A record of a home cannot be read."""


def into_catalogue(home: Path) -> None:
    """Put every record of a home into its catalogue, all at once, and the files into `earlier/format-2`; raises `DamagedRecord`.

    Until the records were read and the catalogue stands, one that lies there is of another time:
    it is set aside. Then they are moved, and a step that was stopped goes on moving.
    """
    if not (home / RECORDS_READ).exists():
        stage = home / UNFINISHED
        shutil.rmtree(stage, ignore_errors=True)  # of an upgrade that was stopped
        stage.mkdir()
        if (home / DELIVERIES).exists():
            _copy_database(home / DELIVERIES, stage / FILE)
        catalogue = Catalogue(stage)
        with catalogue.begin() as database:
            for path, table, values in _rows(home):
                try:
                    _check(table, values)
                    catalogue.put(database, table, values)
                except (SQLAlchemyError, ValueError, KeyError, TypeError) as fault:
                    raise _damaged(path, fault) from None
        if (home / FILE).exists():
            set_aside(home / FILE, home / "earlier" / FILE)
        (stage / FILE).replace(home / FILE)
        (home / RECORDS_READ).touch()
    _set_all_aside(home, home / "earlier" / "format-2")
    shutil.rmtree(home / UNFINISHED, ignore_errors=True)


def set_aside(path: Path, target: Path) -> None:
    """Move a file out of the way; what lies there already stays, and the new one gets a number."""
    target.parent.mkdir(parents=True, exist_ok=True)
    numbered = (target.with_name(f"{target.stem}-{n}{target.suffix}") for n in count(2))
    path.rename(target if not target.exists() else next(n for n in numbered if not n.exists()))


def _check(table: sa.Table, values: Mapping[str, Any]) -> None:
    """Raise where a record is not what its table holds; a column of JSON would take anything."""
    for column in table.columns:
        value = values.get(column.name, "" if column.name == "home" else None)
        kind = KINDS.get((table.name, column.name), JSON_KINDS.get(type(column.type), str))
        if not isinstance(value, kind) and not (column.nullable and value is None):
            raise TypeError(column.name)


def _rows(home: Path) -> Rows:
    """Yield what a home has on record: each with the file that says it, and the table that it belongs to."""
    for path, record in _records(home, "extracts/[0-9]*.json"):
        yield path, EXTRACTS, {"pull": {}, "stored_at": None} | record
    for path, record in _records(home, "chosen/*.json"):
        yield path, SELECTED_EXTRACTS, {"month": path.stem} | record
    for path, record in _records(home, "month_ends/*.json"):
        yield path, MONTH_END_COPIES, {"month": path.stem} | record
    for path, record in _records(home, "written/*/*.json"):
        yield (
            path,
            WRITTEN_TABLES,
            {"name": path.parent.name, "month": path.stem} | NOT_NOTED | record,
        )
    yield from _publications(home)
    yield from _documents(home / DOCUMENT_LEDGER)


def _publications(home: Path) -> Rows:
    """Yield the revisions that readers saw; what a killed run archived and never showed is none of them."""
    not_noted: dict[str, object] = {"published_at": None, "documents": "", "made_from": ""}
    shown = dict(_records(home, "published/*.json"))
    newest = {path.stem: _revision(path, record) for path, record in shown.items()}
    for path, record in _records(home, "revisions/*/[0-9]*/publication.json"):
        if int(path.parent.name) <= newest.get(path.parent.parent.name, 0):
            yield path, PUBLICATIONS, not_noted | record
    # Of the newest what was noted last: it may have been made again to the same.
    for path, record in shown.items():
        yield path, PUBLICATIONS, not_noted | record


def _revision(path: Path, record: dict[str, Any]) -> int:
    number = record.get("revision")
    if not isinstance(number, int):
        raise _damaged(path, TypeError())
    return number


def _records(home: Path, pattern: str) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(home.glob(pattern)):
        yield path, read_record(path)


def read_record(path: Path) -> dict[str, Any]:
    """Return a record of a file; raises `DamagedRecord`."""
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, OSError) as fault:
        raise _damaged(path, fault) from None
    if not isinstance(record, dict):
        raise _damaged(path, TypeError())
    return cast("dict[str, Any]", record)


def _damaged(path: Path, fault: Exception) -> DamagedRecord:
    return DamagedRecord(
        f"{path} cannot be read ({type(fault).__name__}); restore it from a backup, and run `onpace upgrade`"
    )


def _documents(path: Path) -> Rows:
    """Yield the files that were published, of a database with one table, which was made by its first record."""
    if not path.exists():
        return
    names = [
        each.name for each in DOCUMENTS.columns if each.name not in {"home", "shown_at", "seal"}
    ]
    try:
        with closing(sqlite3.connect(path)) as database:
            tables = database.execute("SELECT name FROM sqlite_master").fetchall()
            select = f"SELECT {', '.join(names)} FROM publications"  # noqa: S608  # our names
            found = database.execute(select).fetchall() if ("publications",) in tables else []
    except sqlite3.Error as fault:
        raise _damaged(path, fault) from None
    for row in found:
        values = dict(zip(names, row, strict=True))
        yield path, DOCUMENTS, values | {"shown_at": values["published_at"]}


def _copy_database(old: Path, new: Path) -> None:
    """Copy a database, what a killed process left in its journal included."""
    try:
        with closing(sqlite3.connect(old)) as source, closing(sqlite3.connect(new)) as target:
            source.backup(target)
            target.execute("PRAGMA quick_check").fetchall()
    except sqlite3.Error as fault:
        raise _damaged(old, fault) from None


def _set_all_aside(home: Path, folder: Path) -> None:
    """Move what was read out of the way; what was moved before an upgrade was stopped stays where it is."""
    records = [*home.glob("revisions/*/[0-9]*/publication.json")]
    for name in FOLDERS:
        records += (each for each in (home / name).rglob("*.json") if each.is_file())
    for name in (DELIVERIES, DOCUMENT_LEDGER):
        records += [home / name] if (home / name).exists() else []
    for path in records:
        set_aside(path, folder / path.relative_to(home))
    for name in FOLDERS:
        shutil.rmtree(home / name, ignore_errors=True)
