"""The sections on what is to come: where periods land, how past forecasts did, new pipeline, clients and plans.

Put a question about the future, its answer in a sentence, a figure and tables here. Where there is
too little history, the section says so and shows the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from reports import charts, formats
from reports.document import Column, Row, Section, Table
from reports.grain_tables import Record
from reports.view import View
from sales.calendar import Month
from sales.track_record import FEWEST_SCORED, Score

BANDS = {"secure": "secure", "on_track": "on track", "stretch": "a stretch", "out_of_reach": "out of reach"}
BASELINES = {"stage_weighted": "Stage-weighted", "last_year": "Last year", "three_month_average": "Three months"}
KINDS = {"month": "Month", "quarter": "Quarter", "year": "Year"}
MOST_CLIENTS, MOST_SOURCES, MONTHS_OF_WORK, MONTHS_OF_CLIENTS = 15, 10, 6, 6
PERCENT = 100
RECORD_NOTE = (
    "P50 and baselines: sum of absolute errors / sum of bookings. Inside: outcomes from P10 to P90, eight in ten if the ranges are right. "
    "Brier: mean squared error of the chance to hit, beside that of always saying the mean; smaller is better."
)
# Below this, a difference in error is no difference.
SAME = 0.005
# Ranges from P10 to P90 that hold less, or more, than so many outcomes are named.
TOO_NARROW, TOO_WIDE = 0.70, 0.95


def landing(view: View) -> Section:
    """Return where the month, the quarters and the year to come land."""
    rows = view.landings()
    money = view.edition.money
    forecast = [row for row in rows if row["method"] == "model"]
    if not forecast:
        return _landing_without_history(view, rows)
    held = [row for row in forecast if row["target"] > 0]
    printed = [
        Row((
            _named(row["period"]), money(row["bookings"]), money(row["p10"]), money(row["p50"]), money(row["p90"]),
            money(row["target"]) if row["target"] else formats.EMPTY, chance(row["hit_probability"]), BANDS.get(row["band"], formats.EMPTY),
        ), is_strong=row["period_kind"] == "year")
        for row in rows
        if row["target"] or not held
    ]  # fmt: skip
    columns = (
        Column("", 16), Column("Booked", 12, True), Column("P10", 12, True), Column("P50", 12, True), Column("P90", 12, True),
        Column("Target", 13, True), Column("Chance", 9, True), Column("", 14),
    )  # fmt: skip
    bars = [
        (
            _named(row["period"]),
            _of_target(row, "bookings"),
            _of_target(row, "p10"),
            _of_target(row, "p50"),
            _of_target(row, "p90"),
            chance(row["hit_probability"]),
        )
        for row in held
    ]
    figure = charts.landing_ranges(bars, view.edition.palette) if bars else None
    caption = "In percent of each target. Solid: booked. Pale: from P10 to P90, eight in ten landings. Tick: P50. Dashed: the target."
    return Section(
        "Where it lands", _landing_answer(view, held), figure, caption if bars else "", (), (Table(columns, tuple(printed)),), stays_together=True
    )


def margin_sentence(view: View) -> str:
    """Return how much of the coming month may be missed with the year still on track, empty where nobody can say."""
    rows = [row for row in view.landings() if row["period_kind"] == "year" and row["margin"] is not None]
    if not rows:
        return ""
    row, month = rows[0], formats.month_name(view.edition.month.plus(1))
    coming = next((each["target"] for each in view.landings() if each["period_kind"] == "month"), None)
    if row["margin"] < 0:
        return f"Meeting the target of {month} alone does not put the year on track: it takes {view.edition.short(-row['margin'])} more."
    if coming is not None and row["margin"] >= coming:
        return f"Even a {month} without a booking leaves the year on track."
    return f"You can miss {month} by {view.edition.short(row['margin'])} and the year is still on."


def track_record(view: View, scores: Sequence[Score]) -> Section:
    """Return how past forecasts did beside naive baselines."""
    mine = [score for score in scores if score.grain == view.grain]
    title = "How good were earlier forecasts"
    if not mine:
        return Section(title, "There is too little history to judge forecasts: no claim is made, and the baselines stand beside every number.")
    rows = [
        Row((
            f"{KINDS[score.kind]}: {score.forecasts} forecasts of {score.periods} {score.kind}s", _share(score.wape), *(_share(score.baselines.get(name)) for name in BASELINES),
            _share(score.inside), _number(score.brier), _number(score.brier_baseline),
        ))
        for score in mine
    ]  # fmt: skip
    columns = (
        Column("", 31), Column("P50", 8, True), *(Column(name, 13, True) for name in BASELINES.values()),
        Column("Inside", 8, True), Column("Brier", 7, True), Column("Mean", 7, True),
    )  # fmt: skip
    reliability = [
        Row((KINDS[score.kind], _share(said), _share(came), str(number)))
        for score in mine
        if score.periods >= FEWEST_SCORED
        for said, came, number in score.reliability
    ]
    tables = [Table(columns, tuple(rows), note=RECORD_NOTE)]
    if reliability:
        kept = (Column("Chance to hit", 40), Column("Said", 20, True), Column("Came", 20, True), Column("Forecasts", 20, True))
        tables.append(Table(kept, tuple(reliability), title="What was said, and how often it came"))
    return Section(title, _record_answer(mine), tables=tuple(tables), stays_together=True)


def generation(view: View) -> Section | None:
    """Return new pipeline by lead source against what the targets need of it; none where nothing was created."""
    rows = [row for row in view.data.generation() if row["created"] is not None]
    if not rows:
        return None
    lately = {str(view.edition.month.plus(-n)) for n in range(3)}
    sources: dict[str, list[Record]] = {}
    for row in rows:
        sources.setdefault(row["source"], []).append(row)
    lines = [(source, *_generated(each, lately)) for source, each in sources.items()]
    lines.sort(key=lambda line: (-line[1], line[0]))
    money = view.edition.money
    printed = [
        Row((
            formats.printable(source), money(created), money(required), _share(float(created / required)) if required else formats.EMPTY,
            _share(first["conversion"]), formats.EMPTY if first["lead_months"] is None else f"{first['lead_months']:.1f}",
        ))
        for source, created, required, first in lines[:MOST_SOURCES]
    ]  # fmt: skip
    columns = (
        Column("Lead source", 28), Column("Created in 3 months", 18, True), Column("Needed", 16, True), Column("of needed", 12, True),
        Column("Converts", 12, True), Column("Lead, months", 14, True),
    )  # fmt: skip
    created = sum((line[1] for line in lines), Decimal(0))
    required = [line[2] for line in lines if line[2] is not None]
    answer = f"{view.edition.short(created)} of new pipeline was created in the last three months."
    if required and sum(required):
        need = sum(required, Decimal(0))
        answer = f"{view.edition.short(created)} of new pipeline was created in the last three months; the targets that it serves need {view.edition.short(need)}."
    ahead = _needed_next(view)
    note = f"Needed of the next month, after what is booked and open: {view.edition.short(ahead)}." if ahead is not None else ""
    return Section("Is enough new pipeline created", answer, tables=(Table(columns, tuple(printed), note=note),), stays_together=True)


def clients(view: View) -> Section | None:
    """Return bookings and expected confirmations of the largest clients by month; none without clients."""
    months = [view.edition.month.plus(n) for n in range(-2, MONTHS_OF_CLIENTS + 1 - 2)]
    cells = view.data.client_months()
    totals: dict[str, Decimal] = {}
    for (account, month), (booked, expected) in cells.items():
        if month in {str(each) for each in months}:
            totals[account] = totals.get(account, Decimal(0)) + booked + (expected or Decimal(0))
    if not any(totals.values()):
        return None
    largest = sorted(totals, key=lambda account: (-totals[account], account))[:MOST_CLIENTS]
    rows = [
        Row((formats.printable(view.data.account_name(account)), *(_client_cell(view, cells.get((account, str(month)))) for month in months)))
        for account in largest
    ]
    width = 70 // len(months)
    columns = (Column("Client", 100 - width * len(months)), *(Column(formats.short_month(month), width, True) for month in months))
    hidden = len(totals) - len(largest)
    note = "Booked up to the month of this report; from then on expected: open amounts times their chance."
    note += f" {hidden} more clients are in the table client_phasing." if hidden else ""
    answer = "What the largest clients bring by month, booked and expected."
    return Section("Which clients, and when", answer, tables=(Table(columns, tuple(rows), note=note),), stays_together=True)


def delivery(view: View) -> Section | None:
    """Return the days of work that follow, and when people must be drafted in; none where no effort is known."""
    days = view.data.delivery_days()
    if not days:
        return None
    rules = view.edition.rules.policy.clients
    limit, each = rules.capacity_days, float(rules.days_per_person)
    months = [view.edition.month.plus(n) for n in range(1, MONTHS_OF_WORK + 1)]
    short = {month: 0 if limit is None else max(0, ceil((days.get(str(month), 0.0) - float(limit)) / each)) for month in months}
    rows = [
        Row((
            formats.month_name(month), f"{days.get(str(month), 0.0):,.0f}", formats.EMPTY if limit is None else f"{limit:,.0f}",
            formats.EMPTY if limit is None else formats.count(short[month]),
        ))
        for month in months
    ]  # fmt: skip
    columns = (Column("Month", 40), Column("Days of work", 20, True), Column("Capacity", 20, True), Column("People to draft in", 20, True))
    first = next((month for month in months if short[month]), None)
    answer = "The work that is won and expected fits into the capacity." if limit is not None else "Days of work that are won and expected."
    if first:
        answer = f"From {formats.month_name(first)} on the work exceeds the capacity: {short[first]} more {'person is' if short[first] == 1 else 'people are'} needed by then."
    note = "Days of won deals, and of open deals times their chance, over the months of service."
    return Section("The work that follows", answer, tables=(Table(columns, tuple(rows), note=note),), stays_together=True)


def plans(view: View) -> Section | None:
    """Return over-assignment and the view from below, where either is stated."""
    padding = [row for row in view.data.padding() if row["stated"] is not None]
    below = [row for row in view.data.bottom_up() if row["client_plans"] is not None]
    money = view.edition.money
    tables: list[Table] = []
    if padding:
        rows = [
            Row(
                (
                    formats.printable(row["grain_id"]),
                    money(row["assigned"]),
                    money(row["stated"]),
                    money(row["padding"]),
                    formats.pct(row["padding_pct"]),
                )
            )
            for row in padding
        ]
        named = ("Assigned to people", "Stated", "Padding", "of stated")
        tables.append(Table((Column("", 32), *(Column(name, 17, True) for name in named)), tuple(rows), title="Over-assignment"))
    if below:
        rows = [
            Row(
                (
                    formats.month_name(Month.parse(row["month"])),
                    *(money(row[name]) for name in ("baseline_target", "client_plans", "difference", "bookings", "expected")),
                )
            )
            for row in below
        ]
        named = ("Phased target", "Client plans", "Difference", "Booked", "Expected")
        tables.append(Table((Column("Month", 25), *(Column(name, 15, True) for name in named)), tuple(rows), title="From below: plans of clients"))
    return Section("The plan from above and from below", tables=tuple(tables)) if tables else None


def phasing_remarks(view: View) -> tuple[str, ...]:
    """Return what is known of a person's phasing: what it rests on, and whether it forgives two bad months."""
    said: list[str] = []
    season = view.data.season(view.grain_id)
    if season is not None:
        evidence, deals = season
        seen = f"The months follow the season of {formats.count(deals)} won deals with a weight of {evidence:.0%}; the rest is even."
        said.append(seen if evidence else f"The months are even: {formats.count(deals)} won deals show no season beyond chance.")
    check = view.data.phasing_check(view.grain_id)
    if check is not None and check["catch_up_chance"] is not None:
        said.append(f"After two missed months, what is missing still fits under the limit with a chance of {check['catch_up_chance']:.0%}.")
        if not check["keeps_floor"]:
            said.append(f"Policy asks for {check['floor']:.0%}; these weights would keep it: {check['proposed_weights']}.")
    return tuple(said)


def _landing_answer(view: View, held: Sequence[Record]) -> str:
    year = next((row for row in held if row["period_kind"] == "year"), None)
    if year is None:
        return "There is no target for the periods to come; the ranges stand by themselves."
    short = view.edition.short
    answer = (
        f"{year['period']} lands between {short(year['p10'])} and {short(year['p90'])} in eight of ten cases: "
        f"the chance to reach {short(year['target'])} is {chance(year['hit_probability'])}, {BANDS[year['band']]}."
    )
    return " ".join(part for part in (answer, margin_sentence(view)) if part)


def _landing_without_history(view: View, rows: Sequence[Record]) -> Section:
    money = view.edition.money
    printed = [
        Row((_named(row["period"]), money(row["bookings"]), *(money(row[name]) for name in BASELINES), money(row["target"])))
        for row in rows
        if row["method"] != "over"
    ]
    columns = (Column("", 20), Column("Booked", 16, True), *(Column(name, 16, True) for name in BASELINES.values()), Column("Target", 16, True))
    answer = (
        "There is too little history for a forecast: under six closed months, or too few decided deals. These are plain baselines, not forecasts."
    )
    return Section("Where it lands", answer, tables=(Table(columns, tuple(printed)),) if printed else ())


def _record_answer(scores: Sequence[Score]) -> str:
    month = next((score for score in scores if score.kind == "month"), scores[0])
    return " ".join(part for part in (_error_words(month), _range_words(month)) if part)


def _error_words(score: Score) -> str:
    if not score.baselines:
        return "There is nothing yet to compare forecasts with."
    best = min(score.baselines, key=lambda name: score.baselines[name])
    gap = score.baselines[best] - score.wape
    off = f"Forecasts of the {score.kind} were off by {_share(score.wape)}"
    if gap > SAME:
        return f"{off}, the best naive baseline ({BASELINES[best].lower()}) by {_share(score.baselines[best])}."
    if gap < -SAME:
        return f"{off}; {BASELINES[best].lower()} did better, with {_share(score.baselines[best])}: trust the baseline more."
    return f"{off}, no better than {BASELINES[best].lower()}."


def _range_words(score: Score) -> str:
    """Return whether ranges that are to hold eight in ten outcomes do."""
    if score.inside < TOO_NARROW:
        return f"Their ranges were too narrow: {_share(score.inside)} of what came lay inside, where 80% should."
    return f"Their ranges were wider than needed: {_share(score.inside)} of what came lay inside." if score.inside > TOO_WIDE else ""


def _generated(rows: Sequence[Record], lately: set[str]) -> tuple[Decimal, Decimal | None, Record]:
    recent = [row for row in rows if row["month"] in lately]
    needed = [row["required"] for row in recent if row["required"] is not None]
    created = sum((row["created"] for row in recent), Decimal(0))
    return created, sum(needed, Decimal(0)) if needed else None, rows[0]


def _needed_next(view: View) -> Decimal | None:
    coming = str(view.edition.month.plus(1))
    rows = [row["required"] for row in view.data.generation() if row["month"] == coming and row["required"] is not None]
    return sum(rows, Decimal(0)) if rows else None


def _client_cell(view: View, cell: tuple[Decimal, Decimal | None] | None) -> str:
    if cell is None:
        return formats.EMPTY
    amount = cell[0] + (cell[1] or Decimal(0))
    return view.edition.short(amount) if amount else formats.EMPTY


def _named(period: str) -> str:
    return period if period.startswith("FY") else formats.month_name(Month.parse(period))


def _of_target(row: Record, name: str) -> float:
    return float(row[name] / row["target"]) * PERCENT


def chance(value: float | None) -> str:
    """Return a chance in whole percent; never quite certain unless it is."""
    if value is None:
        return formats.EMPTY
    if 0 < value < 0.01:  # noqa: PLR2004  # one percent
        return "<1%"
    return ">99%" if 0.99 < value < 1 else f"{value:.0%}"  # noqa: PLR2004


def _share(value: float | None) -> str:
    return formats.EMPTY if value is None or value != value else f"{value:.0%}"  # noqa: PLR0124  # NaN


def _number(value: float | None) -> str:
    return formats.EMPTY if value is None else f"{value:.2f}"
