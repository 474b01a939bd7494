"""The sections on clients: what they bring by month, and their agreements. Plans are `plans`."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import date
from decimal import Decimal
from math import ceil

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.text import formats
from sales.calendar import Month
from sales.forecast.closing_plan import HORIZON_DAYS

MOST_CLIENTS, MOST_AGREEMENTS, MONTHS_OF_CLIENTS, SHADES, FEW = 10, 15, 6, 5, 5


def clients(view: View) -> Section | None:
    """Return bookings and expected confirmations of the largest clients by month, as a heat map with totals beside the plan; none without clients."""
    say, language = view.language.say, view.language
    months = _months(view)
    shown = {str(month) for month in months}
    amounts: dict[str, dict[str, Decimal]] = {}
    for (account, month), (booked, expected) in view.data.client_months().items():
        if month in shown:
            amounts.setdefault(account, {})[month] = booked + (expected or Decimal(0))
    sums = {account: sum(each.values(), Decimal(0)) for account, each in amounts.items()}
    totals = {account: total for account, total in sums.items() if any(amounts[account].values())}
    if not any(totals.values()):
        return None
    largest = sorted(totals, key=lambda account: (-abs(totals[account]), account))[:MOST_CLIENTS]
    highest = max(amount for account in largest for amount in amounts[account].values())
    rows = [
        _heat_row(view, view.data.account_name(account), amounts[account], highest)
        for account in largest
    ]
    whole = {
        month: sum((each.get(month, Decimal(0)) for each in amounts.values()), Decimal(0))
        for month in shown
    }
    rows.append(replace(_heat_row(view, say("All clients"), whole), is_strong=True))
    name, plan = _plan(view, shown)
    if plan:
        rows.append(_heat_row(view, name, plan))
    agreed = _agreed(view, shown)
    if any(agreed.values()):
        rows.append(_heat_row(view, say("From agreements, on top"), agreed))
    width = 72 // (len(months) + 1)
    first_expected = view.variant.month.plus(1)
    columns = (
        Column(say("Client"), 100 - width * (len(months) + 1)),
        *(
            Column(language.short_month(month), width, True, opens=month == first_expected)
            for month in months
        ),
        Column(say("Total"), width, True),
    )
    hidden = len(totals) - len(largest)
    note = say(
        "Booked up to the line, expected after it: open amounts times their chance. The darker, the more. Deals that nobody has created yet are not in it."
    )
    if hidden:
        note += " " + language.say_many(
            "{n} more client is in the attached client_phasing.csv.",
            "{n} more clients are in the attached client_phasing.csv.",
            hidden,
        )
    return Section(
        "clients",
        say("Which clients, and when"),
        _clients_answer(view, [totals[account] for account in largest], totals),
        tables=(Table(columns, tuple(rows), note=note),),
        stays_together=True,
    )


def _months(view: View) -> list[Month]:
    """Return the months that are shown: the report's, two before it and those to come."""
    return [view.variant.month.plus(n) for n in range(-2, MONTHS_OF_CLIENTS + 1 - 2)]


def _heat_row(
    view: View, name: str, amounts: Mapping[str, Decimal], highest: Decimal | None = None
) -> Row:
    """Return amounts by month with their sum, each shaded by its part of the highest where there is one."""
    by_month = [amounts.get(str(month), Decimal(0)) for month in _months(view)]
    cells = [
        view.variant.short(amount) if amount else formats.EMPTY
        for amount in (*by_month, sum(by_month, Decimal(0)))
    ]
    if not highest or highest < 0:
        return Row((formats.printable(name), *cells))
    shades = (max(0, ceil(SHADES * amount / highest)) for amount in by_month)
    return Row((formats.printable(name), *cells), shades=(0, *shades, 0))


def _plan(view: View, shown: Collection[str]) -> tuple[str, dict[str, Decimal]]:
    """Return what the months are held against: what clients were planned with, else the phased target."""
    rows = [row for row in view.data.bottom_up() if row["month"] in shown]
    if any(row["client_plans"] is not None for row in rows):
        plans = {row["month"]: row["client_plans"] or Decimal(0) for row in rows}
        return view.language.say("Client plans"), plans
    return view.language.say("Phased target"), {
        row["month"]: row["baseline_target"] for row in rows if row["baseline_target"]
    }


def _agreed(view: View, shown: Collection[str]) -> dict[str, Decimal]:
    """Return what retainers and framework agreements bring in the months, which is no booking of theirs."""
    found: dict[str, Decimal] = {}
    for row in view.data.client_rows:
        if row["month"] in shown:
            found[row["month"]] = found.get(row["month"], Decimal(0)) + row["agreed"]
    return found


def _clients_answer(view: View, largest: Sequence[Decimal], totals: Mapping[str, Decimal]) -> str:
    """Say how much hangs on the few largest clients."""
    whole, first = sum(totals.values(), Decimal(0)), sum(largest[:FEW], Decimal(0))
    if len(totals) <= FEW or whole <= 0 or any(amount < 0 for amount in totals.values()):
        return view.language.say("What the largest clients bring by month, booked and expected.")
    return view.language.say(
        "The {n} largest of {all} clients bring {pct} of what is booked or expected in these months.",
        n=FEW,
        all=view.language.count(len(totals)),
        pct=view.language.share(float(first / whole)),
    )


def agreements(view: View) -> Section | None:
    """Return retainers and framework agreements, and what they bring beside bookings; none where there are none."""
    rows = view.data.work.agreements(view.grain, view.grain_id)
    if not rows:
        return None
    say, short = view.language.say, view.variant.short
    coming = sum((row["backlog"] for row in rows), Decimal(0))
    answer = say(
        "Retainers and framework agreements bring {amount} in the next twelve months, on top of bookings.",
        amount=short(coming),
    )
    ending = [row for row in rows if _is_ending(view, row)]
    if len(ending) == 1:
        more = say(
            "{agreement} with {client} ends on {day}: agree now on what follows.",
            agreement=formats.printable(ending[0]["agreement"]),
            client=formats.printable(ending[0]["account_name"]),
            day=view.language.day(ending[0]["end_date"]),
        )
        answer = f"{answer} {more}"
    elif ending:
        more = say(
            "{n} agreements (in bold) end within 90 days: agree now on what follows.",
            n=view.language.count(len(ending)),
        )
        answer = f"{answer} {more}"
    return Section(
        "agreements",
        say("Retainers and framework agreements"),
        answer,
        tables=(_agreement_table(view, rows),),
        stays_together=True,
    )


def _is_ending(view: View, row: Record) -> bool:
    today = view.variant.rules.calendar.today(view.variant.month)
    return row["end_date"] is not None and (row["end_date"] - today).days < HORIZON_DAYS


def _agreement_table(view: View, rows: Sequence[Record]) -> Table:
    """Return agreements, those that end first before others, and those without an end last."""
    say, language, money = view.language.say, view.language, view.variant.money
    order = sorted(
        rows, key=lambda row: (row["end_date"] or date.max, -row["backlog"], row["account_name"])
    )
    printed = [
        Row(
            (
                formats.printable(row["account_name"]),
                formats.printable(row["agreement"]),
                money(row["monthly_amount"]),
                money(row["backlog"]),
                say("no end") if row["end_date"] is None else language.day(row["end_date"]),
                language.count(row["open_deals"]) if row["open_deals"] else formats.EMPTY,
            ),
            is_strong=_is_ending(view, row),
        )
        for row in order[:MOST_AGREEMENTS]
    ]
    columns = (
        Column(say("Client"), 28),
        Column(say("Agreement"), 20),
        Column(say("Per month"), 12, is_number=True),
        Column(say("Next 12 months"), 14, is_number=True),
        Column(say("Ends"), 14),
        Column(say("Open deals"), 12, is_number=True),
    )
    hidden = len(rows) - len(printed)
    note = (
        language.say_many(
            "{n} more agreement is in the attached client_agreements.csv.",
            "{n} more agreements are in the attached client_agreements.csv.",
            hidden,
        )
        if hidden
        else ""
    )
    return Table(columns, tuple(printed), note=note)
