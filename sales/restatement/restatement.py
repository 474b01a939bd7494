"""Why a month's numbers differ from those that were published first.

Put the comparison here. Three numbers are explained line by line, and the lines add up to the
difference: bookings of the year to date, open pipeline of the fiscal year, and the phased target to
date.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.contracts.contract import checked, stamp, table_of
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.quality import Restatement
from sales.contracts.targets import PhasedTargets
from sales.coverage.coverage import open_pipeline
from sales.history.booking_credit import booked, open_credit
from sales.policy.rules import MonthRules
from sales.vocabulary import Cause, Measure

ZERO = Decimal(0)
# The state of a record that decides whether it counts, and when.
STATE = ("stage_name", "is_won", "is_open", "close_date")
Key = tuple[str, str, str, str]


@dataclass(frozen=True)
class Published:
    """The tables of a month that are compared."""

    NEEDED: ClassVar[tuple[str, ...]] = ("opportunity_snapshot", "booking_credit", "phased_targets")

    opportunity_snapshot: DataFrame[OpportunitySnapshot]
    booking_credit: DataFrame[BookingCredit]
    phased_targets: DataFrame[PhasedTargets]

    @classmethod
    def among(cls, tables: Mapping[str, pd.DataFrame]) -> Published:
        """Return what is compared among the tables of a month by name."""
        return cls(
            table_of(tables, OpportunitySnapshot),
            table_of(tables, BookingCredit),
            table_of(tables, PhasedTargets),
        )


@dataclass(frozen=True)
class _Line:
    """What a record adds to a number of a person and team."""

    amount: Decimal
    owner_name: str
    name: str | None


def restatement(
    before: Published, after: Published, month: Month, rules: MonthRules
) -> DataFrame[Restatement]:
    """Return every difference with its cause, empty where the numbers are the same.

    A record counts for the person and team that it counts for on each side: given to another
    person, it is two lines that cancel out for the company.
    """
    was, now = _lines(before, month, rules), _lines(after, month, rules)
    whole = _wholes(was), _wholes(now)
    states = _states(before, after)
    terms = _terms(before), _terms(after)
    rows: list[dict[str, object]] = []
    for key in sorted(was.keys() | now.keys()):
        old, new = was.get(key), now.get(key)
        amounts = (old.amount if old else ZERO), (new.amount if new else ZERO)
        if amounts[0] == amounts[1]:
            continue
        measure, record_id, owner_id, team = key
        cause = (
            _target_cause(owner_id, *terms)
            if measure == "target"
            else _deal_cause(
                record_id,
                states,
                is_shared_anew=whole[0].get((measure, record_id))
                == whole[1].get((measure, record_id)),
            )
        )
        shown = new or old
        assert shown is not None  # noqa: S101  # the key is of one of the two
        rows.append(
            {
                "as_of_month": str(month),
                "measure": measure,
                "record_id": record_id,
                "owner_id": owner_id,
                "team": team,
                "owner_name": shown.owner_name,
                "name": shown.name,
                "before": amounts[0],
                "after": amounts[1],
                "difference": amounts[1] - amounts[0],
                "cause": cause,
            }
        )
    kinds = dict.fromkeys(
        ("before", "after", "difference"), pa.decimal128(money.DECIMAL_PRECISION, rules.digits)
    )
    names = [
        name for name in Restatement.to_schema().columns if name not in {"as_of", "extracted_at"}
    ]
    table = columns.frame(
        {
            name: pa.array([row[name] for row in rows], kinds.get(name, pa.string()))
            for name in names
        }
    )
    extracted_at = after.opportunity_snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), Restatement)


def _lines(tables: Published, month: Month, rules: MonthRules) -> dict[Key, _Line]:
    return {
        **dict(_booked(tables, month, rules)),
        **dict(_open(tables, month, rules)),
        **dict(_planned(tables, month, rules)),
    }


def _wholes(lines: Mapping[Key, _Line]) -> dict[tuple[str, str], Decimal]:
    """Return what each record adds to each number for all people together."""
    found: dict[tuple[str, str], Decimal] = {}
    for (measure, record_id, _, _), line in lines.items():
        key = measure, record_id
        found[key] = found.get(key, ZERO) + line.amount
    return found


def _booked(tables: Published, month: Month, rules: MonthRules) -> Iterator[tuple[Key, _Line]]:
    first, last = (
        rules.calendar.first_day(rules.calendar.year_of(month).first),
        rules.calendar.last_day(month),
    )
    names = dict(_cells(tables.opportunity_snapshot, "opportunity_id", "name"))
    for deal, owner, team, person, day, amount in _cells(
        booked(tables.booking_credit),
        "opportunity_id",
        "owner_id",
        "team",
        "owner_name",
        "close_date",
        "amount",
    ):
        if first <= day <= last:
            yield (Measure.BOOKINGS, deal, owner, team), _Line(amount, person, names.get(deal))


def _open(tables: Published, month: Month, rules: MonthRules) -> Iterator[tuple[Key, _Line]]:
    snapshot = tables.opportunity_snapshot
    counts = open_pipeline(snapshot, month, rules).in_period(rules.calendar.year_of(month))
    names = dict(_cells(snapshot, "opportunity_id", "name"))
    opened = open_credit(tables.booking_credit, snapshot, rules.digits)
    for deal, owner, team, person, amount in _cells(
        opened.rows.loc[counts[opened.deal]],
        "opportunity_id",
        "owner_id",
        "team",
        "owner_name",
        "amount",
    ):
        yield (
            (Measure.OPEN_PIPELINE, deal, owner, team),
            _Line(amount or ZERO, person, names.get(deal)),
        )


def _planned(tables: Published, month: Month, rules: MonthRules) -> Iterator[tuple[Key, _Line]]:
    months = {str(each) for each in rules.calendar.year_of(month).months if each <= month}
    sums: dict[Key, _Line] = {}
    for owner, team, person, each, amount in _cells(
        tables.phased_targets, "owner_id", "team", "owner_name", "month", "baseline_target"
    ):
        if each in months:
            key = (Measure.TARGET, owner, owner, team)
            sums[key] = _Line((sums[key].amount if key in sums else ZERO) + amount, person, None)
    yield from sums.items()


def _states(
    before: Published, after: Published
) -> tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]]:
    wanted = (
        "opportunity_id",
        *STATE,
        "owner_id",
        "team",
        "amount",
        "amount_local",
        "currency_code",
    )
    return (
        {
            row[0]: dict(zip(wanted, row, strict=True))
            for row in _cells(before.opportunity_snapshot, *wanted)
        },
        {
            row[0]: dict(zip(wanted, row, strict=True))
            for row in _cells(after.opportunity_snapshot, *wanted)
        },
    )


def _deal_cause(
    record_id: str,
    states: tuple[dict[str, dict[str, Any]], dict[str, dict[str, Any]]],
    *,
    is_shared_anew: bool,
) -> str:
    """Return the first cause that fits: gone, then its state, its owner, its amount, its rate, who shares it; else what the numbers mean."""
    was, now = (state.get(record_id) for state in states)
    if now is None:
        return Cause.DELETION
    if was is None or any(was[name] != now[name] for name in STATE):
        return Cause.LATE_EDIT
    if was["owner_id"] != now["owner_id"] or was["team"] != now["team"]:
        return Cause.OWNER
    if was["amount_local"] != now["amount_local"] or was["currency_code"] != now["currency_code"]:
        return Cause.AMOUNT
    if was["amount"] != now["amount"]:
        return Cause.RATE
    # The record is the same, and so is what it adds to the company: its credit is shared otherwise.
    return Cause.OWNER if is_shared_anew else Cause.DEFINITION


def _terms(tables: Published) -> dict[str, set[tuple[Any, ...]]]:
    """Return what was agreed with each person: revision and annual amount by year, and the team."""
    found: dict[str, set[tuple[Any, ...]]] = {}
    for owner, *agreed in _cells(
        tables.phased_targets,
        "owner_id",
        "fiscal_year",
        "revision",
        "stated_target",
        "annual_target",
        "team",
    ):
        found.setdefault(owner, set()).add(tuple(agreed))
    return found


def _target_cause(
    owner: str, before: dict[str, set[tuple[Any, ...]]], after: dict[str, set[tuple[Any, ...]]]
) -> str:
    was, now = before.get(owner, set()), after.get(owner, set())
    if {each[:-1] for each in was} != {each[:-1] for each in now}:
        return Cause.TARGET_REVISION
    return Cause.OWNER if was != now else Cause.DEFINITION


def _cells(table: pd.DataFrame, *names: str) -> Iterator[tuple[Any, ...]]:
    return zip(*(columns.arrow(table[name]).to_pylist() for name in names), strict=True)
