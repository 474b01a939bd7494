"""A short round of the campaign of `make chaos`."""

import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
SHORT = {
    "seed": 4,
    "kills": 1,
    "overlaps": 0,
    "clocks": 0,
    "disks": 0,
    "damages": 1,
    "machines": 2,
    "flips": 15,
    "catalogue-flips": 3,
}


def test_a_home_survives_a_short_round() -> None:
    words = [word for name, value in SHORT.items() for word in (f"--{name}", str(value))]
    done = subprocess.run(
        [sys.executable, "-m", "tests.chaos", *words],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=500,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "kills: 1 tried, 1 survived" in done.stdout
    assert "machines: 2 tried, 2 survived" in done.stdout
    assert "flips: 15 tried" in done.stdout
