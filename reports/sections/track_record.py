"""How good earlier forecasts were, beside naive baselines: the record that a forecast carries.

Put what pages say of past forecasts here; where periods land is `landing`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reports.charts import landing as charts_ahead
from reports.charts.landing import Judged
from reports.charts.svg import PHONE
from reports.document.document import Column, Row, Section, Table
from reports.document.view import View
from reports.sections.landing import BASELINES
from reports.text.i18n import Language, marked
from sales.calendar import Month
from sales.forecast.backtest import FEWEST_SCORED, Score
from sales.vocabulary import PeriodKind

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
MONTHS_JUDGED = 18
RECORD_NOTE = marked(
    "P50 and baselines: sum of absolute errors / sum of bookings. Inside: outcomes from P10 to P90, eight in ten if the ranges are right. "
    "Brier: mean squared error of the chance to hit, beside that of always saying how often it had been hit by then; smaller is better."
)
# Below this, a difference in error is no difference.
SAME = 0.005
# Ranges from P10 to P90 that hold less, or more, than so many outcomes are named.
TOO_NARROW, TOO_WIDE = 0.70, 0.95


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
                _sample(language, score),
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
    variant = view.variant
    draw = partial(
        charts_ahead.judged_forecasts, judged, variant.on_axis, variant.palette, language
    )
    caption = say(
        "Each month as it was forecast at the end of the month before. Band: P10 to P90. Tick: P50. Dot: what came; a ring where it came outside."
    )
    return Section(
        "record",
        title,
        _record_answer(view, mine),
        draw() if judged else None,
        caption if judged else "",
        tables=tuple(tables),
        phone_figure=draw(width=PHONE) if judged else None,
    )


def _sample(language: Language, score: Score) -> str:
    """Return what a score rests on."""
    words = {"forecasts": language.count(score.forecasts)}
    if score.kind == PeriodKind.MONTH:
        return language.say_many(
            "Month: {forecasts} forecasts of {n} month",
            "Month: {forecasts} forecasts of {n} months",
            score.periods,
            **words,
        )
    if score.kind == PeriodKind.QUARTER:
        return language.say_many(
            "Quarter: {forecasts} forecasts of {n} quarter",
            "Quarter: {forecasts} forecasts of {n} quarters",
            score.periods,
            **words,
        )
    return language.say_many(
        "Year: {forecasts} forecasts of {n} year",
        "Year: {forecasts} forecasts of {n} years",
        score.periods,
        **words,
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
