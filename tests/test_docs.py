"""Documents are tested: what they list must be there, and what is there must be listed."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from docs.data_model import written
from orchestration.definitions import defs
from orchestration.variables import VARIABLES
from sales.policy.sections import SalesPolicy

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text(encoding="utf-8")


def test_the_data_model_has_every_asset_and_is_as_the_contracts_say() -> None:
    page = (ROOT / "docs" / "data-model.md").read_text(encoding="utf-8")
    for key in defs.resolve_asset_graph().get_all_asset_keys():
        assert key.to_user_string() in page, key
    assert page == written(page), "run `make docs`"


def test_the_reference_is_as_the_code_says() -> None:
    from docs.reference import FOLDER, pages

    for name, text in pages().items():
        assert (FOLDER / name).read_text(encoding="utf-8") == text, "run `make docs`"


@pytest.mark.parametrize("page", sorted((ROOT / "docs").glob("*.md")), ids=lambda page: page.stem)
def test_commands_on_a_page_exist_with_their_options(page: Path) -> None:
    from typer.main import get_command

    from app.cli.app import app

    text = page.read_text(encoding="utf-8")
    blocks = "\n".join(re.findall(r"```sh\n(.*?)```", text, re.DOTALL))
    lines = re.findall(r"(?:^|&& )(?:\.venv/bin/)?onpace ([a-z-]+[^\n#&|]*)", blocks, re.MULTILINE)
    lines += re.findall(r"`onpace ([a-z-]+[^`]*)`", text)
    for line in lines:
        command, words = get_command(app), line.split()
        while words and words[0] in getattr(command, "commands", {}):
            command = command.commands[words.pop(0)]  # type: ignore[attr-defined]
        assert not hasattr(command, "commands") or not words, line
        known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
        named = {word.partition("=")[0] for word in words if word.startswith("--")}
        assert named <= known | {"--help"}, line


@pytest.mark.slow
def test_the_site_is_built_and_no_link_leads_nowhere(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "sphinx", "--fail-on-warning", "--keep-going", "--quiet"]
    done = subprocess.run(
        [
            *command,
            "--doctree-dir",
            str(tmp_path / "trees"),
            str(ROOT / "docs"),
            str(tmp_path / "site"),
        ],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
    )
    assert done.returncode == 0, done.stderr
    page = (tmp_path / "site" / "tutorial.html").read_text(encoding="utf-8")
    assert "onpace init acme" in re.sub(r"<[^>]+>", "", page)
    assert not re.search(r'(?:src="|<link[^>]+href=")https?://', page), (
        "nothing is loaded from elsewhere"
    )


def test_every_variable_is_in_the_example_and_no_other() -> None:
    page = (ROOT / ".env.example").read_text(encoding="utf-8")
    assert set(re.findall(r"^#([A-Z_]+)=", page, re.MULTILINE)) == {
        variable.name for variable in VARIABLES
    }


def test_the_readme_is_short_and_its_links_lead_somewhere() -> None:
    assert len(README.splitlines()) < 100
    for link in re.findall(r"\]\((?!http)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link


def test_the_guide_names_every_rule_with_its_default() -> None:
    page = (ROOT / "docs" / "guide.md").read_text(encoding="utf-8")
    policy = SalesPolicy()
    for section in ("phasing", "pipeline", "brand", "forecast", "clients"):
        for key in type(getattr(policy, section)).model_fields:
            assert key in page, key
    assert f"`{policy.phasing.cap}`" in page


@pytest.mark.parametrize(
    "name",
    [
        "requirements.lock",
        "requirements-dev.lock",
        "tests/clients/package-lock.json",
        "tests/clients/airbyte.lock",
    ],
)
def test_lock_files_carry_hashes_and_no_index_address(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    assert "sha256:" in text or '"integrity"' in text
    assert not re.search(r"--(extra-)?index-url|\"resolved\"|find-links", text)


def test_the_program_and_its_tests_run_on_the_same_versions() -> None:
    ours, tests = (
        set(
            re.findall(r"^[\w.-]+==[^ ;]+", (ROOT / name).read_text(encoding="utf-8"), re.MULTILINE)
        )
        for name in ("requirements.lock", "requirements-dev.lock")
    )
    assert ours <= tests
    assert not {"pytest", "ruff", "playwright"} & {each.partition("==")[0] for each in ours}


def test_the_commands_of_the_readme_exist() -> None:
    from typer.main import get_command

    from app.cli.app import app

    commands = set(get_command(app).commands)  # type: ignore[attr-defined]
    used = set(re.findall(r"^onpace ([a-z-]+)", README, re.MULTILINE))
    assert used <= commands
    targets = set(
        re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    )
    assert set(re.findall(r"make ([a-z]+)", README)) <= targets
