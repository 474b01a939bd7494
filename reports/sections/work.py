"""The work that follows from what is sold: against what can be done, on which clients people lack, and what starts later.

Put what pages say of work here; every figure is of the company, or of the team whose page it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.document.work_tables import work_days
from reports.text import formats
from sales.calendar import Month
from sales.forecast.closing_plan import COLD
from sales.forecast.work_capacity import people_needed
from sales.vocabulary import GrainKind

MONTHS_SHOWN, MOST_CLIENTS, MOST_MOVES = 6, 6, 6


def work(view: View) -> Section | None:
    """Return the days of work that follow, and when people must be drafted in and on which client; none where no work is known."""
    load = view.data.work.load(view.grain, view.grain_id)[:MONTHS_SHOWN]
    if not load:
        return None
    lacking = lacking_people(view, {row["month"] for row in load})
    moved = _later_starts(view)
    tables = [_by_month(view, load)]
    if view.grain == GrainKind.COMPANY and len(view.data.work.teams()) > 1:
        tables.append(_by_team(view, load))
    tables += [table for table in (_by_client(view, lacking), _moves(view, moved)) if table]
    return Section(
        "delivery",
        view.language.say("The work that follows"),
        " ".join(
            part for part in (_answer(view, load, lacking), _moved_words(view, moved)) if part
        ),
        tables=tuple(tables),
    )


def lacking_people(view: View, months: Collection[str]) -> list[Record]:
    """Return the clients for whose work people lack in these months: `days`, `people` at most, and since when; the most days first."""
    per_person = float(view.variant.rules.policy.clients.days_per_person)
    found: dict[str, Record] = {}
    for row in view.data.work.accounts(view.grain, view.grain_id):
        if row["people_needed"] and row["month"] in months:
            name = formats.printable(row["account_name"] or view.language.say("No client"))
            one = found.setdefault(row["account_id"], {"name": name, "by_month": {}})
            so_far = one["by_month"].get(row["month"], 0.0)
            one["by_month"][row["month"]] = so_far + row["days_beyond"]
    for one in found.values():
        by_month = one["by_month"]
        one["days"], one["since"] = sum(by_month.values()), min(by_month)
        one["people"] = people_needed(max(by_month.values()), 0.0, per_person)
    return [found[key] for key in sorted(found, key=lambda key: (-found[key]["days"], key))]


def on_clients(view: View, lacking: Sequence[Record]) -> str:
    """Return on which clients people are to be drafted in, as a sentence."""
    if not lacking:
        return ""
    say, number = view.language.say, view.language.number
    first, *others = lacking
    values = {"client": first["name"], "days": number(first["days"], 0)}
    if not others:
        return say("What does not fit is work for {client}: {days} days.", **values)
    return say(
        "The largest parts of what does not fit are for {client} ({days} days) and {other} ({more}).",
        **values,
        other=others[0]["name"],
        more=number(others[0]["days"], 0),
    )


def _answer(view: View, load: Sequence[Record], lacking: Sequence[Record]) -> str:
    say, language = view.language.say, view.language
    if load[0]["capacity_days"] is None:
        return say("Days of work that are won and expected.")
    short = [row for row in load if row["people_needed"]]
    if not short:
        return say("The work that is won and expected fits into the capacity.")
    first, peak = short[0], max(short, key=lambda row: row["people_needed"])
    answer = language.say_many(
        "From {month} on the work exceeds the capacity: {n} more person is needed by then.",
        "From {month} on the work exceeds the capacity: {n} more people are needed by then.",
        first["people_needed"],
        month=_month(view, first),
    )
    if peak["people_needed"] > first["people_needed"]:
        more = say(
            "The peak is {month}, with {n}.", month=_month(view, peak), n=peak["people_needed"]
        )
        answer = f"{answer} {more}"
    return f"{answer} {on_clients(view, lacking)}".strip()


def _by_month(view: View, load: Sequence[Record]) -> Table:
    say, number = view.language.say, view.language.number
    has_capacity = any(row["capacity_days"] is not None for row in load)
    rows: list[Row] = []
    for row in load:
        cells = (
            _month(view, row),
            number(row["agreed_days"] + row["won_days"], 0),
            number(row["expected_days"], 0),
        )
        limit = row["capacity_days"]
        held = (
            formats.EMPTY if limit is None else number(limit, 0),
            formats.EMPTY if limit is None else view.language.count(row["people_needed"]),
        )
        rows.append(Row((*cells, *held) if has_capacity else cells))
    columns = (
        Column(say("Month"), 28),
        Column(say("Won or agreed"), 18, True),
        Column(say("Expected"), 18, True),
    )
    if has_capacity:
        columns += (Column(say("Capacity"), 18, True), Column(say("People to draft in"), 18, True))
    note = say(
        "Days of agreements and won deals, and of open deals times their chance, over the months of service."
    )
    return Table(columns, tuple(rows), note=note)


def _by_team(view: View, load: Sequence[Record]) -> Table:
    say, number = view.language.say, view.language.number
    months = [Month.parse(row["month"]) for row in load]
    rows: list[Row] = []
    is_held = False
    for team in view.data.work.teams():
        cells, shades = [formats.printable(team)], [0]
        for row in view.data.work.load(GrainKind.TEAM, team)[:MONTHS_SHOWN]:
            limit, days = row["capacity_days"], number(work_days(row), 0)
            is_held |= limit is not None
            cells.append(
                days
                if limit is None
                else say("{days} of {capacity}", days=days, capacity=number(limit, 0))
            )
            shades.append(2 if row["people_needed"] else 0)
        rows.append(Row(tuple(cells), shades=tuple(shades)))
    width = 78 // len(months)
    columns = (
        Column(say("Team"), 100 - width * len(months)),
        *(Column(view.language.short_month(each), width, True) for each in months),
    )
    note = say("Days of work, and what can be done; darker where people lack.") if is_held else ""
    return Table(columns, tuple(rows), say("By team"), note)


def _by_client(view: View, lacking: Sequence[Record]) -> Table | None:
    if not lacking:
        return None
    say, language = view.language.say, view.language
    rows = [
        Row(
            (
                each["name"],
                language.month_name(Month.parse(each["since"])),
                language.number(each["days"], 0),
                language.count(each["people"]),
            )
        )
        for each in lacking[:MOST_CLIENTS]
    ]
    columns = (
        Column(say("Client"), 40),
        Column(say("From"), 20),
        Column(say("Days beyond capacity"), 20, True),
        Column(say("People, at most"), 20, True),
    )
    note = say(
        "People do first what was agreed first; what does not fit any more is listed here, over the months above. People are rounded up for each client, so that they add up to more."
    )
    return Table(columns, tuple(rows), say("Clients for whose work people lack"), note)


def _later_starts(view: View) -> list[Record]:
    """Return by client the work whose likely start is later than planned: `days`, `planned` and `likely` month; the most days first."""
    found: dict[str, Record] = {}
    for deal in view.deals():
        chance = deal["win_probability"]
        if deal["work_month"] is None or (chance is not None and chance < COLD):
            continue
        if deal["likely_work_month"] > deal["work_month"]:
            name = formats.printable(deal["account_name"] or view.language.say("No client"))
            one = found.setdefault(
                deal["account_id"] or "",
                {"name": name, "days": 0.0, "planned": deal["work_month"], "likely": ""},
            )
            one["days"] += deal["effort_days"]
            one["planned"] = min(one["planned"], deal["work_month"])
            one["likely"] = max(one["likely"], deal["likely_work_month"])
    return [found[key] for key in sorted(found, key=lambda key: (-found[key]["days"], key))]


def _moves(view: View, moved: Sequence[Record]) -> Table | None:
    if not moved:
        return None
    say, language = view.language.say, view.language
    rows = [
        Row(
            (
                each["name"],
                language.number(each["days"], 0),
                language.month_name(Month.parse(each["planned"])),
                language.month_name(Month.parse(each["likely"])),
            )
        )
        for each in moved[:MOST_MOVES]
    ]
    columns = (
        Column(say("Client"), 40),
        Column(say("Days of work"), 20, True),
        Column(say("Was to start"), 20),
        Column(say("Likely start"), 20),
    )
    note = say(
        "Deals of the next 90 days and overdue ones whose confirmation is likely to come too late for the planned start; with several deals, from the earliest to the latest month."
    )
    return Table(columns, tuple(rows), say("Work that is likely to start later"), note)


def _moved_words(view: View, moved: Sequence[Record]) -> str:
    if not moved:
        return ""
    return view.language.say(
        "{days} days of work are likely to start later than planned, {some} of them for {client}.",
        days=view.language.number(sum(each["days"] for each in moved), 0),
        some=view.language.number(moved[0]["days"], 0),
        client=moved[0]["name"],
    )


def _month(view: View, row: Record) -> str:
    return view.language.month_name(Month.parse(row["month"]))
