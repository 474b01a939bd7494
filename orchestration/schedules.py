"""When the month end runs: the n-th working day after it, at a time where the company is."""

from collections.abc import Iterator
from datetime import datetime, time
from zoneinfo import ZoneInfo

import dagster as dg

from assets.delivery import why_not
from orchestration.jobs import month_end
from orchestration.resources import make_books
from sales.calendar import Month, working_days
from sales.errors import Fault
from sales.policy.rules import Delivery

LIVE_OR_GOOD = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.SUCCESS,
]


DEFAULT = Delivery()


def reporting_zone() -> str:
    """Return the reporting time zone as policy and organisation say it.

    Definitions must load whatever the policy folder holds; a broken file is reported by the run.
    """
    try:
        return make_books().time_zone
    except (Fault, OSError, ValueError):
        return "UTC"


def launch_time() -> str:
    """Return the time of day by the newest policy, 07:00 where it cannot be read now."""
    try:
        return make_books().policies.newest.delivery.time
    except (Fault, OSError, ValueError):
        return DEFAULT.time


def due_days(first: Month, count: int) -> Iterator[tuple[Month, datetime]]:
    """Yield so many month ends from a month on, each with the instant at which it is launched."""
    books, at = make_books(), time.fromisoformat(launch_time())
    for n in range(count):
        month = first.plus(n)
        policy = books.policy_of(month)
        day = working_days(month.plus(1).days, policy.phasing.holidays)[
            policy.delivery.working_day - 1
        ]
        yield month, datetime.combine(day, at, ZoneInfo(books.time_zone))


ZONE = reporting_zone()
HOUR, MINUTE = launch_time().split(":")


@dg.schedule(
    job=month_end,
    cron_schedule=f"{int(MINUTE)} {int(HOUR)} 1-12 * *",
    execution_timezone=ZONE,
    description="Asks each morning of the first days of a month; launches last month's end once, on the working day of [delivery] (the third), and mails it.",
)
def month_end_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Launch last month's end on the n-th working day, or on the next morning if the machine was off."""
    today = context.scheduled_execution_time.astimezone(ZoneInfo(ZONE)).date()
    this_month = Month.of(today)
    month = this_month.plus(-1)
    policy = make_books().policy_of(month)
    nth, place = policy.delivery.working_day, policy.phasing.holidays
    if today < working_days(this_month.days, place)[nth - 1]:
        return dg.SkipReason(f"working day {nth} of {this_month} has not come")
    runs = context.instance.get_runs(
        dg.RunsFilter(
            job_name="month_end", tags={"dagster/partition": str(month)}, statuses=LIVE_OR_GOOD
        )
    )
    # A backfill of the job delivered nothing, so it does not stand for the month end.
    if any(why_not(run.job_name, run.tags) is None for run in runs):
        return dg.SkipReason(f"{month} was launched already")
    return dg.RunRequest(partition_key=str(month))
