"""The work that follows from what is sold: against what can be done, on which clients people lack, and what starts later.

Put what pages say of work here; every figure is of the company, or of the team whose page it is.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, deal_name
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
    return Section(
        "delivery",
        view.language.say("The work that follows"),
        " ".join(
            part for part in (_answer(view, load, lacking), _moved_words(view, moved)) if part
        ),
        tables=(_by_month(view, load),),
        stays_together=True,
    )


def work_by_client(view: View) -> Section | None:
    """Return the clients whose work exceeds the capacity, and the deals whose work would start later; none where neither is."""
    load = view.data.work.load(view.grain, view.grain_id)[:MONTHS_SHOWN]
    if not load:
        return None
    lacking = lacking_people(view, {row["month"] for row in load})
    tables = [_by_client(view, lacking, load), _moves(view, _later_starts(view))]
    found = tuple(table for table in tables if table)
    return (
        Section("delivery_by_client", view.language.say("Work by client and deal"), tables=found)
        if found
        else None
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
    whole = sum(each["days"] for each in lacking)
    first, *others = lacking
    values = {"client": first["name"], "days": number(first["days"], 0)}
    if not others:
        return say("What does not fit is work for {client}: {days} days.", **values)
    return say(
        "Of the {whole} days that their teams cannot do, {days} are for {client} and {more} for {other}.",
        **values,
        whole=number(whole, 0),
        other=others[0]["name"],
        more=number(others[0]["days"], 0),
    )


def _answer(view: View, load: Sequence[Record], lacking: Sequence[Record]) -> str:
    say = view.language.say
    if all(row["capacity_days"] is None for row in load):
        return say("Days of work that are agreed, won or expected.")
    short = [row for row in load if row["people_needed"]]
    if not short:
        return say("The work that is agreed, won or expected fits into the capacity.")
    peak = max(short, key=lambda row: row["people_needed"])
    first, last = short[0], short[-1]
    values = {"first": _month(view, first), "last": _month(view, last), "peak": _month(view, peak)}
    places = [load.index(row) for row in (first, last)]
    if len(short) == 1:
        answer = say("Work exceeds the capacity in {first}.", **values)
    elif places[1] - places[0] + 1 == len(short):
        answer = say("Work exceeds the capacity from {first} to {last}.", **values)
    else:
        answer = say(
            "Work exceeds the capacity in {n} of the next {size} months.",
            n=view.language.count(len(short)),
            size=view.language.count(len(load)),
        )
    needed = view.language.say_many(
        "{n} more person is needed in {month}.",
        "{n} more people are needed in {month}.",
        peak["people_needed"],
        month=_month(view, peak),
    )
    if peak["people_needed"] > first["people_needed"]:
        needed = view.language.say_many(
            "{n} more person is needed in {month}, {most} at the peak in {peak}.",
            "{n} more people are needed in {month}, {most} at the peak in {peak}.",
            first["people_needed"],
            month=_month(view, first),
            most=view.language.count(peak["people_needed"]),
            peak=_month(view, peak),
        )
    return f"{answer} {needed} {on_clients(view, lacking)}".strip()


def _by_month(view: View, load: Sequence[Record]) -> Table:
    """Return the days of each month against the capacity, and below them what each team has to do."""
    say, number = view.language.say, view.language.number
    has_capacity = any(row["capacity_days"] is not None for row in load)
    rows = [
        Row(
            (
                say("Won or agreed"),
                *(number(row["agreed_days"] + row["won_days"], 0) for row in load),
            )
        ),
        Row((say("Expected"), *(number(row["expected_days"], 0) for row in load))),
    ]
    note = say(
        "Days of agreements and won deals, and of open deals times their chance, over the months of service."
    )
    if has_capacity:
        held = [row["capacity_days"] for row in load]
        rows += [
            Row(
                (
                    say("Capacity"),
                    *(formats.EMPTY if days is None else number(days, 0) for days in held),
                )
            ),
            Row(
                (
                    say("People to draft in"),
                    *(
                        formats.EMPTY
                        if row["capacity_days"] is None
                        else view.language.count(row["people_needed"])
                        for row in load
                    ),
                ),
                is_strong=True,
            ),
        ]
        per_person = view.variant.rules.policy.clients.days_per_person
        more = say("A person does {n} days a month.", n=number(float(per_person), 0))
        note = f"{note} {more}"
    if view.grain == GrainKind.COMPANY and len(view.data.work.teams()) > 1:
        rows += [_of_team(view, team) for team in view.data.work.teams()]
        if has_capacity:
            more = say(
                "Of a team, days of work and of capacity, shaded where work exceeds it; the company's lines let teams help each other."
            )
            note = f"{note} {more}"
    width = 76 // len(load)
    columns = (
        Column(say("Days of work"), 100 - width * len(load)),
        *(
            Column(view.language.short_month(Month.parse(row["month"])), width, True)
            for row in load
        ),
    )
    return Table(columns, tuple(rows), note=note)


def _of_team(view: View, team: str) -> Row:
    """Return a team's days of work by month, with its capacity where one is stated."""
    say, number = view.language.say, view.language.number
    cells, shades = [formats.printable(team)], [0]
    for row in view.data.work.load(GrainKind.TEAM, team)[:MONTHS_SHOWN]:
        limit, days = row["capacity_days"], number(work_days(row), 0)
        cells.append(
            days
            if limit is None
            else say("{days} of {capacity}", days=days, capacity=number(limit, 0))
        )
        shades.append(2 if row["people_needed"] else 0)
    return Row(tuple(cells), shades=tuple(shades))


def _by_client(view: View, lacking: Sequence[Record], load: Sequence[Record]) -> Table | None:
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
        Column(say("Client"), 36),
        Column(say("From"), 20),
        Column(say("Days beyond capacity"), 20, True),
        Column(say("People in the peak month"), 24, True),
    )
    note = say(
        "Work is staffed in the order in which it was agreed; this is what does not fit, from {first} to {last}. People are rounded up for each client.",
        first=_month(view, load[0]),
        last=_month(view, load[-1]),
    )
    return Table(
        columns,
        tuple(rows),
        say("Clients whose work does not fit"),
        f"{note} {_more(view, len(lacking) - len(rows), 'account_load.csv')}".strip(),
    )


def _later_starts(view: View) -> list[Record]:
    """Return the deals whose work is likely to start later than planned, the most days by their chance first."""
    late = [
        {**deal, "expected_days": deal["effort_days"] * _chance(deal)}
        for deal in view.deals()
        if deal["work_month"] is not None
        and deal["likely_work_month"] > deal["work_month"]
        and _chance(deal) >= COLD
    ]
    return sorted(late, key=lambda deal: (-deal["expected_days"], deal["opportunity_id"]))


def _chance(deal: Record) -> float:
    """Return a deal's chance; of one whose chance is not known it is taken as it is."""
    return 1.0 if deal["win_probability"] is None else deal["win_probability"]


def _moves(view: View, moved: Sequence[Record]) -> Table | None:
    if not moved:
        return None
    say, language = view.language.say, view.language
    rows = [
        Row(
            (
                view.variant.record(deal["opportunity_id"], deal_name(deal)),
                language.number(deal["effort_days"], 0),
                formats.EMPTY
                if deal["win_probability"] is None
                else language.chance(deal["win_probability"]),
                language.month_name(Month.parse(deal["work_month"])),
                language.month_name(Month.parse(deal["likely_work_month"])),
            )
        )
        for deal in moved[:MOST_MOVES]
    ]
    columns = (
        Column(say("Client and deal"), 38),
        Column(say("Days of work"), 14, True),
        Column(say("Chance"), 12, True),
        Column(say("Was to start"), 18),
        Column(say("Likely start"), 18),
    )
    note = say(
        "Deals due within 90 days and overdue ones, if they are won; those with a chance under 10% are left out."
    )
    return Table(
        columns,
        tuple(rows),
        say("Work that would start later than planned"),
        f"{note} {_more(view, len(moved) - len(rows), 'closing_plan.csv')}".strip(),
    )


def _moved_words(view: View, moved: Sequence[Record]) -> str:
    if not moved:
        return ""
    number = view.language.number
    return view.language.say_many(
        "If won, {n} deal with {days} days of work ({expected} by its chance) would start later than planned.",
        "If won, {n} deals with {days} days of work ({expected} by their chance) would start later than planned.",
        len(moved),
        days=number(sum(deal["effort_days"] for deal in moved), 0),
        expected=number(sum(deal["expected_days"] for deal in moved), 0),
    )


def _more(view: View, hidden: int, name: str) -> str:
    if hidden <= 0:
        return ""
    return view.language.say_many(
        "{n} more is in the attached {file}.",
        "{n} more are in the attached {file}.",
        hidden,
        file=name,
    )


def _month(view: View, row: Record) -> str:
    return view.language.month_name(Month.parse(row["month"]))
