"""The weekly flash: one page for the company, each team and each person about the month that is running.

Put here what the page says. Every number on it comes from a table of the day.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
from markupsafe import Markup

from reports.document.document import (
    Column,
    MonthEndReport,
    Row,
    Section,
    Statement,
    Table,
    Tile,
    Variant,
)
from reports.document.month_tables import Record, records
from reports.document.view import period_words
from reports.month_end import AUDIENCES, labels_of
from reports.sections.flash_landing import landings, record_of
from reports.text import formats
from reports.text.i18n import language, marked
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus

# So that a page is one sheet.
MOST_OF_GROUP, MOST_WITH_FORECAST, MOST_NAMED, MOST_AWAY = (8, 4, 4), (6, 3, 3), 1, 6
KINDS = {
    GrainKind.COMPANY: marked("Weekly flash of the company"),
    GrainKind.TEAM: marked("Weekly flash of a team"),
    GrainKind.PERSON: marked("Weekly flash of a person"),
}
GROUPS = (
    marked("Can be confirmed this month"),
    marked("Wait and protect"),
    marked("Re-date or close"),
)
# Changes of deals, in the order in which they matter to a reader.
CHANGES: dict[str, str] = {
    "won": marked("Won"),
    "lost": marked("Lost"),
    "new": marked("New"),
    "slipped": marked("Slipped"),
    "pushed": marked("Pushed"),
    "pulled_in": marked("Pulled in"),
    "amount": marked("Amount changed"),
    "reopened": marked("Reopened"),
}


@dataclass(frozen=True)
class FlashTables:
    """The tables of a day, under the names of the month's; `coming_month` is that of the month end before: the number of the month that runs."""

    opportunity_snapshot: pd.DataFrame
    phased_targets: pd.DataFrame
    target_attainment: pd.DataFrame
    pipeline_coverage: pd.DataFrame
    closing_plan: pd.DataFrame
    deal_changes: pd.DataFrame
    landing_forecast: pd.DataFrame
    coming_month: pd.DataFrame
    leave: pd.DataFrame

    def named(self) -> dict[str, pd.DataFrame]:
        """Return them by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}


@dataclass(frozen=True)
class _Day:
    """What all pages of a day are made from; deals have their names, owners and teams."""

    day: date
    before: date
    attained: Mapping[tuple[str, str], Mapping[str, Record]]
    covered: Mapping[tuple[str, str], Mapping[str, Record]]
    landed: Mapping[tuple[str, str], Mapping[str, Record]]
    numbers: Mapping[tuple[str, str], Decimal]
    due: Sequence[Record]
    changed: Sequence[Record]
    away: Sequence[Record]


def flash_reports(
    tables: FlashTables, day: date, before: date, variant: Variant
) -> Iterator[MonthEndReport]:
    """Yield the company's page, one for each team, and one for each person with a target or an open deal in the quarter."""
    snapshot, due = tables.opportunity_snapshot, tables.closing_plan["opportunity_id"]
    named = ["name", "account_name", "owner_name", "team"]
    # Of many deals only those that are due are told.
    told = snapshot.loc[snapshot["opportunity_id"].isin(due), ["opportunity_id", *named]]
    deals = {row["opportunity_id"]: row for row in records(told)}
    known = _Day(
        day,
        before,
        _by_grain(tables.target_attainment, "period_kind"),
        _by_grain(tables.pipeline_coverage, "period"),
        _by_grain(tables.landing_forecast, "period_kind"),
        {
            (row["grain"], row["grain_id"]): row["number"]
            for row in records(tables.coming_month)
            if row["month"] == str(variant.month)
        },
        [
            row | {name: deals[row["opportunity_id"]][name] for name in named}
            for row in records(tables.closing_plan)
        ],
        records(tables.deal_changes),
        records(tables.leave),
    )
    people = [each[["owner_id", "owner_name"]] for each in (tables.phased_targets, snapshot)]
    whole = pd.concat(people).drop_duplicates("owner_id", keep="last")
    owners = {row["owner_id"]: row["owner_name"] for row in records(whole)}
    for grain, grain_id in sorted(known.attained, key=_order):
        page = _Page(known, variant, grain, grain_id, owners.get(grain_id, grain_id))
        if grain != GrainKind.PERSON or page.number or page.late or page.this_month:
            yield page.report()


def _order(grain: tuple[str, str]) -> tuple[int, str]:
    return [*KINDS].index(GrainKind(grain[0])), grain[1]


def _by_grain(table: pd.DataFrame, key: str) -> dict[tuple[str, str], dict[str, Record]]:
    found: dict[tuple[str, str], dict[str, Record]] = {}
    for row in records(table):
        found.setdefault((row["grain"], row["grain_id"]), {})[row[key]] = row
    return found


class _Page:
    """One page: of the company, a team or a person."""

    def __init__(self, known: _Day, variant: Variant, grain: str, grain_id: str, name: str) -> None:
        code = variant.rules.policy.brand.of_team(grain_id).languages[0]
        self._known, self._variant = known, replace(variant, language=language(code))
        self._grain, self._grain_id, self._name = grain, grain_id, name
        self._say, self._short = self._variant.language.say, self._variant.short
        calendar, month = variant.rules.calendar, variant.month
        self._end = calendar.last_day(month)
        self._quarter = calendar.quarter_of(month).name
        self.due = [row for row in known.due if self._is_mine(row)]
        self.late = [row for row in self.due if row["days_overdue"]]
        # Open deals that are due until the month's end and not overdue.
        self.this_month = [
            row for row in self.due if not row["days_overdue"] and row["close_date"] <= self._end
        ]
        month = known.attained[grain, grain_id][PeriodKind.MONTH]
        # Whoever had no number at the month end before is held to the plan.
        self.number: Decimal = known.numbers.get((grain, grain_id), month["target"])

    def _is_mine(self, row: Record) -> bool:
        if self._grain == GrainKind.COMPANY:
            return True
        return row["team" if self._grain == GrainKind.TEAM else "owner_id"] == self._grain_id

    def report(self) -> MonthEndReport:
        """Return the page."""
        variant, say, language_ = self._variant, self._say, self._variant.language
        last = self._known.day - timedelta(days=1)
        calendar = variant.rules.calendar
        return MonthEndReport(
            kind=self._grain,
            grain_id=self._grain_id,
            kind_name=say(KINDS[GrainKind(self._grain)]),
            title=formats.printable(
                variant.rules.company if self._grain == GrainKind.COMPANY else self._name
            ),
            subtitle=say(
                "{month} to date, as of the end of {day}; figures in {currency}",
                month=language_.month_name(variant.month),
                day=language_.day(last),
                currency=variant.rules.currency,
            ),
            audience=say(AUDIENCES[GrainKind(self._grain)]),
            company=formats.printable(variant.theme.name or variant.rules.company),
            month=variant.month,
            month_name=language_.month_name(variant.month),
            created=calendar.as_of(variant.month).strftime("%Y-%m-%dT%H:%M:%SZ"),
            last_day=last,
            is_demo=variant.is_demo,
            is_preview=False,
            language=language_,
            variant="",
            theme=variant.theme,
            labels=labels_of(language_),
            statements=tuple(self._statements()),
            actions=(),
            tiles=tuple(self._tiles()),
            sections=(self._deals(), self._changes()),
            is_sheet=True,
        )

    def _row(self, kind: str) -> Record:
        return self._known.attained[self._grain, self._grain_id][kind]

    def _statements(self) -> Iterator[Statement]:
        month, say, short = self._row(PeriodKind.MONTH), self._say, self._short
        name = self._variant.language.month_name(self._variant.month)
        number, booked = self.number, month["bookings"]
        values = {"month": name, "amount": short(booked), "number": short(number)}
        if number and booked >= number:
            said = say(
                "{month} has booked {amount} so far: its number, {number}, is reached.", **values
            )
        elif number:
            said = say("{month} has booked {amount} of its {number} so far.", **values)
        else:
            said = say("{month} has booked {amount} so far.", **values)
        yield Statement(said, "target_attainment")
        due = _total(self.this_month)
        if due:
            more = say("{open} more is due by the end of the month.", open=short(due))
        else:
            more = say("Nothing more is due by the end of the month.")
        yield Statement(more, "closing_plan")
        missing = number - month["bookings"] - _total(self.this_month)
        if number and missing > 0:
            yield Statement(
                say(
                    "If all of it is confirmed, {amount} is still missing: it must be pulled in from later months or found anew.",
                    amount=short(missing),
                ),
                "closing_plan",
            )
        yield from landings(self._landed(), self._variant)
        yield from self._who_is_away()

    def _landed(self) -> list[tuple[str, Record]]:
        """Return the landing of the month and of the quarter, each as it is called."""
        rows = self._known.landed.get((self._grain, self._grain_id), {})
        names = {
            PeriodKind.MONTH: self._variant.language.month_name(self._variant.month),
            PeriodKind.QUARTER: period_words(self._quarter, self._variant.language),
        }
        return [(name, rows[kind]) for kind, name in names.items() if kind in rows]

    def _who_is_away(self) -> Iterator[Statement]:
        """Say who does not sell on which days that are left of the month."""
        say, day = self._say, self._variant.language.day
        mine = [row for row in self._known.away if self._is_mine(row)]
        if not mine:
            return
        if self._grain == GrainKind.PERSON:
            spans = ", ".join(f"{day(row['first_day'])}–{day(row['last_day'])}" for row in mine)
            yield Statement(say("Leave: {spans}.", spans=spans), "leave")
            return
        named = [
            f"{formats.printable(row['owner_name'])} ({day(row['first_day'])}–{day(row['last_day'])})"
            for row in mine[:MOST_AWAY]
        ]
        left = len(mine) - len(named)
        more = [say("{n} others", n=self._variant.language.count(left))] if left else []
        yield Statement(say("On leave: {names}.", names=", ".join([*named, *more])), "leave")

    def _tiles(self) -> Iterator[Tile]:
        say, short, language_ = self._say, self._short, self._variant.language
        month, quarter = self._row(PeriodKind.MONTH), self._whole_quarter()
        number = self.number
        yield Tile(
            say("{month} to date", month=language_.month_name(self._variant.month)),
            short(month["bookings"]),
            say("of {number}, the number of the month", number=short(number))
            if number
            else say("no target"),
            bool(number) and month["bookings"] < number,
        )
        if quarter is not None:
            yield Tile(
                say("{period} to date", period=period_words(self._quarter, language_)),
                short(quarter["bookings"]),
                say("of {target}", target=short(quarter["target"]))
                if quarter["status"] != TargetStatus.NO_TARGET
                else say("no target"),
            )
        ready = self.this_month
        yield Tile(
            say("Due by the end of the month"),
            short(_total(ready)),
            language_.deals(len(ready)),
        )
        late = self.late
        yield Tile(say("Overdue"), short(_total(late)), language_.deals(len(late)), bool(late))

    def _whole_quarter(self) -> Record | None:
        return self._known.covered.get((self._grain, self._grain_id), {}).get(self._quarter)

    def _deals(self) -> Section:
        say = self._say
        title = say("What closes this month")
        waiting = [row for row in self.due if "protect" in row["flags"].split()]
        kept = {id(row) for row in waiting}
        soon = {id(row) for row in (*self.this_month, *self.late)}
        groups = (
            [row for row in self.this_month if id(row) not in kept],
            [row for row in waiting if id(row) in soon],
            [row for row in self.late if id(row) not in kept],
        )
        record = record_of(self._landed(), self._variant)
        most_of = MOST_WITH_FORECAST if record else MOST_OF_GROUP
        tables = [
            self._deal_table(say(name), group, most)
            for name, group, most in zip(GROUPS, groups, most_of, strict=True)
            if group
        ]
        answer = (
            ""
            if tables
            else say("No open deal is due by the end of the month, and none is overdue.")
        )
        return Section("deals", title, answer=answer, caption=record, tables=tuple(tables))

    def _deal_table(self, title: str, deals: Sequence[Record], most: int) -> Table:
        say, language_ = self._say, self._variant.language
        # The largest ones, in the order in which they are due.
        largest = sorted(deals, key=lambda row: (-(row["amount"] or 0), row["opportunity_id"]))
        rows = sorted(largest[:most], key=lambda row: (row["close_date"], row["opportunity_id"]))
        return Table(
            (
                Column(say("Close date"), 16),
                Column(say("Deal"), 34),
                Column(say("Client"), 20),
                Column(say("Owner"), 16),
                Column(say("Amount"), 14, is_number=True),
            ),
            tuple(
                Row(
                    (
                        language_.day(row["close_date"]),
                        self._variant.record(row["opportunity_id"], row["name"]),
                        formats.printable(row["account_name"] or formats.EMPTY),
                        formats.printable(row["owner_name"]),
                        self._short(row["amount"]) if row["amount"] is not None else formats.EMPTY,
                    )
                )
                for row in rows
            ),
            self._heading(title, deals, len(rows)),
        )

    def _heading(self, title: str, deals: Sequence[Record], shown: int) -> str:
        """Return the name of a group with its size, and that only its largest deals are listed where there are more."""
        say, language_ = self._say, self._variant.language
        size = f"{title}: {self._short(_total(deals))}, {language_.deals(len(deals))}"
        if shown == len(deals):
            return size
        return say("{size}; the {n} largest", size=size, n=language_.count(shown))

    def _changes(self) -> Section:
        say, language_ = self._say, self._variant.language
        title = say("What changed since {day}", day=language_.day(self._known.before))
        mine = [row for row in self._known.changed if self._is_mine(row)]
        rows = [
            self._row_of(say(words), those)
            for change, words in CHANGES.items()
            if (those := [row for row in mine if row["change"] == change])
        ]
        if not rows:
            return Section("changes", title, answer=say("Nothing that was known then has changed."))
        table = Table(
            (
                Column(say("Change"), 16),
                Column(say("Deals"), 8, is_number=True),
                Column(say("Amount"), 12, is_number=True),
                Column(say("The largest"), 64),
            ),
            tuple(rows),
        )
        return Section("changes", title, tables=(table,))

    def _row_of(self, change: str, deals: Sequence[Record]) -> Row:
        """Return how many deals have a change, their amount, and the largest of them by name."""
        largest = sorted(deals, key=lambda row: (-_worth(row), row["opportunity_id"]))
        named = [
            Markup("{} ({})").format(
                self._variant.record(row["opportunity_id"], row["name"]),
                formats.printable(row["owner_name"]),
            )
            for row in largest[:MOST_NAMED]
        ]
        worth = self._short(sum(map(_worth, deals), Decimal(0)))
        count = self._variant.language.count(len(deals))
        return Row((change, count, worth, Markup(", ").join(named)))


def _worth(row: Record) -> Decimal:
    after, before = row["amount_after"], row["amount_before"]
    return after if after is not None else before if before is not None else Decimal(0)


def _total(deals: Sequence[Record]) -> Decimal:
    return sum((row["amount"] or Decimal(0) for row in deals), Decimal(0))
