import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from reports import press as press_module
from reports.month_end import month_end_reports
from reports.press import InvalidLogo, Press, file_name
from sales.extract import EMBEDDED
from tests.reports.months import MONTH, tables_of

ROOT = Path(__file__).parents[2]


@pytest.fixture
def press(tmp_path: Path) -> Press:
    return Press(tmp_path / "packs", tmp_path)


def test_a_month_is_printed_once_and_only_what_changed_again(press: Press) -> None:
    tables, edition = tables_of(4)
    first = press.publish(tables, MONTH, edition.rules, "here")
    assert (len(first.packs), first.printed) == (5, 5)
    assert press.publish(tables, MONTH, edition.rules, "here").printed == 0
    first.packs[3].path.write_bytes(b"damaged")
    healed = press.publish(tables, MONTH, edition.rules, "here")
    assert (healed.printed, healed.digest) == (1, first.digest)
    others, _ = tables_of(5)
    assert press.publish(others, MONTH, edition.rules, "here").printed < 5 + 1
    assert press.publish(tables, MONTH, edition.rules, EMBEDDED).printed == 5


def test_the_manifest_names_every_file_with_its_digest_and_nothing_else_lies_there(press: Press) -> None:
    tables, edition = tables_of(4)
    folder = press.publish(tables, MONTH, edition.rules, "here").folder
    (folder / "person-gone-000000.pdf").write_bytes(b"old")
    press.publish(tables, MONTH, edition.rules, "here")
    manifest = json.loads((folder / "manifest.json").read_text())
    assert (manifest["month"], manifest["source"], manifest["as_of"]) == ("2026-04", "here", "2026-05-01T00:00:00+00:00")
    assert sorted(path.name for path in folder.iterdir()) == sorted([*(each["file"] for each in manifest["documents"]), "manifest.json"])


def test_file_names_are_safe_whatever_people_are_called() -> None:
    from dataclasses import replace

    report = month_end_reports(*tables_of(4))[-1]
    names = [
        file_name(replace(report, title=title, grain_id=title))
        for title in ("../../etc/passwd", "Ольга", "北京", "CON", "a" * 300, "a\x00b", "Ann", "ann")
    ]
    assert len(set(names)) == len(names)
    assert all(name.isascii() and "/" not in name and len(name) < 80 and name.startswith("person-") for name in names)


def test_many_documents_are_printed_by_workers_and_look_the_same(press: Press, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tables, edition = tables_of(4)
    alone = press.publish(tables, MONTH, edition.rules, "here")
    monkeypatch.setattr(press_module, "FEW_DOCUMENTS", 2)
    together = Press(tmp_path / "other", tmp_path).publish(tables, MONTH, edition.rules, "here")
    assert [pack.sha256 for pack in together.packs] == [pack.sha256 for pack in alone.packs]


@pytest.mark.parametrize(
    ("logo", "content", "says"),
    [("../outside.png", b"", "outside the policy folder"), ("none.png", None, "is no file"), ("a.gif", b"GIF89a", "neither PNG nor SVG"), ("a.png", b"\x89PNG\r\n\x1a\n" * 100_000, "is no file of at most")],
)  # fmt: skip
def test_a_logo_that_cannot_be_printed_is_refused(press: Press, tmp_path: Path, logo: str, content: bytes | None, says: str) -> None:
    tables, edition = tables_of(4, f'[brand]\nlogo = "{logo}"')
    if content is not None and not logo.startswith(".."):
        (tmp_path / logo).write_bytes(content)
    with pytest.raises(InvalidLogo, match=says):
        press.publish(tables, MONTH, edition.rules, "here")
    assert not (tmp_path / "packs").exists()


def test_a_pack_is_replaced_whole(press: Press, monkeypatch: pytest.MonkeyPatch) -> None:
    """Killed while it writes, the press leaves the old pack; killed between two renames, the next run puts it back."""
    tables, edition = tables_of(4)
    folder = press.publish(tables, MONTH, edition.rules, "here").folder
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def killed(*_: object) -> bytes:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(press_module, "_manifest_of", killed)
        with pytest.raises(KeyboardInterrupt):
            press.publish(tables, MONTH, edition.rules, EMBEDDED)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    folder.rename(folder.parent / f".{folder.name}-former")
    (folder.parent / f".{folder.name}-abandoned").mkdir()
    assert press.publish(tables, MONTH, edition.rules, "here").printed == 0
    assert [path.name for path in folder.parent.iterdir()] == [folder.name]


WORKER = """
import multiprocessing, os, sys
from concurrent.futures import ProcessPoolExecutor
sys.path.insert(0, sys.argv[1])
from reports.press import _follow_parent
import time
if __name__ == "__main__":
    pool = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"), initializer=_follow_parent)
    print(pool.submit(os.getpid).result(), flush=True)
    os.kill(os.getpid(), 9)
"""


def test_workers_end_when_their_parent_is_killed(tmp_path: Path) -> None:
    script = tmp_path / "parent.py"
    script.write_text(WORKER)
    done = subprocess.run([sys.executable, str(script), str(ROOT)], capture_output=True, text=True, check=False, timeout=60)
    worker = int(done.stdout)
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            os.kill(worker, 0)
        except ProcessLookupError:
            return
        os.sched_yield()
    pytest.fail("the worker outlived its parent")
