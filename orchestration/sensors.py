"""Alerts: a month end, or a flash, that failed is told to those whom the recipients' file names."""

from datetime import date

import dagster as dg

from orchestration import settings
from orchestration.delivery_events import show_delivery
from orchestration.jobs import flash, month_end, release
from orchestration.resources import make_delivery_service
from sales.calendar import Month
from sales.errors import UserError

MOST_WORDS = 400
HELD = "is held back"


@dg.run_failure_sensor(
    monitored_jobs=[month_end, release],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of a failed month end, with a link to the run: by mail to hold_notice of recipients.toml, and to the channels of ONPACE_NOTICES.",
)
def failed_month_end(context: dg.RunFailureSensorContext) -> None:
    """Tell of a failed run once; what went out of its month before still did, and the UI shows it."""
    run, room = context.dagster_run, make_delivery_service()
    month = Month.parse(run.tags["dagster/partition"])
    went_out = "it is not known what was sent"
    try:
        is_partly_out = show_delivery(context.instance, room, month)
        went_out = "a part of it went out before" if is_partly_out else "nothing was sent"
    except UserError as fault:  # the alarm matters more
        context.log.warning("what was delivered of %s cannot be shown: %s", month, fault)
    reasons = [_reason(event) for event in context.get_step_failure_events()] or ["see the run"]
    if any(HELD in reason for reason in reasons):
        return  # who needs to know was told when it was held back
    reason = reasons[0][:MOST_WORDS]
    room.notify(
        month,
        f"The month end of {month} failed",
        f"The month end of {month} failed, and {went_out}: {reason}\n\n{_link(run)}\n",
    )


@dg.run_failure_sensor(
    monitored_jobs=[flash],
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Tells of a failed weekly flash, with a link to the run: by mail to hold_notice of recipients.toml, and to the channels of ONPACE_NOTICES.",
)
def failed_flash(context: dg.RunFailureSensorContext) -> None:
    """Tell of a flash that failed, once."""
    run, room = context.dagster_run, make_delivery_service()
    week = run.tags["dagster/partition"]
    reasons = [_reason(event) for event in context.get_step_failure_events()] or ["see the run"]
    room.notify(
        Month.of(date.fromisoformat(week)),
        f"The flash of the week of {week} failed",
        f"The flash of the week of {week} failed: {reasons[0][:MOST_WORDS]}\n\n{_link(run)}\n",
    )


def _link(run: dg.DagsterRun) -> str:
    return f"{settings.value_of('ONPACE_UI_URL').rstrip('/')}/runs/{run.run_id}"


def _reason(event: dg.DagsterEvent) -> str:
    """Return the first cause of a failed step, in one line."""
    error = event.step_failure_data.error
    while error is not None and error.cause is not None:
        error = error.cause
    return " ".join(error.message.split()) if error else "see the run"
