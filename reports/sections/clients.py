"""The sections on clients: what they bring by month, the work that follows, and the plan from above and from below."""

from __future__ import annotations

from decimal import Decimal
from math import ceil

from reports.document.document import Column, Row, Section, Table
from reports.document.view import View
from reports.text import formats
from sales.calendar import Month
from sales.forecast.delivery_load import people_needed

MOST_CLIENTS, MONTHS_OF_WORK, MONTHS_OF_CLIENTS, SHADES = 15, 6, 6, 5


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


def delivery(view: View) -> Section | None:
    """Return the days of work that follow, and when people must be drafted in; none where no effort is known."""
    say, language = view.language.say, view.language
    days = view.data.delivery_days()
    if not days:
        return None
    rules = view.variant.rules.policy.clients
    limit, each = rules.capacity_days, float(rules.days_per_person)
    months = [view.variant.month.plus(n) for n in range(1, MONTHS_OF_WORK + 1)]
    short = {
        month: people_needed(
            days.get(str(month), 0.0), None if limit is None else float(limit), each
        )
        for month in months
    }
    rows = [
        Row(
            (
                language.month_name(month),
                language.number(days.get(str(month), 0.0), 0),
                formats.EMPTY if limit is None else language.number(float(limit), 0),
                formats.EMPTY if limit is None else language.count(short[month]),
            )
        )
        for month in months
    ]
    columns = (
        Column(say("Month"), 40),
        Column(say("Days of work"), 20, True),
        Column(say("Capacity"), 20, True),
        Column(say("People to draft in"), 20, True),
    )
    first = next((month for month in months if short[month]), None)
    answer = (
        say("The work that is won and expected fits into the capacity.")
        if limit is not None
        else say("Days of work that are won and expected.")
    )
    if first:
        answer = language.say_many(
            "From {month} on the work exceeds the capacity: {n} more person is needed by then.",
            "From {month} on the work exceeds the capacity: {n} more people are needed by then.",
            short[first],
            month=language.month_name(first),
        )
        peak = max(months, key=lambda month: short[month])
        if short[peak] > short[first]:
            more = say(
                "The peak is {month}, with {n}.", month=language.month_name(peak), n=short[peak]
            )
            answer = f"{answer} {more}"
    note = say(
        "Days of won deals, and of open deals times their chance, over the months of service."
    )
    return Section(
        "delivery",
        say("The work that follows"),
        answer,
        tables=(Table(columns, tuple(rows), note=note),),
        stays_together=True,
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
        )
        tables.append(
            Table(
                (Column(say("Month"), 25), *(Column(name, 15, True) for name in named)),
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
