"""What was won, lost, slipped and found since the month before, by name.

Put lists of changes here; what they did to the open pipeline, to the cent, is `attainment.movement`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from decimal import Decimal

from markupsafe import Markup

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, deal_name, with_note
from reports.text import formats
from reports.text.i18n import marked
from sales.vocabulary import DealChange

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
    rows = [
        row for change, found in by_list.items() for row in _group(view, change, found, decided)
    ]
    columns = (
        Column(say("Client and deal"), 52),
        Column(say("Owner"), 18),
        Column(say("Close date"), 14),
        Column(say("Amount"), 16, is_number=True),
    )
    note = say("The largest of each; all of them are in the attached deal_changes.csv.")
    are_all = all(len(found) <= MOST_EACH for found in by_list.values())
    return Section(
        "changes",
        say("Won, lost, slipped and new"),
        _answer(view, by_list),
        tables=(Table(columns, tuple(rows), note="" if are_all else note),),
        starts_page=True,
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


def _group(
    view: View, change: str, found: Sequence[Record], decided: Collection[str]
) -> Iterator[Row]:
    """Yield a kind of change with its sum, and below it its largest deals; new ones that were decided since stand among those."""
    say, language, money = view.language.say, view.language, view.variant.money
    if not found:
        return
    total = sum((_amount(row) for row in found), Decimal(0))
    count = language.deals(len(found))
    yield Row((say(LISTS[change]), count, "", money(total)), is_strong=True)
    is_new = change == DealChange.NEW
    listed = [row for row in found if not (is_new and row["opportunity_id"] in decided)]
    for row in listed[:MOST_EACH]:
        yield Row(
            (
                _deal(view, row),
                formats.printable(row["owner_name"]),
                language.day(row["close_date_after"] or row["close_date_before"]),
                money(_amount(row)),
            )
        )


def _deal(view: View, row: Record) -> Markup:
    """Return a deal's name, with what was said of it a month before where that was something else."""
    say, before, after = view.language.say, row["close_date_before"], row["close_date_after"]
    notes: list[str] = []
    if before and after and before != after and row["change"] != DealChange.NEW:
        notes.append(say("was due {day}", day=view.language.day(before)))
    if None not in (row["amount_before"], row["amount_after"]) and (
        row["amount_before"] != row["amount_after"]
    ):
        notes.append(say("was {amount}", amount=view.variant.money(row["amount_before"])))
    return with_note(view.variant.record(row["opportunity_id"], deal_name(row)), notes)
