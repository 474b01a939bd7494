"""Forecast calls: what people said a period would bring, beside what we forecast, with how near earlier calls came.

Put what pages say of calls here. A call is told as it was made, whatever the forecast says.
"""

from __future__ import annotations

from reports.document.document import Column, Row, Section, Statement, Table
from reports.document.month_tables import Record
from reports.document.view import View, period_words
from reports.text import formats
from sales.vocabulary import GrainKind

# So few past calls say nothing about the next one.
FEWEST_CALLS = 3
MOST_ROWS = 60


def calls(view: View) -> Section | None:
    """Return the calls of periods that are not over; nothing where nobody called any."""
    say, language, short = view.language.say, view.language, view.variant.short
    rows = _open_calls(view)
    if not rows:
        return None
    printed = [
        Row(
            (
                formats.printable(row["owner_name"]),
                period_words(row["period"], language),
                short(row["call"]),
                language.day(row["called_on"]),
                short(row["bookings"]),
                formats.EMPTY if row["p50"] is None else short(row["p50"]),
                _range(view, row),
                _record(view, row),
            )
        )
        for row in rows[:MOST_ROWS]
    ]
    columns = (
        Column(say("Person"), 18),
        Column(say("Period"), 13),
        Column(say("Call"), 9, is_number=True),
        Column(say("Called on"), 13),
        Column(say("Booked"), 9, is_number=True),
        Column(say("Forecast"), 9, is_number=True),
        Column(say("Eight in ten"), 15, is_number=True),
        Column(say("Past calls"), 14, is_number=True),
    )
    answer = say("What people said stands beside what we forecast; neither changes the other.")
    note = say(
        "Past calls: how far earlier calls of such periods were above or below what came, from {n} on.",
        n=language.count(FEWEST_CALLS),
    )
    return Section(
        "calls", say("Forecast calls"), answer, tables=(Table(columns, tuple(printed), note=note),)
    )


def own_call(view: View) -> Statement | None:
    """Said to a person who called the coming month, else its quarter, else its year."""
    rows, calendar = _open_calls(view), view.variant.rules.calendar
    coming = view.variant.month.plus(1)
    by_name = {row["period"]: row for row in rows}
    names = (str(coming), calendar.quarter_of(coming).name, calendar.year_of(coming).name)
    row = next((by_name[name] for name in names if name in by_name), None)
    if row is None:
        return None
    say, short = view.language.say, view.variant.short
    values = {
        "amount": short(row["call"]),
        "period": period_words(row["period"], view.language),
        "day": view.language.day(row["called_on"]),
    }
    said = say("You called {amount} for {period} on {day}.", **values)
    if row["p10"] != row["p90"]:
        more = say("We forecast {p50} ({range}).", p50=short(row["p50"]), range=_range(view, row))
        said = f"{said} {more}"
    return Statement(said, "forecast_calls")


def _open_calls(view: View) -> list[Record]:
    """Return the calls of a person's, a team's or everybody's periods that are not over, by period and person."""
    rows = [row for row in view.data.calls() if not row["is_over"]]
    if view.grain == GrainKind.PERSON:
        rows = [row for row in rows if row["owner_id"] == view.grain_id]
    elif view.grain == GrainKind.TEAM:
        rows = [row for row in rows if row["team"] == view.grain_id]
    return sorted(rows, key=lambda row: (row["period"], row["owner_name"], row["owner_id"]))


def _range(view: View, row: Record) -> str:
    if row["p10"] == row["p90"]:  # none of both, or no range
        return formats.EMPTY
    short = view.variant.short
    return view.language.say("{low} to {high}", low=short(row["p10"]), high=short(row["p90"]))


def _record(view: View, row: Record) -> str:
    """Return how far past calls were off on the whole, and how many they are."""
    if row["past_calls"] < FEWEST_CALLS or row["bias_pct"] is None:
        return formats.EMPTY
    say, pct = view.language.say, view.language.pct
    count = view.language.count(row["past_calls"])
    bias = round(row["bias_pct"])
    if bias == 0:
        return say("as called ({n})", n=count)
    if bias > 0:
        return say("{pct} too high ({n})", pct=pct(row["bias_pct"]), n=count)
    return say("{pct} too low ({n})", pct=pct(-row["bias_pct"]), n=count)
