"""The month's tables as values that are ready to print: one frozen report a document.

Put what a page says here: which numbers, in which words, under which condition. How it
looks is in the templates, how numbers are written in `formats`, lines and bars in `charts`.
Every number comes from a table of the month.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import partial

from markupsafe import Markup

from reports import charts, formats
from reports.charts import Palette
from reports.grain_tables import GrainTables, MonthTables, Record, amount_of
from sales.calendar import Month
from sales.policy import MonthRules
from sales.reconciliation import assumed_share

HORIZON_WEEKS = 13
MOST_DEALS = 40
MOST_DEALS_OF_A_PERSON = 18
MOST_FINDINGS = 15
MOST_POINTS = 4
LARGE_DEALS = 3
MOVEMENTS = (
    ("created", "New", 1), ("moved_in", "Moved in", 1), ("reassigned_in", "Taken over", 1), ("reopened", "Reopened", 1),
    ("increased", "Increased", 1), ("decreased", "Decreased", -1), ("moved_out", "Moved out", -1),
    ("reassigned_out", "Given away", -1), ("won", "Won", -1), ("lost", "Lost", -1), ("deleted", "Deleted", -1),
)  # fmt: skip
FINDINGS = {
    "booking_without_target": "Booked by someone without a target",
    "open_without_amount": "Open without an amount",
    "won_without_amount": "Won without an amount",
    "owner_left": "Open, and the owner has left",
    "owner_unknown": "Owned by nobody we know",
    "booked_later": "Won, booked in a later month",
    "history_assumed": "State assumed: history begins later",
    "text_unprintable": "Names with characters that cannot be printed",
    "owner_assumed": "Owner assumed: changes were not tracked",
    "policy_of_another_year": "Rules of another year are used",
}
DEFINITIONS = (
    "Bookings: won deals with close date in the period, credited to their owner at the month end.",
    "Phased target: the annual target over twelve months. Re-phased: what the months left must bring after misses so far.",
    "Coverage = open pipeline / remaining target of the period; overdue deals are in no period.",
    "Protect: a deal of an existing client that is slow to close. It needs care, not pressure.",
)


@dataclass(frozen=True)
class Column:
    """A column of a printed table; widths of a table add up to 100."""

    label: str
    width: int
    is_number: bool = False


@dataclass(frozen=True)
class Row:
    """A row of printed cells."""

    cells: tuple[str, ...]
    is_strong: bool = False


@dataclass(frozen=True)
class Table:
    """A printed table; `note` says what was left out."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A question, its answer in a sentence, a figure and tables."""

    title: str
    answer: str = ""
    figure: Markup | None = None
    caption: str = ""
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    starts_page: bool = False
    stays_together: bool = False


@dataclass(frozen=True)
class Tile:
    """One headline number."""

    name: str
    value: str
    note: str
    is_short: bool = False


@dataclass(frozen=True)
class MonthEndReport:
    """One document, ready to print."""

    kind: str
    grain_id: str
    kind_name: str
    title: str
    subtitle: str
    audience: str
    company: str
    month: Month
    created: str
    last_day: date
    is_demo: bool
    footer: str
    logo: str | None
    paper: str
    palette: Palette
    sentences: tuple[str, ...]
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Edition:
    """What all documents of a month share."""

    month: Month
    rules: MonthRules
    is_demo: bool
    logo: str | None = None

    @property
    def money(self) -> Callable[[Decimal | None], str]:
        """Amounts in whole units."""
        return partial(formats.money, currency=self.rules.currency)

    @property
    def short(self) -> Callable[[Decimal | None], str]:
        """Amounts in headlines and charts."""
        return partial(formats.short_money, currency=self.rules.currency)

    @property
    def palette(self) -> Palette:
        """The brand's colours."""
        return Palette(self.rules.policy.brand.colour, self.rules.policy.brand.second_colour)


def month_end_reports(tables: MonthTables, edition: Edition) -> list[MonthEndReport]:
    """Return the company pack, a pack for each team, and a page or two for each active person."""
    everything = GrainTables(tables, edition.month, edition.rules)
    company = _company_pack(everything, edition)
    teams = [_team_pack(everything, team, edition) for team in everything.active_teams()]
    people = [_person_page(everything, person, edition) for person in everything.active_people()]
    return [company, *teams, *people]


def _company_pack(everything: GrainTables, edition: Edition) -> MonthEndReport:
    name = edition.rules.company
    view = _View(everything, edition, "company", name)
    sections = [
        view.year(), view.attention(), view.attainment(["team", "person"]), view.coverage(["company", "team"]), view.movement(),
        view.closing(MOST_DEALS), view.overdue(MOST_DEALS), view.quality(),
    ]  # fmt: skip
    return view.report("Company pack", formats.printable(name), "Confidential: management", sections)


def _team_pack(everything: GrainTables, team: str, edition: Edition) -> MonthEndReport:
    view = _View(everything, edition, "team", team)
    sections = [
        view.year(), view.attention(), view.attainment(["person"]), view.coverage(["team"]), view.movement(),
        view.closing(MOST_DEALS), view.overdue(MOST_DEALS_OF_A_PERSON),
    ]  # fmt: skip
    return view.report("Team pack", formats.printable(team), "Confidential: the team and its lead", sections)


def _person_page(everything: GrainTables, person: str, edition: Edition) -> MonthEndReport:
    view = _View(everything, edition, "person", person)
    sections = [view.year(), view.plan(), view.closing(MOST_DEALS_OF_A_PERSON), view.overdue(MOST_DEALS_OF_A_PERSON)]
    title = formats.printable(everything.name_of_person(person))
    return view.report("Personal page", title, "Confidential: the named person", sections)


@dataclass(frozen=True)
class _View:
    """The sections of one document."""

    data: GrainTables
    edition: Edition
    grain: str
    grain_id: str

    def report(self, kind_name: str, title: str, audience: str, sections: Sequence[Section | None]) -> MonthEndReport:
        edition, brand = self.edition, self.edition.rules.policy.brand
        month, calendar = edition.month, edition.rules.calendar
        number = month.index - calendar.year_of(month).first.index + 1
        period = f"{formats.month_name(month)}, month {number} of 12 of {calendar.year_of(month).name}, figures in {edition.rules.currency}"
        return MonthEndReport(
            kind=self.grain,
            grain_id=self.grain_id,
            kind_name=kind_name,
            title=title if self.grain != "company" else f"{title}: sales at month end",
            subtitle=period,
            audience=audience,
            company=formats.printable(brand.name or edition.rules.company),
            month=month,
            created=calendar.as_of(month).strftime("%Y-%m-%dT%H:%M:%SZ"),
            last_day=month.last_day,
            is_demo=edition.is_demo,
            footer=formats.printable(brand.footer) if brand.footer else "",
            logo=edition.logo,
            paper=brand.paper,
            palette=edition.palette,
            sentences=tuple(self.sentences()),
            tiles=tuple(self.tiles()),
            sections=tuple(section for section in sections if section is not None),
        )

    # --- the first lines

    def sentences(self) -> list[str]:
        """What happened and where the year stands, each by its condition."""
        month, year = self.attained("month"), self.attained("year")
        short, said = self.edition.short, []
        name = formats.month_name(self.edition.month)
        if month["status"] == "no_target":
            said.append(f"{name} booked {short(month['bookings'])}; there was no target for it.")
        else:
            said.append(
                f"{name} booked {short(month['bookings'])}, {formats.pct(month['attainment_pct'])} of its target of {short(month['target'])}."
            )
        if year["status"] != "no_target":
            behind = year["variance"] < 0
            said.append(
                f"The year to date stands at {short(year['bookings'])}, {formats.pct(year['attainment_pct'])} of the phased target: "
                f"{short(abs(year['variance']))} {'behind' if behind else 'ahead'}."
            )
        coming = self.next_quarter()
        if coming and coming["status"] == "ok":
            said.append(
                f"For {coming['period']}, {short(coming['open_pipeline'])} is open against {short(coming['remaining_target'])} "
                f"still to win: coverage {formats.ratio(coming['coverage_ratio'])}."
            )
        return said

    def tiles(self) -> list[Tile]:
        year, quarter = self.attained("year"), self.attained("quarter")
        whole, coming = self.covered(self.year_name()), self.next_quarter()
        short = self.edition.short
        at_risk = self.data.at_risk(self.grain, self.grain_id)
        tiles = [
            Tile("Year to date", short(year["bookings"]), f"of {short(year['target'])} phased", year["variance"] < 0),
            Tile(
                "Attainment", formats.pct(year["attainment_pct"]), f"quarter to date {formats.pct(quarter['attainment_pct'])}", year["variance"] < 0
            ),
            Tile("Still to win", short(whole["remaining_target"]), f"of {short(whole['target'])} for {whole['period']}"),
            Tile(
                "Open for the year",
                short(whole["open_pipeline"]),
                f"{formats.count(whole['open_count'])} deals, {formats.ratio(whole['coverage_ratio'])} coverage",
            ),
        ]
        if at_risk > 0:
            tiles.append(Tile("At risk", short(at_risk), "no month left can take it", is_short=True))
        elif coming:
            ratio = coming["coverage_ratio"]
            tiles.append(
                Tile(
                    f"Coverage {_short_period(coming['period'])}",
                    formats.ratio(ratio),
                    _coverage_words(coming),
                    ratio is not None and round(ratio, 1) < 1,
                )
            )
        return tiles

    # --- the sections

    def year(self) -> Section | None:
        plan = self.data.plan(self.grain, self.grain_id)
        if not any(each.baseline for each in plan):
            return Section("The year so far", answer="There is no target for the year, so there is nothing to hold bookings against.")
        done = [each for each in plan if each.month <= self.edition.month]
        target = _running([each.baseline for each in plan])
        booked = _running([each.booked for each in done])
        rest = [each.rephased for each in plan[len(done) :]]
        to_come = [booked[-1] + each for each in _running(rest)] if rest else []
        figure = charts.cumulative(
            [formats.short_month(each.month) for each in plan], target, booked, to_come, self.edition.short, self.edition.palette
        )
        caption = "Dashed steps: phased target. Solid: booked. Dotted: re-phased, what the months left must bring after misses so far."
        return Section("Bookings against the phased target", figure=figure, caption=caption)

    def plan(self) -> Section | None:
        plan = self.data.plan(self.grain, self.grain_id)
        if not any(each.baseline for each in plan):
            return None
        money = self.edition.money
        rows = [
            Row((
                formats.month_name(each.month), money(each.baseline), money(each.rephased),
                money(each.booked) if each.month <= self.edition.month else formats.EMPTY,
                money(each.booked - each.baseline) if each.month <= self.edition.month else formats.EMPTY,
            ), is_strong=each.month == self.edition.month)
            for each in plan
        ]  # fmt: skip
        columns = (
            Column("Month", 28),
            Column("Plan", 18, True),
            Column("Plan after misses", 18, True),
            Column("Booked", 18, True),
            Column("Difference", 18, True),
        )
        at_risk, ahead = self.data.at_risk(self.grain, self.grain_id), self.data.ahead(self.grain, self.grain_id)
        answer = "The months left carry their plan; nothing is missing so far."
        if at_risk > 0:
            answer = f"{self.edition.short(at_risk)} of what is missing fits into no month that is left within the agreed limit: it is at risk, and is not piled on."
        elif ahead > 0:
            answer = f"{self.edition.short(ahead)} ahead of plan: it absorbs later misses and raises no target."
        elif any(each.rephased > each.baseline for each in plan if each.month > self.edition.month):
            answer = "What is missing is spread over the months left, none above the agreed limit."
        return Section("The year, month by month", answer=answer, tables=(Table(columns, tuple(rows)),))

    def attention(self) -> Section | None:
        """What needs attention: each point has a condition, and at most four are printed."""
        points = [
            point for rule in (self._behind, self._overdue_point, self._large_deals, self._protect_point, self._without_amount) for point in rule()
        ]
        return Section("What needs attention", points=tuple(points[:MOST_POINTS])) if points else None

    def attainment(self, grains: Sequence[str]) -> Section:
        rows = [row for grain in grains for row in self._attainment_rows(grain)]
        bars = [(_name(row), row["year"]["attainment_pct"], row["grain"] == "team") for row in rows]
        printed = [
            Row((
                _name(row), self.edition.money(row["month"]["bookings"]), formats.pct(row["month"]["attainment_pct"]),
                self.edition.money(row["year"]["target"]), self.edition.money(row["year"]["bookings"]),
                self.edition.money(row["year"]["variance"]), formats.pct(row["year"]["attainment_pct"]),
            ), is_strong=row["grain"] == "team")
            for row in rows
        ]  # fmt: skip
        columns = (
            Column("", 28), Column("Booked in month", 13, True), Column("of target", 9, True), Column("Target to date", 14, True),
            Column("Booked to date", 14, True), Column("Difference", 13, True), Column("Attained", 9, True),
        )  # fmt: skip
        on_plan = sum(1 for row in rows if row["grain"] == "person" and (row["year"]["attainment_pct"] or 0) >= 100)  # noqa: PLR2004
        people = sum(1 for row in rows if row["grain"] == "person" and row["year"]["status"] != "no_target")
        answer = f"{on_plan} of {people} people with a target are at or above their phased target for the year to date."
        figure = charts.attainment_bars(bars, self.edition.palette)
        return Section(
            "Who is where",
            answer,
            figure,
            "Hatched: below the phased target of the year to date.",
            (),
            (Table(columns, tuple(printed)),),
            starts_page=True,
        )

    def coverage(self, grains: Sequence[str]) -> Section:
        ids = [(grain, each) for grain in grains for each in ([self.grain_id] if grain == self.grain else self.data.active_teams())]
        panels = [
            (
                formats.printable(each),
                [(_short_period(row["period"]), row["coverage_ratio"], _ratio_words(row)) for row in self.data.coverage(grain, each)],
            )
            for grain, each in ids
        ]
        rows = [
            Row((
                formats.printable(each), row["period"], self.edition.money(row["target"]), self.edition.money(row["bookings"]),
                self.edition.money(row["remaining_target"]), self.edition.money(row["open_pipeline"]),
                formats.count(row["open_count"]), _ratio_words(row),
            ), is_strong=grain == "company")
            for grain, each in ids for row in self.data.coverage(grain, each)
        ]  # fmt: skip
        columns = (
            Column("", 20), Column("Period", 12), Column("Target", 13, True), Column("Booked", 12, True), Column("Still to win", 13, True),
            Column("Open", 13, True), Column("Deals", 7, True), Column("Coverage", 10, True),
        )  # fmt: skip
        coming = self.next_quarter()
        answer = ""
        if coming and coming["status"] == "ok":
            enough = round(coming["coverage_ratio"], 1) >= 1
            answer = f"{coming['period']} has {formats.ratio(coming['coverage_ratio'])} coverage: " + (
                "more is open than is still to win." if enough else "even if every open deal were won, the target would be missed."
            )
        caption = "Coverage = open pipeline / remaining target. Dashed line: 1×. Hatched: below it."
        figure = charts.coverage_bars(panels, self.edition.palette)
        return Section("Is there enough in the pipeline", answer, figure, caption, (), (Table(columns, tuple(rows)),), starts_page=True)

    def movement(self) -> Section | None:
        """The quarter in focus: the one that holds the month, or the next where the month ends it."""
        rows = self.data.movement(self.grain, self.grain_id)
        if not rows:
            return None
        focus = next((row for row in rows if row["period"] == self.data.focus_quarter), rows[0])
        steps = [(label, sign * focus[name]) for name, label, sign in MOVEMENTS if focus[name]]
        figure = charts.waterfall(steps, focus["opening"], focus["closing"], self.edition.short, self.edition.palette)
        change = focus["closing"] - focus["opening"]
        answer = f"Open pipeline of {focus['period']} went from {self.edition.short(focus['opening'])} to {self.edition.short(focus['closing'])}: "
        answer += (
            f"{self.edition.short(focus['won'])} was won, {self.edition.short(focus['lost'])} lost, {self.edition.short(focus['created'])} is new."
        )
        if not change and not steps:
            answer = f"Open pipeline of {focus['period']} stayed at {self.edition.short(focus['closing'])}."
        names = ("opening", *(name for name, _, _ in MOVEMENTS), "closing")
        labels = ("Opening", *(label for _, label, _ in MOVEMENTS), "Closing")
        signs = (1, *(sign for _, _, sign in MOVEMENTS), 1)
        printed = [
            Row((label, *(self.edition.money(sign * row[name]) for row in rows)), is_strong=name in {"opening", "closing"})
            for name, label, sign in zip(names, labels, signs, strict=True)
            if name in {"opening", "closing"} or any(row[name] for row in rows)
        ]
        width = 80 // len(rows)
        columns = (Column("", 100 - width * len(rows)), *(Column(row["period"], width, True) for row in rows))
        caption = "Hatched bars reduce the pipeline; green is won business."
        return Section(
            "Why the pipeline changed", answer, figure, caption, (), (Table(columns, tuple(printed)),), starts_page=self.grain == "company"
        )

    def closing(self, most: int) -> Section:
        deals = [deal for deal in self.data.deals(self.grain, self.grain_id) if not deal["days_overdue"]]
        if not deals:
            return Section("Due in the next 90 days", answer="No open deal has its close date in the next 90 days.")
        total = sum((amount_of(deal) for deal in deals), Decimal(0))
        protect = [deal for deal in deals if "protect" in deal["flags"].split()]
        answer = f"{_deals(len(deals))} worth {self.edition.short(total)} have their close date in the next 90 days."
        if protect:
            are = "is a slow deal of an existing client" if len(protect) == 1 else "are slow deals of existing clients"
            answer += f" {len(protect)} of them {are}: protect, do not push."
        figure = charts.weekly_bars(self._weeks(deals), self.edition.short, self.edition.palette)
        shown = sorted(deals, key=lambda deal: (-amount_of(deal), deal["opportunity_id"]))[:most]
        shown.sort(key=lambda deal: (deal["close_date"], -amount_of(deal), deal["opportunity_id"]))
        table = self._deal_table(shown, len(deals), "close date")
        caption = "Close dates as the CRM has them, by week."
        return Section("Due in the next 90 days", answer, figure, caption, (), (table,), starts_page=self.grain != "person")

    def overdue(self, most: int) -> Section | None:
        late = [deal for deal in self.data.deals(self.grain, self.grain_id) if deal["days_overdue"]]
        if not late:
            return None
        total = sum((amount_of(deal) for deal in late), Decimal(0))
        answer = f"{_deals(len(late))} worth {self.edition.short(total)} {'is' if len(late) == 1 else 'are'} open past the close date and in no period: re-date or close {'it' if len(late) == 1 else 'them'}."
        shown = sorted(late, key=lambda deal: (-amount_of(deal), deal["opportunity_id"]))[:most]
        return Section("Slipped and overdue", answer, tables=(self._deal_table(shown, len(late), "amount"),))

    def quality(self) -> Section:
        found = self.data.findings()
        rows: list[Row] = []
        for finding, severity, count, amount in found[:MOST_FINDINGS]:
            rows.append(Row((FINDINGS.get(finding, finding), severity, formats.count(count), self.edition.money(amount))))
        columns = (Column("Finding", 55), Column("Weight", 15), Column("Records", 12, True), Column("Money", 18, True))
        share = assumed_share(self.data.tables.opportunity_snapshot)
        answer = (
            "All of the money is known from history." if not share else f"{float(share) * 100:.1f}% of the money rests on assumed history or owners."
        )
        tables = (Table(columns, tuple(rows)),) if rows else ()
        return Section("How good is the data, and what the words mean", answer, points=DEFINITIONS, tables=tables, stays_together=True)

    # --- points that need attention

    def _behind(self) -> list[str]:
        grain = "team" if self.grain == "company" else "person"
        rows = [row for row in self._attainment_rows(grain) if row["year"]["variance"] < 0 and row["year"]["status"] != "no_target"]
        rows.sort(key=lambda row: row["year"]["variance"])
        return [
            f"{_name(row)} is {self.edition.short(abs(row['year']['variance']))} behind its phased target, at {formats.pct(row['year']['attainment_pct'])}."
            for row in rows[:1]
        ]

    def _overdue_point(self) -> list[str]:
        late = [deal for deal in self.data.deals(self.grain, self.grain_id) if deal["days_overdue"]]
        if not late:
            return []
        total = sum((amount_of(deal) for deal in late), Decimal(0))
        owners = self._most_of(late)
        return [f"{_deals(len(late))} worth {self.edition.short(total)} past their close date count nowhere until re-dated; most belong to {owners}."]

    def _large_deals(self) -> list[str]:
        soon = self.edition.month.plus(1).last_day
        due = [deal for deal in self.data.deals(self.grain, self.grain_id) if not deal["days_overdue"] and deal["close_date"] <= soon]
        due.sort(key=lambda deal: (-amount_of(deal), deal["opportunity_id"]))
        named = [
            f"{formats.printable(deal['account_name'])} ({self.edition.short(amount_of(deal))}, {formats.printable(deal['owner_name'])})"
            for deal in due[:LARGE_DEALS]
        ]
        return [f"Largest due in {formats.month_name(self.edition.month.plus(1))}: {', '.join(named)}."] if named else []

    def _protect_point(self) -> list[str]:
        kept = [deal for deal in self.data.deals(self.grain, self.grain_id) if "protect" in deal["flags"].split()]
        total = sum((amount_of(deal) for deal in kept), Decimal(0))
        return (
            [
                f"{_deals(len(kept))} of existing clients worth {self.edition.short(total)} are slow: protect them, a date is worth less than the client."
            ]
            if len(kept) > 1
            else []
        )

    def _without_amount(self) -> list[str]:
        bare = [deal for deal in self.data.deals(self.grain, self.grain_id) if "no_amount" in deal["flags"].split()]
        return (
            [f"{_deals(len(bare))} due or overdue {'has' if len(bare) == 1 else 'have'} no amount and {'is' if len(bare) == 1 else 'are'} in no sum."]
            if bare
            else []
        )

    # --- lookups

    def attained(self, kind: str) -> Record:
        return self.data.attained(self.grain, self.grain_id)[kind]

    def covered(self, period: str) -> Record:
        return next(row for row in self.data.coverage(self.grain, self.grain_id) if row["period"] == period)

    def year_name(self) -> str:
        return self.edition.rules.calendar.year_of(self.edition.month).name

    def next_quarter(self) -> Record | None:
        rows = self.data.coverage(self.grain, self.grain_id)
        return next((row for row in rows if row["period"] == self.data.focus_quarter), None)

    def _attainment_rows(self, grain: str) -> list[Record]:
        ids = self.data.active_teams() if grain == "team" else self.data.active_people(self.grain_id if self.grain == "team" else None)
        rows: list[Record] = []
        for each in ids:
            attained = self.data.attained(grain, each)
            name = self.data.name_of_person(each) if grain == "person" else each
            rows.append({"grain": grain, "name": name, **attained})
        rows.sort(key=lambda row: (-(row["year"]["attainment_pct"] or -1.0), row["name"]))
        return rows

    def _weeks(self, deals: Sequence[Record]) -> list[tuple[str, Decimal, int]]:
        first = self.edition.month.plus(1).first_day
        weeks: list[tuple[str, Decimal, int]] = []
        for n in range(HORIZON_WEEKS):
            start = first + timedelta(days=7 * n)
            # 90 days are twelve weeks and six days: the last bar is a day short.
            due = [deal for deal in deals if start <= deal["close_date"] < start + timedelta(days=7)]
            total = sum((amount_of(deal) for deal in due), Decimal(0))
            weeks.append((formats.format_date(start, "d MMM", locale=formats.LOCALE), total, len(due)))
        return weeks

    def _deal_table(self, deals: Sequence[Record], all_of_them: int, order: str) -> Table:
        is_person = self.grain == "person"
        columns = [
            Column("Client and deal", 46 if is_person else 37),
            Column("Stage", 16 if is_person else 14),
            Column("Close date", 13 if is_person else 12),
            Column("Amount", 13 if is_person else 12, is_number=True),
        ]
        if not is_person:
            columns.insert(1, Column("Owner", 14))
        columns.append(Column("Note", 100 - sum(column.width for column in columns)))
        rows: list[Row] = []
        for deal in deals:
            cells = [
                _deal_name(deal), formats.printable(deal["stage_name"]), formats.day(deal["close_date"]),
                self.edition.money(deal["amount"]), _note(deal),
            ]  # fmt: skip
            if not is_person:
                cells.insert(1, formats.printable(deal["owner_name"]))
            rows.append(Row(tuple(cells)))
        hidden = all_of_them - len(deals)
        note = f"The {len(deals)} largest, by {order}; {hidden} more are in the table closing_plan." if hidden else ""
        return Table(tuple(columns), tuple(rows), note=note)

    def _most_of(self, deals: Sequence[Record]) -> str:
        totals: dict[str, Decimal] = {}
        for deal in deals:
            totals[deal["owner_name"]] = totals.get(deal["owner_name"], Decimal(0)) + amount_of(deal)
        return formats.printable(max(sorted(totals), key=lambda owner: totals[owner]))


def _name(row: Record) -> str:
    return formats.printable(row["name"])


def _deal_name(deal: Record) -> str:
    client, name = formats.printable(deal["account_name"]), formats.printable(deal["name"])
    return name if name.startswith(client) or client == formats.EMPTY else f"{client}: {name}"


def _note(deal: Record) -> str:
    words: list[str] = []
    if deal["days_overdue"]:
        words.append(f"{deal['days_overdue']} days over")
    if deal["push_count"]:
        words.append(f"pushed {deal['push_count']}×")
    if "protect" in deal["flags"].split():
        words.append("protect")
    return ", ".join(words)


def _deals(number: int) -> str:
    return "1 deal" if number == 1 else f"{formats.count(number)} deals"


def _short_period(period: str) -> str:
    year, _, quarter = period.partition("-")
    return f"{quarter} {year}" if quarter else year


def _ratio_words(row: Record) -> str:
    return {"no_target": "no target", "covered": "covered"}.get(row["status"], formats.ratio(row["coverage_ratio"]))


def _coverage_words(row: Record) -> str:
    words = {"no_target": "no target yet", "covered": "target is covered"}
    return words.get(row["status"], "open / still to win")


def _running(values: Sequence[Decimal]) -> list[Decimal]:
    total, sums = Decimal(0), []
    for value in values:
        total += value
        sums.append(total)
    return sums
