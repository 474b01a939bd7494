"""The sections on what is to come: where periods land, how past forecasts did, and new pipeline.

Put a question about the future, its answer in a sentence, a figure and tables here. Where there is
too little history, the section says so and shows the baseline. Clients, work and plans are
`clients`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.charts import landing as charts_ahead
from reports.charts.landing import Judged, Landing
from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View
from reports.text import formats
from reports.text.i18n import marked
from sales.calendar import Month
from sales.forecast.backtest import FEWEST_SCORED, Score
from sales.vocabulary import Band, GrainKind, PeriodKind

BANDS: dict[str, str] = {
    Band.SECURE: marked("secure"),
    Band.ON_TRACK: marked("on track"),
    Band.STRETCH: marked("a stretch"),
    Band.OUT_OF_REACH: marked("out of reach"),
}
BASELINES = {
    "stage_weighted": marked("Stage-weighted"),
    "last_year": marked("Last year"),
    "three_month_average": marked("Three months"),
}
KINDS: dict[str, str] = {
    PeriodKind.MONTH: marked("Month"),
    PeriodKind.QUARTER: marked("Quarter"),
    PeriodKind.YEAR: marked("Year"),
}
OF_THE: dict[str, str] = {
    PeriodKind.MONTH: marked("Forecasts of the month"),
    PeriodKind.QUARTER: marked("Forecasts of the quarter"),
    PeriodKind.YEAR: marked("Forecasts of the year"),
}
FORECASTS: dict[str, str] = {
    PeriodKind.MONTH: marked("Month: {forecasts} forecasts of {periods} months"),
    PeriodKind.QUARTER: marked("Quarter: {forecasts} forecasts of {periods} quarters"),
    PeriodKind.YEAR: marked("Year: {forecasts} forecasts of {periods} years"),
}
MOST_SOURCES, MONTHS_JUDGED = 10, 18
PERCENT = 100
RECORD_NOTE = marked(
    "P50 and baselines: sum of absolute errors / sum of bookings. Inside: outcomes from P10 to P90, eight in ten if the ranges are right. "
    "Brier: mean squared error of the chance to hit, beside that of always saying how often it had been hit by then; smaller is better."
)
# Below this, a difference in error is no difference.
SAME = 0.005
# Ranges from P10 to P90 that hold less, or more, than so many outcomes are named.
TOO_NARROW, TOO_WIDE = 0.70, 0.95


def landing(view: View) -> Section:
    """Return where the month, the quarters and the year to come land."""
    say, language = view.language.say, view.language
    rows = view.landings()
    money = view.variant.money
    forecast = [row for row in rows if row["method"] == "model"]
    if not forecast:
        return _landing_without_history(view, rows)
    held = [row for row in forecast if row["target"] > 0]
    printed = [
        Row(
            (
                _named(view, row["period"]),
                money(row["bookings"]),
                money(row["p10"]),
                money(row["p50"]),
                money(row["p90"]),
                money(row["target"]) if row["target"] else formats.EMPTY,
                language.chance(row["hit_probability"]),
                say(BANDS[row["band"]]) if row["band"] else formats.EMPTY,
            ),
            is_strong=row["period_kind"] == PeriodKind.YEAR,
        )
        for row in rows
        if row["target"] or not held
    ]
    columns = (
        Column(say("Period"), 16),
        Column(say("Booked"), 12, True),
        Column("P10", 12, True),
        Column("P50", 12, True),
        Column("P90", 12, True),
        Column(say("Target"), 13, True),
        Column(say("Chance"), 9, True),
        Column(say("Reach"), 14),
    )
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
    figure = charts_ahead.landing_ranges(bars, view.variant.palette, language) if bars else None
    caption = say(
        "In percent of each target. Solid: booked. Pale: from P10 to P90, eight in ten landings. Tick: P50. Dashed: the target."
    )
    return Section(
        "landing",
        say("Where it lands"),
        _landing_answer(view, held),
        figure,
        caption if bars else "",
        (),
        (Table(columns, tuple(printed)),),
        starts_page=view.grain == GrainKind.COMPANY,
        stays_together=True,
    )


def margin_sentence(view: View) -> str:
    """Return how much of the coming month may be missed with the year still on track, empty where nobody can say."""
    say = view.language.say
    rows = [
        row
        for row in view.landings()
        if row["period_kind"] == PeriodKind.YEAR and row["margin"] is not None
    ]
    if not rows:
        return ""
    row, month = rows[0], view.language.month_name(view.variant.month.plus(1))
    coming = next(
        (each["target"] for each in view.landings() if each["period_kind"] == PeriodKind.MONTH),
        None,
    )
    if row["margin"] < 0:
        return say(
            "Meeting the target of {month} alone does not put the year on track: it takes {amount} more.",
            month=month,
            amount=view.variant.short(-row["margin"]),
        )
    if coming is not None and row["margin"] >= coming:
        return say("Even a {month} without a booking leaves the year on track.", month=month)
    return say(
        "You can miss {month} by {amount} and the year is still on.",
        month=month,
        amount=view.variant.short(row["margin"]),
    )


def track_record(view: View, scores: Sequence[Score]) -> Section:
    """Return how past forecasts did beside naive baselines."""
    say, language = view.language.say, view.language
    mine = [score for score in scores if score.grain == view.grain]
    title = say("How good were earlier forecasts")
    if not mine:
        return Section(
            "record",
            title,
            say(
                "There is too little history to judge forecasts: no claim is made, and the baselines stand beside every number."
            ),
        )
    rows = [
        Row(
            (
                say(FORECASTS[score.kind], forecasts=score.forecasts, periods=score.periods),
                language.share(score.wape),
                *(language.share(score.baselines.get(name)) for name in BASELINES),
                language.share(score.inside),
                language.number(score.brier),
                language.number(score.brier_baseline),
            )
        )
        for score in mine
    ]
    columns = (
        Column(say("Forecasts"), 31),
        Column("P50", 8, True),
        *(Column(say(name), 13, True) for name in BASELINES.values()),
        Column(say("Inside"), 8, True),
        Column("Brier", 7, True),
        Column(say("So far"), 7, True),
    )
    reliability = [
        Row(
            (
                say(KINDS[score.kind]),
                language.share(said),
                language.share(came),
                language.count(number),
            )
        )
        for score in mine
        if score.kind == PeriodKind.MONTH and score.periods >= FEWEST_SCORED
        for said, came, number in score.reliability
    ]
    tables = [Table(columns, tuple(rows), note=say(RECORD_NOTE))]
    if reliability:
        kept = (
            Column(say("Chance to hit"), 40),
            Column(say("Said"), 20, True),
            Column(say("Came"), 20, True),
            Column(say("Forecasts"), 20, True),
        )
        tables.append(
            Table(kept, tuple(reliability), title=say("What was said, and how often it came"))
        )
    judged = _judged(view)
    figure = (
        charts_ahead.judged_forecasts(judged, view.variant.short, view.variant.palette, language)
        if judged
        else None
    )
    caption = say(
        "Each month as it was forecast at the end of the month before. Band: P10 to P90. Tick: P50. Dot: what came; a ring where it came outside."
    )
    return Section(
        "record",
        title,
        _record_answer(view, mine),
        figure,
        caption if judged else "",
        tables=tuple(tables),
    )


def _judged(view: View) -> list[Judged]:
    """Return the last months as they were forecast a month ahead, the latest last."""
    rows = [
        (Month.parse(row["period"]), row)
        for row in view.data.past_forecasts(view.grain, view.grain_id)
        if row["period_kind"] == PeriodKind.MONTH
        and Month.parse(row["as_of_month"]).plus(1) == Month.parse(row["period"])
    ]
    rows.sort(key=lambda pair: pair[0])
    return [
        Judged(view.language.short_month(month), row["p10"], row["p50"], row["p90"], row["outcome"])
        for month, row in rows[-MONTHS_JUDGED:]
    ]


def generation(view: View) -> Section | None:
    """Return new pipeline by lead source against what the targets need of it; none where nothing was created."""
    say, language = view.language.say, view.language
    rows = [row for row in view.data.generation() if row["created"] is not None]
    if not rows:
        return None
    lately = {str(view.variant.month.plus(-n)) for n in range(3)}
    sources: dict[str, list[Record]] = {}
    for row in rows:
        sources.setdefault(row["source"], []).append(row)
    lines = [(source, *_generated(each, lately)) for source, each in sources.items()]
    lines.sort(key=lambda line: (-line[1], line[0]))
    money = view.variant.money
    printed = [
        Row(
            (
                say("(none)") if source == "(none)" else formats.printable(source),
                money(created),
                money(required),
                language.share(float(created / required)) if required else formats.EMPTY,
                language.share(first["conversion"]),
                language.number(first["lead_months"], 1),
            )
        )
        for source, created, required, first in lines[:MOST_SOURCES]
    ]
    columns = (
        Column(say("Lead source"), 28),
        Column(say("Created in 3 months"), 18, True),
        Column(say("Needed"), 16, True),
        Column(say("of needed"), 12, True),
        Column(say("Converts"), 12, True),
        Column(say("Lead, months"), 14, True),
    )
    created = view.variant.short(sum((line[1] for line in lines), Decimal(0)))
    required = [line[2] for line in lines if line[2] is not None]
    answer = say("{created} of new pipeline was created in the last three months.", created=created)
    if all(row["conversion"] is None for row in rows):
        answer = say(
            "{created} of new pipeline was created in the last three months; too few deals are decided to say what is needed.",
            created=created,
        )
    elif required and sum(required):
        need = view.variant.short(sum(required, Decimal(0)))
        answer = say(
            "{created} of new pipeline was created in the last three months; the targets that it serves need {need}.",
            created=created,
            need=need,
        )
    ahead = _needed_next(view)
    note = (
        say(
            "Needed of the next month, after what is booked and open: {amount}.",
            amount=view.variant.short(ahead),
        )
        if ahead is not None
        else ""
    )
    return Section(
        "generation",
        say("Is enough new pipeline created"),
        answer,
        tables=(Table(columns, tuple(printed), note=note),),
        stays_together=True,
    )


def phasing_remarks(view: View) -> tuple[str, ...]:
    """Return what is known of a person's phasing: what it rests on, and whether it forgives two bad months."""
    say, language = view.language.say, view.language
    said: list[str] = []
    season = view.data.season(view.grain_id)
    if season is not None:
        evidence, deals = season
        if evidence:
            said.append(
                say(
                    "The months follow the season of {n} won deals with a weight of {share}; the rest is even.",
                    n=language.count(deals),
                    share=language.share(evidence),
                )
            )
        else:
            said.append(
                say(
                    "The months are even: {n} won deals show no season beyond chance.",
                    n=language.count(deals),
                )
            )
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
    year = next((row for row in held if row["period_kind"] == PeriodKind.YEAR), None)
    if year is None:
        return view.language.say(
            "There is no target for the periods to come; the ranges stand by themselves."
        )
    short = view.variant.short
    answer = view.language.say(
        "{period} lands between {low} and {high} in eight of ten cases: the chance to reach {target} is {chance}, {band}.",
        period=year["period"],
        low=short(year["p10"]),
        high=short(year["p90"]),
        target=short(year["target"]),
        chance=view.language.chance(year["hit_probability"]),
        band=view.language.say(BANDS[year["band"]]),
    )
    return view.language.joined([answer, margin_sentence(view)])


def _landing_without_history(view: View, rows: Sequence[Record]) -> Section:
    say, money = view.language.say, view.variant.money
    printed = [
        Row(
            (
                _named(view, row["period"]),
                money(row["bookings"]),
                *(money(row[name]) for name in BASELINES),
                money(row["target"]),
            )
        )
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
    return Section(
        "landing",
        say("Where it lands"),
        answer,
        tables=tables,
        starts_page=view.grain == GrainKind.COMPANY,
    )


def _record_answer(view: View, scores: Sequence[Score]) -> str:
    month = next((score for score in scores if score.kind == PeriodKind.MONTH), scores[0])
    return view.language.joined([_error_words(view, month), _range_words(view, month)])


def _error_words(view: View, score: Score) -> str:
    say, share = view.language.say, view.language.share
    if not score.baselines:
        return say("There is nothing yet to compare forecasts with.")
    best = min(score.baselines, key=lambda name: score.baselines[name])
    gap = score.baselines[best] - score.wape
    values = {
        "what": say(OF_THE[score.kind]),
        "wape": share(score.wape),
        "best": say(BASELINES[best]),
        "its": share(score.baselines[best]),
    }
    if gap > SAME:
        return say(
            "{what} were off by {wape}, the best naive baseline ({best}) by {its}.", **values
        )
    if gap < -SAME:
        return say(
            "{what} were off by {wape}; the baseline {best} did better, with {its}: trust the baseline more.",
            **values,
        )
    return say("{what} were off by {wape}, no better than the baseline {best}.", **values)


def _range_words(view: View, score: Score) -> str:
    """Return whether ranges that are to hold eight in ten outcomes do."""
    say, inside = view.language.say, view.language.share(score.inside)
    if score.inside < TOO_NARROW:
        return say(
            "Their ranges were too narrow: {inside} of what came lay inside, where {wanted} should.",
            inside=inside,
            wanted=view.language.pct(80),
        )
    return (
        say("Their ranges were wider than needed: {inside} of what came lay inside.", inside=inside)
        if score.inside > TOO_WIDE
        else ""
    )


def _generated(rows: Sequence[Record], lately: set[str]) -> tuple[Decimal, Decimal | None, Record]:
    recent = [row for row in rows if row["month"] in lately]
    needed = [row["required"] for row in recent if row["required"] is not None]
    created = sum((row["created"] for row in recent), Decimal(0))
    return created, sum(needed, Decimal(0)) if needed else None, rows[0]


def _needed_next(view: View) -> Decimal | None:
    coming = str(view.variant.month.plus(1))
    rows = [
        row["required"]
        for row in view.data.generation()
        if row["month"] == coming and row["required"] is not None
    ]
    return sum(rows, Decimal(0)) if rows else None


def _named(view: View, period: str) -> str:
    return period if period.startswith("FY") else view.language.month_name(Month.parse(period))


def _of_target(row: Record, name: str) -> float:
    return float(row[name] / row["target"]) * PERCENT
