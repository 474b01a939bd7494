"""The command line as a process, with no setting but a home."""

import os
import subprocess
import sys
from pathlib import Path

ONPACE = Path(sys.executable).with_name("onpace")


def run(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SALESFORCE_", "ONPACE_", "DAGSTER_"))
    }
    clean |= {
        "ONPACE_HOME": str(home),
        "HOME": str(home),
        "PYTHONWARNINGS": "ignore",
        **environment,
    }
    return subprocess.run(
        [str(ONPACE), *words],
        env=clean,
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
