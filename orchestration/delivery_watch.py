"""Month ends that were due and were not delivered: a check that the UI shows, and an alert.

Put the watch over deadlines here. It asks the outbox and the ledger, not Dagster's records: a run
that refused to deliver made its asset too.
"""

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import dagster as dg

from connectors.delivery.mailer import SendResult
from orchestration.jobs import DEADLINES
from orchestration.resources import make_delivery_service
from orchestration.schedules import due_days, month_end_schedule
from sales.calendar import Month
from sales.delivery.release_gate import undelivered
from sales.errors import UserError

MOST_MONTHS = 24


def missing(instance: dg.DagsterInstance, now: datetime) -> list[Month]:
    """Return the month ends that should have been delivered by now and were not, the oldest first.

    Months count that were due since the first delivery from this home, or since the schedule was
    switched on, whichever came first; where neither was, nobody waits for any. At most two years
    are looked back on.
    """
    room = make_delivery_service()
    known = room.deliveries()
    beginnings = [at for _, at in known.values()]
    if (since_on := switched_on(instance)) is not None:
        beginnings.append(since_on)
    if not beginnings:
        return []
    since, this_month = min(beginnings), Month.of(now.date())
    first = max(Month.of(since.date()).plus(-1), this_month.plus(-MOST_MONTHS))
    due = takewhile(lambda pair: pair[1] <= now, due_days(first, MOST_MONTHS + 2))
    patience = timedelta(
        hours=room.workspace.policy_of(this_month.plus(-1)).delivery.alarm_after_hours
    )
    waited_for = [(month, at) for month, at in due if at >= since or month in known]
    return undelivered(
        waited_for, {month for month, (is_whole, _) in known.items() if is_whole}, now, patience
    )


def switched_on(instance: dg.DagsterInstance) -> datetime | None:
    """Return since when the schedule of the month end is on, none where it is off."""
    for state in instance.all_instigator_state():
        if state.instigator_name == month_end_schedule.name and state.status.value == "RUNNING":
            started = getattr(state.instigator_data, "start_timestamp", None)
            return datetime.fromtimestamp(started, UTC) if started else None
    return None


def _sentence(months: list[Month], unheard: str) -> str:
    """Say which months are missing, and that nobody hears of it where that is so."""
    said = _missing_in_words(months) if months else "every month end that was due was delivered"
    return f"{said}; {unheard}" if unheard else said


def _missing_in_words(months: list[Month]) -> str:
    return f"{', '.join(map(str, months))} {'was' if len(months) == 1 else 'were'} due and not delivered: launch month_end for each and approve what it shows, or run `onpace deliver MONTH`"


@dataclass(frozen=True)
class Told:
    """Of which months a channel was told, a mail was written, and the check spoke last."""

    channel: str = ""
    mail: str = ""
    check: str = "?"


@dg.asset_check(
    asset=DEADLINES.asset_key,
    name=DEADLINES.name,
    description="Every month end that was due was delivered, whatever happened to other months.",
)
def every_month_end_was_delivered(context: dg.AssetCheckExecutionContext) -> dg.AssetCheckResult:
    """Look at every month that was due; that nobody could look is a failed check too, and says so."""
    try:
        months = missing(context.instance, datetime.now(UTC))
        sentence = _sentence(months, make_delivery_service().unheard)
    except UserError as fault:
        return dg.AssetCheckResult(passed=False, description=f"nobody could look: {fault}")
    return dg.AssetCheckResult(
        passed=not months, description=sentence, metadata={"months": _names(months)}
    )


@dg.sensor(
    minimum_interval_seconds=3600,
    default_status=dg.DefaultSensorStatus.RUNNING,
    description="Every hour: tells hold_notice of recipients.toml and the channels of ONPACE_NOTICES, once, which month ends were due and are not delivered.",
)
def undelivered_month_ends(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
    """Tell of months that are missing, each once, and let the check say so too; a mail that could not go is tried again."""
    told = Told(**json.loads(context.cursor)) if context.cursor else Told()
    months = missing(context.instance, datetime.now(UTC))
    room = make_delivery_service()
    names, sentence = _names(months), _sentence(months, room.unheard)
    if told == Told(names, names, names):
        return dg.SkipReason(sentence)
    subject = f"{'A month end was' if len(months) == 1 else f'{len(months)} month ends were'} not delivered"
    if months and room.unheard:
        context.log.warning(sentence)
    is_told = not _has_news(months, told.channel) or _done(
        context, lambda: room.tell(subject, sentence)
    )
    is_written = not _has_news(months, told.mail) or _done(
        context, lambda: room.write(months[-1], subject, f"{sentence}\n")
    )
    known = dg.AssetCheckEvaluation(
        DEADLINES.asset_key,
        DEADLINES.name,
        passed=not months,
        description=sentence,
        metadata={"months": names},
    )
    now = Told(names if is_told else told.channel, names if is_written else told.mail, names)
    return dg.SensorResult(asset_events=[known], cursor=json.dumps(asdict(now)))


def _done(context: dg.SensorEvaluationContext, send: Callable[[], SendResult | None]) -> bool:
    """Send an alarm and return whether it went; what did not is tried again at the next tick."""
    try:
        sent = send()
    except UserError as fault:
        context.log.warning("the alarm could not be sent and will be tried again: %s", fault)
        return False
    return sent is None or sent.is_complete


def _has_news(months: list[Month], told: str) -> bool:
    return bool({str(month) for month in months} - set(told.split(",")))


def _names(months: list[Month]) -> str:
    return ",".join(map(str, months))
