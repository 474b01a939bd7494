"""What is installed, with versions, digests and licences: `make sbom` writes CycloneDX and prints a line for each.

The list is made by cyclonedx-py; here is only which of it a user installs, and under which terms.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from importlib.metadata import PackageNotFoundError, requires
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[2]


def written(path: Path) -> list[Mapping[str, Any]]:
    """Write the bill of materials of this environment, and return its components."""
    command = [sys.executable, "-m", "cyclonedx_py", "environment", sys.executable]
    command += ["--pyproject", str(ROOT / "pyproject.toml"), "--output-reproducible"]
    command += ["--of", "JSON", "-o", str(path)]
    subprocess.run(command, check=True, capture_output=True, timeout=300)  # our own
    return json.loads(path.read_text(encoding="utf-8"))["components"]


def licences(component: Mapping[str, Any]) -> list[str]:
    """Return what a component says of its licence: names of SPDX, or classifiers."""
    stated = component.get("licenses", [])
    return [
        str(
            each.get("expression") or each["license"].get("id") or each["license"].get("name", "")
        ).removeprefix("License :: OSI Approved :: ")
        for each in stated
    ]


def of_users(extras: Iterable[str] = ("kubernetes", "postgresql")) -> set[str]:
    """Return the names of all that a user installs with us, and with these extras."""
    found, waiting = set[str](), ["onpace"]
    wanted = {"", *extras}
    while waiting:
        name = waiting.pop()
        try:
            stated = requires(name) or []
        except PackageNotFoundError:  # of another system or Python
            continue
        for each in map(Requirement, stated):
            inside = wanted if name == "onpace" else {"", *each.extras}
            if each.marker and not any(each.marker.evaluate({"extra": one}) for one in inside):
                continue
            if (its := canonicalize_name(each.name)) not in found:
                found.add(its)
                waiting.append(its)
    return found


def main() -> int:
    """Write `build/sbom.json` and print each component with its licence; those that only tests need are marked."""
    path = ROOT / "build" / "sbom.json"
    path.parent.mkdir(exist_ok=True)
    users = of_users()
    for each in sorted(written(path), key=lambda one: str(one["name"]).lower()):
        mark = "" if canonicalize_name(each["name"]) in users else "  (tests only)"
        named = " | ".join(dict.fromkeys(licences(each))) or "not stated"
        print(f"{each['name']} {each['version']}: {named}{mark}")
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
