"""Lists of deals: due in the next 90 days, slipped and overdue.

Put what is printed of single deals here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from functools import partial

from markupsafe import Markup

from reports.charts import landing as charts_ahead
from reports.charts.landing import Confirmation, Horizon, Week
from reports.charts.svg import PHONE
from reports.document.deal_tables import amount_of, worth_of
from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, with_note
from reports.text import formats
from reports.text.i18n import marked
from sales.calendar import Month
from sales.forecast.closing_plan import HORIZON_DAYS
from sales.vocabulary import PeriodKind

HORIZON_WEEKS = 13
# A table is as wide as the paper less its margins.
PAGE_WIDTH = 510.0
# Deals whose waiting takes half a point off a chance.
DEAR, MOST_DEAR = 0.005, 5
# What can be done with an open deal, and how many deals of each group are listed.
GROUPS = (
    marked("Can be confirmed now"),
    marked("Wait and protect"),
    marked("Re-date or close"),
)
MOST_OF_GROUP, MOST_OVERDUE = (8, 5, 5), 14
STRIP = 14  # percent of a table's width


def is_protected(deal: Record) -> bool:
    """Return whether a deal is a slow one of an existing client."""
    return "protect" in deal["flags"].split()


def closing(view: View) -> Section:
    """Return the open deals of the next 90 days in three groups: those to confirm, to wait for, and to re-date or close."""
    say, language = view.language.say, view.language
    title = say("The next 90 days")
    deals = view.deals()
    if not deals:
        return Section(
            "closing", title, answer=say("No open deal has its close date in the next 90 days.")
        )
    groups = {
        GROUPS[0]: [d for d in deals if not is_protected(d) and not d["days_overdue"]],
        GROUPS[1]: [d for d in deals if is_protected(d)],
        GROUPS[2]: [d for d in deals if not is_protected(d) and d["days_overdue"]],
    }
    ahead = [deal for deal in deals if not deal["days_overdue"]]
    variant = view.variant
    draw = partial(
        charts_ahead.weekly_bars, _weeks(view, ahead), variant.short, variant.palette, language
    )
    tables = [
        _deal_table(view, say(name), group, most, name)
        for (name, group), most in zip(groups.items(), MOST_OF_GROUP, strict=True)
        if group
    ]
    if sum(len(table.rows) for table in tables) < len(deals):
        tables.append(_listing(view, deals))
    return Section(
        "closing",
        title,
        _closing_answer(view, *groups.values()),
        draw() if ahead else None,
        _caption(view, deals) if ahead else "",
        (),
        tuple(tables),
        phone_figure=draw(width=PHONE) if ahead else None,
    )


def _closing_answer(
    view: View, ready: Sequence[Record], kept: Sequence[Record], late: Sequence[Record]
) -> str:
    """Say how much is in each group."""
    language, short = view.language, view.variant.short
    said: list[str] = []
    if ready:
        said.append(
            view.language.say_many(
                "{n} deal worth {amount} can be confirmed in the next 90 days.",
                "{n} deals worth {amount} can be confirmed in the next 90 days.",
                len(ready),
                amount=short(_total(ready)),
            )
        )
        if any(deal["win_probability"] is not None for deal in ready):
            expected = sum((worth_of(deal) for deal in ready), Decimal(0))
            said.append(
                view.language.say(
                    "Weighted by their chances, that is {amount}.", amount=short(expected)
                )
            )
    if kept:
        said.append(
            view.language.say_many(
                "{n} slow deal of an existing client ({amount}) is worth more than a date: ask, do not push.",
                "{n} slow deals of existing clients ({amount}) are worth more than a date: ask, do not push.",
                len(kept),
                amount=short(_total(kept)),
            )
        )
    if late and any(deal["days_overdue"] for deal in kept):
        said.append(
            language.say_many(
                "{n} other deal ({amount}) is past its close date: re-date or close it.",
                "{n} other deals ({amount}) are past their close date: re-date or close them.",
                len(late),
                amount=short(_total(late)),
            )
        )
    elif late:
        said.append(
            language.say_many(
                "{n} deal ({amount}) is past its close date: re-date or close it.",
                "{n} deals ({amount}) are past their close date: re-date or close them.",
                len(late),
                amount=short(_total(late)),
            )
        )
    return " ".join(said)


def _caption(view: View, deals: Sequence[Record]) -> str:
    say = view.language.say
    caption = say("Bars: open amounts by week of the close date. Diamond: close date in the CRM.")
    if any(deal["win_probability"] is not None for deal in deals):
        caption = say(
            "Bars: open amounts by week of the close date, deals to protect among them; filled: weighted by chance. Diamond: close date in the CRM."
        )
    if any(deal["confirm_p10"] for deal in deals):
        caption += " " + say("Band: the days of confirmation in eight of ten cases, if it is won.")
    caption += " " + say(
        "Chance: to be booked within twelve months. All deals are in the attached closing_plan.csv."
    )
    if any(deal["expected_month"] for deal in deals):
        caption += " " + say(
            "Expected: month of confirmation if it is won; on this company's past it came nearer than the close date."
        )
    return caption


def overdue(view: View) -> Section | None:
    """Return every deal that is open past its close date, or none where the three groups list them all."""
    late = [deal for deal in view.deals() if deal["days_overdue"]]
    told = [deal for deal in late if not is_protected(deal)]
    if len(told) <= MOST_OF_GROUP[2]:
        return None
    answer = view.language.say_many(
        "{n} deal worth {amount} is open past its close date and in no period of the coverage; the forecast counts it by its own chance.",
        "{n} deals worth {amount} are open past their close date and in no period of the coverage; the forecast counts each by its own chance.",
        len(late),
        amount=view.variant.short(_total(late)),
    )
    if view.variant.rules.policy.pipeline.overdue == "current_period":
        answer = view.language.say_many(
            "{n} deal worth {amount} is open past its close date; it counts in the coming month.",
            "{n} deals worth {amount} are open past their close date; they count in the coming month.",
            len(late),
            amount=view.variant.short(_total(late)),
        )
    table = _deal_table(view, "", late, MOST_OVERDUE)
    return Section("overdue", view.language.say("Past their close date"), answer, tables=(table,))


def waiting(view: View) -> Section | None:
    """Return what waiting a month costs in points of the chance to hit, the dearest deals first; none where nothing is dear or known."""
    say, language = view.language.say, view.language
    names = [f"hit_change_{kind}" for kind in PeriodKind]

    def dearest(deal: Record) -> float:
        return min((deal[name] for name in names if deal[name] is not None), default=0.0)

    shown = sorted(
        (deal for deal in view.deals() if dearest(deal) <= -DEAR),
        key=lambda deal: (dearest(deal), deal["opportunity_id"]),
    )[:MOST_DEAR]
    if not shown:
        return None
    rows = [
        Row(
            (
                _with_note(view, deal),
                view.variant.money(deal["amount"]),
                language.chance(deal["win_probability"]),
                *(language.points(deal[name]) for name in names),
            )
        )
        for deal in shown
    ]
    columns = (
        Column(say("Client and deal"), 48),
        Column(say("Amount"), 14, True),
        Column(say("Chance"), 10, True),
        Column(say("Month"), 9, True),
        Column(say("Quarter"), 10, True),
        Column(say("Year"), 9, True),
    )
    answer = say(
        "By how many points the company's chance to hit changes if a deal confirms a month later; those that cost most."
    )
    if any(is_protected(deal) for deal in shown):
        answer = f"{answer} {say('A deal to protect is worth that price.')}"
    return Section(
        "waiting",
        say("What waiting costs"),
        answer,
        tables=(Table(columns, tuple(rows)),),
        stays_together=True,
    )


def _total(deals: Sequence[Record]) -> Decimal:
    return sum((amount_of(deal) for deal in deals), Decimal(0))


def _weeks(view: View, deals: Sequence[Record]) -> list[Week]:
    first = view.variant.rules.calendar.first_day(view.variant.month.plus(1))
    is_known = any(deal["win_probability"] is not None for deal in deals)
    weeks: list[Week] = []
    for n in range(HORIZON_WEEKS):
        start = first + timedelta(days=7 * n)
        # 90 days are twelve weeks and six days: the last bar is a day short.
        due = [deal for deal in deals if start <= deal["close_date"] < start + timedelta(days=7)]
        expected = sum((worth_of(deal) for deal in due), Decimal(0)) if is_known else None
        weeks.append(Week(view.language.day_of_year(start), _total(due), expected, len(due)))
    return weeks


def _deal_table(
    view: View, title: str, every: Sequence[Record], most: int, group: str = GROUPS[2]
) -> Table:
    """Return deals by name, those first of which most can be expected; groups that look ahead show the days as a strip."""
    deals = sorted(every, key=lambda deal: (-worth_of(deal), deal["opportunity_id"]))[:most]
    say, language = view.language.say, view.language
    has_month = any(deal["expected_month"] for deal in deals)
    is_ahead = group != GROUPS[2]
    columns = [
        Column(say("Client and deal"), 0),
        Column(say("Owner"), 16),
        Column(say("Close date"), 11),
        Column(say("Amount"), 11, is_number=True),
        Column(say("Chance"), 7, is_number=True),
        *([Column(say("Expected"), 10)] if has_month else []),
    ]
    strip = Horizon(
        view.variant.rules.calendar.first_day(view.variant.month.plus(1)),
        HORIZON_DAYS,
        PAGE_WIDTH * STRIP / 100,
    )
    if is_ahead:
        columns.append(Column(charts_ahead.horizon_head(strip, language), STRIP))
    columns[0] = replace(columns[0], width=100 - sum(column.width for column in columns))
    rows: list[Row] = []
    for deal in deals:
        cells = [
            _with_note(view, deal, is_told=group == GROUPS[1]),
            formats.printable(deal["owner_name"]),
            language.day(deal["close_date"]),
            view.variant.money(deal["amount"]),
            language.chance(deal["win_probability"]),
            *([_expected(view, deal)] if has_month else []),
        ]
        if is_ahead:
            known = Confirmation(deal["close_date"], deal["confirm_p10"], deal["confirm_p90"])
            cells.append(
                charts_ahead.confirmation_strip(known, strip, view.variant.palette, language)
            )
        rows.append(Row(tuple(cells)))
    if len(deals) == len(every):
        return Table(tuple(columns), tuple(rows), title)
    words = {"shown": len(deals), "all": language.count(len(every))}
    if title:
        title = say("{group}: the {shown} of {all} that bring most", group=title, **words)
        return Table(tuple(columns), tuple(rows), title)
    note = say(
        "The {shown} of {all} that bring most; all are in the attached closing_plan.csv.", **words
    )
    return Table(tuple(columns), tuple(rows), note=note)


def _listing(view: View, deals: Sequence[Record]) -> Table:
    """Return all deals of the 90 days and the overdue ones, by close date, with what a browser sorts them by."""
    say, language = view.language.say, view.language
    columns = (
        Column(say("Client and deal"), 40),
        Column(say("Owner"), 16),
        Column(say("Stage"), 13),
        Column(say("Close date"), 12),
        Column(say("Amount"), 11, is_number=True),
        Column(say("Chance"), 8, is_number=True),
    )
    rows = [
        Row(
            (
                _with_note(view, deal),
                formats.printable(deal["owner_name"]),
                formats.printable(deal["stage_name"]),
                language.day(deal["close_date"]),
                view.variant.money(deal["amount"]),
                language.chance(deal["win_probability"]),
            ),
            keys=(
                None,
                None,
                None,
                deal["close_date"].isoformat(),
                *(
                    "" if deal[key] is None else str(deal[key])
                    for key in ("amount", "win_probability")
                ),
            ),
        )
        for deal in deals
    ]
    title = say("All {n} deals", n=language.count(len(deals)))
    return Table(columns, tuple(rows), title, is_listing=True)


def _with_note(view: View, deal: Record, *, is_told: bool = False) -> Markup:
    """Return a deal's name with what is to be known of it; `is_told` where a table says that its deals are protected."""
    return with_note(view.deal_link(deal), _notes(view, deal, is_told=is_told))


def _expected(view: View, deal: Record) -> str:
    return (
        view.language.short_month_and_year(Month.parse(deal["expected_month"]))
        if deal["expected_month"]
        else formats.EMPTY
    )


def _notes(view: View, deal: Record, *, is_told: bool) -> list[str]:
    words: list[str] = []
    if deal["days_overdue"]:
        words.append(view.language.say_many("{n} day over", "{n} days over", deal["days_overdue"]))
    if deal["push_count"]:
        words.append(view.language.say("pushed {n}×", n=deal["push_count"]))
    if is_protected(deal) and not is_told:
        words.append(view.language.say("protect"))
    return words
