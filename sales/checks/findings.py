"""What a reader of the numbers should know about the facts behind them.

Put findings about facts before the month end here. Findings about an extract as such
(hidden fields, missing objects) belong to the connector and to `onpace doctor`.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow.compute as pc
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Mask
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.quality import DataQuality
from sales.contracts.targets import PhasedTargets
from sales.history.booking_credit import booked
from sales.history.extract import People
from sales.policy.rules import MonthRules
from sales.targets.annual_targets import ComingTarget
from sales.targets.attainment import within
from sales.targets.quotas import ManagerQuota
from sales.vocabulary import Provenance

SHORTENED_NAME = 60
MICROSECONDS_A_DAY = 86_400_000_000
# A deal that closes so many years before or after it was created has a typing error in its date.
UNLIKELY_YEARS = 10


@dataclass(frozen=True)
class _Finding:
    name: str
    severity: str
    record_id: str
    detail: str
    amount: int | None
    owner_id: str | None = None
    owner_name: str | None = None


@dataclass(frozen=True)
class TargetNotes:
    """What the source of targets says beside the targets in force."""

    manager_quotas: Sequence[ManagerQuota] = ()
    coming: Sequence[ComingTarget] = ()


def data_quality(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    owners: People,
    month: Month,
    rules: MonthRules,
    organization_id: str,
    repertoire: Container[int],
    notes: TargetNotes = TargetNotes(),
) -> DataFrame[DataQuality]:
    """Return the month's findings, one row a finding and record.

    `repertoire` holds the code points that the pages can print.
    """
    found = [
        *_bookings(snapshot, booking_credit, phased_targets, month, rules),
        *_deals(snapshot, owners, month, rules, repertoire),
        *_managers(notes.manager_quotas, owners, rules),
        *_coming(notes.coming, owners),
        *_about_the_whole(snapshot, rules, month, organization_id),
    ]
    found.sort(key=lambda finding: (finding.name, finding.record_id))
    amounts = np.array([finding.amount or 0 for finding in found], np.int64)
    null = np.array([finding.amount is None for finding in found], np.bool_)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(found)),
            "finding": columns.text([finding.name for finding in found]),
            "record_id": columns.text([finding.record_id for finding in found]),
            "severity": columns.text([finding.severity for finding in found]),
            "detail": columns.text([finding.detail for finding in found]),
            "amount": money.decimal_array(amounts, rules.digits, null),
            "owner_id": columns.text([finding.owner_id for finding in found]),
            "owner_name": columns.text([finding.owner_name for finding in found]),
        }
    )
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), DataQuality)


def bookings_without_target(
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> Mask:
    """Return which credit of this year's bookings, to date, goes to people who have no target in force; `booking_credit` holds bookings only."""
    year = rules.calendar.fiscal_year(month)
    has_target = phased_targets.loc[phased_targets["fiscal_year"] == year, "owner_id"]
    closed_in = rules.calendar.month_index(columns.to_days(booking_credit["close_date"]))
    to_date = within(closed_in, rules.calendar.year_of(month).until(month))
    is_covered = columns.codes(booking_credit["owner_id"], columns.distinct(has_target)) >= 0
    return to_date & ~is_covered


def _bookings(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> Iterator[_Finding]:
    booking_credit = booked(booking_credit)
    where = bookings_without_target(booking_credit, phased_targets, month, rules)
    amount, _ = money.minor_units(booking_credit["amount"], rules.digits)
    names = dict(zip(snapshot["opportunity_id"], snapshot["name"], strict=True))
    whose = dict(
        zip(
            snapshot["opportunity_id"],
            zip(snapshot["owner_id"], snapshot["owner_name"], strict=True),
            strict=True,
        )
    )
    owners: dict[str, list[str]] = {}
    sums: dict[str, int] = {}
    for (record_id, owner), minor in zip(
        booking_credit.loc[where, ["opportunity_id", "owner_name"]].itertuples(index=False),
        amount[where],
        strict=True,
    ):
        owners.setdefault(record_id, []).append(_shortened(owner, record_id))
        sums[record_id] = sums.get(record_id, 0) + int(minor)
    for record_id, people in owners.items():
        verb = "has" if len(people) == 1 else "have"
        detail = f"{' and '.join(people)} {verb} no target in force for the year, but booked {_shortened(names.get(record_id), record_id)}"
        yield _Finding(
            "booking_without_target",
            "warning",
            record_id,
            detail,
            sums[record_id],
            *_owner(*whose.get(record_id, (None, None))),
        )


def _managers(
    manager_quotas: Sequence[ManagerQuota], owners: People, rules: MonthRules
) -> Iterator[_Finding]:
    for quota in manager_quotas:
        name = _shortened(owners.name_of(columns.text([quota.owner_id]))[0].as_py(), quota.owner_id)
        if quota.own != quota.team:
            detail = f"{name}'s own quota differs from the quotas of the team by this much: the team's count, the manager's is not added"
            difference = money.to_minor(quota.own - quota.team, rules.digits)
            yield _Finding(
                "manager_quota_differs",
                "info",
                quota.owner_id,
                detail,
                difference,
                quota.owner_id,
                name,
            )


def _coming(coming: Sequence[ComingTarget], owners: People) -> Iterator[_Finding]:
    for target in coming:
        name = _shortened(
            owners.name_of(columns.text([target.owner_id]))[0].as_py(), target.owner_id
        )
        detail = f"{name} has a target for FY{target.fiscal_year} that takes effect on {target.effective}: until then there is none, and what is booked has nothing to be measured against"
        yield _Finding(
            "target_not_in_force", "warning", target.owner_id, detail, None, target.owner_id, name
        )


def _deals(
    snapshot: DataFrame[OpportunitySnapshot],
    owners: People,
    month: Month,
    rules: MonthRules,
    repertoire: Container[int],
) -> Iterator[_Finding]:
    is_open, is_won = columns.booleans(snapshot["is_open"]), columns.booleans(snapshot["is_won"])
    amount, without = money.minor_units(snapshot["amount"], rules.digits)
    closes_on = columns.to_days(snapshot["close_date"])
    away = (closes_on - columns.to_instants(snapshot["created_at"]) // MICROSECONDS_A_DAY) / 365
    known = columns.codes(snapshot["owner_id"], owners.ids)
    gone = known >= 0
    gone[gone] = ~owners.is_active[known[gone]]
    assumed = np.asarray(
        pc.equal(columns.arrow(snapshot["stage_provenance"]), Provenance.ASSUMED.value)
    )
    closes = rules.calendar.month_index(closes_on)
    cases: list[tuple[str, str, Mask, str]] = [
        (
            "open_without_amount",
            "warning",
            is_open & without,
            "{name} is open and has no amount: it is in no sum",
        ),
        (
            "won_without_amount",
            "error",
            is_won & without,
            "{name} is won and has no amount: it is in no sum",
        ),
        (
            "owner_left",
            "warning",
            is_open & gone,
            "{name} is open and belongs to {owner}, who can no longer log in",
        ),
        (
            "owner_unknown",
            "warning",
            known < 0,
            "{name} belongs to {owner}, who is no user: a queue, or hidden from us",
        ),
        (
            "booked_later",
            "info",
            is_won & (closes > month.index),
            "{name} is won and booked in a later month, by its close date",
        ),
        (
            "close_date_unlikely",
            "warning",
            np.abs(away) > UNLIKELY_YEARS,
            "{name} closes on {date}, years away from when it was created: correct the year",
        ),
        (
            "history_assumed",
            "info",
            assumed,
            "{name} existed at the month end, but its history begins later: its first row is used",
        ),
        (
            "text_unprintable",
            "info",
            _unprintable(snapshot["name"], repertoire)
            | _unprintable(snapshot["account_name"], repertoire),
            "the name of {name} holds characters that cannot be printed",
        ),
    ]
    for finding, severity, where, sentence in cases:
        rows = snapshot.loc[
            where, ["opportunity_id", "name", "owner_id", "owner_name", "close_date"]
        ]
        values = zip(
            rows.itertuples(index=False),
            amount[where].tolist(),
            without[where].tolist(),
            strict=True,
        )
        for (record_id, name, owner_id, owner, date), minor, is_null in values:
            detail = sentence.format(
                name=_shortened(name, record_id),
                owner=_shortened(owner, record_id),
                date=date.isoformat(),
            )
            yield _Finding(
                finding,
                severity,
                record_id,
                detail,
                None if is_null else minor,
                *_owner(owner_id, owner),
            )


def _about_the_whole(
    snapshot: DataFrame[OpportunitySnapshot], rules: MonthRules, month: Month, organization_id: str
) -> Iterator[_Finding]:
    amount, without = money.minor_units(snapshot["amount"], rules.digits)
    owner_assumed = (
        np.asarray(pc.equal(columns.arrow(snapshot["owner_provenance"]), Provenance.ASSUMED.value))
        & ~without
    )
    if owner_assumed.any():
        detail = "today's owner is assumed for these deals: owner changes were not tracked before the month end"
        yield _Finding(
            "owner_assumed", "info", organization_id, detail, int(amount[owner_assumed].sum())
        )
    if rules.is_fallback:
        detail = f"no policy file for the year of {month}: the rules of {rules.source} are used"
        yield _Finding("policy_of_another_year", "info", organization_id, detail, None)


def _owner(owner_id: object, name: object) -> tuple[str | None, str | None]:
    """Return whose record it is, as text; nobody's is the administrators' to put right."""
    return owner_id if isinstance(owner_id, str) else None, name if isinstance(name, str) else None


def is_unprintable(character: str) -> bool:
    """Return whether a character is a control, surrogate, private-use or direction mark."""
    return unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Cn"}


def _unprintable(names: pd.Series, repertoire: Container[int]) -> Mask:
    encoded = columns.arrow(names).dictionary_encode()
    plain = np.asarray(pc.match_substring_regex(encoded.dictionary, r"^[ -~]*$"))
    odd = np.zeros(len(plain) + 1, np.bool_)  # one more: a name that is null is not odd
    for position in np.flatnonzero(~plain).tolist():
        odd[position] = any(
            ord(each) not in repertoire for each in encoded.dictionary[position].as_py()
        )
    return odd[np.asarray(encoded.indices.fill_null(len(plain)))]


def _shortened(text: object, otherwise: str) -> str:
    if not isinstance(text, str) or not text.strip():
        return otherwise
    clean = " ".join("".join(" " if is_unprintable(each) else each for each in text).split())
    return clean if len(clean) <= SHORTENED_NAME else clean[: SHORTENED_NAME - 1] + "…"
