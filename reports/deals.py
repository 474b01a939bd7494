"""Lists of deals: due in the next 90 days, slipped and overdue.

Put what is printed of single deals here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from reports import charts, formats
from reports.document import Column, Row, Section, Table
from reports.grain_tables import Record, amount_of
from reports.prospects import chance
from reports.view import View
from sales.calendar import Month

HORIZON_WEEKS = 13
# Deals whose waiting takes half a point off a chance.
DEAR, MOST_DEAR = 0.005, 5


def closing(view: View, most: int) -> Section:
    """Return what is due in the next 90 days, the largest deals by name."""
    deals = [deal for deal in view.data.deals(view.grain, view.grain_id) if not deal["days_overdue"]]
    if not deals:
        return Section("Due in the next 90 days", answer="No open deal has its close date in the next 90 days.")
    total = sum((amount_of(deal) for deal in deals), Decimal(0))
    protect = [deal for deal in deals if "protect" in deal["flags"].split()]
    answer = f"{counted(len(deals))} worth {view.edition.short(total)} have their close date in the next 90 days."
    if protect:
        are = "is a slow deal of an existing client" if len(protect) == 1 else "are slow deals of existing clients"
        answer += f" {len(protect)} of them {are}: protect, do not push."
    figure = charts.weekly_bars(_weeks(view, deals), view.edition.short, view.edition.palette)
    shown = sorted(deals, key=lambda deal: (-amount_of(deal), deal["opportunity_id"]))[:most]
    shown.sort(key=lambda deal: (deal["close_date"], -amount_of(deal), deal["opportunity_id"]))
    table = _deal_table(view, shown, len(deals), "close date")
    caption = "Close dates as the CRM has them, by week. Chance: to be booked within twelve months."
    if any(deal["expected_month"] for deal in shown):
        caption += " Expected: month of confirmation if it is won; on this company's past it came nearer than the close date."
    patience = _patience_table(view, deals)
    tables = (table, patience) if patience else (table,)
    return Section("Due in the next 90 days", answer, figure, caption, (), tables, starts_page=view.grain == "company")


def overdue(view: View, most: int) -> Section | None:
    """Return what is open past its close date, or none."""
    late = [deal for deal in view.data.deals(view.grain, view.grain_id) if deal["days_overdue"]]
    if not late:
        return None
    total = sum((amount_of(deal) for deal in late), Decimal(0))
    answer = f"{counted(len(late))} worth {view.edition.short(total)} {'is' if len(late) == 1 else 'are'} open past the close date and in no period: re-date or close {'it' if len(late) == 1 else 'them'}."
    shown = sorted(late, key=lambda deal: (-amount_of(deal), deal["opportunity_id"]))[:most]
    return Section("Slipped and overdue", answer, tables=(_deal_table(view, shown, len(late), "amount"),))


def _weeks(view: View, deals: Sequence[Record]) -> list[tuple[str, Decimal, int]]:
    first = view.edition.rules.calendar.first_day(view.edition.month.plus(1))
    weeks: list[tuple[str, Decimal, int]] = []
    for n in range(HORIZON_WEEKS):
        start = first + timedelta(days=7 * n)
        # 90 days are twelve weeks and six days: the last bar is a day short.
        due = [deal for deal in deals if start <= deal["close_date"] < start + timedelta(days=7)]
        total = sum((amount_of(deal) for deal in due), Decimal(0))
        weeks.append((formats.format_date(start, "d MMM", locale=formats.LOCALE), total, len(due)))
    return weeks


def _deal_table(view: View, deals: Sequence[Record], all_of_them: int, order: str) -> Table:
    is_person = view.grain == "person"
    has_month = any(deal["expected_month"] for deal in deals)
    columns = [
        Column("Client and deal", 36 if is_person else 27),
        Column("Stage", 13 if is_person else 11),
        Column("Close date", 11 if is_person else 10),
        Column("Amount", 10, is_number=True),
        Column("Chance", 7, is_number=True),
        *([Column("Expected", 11 if is_person else 10)] if has_month else []),
    ]
    if not is_person:
        columns.insert(1, Column("Owner", 13))
    columns.append(Column("Note", 100 - sum(column.width for column in columns)))
    rows: list[Row] = []
    for deal in deals:
        cells = [
            _deal_name(deal), formats.printable(deal["stage_name"]), formats.day(deal["close_date"]),
            view.edition.money(deal["amount"]), chance(deal["win_probability"]), *([_expected(deal)] if has_month else []), _note(deal),
        ]  # fmt: skip
        if not is_person:
            cells.insert(1, formats.printable(deal["owner_name"]))
        rows.append(Row(tuple(cells)))
    hidden = all_of_them - len(deals)
    note = f"The {len(deals)} largest, by {order}; {hidden} more are in the table closing_plan." if hidden else ""
    return Table(tuple(columns), tuple(rows), note=note)


def _patience_table(view: View, deals: Sequence[Record]) -> Table | None:
    """Return what waiting a month costs in points of the chance to hit, the dearest deals first; none where nothing is dear or known."""
    names = [f"{'owner_' if view.grain == 'person' else ''}hit_change_{kind}" for kind in ("month", "quarter", "year")]

    def dearest(deal: Record) -> float:
        return min((deal[name] for name in names if deal[name] is not None), default=0.0)

    shown = sorted((deal for deal in deals if dearest(deal) <= -DEAR), key=lambda deal: (dearest(deal), deal["opportunity_id"]))[:MOST_DEAR]
    if not shown or view.grain == "team":
        return None
    rows = [
        Row(
            (
                _deal_name(deal),
                view.edition.money(deal["amount"]),
                chance(deal["win_probability"]),
                *(_points(deal[name]) for name in names),
                _note(deal),
            )
        )
        for deal in shown
    ]
    columns = (
        Column("Client and deal", 38), Column("Amount", 11, True), Column("Chance", 9, True), Column("Month", 9, True), Column("Quarter", 9, True),
        Column("Year", 9, True), Column("Note", 15),
    )  # fmt: skip
    whose = "your" if view.grain == "person" else "the company's"
    note = f"Points that {whose} chance to hit loses if the deal confirms a month later. A deal to protect is worth that price."
    return Table(columns, tuple(rows), "What waiting costs", note)


def _points(change: float | None) -> str:
    return formats.EMPTY if change is None else formats.points(change)


def _deal_name(deal: Record) -> str:
    client, name = formats.printable(deal["account_name"]), formats.printable(deal["name"])
    return name if name.startswith(client) or client == formats.EMPTY else f"{client}: {name}"


def _expected(deal: Record) -> str:
    return formats.short_month_and_year(Month.parse(deal["expected_month"])) if deal["expected_month"] else formats.EMPTY


def _note(deal: Record) -> str:
    words: list[str] = []
    if deal["days_overdue"]:
        words.append("1 day over" if deal["days_overdue"] == 1 else f"{deal['days_overdue']} days over")
    if deal["push_count"]:
        words.append(f"pushed {deal['push_count']}×")
    if "protect" in deal["flags"].split():
        words.append("protect")
    return ", ".join(words)


def counted(number: int) -> str:
    """Return a number of deals in words."""
    return "1 deal" if number == 1 else f"{formats.count(number)} deals"
