"""Dagster's own commands work in a checkout, and know the code location by its name."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from orchestration.code_location import MODULE, NAME

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "dagster asset list -m orchestration.definitions": "month_end_packs",
    "dg check defs": "All definitions loaded successfully",
    "dg list defs --json": "month_end_release",
}


def test_every_file_has_the_same_name_for_it() -> None:
    (target,) = yaml.safe_load((ROOT / "workspace.yaml").read_text())["load_from"]
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["dg"]["project"]
    assert target["python_module"] == {"module_name": MODULE, "location_name": NAME}
    assert project["code_location_target_module"] == MODULE
    assert project["code_location_name"] == NAME


@pytest.mark.parametrize("command", COMMANDS)
def test_it_works_in_a_checkout(command: str, tmp_path: Path) -> None:
    program, *words = command.split()
    folder = Path(sys.executable).parent
    done = subprocess.run(
        [folder / program, *words],
        cwd=ROOT,
        env={"PATH": f"{folder}:{os.environ['PATH']}", "HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )
    assert done.returncode == 0, done.stderr
    assert COMMANDS[command] in done.stdout + done.stderr
