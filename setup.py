"""Builds the wheel: every room inside the package `onpace`, with the files that they read.

What an editable install needs is in `pyproject.toml`.
"""

import shutil
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

PACKAGE = "onpace"
# Of the policy folder what is the demo's: a checkout may hold somebody's own targets beside it.
DATA = (
    "dagster.yaml",
    "workspace.yaml",
    "policy/DEMO.md",
    "policy/fy2025.toml",
    "policy/fy2026.toml",
    "policy/fy2027.toml",
    "policy/logo.svg",
    "policy/recipients.toml",
    "policy/targets.csv",
    "policy/agreements.csv",
    "policy/capacity.csv",
    "policy/team_targets.csv",
    "policy/commentary/2026-11",
    "policy/commentary/2026-12",
    "policy/commentary/2027-01",
    "policy/commentary/2027-02",
    "policy/commentary/2027-03",
    "reports/templates",
    "reports/translations",
)


class BuildRooms(build_py):
    """Moves the rooms into the package once they are collected."""

    def run(self) -> None:
        """Build; an editable install finds the rooms where they are."""
        super().run()
        if self.editable_mode:
            return
        built = Path(self.build_lib)
        inside = built / PACKAGE
        for room in [each for each in built.iterdir() if each.name != PACKAGE]:
            shutil.rmtree(inside / room.name, ignore_errors=True)
            shutil.move(room, inside / room.name)
        for name in DATA:
            source, target = Path(name), inside / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, dirs_exist_ok=True)
            else:
                shutil.copyfile(source, target)


setup(cmdclass={"build_py": BuildRooms})
