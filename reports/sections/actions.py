"""What must happen next, in words: each rule's sentence, who it is for, and by when.

Put the words of a rule here; which rule applies to whom, and what is at stake, is decided in
`sales.forecast.actions`.
"""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal

from reports.document.document import Action
from reports.document.month_tables import Record
from reports.document.view import View, period_words
from reports.document.work_tables import work_days
from reports.sections.work import lacking_people, on_clients
from reports.text import formats
from sales.calendar import Month
from sales.history.teams import UNASSIGNED
from sales.vocabulary import ActionOutcome, ActionRule, GrainKind

# Points of a chance that are worth a word.
LEAST_POINTS = 0.0005


def past_actions(view: View) -> str:
    """Return what became of the things about deals that the report before asked for; empty where there are none."""
    last, language = view.data.last, view.language
    outcomes = None if last is None else last.outcomes(view.grain, view.grain_id)
    if last is None or not outcomes:
        return ""
    told = (
        (ActionOutcome.DONE, language.say("{n} done", n=language.count(outcomes["done"]))),
        (ActionOutcome.OPEN, language.say("{n} still open", n=language.count(outcomes["open"]))),
        (ActionOutcome.GONE, language.say("{n} lost or gone", n=language.count(outcomes["gone"]))),
    )
    return language.say(
        "Asked in {month} about deals: {parts}.",
        month=language.month_name(last.month),
        parts=", ".join(words for outcome, words in told if outcomes[outcome]),
    )


def actions(view: View) -> list[Action]:
    """Return what the reader is asked to do, the most money at stake first."""
    return [
        Action(_who(view, row), WORDS[row["rule"]](view, row), "actions")
        for row in view.data.actions(view.grain, view.grain_id)
        if _can_be_told(view, row)
    ]


def _can_be_told(view: View, row: Record) -> bool:
    """Return whether what an action is about is there to be named."""
    if row["rule"] in OF_DEALS:
        return _deal(view, row) is not None
    if row["rule"] in OF_PEOPLE:
        return row["person_id"] is not None
    return row["period"] is not None


def _who(view: View, row: Record) -> str:
    """Return who is asked: a name, else the part of the company that is; on a personal page nobody else is."""
    if view.grain == GrainKind.PERSON:
        return ""
    if row["owner_name"]:
        return formats.printable(row["owner_name"])
    if row["team"] and row["team"] != UNASSIGNED:
        return view.language.say("Lead of {team}", team=formats.printable(row["team"]))
    return view.language.say("Management")


def _deal(view: View, row: Record) -> Record | None:
    """Return the deal that an action is about: as it is due for this reader, else as it is called."""
    key = row["opportunity_id"]
    due = next((each for each in view.deals() if each["opportunity_id"] == key), None)
    return due or (view.data.deals.named(key) if key else None)


def _deal_words(view: View, row: Record) -> dict[str, object]:
    deal = _deal(view, row)
    assert deal is not None  # noqa: S101  # `_can_be_told` looked
    return {
        "deal": view.deal_link(deal),
        "amount": view.variant.short(deal["amount"]),
        "day": view.language.day(row["due_date"]),
        "stake": view.variant.short(row["stake"]),
        "month": view.language.month_name(view.variant.month.plus(1)),
    }


def _confirm(view: View, row: Record) -> str:
    return view.language.say(
        "Get {deal} ({amount}) confirmed by {day}: {stake} of what we expect of {month} depends on it.",
        **_deal_words(view, row),
    )


def _ask_when(view: View, row: Record) -> str:
    words, deal = _deal_words(view, row), _deal(view, row)
    said = view.language.say(
        "Ask when {deal} ({amount}) can be confirmed, and do not push: it is a slow deal of an existing client.",
        **words,
    )
    name = "owner_hit_change_month" if view.grain == GrainKind.PERSON else "hit_change_month"
    cost = deal.get(name) if deal else None
    if view.grain == GrainKind.TEAM or cost is None or cost > -LEAST_POINTS:
        return said
    more = view.language.say(
        "Waiting a month costs {points} points of the chance of {month}.",
        points=view.language.number(-cost * 100, 1),
        month=words["month"],
    )
    return view.language.joined([said, more])


def _redate(view: View, row: Record) -> str:
    deal = _deal(view, row)
    return view.language.say_many(
        "Re-date {deal} ({amount}) or close it by {day}: it is {n} day past its close date.",
        "Re-date {deal} ({amount}) or close it by {day}: it is {n} days past its close date.",
        deal.get("days_overdue", 0) if deal else 0,
        **_deal_words(view, row),
    )


def _close_lost(view: View, row: Record) -> str:
    deal = _deal(view, row)
    return view.language.say_many(
        "Close {deal} ({amount}) as lost unless the client confirms by {day}: it is {n} day past its close date.",
        "Close {deal} ({amount}) as lost unless the client confirms by {day}: it is {n} days past its close date.",
        deal.get("days_overdue", 0) if deal else 0,
        **_deal_words(view, row),
    )


def _name_amount(view: View, row: Record) -> str:
    return view.language.say(
        "Put an amount on {deal} by {day}: without one it is in no sum.", **_deal_words(view, row)
    )


def _cover_leaver(view: View, row: Record) -> str:
    return view.language.say(
        "Decide who takes over from {person}: {amount} of that target is uncovered.",
        person=formats.printable(view.data.name_of_person(row["person_id"])),
        amount=view.variant.short(row["stake"]),
    )


def _agree_year(view: View, row: Record) -> str:
    phasing = view.variant.rules.policy.phasing
    words = {
        "person": formats.printable(view.data.name_of_person(row["person_id"])),
        "amount": view.variant.short(row["stake"]),
    }
    if phasing.rephase == "bounded":
        return view.language.say(
            "Agree with {person} what the year can still bring: {amount} cannot be made up, even at {cap} of plan in every month left.",
            cap=view.language.pct(float(phasing.cap) * 100),
            **words,
        )
    return view.language.say(
        "Agree with {person} what the year can still bring: {amount} is missing and laid on no month.",
        **words,
    )


def _find_pipeline(view: View, row: Record) -> str:
    covered = next(
        each
        for each in view.data.coverage(view.grain, view.grain_id)
        if each["period"] == row["period"]
    )
    needed = Decimal(repr(covered["required_ratio"] or 0.0)) * covered["remaining_target"]
    return view.language.say(
        "Create {amount} more pipeline for {period}: coverage is {ratio}, and {needed} has usually been needed at this point.",
        amount=view.variant.short(needed - covered["open_pipeline"]),
        period=period_words(row["period"], view.language),
        ratio=view.language.ratio(covered["coverage_ratio"]),
        needed=view.language.ratio(covered["required_ratio"]),
    )


def _draft_in(view: View, row: Record) -> str:
    load = view.data.work.load(view.grain, view.grain_id)
    month = next(each for each in load if each["month"] == row["period"])
    order = view.language.say_many(
        "Find {n} more person for {month}: {days} days of work are agreed, won or expected; the capacity is {capacity}.",
        "Find {n} more people for {month}: {days} days of work are agreed, won or expected; the capacity is {capacity}.",
        month["people_needed"],
        month=view.language.month_name(Month.parse(row["period"])),
        days=view.language.number(work_days(month), 0),
        capacity=view.language.number(month["capacity_days"], 0),
    )
    return f"{order} {on_clients(view, lacking_people(view, {row['period']}))}".strip()


WORDS: dict[str, Callable[[View, Record], str]] = {
    ActionRule.CONFIRM.value: _confirm,
    ActionRule.ASK_WHEN.value: _ask_when,
    ActionRule.REDATE.value: _redate,
    ActionRule.CLOSE_LOST.value: _close_lost,
    ActionRule.NAME_AMOUNT.value: _name_amount,
    ActionRule.COVER_LEAVER.value: _cover_leaver,
    ActionRule.AGREE_YEAR.value: _agree_year,
    ActionRule.FIND_PIPELINE.value: _find_pipeline,
    ActionRule.DRAFT_IN.value: _draft_in,
}
OF_DEALS = {
    each.value
    for each in (
        ActionRule.CONFIRM,
        ActionRule.ASK_WHEN,
        ActionRule.REDATE,
        ActionRule.CLOSE_LOST,
        ActionRule.NAME_AMOUNT,
    )
}
OF_PEOPLE = {ActionRule.COVER_LEAVER.value, ActionRule.AGREE_YEAR.value}
