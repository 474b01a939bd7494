"""The sections on targets, coverage, movement and data quality.

Put a question, its answer in a sentence, a figure and tables here; lists of deals are `deals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports.charts import attainment as charts
from reports.charts.attainment import Covered, Step
from reports.document.document import Column, Row, Section, Table
from reports.document.month_tables import Record
from reports.document.view import View, name_of, ratio_words, short_period
from reports.sections.landing import phasing_remarks
from reports.text import formats
from reports.text.i18n import marked
from sales.checks.invariants import assumed_share
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus

MOST_FINDINGS = 15
ON_PLAN = 100  # percent of the target
# A figure must fit on a page, and a table on a few; the attached tables have every row.
MOST_BARS, MOST_PANELS, MOST_ROWS = 44, 8, 120
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
FINDINGS = {
    "booking_without_target": marked("Booked by someone without a target"),
    "target_not_in_force": marked("Target not in force yet"),
    "open_without_amount": marked("Open without an amount"),
    "won_without_amount": marked("Won without an amount"),
    "owner_left": marked("Open, and the owner has left"),
    "owner_unknown": marked("Owned by nobody we know"),
    "booked_later": marked("Won, booked in a later month"),
    "close_date_unlikely": marked("Close date years away"),
    "history_assumed": marked("State assumed: history begins later"),
    "text_unprintable": marked("Names with characters that cannot be printed"),
    "owner_assumed": marked("Owner assumed: changes were not tracked"),
    "policy_of_another_year": marked("Rules of another year are used"),
}
SEVERITIES = {"info": marked("info"), "warning": marked("warning"), "error": marked("error")}
DEFINITIONS = (
    marked(
        "Bookings: won deals with close date in the period, credited to their owner at the month end."
    ),
    marked(
        "Phased target: the annual target over twelve months. Re-phased: what the months left must bring after misses so far."
    ),
    marked(
        "Coverage = open pipeline / remaining target of the period; overdue deals are in no period."
    ),
    marked(
        "Protect: a deal of an existing client that is slow to close. It needs care, not pressure."
    ),
)


def year(view: View) -> Section:
    """Return bookings against the phased target over the year."""
    say = view.language.say
    plan = view.data.plan(view.grain, view.grain_id)
    if not any(each.baseline for each in plan):
        return Section(
            "year",
            say("The year so far"),
            answer=say(
                "There is no target for the year, so there is nothing to hold bookings against."
            ),
        )
    done = [each for each in plan if each.month <= view.variant.month]
    booked = _running([each.booked for each in done])
    rest = [each.rephased for each in plan[len(done) :]]
    to_come = [booked[-1] + each for each in _running(rest)] if rest else []
    row = view.year_landing()
    landing = (row["p10"], row["p50"], row["p90"]) if row else None
    labels = [view.language.short_month(each.month) for each in plan]
    drawn = charts.Year(
        labels, _running([each.baseline for each in plan]), booked, to_come, landing
    )
    figure = charts.cumulative(drawn, view.variant.short, view.variant.palette, view.language)
    caption = say(
        "Dashed steps: phased target. Solid: booked. Dotted: re-phased, what the months left must bring after misses so far."
    )
    caption += (
        " " + say("Fan: where the year lands in eight of ten cases.") if landing and rest else ""
    )
    return Section(
        "year", say("Bookings against the phased target"), figure=figure, caption=caption
    )


def plan(view: View) -> Section | None:
    """Return the year month by month; none without a target."""
    say = view.language.say
    plan = view.data.plan(view.grain, view.grain_id)
    if not any(each.baseline for each in plan):
        return None
    money = view.variant.money
    rows = [
        Row(
            (
                view.language.month_name(each.month),
                money(each.baseline),
                money(each.rephased),
                money(each.booked) if each.month <= view.variant.month else formats.EMPTY,
                money(each.booked - each.baseline)
                if each.month <= view.variant.month
                else formats.EMPTY,
            ),
            is_strong=each.month == view.variant.month,
        )
        for each in plan
    ]
    columns = (
        Column(say("Month"), 28),
        Column(say("Plan"), 18, True),
        Column(say("Plan after misses"), 18, True),
        Column(say("Booked"), 18, True),
        Column(say("Difference"), 18, True),
    )
    at_risk, ahead = (
        view.data.at_risk(view.grain, view.grain_id),
        view.data.ahead(view.grain, view.grain_id),
    )
    answer = say("The months left carry their plan; nothing is missing so far.")
    if at_risk > 0:
        answer = say(
            "{amount} of what is missing fits into no month that is left within the agreed limit: it is at risk, and is not piled on.",
            amount=view.variant.short(at_risk),
        )
    elif ahead > 0:
        answer = say(
            "{amount} ahead of plan: it absorbs later misses and raises no target.",
            amount=view.variant.short(ahead),
        )
    elif any(each.rephased > each.baseline for each in plan if each.month > view.variant.month):
        answer = say("What is missing is spread over the months left, none above the agreed limit.")
    return Section(
        "plan",
        say("The year, month by month"),
        answer=answer,
        points=phasing_remarks(view),
        tables=(Table(columns, tuple(rows)),),
        stays_together=True,
    )


def attainment(view: View, grains: Sequence[str]) -> Section:
    """Return who stands where, in the grains named."""
    say, language = view.language.say, view.language
    rows = [row for grain in grains for row in view.attainment_rows(grain)]
    dots = [
        (name_of(row), row[PeriodKind.YEAR]["attainment_pct"], row["grain"] == GrainKind.TEAM)
        for row in rows
    ]
    printed = [
        Row(
            (
                name_of(row),
                _spark(view, row),
                view.variant.money(row[PeriodKind.MONTH]["bookings"]),
                language.pct(row[PeriodKind.MONTH]["attainment_pct"]),
                view.variant.money(row[PeriodKind.YEAR]["target"]),
                view.variant.money(row[PeriodKind.YEAR]["bookings"]),
                view.variant.money(row[PeriodKind.YEAR]["variance"]),
                language.pct(row[PeriodKind.YEAR]["attainment_pct"]),
            ),
            is_strong=row["grain"] == GrainKind.TEAM,
        )
        for row in rows[:MOST_ROWS]
    ]
    columns = (
        Column(say("Name"), 21),
        Column(say("Booked by month"), 13),
        Column(say("Booked in month"), 12, True),
        Column(say("of target"), 9, True),
        Column(say("Target to date"), 12, True),
        Column(say("Booked to date"), 12, True),
        Column(say("Difference"), 12, True),
        Column(say("Attained"), 9, True),
    )
    on_plan = sum(
        1
        for row in rows
        if row["grain"] == GrainKind.PERSON
        and (row[PeriodKind.YEAR]["attainment_pct"] or 0) >= ON_PLAN
    )
    people = sum(
        1
        for row in rows
        if row["grain"] == GrainKind.PERSON
        and row[PeriodKind.YEAR]["status"] != TargetStatus.NO_TARGET
    )
    answer = say(
        "{n} of {people} people with a target are at or above their phased target for the year to date.",
        n=on_plan,
        people=people,
    )
    figure = charts.attainment_dots(dots[:MOST_BARS], view.variant.palette, language)
    caption = say(
        "Ring: below the phased target of the year to date. Dot: at or above it."
    ) + _left_out(view, len(dots), MOST_BARS)
    hidden = len(rows) - len(printed)
    note = (
        say("{n} more are in the attached target_attainment.csv.", n=language.count(hidden))
        if hidden
        else ""
    )
    return Section(
        "attainment",
        say("Who is where"),
        answer,
        figure,
        caption,
        (),
        (Table(columns, tuple(printed), note=note),),
        starts_page=view.grain == GrainKind.COMPANY,
    )


def _spark(view: View, row: Record) -> str:
    """Return the bookings of the year's months so far as a small line."""
    booked = [
        each.booked
        for each in view.data.plan(row["grain"], row["grain_id"])
        if each.month <= view.variant.month
    ]
    alt_text = view.language.say(
        "Bookings by month: {amounts}",
        amounts=", ".join(view.variant.short(each) for each in booked),
    )
    return charts.sparkline(booked, alt_text, view.variant.palette)


def coverage(view: View, grains: Sequence[str]) -> Section:
    """Return coverage of the periods ahead, in the grains named."""
    say, language = view.language.say, view.language
    ids = [
        (grain, each)
        for grain in grains
        for each in ([view.grain_id] if grain == view.grain else view.data.active_teams())
    ]
    panels = [
        (formats.printable(each), [_covered(view, row) for row in view.data.coverage(grain, each)])
        for grain, each in ids
    ]
    rows = [
        Row(
            (
                formats.printable(each),
                row["period"],
                view.variant.money(row["target"]),
                view.variant.money(row["bookings"]),
                view.variant.money(row["remaining_target"]),
                view.variant.money(row["open_pipeline"]),
                view.variant.money(row["weighted_pipeline"]),
                ratio_words(row, language),
                _required(view, row),
            ),
            is_strong=grain == GrainKind.COMPANY,
        )
        for grain, each in ids
        for row in view.data.coverage(grain, each)
    ]
    columns = (
        Column(say("Name"), 14),
        Column(say("Period"), 11),
        Column(say("Target"), 12, True),
        Column(say("Booked"), 11, True),
        Column(say("Still to win"), 12, True),
        Column(say("Open"), 11, True),
        Column(say("Weighted"), 10, True),
        Column(say("Coverage"), 8, True),
        Column(say("Needed"), 11, True),
    )
    coming = view.next_quarter()
    answer = ""
    if coming and coming["status"] == TargetStatus.OK:
        answer = say(
            "{period} has {ratio} coverage:",
            period=coming["period"],
            ratio=language.ratio(coming["coverage_ratio"]),
        )
        answer = language.joined(
            [answer, _coverage_means(view, coming), _needed_means(view, coming)]
        )
    caption = say(
        "Coverage = open pipeline / remaining target. Dashed: 1×. Bar across: what is needed, its interval beside it. Hatched: too little."
    )
    hidden = len(rows) - MOST_ROWS
    note = say(
        "Weighted: open amounts times their chance to be booked in the period. Needed: what this company's own past asks for at this distance, with its 80% interval."
    )
    if hidden > 0:
        note += " " + say(
            "{n} more are in the attached pipeline_coverage.csv.", n=language.count(hidden)
        )
    return Section(
        "coverage",
        say("Is there enough in the pipeline"),
        answer,
        charts.coverage_bars(panels[:MOST_PANELS], view.variant.palette, language),
        caption + _left_out(view, len(panels), MOST_PANELS),
        (),
        (Table(columns, tuple(rows[:MOST_ROWS]), note=note),),
        starts_page=view.grain == GrainKind.COMPANY,
    )


def _covered(view: View, row: Record) -> Covered:
    required = None
    if row["coverage_ratio"] is not None and row["required_ratio"] is not None:
        required = (row["required_ratio"], row["required_ratio_low"], row["required_ratio_high"])
    return Covered(
        short_period(row["period"]),
        row["coverage_ratio"],
        ratio_words(row, view.language),
        required,
    )


def movement(view: View) -> Section | None:
    """The quarter in focus: the one that holds the month, or the next where the month ends it."""
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
    figure = charts.waterfall(
        steps, focus["opening"], focus["closing"], short, view.variant.palette, view.language
    )
    answer = say(
        "Open pipeline of {period} went from {opening} to {closing}: {won} was won, {lost} lost, {created} is new.",
        period=focus["period"],
        opening=short(focus["opening"]),
        closing=short(focus["closing"]),
        won=short(focus["won"]),
        lost=short(focus["lost"]),
        created=short(focus["created"]),
    )
    if not steps and focus["opening"] == focus["closing"]:
        answer = say(
            "Open pipeline of {period} stayed at {closing}.",
            period=focus["period"],
            closing=short(focus["closing"]),
        )
    lines = (("opening", marked("Opening"), 1), *MOVEMENTS, ("closing", marked("Closing"), 1))
    printed = [
        Row(
            (say(label), *(view.variant.money(sign * row[name]) for row in rows)),
            is_strong=name in {"opening", "closing"},
        )
        for name, label, sign in lines
        if name in {"opening", "closing"} or any(row[name] for row in rows)
    ]
    width = 80 // len(rows)
    columns = (
        Column(say("Movement"), 100 - width * len(rows)),
        *(Column(row["period"], width, True) for row in rows),
    )
    caption = say("Hatched bars reduce the pipeline; green is won business.")
    return Section(
        "movement",
        say("Why the pipeline changed"),
        answer,
        figure,
        caption,
        (),
        (Table(columns, tuple(printed)),),
        stays_together=True,
    )


def quality(view: View) -> Section:
    """Return findings about the data, and what the words mean."""
    say = view.language.say
    found = view.data.findings()
    rows = [
        Row(
            (
                say(FINDINGS.get(finding, finding)),
                say(SEVERITIES[severity]),
                view.language.count(count),
                view.variant.money(amount),
            )
        )
        for finding, severity, count, amount in found[:MOST_FINDINGS]
    ]
    columns = (
        Column(say("Finding"), 55),
        Column(say("Weight"), 15),
        Column(say("Records"), 12, True),
        Column(say("Money"), 18, True),
    )
    share = assumed_share(view.data.tables.opportunity_snapshot)
    answer = say("All of the money is known from history.")
    if share:
        answer = say(
            "{pct} of the money rests on assumed history or owners.",
            pct=view.language.exact_share(float(share)),
        )
    if waiting := view.data.without_target_yet():
        answer += " " + say("Without a target so far: {names}.", names=", ".join(waiting))
    tables = (Table(columns, tuple(rows)),) if rows else ()
    title = say("How good is the data, and what the words mean")
    return Section(
        "quality",
        title,
        answer,
        points=tuple(say(each) for each in DEFINITIONS),
        tables=tables,
        stays_together=True,
    )


def _running(values: Sequence[Decimal]) -> list[Decimal]:
    total, sums = Decimal(0), list[Decimal]()
    for value in values:
        total += value
        sums.append(total)
    return sums


def _coverage_means(view: View, row: Record) -> str:
    missing = row["remaining_target"] - row["open_pipeline"]
    if missing > 0:
        return view.language.say("even if every open deal were won, the target would be missed.")
    return (
        view.language.say("more is open than is still to win.")
        if missing < 0
        else view.language.say("every open deal is needed.")
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
    if row["required_ratio"] is None:
        return ""
    values = {
        "ratio": view.language.ratio(row["required_ratio"]),
        "windows": row["required_windows"],
    }
    if round(row["coverage_ratio"], 1) >= round(row["required_ratio"], 1):
        return view.language.say(
            "At this distance its own past asks for {ratio}, measured on {windows} month ends: enough.",
            **values,
        )
    return view.language.say(
        "At this distance its own past asks for {ratio}, measured on {windows} month ends: too little.",
        **values,
    )


def _left_out(view: View, there: int, most: int) -> str:
    return (
        " " + view.language.say("{n} more are in the table only.", n=there - most)
        if there > most
        else ""
    )
