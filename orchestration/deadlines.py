"""Month ends that were due and were not delivered: a check that the UI shows, and an alert.

Put the watch over deadlines here. It asks the outbox and the ledger, not Dagster's records: a run that refused to
deliver made its asset too.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import dagster as dg
from dagster._core.scheduler.instigation import InstigatorStatus, InstigatorType

from orchestration.resources import make_mailroom
from orchestration.schedules import due_days, month_end_schedule
from sales.calendar import Month
from sales.gate import undelivered

DELIVERY, CHECK = "month_end_delivery", "every_month_end_was_delivered"
MOST_MONTHS = 24


def missing(instance: dg.DagsterInstance, now: datetime) -> list[Month]:
    """Return the month ends that should have been delivered by now and were not, the oldest first.

    Months are due from the first one on that was ever delivered from this home, else from the time on at which the
    schedule was switched on; where neither was, nobody waits for any.
    """
    room = make_mailroom()
    delivered = room.delivered()
    this_month = Month.of(now.date())
    first = max(min(delivered), this_month.plus(-MOST_MONTHS)) if delivered else this_month.plus(-1)
    since = None if delivered else _switched_on(instance)
    if not delivered and since is None:
        return []
    due = takewhile(lambda pair: pair[1] <= now, _due(first))
    patience = timedelta(hours=room.books.policy_of(this_month.plus(-1)).delivery.alarm_after_hours)
    return undelivered([(month, at) for month, at in due if since is None or at >= since], delivered, now, patience)


def _due(first: Month) -> Iterator[tuple[Month, datetime]]:
    return due_days(first, MOST_MONTHS + 2)


def _switched_on(instance: dg.DagsterInstance) -> datetime | None:
    """Return since when the schedule of the month end is on, none where it is off."""
    for state in instance.all_instigator_state(instigator_type=InstigatorType.SCHEDULE):
        if state.instigator_name == month_end_schedule.name and state.status == InstigatorStatus.RUNNING:
            started = getattr(state.instigator_data, "start_timestamp", None)
            return datetime.fromtimestamp(started, UTC) if started else None
    return None


def _sentence(months: list[Month]) -> str:
    if not months:
        return "every month end that was due was delivered"
    return f"{', '.join(map(str, months))} {'was' if len(months) == 1 else 'were'} due and not delivered: launch month_end for each, or run `onpace deliver MONTH`"


@dg.asset_check(asset=DELIVERY, name=CHECK, description="Every month end that was due was delivered, whatever happened to other months.")
def every_month_end_was_delivered(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Look at every month that was due."""
    months = missing(context.instance, datetime.now(UTC))
    return dg.AssetCheckResult(passed=not months, description=_sentence(months), metadata={"months": _names(months)})


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every hour: tells hold_notice of recipients.toml, once, which month ends were due and are not delivered.",
)
def undelivered_month_ends(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Tell of months that are missing, once for the same months, and let the check say so too."""
    months = missing(context.instance, datetime.now(UTC))
    names = _names(months)
    if names == (context.cursor or ""):
        return dg.SkipReason(_sentence(months))
    if months:
        subject = f"{'A month end was' if len(months) == 1 else f'{len(months)} month ends were'} not delivered"
        make_mailroom().notify(months[-1], subject, f"{_sentence(months)}\n")
    known = dg.AssetCheckEvaluation(dg.AssetKey(DELIVERY), CHECK, passed=not months, description=_sentence(months), metadata={"months": names})
    return dg.SensorResult(asset_events=[known], cursor=names)


def _names(months: list[Month]) -> str:
    return ",".join(map(str, months))
