"""What was won, lost, slipped and found since the month before, by name.

Put lists of changes here; what they did to the open pipeline, to the cent, is `attainment.movement`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, deal_name
from reports.text import formats
from reports.text.i18n import marked
from sales.vocabulary import DealChange, GrainKind

MOST_EACH = 5
LISTS: dict[str, str] = {
    DealChange.WON: marked("Won"),
    DealChange.LOST: marked("Lost"),
    DealChange.SLIPPED: marked("Slipped"),
    DealChange.NEW: marked("New"),
}
WORDS: dict[str, str] = {
    **LISTS,
    DealChange.PUSHED: marked("Pushed"),
    DealChange.PULLED_IN: marked("Pulled in"),
    DealChange.AMOUNT: marked("Amount changed"),
    DealChange.REOPENED: marked("Reopened"),
    DealChange.DELETED: marked("Deleted"),
    DealChange.REASSIGNED: marked("Taken over"),
}
# Of several changes of one deal the first of these is told.
TOLD_FIRST = list(WORDS)


def changes(view: View) -> Section | None:
    """Return the largest deals that were won, lost, slipped and found in the month; none where nothing changed."""
    rows = view.data.deals.changes(view.grain, view.grain_id)
    by_list = {change: _largest(rows, change) for change in LISTS}
    if not any(by_list.values()):
        return None
    # What was created and decided in the same month stands among what was decided.
    decided = {
        row["opportunity_id"] for name in (DealChange.WON, DealChange.LOST) for row in by_list[name]
    }
    say = view.language.say
    tables: list[Table] = []
    for change, found in by_list.items():
        is_new = change == DealChange.NEW
        listed = [row for row in found if not (is_new and row["opportunity_id"] in decided)]
        if listed:
            tables.append(_table(view, say(LISTS[change]), listed[:MOST_EACH], len(found)))
    return Section(
        "changes",
        say("Won, lost, slipped and new"),
        _answer(view, by_list),
        tables=tuple(tables),
        starts_page=view.grain == GrainKind.COMPANY,
    )


def told_once(view: View) -> list[tuple[str, Record]]:
    """Return changes, one a deal, the largest first: its word and its row."""
    rows = view.data.deals.changes(view.grain, view.grain_id)
    first: dict[str, Record] = {}
    for row in sorted(rows, key=lambda row: TOLD_FIRST.index(row["change"])):
        first.setdefault(row["opportunity_id"], row)
    largest = sorted(first.values(), key=lambda row: (-abs(_amount(row)), row["opportunity_id"]))
    return [(view.language.say(WORDS[row["change"]]), row) for row in largest]


def _largest(rows: Sequence[Record], change: str) -> list[Record]:
    mine = [row for row in rows if row["change"] == change]
    return sorted(mine, key=lambda row: (-_amount(row), row["opportunity_id"]))


def _amount(row: Record) -> Decimal:
    """Return what a deal is worth now; of a deleted one, what it was."""
    amount = row["amount_after"] if row["amount_after"] is not None else row["amount_before"]
    return amount if amount is not None else Decimal(0)


def _answer(view: View, by_list: dict[str, list[Record]]) -> str:
    say, short = view.language.say, view.variant.short
    sums = {
        change: sum((_amount(row) for row in rows), Decimal(0)) for change, rows in by_list.items()
    }
    return say(
        "In {month}, {won} was won, {lost} was lost and {new} of new pipeline was created; {slipped} was due and is still open.",
        month=view.language.month_name(view.variant.month),
        won=short(sums[DealChange.WON]),
        lost=short(sums[DealChange.LOST]),
        new=short(sums[DealChange.NEW]),
        slipped=short(sums[DealChange.SLIPPED]),
    )


def _table(view: View, title: str, rows: Sequence[Record], all_of_them: int) -> Table:
    say, language = view.language.say, view.language
    printed = [
        Row(
            (
                view.variant.record(row["opportunity_id"], deal_name(row)),
                formats.printable(row["owner_name"]),
                language.day(row["close_date_before"]),
                language.day(row["close_date_after"]),
                view.variant.money(row["amount_before"]),
                view.variant.money(row["amount_after"]),
            )
        )
        for row in rows
    ]
    columns = (
        Column(say("Client and deal"), 36),
        Column(say("Owner"), 16),
        Column(say("Date before"), 12),
        Column(say("Date now"), 12),
        Column(say("Amount before"), 12, is_number=True),
        Column(say("Amount now"), 12, is_number=True),
    )
    hidden = all_of_them - len(rows)
    note = (
        language.say_many(
            "The {shown} largest; {n} more is in the attached deal_changes.csv.",
            "The {shown} largest; {n} more are in the attached deal_changes.csv.",
            hidden,
            shown=len(rows),
        )
        if hidden
        else ""
    )
    return Table(columns, tuple(printed), title, note)
