"""`onpace comment`: an editor opens, and what cannot be read replaces nothing."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app as cli
from orchestration import resources
from publication import fingerprints
from publication.extract_selection import resolve_extract
from publication.workspace import Workspace
from sales.calendar import Month
from tests.fakes import FakeReader, deal, extract, raw_tables, saved

APRIL = Month(2026, 4)
WORDS = "Author: Mia\nDate: 2026-05-04\n\nTwo wins.\n"


@pytest.fixture
def policy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "policy"
    folder.mkdir()
    (folder / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,1200\n"
    )
    monkeypatch.setattr(resources, "make_workspace", lambda: workspace_of(tmp_path))
    return folder


def workspace_of(folder: Path) -> Workspace:
    def now() -> datetime:
        return datetime(2026, 5, 5, 9, tzinfo=UTC)

    reader = FakeReader(raw_tables(extract([deal(1)], [saved(1, "2026-01-05 10:00")])), now)
    return Workspace(
        folder / "home", folder / "policy", lambda: reader, "https://acme.example", now
    )


def commented(monkeypatch: pytest.MonkeyPatch, text: str, *more: str) -> tuple[int, str]:
    """Write words with an editor that saves this text, and return the exit code and what was said."""
    draft = Path(os.environ["HOME"]) / "draft.md"
    draft.write_text(text)
    monkeypatch.setenv("EDITOR", f"cp {draft}")
    monkeypatch.delenv("VISUAL", raising=False)
    done = CliRunner().invoke(cli.app, ["comment", "2026-04", *more])
    return done.exit_code, done.output


@pytest.fixture(autouse=True)
def own_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))


def test_words_are_kept_and_shown_as_they_will_stand(
    policy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code, said = commented(monkeypatch, WORDS)
    assert code == 0
    path = policy / "commentary" / "2026-04" / "company.md"
    assert path.read_text() == WORDS
    assert "Mia, 2026-05-04" in said
    assert "`onpace report 2026-04` prints it" in said


def test_words_that_cannot_be_read_replace_nothing_and_are_not_lost(
    policy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    commented(monkeypatch, WORDS)
    code, said = commented(monkeypatch, "no head at all")
    assert code == 1
    assert "is not one of its first lines" in said
    assert (policy / "commentary" / "2026-04" / "company.md").read_text() == WORDS
    assert (tmp_path / "home" / "drafts" / "2026-04-company.md").read_text() == "no head at all"


def test_a_team_is_one_that_there_is(
    policy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    code, said = commented(monkeypatch, WORDS, "--team", "North")
    assert (code, "nothing was read yet" in said) == (1, True)
    resolve_extract(workspace_of(tmp_path), APRIL, lambda _: None)
    code, said = commented(monkeypatch, WORDS, "--team", "Nrth")
    assert (code, "'Nrth' is no team; there are: North" in said) == (1, True)
    assert commented(monkeypatch, WORDS, "--team", "North")[0] == 0
    assert (policy / "commentary" / "2026-04" / "team-north.md").exists()


@pytest.mark.usefixtures("policy")
def test_words_move_their_month_and_no_table(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Else every table of every month would be computed again for a comma."""
    record = resolve_extract(workspace_of(tmp_path), APRIL, lambda _: None)

    def digests(month: Month) -> tuple[str, str]:
        workspace = workspace_of(tmp_path)
        return (
            fingerprints.of_month(workspace, month, record),
            fingerprints.of_table(workspace, month, "phased_targets", record),
        )

    april, march = digests(APRIL), digests(Month(2026, 3))
    assert commented(monkeypatch, WORDS)[0] == 0
    now = digests(APRIL)
    assert now[0] != april[0]
    assert now[1] == april[1]
    assert digests(Month(2026, 3)) == march


def test_words_that_cannot_be_stored_are_not_lost(
    policy: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (policy / "commentary").write_text("a file in the way")
    code, said = commented(monkeypatch, WORDS)
    assert code == 1
    assert "cannot be written (" in said
    assert (tmp_path / "home" / "drafts" / "2026-04-company.md").read_text() == WORDS


@pytest.mark.usefixtures("policy")
def test_an_editor_that_fails_is_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EDITOR", "false")
    monkeypatch.delenv("VISUAL", raising=False)
    done = CliRunner().invoke(cli.app, ["comment", "2026-04"])
    assert done.exit_code == 1
    assert "set EDITOR to one that saves UTF-8" in done.output
