"""What is damaged of a published month is found, and brought back from where the same lies."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from connectors.storage.revision_documents import documents_of
from publication.stored_check import Cure, clear_the_way, examine, repair, unreferenced
from publication.workspace import Workspace
from reports.publisher import Publisher
from tests.publication.april import workspace_of
from tests.reports.months import MONTH

pytestmark = pytest.mark.slow


@pytest.fixture
def workspace(published: Path, tmp_path: Path) -> Workspace:  # the fixture
    """A copy of a home in which April is published; its documents share no file."""
    shutil.copytree(published, tmp_path / "office")
    return workspace_of(tmp_path / "office")


def spoil(path: Path) -> None:
    path.write_bytes(b"spoiled")


def reword(path: Path) -> None:
    """Change what mails quote of a document, and nothing that a digest of it would tell."""
    words = path.read_text(encoding="utf-8")
    path.unlink()
    path.write_text(words.replace('"headline": [', '"headline": [["Bookings", "US$9M", "-"], ', 1))


def test_an_intact_home_has_nothing_to_say(workspace: Workspace) -> None:
    assert list(examine(workspace)) == []
    assert list(unreferenced(workspace)) == []


@pytest.mark.parametrize(
    ("damage", "cure", "words"),
    [
        (lambda home: spoil(home / "packs/2026-04/company.pdf"), Cure.SHOW, "is not what is published"),
        (lambda home: shutil.rmtree(home / "packs"), Cure.SHOW, "is not what is published"),
        (lambda home: spoil(home / "revisions/2026-04/1/company.pdf"), Cure.COPY, "is damaged"),
        (lambda home: (home / "revisions/2026-04/1/company.pdf").unlink(), Cure.COPY, "is missing"),
        (lambda home: spoil(home / "revisions/2026-04/1/manifest.json"), Cure.REPORT, "is damaged"),
        (lambda home: reword(home / "revisions/2026-04/1/manifest.json"), Cure.REPORT, "is damaged"),
        (lambda home: shutil.rmtree(home / "tables/landing_forecast"), Cure.REPORT, "cannot be read"),
        (lambda home: shutil.rmtree(home / "tables/raw_opportunities"), Cure.BACKUP, "extract 2026"),
    ],
    ids=["shown", "none shown", "revision", "missing", "manifest", "words of the manifest", "table", "extract"],
)  # fmt: skip
def test_each_damage_is_named_with_how_it_comes_back(
    workspace: Workspace, damage: Callable[[Path], object], cure: Cure, words: str
) -> None:
    damage(workspace.home)
    found = list(examine(workspace_of(workspace.home.parent)))
    assert found
    assert {each.cure for each in found if words in each.sentence} == {cure}
    for each in found:
        assert repair(each, workspace.home) == (each.cure == Cure.COPY)
    left = {each.cure for each in examine(workspace_of(workspace.home.parent))}
    assert left == {each.cure for each in found} - {Cure.COPY}


def test_what_is_in_the_way_of_a_document_is_set_aside(workspace: Workspace) -> None:
    page = workspace.home / "revisions/2026-04/1/company.pdf"
    page.unlink()
    page.mkdir()
    (found,) = examine(workspace)
    assert repair(found, workspace.home)
    assert page.read_bytes().startswith(b"%PDF")
    shutil.rmtree(workspace.home / "packs")
    (workspace.home / "packs").write_text("no folder")
    clear_the_way(workspace.home)
    assert sorted(path.name for path in (workspace.home / "earlier/damaged").iterdir()) == [
        "company.pdf",
        "packs",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "[]",
        "{",
        '{"documents": 5}',
        '{"documents": [{"file": null}]}',
        '{"documents": [{"other_shapes": 7}]}',
    ],
)
def test_a_manifest_of_any_other_shape_is_none(workspace: Workspace, text: str) -> None:
    folder = workspace.published.documents(MONTH)
    (folder / "manifest.json").write_text(text)
    assert documents_of(folder) is None
    publisher = Publisher(workspace.home / "packs", workspace.policy_folder)
    assert publisher.standing(MONTH, folder) is None
    assert {each.cure for each in examine(workspace)} == {Cure.REPORT}


def test_where_no_copy_is_intact_it_is_printed_again(workspace: Workspace) -> None:
    for folder in ("packs/2026-04", "revisions/2026-04/1"):
        spoil(workspace.home / folder / "company.pdf")
    cures = {each.cure for each in examine(workspace)}
    assert cures == {Cure.REPORT, Cure.SHOW}


def test_folders_that_no_publication_knows_are_named(workspace: Workspace) -> None:
    left = workspace.home / "revisions" / str(MONTH) / "7"
    left.mkdir()
    assert list(unreferenced(workspace)) == [left]
