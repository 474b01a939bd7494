"""The section on what is to come: where month, quarters and year land.

Put a question about the future, its answer in a sentence, a figure and tables here. Where there is
too little history, the section says so and shows the baselines. How earlier forecasts did is `track_record`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from functools import partial

from reports.charts import landing as charts_ahead
from reports.charts.landing import Landing
from reports.charts.svg import PHONE
from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import Standing, View, period_words
from reports.text import formats
from reports.text.i18n import marked
from sales.calendar import MONTHS_IN_YEAR, Month
from sales.statistics.period_distribution import LARGEST_DEALS
from sales.vocabulary import GrainKind, PeriodKind

BASELINES = {
    "stage_weighted": marked("Stage-weighted"),
    "last_year": marked("Last year"),
    "three_month_average": marked("Three months"),
}
PERCENT = 100


def landing(view: View) -> Section:
    """Return where the month, the quarters and the year to come land, beside the CRM's own forecast."""
    say, language = view.language.say, view.language
    rows = [row for row in view.landings() if row["method"] != "over"]
    forecast = [row for row in rows if row["method"] == "model"]
    if not forecast:
        return _landing_without_history(view, rows)
    asked = {row["period"]: _asked(view, row) for row in rows}
    held = [row for row in forecast if asked[row["period"]] > 0]
    chances = {row["period"]: _chance(view, row) for row in rows}
    has_chance = any(chances.values())
    known = [row[name] for row in rows for name in ("bookings", "p10", "p50", "p90")]
    crm = [each for row in rows for each in _crm_forecast(view, row)]
    money = view.variant.money_among([*known, *asked.values(), *crm], width=11.5)
    printed = [
        Row(
            (
                _named(view, row["period"]),
                money(row["bookings"]),
                money(row["p10"]),
                money(row["p50"]),
                money(row["p90"]),
                money(asked[row["period"]]) if asked[row["period"]] else formats.EMPTY,
                *(money(each) for each in _crm_forecast(view, row)),
                *([chances[row["period"]] or formats.EMPTY] if has_chance else []),
            ),
            is_strong=row["period_kind"] == PeriodKind.YEAR,
        )
        for row in rows
        if asked[row["period"]] or not held
    ]
    columns = [
        Column(say("Period"), 0),
        *(
            Column(name, 12, is_number=True)
            for name in (say("Booked"), "P10", "P50", "P90", say("Asked"), say("Commit"))
        ),
        Column(say("Best case"), 12, is_number=True),
        *([Column(say("Chance"), 8, is_number=True)] if has_chance else []),
    ]
    columns[0] = replace(columns[0], width=100 - sum(each.width for each in columns))
    bars = [
        Landing(
            name=_named(view, row["period"]),
            booked=_of(row["bookings"], asked[row["period"]]),
            p10=_of(row["p10"], asked[row["period"]]),
            p50=_of(row["p50"], asked[row["period"]]),
            p90=_of(row["p90"], asked[row["period"]]),
            chance=chances[row["period"]],
        )
        for row in held
    ]
    draw = partial(charts_ahead.landing_ranges, bars, view.variant.palette, language)
    caption = say(
        "In percent of what is asked. Solid: booked. Pale: from P10 to P90, eight in ten landings. Tick: P50. Dashed: 100%."
    )
    return Section(
        "landing",
        say("Where it lands"),
        _landing_answer(view, held),
        draw() if bars else None,
        caption if bars else "",
        (),
        (Table(tuple(columns), tuple(printed), note=_landing_note(view, forecast)),),
        stays_together=True,
        phone_figure=draw(width=PHONE) if bars else None,
    )


def _asked(view: View, row: Record) -> Decimal:
    """Return what a period is to bring: the coming month's number, else the target."""
    coming = view.data.coming(view.grain, view.grain_id)
    return coming["number"] if coming and row["period"] == coming["month"] else row["target"]


def _chance(view: View, row: Record) -> str:
    """Return the chance to bring what is asked, where chances of that kind have proved themselves."""
    coming = view.data.coming(view.grain, view.grain_id)
    is_coming = coming is not None and row["period"] == coming["month"]
    stated = coming["hit_probability"] if coming and is_coming else row["hit_probability"]
    chance = view.chance(row["period_kind"], stated)
    return "" if chance is None or row["p10"] == row["p90"] else view.language.chance(chance)


def _crm_forecast(view: View, row: Record) -> tuple[Decimal | None, Decimal | None]:
    """Return what the CRM's own categories add up to for a period, where coverage has it."""
    covered = next(
        (
            each
            for each in view.data.coverage(view.grain, view.grain_id)
            if each["period"] == row["period"]
        ),
        None,
    )
    return (covered["commit_forecast"], covered["best_case_forecast"]) if covered else (None, None)


def _landing_note(view: View, forecast: Sequence[Record]) -> str:
    """Say what the columns mean, and why the middles of parts do not add up."""
    said = view.language.say(
        "P10, P50, P90: missed in one, five and nine of ten cases. Commit and best case: booked, and what the CRM calls so."
    )
    year = next((row for row in forecast if row["period_kind"] == PeriodKind.YEAR), None)
    if view.grain == GrainKind.PERSON or year is None:
        return said
    more = view.language.say(
        "P50s of people and teams do not add up, because medians do not; expected amounts do: {amount} for {period}.",
        amount=view.variant.short(year["expected"]),
        period=period_words(year["period"], view.language),
    )
    return f"{said} {more}"


def margin_sentence(view: View) -> str:
    """Return how much of the coming month may be missed with the year still on track, empty where nobody can say."""
    say = view.language.say
    rows = [
        row
        for row in view.landings()
        if row["period_kind"] == PeriodKind.YEAR and row["margin"] is not None
    ]
    if not rows or view.standing != Standing.SELLS:
        return ""
    row, month = rows[0], view.language.month_name(view.variant.month.plus(1))
    if 0 < row["target"] <= row["bookings"]:
        return say(
            "The target of {period} is reached.", period=period_words(row["period"], view.language)
        )
    coming = view.coming()
    if coming is None or not coming["number"]:
        return ""
    # What may be missed is counted from the plan; from a number that is above it, so much more.
    margin = row["margin"] + coming["number"] - coming["baseline_target"]
    if margin < 0:
        return say(
            "Booking {number} in {month} alone does not put the year on track: {amount} more is needed.",
            number=view.variant.short(coming["number"]),
            month=month,
            amount=view.variant.short(-margin),
        )
    if margin >= coming["number"]:
        return say("Even without a booking in {month} the year stays on track.", month=month)
    return say(
        "You can miss {month} by {amount} and the year is still on.",
        month=month,
        amount=view.variant.short(margin),
    )


def _landing_answer(view: View, held: Sequence[Record]) -> str:
    year = next((row for row in held if row["period_kind"] == PeriodKind.YEAR), None)
    if year is None and held:
        return view.language.say("There is no target for the year; its range stands by itself.")
    if year is None:
        return view.language.say(
            "There is no target for the periods to come; the ranges stand by themselves."
        )
    short = view.variant.short
    if year["p10"] == year["p90"]:
        answer = view.language.say(
            "{period} stands at {amount}, against a target of {target}.",
            period=period_words(year["period"], view.language),
            amount=short(year["p50"]),
            target=short(year["target"]),
        )
    else:
        answer = _range_sentence(view, year)
    return view.language.joined(
        [answer, _without_largest(view, year), _at_this_distance(view), margin_sentence(view)]
    )


def _range_sentence(view: View, year: Record) -> str:
    """Return where a year lands, against the target that is stated for it, else the sum of its people's."""
    stated = view.stated_target(year["period"])
    values = {
        "period": period_words(year["period"], view.language),
        "p50": view.variant.short(year["p50"]),
        "low": view.variant.short(year["p10"]),
        "high": view.variant.short(year["p90"]),
        "target": view.variant.short(year["target"]),
    }
    if stated is None or stated == year["target"]:
        return view.language.say(
            "We forecast {p50} for {period} ({low} to {high} in eight of ten cases), against a target of {target}.",
            **values,
        )
    return view.language.say(
        "We forecast {p50} for {period} ({low} to {high} in eight of ten cases), against a stated target of {stated}; people's targets sum to {target}.",
        **values,
        stated=view.variant.short(stated),
    )


def _without_largest(view: View, year: Record) -> str:
    """Return what would be expected of a year without the open deals that bring most; nothing where they bring little."""
    short, rest = view.variant.short, year["expected_without_largest"]
    deals = sum(row["open_count"] for row in view.data.stages(view.grain, view.grain_id))
    if not deals or short(year["expected"]) == short(rest):
        return ""
    return view.language.say_many(
        "Without the open deal that brings most {rest} is to be expected, not {expected}.",
        "Without the {n} open deals that bring most {rest} is to be expected, not {expected}.",
        min(deals, LARGEST_DEALS),
        rest=short(rest),
        expected=short(year["expected"]),
    )


def _at_this_distance(view: View) -> str:
    """Return what was forecast at this point of the last years, and what came; nothing where no year can be told."""
    month, kept = view.variant.month, list[Record]()
    for back in (2, 1):
        origin = str(month.plus(-MONTHS_IN_YEAR * back))
        kept += [
            row
            for row in view.data.past_forecasts(view.grain, view.grain_id)
            if row["as_of_month"] == origin and row["period_kind"] == PeriodKind.YEAR
        ]
    if not kept:
        return ""
    short = view.variant.short
    return view.language.say_many(
        "At this point of the year before we would have said {said}; {came} came.",
        "At this point of the years before we would have said {said}; {came} came.",
        len(kept),
        said=_listed(view, [short(row["p50"]) for row in kept]),
        came=_listed(view, [short(row["outcome"]) for row in kept]),
    )


def _listed(view: View, parts: Sequence[str]) -> str:
    return (
        view.language.say("{one} and {other}", one=parts[0], other=parts[1])
        if len(parts) > 1
        else parts[0]
    )


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
    )


def _named(view: View, period: str) -> str:
    """Return a period in a narrow column."""
    if period.startswith("FY"):
        return period_words(period, view.language)
    return view.language.short_month_and_year(Month.parse(period))


def _of(amount: Decimal, whole: Decimal) -> float:
    return float(amount / whole) * PERCENT
