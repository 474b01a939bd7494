"""The first page: sentences, headline numbers, and the actions that must happen next.

Put the rules here by which something is said: each has a condition and the published table it
reads.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from decimal import Decimal

from reports.document.document import Action, Statement, Tile
from reports.document.month_data import amount_of
from reports.document.month_tables import Record
from reports.document.view import View, name_of, ratio_words, see, short_period
from reports.sections.deals import is_protected
from reports.sections.landing import BANDS
from reports.text import formats
from sales.vocabulary import Band, GrainKind, PeriodKind, TargetStatus

MOST_ACTIONS = 3
# A change of a chance that is worth a sentence.
COSTLY = 0.01


def statements(view: View) -> list[Statement]:
    """What happened and where the year stands, each by its condition."""
    rules = (_month_booked, _year_to_date, _year_lands, _quarter_covered)
    return [said for rule in rules if (said := rule(view)) is not None]


def _month_booked(view: View) -> Statement:
    """Always said: what the month booked, of its target where it has one."""
    month, short, say = view.attained(PeriodKind.MONTH), view.variant.short, view.language.say
    name = view.language.month_name(view.variant.month)
    if month["status"] == TargetStatus.NO_TARGET:
        return Statement(
            say(
                "{month} booked {amount}; there was no target for it.",
                month=name,
                amount=short(month["bookings"]),
            ),
            "target_attainment",
        )
    said = say(
        "{month} booked {amount}, {pct} of its target of {target}.",
        month=name,
        amount=short(month["bookings"]),
        pct=view.language.pct(month["attainment_pct"]),
        target=short(month["target"]),
    )
    return Statement(said, "target_attainment")


def _year_to_date(view: View) -> Statement | None:
    """Said where the year so far has a target: ahead or behind, by how much."""
    year, short = view.attained(PeriodKind.YEAR), view.variant.short
    if year["status"] == TargetStatus.NO_TARGET:
        return None
    values = {
        "amount": short(year["bookings"]),
        "pct": view.language.pct(year["attainment_pct"]),
        "gap": short(abs(year["variance"])),
    }
    if year["variance"] < 0:
        said = view.language.say(
            "The year to date stands at {amount}, {pct} of the phased target: {gap} behind.",
            **values,
        )
    else:
        said = view.language.say(
            "The year to date stands at {amount}, {pct} of the phased target: {gap} ahead.",
            **values,
        )
    return Statement(said, "target_attainment")


def _year_lands(view: View) -> Statement | None:
    """Said where a forecast of the year has a target to be held against."""
    landing, short = view.year_landing(), view.variant.short
    if not landing or landing["method"] != "model":
        return None
    said = view.language.say(
        "{period} is as likely to land above {p50} as below, against a target of {target}: the chance to reach it is {chance}.",
        period=landing["period"],
        p50=short(landing["p50"]),
        target=short(landing["target"]),
        chance=view.language.chance(landing["hit_probability"]),
    )
    return Statement(said, "landing_forecast")


def _quarter_covered(view: View) -> Statement | None:
    """Said where something of the quarter in focus is still to be won."""
    coming, short = view.next_quarter(), view.variant.short
    if not coming or coming["status"] != TargetStatus.OK:
        return None
    said = view.language.say(
        "For {period}, {open} is open against {remaining} still to win: coverage {ratio}.",
        period=coming["period"],
        open=short(coming["open_pipeline"]),
        remaining=short(coming["remaining_target"]),
        ratio=view.language.ratio(coming["coverage_ratio"]),
    )
    return Statement(said, "pipeline_coverage")


def tiles(view: View) -> list[Tile]:
    """Return the headline numbers; the last is the chance to hit the year, else what is at risk, else coverage of the quarter in focus."""
    say, language = view.language.say, view.language
    year, quarter = view.attained(PeriodKind.YEAR), view.attained(PeriodKind.QUARTER)
    whole, coming = view.covered(view.year_name()), view.next_quarter()
    short = view.variant.short
    at_risk = view.data.at_risk(view.grain, view.grain_id)
    covered = (
        say("{ratio} coverage", ratio=ratio_words(whole, language))
        if whole["status"] == TargetStatus.OK
        else ratio_words(whole, language)
    )
    is_behind = year["variance"] < 0
    tiles = [
        Tile(
            say("Year to date"),
            short(year["bookings"]),
            say("of {target} phased", target=short(year["target"])),
            is_behind,
            "year",
        ),
        Tile(
            say("Attainment"),
            language.pct(year["attainment_pct"]),
            say("quarter to date {pct}", pct=language.pct(quarter["attainment_pct"])),
            is_behind,
            "attainment" if view.grain != GrainKind.PERSON else "plan",
        ),
        Tile(
            say("Still to win"),
            short(whole["remaining_target"]),
            say("of {target} for {period}", target=short(whole["target"]), period=whole["period"]),
            key="landing",
        ),
        Tile(
            say("Open for the year"),
            short(whole["open_pipeline"]),
            f"{language.deals(whole['open_count'])}, {covered}",
            key="coverage" if view.grain != GrainKind.PERSON else "closing",
        ),
    ]
    landing = view.year_landing()
    if landing and landing["method"] == "model":
        is_short = landing["band"] in {Band.STRETCH, Band.OUT_OF_REACH}
        tiles.append(
            Tile(
                say("Chance to hit {period}", period=landing["period"]),
                language.chance(landing["hit_probability"]),
                say(BANDS[landing["band"]]),
                is_short,
                "landing",
            )
        )
    elif at_risk > 0:
        tiles.append(
            Tile(say("At risk"), short(at_risk), say("no month left can take it"), is_short=True)
        )
    elif coming:
        ratio = coming["coverage_ratio"]
        words = {
            TargetStatus.NO_TARGET: say("no target yet"),
            TargetStatus.COVERED: say("target is covered"),
        }
        tiles.append(
            Tile(
                say("Coverage {period}", period=short_period(coming["period"])),
                language.ratio(ratio),
                words.get(coming["status"], say("open / still to win")),
                ratio is not None and round(ratio, 1) < 1,
            )
        )
    return tiles


def actions(view: View) -> list[Action]:
    """Return what must happen next, at most three things, each with its owner: the first three rules that apply."""
    found = [action for rule in RULES if (action := rule(view)) is not None]
    return found[:MOST_ACTIONS]


def _confirm(view: View) -> Action | None:
    """The deal whose waiting costs most of the quarter's chance, unless it is to be protected."""
    name = "owner_hit_change_quarter" if view.grain == GrainKind.PERSON else "hit_change_quarter"
    deals = [
        deal
        for deal in view.deals()
        if deal[name] is not None and not is_protected(deal) and not deal["days_overdue"]
    ]
    if not deals:
        return None
    worst = min(deals, key=lambda deal: (deal[name], deal["opportunity_id"]))
    if worst[name] > -COSTLY:
        return None
    said = view.language.say(
        "Get {deal} ({amount}) confirmed: a month of waiting takes {points} points off the chance to hit the quarter.",
        deal=view.deal_link(worst),
        amount=view.variant.short(amount_of(worst)),
        points=view.language.number(abs(worst[name]) * 100, 0),
    )
    return Action(_owner(worst), said, "closing_plan")


def _date_again(view: View) -> Action | None:
    """What is open past its close date, and who owns most of it."""
    late = [deal for deal in view.deals() if deal["days_overdue"]]
    if not late:
        return None
    mine = _of_the_one_with_most(late)
    largest = max(mine, key=lambda deal: (amount_of(deal), deal["opportunity_id"]))
    values = {"deal": view.deal_link(largest), "amount": view.variant.short(_total(mine))}
    if len(mine) == 1:
        said = view.language.say(
            "Re-date or close {deal} ({amount}): it is past its close date and counts nowhere.",
            **values,
        )
    else:
        said = view.language.say_many(
            "Re-date or close {n} deal past its close date ({amount}), {deal} first: it counts nowhere.",
            "Re-date or close {n} deals past their close date ({amount}), {deal} first: they count nowhere.",
            len(mine),
            **values,
        )
    return Action(_owner(largest), said, "closing_plan")


def _find_pipeline(view: View) -> Action | None:
    """The quarter in focus has less open pipeline than the company's own past asks for, or than is still to win where nobody can say."""
    coming = view.next_quarter()
    if not coming or coming["status"] != TargetStatus.OK:
        return None
    needed = coming["required_ratio"] if coming["required_ratio"] is not None else 1.0
    if round(coming["coverage_ratio"], 1) >= round(needed, 1):
        return None
    missing = coming["remaining_target"] * Decimal(str(round(needed, 1))) - coming["open_pipeline"]
    owner = (
        _thinnest_team(view)
        if view.grain == GrainKind.COMPANY
        else formats.printable(view.data.name_of(view.grain, view.grain_id))
    )
    said = view.language.say(
        "Find {amount} more pipeline for {period}: coverage is {ratio}, and {needed} is needed ({more}).",
        amount=view.variant.short(missing),
        period=coming["period"],
        ratio=view.language.ratio(coming["coverage_ratio"]),
        needed=view.language.ratio(needed),
        more=see("coverage", view.language.say("how that is known"))
        if view.grain != GrainKind.PERSON
        else view.language.say("by the company's past"),
    )
    return Action(owner, said, "pipeline_coverage")


def _look_after(view: View) -> Action | None:
    """The largest slow deal of an existing client."""
    kept = [deal for deal in view.deals() if is_protected(deal)]
    if not kept:
        return None
    largest = max(kept, key=lambda deal: (amount_of(deal), deal["opportunity_id"]))
    said = view.language.say(
        "Look after {deal} ({amount}): an existing client that is slow to close is worth more than a date.",
        deal=view.deal_link(largest),
        amount=view.variant.short(amount_of(largest)),
    )
    return Action(_owner(largest), said, "closing_plan")


def _close_largest(view: View) -> Action | None:
    """The largest deal due in the coming month."""
    month = view.variant.month.plus(1)
    last = view.variant.rules.calendar.last_day(month)
    due = [
        deal
        for deal in view.deals()
        if not deal["days_overdue"] and deal["close_date"] <= last and not is_protected(deal)
    ]
    if not due:
        return None
    largest = max(due, key=lambda deal: (amount_of(deal), deal["opportunity_id"]))
    said = view.language.say(
        "Bring {deal} ({amount}) home by {day}: the largest due in {month}.",
        deal=view.deal_link(largest),
        amount=view.variant.short(amount_of(largest)),
        day=view.language.day(largest["close_date"]),
        month=view.language.month_name(month),
    )
    return Action(_owner(largest), said, "closing_plan")


def _name_amounts(view: View) -> Action | None:
    """Deals that are due or overdue without an amount."""
    bare = [deal for deal in view.deals() if deal["amount"] is None]
    if not bare:
        return None
    first = min(bare, key=lambda deal: (deal["close_date"], deal["opportunity_id"]))
    said = view.language.say_many(
        "Put an amount on {deal}: without one it is in no sum.",
        "Put amounts on {n} deals, {deal} first: without one they are in no sum.",
        len(bare),
        deal=view.deal_link(first),
    )
    return Action(_owner(first), said, "closing_plan")


def _speak_with(view: View) -> Action | None:
    """Whoever is furthest behind the phased target of the year to date, on packs of a team or the company."""
    month, calendar = view.variant.month, view.variant.rules.calendar
    is_year_over = calendar.year_of(month).last == month
    if view.grain == GrainKind.PERSON or is_year_over:
        return None
    rows = [
        row
        for row in view.attainment_rows(GrainKind.PERSON)
        if row[PeriodKind.YEAR]["variance"] < 0
        and row[PeriodKind.YEAR]["status"] != TargetStatus.NO_TARGET
    ]
    if not rows:
        return None
    worst = min(rows, key=lambda row: (row[PeriodKind.YEAR]["variance"], row["name"]))
    said = view.language.say(
        "Agree what the year can still bring: {gap} behind the phased target, at {pct} ({more}).",
        gap=view.variant.short(abs(worst[PeriodKind.YEAR]["variance"])),
        pct=view.language.pct(worst[PeriodKind.YEAR]["attainment_pct"]),
        more=see("attainment", view.language.say("who is where")),
    )
    return Action(name_of(worst), said, "target_attainment")


RULES: tuple[Callable[[View], Action | None], ...] = (
    _confirm,
    _find_pipeline,
    _date_again,
    _look_after,
    _speak_with,
    _close_largest,
    _name_amounts,
)


def _owner(deal: Record) -> str:
    return formats.printable(deal["owner_name"])


def _total(deals: Sequence[Record]) -> Decimal:
    return sum((amount_of(deal) for deal in deals), Decimal(0))


def _of_the_one_with_most(deals: Sequence[Record]) -> list[Record]:
    """Return the deals of the owner whose deals are worth most together."""
    by_owner: dict[str, list[Record]] = {}
    for deal in deals:
        by_owner.setdefault(deal["owner_id"], []).append(deal)
    return max((by_owner[owner] for owner in sorted(by_owner)), key=_total)


def _thinnest_team(view: View) -> str:
    """Return the team with the lowest coverage of the quarter in focus."""
    period = view.data.focus_quarter
    rows = [
        row
        for team in view.data.active_teams()
        for row in view.data.coverage(GrainKind.TEAM, team)
        if row["period"] == period and row["status"] == TargetStatus.OK
    ]
    return (
        formats.printable(
            min(rows, key=lambda row: (row["coverage_ratio"], row["grain_id"]))["grain_id"]
        )
        if rows
        else formats.printable(view.grain_id)
    )
