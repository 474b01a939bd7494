"""Switching schedules on and off from the terminal, as the button of the UI does."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from orchestration import settings
from orchestration.instance import prepare_dagster_home
from orchestration.schedules import flash_schedule, month_end_schedule
from sales.errors import UserError

LONGEST = 180.0  # seconds that loading the definitions may take


class NotSwitched(UserError, RuntimeError):
    """Dagster did not switch a schedule."""


def switch_schedule(*, is_on: bool, is_flash: bool = False) -> None:
    """Start or stop the schedule of the month end, or of the flash; raises `NotSwitched` with what Dagster says."""
    schedule = flash_schedule if is_flash else month_end_schedule
    prepare_dagster_home()
    command = [str(Path(sys.executable).with_name("dagster")), "schedule"]
    command += ["start" if is_on else "stop", schedule.name]
    command += ["-w", str(settings.PROJECT / "workspace.yaml")]
    environment = os.environ | {"PYTHONPATH": str(settings.PROJECT), "PYTHONSAFEPATH": "1"}
    done = subprocess.run(  # noqa: S603  # our own command
        command, env=environment, capture_output=True, text=True, timeout=LONGEST, check=False
    )
    if done.returncode:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()
        raise NotSwitched(
            f"Dagster did not switch the schedule ({said[-1][:200] if said else done.returncode}); try it in the UI, under Automation"
        )
