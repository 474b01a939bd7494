"""The page that explains why a month differs from the one that was published first.

Put the section here; the comparison is `sales.restatement.restatement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.text import formats
from reports.text.i18n import marked
from sales.vocabulary import Cause, GrainKind, Measure, PeriodKind

MOST_LINES = 60
MEASURES: dict[str, str] = {
    Measure.BOOKINGS: marked("Bookings, year to date"),
    Measure.OPEN_PIPELINE: marked("Open pipeline of the year"),
    Measure.TARGET: marked("Phased target to date"),
}
CAUSES: dict[str, str] = {
    Cause.LATE_EDIT: marked("late edit"),
    Cause.OWNER: marked("owner or team"),
    Cause.AMOUNT: marked("amount"),
    Cause.DELETION: marked("deletion"),
    Cause.TARGET_REVISION: marked("target revision"),
    Cause.RATE: marked("rate"),
    Cause.DEFINITION: marked("definition"),
}


def restated(view: View, differences: Sequence[Record], published: date | None) -> Section | None:
    """Return each difference with its cause and sums that add up; none where nothing differs."""
    mine = [row for row in differences if _is_of(view, row)]
    if not mine:
        return None
    say, money = view.language.say, view.variant.money
    shown = sorted(
        mine,
        key=lambda row: (
            list(MEASURES).index(row["measure"]),
            -abs(row["difference"]),
            row["record_id"],
            row["owner_id"],
            row["team"],
        ),
    )
    lines = [
        Row(
            (
                say(MEASURES[row["measure"]]),
                _what(view, row),
                formats.printable(row["owner_name"]),
                money(row["before"]),
                money(row["after"]),
                money(row["difference"]),
                say(CAUSES[row["cause"]]),
            )
        )
        for row in shown[:MOST_LINES]
    ]
    columns = (
        Column(say("Number"), 15),
        Column(say("Deal or target"), 24),
        Column(say("Person"), 13),
        Column(say("Before"), 12, True),
        Column(say("Now"), 12, True),
        Column(say("Difference"), 12, True),
        Column(say("Cause"), 12),
    )
    hidden = len(shown) - len(lines)
    note = (
        say("{n} more are in the attached restatement.csv.", n=view.language.count(hidden))
        if hidden
        else ""
    )
    answer = view.language.say_many(
        "{n} line differs from this month as it was published first.",
        "{n} lines differ from this month as it was published first.",
        len(mine),
    )
    if published:
        answer = view.language.say_many(
            "{n} line differs from this month as it was published first, on {day}.",
            "{n} lines differ from this month as it was published first, on {day}.",
            len(mine),
            day=view.language.day(published),
        )
    return Section(
        "restated",
        say("What changed since this month was published"),
        answer,
        tables=(_sums(view, mine), Table(columns, tuple(lines), note=note)),
        starts_page=True,
    )


def _sums(view: View, rows: Sequence[Record]) -> Table:
    """Return the three numbers before and now, and the difference by cause."""
    say, money = view.language.say, view.variant.money
    there = [cause for cause in CAUSES if any(row["cause"] == cause for row in rows)]
    lines: list[Row] = []
    for measure, label in MEASURES.items():
        mine = [row for row in rows if row["measure"] == measure]
        now = _now(view, measure)
        total = _sum(mine)
        by_cause = [_sum([row for row in mine if row["cause"] == cause]) for cause in there]
        lines.append(
            Row(
                (
                    say(label),
                    money(now - total),
                    *(money(each) if each else formats.EMPTY for each in by_cause),
                    money(now),
                ),
                is_strong=bool(mine),
            )
        )
    width = 52 // len(there)
    columns = (
        Column(say("Number"), 100 - 24 - width * len(there)),
        Column(say("Before"), 12, True),
        *(Column(say(CAUSES[cause]), width, True) for cause in there),
        Column(say("Now"), 12, True),
    )
    return Table(
        columns, tuple(lines), note=say("Before, plus the difference of each cause, is now.")
    )


def _now(view: View, measure: str) -> Decimal:
    """Return a number as it is printed now, in the tables that the page rests on."""
    if measure == "open_pipeline":
        return view.covered(view.year_name())["open_pipeline"]
    return view.attained(PeriodKind.YEAR)["bookings" if measure == Measure.BOOKINGS else "target"]


def _is_of(view: View, row: Record) -> bool:
    return (
        view.grain == GrainKind.COMPANY
        or row["team" if view.grain == GrainKind.TEAM else "owner_id"] == view.grain_id
    )


def _what(view: View, row: Record) -> str:
    if row["measure"] == "target":
        return view.language.say("Target of the year")
    return view.variant.record(row["record_id"], row["name"] or row["record_id"])


def _sum(rows: Sequence[Record]) -> Decimal:
    return sum((row["difference"] for row in rows), Decimal(0))
