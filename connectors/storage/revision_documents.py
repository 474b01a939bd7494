"""Documents of revisions: each revision's lie in a folder of their own, `ONPACE_HOME/revisions/MONTH/N/`, which appears whole and never changes.

Put what these folders hold, and whether it is what was published, here. Which revisions there are is
in `publications`.
"""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import STORED_FILES
from connectors.storage.document_ledger import DocumentFile
from connectors.storage.files import digest_of, flush, flush_folders, is_intact, link
from connectors.storage.json_records import set_aside
from sales.calendar import Month

MANIFEST = "manifest.json"


class RevisionDocuments:
    """The documents of the revisions of one home."""

    def __init__(self, catalogue: Catalogue) -> None:
        """Use a catalogue and its home; nothing is created until documents are staged."""
        self._home, self._catalogue = catalogue.home, catalogue

    def folder(self, month: Month, number: int) -> Path:
        """Return where the documents of a revision lie."""
        return self._home / "revisions" / str(month) / str(number)

    def has_other_manifest(self, month: Month, number: int) -> bool:
        """Return whether the list of a revision's documents is not the one that was published: mails quote it."""
        path = self.folder(month, number) / MANIFEST
        wanted = sa.select(STORED_FILES).where(
            self._catalogue.mine(STORED_FILES), STORED_FILES.c.path == self._key(path)
        )
        return any(not is_intact(path, str(row.sha256)) for row in self._catalogue.rows(wanted))

    def damaged(self, month: Month, number: int) -> list[Path]:
        """Return the documents of a revision that are missing or damaged; only its manifest where that cannot be relied upon."""
        folder = self.folder(month, number)
        files = documents_of(folder)
        if files is None or self.has_other_manifest(month, number):
            return [folder / MANIFEST]
        return [folder / name for name, sha in files.items() if not is_intact(folder / name, sha)]

    def holds(self, month: Month, number: int, files: Sequence[DocumentFile]) -> bool:
        """Return whether a revision has just these files, whatever became of them on disk."""
        known = documents_of(self.folder(month, number))
        # What cannot be read or relied upon is put back.
        if known is None or self.has_other_manifest(month, number):
            return True
        return known == {each.file: each.sha256 for each in files}

    def is_whole(self, month: Month, number: int, files: Sequence[DocumentFile]) -> bool:
        """Return whether a revision has just these files, and nothing is missing or damaged of them."""
        known = documents_of(self.folder(month, number))
        is_same = known == {each.file: each.sha256 for each in files}
        return is_same and not self.damaged(month, number)

    def staged(self, month: Month, number: int, printed: Path | None) -> Path:
        """Return a folder beside a revision's with all that is to lie in it, on the disk."""
        folder = self.folder(month, number)
        folder.parent.mkdir(parents=True, exist_ok=True)
        for left in folder.parent.glob(f".{folder.name}-*"):  # of a run that was killed
            shutil.rmtree(left)
        stage = Path(tempfile.mkdtemp(dir=folder.parent, prefix=f".{folder.name}-"))
        for path in sorted(printed.iterdir()) if printed else ():
            link(path, stage / path.name)
            flush(stage / path.name)
        flush(stage)
        return stage

    def put_in_place(self, month: Month, number: int, stage: Path) -> None:
        """Let a folder of documents appear as a revision's, whole; what lay there is set aside."""
        folder = self.folder(month, number)
        if folder.exists():  # a run was killed before this was published, or it is damaged
            set_aside(folder, self._home / "earlier" / "revisions" / str(month) / folder.name)
        stage.rename(folder)
        flush_folders(folder.parent, self._home)

    def note(self, database: sa.Connection, month: Month, number: int) -> None:
        """Note the digest of a revision's manifest, in a transaction."""
        manifest = self.folder(month, number) / MANIFEST
        if manifest.is_file():
            noted = {"path": self._key(manifest), "sha256": digest_of(manifest)}
            self._catalogue.put(database, STORED_FILES, noted)

    def forget(self, database: sa.Connection, month: Month, number: int) -> None:
        """Forget the digest of a revision's manifest, in a transaction."""
        mine = self._catalogue.mine(STORED_FILES)
        its = STORED_FILES.c.path == self._key(self.folder(month, number) / MANIFEST)
        database.execute(STORED_FILES.delete().where(mine, its))

    def _key(self, path: Path) -> str:
        return path.relative_to(self._home).as_posix()


def documents_of(folder: Path) -> dict[str, str] | None:
    """Return the digest of each file that a folder of documents should hold, none where that cannot be read."""
    try:
        entries: list[dict[str, Any]] = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))[
            "documents"
        ]
        return {
            str(name): str(sha256)
            for each in entries
            for name, sha256 in {
                each["file"]: each["sha256"],
                **each.get("other_shapes", {}),
            }.items()
        }
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
