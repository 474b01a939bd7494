"""Scenarios of a year's plan in the policy folder: `plan/NAME.toml`.

Put here which files there are; what stands in one is `sales.planning.scenario`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import pandas as pd

from connectors.policy.folder import read_text
from connectors.policy.owners import Owners
from sales.planning.scenario import PersonPlan, PlanScenario, parse_scenario
from sales.policy.sections import InvalidPolicy

FOLDER, KIND = "plan", ".toml"
# What a scenario writes lies in a folder of its name.
NAME = re.compile(r"\w[\w -]{0,58}\w|\w")


def scenario_files(folder: Path) -> dict[str, Path]:
    """Return the files of scenarios by their names; raises `InvalidPolicy` for a name that no folder should have."""
    found: dict[str, Path] = {}
    for path in sorted((folder / FOLDER).glob(f"*{KIND}")):
        if NAME.fullmatch(path.stem) is None:
            shown = path.name.encode("utf-8", "backslashreplace").decode()[:80]
            raise InvalidPolicy(
                f"{FOLDER}/{shown!r} has a name that cannot be a scenario's; use up to 60 letters, digits, hyphens and blanks"
            )
        found[path.stem] = path
    return found


def read_scenario(path: Path) -> PlanScenario:
    """Read one file; raises `InvalidPolicy` with one sentence."""
    return parse_scenario(read_text(path), f"{FOLDER}/{path.name}")


def read_scenarios(folder: Path) -> dict[str, PlanScenario]:
    """Return the scenarios by the names of their files; raises `InvalidPolicy` with one sentence."""
    return {name: read_scenario(path) for name, path in scenario_files(folder).items()}


def changes_by_person(
    scenario: PlanScenario, name: str, users: pd.DataFrame
) -> Mapping[str, PersonPlan]:
    """Return what a scenario says of people, by their ids; raises `InvalidPolicy` for somebody who is not known, or is named twice."""
    owners, found = Owners(users), dict[str, PersonPlan]()
    for each in scenario.people:
        ids = owners.matches(each.owner)
        if len(ids) != 1:
            raise InvalidPolicy(f"{FOLDER}/{name}.toml: {owners.unclear(each.owner)}")
        if ids[0] in found:
            raise InvalidPolicy(
                f"{FOLDER}/{name}.toml: owner {each.owner[:80]!r} is named twice; keep one of them"
            )
        found[ids[0]] = each
    return found


def is_scenario(name: str) -> bool:
    """Return whether a file of the policy folder, by its path in it, is a scenario: no report of a month depends on it."""
    return name.startswith(f"{FOLDER}/") and name.endswith(KIND)
