"""The command line as a process, with no setting but a home."""

import os
import subprocess
import sys
import warnings
from pathlib import Path

import pytest
from typer.testing import CliRunner

from app.cli import app as cli

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


def here(home: Path, *words: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run the command line in this process: for what a process of its own would not make different."""
    with pytest.MonkeyPatch.context() as patch:
        for name in os.environ:
            if name.startswith(("SALESFORCE_", "ONPACE_", "DAGSTER_", "SMTP_")):
                patch.delenv(name)
        patch.setenv("ONPACE_HOME", str(home))
        for name, value in environment.items():
            patch.setenv(name, value)
        patch.chdir(home.parent)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            done = CliRunner().invoke(cli.app, list(words))
    return subprocess.CompletedProcess(list(words), done.exit_code, done.stdout, done.stderr)
