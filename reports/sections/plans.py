"""The plan from above and from below: what people are assigned beside what is stated, and what clients were planned with."""

from __future__ import annotations

from collections.abc import Sequence

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.text import formats
from sales.calendar import Month
from sales.vocabulary import GrainKind


def plans(view: View) -> Section | None:
    """Return over-assignment and the view from below, where either is stated."""
    say = view.language.say
    padding = [row for row in view.data.padding() if row["stated"] is not None]
    below = [row for row in view.data.bottom_up() if row["client_plans"] is not None]
    money = view.variant.money
    tables: list[Table] = []
    if padding:
        rows = [
            Row(
                (
                    formats.printable(row["grain_id"]),
                    *(money(row[name]) for name in ("assigned", "stated", "padding")),
                    view.language.pct(row["padding_pct"]),
                )
            )
            for row in padding
        ]
        named = (say("Assigned to people"), say("Stated"), say("Padding"), say("of stated"))
        tables.append(
            Table(
                (Column(say("Name"), 32), *(Column(name, 17, True) for name in named)),
                tuple(rows),
                title=say("Over-assignment") if below else "",
            )
        )
    if below:
        rows = [
            Row(
                (
                    view.language.month_name(Month.parse(row["month"])),
                    *(
                        money(row[name])
                        for name in (
                            "baseline_target",
                            "client_plans",
                            "difference",
                            "bookings",
                            "expected",
                            "agreed",
                        )
                    ),
                )
            )
            for row in below
        ]
        named = (
            say("Phased target"),
            say("Client plans"),
            say("Difference"),
            say("Booked"),
            say("Expected"),
            say("From agreements"),
        )
        tables.append(
            Table(
                (Column(say("Month"), 16), *(Column(name, 14, True) for name in named)),
                tuple(rows),
                title=say("From below: plans of clients"),
            )
        )
    if not tables:
        return None
    title = say("The plan from above and from below") if below else say("Over-assignment")
    return Section("plans", title, _over_assigned(view, padding), tables=tuple(tables))


def _over_assigned(view: View, padding: Sequence[Record]) -> str:
    """Say how much more people are asked for than the company states; nothing where it states nothing."""
    row = next((row for row in padding if row["grain"] == GrainKind.COMPANY), None)
    if row is None or not row["padding"]:
        return ""
    values = {
        "assigned": view.variant.short(row["assigned"]),
        "stated": view.variant.short(row["stated"]),
    }
    if row["padding_pct"] is None:  # nothing is a percentage of a stated zero
        return view.language.say(
            "People's targets sum to {assigned}; the company states {stated}.", **values
        )
    values["pct"] = view.language.pct(abs(row["padding_pct"]))
    if row["padding"] > 0:
        return view.language.say(
            "People's targets sum to {assigned}, {pct} more than the stated {stated}.", **values
        )
    return view.language.say(
        "People's targets sum to {assigned}, {pct} less than the stated {stated}.", **values
    )
