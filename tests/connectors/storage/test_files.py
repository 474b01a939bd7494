"""What a home must be able to do is known before any work is done."""

import errno
import os
import shutil
from itertools import pairwise
from pathlib import Path

import pytest

from connectors.storage import files
from connectors.storage.files import (
    UnusableHome,
    close_to_others,
    full_disk,
    link,
    make_home,
    open_to_others,
    refuse_unusable_home,
)


def test_a_usable_home_is_left_as_it_was(tmp_path: Path) -> None:
    refuse_unusable_home(tmp_path / "home")
    assert list((tmp_path / "home").iterdir()) == []


def _refusing(code: int) -> object:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    return refuse


def test_a_file_system_without_second_names_is_refused_and_documents_are_copied(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files.os, "link", _refusing(errno.EOPNOTSUPP))
    with pytest.raises(UnusableHome, match=r"no second name .* set ONPACE_HOME to a folder"):
        refuse_unusable_home(tmp_path)
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "one").write_text("words")
    link(tmp_path / "one", tmp_path / "two")
    assert (tmp_path / "two").read_text() == "words"


@pytest.mark.parametrize("code", [errno.EROFS, errno.ENOSPC, errno.EACCES])
def test_a_home_that_takes_nothing_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    monkeypatch.setattr(files.tempfile, "mkstemp", _refusing(code))
    with pytest.raises(UnusableHome, match=os.strerror(code)):
        refuse_unusable_home(tmp_path)


def test_too_little_room_is_said_in_megabytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=3 << 20)
    monkeypatch.setattr(files.shutil, "disk_usage", lambda _: usage)
    with pytest.raises(UnusableHome, match="has 3 MB left, and a month end needs 100 MB"):
        refuse_unusable_home(tmp_path)


def test_a_home_is_its_owners_alone_and_what_others_may_read_is_found(tmp_path: Path) -> None:
    home = tmp_path / "new" / "home"
    make_home(home)
    assert home.stat().st_mode & 0o777 == 0o700
    (home / "shared").touch(mode=0o644)
    (home / "link").symlink_to(tmp_path)
    assert open_to_others(home) == [home / "shared"]
    close_to_others(home / "shared")
    assert open_to_others(home) == []
    assert (home / "shared").stat().st_mode & 0o777 == 0o600


def raised(*faults: Exception) -> Exception:
    """Return the last of some faults, each raised while the one before was handled, its cause hidden."""
    for first, second in pairwise(faults):
        second.__context__, second.__suppress_context__ = first, True
    return faults[-1]


@pytest.mark.parametrize(
    ("faults", "is_full"),
    [
        ([OSError(errno.ENOSPC, "No space left on device")], True),
        ([OSError(errno.ENOSPC, "?"), RuntimeError("no answer"), UnusableHome("correct it")], True),
        ([RuntimeError("(sqlite3.OperationalError) database or disk is full"), ValueError()], True),
        ([RuntimeError("Generic error: No space left on device (os error 28)")], True),
        ([OSError(errno.EACCES, "Permission denied"), UnusableHome("correct it")], False),
    ],
)
def test_a_full_disk_is_named_whoever_met_it(
    faults: list[Exception], tmp_path: Path, *, is_full: bool
) -> None:
    said = full_disk(raised(*faults), tmp_path)
    # The home has room: it is another disk, or was full for a moment.
    assert said.startswith("a disk that was written to is full; make room") is is_full


def test_a_disk_without_room_is_full_whatever_the_fault_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=4096)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage)
    assert full_disk(RuntimeError("unable to open database file"), tmp_path)
    assert not full_disk(RuntimeError("no home yet"), tmp_path / "home")


@pytest.mark.parametrize("name", ["a[b", "a]b", "a\\b", "a|b", "a^b", "a\tb", "a?b", "a%20b"])
def test_a_name_below_which_no_table_can_lie_is_a_sentence(tmp_path: Path, name: str) -> None:
    with pytest.raises(UnusableHome, match="set ONPACE_HOME to another folder"):
        refuse_unusable_home(tmp_path / name)
    assert not (tmp_path / name).exists()
