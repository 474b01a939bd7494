"""What a failed run opens on: one sentence that says what, where and what to do, and where to do it in the UI.

Put here how a fault that a person can mend becomes a failure of Dagster. Any other fault is the
program's own, and stays an exception with its stack.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from sales.errors import UserError

RUNBOOK = "docs/runbook.md"
# Commands that a sentence may name, the narrower first, and what does the same in the UI. Whatever
# is not listed is done on the machine that holds ONPACE_HOME.
IN_THE_UI = (
    (r"--reconstruct", "Jobs, {job}, the month, with reconstruct: true"),
    (r"--accept-vanished", "Jobs, {job}, the month, with accept_vanished: true"),
    (r"--fresh-extract", "Jobs, {job}, the month, with fresh: true"),
    (r"onpace deliver .*--flash", "Jobs, flash, the week, with your name in mailed_by"),
    (r"onpace flash", "Jobs, flash, the week"),
    (r"onpace (report|backfill)|run (it )?again", "Jobs, {job}, the month"),
    (r"onpace approve", "Jobs, release, the month, with your name"),
    (r"onpace deliver(?!ies)", "Jobs, release, the month, with your name"),
)
JOBS = ("month_end", "release", "restatement")
COMMAND = re.compile(r"`?onpace [a-z]+")
AGAIN = "Re-execute, From failure"


@contextmanager
def told(run: dg.DagsterRun) -> Generator[None]:
    """Let what a person can mend fail a step with its sentence, and with what to do where the run was launched."""
    try:
        yield
    except UserError as fault:
        raise dg.Failure(
            str(fault),
            metadata={"what_to_do_here": here(str(fault), run.job_name), "runbook": RUNBOOK},
            allow_retries=False,
        ) from fault


def here(sentence: str, job: str = "restatement") -> str:
    """Return what to do in the UI about a fault that a run of some job met."""
    known = job if job in JOBS else "restatement"
    for words, place in IN_THE_UI:
        if re.search(words, sentence):
            return f"{place.format(job=known)}."
    if COMMAND.search(sentence):
        return f"On the machine that holds ONPACE_HOME, by the command that the sentence names; then {AGAIN}."
    return f"Correct what the sentence names; then {AGAIN}."
