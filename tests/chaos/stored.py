"""What a home stores, by kind, and ways to spoil it.

Put here what is done to single files; whole trials are `trials`.
"""

from __future__ import annotations

import random
import shutil
from collections.abc import Callable
from pathlib import Path

from connectors.delivery.ledger import DeliveryLedger
from connectors.storage.files import is_intact
from connectors.storage.revision_documents import MANIFEST, documents_of
from orchestration import resources
from publication.workspace import Workspace
from sales.errors import UserError
from tests.chaos.homes import Firm, digest, in_fork

# Where it lies, below a home.
KINDS = {
    "raw table": "tables/raw_*/**/*.parquet",
    "log of a raw table": "tables/raw_*/_delta_log/*.json",
    "table": "tables/[!r]*/**/*.parquet",
    "log of a table": "tables/[!r]*/_delta_log/*.json",
    "document": "revisions/*/*/[!m]*",
    "manifest": f"revisions/*/*/{MANIFEST}",
    "document that is shown": "packs/*/*",
    "catalogue": "catalogue.sqlite",
    "format": "format.json",
    "settings of Dagster": "dagster/dagster.yaml",
    "runs of Dagster": "dagster/**/*.db",
}
# What nothing else in a home holds: a sentence must say so.
ONLY_HERE = {"raw table", "log of a raw table", "catalogue", "format", "runs of Dagster"}
FLIPPED = ("raw table", "log of a raw table", "table", "log of a table", "document", "manifest")
FLIPPED_CATALOGUE = "catalogue"


def files_of(home: Path, kind: str) -> list[Path]:
    """Return the files of a kind, sorted."""
    return sorted(path for path in home.glob(KINDS[kind]) if path.is_file())


def _cut(path: Path) -> None:
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])


def _spoil(path: Path) -> None:
    content = bytearray(path.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 32] = bytes(32)
    path.write_bytes(content)


def _replace_by_folder(path: Path) -> None:
    path.unlink()
    path.mkdir()


WAYS: dict[str, Callable[[Path], object]] = {
    "deleted": Path.unlink,
    "emptied": lambda path: path.write_bytes(b""),
    "cut": _cut,
    "spoiled": _spoil,
    "replaced by a folder": _replace_by_folder,
}


def flips(
    firm: Firm, chance: random.Random, count: int, kinds: tuple[str, ...]
) -> dict[str, list[str]]:
    """Flip so many single bits, one at a time; return by outcome what was flipped: `refused`, `same` or `wrong`."""
    home = firm.copy()
    found = in_fork(lambda: _flip(firm, home, chance, count, kinds))
    shutil.rmtree(home.parent)
    return found


def _flip(
    firm: Firm, home: Path, chance: random.Random, count: int, kinds: tuple[str, ...]
) -> dict[str, list[str]]:
    firm.set_environment(home)
    outcomes: dict[str, list[str]] = {"refused": [], "same": [], "wrong": []}
    wanted = {kind: _read(kind, "") for kind in kinds}
    files = {kind: files_of(home, kind) for kind in kinds}
    for _ in range(count):
        kind = chance.choice(kinds)
        path = chance.choice(files[kind])
        content = path.read_bytes()
        place, bit = chance.randrange(len(content)), chance.randrange(8)
        spoiled = bytearray(content)
        spoiled[place] ^= 1 << bit
        path.write_bytes(spoiled)
        what = f"{path.relative_to(home)} bit {bit} of byte {place}"
        try:
            read = _read(kind, path.relative_to(home).parts[1] if kind not in WHOLE else "")
            is_same = all(wanted[kind][name] == value for name, value in read.items())
            outcomes["same" if is_same else "wrong"].append(what)
        except UserError as refused:
            outcomes["refused"].append(f"{what}: {refused}")
        except Exception as fault:  # noqa: BLE001  # somebody else's exception: no sentence of ours
            outcomes["wrong"].append(f"{what}: {type(fault).__name__}: {str(fault)[:80]}")
        path.write_bytes(content)
    return outcomes


WHOLE = {"document", "manifest", "catalogue"}


def _read(kind: str, name: str) -> dict[str, str]:
    """Read what a kind of file holds as a new process would, of one table where one is named."""
    workspace = resources.make_workspace()
    if kind == "catalogue":
        ledger = DeliveryLedger(workspace.catalogue).all()
        return _numbers(workspace, "") | _documents(workspace) | {"deliveries": repr(ledger)}
    if kind in WHOLE:
        return _documents(workspace)
    if "raw" in kind:
        return {
            f"{table} {record.extract_id}": digest(workspace.extracts.raw.read(table, version))
            for record in workspace.extracts.all()
            for table, version in record.versions.items()
            if name in {"", table}
        }
    return _numbers(workspace, name)


def _numbers(workspace: Workspace, name: str) -> dict[str, str]:
    published = workspace.published
    return {
        f"{month} {each.revision} {table}": digest(published.table(each, table))
        for month in published.months()
        for each in published.revisions(month)
        for table in each.tables
        if name in {"", table}
    }


def _documents(workspace: Workspace) -> dict[str, str]:
    """Return the digests of published documents; raises where one is not what was published, as delivery does."""
    found: dict[str, str] = {}
    for month in workspace.published.months():
        folder = workspace.published.documents(month)
        documents = documents_of(folder)
        publication = workspace.published.current(month)
        if documents is None or publication is None:
            raise Unreadable(f"{folder} cannot be read")
        for file, sha256 in documents.items():
            if not is_intact(folder / file, sha256):
                raise Unreadable(f"{file} is damaged")
            found[f"{month} {file}"] = sha256
        found[str(month)] = publication.documents
    return found


class Unreadable(UserError, OSError):
    """Documents are not what was published."""
