"""A home's format: how what is stored below `ONPACE_HOME` is laid out, and the steps from each format to the next.

Put a step here when a release stores something in another way. Steps lose nothing, and one that was
stopped is done again: each asks what is there. They are rehearsed on a copy of the records first,
and where that fails the home stays as it was. The format stands in `format.json`; a home that has
records and no such file is of format 1.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from filelock import FileLock
from sqlalchemy.exc import SQLAlchemyError

from connectors.storage.catalogue import FILE as CATALOGUE
from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import EXTRACTS, HOMES, LEASES, METADATA, PUBLICATIONS
from connectors.storage.files import UnusableHome, link, write_atomically
from connectors.storage.json_records import (
    DELIVERIES,
    DOCUMENT_LEDGER,
    FOLDERS,
    RECORDS_READ,
    DamagedRecord,
    into_catalogue,
    read_record,
    set_aside,
)
from sales.errors import UserError

FORMAT = 3
FILE = "format.json"
# What may lie in a home before anything is stored: folders of ours, what a disk brings along.
BEFORE_ANYTHING = {
    "backtests",
    "catalogue.json",
    "dagster",
    "drafts",
    "exports",
    "flash",
    "link.key",
    "logs",
    "lost+found",
    "mailbox",
    "outbox",
    "packs",
    "preview",
    "restatements",
}
# Deliveries that were only planned are planned again where they are still wanted.
NOT_SENT = ("planned", "sending")
# Who is at work is known where the work is.
NOT_CARRIED = (HOMES, LEASES)
REHEARSAL = ".rehearsal-"
# What steps read and change; the tables lie where they lay.
REHEARSED = (
    *FOLDERS,
    *(
        f"{name}{tail}"
        for name in (CATALOGUE, DELIVERIES, DOCUMENT_LEDGER)
        for tail in ("", "-journal")
    ),
    FILE,
    RECORDS_READ,
)
# What a home has that is not new.
SIGNS = ("extracts/*.json", "published/*.json", "deliveries.sqlite", "publications.sqlite")


class NewerHome(UserError, RuntimeError):
    """A home was written by a later version of this program."""


class NotUpgraded(UserError, OSError):
    """A home of an earlier format cannot be brought to today's."""


def format_of(home: Path) -> int:
    """Return the format of a home; a new one is of today's."""
    path = home / FILE
    if path.exists():
        try:
            return int(json.loads(path.read_text(encoding="utf-8"))["format"])
        except (OSError, ValueError, KeyError, TypeError) as fault:
            raise DamagedRecord(
                f"{path} cannot be read ({type(fault).__name__}); restore it from a backup"
            ) from None
    return 1 if any(True for sign in SIGNS for _ in home.glob(sign)) else FORMAT


def _refuse_foreign(home: Path) -> None:
    """Raise `UnusableHome` where a folder holds other files and nothing of ours: what is stored would lie among them."""
    if not home.is_dir() or any((home / name).exists() for name in (FILE, CATALOGUE)):
        return
    others = (each.name for each in home.iterdir() if each.name not in BEFORE_ANYTHING)
    if seen := sorted(name for name in others if not name.startswith(".")):
        raise UnusableHome(
            f"{home} holds other files ({seen[0][:60]!r}) and nothing of Onpace; set ONPACE_HOME to an empty folder, or to one that is not there yet"
        )


def upgrade(home: Path, say: Callable[[str], None] = lambda _: None) -> int:
    """Bring a home to today's format, and return the format that it had; raises `NewerHome`, and `UnusableHome` for a folder of other things."""
    found = format_of(home)
    if found == FORMAT:
        _refuse_foreign(home)
    if found > FORMAT:
        raise NewerHome(
            f"{home} has format {found}, and this version of Onpace knows formats up to {FORMAT}; install the later version again"
        )
    if found == FORMAT:
        return found
    try:
        with FileLock(home / ".upgrade.lock"):
            rehearse(home)
            _take_steps(home, say)
            (home / RECORDS_READ).unlink(missing_ok=True)
    except NotUpgraded:
        raise
    except OSError as fault:
        said = fault.strerror or str(fault)[:200]
        raise NotUpgraded(
            f"{home} cannot be upgraded ({said}); nothing is lost: correct it and run `onpace upgrade`"
        ) from None
    return found


def rehearse(home: Path) -> None:
    """Take the steps on a copy of a home's records, and read all of it back; raises `NotUpgraded` or what a step raises."""
    for left in home.glob(f"{REHEARSAL}*"):  # of an upgrade that was killed
        shutil.rmtree(left)
    copy = Path(tempfile.mkdtemp(dir=home, prefix=REHEARSAL))
    try:
        for name in REHEARSED:
            _copy(home / name, copy / name)
        if format_of(home) == 1:  # documents are looked at by its step only
            _copy(home / "packs", copy / "packs")
        for path in home.glob("revisions/*/*/publication.json"):
            (copy / path.relative_to(home)).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy / path.relative_to(home))
        _take_steps(copy, lambda _: None)
        _refuse_loss(home, Catalogue(copy))
    except DamagedRecord as fault:
        raise DamagedRecord(str(fault).replace(str(copy), str(home))) from None
    except (KeyError, ValueError, TypeError, AttributeError, SQLAlchemyError) as fault:
        what = f"a rehearsal on a copy ended with {type(fault).__name__} ({str(fault)[:100]})"
        raise _not_upgraded(home, what) from fault
    finally:
        shutil.rmtree(copy)


def _not_upgraded(home: Path, what: str) -> NotUpgraded:
    return NotUpgraded(
        f"{home} was not upgraded, and is as it was: {what}; use the former version, or restore a backup"
    )


def _refuse_loss(home: Path, catalogue: Catalogue) -> None:
    """Raise `NotUpgraded` where a home has a record of an extract or month that a catalogue does not know."""
    for folder, table, column in (
        ("extracts", EXTRACTS, EXTRACTS.c.extract_id),
        ("published", PUBLICATIONS, PUBLICATIONS.c.month),
    ):
        known = {getattr(row, column.name) for row in catalogue.rows(sa.select(table))}
        lost = {path.stem for path in (home / folder).glob("[0-9]*.json")} - known
        if lost:
            raise _not_upgraded(home, f"{min(lost)} of {folder} would be lost")


def _take_steps(home: Path, say: Callable[[str], None]) -> None:
    for number in range(format_of(home), FORMAT):
        what, step = STEPS[number]
        say(f"{home}: from format {number} to {number + 1}: {what}")
        step(home)
        mark(home, number + 1)


def _copy(path: Path, target: Path) -> None:
    """Copy a file or folder of records; documents, which no step changes, get a second name."""
    if path.is_file():
        shutil.copy2(path, target)
    elif path.is_dir():
        shutil.copytree(
            path, target, copy_function=_linked if path.name == "packs" else shutil.copy2
        )
        for folder in (target, *(each for each in target.rglob("*") if each.is_dir())):
            folder.chmod(0o700)  # it is to be removed again


def _linked(path: str, target: str) -> None:
    link(Path(path), Path(target))


def carry_over(catalogue: Catalogue, say: Callable[[str], None] = lambda _: None) -> None:
    """Move what a home has in a file of its own into the database that was named since; the file stays in `earlier/`."""
    home = catalogue.home
    own = home / CATALOGUE
    if not catalogue.is_shared or not own.exists():
        return
    with FileLock(home / ".upgrade.lock"):
        if not own.exists():  # another process was quicker
            return
        say(f"{home}: the catalogue moves into the database that ONPACE_LEDGER_URL names")
        former = Catalogue(home)
        with former.begin() as source, catalogue.begin() as target:
            for table in (each for each in METADATA.sorted_tables if each not in NOT_CARRIED):
                # Numbers of deliveries are given by the database that they are in.
                columns = [each for each in table.columns if each.name != "id"]
                there: Sequence[sa.Row[Any]] = (
                    [] if "home" in table.columns else target.execute(sa.select(*columns)).all()
                )
                former.rows(sa.select(table))  # what is damaged is not carried over
                for row in source.execute(sa.select(*columns)):
                    values = dict(zip((each.name for each in columns), row, strict=True))
                    if row not in there and values.get("status") not in NOT_SENT:
                        catalogue.add(target, table, values)
        set_aside(own, home / "earlier" / CATALOGUE)


def mark(home: Path, number: int = FORMAT) -> None:
    """Note the format of a home."""
    write_atomically(home / FILE, json.dumps({"format": number}).encode())


def keep_revisions(home: Path) -> None:
    """Keep what readers saw as numbered revisions: the first publication, and the current one with its documents.

    Format 1 kept the tables of these two only; numbers between them were never kept.
    """
    for path in sorted((home / "published").glob("*.json")):
        current = read_record(path)
        if "revision" in current:  # done, before the step was stopped
            continue
        first_path = home / "published" / "first" / path.name
        first = read_record(first_path) if first_path.exists() else current
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
    1: ("every published month is kept as revisions", keep_revisions),
    2: ("records move into one catalogue; the files lie in earlier/format-2", into_catalogue),
}


def _documents(folder: Path) -> Iterator[Path]:
    return (
        (path for path in sorted(folder.iterdir()) if path.is_file())
        if folder.is_dir()
        else iter(())
    )


def _json(content: object) -> bytes:
    return json.dumps(content, indent=1, sort_keys=True).encode()
