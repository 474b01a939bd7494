"""What holds a month's delivery: each rule says why, in one sentence.

Put reasons here for which a finished pack must not leave. Whether its numbers agree is
`sales.checks.invariants`.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from sales.calendar import Month
from sales.policy.rules import MonthRules

PERCENT = 100


@dataclass(frozen=True)
class Finished:
    """What is known of a month that could go out; `failed` are documents that could not be printed, with the reason."""

    month: Month
    as_of: datetime
    extracted_at: datetime
    assumed_share: Decimal | None
    failed: Mapping[str, str]
    approved_by: str


def reasons(finished: Finished, rules: MonthRules, now: datetime) -> list[str]:
    """Return why the month must not go out; none means that it may."""
    return [reason for rule in RULES if (reason := rule(finished, rules, now))]


def undelivered(
    due: Iterable[tuple[Month, datetime]],
    delivered: Container[Month],
    now: datetime,
    patience: timedelta,
) -> list[Month]:
    """Return the months that were due longer ago than `patience` and were not delivered, of those that are due at all."""
    return [month for month, at in due if month not in delivered and now - at > patience]


def _unprinted(finished: Finished, rules: MonthRules, now: datetime) -> str:
    del rules, now
    return (
        f"{len(finished.failed)} documents of {finished.month} could not be printed, {next(iter(finished.failed))} first"
        if finished.failed
        else ""
    )


def _read_too_early(finished: Finished, rules: MonthRules, now: datetime) -> str:
    del now
    hours = rules.policy.delivery.hours_after_month_end
    if finished.extracted_at >= finished.as_of + timedelta(hours=hours):
        return ""
    return f"Salesforce was read on {finished.extracted_at:%Y-%m-%d %H:%M} UTC, less than {hours} hours after the end of {finished.month}; run it with --fresh-extract"


def _read_too_long_ago(finished: Finished, rules: MonthRules, now: datetime) -> str:
    most = rules.policy.delivery.oldest_extract_hours
    if most is None or now - finished.extracted_at <= timedelta(hours=most):
        return ""
    return f"Salesforce was read on {finished.extracted_at:%Y-%m-%d %H:%M} UTC, more than {most} hours ago; run {finished.month} with --fresh-extract"


def _assumed(finished: Finished, rules: MonthRules, now: datetime) -> str:
    del now
    most, share = (
        rules.policy.delivery.most_assumed_pct,
        (finished.assumed_share or Decimal(0)) * PERCENT,
    )
    return (
        f"{share:.1f}% of the money of {finished.month} rests on assumptions, and policy allows {most}%"
        if share > most
        else ""
    )


def _unapproved(finished: Finished, rules: MonthRules, now: datetime) -> str:
    del now
    needed = rules.policy.delivery.needs_approval and not finished.approved_by
    return (
        f"nobody has approved of {finished.month} as it is; look at it and run `onpace approve {finished.month}`"
        if needed
        else ""
    )


RULES: tuple[Callable[[Finished, MonthRules, datetime], str], ...] = (
    _unprinted,
    _read_too_early,
    _read_too_long_ago,
    _assumed,
    _unapproved,
)
