"""Alerts: a month end that failed is told to those whom the recipients' file names."""

import dagster as dg

from orchestration import settings
from orchestration.jobs import month_end
from orchestration.resources import make_mailroom
from sales.calendar import Month

MOST_WORDS = 400


@dg.run_failure_sensor(monitored_jobs=[month_end], description="Mails a failed month end, with a link to the run, to hold_notice of recipients.toml.")
def failed_month_end(context: dg.RunFailureSensorContext) -> None:
    """Tell of a failed run once."""
    run = context.dagster_run
    month = Month.parse(run.tags["dagster/partition"])
    reason = " ".join(context.failure_event.message.split())[:MOST_WORDS] if context.failure_event.message else "see the run"
    link = f"{settings.value_of('ONPACE_UI_URL').rstrip('/')}/runs/{run.run_id}"
    make_mailroom().notify(month, f"The month end of {month} failed", f"The month end of {month} failed, and nothing was sent: {reason}\n\n{link}\n")
