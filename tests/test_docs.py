"""Documents are tested: what they list must be there, and what is there must be listed."""

import re
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
