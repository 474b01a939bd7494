"""The sections on clients: what they bring by month, their agreements, and the plan from above and from below."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from math import ceil

from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.text import formats
from sales.calendar import Month
from sales.forecast.closing_plan import HORIZON_DAYS
from sales.vocabulary import GrainKind

MOST_CLIENTS, MONTHS_OF_CLIENTS, SHADES = 15, 6, 5


def clients(view: View) -> Section | None:
    """Return bookings and expected confirmations of the largest clients by month, as a heat map; none without clients."""
    say, language = view.language.say, view.language
    months = [view.variant.month.plus(n) for n in range(-2, MONTHS_OF_CLIENTS + 1 - 2)]
    cells = view.data.client_months()
    totals: dict[str, Decimal] = {}
    for (account, month), (booked, expected) in cells.items():
        if month in {str(each) for each in months}:
            totals[account] = totals.get(account, Decimal(0)) + booked + (expected or Decimal(0))
    if not any(totals.values()):
        return None
    largest = sorted(totals, key=lambda account: (-totals[account], account))[:MOST_CLIENTS]
    amounts = {
        account: [_client_amount(cells.get((account, str(month)))) for month in months]
        for account in largest
    }
    highest = max(amount for each in amounts.values() for amount in each)
    rows = [
        Row(
            (
                formats.printable(view.data.account_name(account)),
                *(
                    view.variant.short(amount) if amount else formats.EMPTY
                    for amount in amounts[account]
                ),
            ),
            shades=(
                0,
                *(
                    max(0, ceil(SHADES * amount / highest)) if highest > 0 else 0
                    for amount in amounts[account]
                ),
            ),
        )
        for account in largest
    ]
    width = 70 // len(months)
    columns = (
        Column(say("Client"), 100 - width * len(months)),
        *(Column(language.short_month(month), width, True) for month in months),
    )
    hidden = len(totals) - len(largest)
    note = say(
        "Booked up to the month of this report; from then on expected: open amounts times their chance. The darker, the more."
    )
    note += (
        " "
        + language.say_many(
            "{n} more client is in the attached client_phasing.csv.",
            "{n} more clients are in the attached client_phasing.csv.",
            hidden,
        )
        if hidden
        else ""
    )
    answer = say("What the largest clients bring by month, booked and expected.")
    return Section(
        "clients",
        say("Which clients, and when"),
        answer,
        tables=(Table(columns, tuple(rows), note=note),),
        stays_together=True,
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
    tables = [_agreement_table(view, rows)]
    if view.grain == GrainKind.COMPANY:
        tables.insert(0, _beside_bookings(view))
    return Section(
        "agreements",
        say("Retainers and framework agreements"),
        answer,
        tables=tuple(tables),
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
        for row in order[:MOST_CLIENTS]
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


def _beside_bookings(view: View) -> Table:
    """Return the company's months: what is booked or expected, and what agreements bring."""
    say, short = view.language.say, view.variant.short
    months = [view.variant.month.plus(n) for n in range(-2, MONTHS_OF_CLIENTS + 1 - 2)]
    named = {
        "bookings": say("Booked"),
        "expected": say("Expected from open deals"),
        "agreed": say("From agreements"),
    }
    sums = {name: dict.fromkeys(map(str, months), Decimal(0)) for name in named}
    for row in view.data.client_rows:
        for name, by_month in sums.items():
            if row["month"] in by_month:
                by_month[row["month"]] += row[name] or Decimal(0)
    rows = [
        Row(
            (
                label,
                *(
                    short(sums[name][str(month)]) if sums[name][str(month)] else formats.EMPTY
                    for month in months
                ),
            )
        )
        for name, label in named.items()
    ]
    width = 70 // len(months)
    return Table(
        (
            Column(say("By month"), 100 - width * len(months)),
            *(Column(view.language.short_month(month), width, True) for month in months),
        ),
        tuple(rows),
    )


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
                title=say("Over-assignment"),
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
    return (
        Section("plans", say("The plan from above and from below"), tables=tuple(tables))
        if tables
        else None
    )


def _client_amount(cell: tuple[Decimal, Decimal | None] | None) -> Decimal:
    return Decimal(0) if cell is None else cell[0] + (cell[1] or Decimal(0))
