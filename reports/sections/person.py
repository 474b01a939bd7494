"""The personal page, one sheet: the year at a glance, what it takes, whom to ask, what to tidy up and what to talk about.

Put what is said to one person here, in their own words: "you". Anything longer is attached.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.charts.person import MonthColumn, month_columns
from reports.document.deal_tables import amount_of, worth_of
from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import Standing, View, deal_name, is_short_of_pipeline, period_words
from reports.sections.changes import told_once
from reports.sections.deals import is_protected
from reports.sections.landing import margin_sentence
from reports.text import formats
from sales.calendar import Month
from sales.vocabulary import PeriodKind

MOST_DEALS, MOST_LINES = 6, 3
NO_AMOUNT = {"won_without_amount", "open_without_amount"}


def personal_sections(view: View) -> list[Section | None]:
    """Return the parts of a personal page; who has left gets what is open and nothing that looks ahead."""
    if view.standing == Standing.LEFT:
        return [_year(view), _deals(view), _changed(view)]
    return [_year(view), _ladder(view), _deals(view), _tidy(view), _changed(view), _talk(view)]


def _year(view: View) -> Section | None:
    """The months: plan and what the months left must bring as outlines, what was booked solid."""
    say, month = view.language.say, view.variant.month
    plan = view.data.plan(view.grain, view.grain_id)
    if not any(each.baseline or each.booked for each in plan):
        return None
    months = [
        MonthColumn(
            view.language.short_month(each.month),
            each.baseline if each.month <= month else each.rephased,
            each.booked if each.month <= month else None,
            is_coming=each.month == month.plus(1) and view.standing != Standing.LEFT,
        )
        for each in plan
    ]
    figure = month_columns(months, view.variant.short, view.variant.palette, view.language)
    title = say("Your year by month")
    caption = say(
        "Outline: plan, from {month} on after misses. Solid: booked.",
        month=view.language.short_month(month.plus(1)),
    )
    coming = view.coming()
    if coming is None or coming["number"] == coming["baseline_target"]:
        caption = say("Outline: plan. Solid: booked.")
    return Section("year", title, figure=figure, caption=caption, css="half")


def _ladder(view: View) -> Section | None:
    """Month, quarter and year: what is asked, what is booked, and where we see it land."""
    say, short, coming = view.language.say, view.variant.short, view.coming()
    rows: list[Row] = []
    landings = {(row["period_kind"], row["period"]): row for row in view.landings()}
    next_month = view.variant.month.plus(1)
    calendar = view.variant.rules.calendar
    quarter, year = calendar.quarter_of(next_month).name, calendar.year_of(next_month).name
    for kind, name, shown in (
        (PeriodKind.MONTH, str(next_month), view.language.short_month_and_year(next_month)),
        (PeriodKind.QUARTER, quarter, period_words(quarter, view.language)),
        (PeriodKind.YEAR, year, period_words(year, view.language)),
    ):
        row = landings.get((kind.value, name))
        if row is None:
            continue
        target = coming["number"] if coming and kind == PeriodKind.MONTH else row["target"]
        told = formats.EMPTY
        if row["method"] == "model" and row["p10"] != row["p90"]:
            told = say("{low} to {high}", low=short(row["p10"]), high=short(row["p90"]))
        rows.append(
            Row(
                (
                    shown,
                    short(target) if target else formats.EMPTY,
                    short(row["bookings"]),
                    told,
                )
            )
        )
    if not rows:
        return None
    columns = (
        Column(say("Period"), 26),
        Column(say("Asked"), 18, is_number=True),
        Column(say("Booked"), 18, is_number=True),
        Column(say("Eight in ten"), 38, is_number=True),
    )
    has_range = any(row.cells[-1] != formats.EMPTY for row in rows)
    note = say("Eight in ten: one in ten ends lower, one higher.") if has_range else ""
    points = tuple(each for each in (margin_sentence(view), _chance(view)) if each)
    return Section(
        "landing",
        say("Month, quarter, year"),
        tables=(Table(columns, tuple(rows), note=note),),
        points=points,
        css="half",
    )


def _chance(view: View) -> str:
    """Return the chance of the coming month, where chances of people's months have proved themselves."""
    coming = view.coming()
    chance = view.chance(PeriodKind.MONTH, coming["hit_probability"]) if coming else None
    if chance is None:
        return ""
    return view.language.say(
        "The chance to book {number} in {month} is {chance}.",
        number=view.variant.short(coming["number"]) if coming else "",
        month=view.language.month_name(view.variant.month.plus(1)),
        chance=view.language.chance(chance),
    )


def _deals(view: View) -> Section | None:
    """At most six deals: what to ask whom, and the likely day; those that are asked about above come first.

    Of who has left every open deal counts: somebody must take it over.
    """
    say, has_left = view.language.say, view.standing == Standing.LEFT
    due = [
        deal for deal in view.deals() if has_left or not deal["days_overdue"] or is_protected(deal)
    ]
    if not due:
        return None
    asked = [row["opportunity_id"] for row in view.data.actions(view.grain, view.grain_id)]

    def order(deal: Record) -> tuple[int, Decimal, str]:
        key = deal["opportunity_id"]
        place = asked.index(key) if key in asked else len(asked)
        return place, -worth_of(deal), key

    shown = sorted(due, key=order)[:MOST_DEALS]
    rows = [
        Row(
            (
                view.deal_link(deal),
                _ask(view, deal),
                _likely(view, deal),
                view.variant.short(deal["amount"]),
                view.language.chance(deal["win_probability"]),
            )
        )
        for deal in shown
    ]
    columns = (
        Column(say("Client and deal"), 40),
        Column(say("What to do"), 20),
        Column(say("Likely"), 18),
        Column(say("Amount"), 12, is_number=True),
        Column(say("Chance"), 10, is_number=True),
    )
    hidden = len(due) - len(shown)
    more = (
        view.language.say_many(
            "{n} more deal is in the attached closing_plan.csv.",
            "{n} more deals are in the attached closing_plan.csv.",
            hidden,
        )
        if hidden
        else ""
    )
    has_chance = any(deal["win_probability"] is not None for deal in shown)
    note = view.language.joined(
        [more, say("Chance: to be booked within twelve months.") if has_chance else ""]
    )
    title = say("Deals of the next 90 days")
    if has_left:
        title = say("Deals that are still in your name")
    return Section("closing", title, tables=(Table(columns, tuple(rows), note=note),))


def _ask(view: View, deal: Record) -> str:
    """Return what is asked about a deal, in a few words."""
    if view.standing == Standing.LEFT:
        return view.language.say("hand over")
    if is_protected(deal):
        return view.language.say("ask when; do not push")
    if deal["amount"] is None:
        return view.language.say("name the amount")
    coming = view.variant.month.plus(1)
    is_expected = deal["expected_month"] is None or deal["expected_month"] <= str(coming)
    return (
        view.language.say("get it confirmed")
        if is_expected and deal["close_date"] <= view.variant.rules.calendar.last_day(coming)
        else view.language.say("keep going")
    )


def _likely(view: View, deal: Record) -> str:
    """Return when a deal will be confirmed if it is won: by forecast, else by the CRM."""
    if deal["expected_month"]:
        return view.language.short_month_and_year(Month.parse(deal["expected_month"]))
    return view.language.day(deal["close_date"])


def _tidy(view: View) -> Section | None:
    """What is past its close date or without an amount."""
    late = [deal for deal in view.deals() if deal["days_overdue"] and not is_protected(deal)]
    overdue = {deal["opportunity_id"] for deal in late}
    bare = [
        deal
        for row in view.data.to_put_right()
        if row["finding"] in NO_AMOUNT and row["owner_id"] == view.grain_id
        if row["record_id"] not in overdue and (deal := view.data.deals.named(row["record_id"]))
    ]
    lines = [
        view.language.say_many(
            "{deal}, {amount}: {n} day past its date",
            "{deal}, {amount}: {n} days past its date",
            deal["days_overdue"],
            deal=view.deal_link(deal),
            amount=view.variant.short(deal["amount"]),
        )
        for deal in sorted(late, key=lambda deal: (-amount_of(deal), deal["opportunity_id"]))
    ]
    lines += [view.language.say("{deal}: no amount", deal=view.deal_link(deal)) for deal in bare]
    return _list(view, "overdue", view.language.say("To tidy up"), lines)


def _changed(view: View) -> Section | None:
    """What changed of the person's deals since the month before."""
    lines = [
        view.language.say(
            "{change}: {deal}, {amount}",
            change=change,
            deal=view.variant.record(row["opportunity_id"], deal_name(row)),
            amount=view.variant.short(
                row["amount_after"] if row["amount_after"] is not None else row["amount_before"]
            ),
        )
        for change, row in told_once(view)
    ]
    return _list(view, "changes", view.language.say("What changed in the month"), lines)


def _talk(view: View) -> Section | None:
    """What to talk about with the lead: a year that cannot be made up, too little ahead, a forecast short of the target."""
    say, short, lines = view.language.say, view.variant.short, list[str]()
    coming, landing, quarter = view.coming(), view.year_landing(), view.next_quarter()
    if coming and coming["at_risk"] > 0:
        lines.append(
            say(
                "{amount} of the year cannot be made up: what can it still bring?",
                amount=short(coming["at_risk"]),
            )
        )
    if landing and landing["method"] == "model" and landing["p90"] < landing["target"]:
        lines.append(
            say(
                "Even a good year ends below {target}; we see up to {high}.",
                target=short(landing["target"]),
                high=short(landing["p90"]),
            )
        )
    is_year_won = view.covered(view.year_name())["remaining_target"] <= 0
    if (
        quarter
        and view.standing == Standing.SELLS
        and not is_year_won
        and is_short_of_pipeline(quarter)
    ):
        lines.append(
            say(
                "{period} has {ratio} coverage; {needed} has usually been needed at this point.",
                period=period_words(quarter["period"], view.language),
                ratio=view.language.ratio(quarter["coverage_ratio"]),
                needed=view.language.ratio(quarter["required_ratio"]),
            )
        )
    return _list(view, "talk", say("To talk about with your lead"), lines)


def _list(view: View, key: str, title: str, lines: Sequence[str]) -> Section | None:
    if not lines:
        return None
    shown, hidden = tuple(lines[:MOST_LINES]), len(lines) - MOST_LINES
    if hidden > 0:
        more = view.language.say_many("{n} more", "{n} more", hidden)
        shown = (*shown, more)
    return Section(key, title, points=shown, css="third")
