"""People and teams: who stands where, what the coming month asks of each, and whose phasing forgives nothing.

Put what compares people here; one person's own page is `person`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.charts import attainment as charts
from reports.document.document import Column, Row, Section, Table
from reports.document.month_data import PlannedMonth
from reports.document.month_tables import Record
from reports.document.view import Standing, View, name_of, standing_of
from reports.text import formats
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus

# A table must fit on a few pages; the attached tables have every row.
MOST_ROWS, MOST_APART, MOST_REMARKS = 120, 6, 4
ON_PLAN = 100  # percent of the target


def attainment(view: View, grains: Sequence[str]) -> Section:
    """Return who stands where: people below their teams, each with the coming month's number; who has left or not begun stands apart."""
    say, language = view.language.say, view.language
    rows = _by_team(view) if GrainKind.TEAM in grains else view.attainment_rows(GrainKind.PERSON)
    selling = [row for row in rows if _standing(view, row) == Standing.SELLS]
    apart = [row for row in rows if _standing(view, row) != Standing.SELLS]
    people = [row for row in rows if row["grain"] == GrainKind.PERSON]
    held = [row for row in people if row[PeriodKind.YEAR]["status"] != TargetStatus.NO_TARGET]
    on_plan = sum(round(row[PeriodKind.YEAR]["attainment_pct"]) >= ON_PLAN for row in held)
    answer = language.say_many(
        "{on_plan} of {n} person with a target is at or above plan for the year to date.",
        "{on_plan} of {n} people with a target are at or above plan for the year to date.",
        len(held),
        on_plan=on_plan,
    )
    hidden = len(selling) - MOST_ROWS
    note = say(
        "Coming month: its number, after what is missing so far; a team's is by its own sums, in which one person's surplus covers another's miss. Eight in ten: where we see that month land."
    )
    if hidden > 0:
        note += " " + language.say_many(
            "{n} more is in the attached target_attainment.csv.",
            "{n} more are in the attached target_attainment.csv.",
            hidden,
        )
    remarks = _compared(view, selling)
    points = [_apart(view, row) for row in apart[:MOST_APART]]
    if len(apart) > MOST_APART:
        points.append(
            language.say_many(
                "{n} more has left or not begun.",
                "{n} more have left or not begun.",
                len(apart) - MOST_APART,
            )
        )
    if view.grain == GrainKind.TEAM:
        points.extend(phasing_remarks(view))
    return Section(
        "attainment",
        say("People and teams"),
        language.joined([answer, _covering(view)]),
        points=tuple(points),
        tables=(_table(view, selling[:MOST_ROWS], remarks[:MOST_ROWS], note),),
    )


def _table(view: View, rows: Sequence[Record], remarks: Sequence[str], note: str) -> Table:
    """Return people and teams with what they booked, what the coming month asks of them, and a remark each."""
    say, short = view.language.say, view.variant.short
    highest: dict[str, Decimal] = {}
    for row in rows:
        most = max((each.booked for each in _so_far(view, row)), default=Decimal(0))
        highest[row["grain"]] = max(highest.get(row["grain"], Decimal(0)), most)
    printed = [
        Row(
            (
                name_of(row),
                _spark(view, row, highest[row["grain"]]),
                short(row[PeriodKind.MONTH]["bookings"]),
                short(row[PeriodKind.YEAR]["bookings"]),
                view.language.pct(row[PeriodKind.YEAR]["attainment_pct"]),
                _number(view, row),
                _range(view, row),
                remark,
            ),
            is_strong=row["grain"] == GrainKind.TEAM,
        )
        for row, remark in zip(rows, remarks, strict=True)
    ]
    columns = (
        Column(say("Name"), 18),
        Column(say("Booked by month"), 12),
        Column(say("Booked in month"), 9, is_number=True),
        Column(say("Booked to date"), 9, is_number=True),
        Column(say("Attained"), 9, is_number=True),
        Column(say("Coming month"), 10, is_number=True),
        Column(say("Eight in ten"), 18, is_number=True),
        Column(say("Remark"), 15),
    )
    return Table(columns, tuple(printed), note=note)


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


def _number(view: View, row: Record) -> str:
    """Return the coming month's number, or nothing for who has none."""
    coming = view.data.coming(row["grain"], row["grain_id"])
    if coming is None or not coming["baseline_target"]:
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


def _compared(view: View, rows: Sequence[Record]) -> list[str]:
    """Return a few words on some rows: the people furthest ahead and behind, ties as ties, and who has no target."""
    say = view.language.say
    attained = [
        round(pct)
        for row in rows
        if row["grain"] == GrainKind.PERSON
        and (pct := row[PeriodKind.YEAR]["attainment_pct"]) is not None
    ]
    best, worst = max(attained, default=0), min(attained, default=0)
    told: list[str] = []
    for row in rows:
        pct = row[PeriodKind.YEAR]["attainment_pct"]
        if row["grain"] != GrainKind.PERSON:
            told.append("")
        elif pct is None:
            told.append(say("no target"))
        elif best != worst and round(pct) == best:
            told.append(say("furthest ahead") if best >= ON_PLAN else say("nearest to plan"))
        elif best != worst and round(pct) == worst and worst < ON_PLAN:
            told.append(say("furthest behind"))
        else:
            told.append("")
    return told


def _apart(view: View, row: Record) -> str:
    """Return why somebody is not compared with others, whose team they are or were in, and what they leave."""
    say, short = view.language.say, view.variant.short
    at_risk, attained = view.data.at_risk(row["grain_id"]), row[PeriodKind.YEAR]
    team = formats.printable(view.data.team_of_person(row["grain_id"]))
    names = {"name": name_of(row), "team": team}
    if _standing(view, row) == Standing.NOT_BEGUN:
        plan = [each for each in view.data.plan(row["grain"], row["grain_id"]) if each.baseline]
        return say(
            "{name} ({team}) begins in {month}, with {amount} for the year.",
            **names,
            month=view.language.month_name(plan[0].month),
            amount=short(sum((each.baseline for each in plan), Decimal(0))),
        )
    booked = {
        "booked": short(attained["bookings"]),
        "pct": view.language.pct(attained["attainment_pct"]),
    }
    if at_risk > 0:
        return say(
            "{name} ({team}) has left: {booked} booked, {pct} of the target to date; {amount} of the year is uncovered.",
            **names,
            **booked,
            amount=short(at_risk),
        )
    if attained["attainment_pct"] is None:
        return say("{name} ({team}) has left: {booked} booked.", **names, booked=booked["booked"])
    return say(
        "{name} ({team}) has left: {booked} booked, {pct} of the target to date.", **names, **booked
    )


def _covering(view: View) -> str:
    """Return by how much the number of the whole differs from the sum of its people's, and why."""
    coming = view.coming()
    if coming is None or coming["people_sum"] <= coming["number"]:
        return ""
    gap = view.variant.short(coming["people_sum"] - coming["number"])
    someone_is_ahead = any(
        (one := view.data.coming(GrainKind.PERSON, each["grain_id"])) and one["ahead"] > 0
        for each in view.attainment_rows(GrainKind.PERSON)
    )
    if not someone_is_ahead or gap == view.variant.short(Decimal(0)):
        return ""
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


def _so_far(view: View, row: Record) -> list[PlannedMonth]:
    """Return the months of the year so far."""
    plan = view.data.plan(row["grain"], row["grain_id"])
    return [each for each in plan if each.month <= view.variant.month]


def _spark(view: View, row: Record, highest: Decimal) -> str:
    """Return the bookings of the year's months so far as a small line."""
    booked = [each.booked for each in _so_far(view, row)]
    alt_text = view.language.say(
        "Bookings by month: {amounts}",
        amounts=", ".join(view.variant.short(each) for each in booked),
    )
    return charts.sparkline(booked, highest, alt_text, view.variant.palette)
