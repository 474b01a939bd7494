"""New and existing clients: what was won of each by quarter, how often, how large and how fast.

Put what pages say of decided deals here.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, period_words
from reports.text import formats
from reports.text.i18n import marked
from sales.vocabulary import ClientKind

TITLES: dict[str, str] = {
    ClientKind.NEW: marked("New clients"),
    ClientKind.EXISTING: marked("Existing clients"),
}


def decided(view: View) -> Section | None:
    """Return what the reader won and lost of new and existing clients; none where nothing was decided."""
    rows = view.data.decided(view.grain, view.grain_id)
    if not any(row["won_count"] or row["lost_count"] for row in rows):
        return None
    by_kind = {kind: [row for row in rows if row["client_kind"] == kind] for kind in TITLES}
    tables = [
        _table(view, view.language.say(TITLES[kind]), of)
        for kind, of in by_kind.items()
        if any(row["won_count"] or row["lost_count"] for row in of)
    ]
    last = tables.pop()
    note = view.language.say(
        "A client is an existing one for 24 months after a booking. Of decided deals: won ones by close date, lost ones when they were decided. Days: from creation to the win, of the deal in the middle. The last quarter is to date."
    )
    tables.append(Table(last.columns, last.rows, last.title, note))
    return Section(
        "decided",
        view.language.say("New and existing clients"),
        _answer(view, by_kind),
        tables=tuple(tables),
        stays_together=True,
    )


def _answer(view: View, by_kind: dict[str, list[Record]]) -> str:
    say, language = view.language.say, view.language
    new, existing = (by_kind[kind][-1] for kind in (ClientKind.NEW, ClientKind.EXISTING))
    booked = new["won_amount"] + existing["won_amount"]
    period = period_words(new["period"], language)
    values = {"period": period, "booked": view.variant.short(booked)}
    if booked < 0 or min(new["won_amount"], existing["won_amount"]) < 0:
        answer = say("{booked} was booked in {period} so far.", **values)
    elif not booked:
        answer = say("Nothing was booked in {period} so far.", period=period)
    elif new["won_amount"] <= 0:
        answer = say(
            "All of the {booked} booked in {period} so far came from existing clients.", **values
        )
    else:
        answer = say(
            "New clients brought {new} of the {booked} booked in {period} so far ({pct}).",
            **values,
            new=view.variant.short(new["won_amount"]),
            pct=language.pct(float(new["won_amount"] * 100 / booked)),
        )
    won = new["won_count"] + existing["won_count"]
    lost = new["lost_count"] + existing["lost_count"]
    if not won + lost:
        return answer
    more = language.say_many(
        "{n} of {whole} decided deals was won.",
        "{n} of {whole} decided deals were won.",
        won,
        whole=language.count(won + lost),
    )
    return f"{answer} {more}"


def _table(view: View, title: str, rows: Sequence[Record]) -> Table:
    say, language, short = view.language.say, view.language, view.variant.short
    printed = [
        Row(
            (
                period_words(row["period"], language),
                short(row["won_amount"]) if row["won_amount"] else formats.EMPTY,
                language.count(row["won_count"]),
                language.count(row["lost_count"]),
                language.pct(row["win_rate_pct"]),
                formats.EMPTY if row["average_amount"] is None else short(row["average_amount"]),
                formats.EMPTY
                if row["median_cycle_days"] is None
                else language.number(row["median_cycle_days"], 0),
            )
        )
        for row in rows
    ]
    columns = (
        Column(say("Quarter"), 22),
        Column(say("Booked"), 14, True),
        Column(say("Won"), 11, True),
        Column(say("Lost"), 11, True),
        Column(say("Win rate"), 14, True),
        Column(say("Average deal"), 14, True),
        Column(say("Days to win"), 14, True),
    )
    return Table(columns, tuple(printed), title)
