"""Where new pipeline comes from: whoever owns its sources, held against what was to be created.

Put a question about new pipeline here, its answer in a sentence and a table.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.text import formats
from sales.forecast.generation import NO_SOURCE
from sales.history.teams import UNASSIGNED
from sales.vocabulary import PeriodKind

MOST_OWNERS, MOST_NAMED = 12, 3
ATTAINED = 100  # percent


def generation(view: View) -> Section | None:
    """Return new pipeline by owner of its source against what the year so far needed; none where nothing was created."""
    say, language = view.language.say, view.language
    owners: dict[str, dict[str, Record]] = {}
    for row in view.data.sources():
        owners.setdefault(row["source_owner"], {})[row["period_kind"]] = row
    rows = [
        each
        for each in owners.values()
        if any(row["created"] or row["target"] for row in each.values())
    ]
    if not rows:
        return None
    rows.sort(
        key=lambda each: (
            -each[PeriodKind.YEAR]["created"],
            each[PeriodKind.YEAR]["source_owner"],
        )
    )
    money = view.variant.money_among(
        amount
        for each in rows
        for amount in (
            each[PeriodKind.MONTH]["created"],
            each[PeriodKind.YEAR]["created"],
            each[PeriodKind.YEAR]["number"],
        )
    )
    printed = [
        Row(
            (
                _name(view, each[PeriodKind.YEAR]["source_owner"]),
                money(each[PeriodKind.MONTH]["created"]),
                language.pct(each[PeriodKind.MONTH]["attainment_pct"]),
                money(each[PeriodKind.YEAR]["created"]),
                language.pct(each[PeriodKind.YEAR]["attainment_pct"]),
                money(each[PeriodKind.YEAR]["number"]),
                language.share(each[PeriodKind.YEAR]["conversion"]),
                language.number(each[PeriodKind.YEAR]["lead_months"], 1),
            )
        )
        for each in rows[:MOST_OWNERS]
    ]
    columns = (
        Column(say("Source or owner"), 22),
        Column(say("Created in month"), 13, is_number=True),
        Column(say("of needed"), 9, is_number=True),
        Column(say("Created to date"), 14, is_number=True),
        Column(say("of needed"), 9, is_number=True),
        Column(say("Coming month"), 13, is_number=True),
        Column(say("Converts"), 9, is_number=True),
        Column(say("Lead, months"), 11, is_number=True),
    )
    note = say(
        "Needed: what targets ask of new pipeline at this company's own conversion and lead time, or what policy gives a source. Coming month: what it must see created."
    )
    if (hidden := len(rows) - MOST_OWNERS) > 0:
        note += " " + language.say_many(
            "{n} more is in the attached source_attainment.csv.",
            "{n} more are in the attached source_attainment.csv.",
            hidden,
        )
    return Section(
        "generation",
        say("New pipeline by source"),
        _answer(view, [each[PeriodKind.YEAR] for each in rows]),
        tables=(Table(columns, tuple(printed), note=note),),
        stays_together=True,
    )


def _name(view: View, owner: str) -> str:
    if owner == NO_SOURCE:
        return view.language.say("without a source")
    return view.language.say("nobody's") if owner == UNASSIGNED else formats.printable(owner)


def _answer(view: View, rows: Sequence[Record]) -> str:
    """Say what was created, what of it was needed, and who is furthest behind."""
    say, short = view.language.say, view.variant.short
    created = sum((row["created"] for row in rows), Decimal(0))
    if any(row["target"] is None for row in rows):
        return say(
            "{created} of new pipeline was created in the year so far; too few deals are decided to say what is needed of every source.",
            created=short(created),
        )
    target = sum((row["target"] for row in rows), Decimal(0))
    if not target:
        return say(
            "{created} of new pipeline was created in the year so far.", created=short(created)
        )
    said = say(
        "{created} of new pipeline was created in the year so far, {pct} of the {target} that was needed.",
        created=short(created),
        pct=view.language.share(float(created / target)),
        target=short(target),
    )
    behind = [row for row in rows if row["target"] and round(row["attainment_pct"]) < ATTAINED]
    if not behind:
        return said
    gap = max(row["target"] - row["created"] for row in behind)
    worst = [row for row in behind if short(row["target"] - row["created"]) == short(gap)]
    if len(worst) > MOST_NAMED:
        more = say(
            "Furthest behind: {n} of them alike, by {gap} each.",
            n=view.language.count(len(worst)),
            gap=short(gap),
        )
    else:
        more = say(
            "Furthest behind: {names}, by {gap}.",
            names=", ".join(_name(view, row["source_owner"]) for row in worst),
            gap=short(gap),
        )
    return f"{said} {more}"
