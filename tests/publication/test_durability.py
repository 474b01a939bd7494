"""What the catalogue points to is on the disk: a file system that forgets what was not flushed loses nothing of it.

The file system is a strict one: a file holds what it held when it was flushed last, a folder names
what it named when it was flushed last, and what no flushed folder names is gone. The database looks
after itself (SQLite and PostgreSQL flush before they answer), so its file is taken as it is.
"""

import os
import shutil
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from connectors.storage import catalogue as catalogue_module
from connectors.storage.catalogue import FILE, Catalogue
from publication.stored_check import Cure, examine
from tests.publication.april import publish_april, workspace_of

pytestmark = pytest.mark.slow


@dataclass
class ForgetfulDisk:
    """What was flushed of files, by inode, and of folders: names with their inodes."""

    files: dict[int, bytes] = field(default_factory=dict)
    folders: dict[int, dict[str, int]] = field(default_factory=dict)

    def flush(self, handle: int) -> None:
        """Keep what a file or a folder holds now."""
        path = Path(f"/proc/self/fd/{handle}").readlink()
        inode = path.stat().st_ino
        if path.is_dir():
            self.folders[inode] = {each.name: each.lstat().st_ino for each in path.iterdir()}
        else:
            self.files[inode] = path.read_bytes()

    def after_the_loss(self, folder: Path, target: Path) -> None:
        """Write what is left of a folder when the power comes back."""
        target.mkdir(exist_ok=True)
        now = {each.lstat().st_ino: each for each in folder.iterdir()}
        for name, inode in self.folders.get(folder.stat().st_ino, {}).items():
            there = now.get(inode)
            if there is not None and there.is_dir():
                self.after_the_loss(there, target / name)
            else:
                (target / name).write_bytes(self.files.get(inode, b""))


def test_after_a_loss_of_power_everything_that_is_noted_is_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Power is lost after every single transaction of a pull and a publication."""
    disk, office = ForgetfulDisk(), tmp_path / "office"
    office.mkdir()
    flush = os.fsync
    losses: list[Path] = []

    def keep(handle: int) -> None:
        flush(handle)
        disk.flush(handle)

    usual: Callable[[Catalogue], Generator[sa.Connection]] = Catalogue._transaction.__wrapped__  # type: ignore[attr-defined]

    @contextmanager
    def and_lose_power(self: Catalogue) -> Generator[sa.Connection]:
        yield from usual(self)
        if self.home == office / "home" and (self.home / FILE).exists():
            after = tmp_path / f"after-{len(losses)}"
            after.mkdir()
            disk.after_the_loss(self.home, after / "home")
            shutil.copy(self.home / FILE, after / "home" / FILE)
            losses.append(after)

    with monkeypatch.context() as strict:
        strict.setattr(os, "fsync", keep)
        strict.setattr(catalogue_module.Catalogue, "_transaction", and_lose_power)
        publish_april(office)
    assert len(losses) > 20
    for after in losses:
        shutil.copytree(office / "policy", after / "policy")
        workspace = workspace_of(after)
        lost = [each.sentence for each in examine(workspace) if each.cure != Cure.SHOW]
        assert lost == []
        for month in workspace.published.months():
            for name in workspace.published.names(month):
                workspace.published.read(name, month)
    assert workspace_of(losses[-1]).published.months(), "the last loss came after the publication"
