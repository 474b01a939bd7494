"""Published months: what readers see, and every revision that they ever saw.

Put everything about publications below `ONPACE_HOME` here: `published/MONTH.json` (the
versions of the tables that readers see, and the extract that is frozen for the month) and
`revisions/MONTH/N/` (the same of each revision, with its documents; kept for ever).
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import pandas as pd
from filelock import FileLock

from connectors.storage.files import link, write_atomically
from connectors.storage.monthly_tables import NotComputed, TableStore, Written, not_computed
from sales.calendar import Month
from sales.contracts.published import MONTHLY
from sales.errors import UserError

RECORD = "publication.json"


class NoSuchRevision(UserError, LookupError):
    """A month was never published in such a revision."""


@dataclass(frozen=True)
class Publication:
    """A month as it was published: which revision from 1 on, when, from which extract, and where its tables lie.

    `at` is unknown where an early version of this program published it; `made_from` is a digest of
    everything that decides about tables and documents, `documents` one of the documents.
    """

    month: Month
    revision: int
    at: datetime | None
    extract_id: str
    tables: Mapping[str, Written]
    documents: str = ""
    made_from: str = ""

    def is_same(self, other: Publication) -> bool:
        """Return whether another publication has the same numbers from the same extract, and the same documents."""
        return (self.extract_id, self.documents, _contents(self)) == (
            other.extract_id,
            other.documents,
            _contents(other),
        )


class PublishedMonths:
    """Publications of one home."""

    def __init__(self, home: Path) -> None:
        """Use a home; nothing is created until something is published."""
        self._home, self._tables = home, TableStore(home)

    def publish(
        self, month: Month, extract_id: str, now: datetime, documents: str = "", made_from: str = ""
    ) -> Publication:
        """Make what was last written of a month the state that readers see, all tables at once, and freeze its extract.

        Where numbers or documents differ from what readers see, this is a new revision; its
        documents are those that lie in `packs/MONTH`. Earlier revisions stay.
        """
        (self._home / "published").mkdir(parents=True, exist_ok=True)
        with FileLock(self._home / "published" / f".{month}.lock"):
            return self._publish(month, extract_id, now, documents, made_from)

    def _publish(
        self, month: Month, extract_id: str, now: datetime, documents: str, made_from: str
    ) -> Publication:
        before = self.current(month)
        written = {name: self._written(name, month) for name in MONTHLY}
        new = Publication(
            month,
            before.revision + 1 if before else 1,
            now,
            extract_id,
            written,
            documents,
            made_from,
        )
        if before is not None and before.is_same(new):
            new = Publication(
                month, before.revision, before.at, extract_id, written, documents, made_from
            )
        else:
            self._archive(new)
        write_atomically(self._current(month), _json(new))
        return new

    def current(self, month: Month) -> Publication | None:
        """Return what readers see of a month, none where it never was published."""
        return _read(self._current(month), month)

    def revision(self, month: Month, number: int) -> Publication:
        """Return a revision of a month; raises `NoSuchRevision` or `NotComputed`."""
        found = _read(self.folder(month, number) / RECORD, month)
        if found is None:
            there = [each.revision for each in self.revisions(month)]
            if not there:
                raise NotComputed(not_computed("the month", month))
            raise NoSuchRevision(
                f"{month} has no revision {number}; it has {', '.join(map(str, there))}"
            )
        return found

    def revisions(self, month: Month) -> list[Publication]:
        """Return every revision of a month, the first one first; none where it never was published."""
        folders = (self._home / "revisions" / str(month)).glob("[0-9]*")
        found = (
            _read(folder / RECORD, month)
            for folder in sorted(folders, key=lambda each: int(each.name))
        )
        return [each for each in found if each is not None]

    def first(self, month: Month) -> Publication | None:
        """Return a month as it was published first, none where it never was."""
        return next(iter(self.revisions(month)), None)

    def before(self, month: Month, most: int) -> list[Publication]:
        """Return the published months before a month without a gap, the oldest first, at most so many."""
        found: list[Publication] = []
        while len(found) < most:
            earlier = self.current(month.plus(-len(found) - 1))
            if earlier is None:
                break
            found.append(earlier)
        return found[::-1]

    def read(self, name: str, month: Month, revision: int | None = None) -> pd.DataFrame:
        """Return one month of a table as it is published, or as it was in a revision; raises `NotComputed`."""
        return self.table(self.revision(month, revision) if revision else self._there(month), name)

    def table(self, publication: Publication, name: str) -> pd.DataFrame:
        """Return a table of a publication; an early version of this program made fewer. Raises `NotComputed`."""
        record = publication.tables.get(name)
        if record is None:
            raise NotComputed(not_computed(name, publication.month))
        return self._tables.read_at(name, publication.month, record)

    def names(self, month: Month, revision: int | None = None) -> list[str]:
        """Return the names of a published month's tables; raises `NotComputed`."""
        return sorted((self.revision(month, revision) if revision else self._there(month)).tables)

    def latest(self) -> Month | None:
        """Return the newest month that was published, or none."""
        return max(self.months(), default=None)

    def months(self) -> list[Month]:
        """Return the months that were published."""
        return sorted(Month.parse(path.stem) for path in (self._home / "published").glob("*.json"))

    def extract_ids(self) -> set[str]:
        """Return the extracts that some publication of some month was computed from."""
        records = [
            *(self._home / "published").glob("*.json"),
            *(self._home / "revisions").glob(f"*/[0-9]*/{RECORD}"),
        ]
        return {json.loads(path.read_text(encoding="utf-8"))["extract_id"] for path in records}

    def go_back(self, month: Month) -> None:
        """Let the tables of a month be again what readers see: what was written since is given up."""
        for name, record in self._there(month).tables.items():
            self._tables.recall(name, month, record)

    def folder(self, month: Month, number: int) -> Path:
        """Return where the documents of a revision lie."""
        return self._home / "revisions" / str(month) / str(number)

    def _there(self, month: Month) -> Publication:
        found = self.current(month)
        if found is None:
            raise NotComputed(not_computed("the month", month))
        return found

    def _written(self, name: str, month: Month) -> Written:
        record = self._tables.written(name, month)
        if record is None:
            raise NotComputed(not_computed(name, month))
        return record

    def _archive(self, new: Publication) -> None:
        """Keep a revision and its documents; the folder appears whole. Its files share their space with those in `packs`."""
        folder = self.folder(new.month, new.revision)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{folder.name}-*"):  # of a run that was killed
            shutil.rmtree(left)
        stage = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        stage.chmod(0o755)
        packs = self._home / "packs" / str(new.month)
        for path in sorted(packs.iterdir()) if packs.is_dir() else ():
            link(path, stage / path.name)
        write_atomically(stage / RECORD, _json(new))
        if folder.exists():  # a run was killed before this revision was shown to anybody
            shutil.rmtree(folder)
        stage.rename(folder)

    def _current(self, month: Month) -> Path:
        return self._home / "published" / f"{month}.json"


def _contents(publication: Publication) -> dict[str, str]:
    return {name: each.digest or str(each.version) for name, each in publication.tables.items()}


def _read(path: Path, month: Month) -> Publication | None:
    if not path.exists():
        return None
    record: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    at = record.get("published_at")
    return Publication(
        month,
        record["revision"],
        datetime.fromisoformat(at) if at else None,
        record["extract_id"],
        {name: Written(**each) for name, each in record["tables"].items()},
        record.get("documents", ""),
        record.get("made_from", ""),
    )


def _json(publication: Publication) -> bytes:
    content = {
        "month": str(publication.month),
        "revision": publication.revision,
        "published_at": publication.at.isoformat() if publication.at else None,
        "extract_id": publication.extract_id,
        "documents": publication.documents,
        "made_from": publication.made_from,
        "tables": {name: asdict(each) for name, each in publication.tables.items()},
    }
    return json.dumps(content, indent=1, sort_keys=True).encode()
