"""Published months: what readers see, and every revision that they ever saw.

Put everything about publications here. The catalogue has each revision of a month: the versions of
its tables, and the extract that is frozen for the month; readers see the newest. Its documents are
`revision_documents`. The row in the catalogue decides what is published: what it points to is on
disk before it is written. The first revision of a month and the newest are kept for ever.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import TypeVar

import pandas as pd
import sqlalchemy as sa
from pandera.typing import DataFrame

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import PUBLICATIONS
from connectors.storage.document_ledger import DocumentFile, DocumentLedger
from connectors.storage.monthly_tables import NotComputed, TableStore, Written, not_computed
from connectors.storage.revision_documents import MANIFEST, RevisionDocuments, documents_of
from sales.calendar import Month
from sales.contracts.contract import Contract, table_name, table_of
from sales.contracts.published import MONTHLY
from sales.errors import UserError

_Contract = TypeVar("_Contract", bound=Contract)


class NoSuchRevision(UserError, LookupError):
    """A month was never published in such a revision."""


@dataclass(frozen=True)
class Publication:
    """A month as it was published: which revision from 1 on, when, from which extract, and where its tables lie.

    `at` is unknown where an early version of this program published it; `made_from` is a digest of
    everything that decides about tables and documents, `documents` one of all documents.
    """

    month: Month
    revision: int
    at: datetime | None
    extract_id: str
    tables: Mapping[str, Written]
    documents: str = ""
    made_from: str = ""

    def has_numbers_of(self, other: Publication) -> bool:
        """Return whether another publication has the same tables, as far as both have them: what differs are words or looks."""
        mine, its = _contents(self), _contents(other)
        return all(mine[name] == its[name] for name in mine.keys() & its.keys())

    def is_same(self, other: Publication) -> bool:
        """Return whether another publication has the same numbers from the same extract, and the same documents.

        A table that an earlier version of this program did not make is no difference: what readers
        see of it is in the documents.
        """
        same_source = (self.extract_id, self.documents) == (other.extract_id, other.documents)
        return same_source and self.has_numbers_of(other)


class PublishedMonths:
    """Publications of one home."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Use a catalogue and its home; nothing is created until something is published."""
        self._home, self._catalogue = catalogue.home, catalogue
        self._tables, self._documents = TableStore(catalogue), DocumentLedger(catalogue)
        self.kept = RevisionDocuments(catalogue)

    def publish(
        self,
        month: Month,
        extract_id: str,
        now: datetime,
        documents: str = "",
        made_from: str = "",
        files: Iterable[DocumentFile] = (),
        printed: Path | None = None,
        *,
        guard: Callable[[sa.Connection], None] = lambda _: None,
    ) -> Publication:
        """Make what was last written of a month the state that readers see, all at once, and freeze its extract.

        Where numbers or documents differ from what readers see, this is a new revision; its
        documents are those that lie in the folder `printed`, and `files` are noted as published.
        Earlier revisions stay. Where nothing differs, documents that are missing or damaged are put
        back. The caller is alone with the month; `guard` raises inside the transaction where it is
        not any more.
        """
        before, files = self.current(month), list(files)
        written = {name: self._written(name, month) for name in MONTHLY}
        revision = before.revision + 1 if before else 1
        new = Publication(month, revision, now, extract_id, written, documents, made_from)
        if (
            before is not None
            and before.is_same(new)
            and self.kept.holds(month, before.revision, files)
        ):
            revision = before.revision
            new = replace(new, revision=revision, at=before.at)
            is_whole = printed is None or self.kept.is_whole(month, revision, files)
        else:
            is_whole = False
        stage = None if is_whole else self.kept.staged(month, revision, printed)
        with self._catalogue.begin() as database:
            self._documents.record(database, month, files, now)
            self._catalogue.put(database, PUBLICATIONS, _values(new))
            # Only who is alone with the month puts a folder in place, and nobody takes over meanwhile.
            guard(database)
            if stage is not None:
                self.kept.put_in_place(month, revision, stage)
            self.kept.note(database, month, revision)
        return new

    def current(self, month: Month) -> Publication | None:
        """Return what readers see of a month, none where it never was published."""
        newest = self._of(month).order_by(PUBLICATIONS.c.revision.desc()).limit(1)
        return next((_publication(row) for row in self._catalogue.rows(newest)), None)

    def revision(self, month: Month, number: int) -> Publication:
        """Return a revision of a month; raises `NoSuchRevision` or `NotComputed`."""
        there = self.revisions(month)
        if not there:
            raise NotComputed(not_published(month))
        for each in there:
            if each.revision == number:
                return each
        numbers = ", ".join(str(each.revision) for each in there)
        raise NoSuchRevision(f"{month} has no revision {number}; it has {numbers}")

    def revisions(self, month: Month) -> list[Publication]:
        """Return every revision of a month, the first one first; none where it never was published."""
        in_order = self._of(month).order_by(PUBLICATIONS.c.revision)
        return [_publication(row) for row in self._catalogue.rows(in_order)]

    def first(self, month: Month) -> Publication | None:
        """Return a month as it was published first, none where it never was."""
        return next(iter(self.revisions(month)), None)

    def last_report(self, month: Month) -> Publication | None:
        """Return what readers had of the month before when a month was published first, or have now where it never was; none where there was nothing.

        It stays the same whenever the month is published again.
        """
        first, earlier = self.first(month), self.revisions(month.plus(-1))
        if first is not None and first.at is not None:
            at = first.at
            earlier = [each for each in earlier if each.at is not None and each.at <= at]
        return earlier[-1] if earlier else None

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

    def read_as(self, contract: type[_Contract], month: Month) -> DataFrame[_Contract]:
        """Return one month of the table of a contract as it is published; raises `NotComputed`."""
        name = table_name(contract)
        return table_of({name: self.read(name, month)}, contract)

    def table(self, publication: Publication, name: str) -> pd.DataFrame:
        """Return a table of a publication; an early version of this program made fewer. Raises `NotComputed`."""
        record = publication.tables.get(name)
        if record is None:
            raise NotComputed(not_computed(name, publication.month))
        return self._tables.read_at(name, publication.month, record)

    def table_as(self, publication: Publication, contract: type[_Contract]) -> DataFrame[_Contract]:
        """Return a table of a publication, by its contract."""
        name = table_name(contract)
        return table_of({name: self.table(publication, name)}, contract)

    def names(self, month: Month, revision: int | None = None) -> list[str]:
        """Return the names of a published month's tables; raises `NotComputed`."""
        return sorted((self.revision(month, revision) if revision else self._there(month)).tables)

    def latest(self) -> Month | None:
        """Return the newest month that was published, or none."""
        return max(self.months(), default=None)

    def months(self) -> list[Month]:
        """Return the months that were published."""
        return sorted(Month.parse(each) for each in self._values_of("month"))

    def extract_ids(self) -> set[str]:
        """Return the extracts that some publication of some month was computed from."""
        return set(self._values_of("extract_id"))

    def documents(self, month: Month) -> Path:
        """Return where the documents lie that readers see of a month; raises `NotComputed`."""
        publication = self._there(month)
        folder = self.kept.folder(month, publication.revision)
        is_other = self.kept.has_other_manifest(month, publication.revision)
        if not (folder / MANIFEST).exists() or is_other:
            raise NotComputed(
                f"the documents of {month} are not in {folder} as they were published; run `onpace report {month}` to print them again"
            )
        return folder

    def damaged(self, publication: Publication) -> list[str]:
        """Return what is wrong with the stored tables of a publication, a sentence each; none where nothing is."""
        month = publication.month
        found = (
            self._tables.damaged(name, month, each) for name, each in publication.tables.items()
        )
        return [each for each in found if each]

    def damaged_documents(self, publication: Publication) -> list[Path]:
        """Return the documents of a revision that are missing or damaged; only its manifest where that cannot be relied upon."""
        month, number = publication.month, publication.revision
        if not publication.documents and documents_of(self.kept.folder(month, number)) is None:
            return []
        return self.kept.damaged(month, number)

    def superseded(self, before: datetime) -> list[Publication]:
        """Return revisions that are neither the first nor the newest of their month, and that another one replaced before an instant."""
        found: list[Publication] = []
        for month in self.months():
            for each, its_next in pairwise(self.revisions(month)[1:]):
                if its_next.at is not None and its_next.at < before:
                    found.append(each)
        return found

    def forget(self, publication: Publication) -> None:
        """Forget a superseded revision, its tables and documents; the ledger still knows the digests of its files.

        The caller is alone with the month. Raises `NoSuchRevision` where it is the first or newest one.
        """
        month, number = publication.month, publication.revision
        if number not in [each.revision for each in self.revisions(month)][1:-1]:
            raise NoSuchRevision(f"revision {number} of {month} is the first or newest, and stays")
        gone = (PUBLICATIONS.c.month == str(month), PUBLICATIONS.c.revision == number)
        with self._catalogue.begin() as database:
            database.execute(PUBLICATIONS.delete().where(self._catalogue.mine(PUBLICATIONS), *gone))
            self.kept.forget(database, month, number)
        shutil.rmtree(self.kept.folder(month, number), ignore_errors=True)

    def go_back(self, month: Month) -> None:
        """Let the tables of a month be again what readers see: what was written since is given up."""
        for name, record in self._there(month).tables.items():
            self._tables.recall(name, month, record)

    def _of(self, month: Month) -> sa.Select[tuple[object, ...]]:
        mine = (self._catalogue.mine(PUBLICATIONS), PUBLICATIONS.c.month == str(month))
        return sa.select(PUBLICATIONS).where(*mine)

    def _values_of(self, column: str) -> set[str]:
        wanted = sa.select(PUBLICATIONS).where(self._catalogue.mine(PUBLICATIONS))
        return {str(getattr(row, column)) for row in self._catalogue.each(wanted)}

    def _there(self, month: Month) -> Publication:
        found = self.current(month)
        if found is None:
            raise NotComputed(not_published(month))
        return found

    def _written(self, name: str, month: Month) -> Written:
        record = self._tables.written(name, month)
        if record is None:
            raise NotComputed(not_computed(name, month))
        return record


def not_published(month: Month) -> str:
    """Return the sentence for a month that was never published."""
    return f"{month} is not published yet; run `onpace report {month}` first"


def _contents(publication: Publication) -> dict[str, str]:
    return {name: each.digest or str(each.version) for name, each in publication.tables.items()}


def _publication(row: sa.Row[tuple[object, ...]]) -> Publication:
    return Publication(
        Month.parse(row.month),
        row.revision,
        datetime.fromisoformat(row.published_at) if row.published_at else None,
        row.extract_id,
        {name: Written(**each) for name, each in row.tables.items()},
        row.documents,
        row.made_from,
    )


def _values(publication: Publication) -> dict[str, object]:
    return {
        "month": str(publication.month),
        "revision": publication.revision,
        "published_at": publication.at.isoformat() if publication.at else None,
        "extract_id": publication.extract_id,
        "documents": publication.documents,
        "made_from": publication.made_from,
        "tables": {name: asdict(each) for name, each in publication.tables.items()},
    }
