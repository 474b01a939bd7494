"""Pipeline by stage and age: what is open in each stage, and how much of it has been open for long.

Put what pages say of stages here.
"""

from __future__ import annotations

from decimal import Decimal

from reports.document.document import Column, Row, Section, Table
from reports.document.view import View
from reports.text import formats

AGES = ("up_to_90", "up_to_180", "up_to_365", "older")


def stages(view: View) -> Section | None:
    """Return the open pipeline of the reader by stage and age; none where nothing is open."""
    rows = view.data.stages(view.grain, view.grain_id)
    if not rows:
        return None
    say, language, short = view.language.say, view.language, view.variant.short
    sums = {name: sum((row[name] for row in rows), Decimal(0)) for name in ("open_pipeline", *AGES)}

    def cells(amounts: dict[str, Decimal]) -> list[str]:
        found = (amounts[name] for name in ("open_pipeline", *AGES))
        return [short(each) if each else formats.EMPTY for each in found]

    printed = [
        Row(
            (
                formats.printable(row["stage_name"]),
                language.count(row["open_count"]),
                *cells(row),
                language.number(row["median_age_days"], 0),
            )
        )
        for row in rows
    ]
    if len(rows) > 1:
        deals = language.count(sum(row["open_count"] for row in rows))
        total = (say("All stages"), deals, *cells(sums), formats.EMPTY)
        printed.append(Row(total, is_strong=True))
    columns = (
        Column(say("Stage"), 22),
        Column(say("Deals"), 9, True),
        Column(say("Open"), 11, True),
        Column(say("to 90 days"), 12, True),
        Column(say("to 180 days"), 12, True),
        Column(say("to 365 days"), 12, True),
        Column(say("Older"), 11, True),
        Column(say("Median days"), 11, True),
    )
    answer = say("No open amount is older than a year.")
    if sums["older"] > 0:
        answer = say(
            "{older} of the {open} that is open was created more than a year ago.",
            older=short(sums["older"]),
            open=short(sums["open_pipeline"]),
        )
    note = say("Age: days since the deal was created. Overdue deals are in it.")
    return Section(
        "stages",
        say("Pipeline by stage and age"),
        answer,
        tables=(Table(columns, tuple(printed), note=note),),
        stays_together=True,
    )
