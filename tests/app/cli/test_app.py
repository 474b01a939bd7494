"""What every command has in common: version, help, completion, and how it is stopped."""

from collections.abc import Iterator
from importlib.metadata import version
from itertools import pairwise

import click
import pytest
import typer
from typer.main import get_command
from typer.testing import CliRunner

from app.cli.app import app
from orchestration import resources

WIDTH = 80


def commands(group: click.Command, *words: str) -> Iterator[tuple[str, ...]]:
    yield words
    for name, each in getattr(group, "commands", {}).items():
        yield from commands(each, *words, name)


def test_the_version_is_said() -> None:
    said = CliRunner().invoke(app, ["--version"])
    assert (said.exit_code, said.stdout) == (0, f"onpace {version('onpace')}\n")


@pytest.mark.parametrize("words", commands(get_command(app)), ids=" ".join)
def test_paragraphs_of_help_fill_their_lines(words: tuple[str, ...]) -> None:
    """A line ends early only where the next word does not fit or the paragraph ends."""
    help_text = CliRunner().invoke(app, [*words, "--help"], terminal_width=WIDTH).stdout
    prose = help_text.split("╭")[0].splitlines()[2:]
    for line, following in pairwise(prose):
        if line.strip() and following.strip():
            assert len(line.rstrip()) + 1 + len(following.split()[0]) > WIDTH - 2, line


def test_a_shell_completes_commands() -> None:
    asked = {"_ONPACE_COMPLETE": "complete_bash", "COMP_WORDS": "onpace rep", "COMP_CWORD": "1"}
    said = CliRunner().invoke(app, [], prog_name="onpace", env=asked)
    assert (said.exit_code, said.stdout.split()) == (0, ["report"])


def test_who_stops_a_command_is_told_what_became_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped() -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(resources, "make_workspace", stopped)
    said = CliRunner().invoke(app, ["check", "--offline"])
    assert said.exit_code == 1
    assert said.stderr.endswith("onpace: stopped; what was stored before is as it was\n")
    assert not isinstance(said.exception, KeyboardInterrupt | typer.Abort)
