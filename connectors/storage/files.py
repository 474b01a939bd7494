"""Files: replaced in one step, and known by their digest."""

from __future__ import annotations

import errno
import hashlib
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sales.errors import UserError

CHUNK = 1 << 20
PRIVATE = 0o077  # what others may not do with what is stored: anything
# What libraries say that keep no error number: of Rust, SQLite, PostgreSQL.
DISK_FULL = ("no space left on device", "disk is full", "disk quota exceeded")
FULL = 1 << 20  # bytes left: SQLite only says that it cannot read or open then
# What the libraries of tables and of databases cannot open in the name of a folder: an address of it would say another one.
NO_FILES_BELOW = re.compile(r"[\x00-\x1f\\\[\]|^?]|%[0-9A-Fa-f]{2}")
LEAST_FREE = 100 << 20  # bytes: the tables and documents of some hundred people


class UnusableHome(UserError, OSError):
    """Nothing can be stored where everything is to be stored."""


class UnreadableFile(UserError, OSError):
    """A file cannot be read."""


def write_atomically(path: Path, content: bytes) -> None:
    """Replace a file in one step: a reader sees the old content or the new, never half."""
    top = next(each for each in path.parents if each.exists())
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".", suffix=".part")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
        flush_folders(path.parent, top)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def write_new(path: Path, content: bytes) -> bool:
    """Write a file that only its owner may read, unless there is one already; return whether it was written."""
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
    except BaseException:
        path.unlink(missing_ok=True)
        raise
    return True


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


def refuse_unusable_name(home: Path) -> None:
    """Raise `UnusableHome` where libraries would take the name of a folder for another one, before anything is made there."""
    if wrong := NO_FILES_BELOW.search(str(home)):
        raise UnusableHome(
            f"nothing can be stored in {str(home)!r}, for the {wrong[0]!r} in its name; set ONPACE_HOME to another folder"
        )


def refuse_unusable_home(home: Path) -> None:
    """Raise `UnusableHome` where a folder takes no files, no second names of files, no name that can be opened, or has no room: before any work is done."""
    refuse_unusable_name(home)
    try:
        make_home(home)
        with tempfile.TemporaryDirectory(dir=home, prefix=".probe-") as folder:
            probe = Path(folder) / "file"
            write_atomically(probe, b"probe")
            _refuse_without_links(probe)
    except UnusableHome:
        raise
    except OSError as fault:
        raise UnusableHome(
            f"nothing can be stored in {home} ({fault.strerror or fault}); make room or give write access there, or set ONPACE_HOME to another folder"
        ) from None
    free = shutil.disk_usage(home).free
    if free < LEAST_FREE:
        raise UnusableHome(
            f"{home} has {free >> 20} MB left, and a month end needs {LEAST_FREE >> 20} MB; make room or set ONPACE_HOME to another folder"
        )


def full_disk(fault: BaseException, home: Path) -> str:
    """Return the sentence for a fault that comes of a full disk, whoever met it first; empty where it does not."""
    elsewhere = fault.filename if isinstance(fault, OSError) else None
    if elsewhere is not None and not _is_on_disk_of(Path(str(elsewhere)), home):
        return ""
    has_no_room = home.exists() and shutil.disk_usage(home).free < FULL
    whose = f"the disk of {home}" if has_no_room or elsewhere else "a disk that was written to"
    if has_no_room or any(_is_of_full_disk(each) for each in _chain(fault)):
        return f"{whose} is full; make room and run it again, what was stored before is as it was"
    return ""


def make_home(home: Path) -> None:
    """Create the folder that everything is stored in, for its owner alone whatever the umask says."""
    home.parent.mkdir(parents=True, exist_ok=True)
    home.mkdir(mode=0o777 & ~PRIVATE, exist_ok=True)


def open_to_others(home: Path) -> list[Path]:
    """Return what below a home, and the home itself, other users of the machine may read or write, sorted; what is not ours is left out."""
    everything = (home, *home.rglob("*")) if home.exists() else ()
    return sorted(each for each in everything if _is_open_to_others(each))


def _is_open_to_others(path: Path) -> bool:
    try:
        its = path.lstat()
    except OSError:  # a file of a run at work, which is gone by now
        return False
    return (
        not stat.S_ISLNK(its.st_mode) and its.st_uid == os.geteuid() and its.st_mode & PRIVATE > 0
    )


def close_to_others(path: Path) -> None:
    """Take from others what they may do with a file or folder."""
    path.chmod(path.stat().st_mode & ~PRIVATE)


def _is_on_disk_of(path: Path, home: Path) -> bool:
    try:
        place = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
        return place.stat().st_dev == home.stat().st_dev
    except OSError:
        return True


def _chain(fault: BaseException | None) -> Iterator[BaseException]:
    """Yield a fault and those that it came of, also where it hides them."""
    seen: list[BaseException] = []
    while fault is not None and fault not in seen:
        seen.append(fault)
        yield fault
        fault = fault.__cause__ or fault.__context__


def _is_of_full_disk(fault: BaseException) -> bool:
    if isinstance(fault, OSError) and fault.errno in {errno.ENOSPC, errno.EDQUOT}:
        return True
    return any(words in str(fault).lower() for words in DISK_FULL)


def _refuse_without_links(probe: Path) -> None:
    try:
        os.link(probe, probe.with_suffix(".link"))
    except OSError as fault:
        raise UnusableHome(
            f"the file system of {probe.parents[1]} gives a file no second name ({fault.strerror or fault}), and tables are not safe without; set ONPACE_HOME to a folder on another one"
        ) from None


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


def flush_folders(folder: Path, top: Path) -> None:
    """Have the names in a folder on the disk, and its own name, and so on up to a folder that was there before."""
    for each in (folder, *folder.parents):
        flush(each)
        if each == top:
            break


def link(path: Path, target: Path) -> None:
    """Let a file that never changes have a second name; it is copied where the file system has no hard links."""
    try:
        os.link(path, target)
    except FileExistsError:
        return
    except OSError:
        shutil.copyfile(path, target)
