"""People and teams: who stands where, what the coming month asks of each, and whose phasing forgives nothing.

Put what compares people here; one person's own page is `person`.
"""

from __future__ import annotations

from collections.abc import Sequence

from reports.charts import attainment as charts
from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import Standing, View, name_of, standing_of
from reports.text import formats
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus

# A table must fit on a few pages; the attached tables have every row.
MOST_ROWS, MOST_REMARKS = 120, 4
ON_PLAN = 100  # percent of the target


def attainment(view: View, grains: Sequence[str]) -> Section:
    """Return who stands where: people below their teams, each with the coming month's number; who has left or not begun comes last."""
    say, language, short = view.language.say, view.language, view.variant.short
    rows = _by_team(view) if GrainKind.TEAM in grains else view.attainment_rows(GrainKind.PERSON)
    standings = [_standing(view, row) for row in rows]
    order = sorted(range(len(rows)), key=lambda n: standings[n] != Standing.SELLS)
    remarks = _remarks(view, rows, standings)
    shown = order[:MOST_ROWS]
    printed = [
        Row(
            (
                name_of(rows[n]),
                _spark(view, rows[n]),
                short(rows[n][PeriodKind.MONTH]["bookings"]),
                short(rows[n][PeriodKind.YEAR]["bookings"]),
                language.pct(rows[n][PeriodKind.YEAR]["attainment_pct"]),
                _number(view, rows[n], standings[n]),
                _range(view, rows[n]),
                remarks.get(n, ""),
            ),
            is_strong=rows[n]["grain"] == GrainKind.TEAM,
        )
        for n in shown
    ]
    columns = (
        Column(say("Name"), 19),
        Column(say("Booked by month"), 12),
        Column(say("Booked in month"), 9, is_number=True),
        Column(say("Booked to date"), 9, is_number=True),
        Column(say("Attained"), 9, is_number=True),
        Column(say("Coming month"), 10, is_number=True),
        Column(say("Eight in ten"), 15, is_number=True),
        Column(say("Remark"), 17),
    )
    people = [row for row in rows if row["grain"] == GrainKind.PERSON]
    held = [row for row in people if row[PeriodKind.YEAR]["status"] != TargetStatus.NO_TARGET]
    on_plan = sum(round(row[PeriodKind.YEAR]["attainment_pct"]) >= ON_PLAN for row in held)
    answer = language.say_many(
        "{on_plan} of {n} person with a target is at or above plan for the year to date.",
        "{on_plan} of {n} people with a target are at or above plan for the year to date.",
        len(held),
        on_plan=on_plan,
    )
    hidden = len(rows) - len(printed)
    note = say(
        "Coming month: its number, after what is missing so far; a team's is by its own sums, in which one person's surplus covers another's miss. Eight in ten: where we see that month land."
    )
    if hidden:
        note += " " + language.say_many(
            "{n} more is in the attached target_attainment.csv.",
            "{n} more are in the attached target_attainment.csv.",
            hidden,
        )
    return Section(
        "attainment",
        say("People and teams"),
        language.joined([answer, _covering(view)]),
        points=phasing_remarks(view) if view.grain == GrainKind.TEAM else (),
        tables=(Table(columns, tuple(printed), note=note),),
        starts_page=view.grain == GrainKind.COMPANY,
    )


def _by_team(view: View) -> list[Record]:
    """Return each team with its people below it, the team furthest ahead first."""
    people = view.attainment_rows(GrainKind.PERSON)
    return [
        row
        for team in view.attainment_rows(GrainKind.TEAM)
        for row in (
            team,
            *(
                each
                for each in people
                if view.data.team_of_person(each["grain_id"]) == team["grain_id"]
            ),
        )
    ]


def _standing(view: View, row: Record) -> Standing:
    if row["grain"] != GrainKind.PERSON:
        return Standing.SELLS
    return standing_of(view.data.plan(row["grain"], row["grain_id"]), view.variant.month)


def _number(view: View, row: Record, standing: Standing) -> str:
    """Return the coming month's number, or nothing for who has none."""
    coming = view.data.coming(row["grain"], row["grain_id"])
    if coming is None or standing == Standing.LEFT or not coming["baseline_target"]:
        return formats.EMPTY
    return view.variant.short(coming["number"])


def _range(view: View, row: Record) -> str:
    """Return where the coming month lands in eight of ten cases."""
    landing = next(
        (
            each
            for each in view.data.landings(row["grain"], row["grain_id"])
            if each["period_kind"] == PeriodKind.MONTH
        ),
        None,
    )
    if landing is None or landing["method"] != "model" or landing["p10"] == landing["p90"]:
        return formats.EMPTY
    return view.language.say(
        "{low} to {high}",
        low=view.variant.short(landing["p10"]),
        high=view.variant.short(landing["p90"]),
    )


def _remarks(view: View, rows: Sequence[Record], standings: Sequence[Standing]) -> dict[int, str]:
    """Return a few words on some people, by row: who has left or not begun, who is furthest ahead and behind; ties as ties."""
    say, told = view.language.say, dict[int, str]()
    attained: dict[int, int] = {}
    for n, (row, standing) in enumerate(zip(rows, standings, strict=True)):
        if row["grain"] != GrainKind.PERSON:
            continue
        if standing == Standing.SELLS and row[PeriodKind.YEAR]["attainment_pct"] is not None:
            attained[n] = round(row[PeriodKind.YEAR]["attainment_pct"])
        else:
            told[n] = _apart(view, row, standing)
    best, worst = max(attained.values(), default=0), min(attained.values(), default=0)
    for n, pct in attained.items():
        if best != worst and pct == best:
            told[n] = say("furthest ahead") if best >= ON_PLAN else say("nearest to plan")
        elif best != worst and pct == worst and worst < ON_PLAN:
            told[n] = say("furthest behind")
    return told


def _apart(view: View, row: Record, standing: Standing) -> str:
    """Return why somebody is not compared with others."""
    say = view.language.say
    if standing == Standing.LEFT:
        at_risk = view.data.at_risk(row["grain_id"])
        if at_risk > 0:
            return say("left, {amount} uncovered", amount=view.variant.short(at_risk))
        return say("left")
    return say("begins later") if standing == Standing.NOT_BEGUN else say("no target")


def _covering(view: View) -> str:
    """Return by how much the number of the whole differs from the sum of its people's, and why."""
    coming = view.coming()
    if coming is None or coming["people_sum"] <= coming["number"]:
        return ""
    gap = view.variant.short(coming["people_sum"] - coming["number"])
    return view.language.say(
        "For {month} people are asked for {gap} more than the {number} that is needed: one person's surplus covers another's miss.",
        month=view.language.month_name(view.variant.month.plus(1)),
        gap=gap,
        number=view.variant.short(coming["number"]),
    )


def phasing_remarks(view: View) -> tuple[str, ...]:
    """Return whose phasing does not forgive two bad months, and weights that would; for the lead."""
    say, language, said = view.language.say, view.language, list[str]()
    for person in view.data.active_people(view.grain_id):
        check = view.data.phasing_check(person)
        if check is None or check["catch_up_chance"] is None or check["keeps_floor"] is not False:
            continue
        row = {"grain": GrainKind.PERSON, "grain_id": person}
        if _standing(view, row) != Standing.SELLS:
            continue
        name = formats.printable(view.data.name_of_person(person))
        said.append(
            say(
                "{name}: after two missed months the year can be made up in {chance} of cases, and policy asks for {floor}. Weights that would do: {weights}.",
                name=name,
                chance=language.share(check["catch_up_chance"]),
                floor=language.share(check["floor"]),
                weights=check["proposed_weights"],
            )
            if check["proposed_weights"]
            else say(
                "{name}: after two missed months the year can be made up in {chance} of cases, and policy asks for {floor}.",
                name=name,
                chance=language.share(check["catch_up_chance"]),
                floor=language.share(check["floor"]),
            )
        )
    return tuple(said[:MOST_REMARKS])


def _spark(view: View, row: Record) -> str:
    """Return the bookings of the year's months so far as a small line."""
    booked = [
        each.booked
        for each in view.data.plan(row["grain"], row["grain_id"])
        if each.month <= view.variant.month
    ]
    alt_text = view.language.say(
        "Bookings by month: {amounts}",
        amounts=", ".join(view.variant.short(each) for each in booked),
    )
    return charts.sparkline(booked, alt_text, view.variant.palette)
