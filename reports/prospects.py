"""The sections on what is to come: where periods land, how past forecasts did, new pipeline, clients and plans.

Put a question about the future, its answer in a sentence, a figure and tables here. Where there is
too little history, the section says so and shows the baseline.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from math import ceil

from reports import charts_ahead, formats
from reports.charts_ahead import Judged, Landing
from reports.document import Column, Row, Section, Table
from reports.grain_tables import Record
from reports.language import marked
from reports.view import View
from sales.calendar import Month
from sales.track_record import FEWEST_SCORED, Score

BANDS = {"secure": marked("secure"), "on_track": marked("on track"), "stretch": marked("a stretch"), "out_of_reach": marked("out of reach")}
BASELINES = {"stage_weighted": marked("Stage-weighted"), "last_year": marked("Last year"), "three_month_average": marked("Three months")}
KINDS = {"month": marked("Month"), "quarter": marked("Quarter"), "year": marked("Year")}
OF_THE = {"month": marked("Forecasts of the month"), "quarter": marked("Forecasts of the quarter"), "year": marked("Forecasts of the year")}
FORECASTS = {
    "month": marked("Month: {forecasts} forecasts of {periods} months"),
    "quarter": marked("Quarter: {forecasts} forecasts of {periods} quarters"),
    "year": marked("Year: {forecasts} forecasts of {periods} years"),
}
MOST_CLIENTS, MOST_SOURCES, MONTHS_OF_WORK, MONTHS_OF_CLIENTS, MONTHS_JUDGED, SHADES = 15, 10, 6, 6, 18, 5
PERCENT = 100
RECORD_NOTE = marked(
    "P50 and baselines: sum of absolute errors / sum of bookings. Inside: outcomes from P10 to P90, eight in ten if the ranges are right. "
    "Brier: mean squared error of the chance to hit, beside that of always saying the mean; smaller is better."
)
# Below this, a difference in error is no difference.
SAME = 0.005
# Ranges from P10 to P90 that hold less, or more, than so many outcomes are named.
TOO_NARROW, TOO_WIDE = 0.70, 0.95


def landing(view: View) -> Section:
    """Return where the month, the quarters and the year to come land."""
    say, language = view.language.say, view.language
    rows = view.landings()
    money = view.edition.money
    forecast = [row for row in rows if row["method"] == "model"]
    if not forecast:
        return _landing_without_history(view, rows)
    held = [row for row in forecast if row["target"] > 0]
    printed = [
        Row((
            _named(view, row["period"]), money(row["bookings"]), money(row["p10"]), money(row["p50"]), money(row["p90"]),
            money(row["target"]) if row["target"] else formats.EMPTY, language.chance(row["hit_probability"]),
            say(BANDS[row["band"]]) if row["band"] else formats.EMPTY,
        ), is_strong=row["period_kind"] == "year")
        for row in rows
        if row["target"] or not held
    ]  # fmt: skip
    columns = (
        Column(say("Period"), 16), Column(say("Booked"), 12, True), Column("P10", 12, True), Column("P50", 12, True), Column("P90", 12, True),
        Column(say("Target"), 13, True), Column(say("Chance"), 9, True), Column(say("Reach"), 14),
    )  # fmt: skip
    bars = [
        Landing(
            _named(view, row["period"]),
            _of_target(row, "bookings"),
            _of_target(row, "p10"),
            _of_target(row, "p50"),
            _of_target(row, "p90"),
            language.chance(row["hit_probability"]),
        )
        for row in held
    ]
    figure = charts_ahead.landing_ranges(bars, view.edition.palette, language) if bars else None
    caption = say("In percent of each target. Solid: booked. Pale: from P10 to P90, eight in ten landings. Tick: P50. Dashed: the target.")
    return Section(
        "landing", say("Where it lands"), _landing_answer(view, held), figure, caption if bars else "", (), (Table(columns, tuple(printed)),),
        starts_page=view.grain == "company", stays_together=True,
    )  # fmt: skip


def margin_sentence(view: View) -> str:
    """Return how much of the coming month may be missed with the year still on track, empty where nobody can say."""
    say = view.language.say
    rows = [row for row in view.landings() if row["period_kind"] == "year" and row["margin"] is not None]
    if not rows:
        return ""
    row, month = rows[0], view.language.month_name(view.edition.month.plus(1))
    coming = next((each["target"] for each in view.landings() if each["period_kind"] == "month"), None)
    if row["margin"] < 0:
        return say(
            "Meeting the target of {month} alone does not put the year on track: it takes {amount} more.",
            month=month,
            amount=view.edition.short(-row["margin"]),
        )
    if coming is not None and row["margin"] >= coming:
        return say("Even a {month} without a booking leaves the year on track.", month=month)
    return say("You can miss {month} by {amount} and the year is still on.", month=month, amount=view.edition.short(row["margin"]))


def track_record(view: View, scores: Sequence[Score]) -> Section:
    """Return how past forecasts did beside naive baselines."""
    say, language = view.language.say, view.language
    mine = [score for score in scores if score.grain == view.grain]
    title = say("How good were earlier forecasts")
    if not mine:
        return Section(
            "record", title, say("There is too little history to judge forecasts: no claim is made, and the baselines stand beside every number.")
        )
    rows = [
        Row((
            say(FORECASTS[score.kind], forecasts=score.forecasts, periods=score.periods), language.share(score.wape),
            *(language.share(score.baselines.get(name)) for name in BASELINES),
            language.share(score.inside), language.number(score.brier), language.number(score.brier_baseline),
        ))
        for score in mine
    ]  # fmt: skip
    columns = (
        Column(say("Forecasts"), 31), Column("P50", 8, True), *(Column(say(name), 13, True) for name in BASELINES.values()),
        Column(say("Inside"), 8, True), Column("Brier", 7, True), Column(say("Mean"), 7, True),
    )  # fmt: skip
    reliability = [
        Row((say(KINDS[score.kind]), language.share(said), language.share(came), language.count(number)))
        for score in mine
        if score.kind == "month" and score.periods >= FEWEST_SCORED
        for said, came, number in score.reliability
    ]
    tables = [Table(columns, tuple(rows), note=say(RECORD_NOTE))]
    if reliability:
        kept = (Column(say("Chance to hit"), 40), Column(say("Said"), 20, True), Column(say("Came"), 20, True), Column(say("Forecasts"), 20, True))
        tables.append(Table(kept, tuple(reliability), title=say("What was said, and how often it came")))
    judged = _judged(view)
    figure = charts_ahead.judged_forecasts(judged, view.edition.short, view.edition.palette, language) if judged else None
    caption = say(
        "Each month as it was forecast at the end of the month before. Band: P10 to P90. Tick: P50. Dot: what came; a ring where it came outside."
    )
    return Section("record", title, _record_answer(view, mine), figure, caption if judged else "", tables=tuple(tables))


def _judged(view: View) -> list[Judged]:
    """Return the last months as they were forecast a month ahead, the latest last."""
    rows = [
        (Month.parse(row["period"]), row)
        for row in view.data.past_forecasts(view.grain, view.grain_id)
        if row["period_kind"] == "month" and Month.parse(row["as_of_month"]).plus(1) == Month.parse(row["period"])
    ]
    rows.sort(key=lambda pair: pair[0])
    return [
        Judged(view.language.short_month(month), row["p10"], row["p50"], row["p90"], row["outcome"]) for month, row in rows[-MONTHS_JUDGED:]
    ]  # fmt: skip


def generation(view: View) -> Section | None:
    """Return new pipeline by lead source against what the targets need of it; none where nothing was created."""
    say, language = view.language.say, view.language
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
            say("(none)") if source == "(none)" else formats.printable(source), money(created), money(required),
            language.share(float(created / required)) if required else formats.EMPTY, language.share(first["conversion"]), language.number(first["lead_months"], 1),
        ))
        for source, created, required, first in lines[:MOST_SOURCES]
    ]  # fmt: skip
    columns = (
        Column(say("Lead source"), 28), Column(say("Created in 3 months"), 18, True), Column(say("Needed"), 16, True), Column(say("of needed"), 12, True),
        Column(say("Converts"), 12, True), Column(say("Lead, months"), 14, True),
    )  # fmt: skip
    created = view.edition.short(sum((line[1] for line in lines), Decimal(0)))
    required = [line[2] for line in lines if line[2] is not None]
    answer = say("{created} of new pipeline was created in the last three months.", created=created)
    if required and sum(required):
        need = view.edition.short(sum(required, Decimal(0)))
        answer = say(
            "{created} of new pipeline was created in the last three months; the targets that it serves need {need}.", created=created, need=need
        )
    ahead = _needed_next(view)
    note = say("Needed of the next month, after what is booked and open: {amount}.", amount=view.edition.short(ahead)) if ahead is not None else ""
    return Section(
        "generation", say("Is enough new pipeline created"), answer, tables=(Table(columns, tuple(printed), note=note),), stays_together=True
    )


def clients(view: View) -> Section | None:
    """Return bookings and expected confirmations of the largest clients by month, as a heat map; none without clients."""
    say, language = view.language.say, view.language
    months = [view.edition.month.plus(n) for n in range(-2, MONTHS_OF_CLIENTS + 1 - 2)]
    cells = view.data.client_months()
    totals: dict[str, Decimal] = {}
    for (account, month), (booked, expected) in cells.items():
        if month in {str(each) for each in months}:
            totals[account] = totals.get(account, Decimal(0)) + booked + (expected or Decimal(0))
    if not any(totals.values()):
        return None
    largest = sorted(totals, key=lambda account: (-totals[account], account))[:MOST_CLIENTS]
    amounts = {account: [_client_amount(cells.get((account, str(month)))) for month in months] for account in largest}
    highest = max(amount for each in amounts.values() for amount in each)
    rows = [
        Row(
            (
                formats.printable(view.data.account_name(account)),
                *(view.edition.short(amount) if amount else formats.EMPTY for amount in amounts[account]),
            ),
            shades=(0, *(ceil(SHADES * amount / highest) if highest > 0 else 0 for amount in amounts[account])),
        )
        for account in largest
    ]
    width = 70 // len(months)
    columns = (Column(say("Client"), 100 - width * len(months)), *(Column(language.short_month(month), width, True) for month in months))
    hidden = len(totals) - len(largest)
    note = say("Booked up to the month of this report; from then on expected: open amounts times their chance. The darker, the more.")
    note += " " + say("{n} more clients are in the attached client_phasing.csv.", n=language.count(hidden)) if hidden else ""
    answer = say("What the largest clients bring by month, booked and expected.")
    return Section("clients", say("Which clients, and when"), answer, tables=(Table(columns, tuple(rows), note=note),), stays_together=True)


def delivery(view: View) -> Section | None:
    """Return the days of work that follow, and when people must be drafted in; none where no effort is known."""
    say, language = view.language.say, view.language
    days = view.data.delivery_days()
    if not days:
        return None
    rules = view.edition.rules.policy.clients
    limit, each = rules.capacity_days, float(rules.days_per_person)
    months = [view.edition.month.plus(n) for n in range(1, MONTHS_OF_WORK + 1)]
    short = {month: 0 if limit is None else max(0, ceil((days.get(str(month), 0.0) - float(limit)) / each)) for month in months}
    rows = [
        Row((
            language.month_name(month), language.number(days.get(str(month), 0.0), 0), formats.EMPTY if limit is None else language.number(float(limit), 0),
            formats.EMPTY if limit is None else language.count(short[month]),
        ))
        for month in months
    ]  # fmt: skip
    columns = (
        Column(say("Month"), 40),
        Column(say("Days of work"), 20, True),
        Column(say("Capacity"), 20, True),
        Column(say("People to draft in"), 20, True),
    )
    first = next((month for month in months if short[month]), None)
    answer = say("The work that is won and expected fits into the capacity.") if limit is not None else say("Days of work that are won and expected.")
    if first:
        answer = language.say_many(
            "From {month} on the work exceeds the capacity: {n} more person is needed by then.",
            "From {month} on the work exceeds the capacity: {n} more people are needed by then.",
            short[first], month=language.month_name(first),
        )  # fmt: skip
    note = say("Days of won deals, and of open deals times their chance, over the months of service.")
    return Section("delivery", say("The work that follows"), answer, tables=(Table(columns, tuple(rows), note=note),), stays_together=True)


def plans(view: View) -> Section | None:
    """Return over-assignment and the view from below, where either is stated."""
    say = view.language.say
    padding = [row for row in view.data.padding() if row["stated"] is not None]
    below = [row for row in view.data.bottom_up() if row["client_plans"] is not None]
    money = view.edition.money
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
        tables.append(Table((Column(say("Name"), 32), *(Column(name, 17, True) for name in named)), tuple(rows), title=say("Over-assignment")))
    if below:
        rows = [
            Row((
                view.language.month_name(Month.parse(row["month"])),
                *(money(row[name]) for name in ("baseline_target", "client_plans", "difference", "bookings", "expected")),
            ))
            for row in below
        ]  # fmt: skip
        named = (say("Phased target"), say("Client plans"), say("Difference"), say("Booked"), say("Expected"))
        tables.append(
            Table((Column(say("Month"), 25), *(Column(name, 15, True) for name in named)), tuple(rows), title=say("From below: plans of clients"))
        )
    return Section("plans", say("The plan from above and from below"), tables=tuple(tables)) if tables else None


def phasing_remarks(view: View) -> tuple[str, ...]:
    """Return what is known of a person's phasing: what it rests on, and whether it forgives two bad months."""
    say, language = view.language.say, view.language
    said: list[str] = []
    season = view.data.season(view.grain_id)
    if season is not None:
        evidence, deals = season
        if evidence:
            said.append(say("The months follow the season of {n} won deals with a weight of {share}; the rest is even.", n=language.count(deals), share=language.share(evidence)))  # fmt: skip
        else:
            said.append(say("The months are even: {n} won deals show no season beyond chance.", n=language.count(deals)))
    check = view.data.phasing_check(view.grain_id)
    if check is not None and check["catch_up_chance"] is not None:
        said.append(
            say(
                "After two missed months, what is missing still fits under the limit with a chance of {chance}.",
                chance=language.share(check["catch_up_chance"]),
            )
        )
        if not check["keeps_floor"]:
            said.append(
                say(
                    "Policy asks for {floor}; these weights would keep it: {weights}.",
                    floor=language.share(check["floor"]),
                    weights=check["proposed_weights"],
                )
            )
    return tuple(said)


def _landing_answer(view: View, held: Sequence[Record]) -> str:
    year = next((row for row in held if row["period_kind"] == "year"), None)
    if year is None:
        return view.language.say("There is no target for the periods to come; the ranges stand by themselves.")
    short = view.edition.short
    answer = view.language.say(
        "{period} lands between {low} and {high} in eight of ten cases: the chance to reach {target} is {chance}, {band}.",
        period=year["period"], low=short(year["p10"]), high=short(year["p90"]), target=short(year["target"]),
        chance=view.language.chance(year["hit_probability"]), band=view.language.say(BANDS[year["band"]]),
    )  # fmt: skip
    return view.language.joined([answer, margin_sentence(view)])


def _landing_without_history(view: View, rows: Sequence[Record]) -> Section:
    say, money = view.language.say, view.edition.money
    printed = [
        Row((_named(view, row["period"]), money(row["bookings"]), *(money(row[name]) for name in BASELINES), money(row["target"])))
        for row in rows
        if row["method"] != "over"
    ]
    columns = (
        Column(say("Period"), 20),
        Column(say("Booked"), 16, True),
        *(Column(say(name), 16, True) for name in BASELINES.values()),
        Column(say("Target"), 16, True),
    )
    answer = say(
        "There is too little history for a forecast: under six closed months, or too few decided deals. These are plain baselines, not forecasts."
    )
    tables = (Table(columns, tuple(printed)),) if printed else ()
    return Section("landing", say("Where it lands"), answer, tables=tables, starts_page=view.grain == "company")


def _record_answer(view: View, scores: Sequence[Score]) -> str:
    month = next((score for score in scores if score.kind == "month"), scores[0])
    return view.language.joined([_error_words(view, month), _range_words(view, month)])


def _error_words(view: View, score: Score) -> str:
    say, share = view.language.say, view.language.share
    if not score.baselines:
        return say("There is nothing yet to compare forecasts with.")
    best = min(score.baselines, key=lambda name: score.baselines[name])
    gap = score.baselines[best] - score.wape
    values = {"what": say(OF_THE[score.kind]), "wape": share(score.wape), "best": say(BASELINES[best]), "its": share(score.baselines[best])}
    if gap > SAME:
        return say("{what} were off by {wape}, the best naive baseline ({best}) by {its}.", **values)
    if gap < -SAME:
        return say("{what} were off by {wape}; the baseline {best} did better, with {its}: trust the baseline more.", **values)
    return say("{what} were off by {wape}, no better than the baseline {best}.", **values)


def _range_words(view: View, score: Score) -> str:
    """Return whether ranges that are to hold eight in ten outcomes do."""
    say, inside = view.language.say, view.language.share(score.inside)
    if score.inside < TOO_NARROW:
        return say(
            "Their ranges were too narrow: {inside} of what came lay inside, where {wanted} should.", inside=inside, wanted=view.language.pct(80)
        )
    return say("Their ranges were wider than needed: {inside} of what came lay inside.", inside=inside) if score.inside > TOO_WIDE else ""


def _generated(rows: Sequence[Record], lately: set[str]) -> tuple[Decimal, Decimal | None, Record]:
    recent = [row for row in rows if row["month"] in lately]
    needed = [row["required"] for row in recent if row["required"] is not None]
    created = sum((row["created"] for row in recent), Decimal(0))
    return created, sum(needed, Decimal(0)) if needed else None, rows[0]


def _needed_next(view: View) -> Decimal | None:
    coming = str(view.edition.month.plus(1))
    rows = [row["required"] for row in view.data.generation() if row["month"] == coming and row["required"] is not None]
    return sum(rows, Decimal(0)) if rows else None


def _client_amount(cell: tuple[Decimal, Decimal | None] | None) -> Decimal:
    return Decimal(0) if cell is None else cell[0] + (cell[1] or Decimal(0))


def _named(view: View, period: str) -> str:
    return period if period.startswith("FY") else view.language.month_name(Month.parse(period))


def _of_target(row: Record, name: str) -> float:
    return float(row[name] / row["target"]) * PERCENT
