"""When the month end runs: the n-th working day after it; and the weekly flash: on its day. Both at a time where the company is."""

from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import dagster as dg

from assets.delivery import why_not
from assets.launch import is_scheduled
from connectors.delivery.outbox import months_there
from orchestration.jobs import flash, month_end
from orchestration.resources import make_delivery_service, make_workspace
from publication.flash import latest_day
from publication.workspace import Workspace
from sales.calendar import Month, working_days

LIVE = [
    dg.DagsterRunStatus.QUEUED,
    dg.DagsterRunStatus.NOT_STARTED,
    dg.DagsterRunStatus.STARTING,
    dg.DagsterRunStatus.STARTED,
    dg.DagsterRunStatus.CANCELING,
]
# A machine that was off catches up so long after; who switches the schedule on later mails nobody.
CATCH_UP_WITHIN = timedelta(days=14)
# A flash of last week is no news.
FLASH_WITHIN = timedelta(days=2)
# A month end that failed is tried again the next day.
AGAIN_AFTER = timedelta(days=1)


def due_days(first: Month, count: int) -> Iterator[tuple[Month, datetime]]:
    """Yield so many month ends from a month on, each with the instant at which it is launched."""
    workspace = make_workspace()
    for n in range(count):
        month = first.plus(n)
        yield month, due_at(workspace, month)


def due_at(workspace: Workspace, month: Month) -> datetime:
    """Return when a month's end is launched: on the n-th working day after it, at a time where the company is."""
    policy = workspace.policy_of(month)
    days = working_days(month.plus(1).days, policy.phasing.holidays)
    at = time.fromisoformat(workspace.policies.newest.delivery.time)
    return datetime.combine(
        days[policy.delivery.working_day - 1], at, ZoneInfo(workspace.time_zone)
    )


@dg.schedule(
    job=month_end,
    cron_schedule="*/15 * * * *",
    description="Asks each quarter of an hour; launches last month's end once, on the working day of [delivery] (the third) at its time where the company is, and mails it.",
)
def month_end_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Launch last month's end once it is due, also later in the month if the machine was off."""
    workspace, now = make_workspace(), context.scheduled_execution_time
    month = Month.of(now.astimezone(ZoneInfo(workspace.time_zone)).date()).plus(-1)
    due = due_at(workspace, month)
    if now < due:
        return dg.SkipReason(f"{month} is due at {due:%Y-%m-%d %H:%M}, {workspace.time_zone}")
    if now - due > CATCH_UP_WITHIN:
        return dg.SkipReason(
            f"{month} was due at {due:%Y-%m-%d %H:%M}: launch it and approve what it shows, if it is to go"
        )
    if why := _stands(context.instance, month):
        return dg.SkipReason(f"{month} {why}")
    if _ended_badly(context.instance, month, max(due, now - AGAIN_AFTER)):
        return dg.SkipReason(f"{month} failed or was cancelled: it is tried again a day later")
    return dg.RunRequest(partition_key=str(month))


def _stands(instance: dg.DagsterInstance, month: Month) -> str:
    """Return why a month's end needs no launch, empty where it does.

    One that was launched by hand and waits for an approval stands for none, nor does a backfill:
    they delivered nothing.
    """
    tags = {"dagster/partition": str(month)}
    good = [dg.DagsterRunStatus.SUCCESS]
    runs = instance.get_runs(dg.RunsFilter(tags=tags, statuses=[*LIVE, *good]))
    ours = [run for run in runs if why_not(run) is None]
    if any(run.status in LIVE for run in ours):
        return "is being computed or delivered"
    if any(is_scheduled(run) for run in ours):
        return "was launched already"
    return "was delivered already" if is_delivered(month) else ""


def is_delivered(month: Month) -> bool:
    """Return whether all of a month went out, by outbox and ledger: Dagster's own record may be of a part."""
    room = make_delivery_service()
    is_whole, _ = room.deliveries().get(month, (False, None))
    return is_whole and month in months_there(room.outbox)


def _ended_badly(instance: dg.DagsterInstance, month: Month, since: datetime) -> bool:
    """Return whether a month's end failed or was cancelled since then: it is not launched four times an hour."""
    tried = instance.get_run_records(
        dg.RunsFilter(
            job_name="month_end",
            tags={"dagster/partition": str(month)},
            statuses=[dg.DagsterRunStatus.FAILURE, dg.DagsterRunStatus.CANCELED],
            created_after=since,
        )
    )
    runs = (each.dagster_run for each in tried)
    return any(why_not(run) is None for run in runs)


def flash_due_at(workspace: Workspace, day: date) -> datetime:
    """Return when the flash of a day is launched: at the time of [flash], where the company is."""
    at = time.fromisoformat(workspace.policies.newest.flash.time)
    return datetime.combine(day, at, ZoneInfo(workspace.time_zone))


@dg.schedule(
    job=flash,
    cron_schedule="*/15 * * * *",
    description="Asks each quarter of an hour; launches the flash of the week once, on the day and at the time of [flash], where the company is, and mails it to those whom it names.",
)
def flash_schedule(context: dg.ScheduleEvaluationContext) -> dg.RunRequest | dg.SkipReason:
    """Launch the flash of the latest [flash] weekday once it is due, up to two days later if the machine was off."""
    workspace, now = make_workspace(), context.scheduled_execution_time
    today = now.astimezone(ZoneInfo(workspace.time_zone)).date()
    day = latest_day(workspace, today)
    due = flash_due_at(workspace, day)
    if now < due:
        return dg.SkipReason(f"the flash of {day} is due at {due:%H:%M}, {workspace.time_zone}")
    if now - due > FLASH_WITHIN:
        return dg.SkipReason(
            f"the flash of {day} was due at {due:%Y-%m-%d %H:%M}: it is no news any more; run `onpace flash` if it is wanted"
        )
    week = day - timedelta(days=day.weekday())
    return dg.RunRequest(run_key=str(day), partition_key=str(week))
