"""Homes as earlier versions of this program left them, and what becomes of them."""

import tarfile
from pathlib import Path

import pytest

from connectors.storage.migrations import FORMAT, STEPS, NewerHome, format_of, mark, upgrade
from connectors.storage.publications import PublishedMonths
from sales.calendar import Month

HOMES = Path(__file__).parent / "homes"
FEBRUARY, MARCH = Month(2026, 2), Month(2026, 3)


def home_of(name: str, folder: Path) -> Path:
    with tarfile.open(HOMES / f"{name}.tar.xz") as archive:
        # Pythons before 3.11.4 know no filter; the archive is our own.
        archive.extractall(  # noqa: S202
            folder, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {})
        )
    return folder / "home"


def contents(home: Path) -> dict[str, bytes]:
    return {
        path.relative_to(home).as_posix(): path.read_bytes()
        for path in home.rglob("*")
        if path.is_file()
    }


def test_every_format_has_a_step_to_the_next() -> None:
    assert sorted(STEPS) == list(range(1, FORMAT))


@pytest.mark.parametrize(
    "name", [path.name.removesuffix(".tar.xz") for path in sorted(HOMES.glob("*.xz"))]
)
def test_a_home_of_an_earlier_version_is_brought_to_today_and_loses_nothing(
    tmp_path: Path, name: str
) -> None:
    home = home_of(name, tmp_path)
    before = contents(home)
    told: list[str] = []
    assert upgrade(home, told.append) == 1
    assert (format_of(home), len(told)) == (FORMAT, FORMAT - 1)
    after = contents(home)
    moved = {path for path in before if path.startswith("published/")}
    assert {
        path: content for path, content in after.items() if path in before and path not in moved
    } == {path: content for path, content in before.items() if path not in moved}
    for month in PublishedMonths(home).months():
        current = PublishedMonths(home).current(month)
        assert current is not None
        folder = PublishedMonths(home).folder(month, current.revision)
        assert (folder / "company.pdf").read_bytes() == before[f"packs/{month}/company.pdf"]
        assert len(PublishedMonths(home).read("opportunity_snapshot", month)) == 2
    assert upgrade(home, told.append) == FORMAT
    assert contents(home) == after, "a second time changes nothing"


def test_the_first_version_kept_no_first_publication(tmp_path: Path) -> None:
    home = home_of("format-1-of-the-first-version", tmp_path)
    upgrade(home)
    months = PublishedMonths(home)
    assert {
        month: [each.revision for each in months.revisions(month)] for month in months.months()
    } == {FEBRUARY: [1], MARCH: [1]}
    assert months.read("phased_targets", MARCH)["annual_target"].astype(float).max() == 2400


def test_a_first_publication_becomes_the_first_revision(tmp_path: Path) -> None:
    home = home_of("format-1-with-a-first-publication", tmp_path)
    upgrade(home)
    months = PublishedMonths(home)
    assert [each.revision for each in months.revisions(MARCH)] == [1, 2]
    assert [
        months.read("phased_targets", MARCH, number)["annual_target"].astype(float).max()
        for number in (1, 2, None)
    ] == [1200, 2400, 2400]


@pytest.mark.parametrize(
    "stopped_at",
    [
        "connectors.storage.migrations.shutil.rmtree",
        "connectors.storage.migrations.mark",
        "connectors.storage.migrations.link",
    ],
)
@pytest.mark.parametrize(
    "name", ["format-1-with-a-first-publication", "format-1-of-the-first-version"]
)
def test_an_upgrade_that_was_stopped_is_done_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, stopped_at: str
) -> None:
    home, whole = (home_of(name, tmp_path / each) for each in ("stopped", "whole"))
    upgrade(whole)
    with monkeypatch.context() as broken:
        broken.setattr(stopped_at, lambda *_, **__: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            upgrade(home)
    assert format_of(home) == 1
    upgrade(home)
    assert contents(home) == contents(whole)


def test_a_newer_home_is_refused_and_left_alone(tmp_path: Path) -> None:
    mark(tmp_path, FORMAT + 1)
    before = contents(tmp_path)
    with pytest.raises(NewerHome, match=f"has format {FORMAT + 1}.*install the later version"):
        upgrade(tmp_path)
    assert contents(tmp_path) == before


def test_a_new_home_needs_nothing_and_nothing_is_written(tmp_path: Path) -> None:
    assert upgrade(tmp_path / "home") == FORMAT
    assert not (tmp_path / "home").exists()
