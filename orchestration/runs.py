"""Running a month in this process, with Dagster recording it.

Put execution from the terminal here; what is run is `jobs`, what is said is `cli`.
"""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import dagster as dg

from assets.books import Books, MonthNotClosed
from orchestration import settings
from orchestration.definitions import defs
from sales.calendar import Month
from sales.fault import Fault
from sales.snapshot import NothingYet
from sales.targets import NoTargets

ABOUT_ONE_MONTH = (MonthNotClosed, NothingYet, NoTargets)


class RunFailed(Fault, RuntimeError):
    """A run did not succeed for a reason that is not in the input."""


@dataclass
class Outcome:
    """What became of several months: those done, and the reason of each that was not."""

    done: list[Month] = field(default_factory=list)
    failed: dict[Month, Fault] = field(default_factory=dict)


def prepare_dagster_home() -> None:
    """Point Dagster at `ONPACE_HOME/dagster` with our instance settings."""
    folder = settings.home() / "dagster"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(settings.PROJECT / "dagster.yaml", folder / "dagster.yaml")
    os.environ["DAGSTER_HOME"] = str(folder)


@contextmanager
def dagster_instance() -> Iterator[dg.DagsterInstance]:
    """Yield the instance that the UI shows too."""
    prepare_dagster_home()
    logging.getLogger("alembic").setLevel(logging.WARNING)
    with dg.DagsterInstance.get() as instance:
        yield instance


def run_month(job_name: str, month: Month, books: Books, instance: dg.DagsterInstance, *, fresh: bool = False, shared_hours: float = 0.0) -> None:
    """Run a job for a month; raises the `Fault` of the step that failed."""
    config = {
        "ops": {"salesforce_extract": {"config": {"fresh": fresh, "shared_pull_hours": shared_hours}}},
        "loggers": {"terminal": {"config": {}}},
    }
    job = defs.resolve_job_def(job_name)
    try:
        result = job.execute_in_process(
            run_config=config, partition_key=str(month), instance=instance, resources={"books": books}, raise_on_error=True
        )
    except dg.DagsterError as failed:
        cause: BaseException | None = failed
        while cause is not None:
            if isinstance(cause, Fault):
                raise cause from None
            cause = cause.__cause__
        raise RunFailed(f"the run of {month} failed: {' '.join(str(failed).split())[:300]}; see the run in the UI (onpace ui)") from failed
    if not result.success:
        raise RunFailed(f"the run of {month} failed; see it in the UI (onpace ui)")


def backfill(months: Sequence[Month], books: Books, begin: Callable[[Month], None], *, fresh: bool = False) -> Outcome:
    """Run every month without delivery, from one pull; a month that fails leaves the others standing.

    A fault that would meet every month (no login, a broken policy) ends the backfill at once.
    """
    outcome = Outcome()
    with dagster_instance() as instance:
        for month in months:
            begin(month)
            try:
                books.refuse_clearly_open(month)
                # The first month pulls where it must, the others share that pull.
                is_first = not outcome.done
                run_month("restatement", month, books, instance, fresh=fresh and is_first, shared_hours=0.0 if is_first else 24.0)
            except ABOUT_ONE_MONTH as fault:
                outcome.failed[month] = fault
            else:
                outcome.done.append(month)
    return outcome
