"""When the month end runs: the third working day after it, at 07:00 where the company is."""

from zoneinfo import ZoneInfo

import dagster as dg

from assets.delivery import why_not
from orchestration.jobs import month_end
from orchestration.resources import make_books
from sales.calendar import Month, working_days
from sales.fault import Fault

LIVE_OR_GOOD = [
    dg.DagsterRunStatus.QUEUED, dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED, dg.DagsterRunStatus.SUCCESS,
]  # fmt: skip


def reporting_zone() -> str:
    """Return the reporting time zone as policy and organisation say it.

    Definitions must load whatever the policy folder holds; a broken file is reported by the run.
    """
    try:
        return make_books().time_zone
    except Fault:
        return "UTC"


ZONE = reporting_zone()


@dg.schedule(
    job=month_end,
    cron_schedule="0 7 1-12 * *",
    execution_timezone=ZONE,
    description="Every morning of the first days of a month; runs once, from the third working day on.",
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
    runs = context.instance.get_runs(dg.RunsFilter(job_name="month_end", tags={"dagster/partition": str(month)}, statuses=LIVE_OR_GOOD))
    # A backfill of the job delivered nothing, so it does not stand for the month end.
    if any(why_not(run.job_name, run.tags) is None for run in runs):
        return dg.SkipReason(f"{month} was launched already")
    return dg.RunRequest(partition_key=str(month))
