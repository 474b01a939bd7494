"""The pipeline: whether enough is open for the periods ahead, and why it changed since the month before.

Put what is said of sums of open deals here; single deals are `deals` and `changes`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from reports.charts import attainment as charts
from reports.charts.attainment import Covered
from reports.charts.svg import PHONE
from reports.charts.waterfall import Step, waterfall, waterfall_rows
from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, is_short_of_pipeline, needed, period_words, ratio_words
from reports.text import formats
from reports.text.i18n import marked
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus

# A figure must fit on a page, and a table on a few; the attached tables have every row.
MOST_PANELS, MOST_ROWS = 8, 120
# So many digits are as wide as the amounts in a row of movements, whatever its periods.
MOVEMENT_DIGITS = 68
MOVEMENTS = (
    ("created", marked("New"), 1),
    ("moved_in", marked("Moved in"), 1),
    ("reassigned_in", marked("Taken over"), 1),
    ("reopened", marked("Reopened"), 1),
    ("increased", marked("Increased"), 1),
    ("decreased", marked("Decreased"), -1),
    ("moved_out", marked("Moved out"), -1),
    ("reassigned_out", marked("Given away"), -1),
    ("won", marked("Won"), -1),
    ("lost", marked("Lost"), -1),
    ("deleted", marked("Deleted"), -1),
)


def coverage(view: View, grains: Sequence[str]) -> Section:
    """Return coverage of the periods ahead, in the grains named."""
    say, language = view.language.say, view.language
    panels = [
        (formats.printable(each), [_covered(view, row) for row in view.data.coverage(grain, each)])
        for grain, each in _ids(view, grains)
    ]
    coming = view.next_quarter()
    answer = ""
    if coming and coming["status"] == TargetStatus.OK:
        answer = say(
            "{period} has {ratio} coverage:",
            period=period_words(coming["period"], view.language),
            ratio=language.ratio(coming["coverage_ratio"]),
        )
        answer = language.joined(
            [answer, _coverage_means(view, coming), _needed_means(view, coming)]
        )
    answer = language.joined([answer, _short_quarters(view)])
    caption = say(
        "Below each period: open pipeline, and remaining target. Coverage is the first over the second. Dashed: 1×."
    )
    if any(bar.required for _, bars in panels for bar in bars):
        caption += " " + say(
            "Bar across: what is needed, its interval beside it. Hatched: too little."
        )
    draw = partial(charts.coverage_bars, panels[:MOST_PANELS], view.variant.palette, language)
    return Section(
        "coverage",
        say("Is there enough in the pipeline"),
        answer,
        draw(),
        caption + _left_out(view, len(panels), MOST_PANELS),
        stays_together=True,
        phone_figure=draw(page_width=PHONE),
    )


def coverage_by_period(view: View, grains: Sequence[str]) -> Section:
    """Return coverage of the periods ahead with the money behind it, in the grains named."""
    say, language = view.language.say, view.language
    covered = [
        (grain, each, row)
        for grain, each in _ids(view, grains)
        for row in view.data.coverage(grain, each)
    ]
    names = ("target", "bookings", "remaining_target", "open_pipeline", "weighted_pipeline")
    money = view.variant.money_among(row[name] for _, _, row in covered for name in names)
    rows = [
        Row(
            (
                formats.printable(each),
                period_words(row["period"], view.language),
                *(money(row[name]) for name in names),
                ratio_words(row, language),
                _required(view, row),
            ),
            is_strong=grain == GrainKind.COMPANY,
        )
        for grain, each, row in covered
    ]
    columns = (
        Column(say("Name"), 17),
        Column(say("Period"), 10),
        Column(say("Target"), 11, True),
        Column(say("Booked"), 10, True),
        Column(say("Still to win"), 11, True),
        Column(say("Open"), 11, True),
        Column(say("Weighted"), 11, True),
        Column(say("Coverage"), 8, True),
        Column(say("Needed"), 11, True),
    )
    hidden = len(rows) - MOST_ROWS
    note = say("Weighted: open amounts times their chance to be booked in the period.")
    is_known = any(row.cells[-1] != formats.EMPTY for row in rows)
    if is_known:
        note += " " + say(
            "Needed: what this company's own past asks for at this distance, with its 80% interval."
        )
    if hidden > 0:
        note += " " + language.say_many(
            "{n} more row is in the attached pipeline_coverage.csv.",
            "{n} more rows are in the attached pipeline_coverage.csv.",
            hidden,
        )
    return Section(
        "coverage_by_period",
        say("Coverage by period"),
        tables=(Table(columns, tuple(rows[:MOST_ROWS]), note=note),),
    )


def _ids(view: View, grains: Sequence[str]) -> list[tuple[str, str]]:
    """Return the grains and ids that a document covers."""
    return [
        (grain, each)
        for grain in grains
        for each in ([view.grain_id] if grain == view.grain else view.data.active_teams())
    ]


def _covered(view: View, row: Record) -> Covered:
    required = None
    if row["coverage_ratio"] is not None and row["required_ratio"] is not None:
        required = (row["required_ratio"], row["required_ratio_low"], row["required_ratio_high"])
    return Covered(
        period_words(row["period"], view.language),
        row["coverage_ratio"],
        ratio_words(row, view.language),
        required,
        ()
        if row["coverage_ratio"] is None
        else (
            view.variant.short(row["open_pipeline"]),
            view.variant.short(row["remaining_target"]),
        ),
    )


def movement(view: View) -> Section | None:
    """Return why the open pipeline of the quarter in focus changed: the one that holds the month, or the next where the month ends it."""
    say, short = view.language.say, view.variant.short
    rows = view.data.movement(view.grain, view.grain_id)
    if not rows:
        return None
    focus = next((row for row in rows if row["period"] == view.data.focus_quarter), rows[0])
    steps = [
        Step(say(label), sign * focus[name], name == "won")
        for name, label, sign in MOVEMENTS
        if focus[name]
    ]
    figure, phone_figure = (
        draw(steps, focus["opening"], focus["closing"], short, view.variant.palette, view.language)
        for draw in (waterfall, waterfall_rows)
    )
    answer = say(
        "Open pipeline of {period} went from {opening} to {closing}: {won} of it was won, {lost} lost, {moved} was re-dated or is overdue now, {created} is new.",
        period=period_words(focus["period"], view.language),
        opening=short(focus["opening"]),
        closing=short(focus["closing"]),
        won=short(focus["won"]),
        lost=short(focus["lost"]),
        moved=short(focus["moved_out"]),
        created=short(focus["created"]),
    )
    if not steps and focus["opening"] == focus["closing"]:
        answer = say(
            "Open pipeline of {period} stayed at {closing}.",
            period=period_words(focus["period"], view.language),
            closing=short(focus["closing"]),
        )
    caption = say("Hatched bars reduce the pipeline; green is won business.")
    booked = view.attained(PeriodKind.MONTH)["bookings"]
    if booked != focus["won"]:
        caption += " " + say(
            "{booked} was booked in {month}: what was open for {period} at its start and won is {won}; the rest was new, overdue or of another period.",
            booked=short(booked),
            month=view.language.month_name(view.variant.month),
            period=period_words(focus["period"], view.language),
            won=short(focus["won"]),
        )
    return Section(
        "movement",
        say("Why the pipeline changed"),
        answer,
        figure,
        caption,
        stays_together=True,
        phone_figure=phone_figure,
    )


def movement_by_period(view: View) -> Section | None:
    """Return the movement of every period; none where there is nothing to move."""
    say = view.language.say
    rows = view.data.movement(view.grain, view.grain_id)
    if not rows:
        return None
    lines = (("opening", marked("Opening"), 1), *MOVEMENTS, ("closing", marked("Closing"), 1))
    moved = [row[name] for name, _, _ in lines for row in rows]
    money = view.variant.money_among(moved, width=MOVEMENT_DIGITS / len(rows))
    printed = [
        Row(
            (say(label), *(money(sign * row[name]) for row in rows)),
            is_strong=name in {"opening", "closing"},
        )
        for name, label, sign in lines
        if name in {"opening", "closing"} or any(row[name] for row in rows)
    ]
    width = 80 // len(rows)
    columns = (
        Column(say("Movement"), 100 - width * len(rows)),
        *(
            Column(period_words(row["period"], view.language), width, is_number=True)
            for row in rows
        ),
    )
    return Section(
        "movement_by_period",
        say("How the pipeline changed, by period"),
        tables=(Table(columns, tuple(printed)),),
        stays_together=True,
    )


def _coverage_means(view: View, row: Record) -> str:
    missing = row["remaining_target"] - row["open_pipeline"]
    if missing > 0:
        return view.language.say("even if every open deal were won, the target would be missed.")
    return (
        view.language.say("more is open than is still to win.")
        if missing < 0
        else view.language.say("every open deal is needed.")
    )


def _short_quarters(view: View) -> str:
    """Return which later quarters have less than has usually been needed for them at this point."""
    short = [
        row
        for row in view.data.coverage(view.grain, view.grain_id)
        if row["period_kind"] == PeriodKind.QUARTER
        and row["period"] > view.data.focus_quarter
        and is_short_of_pipeline(row)
    ]
    return " ".join(
        view.language.say(
            "{period} has {ratio} so far, and {needed} has usually been needed.",
            period=period_words(row["period"], view.language),
            ratio=view.language.ratio(row["coverage_ratio"]),
            needed=view.language.ratio(row["required_ratio"]),
        )
        for row in short
    )


def _required(view: View, row: Record) -> str:
    """Return the required coverage with its interval, as `2.1 (1.8-2.3)`."""
    if row["required_ratio"] is None:
        return formats.EMPTY
    needs, low, high = (
        view.language.number(row[name], 1)
        for name in ("required_ratio", "required_ratio_low", "required_ratio_high")
    )
    return f"{needs} ({low}-{high})"


def _needed_means(view: View, row: Record) -> str:
    """Return whether coverage is what this company's own past asks for."""
    if needed(row) is None:
        return ""
    values = {
        "ratio": view.language.ratio(row["required_ratio"]),
        "windows": row["required_windows"],
    }
    if not is_short_of_pipeline(row):
        return view.language.say(
            "At this point {ratio} has usually been needed, measured on {windows} past month ends: that is enough.",
            **values,
        )
    return view.language.say(
        "At this point {ratio} has usually been needed, measured on {windows} past month ends: that is too little.",
        **values,
    )


def _left_out(view: View, there: int, most: int) -> str:
    return (
        " "
        + view.language.say_many(
            "{n} more is in the attached pipeline_coverage.csv.",
            "{n} more are in the attached pipeline_coverage.csv.",
            there - most,
        )
        if there > most
        else ""
    )
