"""Bookings and pipeline by the dimension that policy names: which line of business brings how much.

Put what pages say of its values here.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, period_words
from reports.text import formats

MOST_ROWS = 8
SUMMED = ("bookings", "new_bookings", "open_pipeline")
NO_MONEY = Decimal(0)


def dimension(view: View) -> Section | None:
    """Return what each value of the policy's dimension brings; none where policy names none, or nothing is booked or open."""
    field = view.variant.rules.policy.pipeline.dimension
    if field is None:
        return None
    named = words_of(field)
    title = view.language.say("Bookings and pipeline by {dimension}", dimension=named)
    rows = view.data.breakdown(view.grain, view.grain_id)
    if not rows:
        return Section("dimension", title, _not_read(view, field)) if _is_unread(view) else None
    rows = sorted(rows, key=lambda row: (-row["bookings"], -row["open_pipeline"], row["dimension"]))
    return Section(
        "dimension",
        title,
        _answer(view, rows),
        tables=(_table(view, named, rows),),
        stays_together=True,
    )


def words_of(field: str) -> str:
    """Return a field's API name in words: `Service_Line__c` is Service Line; the prefix of a package falls away."""
    own = field.removesuffix("__c").rpartition("__")[2]
    return own.replace("_", " ").strip() or field


def _is_unread(view: View) -> bool:
    """Whether there are bookings or open deals that a table of values would have shown."""
    booked = view.attained("year")["bookings"]
    return bool(booked or view.data.stages(view.grain, view.grain_id))


def _not_read(view: View, field: str) -> str:
    return view.language.say(
        "This month was read from Salesforce without {field} as its dimension, so nothing is broken down by it. `onpace report {month} --fresh-extract --reconstruct` reads it.",
        field=field,
        month=str(view.variant.month),
    )


def _name(view: View, row: Record) -> str:
    value = row["dimension"]
    return formats.printable(value) if value else view.language.say("Not filled in")


def _answer(view: View, rows: Sequence[Record]) -> str:
    """Return who brings most, and whether it was so a year before; `rows` begin with the largest."""
    say, language, short = view.language.say, view.language, view.variant.short
    booked, opened = (
        sum((row[key] for row in rows), NO_MONEY) for key in ("bookings", "open_pipeline")
    )
    year = view.variant.rules.calendar.year_of(view.variant.month)
    period, first = period_words(year.name, language), rows[0]
    if not any(row["bookings"] for row in rows):
        return say(
            "Nothing was booked in {period} so far; {open} is open.",
            period=period,
            open=short(opened),
        )
    is_tie = [row["bookings"] for row in rows].count(first["bookings"]) > 1
    if first["share_pct"] is None or is_tie or not first["dimension"]:
        return say(
            "{booked} was booked in {period} so far, and {open} is open.",
            booked=short(booked),
            period=period,
            open=short(opened),
        )
    values = {
        "value": _name(view, first),
        "pct": language.pct(first["share_pct"]),
        "booked": short(booked),
        "period": period,
    }
    before = [row["last_year"] for row in rows]
    known = [each for each in before if each is not None]
    if len(known) < len(before) or min(known) < 0 or sum(known) <= 0:
        return say("{value} brought {pct} of the {booked} booked in {period} so far.", **values)
    return say(
        "{value} brought {pct} of the {booked} booked in {period} so far; a year before it was {before}.",
        **values,
        before=language.pct(float(first["last_year"] * 100 / sum(known))),
    )


def _table(view: View, named: str, rows: Sequence[Record]) -> Table:
    say, language, short = view.language.say, view.language, view.variant.short

    def money(amount: Decimal | None) -> str:
        return short(amount) if amount else formats.EMPTY

    def cells(name: str, row: Record) -> tuple[str, ...]:
        return (
            name,
            money(row["bookings"]),
            language.pct(row["share_pct"]),
            money(row["last_year"]),
            money(row["new_bookings"]),
            language.count(row["open_count"]),
            money(row["open_pipeline"]),
        )

    # What is left out is at least two values: one would take as much room by its name.
    shown = rows if len(rows) <= MOST_ROWS else rows[: MOST_ROWS - 1]
    others = rows[len(shown) :]
    printed = [Row(cells(_name(view, row), row)) for row in shown]
    if others:
        name = language.say_many("{n} other value", "{n} other values", len(others))
        printed.append(Row(cells(name, _summed(others))))
    if len(rows) > 1:
        printed.append(Row(cells(say("All"), _summed(rows)), is_strong=True))
    columns = (
        Column(formats.printable(named), 28),
        Column(say("Booked this year"), 14, True),
        Column(say("Share"), 9, True),
        Column(say("Year before"), 13, True),
        Column(say("New clients"), 13, True),
        Column(say("Open deals"), 10, True),
        Column(say("Open"), 13, True),
    )
    note = say(
        "Year to date; year before: the same months. New clients: no booking in the 24 months before. Open: all open deals, overdue ones too."
    )
    return Table(columns, tuple(printed), note=note)


def _summed(rows: Sequence[Record]) -> Record:
    """Return values taken together as one row; what is not known of one is not known of all."""
    before, share = ([row[key] for row in rows] for key in ("last_year", "share_pct"))
    return {
        **{key: sum((row[key] for row in rows), NO_MONEY) for key in SUMMED},
        "last_year": None if None in before else sum(before, NO_MONEY),
        "share_pct": None if None in share else sum(share),
        "open_count": sum(row["open_count"] for row in rows),
    }
