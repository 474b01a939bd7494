"""Files: replaced in one step, and known by their digest."""

from __future__ import annotations

import errno
import hashlib
import os
import shutil
import tempfile
from pathlib import Path

from sales.errors import UserError

CHUNK = 1 << 20


class UnreadableFile(UserError, OSError):
    """A file cannot be read."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader sees the old content or the new, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        flush(path.parent)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def digest_of(path: Path) -> str:
    """Return a file's SHA-256; raises `UnreadableFile`."""
    whole = hashlib.sha256()
    try:
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                whole.update(chunk)
    except OSError as fault:
        raise UnreadableFile(
            f"{path} cannot be read ({fault.strerror or fault}); name a file that is there"
        ) from None
    return whole.hexdigest()


def is_intact(path: Path, sha256: str) -> bool:
    """Return whether a file is there and has a digest."""
    return path.is_file() and digest_of(path) == sha256


def flush(path: Path) -> None:
    """Have what a file or a folder holds on the disk, so that it outlives a loss of power."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    except OSError as fault:
        # Some network file systems flush a folder with its files, and refuse to be asked.
        if not path.is_dir() or fault.errno not in {errno.EINVAL, errno.ENOTSUP}:
            raise
    finally:
        os.close(handle)


def link(path: Path, target: Path) -> None:
    """Let a file that never changes have a second name; it is copied where the file system has no hard links."""
    try:
        os.link(path, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(path, target)
