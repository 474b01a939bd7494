"""The sections on targets, coverage, movement and data quality.

Put a question, its answer in a sentence, a figure and tables here; lists of deals are `deals`.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from reports import charts, formats
from reports.document import Column, Row, Section, Table
from reports.grain_tables import Record
from reports.prospects import phasing_remarks
from reports.view import View, name_of, ratio_words, short_period
from sales.reconciliation import assumed_share

MOST_FINDINGS = 15
# A figure must fit on a page; the tables below it have every row.
MOST_BARS, MOST_PANELS = 44, 8
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


def year(view: View) -> Section | None:
    """Return bookings against the phased target over the year."""
    plan = view.data.plan(view.grain, view.grain_id)
    if not any(each.baseline for each in plan):
        return Section("The year so far", answer="There is no target for the year, so there is nothing to hold bookings against.")
    done = [each for each in plan if each.month <= view.edition.month]
    target = _running([each.baseline for each in plan])
    booked = _running([each.booked for each in done])
    rest = [each.rephased for each in plan[len(done) :]]
    to_come = [booked[-1] + each for each in _running(rest)] if rest else []
    row = view.year_landing()
    landing = (row["p10"], row["p50"], row["p90"]) if row else None
    labels = [formats.short_month(each.month) for each in plan]
    figure = charts.cumulative(labels, target, booked, to_come, view.edition.short, view.edition.palette, landing)
    caption = "Dashed steps: phased target. Solid: booked. Dotted: re-phased, what the months left must bring after misses so far."
    caption += " Fan: where the year lands in eight of ten cases." if landing and rest else ""
    return Section("Bookings against the phased target", figure=figure, caption=caption)


def plan(view: View) -> Section | None:
    """Return the year month by month; none without a target."""
    plan = view.data.plan(view.grain, view.grain_id)
    if not any(each.baseline for each in plan):
        return None
    money = view.edition.money
    rows = [
        Row((
            formats.month_name(each.month), money(each.baseline), money(each.rephased),
            money(each.booked) if each.month <= view.edition.month else formats.EMPTY,
            money(each.booked - each.baseline) if each.month <= view.edition.month else formats.EMPTY,
        ), is_strong=each.month == view.edition.month)
        for each in plan
    ]  # fmt: skip
    columns = (
        Column("Month", 28),
        Column("Plan", 18, True),
        Column("Plan after misses", 18, True),
        Column("Booked", 18, True),
        Column("Difference", 18, True),
    )
    at_risk, ahead = view.data.at_risk(view.grain, view.grain_id), view.data.ahead(view.grain, view.grain_id)
    answer = "The months left carry their plan; nothing is missing so far."
    if at_risk > 0:
        answer = f"{view.edition.short(at_risk)} of what is missing fits into no month that is left within the agreed limit: it is at risk, and is not piled on."
    elif ahead > 0:
        answer = f"{view.edition.short(ahead)} ahead of plan: it absorbs later misses and raises no target."
    elif any(each.rephased > each.baseline for each in plan if each.month > view.edition.month):
        answer = "What is missing is spread over the months left, none above the agreed limit."
    return Section("The year, month by month", answer=answer, points=phasing_remarks(view), tables=(Table(columns, tuple(rows)),))


def attainment(view: View, grains: Sequence[str]) -> Section:
    """Return who stands where, in the grains named."""
    rows = [row for grain in grains for row in view.attainment_rows(grain)]
    bars = [(name_of(row), row["year"]["attainment_pct"], row["grain"] == "team") for row in rows]
    printed = [
        Row((
            name_of(row), view.edition.money(row["month"]["bookings"]), formats.pct(row["month"]["attainment_pct"]),
            view.edition.money(row["year"]["target"]), view.edition.money(row["year"]["bookings"]),
            view.edition.money(row["year"]["variance"]), formats.pct(row["year"]["attainment_pct"]),
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
    figure = charts.attainment_bars(bars[:MOST_BARS], view.edition.palette)
    return Section(
        "Who is where",
        answer,
        figure,
        "Hatched: below the phased target of the year to date." + _left_out(len(bars), MOST_BARS),
        (),
        (Table(columns, tuple(printed)),),
        starts_page=view.grain == "company",
    )


def coverage(view: View, grains: Sequence[str]) -> Section:
    """Return coverage of the periods ahead, in the grains named."""
    ids = [(grain, each) for grain in grains for each in ([view.grain_id] if grain == view.grain else view.data.active_teams())]
    panels = [
        (
            formats.printable(each),
            [(short_period(row["period"]), row["coverage_ratio"], ratio_words(row)) for row in view.data.coverage(grain, each)],
        )
        for grain, each in ids
    ]
    rows = [
        Row((
            formats.printable(each), row["period"], view.edition.money(row["target"]), view.edition.money(row["bookings"]),
            view.edition.money(row["remaining_target"]), view.edition.money(row["open_pipeline"]),
            view.edition.money(row["weighted_pipeline"]), ratio_words(row), _required(row),
        ), is_strong=grain == "company")
        for grain, each in ids for row in view.data.coverage(grain, each)
    ]  # fmt: skip
    columns = (
        Column("", 15), Column("Period", 11), Column("Target", 12, True), Column("Booked", 11, True), Column("Still to win", 12, True),
        Column("Open", 11, True), Column("Weighted", 10, True), Column("Coverage", 8, True), Column("Needed", 10, True),
    )  # fmt: skip
    coming = view.next_quarter()
    answer = ""
    if coming and coming["status"] == "ok":
        answer = f"{coming['period']} has {formats.ratio(coming['coverage_ratio'])} coverage: {_coverage_means(coming)}"
        answer += _needed_means(coming)
    caption = "Coverage = open pipeline / remaining target. Dashed line: 1×. Hatched: below it." + _left_out(len(panels), MOST_PANELS)
    note = "Weighted: open amounts times their chance to be booked in the period. Needed: what this company's own past asks for at this distance, with its 80% interval."
    figure = charts.coverage_bars(panels[:MOST_PANELS], view.edition.palette)
    return Section(
        "Is there enough in the pipeline", answer, figure, caption, (), (Table(columns, tuple(rows), note=note),), starts_page=view.grain == "company"
    )


def movement(view: View) -> Section | None:
    """The quarter in focus: the one that holds the month, or the next where the month ends it."""
    rows = view.data.movement(view.grain, view.grain_id)
    if not rows:
        return None
    focus = next((row for row in rows if row["period"] == view.data.focus_quarter), rows[0])
    steps = [(label, sign * focus[name]) for name, label, sign in MOVEMENTS if focus[name]]
    figure = charts.waterfall(steps, focus["opening"], focus["closing"], view.edition.short, view.edition.palette)
    change = focus["closing"] - focus["opening"]
    answer = f"Open pipeline of {focus['period']} went from {view.edition.short(focus['opening'])} to {view.edition.short(focus['closing'])}: "
    answer += f"{view.edition.short(focus['won'])} was won, {view.edition.short(focus['lost'])} lost, {view.edition.short(focus['created'])} is new."
    if not change and not steps:
        answer = f"Open pipeline of {focus['period']} stayed at {view.edition.short(focus['closing'])}."
    names = ("opening", *(name for name, _, _ in MOVEMENTS), "closing")
    labels = ("Opening", *(label for _, label, _ in MOVEMENTS), "Closing")
    signs = (1, *(sign for _, _, sign in MOVEMENTS), 1)
    printed = [
        Row((label, *(view.edition.money(sign * row[name]) for row in rows)), is_strong=name in {"opening", "closing"})
        for name, label, sign in zip(names, labels, signs, strict=True)
        if name in {"opening", "closing"} or any(row[name] for row in rows)
    ]
    width = 80 // len(rows)
    columns = (Column("", 100 - width * len(rows)), *(Column(row["period"], width, True) for row in rows))
    caption = "Hatched bars reduce the pipeline; green is won business."
    return Section("Why the pipeline changed", answer, figure, caption, (), (Table(columns, tuple(printed)),), starts_page=view.grain == "company")


def quality(view: View) -> Section:
    """Return findings about the data, and what the words mean."""
    found = view.data.findings()
    rows: list[Row] = []
    for finding, severity, count, amount in found[:MOST_FINDINGS]:
        rows.append(Row((FINDINGS.get(finding, finding), severity, formats.count(count), view.edition.money(amount))))
    columns = (Column("Finding", 55), Column("Weight", 15), Column("Records", 12, True), Column("Money", 18, True))
    share = assumed_share(view.data.tables.opportunity_snapshot)
    answer = "All of the money is known from history." if not share else f"{float(share) * 100:.1f}% of the money rests on assumed history or owners."
    tables = (Table(columns, tuple(rows)),) if rows else ()
    return Section("How good is the data, and what the words mean", answer, points=DEFINITIONS, tables=tables, stays_together=True)


def _running(values: Sequence[Decimal]) -> list[Decimal]:
    total, sums = Decimal(0), []
    for value in values:
        total += value
        sums.append(total)
    return sums


def _coverage_means(row: Record) -> str:
    missing = row["remaining_target"] - row["open_pipeline"]
    if missing > 0:
        return "even if every open deal were won, the target would be missed."
    return "more is open than is still to win." if missing < 0 else "every open deal is needed."


def _required(row: Record) -> str:
    """Return the required coverage with its interval, as `2.1 (1.8-2.3)`."""
    if row["required_ratio"] is None:
        return formats.EMPTY
    low, high = row["required_ratio_low"], row["required_ratio_high"]
    return f"{row['required_ratio']:.1f} ({low:.1f}-{high:.1f})"


def _needed_means(row: Record) -> str:
    """Return whether coverage is what this company's own past asks for."""
    if row["required_ratio"] is None:
        return ""
    has, needs = round(row["coverage_ratio"], 1), round(row["required_ratio"], 1)
    past = f" At this distance its own past asks for {formats.ratio(needs)}, measured on {row['required_windows']} month ends:"
    return f"{past} {'enough.' if has >= needs else 'too little.'}"


def _left_out(there: int, most: int) -> str:
    return f" {there - most} more are in the table only." if there > most else ""
