"""Run tags: who launched a run, why, and the fiscal quarter of its month, as the UI filters by them.

Put here what a run says of itself. Dagster gives the tags of a run to those that repeat it, so each
run writes its own when it begins.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping

import dagster as dg

from assets.launch import BACKFILL, PARENT, SCHEDULE, SENSOR
from publication.month_inputs import MonthInputs

WHO, WHY, QUARTER = "onpace/who", "onpace/why", "onpace/fiscal_quarter"
# Of a run of the command line: its own id.
COMMAND = "onpace/lease"
# A run that repeats another one has its tags too.
LAUNCHERS = {
    PARENT: ("UI", "executed again after run {:.8}"),
    SCHEDULE: ("schedule {}", "it was due"),
    SENSOR: ("sensor {}", "what it waits for came about"),
    BACKFILL: ("UI", "backfill {}"),
}
LONGEST = 200


def of_run(tags: Mapping[str, str]) -> dict[str, str]:
    """Return who launched a run of the UI, a schedule or a sensor, and why, from Dagster's own tags."""
    for name, (who, why) in LAUNCHERS.items():
        if value := tags.get(name):
            return {WHO: who.format(value), WHY: why.format(value)}
    return {WHO: "UI", WHY: "launched by hand"}


def of_command(words: str) -> dict[str, str]:
    """Return who runs a command on this machine, and which."""
    try:
        user = getpass.getuser()
    except (KeyError, OSError):  # a container may run as a number
        user = "somebody"
    return {WHO: f"{user} on the command line"[:LONGEST], WHY: words[:LONGEST]}


def note(instance: dg.DagsterInstance, run_id: str, inputs: MonthInputs) -> None:
    """Add the fiscal quarter to a run, once its month's calendar is known."""
    quarter = inputs.rules.calendar.quarter_of(inputs.month)
    instance.add_run_tags(run_id, {QUARTER: quarter.name})
