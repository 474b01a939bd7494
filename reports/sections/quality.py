"""How good the data is, and what the words mean: the last page.

Put findings about the data here; the words are `glossary`.
"""

from __future__ import annotations

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.sections.glossary import definitions
from reports.text import formats
from reports.text.i18n import marked
from sales.checks.invariants import assumed_share

MOST_FINDINGS, MOST_NAMED = 15, 12
FINDINGS = {
    "booking_without_target": marked("Booked by someone without a target"),
    "target_not_in_force": marked("Target not in force yet"),
    "open_without_amount": marked("Open without an amount"),
    "won_without_amount": marked("Won without an amount"),
    "owner_left": marked("Open, and the owner has left"),
    "owner_unknown": marked("Owned by nobody we know"),
    "booked_later": marked("Won, booked in a later month"),
    "close_date_unlikely": marked("Close date years away"),
    "history_assumed": marked("State assumed: history begins later"),
    "text_unprintable": marked("Names with characters that cannot be printed"),
    "owner_assumed": marked("Owner assumed: changes were not tracked"),
    "policy_of_another_year": marked("Rules of another year are used"),
}
SEVERITIES = {"info": marked("info"), "warning": marked("warning"), "error": marked("error")}


def quality(view: View) -> Section:
    """Return findings about the data, and what the words mean."""
    say = view.language.say
    found = view.data.findings()
    rows = [
        Row(
            (
                say(FINDINGS.get(finding, finding)),
                say(SEVERITIES[severity]),
                view.language.count(count),
                view.variant.money(amount),
            )
        )
        for finding, severity, count, amount in found[:MOST_FINDINGS]
    ]
    columns = (
        Column(say("Finding"), 55),
        Column(say("Severity"), 15),
        Column(say("Records"), 12, True),
        Column(say("Money"), 18, True),
    )
    share = assumed_share(view.data.tables.opportunity_snapshot)
    answer = "" if share is None else say("All of the money is known from history.")
    if share:
        answer = say(
            "{pct} of the money rests on assumed history or owners.",
            pct=view.language.exact_share(float(share)),
        )
    if waiting := view.data.without_target_yet():
        answer += (" " if answer else "") + say(
            "Without a target so far: {names}.", names=", ".join(waiting)
        )
    tables = (Table(columns, tuple(rows)), *_named(view)) if rows else ()
    title = say("How good is the data, and what the words mean")
    return Section(
        "quality",
        title,
        answer,
        points=definitions(view),
        tables=tables,
    )


def _named(view: View) -> list[Table]:
    """Return the records that mislead by name, with the owner who can put each right; none where there are none."""
    say, every = view.language.say, view.data.to_put_right()
    labels: dict[str, str] = FINDINGS
    if not every:
        return []
    rows = [
        Row(
            (
                say(labels.get(row["finding"], str(row["finding"]))),
                _record(view, row),
                formats.printable(row["owner_name"]),
                view.variant.money(row["amount"]),
            )
        )
        for row in every[:MOST_NAMED]
    ]
    columns = (
        Column(say("Finding"), 27),
        Column(say("Deal or person"), 41),
        Column(say("Owner"), 16),
        Column(say("Money"), 16, True),
    )
    hidden = len(every) - len(rows)
    note = (
        view.language.say_many(
            "{n} more is in the attached data_quality.csv.",
            "{n} more are in the attached data_quality.csv.",
            hidden,
        )
        if hidden
        else ""
    )
    return [Table(columns, tuple(rows), say("To put right in Salesforce"), note)]


def _record(view: View, row: Record) -> str:
    """Return the deal that a finding is about, leading to its record, else the person."""
    deal = view.data.deals.named(row["record_id"])
    return view.deal_link(deal) if deal else formats.printable(row["owner_name"])
