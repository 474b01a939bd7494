"""What a failed run opens on: one sentence that says what, where and what to do, and where to do it in the UI.

Put here how a fault that a person can mend becomes a failure of Dagster. Any other fault is the
program's own, and stays an exception with its stack.
"""

from __future__ import annotations

import re
from collections.abc import Generator
from contextlib import contextmanager

import dagster as dg

from connectors.salesforce.refusals import SalesforceUnavailable
from sales.errors import UserError

RUNBOOK = "docs/runbook.md"
# Commands that a sentence may name, the narrower first, and what does the same in the UI. Whatever
# is not listed is done on the machine that holds ONPACE_HOME.
IN_THE_UI = (
    (r"--reconstruct", "Jobs, restatement, the month, with reconstruct: true"),
    (r"--accept-vanished", "Jobs, restatement, the month, with accept_vanished: true"),
    (r"--fresh-extract", "Jobs, restatement, the month, with fresh: true"),
    (r"onpace (report|backfill)|run (it )?again", "Jobs, restatement, the month"),
    (r"onpace approve", "Jobs, release, the month, with your name"),
    (r"onpace deliver(?!ies)", "Jobs, release, the month, with your name"),
)
COMMAND = re.compile(r"`?onpace [a-z]+")
AGAIN = "Re-execute, From failure"


# A month end that was due at 07:00 asks through the morning before a person is called.
THROUGH_THE_MORNING = dg.RetryPolicy(max_retries=16, delay=15 * 60)
SCHEDULED = "dagster/schedule_name"


@contextmanager
def told(run: dg.DagsterRun) -> Generator[None]:
    """Let what a person can mend fail a step with its sentence.

    Only an outage of Salesforce is worth trying again, by a run for which nobody waits.
    """
    try:
        yield
    except UserError as fault:
        raise dg.Failure(
            str(fault),
            metadata={"what_to_do_here": here(str(fault)), "runbook": RUNBOOK},
            allow_retries=SCHEDULED in run.tags and isinstance(fault, SalesforceUnavailable),
        ) from fault


def here(sentence: str) -> str:
    """Return what to do in the UI about a fault."""
    for words, place in IN_THE_UI:
        if re.search(words, sentence):
            return f"{place}."
    if COMMAND.search(sentence):
        return f"On the machine that holds ONPACE_HOME, by the command that the sentence names; then {AGAIN}."
    return f"Correct what the sentence names; then {AGAIN}."
