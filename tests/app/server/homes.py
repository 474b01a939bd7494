"""A home with an empty instance of Dagster in it: making one takes seconds, copying it does not."""

import shutil
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from orchestration import variables
from orchestration.instance import dagster_instance


@cache
def _template() -> TemporaryDirectory[str]:
    folder = TemporaryDirectory()
    with pytest.MonkeyPatch.context() as patch:
        _use(Path(folder.name), patch)
        with dagster_instance():
            pass
    return folder


def new_home(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a folder the home of this process, with no other setting."""
    shutil.copytree(Path(_template().name) / "dagster", folder / "dagster")
    _use(folder, monkeypatch)
    return folder


def _use(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in variables.VARIABLES:
        monkeypatch.delenv(variable.name, raising=False)
    monkeypatch.setenv("DAGSTER_HOME", "")  # given back with the rest
    monkeypatch.setenv("ONPACE_HOME", str(folder))
