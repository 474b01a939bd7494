"""Whether everything that a home keeps is as it was stored: extracts, tables, documents; and how what is not comes back.

Put looking, and putting back what another copy holds, here. What has to be computed or printed again
is a run of the month, which does so by itself.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from connectors.storage.extract_record import ExtractRecord
from connectors.storage.files import flush, is_intact, link
from connectors.storage.json_records import set_aside
from connectors.storage.publications import Publication
from connectors.storage.revision_documents import documents_of
from publication.workspace import Workspace
from sales.calendar import Month


class Cure(StrEnum):
    """How something damaged comes back."""

    REPORT = "computed or printed again from the frozen extract"
    COPY = "copied from another place that holds the same"
    SHOW = "shown again from what is published"
    READ = "read from Salesforce again by the next pull"
    BACKUP = "lost unless a backup has it: nothing here holds the same"


@dataclass(frozen=True)
class Damage:
    """Something stored that is not as it was stored: a sentence with its place, the month it is of, how it comes back.

    `copy` is an intact file with the same content, `place` where it belongs.
    """

    sentence: str
    month: Month | None
    cure: Cure
    copy: Path | None = None
    place: Path | None = None


def examine(workspace: Workspace) -> Iterator[Damage]:
    """Yield what is damaged: extracts first, then each month's tables and documents."""
    broken = set[str]()
    for record in workspace.extracts.all():
        for damage in _of_extract(workspace, record):
            broken.add(record.extract_id)
            yield damage
    for month in workspace.published.months():
        revisions = workspace.published.revisions(month)
        for publication in revisions:
            is_current = publication is revisions[-1]
            cure = (
                Cure.REPORT if is_current and publication.extract_id not in broken else Cure.BACKUP
            )
            for sentence in workspace.published.damaged(publication):
                yield Damage(
                    f"{month}, revision {publication.revision}: {_place(sentence)}", month, cure
                )
            yield from _of_documents(workspace, publication, cure)
        yield from _of_shown(workspace, revisions[-1])


def repair(damage: Damage, home: Path) -> bool:
    """Put back what another place holds, what is in the way set aside; return whether this was all that it took."""
    if damage.copy is None or damage.place is None:
        return False
    if damage.place.exists() or damage.place.is_symlink():
        set_aside(damage.place, home / "earlier" / "damaged" / damage.place.name)
    link(damage.copy, damage.place)
    flush(damage.place)
    return True


def clear_the_way(home: Path) -> None:
    """Set aside what is no folder and lies where people see documents, and what is no file in the place of settings."""
    packs, instance = home / "packs", home / "dagster" / "dagster.yaml"
    if packs.is_symlink() or (packs.exists() and not packs.is_dir()):
        set_aside(packs, home / "earlier" / "damaged" / "packs")
    if instance.is_dir():
        set_aside(instance, home / "earlier" / "damaged" / "dagster.yaml")


def unreferenced(workspace: Workspace) -> Iterator[Path]:
    """Yield folders of documents that no publication knows, such as a killed run leaves."""
    published = workspace.published
    known = {
        published.kept.folder(month, each.revision)
        for month in published.months()
        for each in published.revisions(month)
    }
    yield from sorted(set((workspace.home / "revisions").glob("*/*")) - known)


def _of_extract(workspace: Workspace, record: ExtractRecord) -> Iterator[Damage]:
    latest = workspace.extracts.latest()
    needed = workspace.published.extract_ids()
    is_newest = latest is not None and latest.extract_id == record.extract_id
    cure = Cure.READ if is_newest and record.extract_id not in needed else Cure.BACKUP
    for sentence in workspace.extracts.damaged(record):
        yield Damage(f"extract {record.extract_id}: {_place(sentence)}", None, cure)


def _of_documents(workspace: Workspace, publication: Publication, cure: Cure) -> Iterator[Damage]:
    month, number = publication.month, publication.revision
    folder = workspace.published.kept.folder(month, number)
    files = documents_of(folder) or {}
    for path in workspace.published.damaged_documents(publication):
        there = (workspace.home / "packs" / str(month) / path.name, *_others(folder, path.name))
        # What a manifest should hold nobody knows by another copy: it is not among its own files.
        wanted = files.get(path.name, "")
        copy = next((each for each in there if is_intact(each, wanted)), None)
        yield Damage(
            f"{month}, revision {number}: {path} is {'damaged' if path.exists() else 'missing'}",
            month,
            Cure.COPY if copy else cure,
            copy,
            path,
        )


def _of_shown(workspace: Workspace, publication: Publication) -> Iterator[Damage]:
    """Yield what people see below packs that is not what is published."""
    month = publication.month
    shown = workspace.home / "packs" / str(month)
    files = documents_of(workspace.published.kept.folder(month, publication.revision)) or {}
    for name, sha256 in files.items():
        if not is_intact(shown / name, sha256):
            yield Damage(f"{month}: {shown / name} is not what is published", month, Cure.SHOW)


def _others(folder: Path, name: str) -> Iterator[Path]:
    return (each / name for each in sorted(folder.parent.iterdir()) if each != folder)


def _place(sentence: str) -> str:
    """Return a sentence about a file without its advice."""
    return sentence.partition(";")[0]
