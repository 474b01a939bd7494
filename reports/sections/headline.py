"""The first page: what happened and where it leads in a few sentences, and the headline numbers.

Put the rules here by which something is said: each has a condition and the published table it
reads. What must happen next is `actions`.
"""

from __future__ import annotations

from decimal import Decimal

from reports.document.document import Statement, Tile
from reports.document.month_tables import Record
from reports.document.view import Standing, View, name_of, needed, period_words, ratio_words
from reports.sections.calls import own_call
from reports.text import formats
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus

ON_PLAN = 100  # percent of the target
# From here on amounts are told in thousands.
LEAST_IN_THOUSANDS = 10_000


def statements(view: View) -> list[Statement]:
    """What happened and where the year stands, each by its condition."""
    rules = {
        Standing.LEFT: (_left,),
        Standing.NOT_BEGUN: (_begins,),
        Standing.SELLS: (
            (_coming_number, _year_to_date, _year_lands, own_call)
            if view.grain == GrainKind.PERSON
            else (_month_booked, _year_to_date, _year_lands, _quarter_covered)
        ),
    }
    return [said for rule in rules[view.standing] if (said := rule(view)) is not None]


def _left(view: View) -> Statement:
    """Said of who has no target in the months ahead: what was done, and what is open."""
    year, say, short = view.attained(PeriodKind.YEAR), view.language.say, view.variant.short
    plan = [each for each in view.data.plan(view.grain, view.grain_id) if each.baseline]
    said = say(
        "Your target ended with {month}: {booked} of {target} was booked.",
        month=view.language.month_name(plan[-1].month),
        booked=short(year["bookings"]),
        target=short(year["target"]),
    )
    open_amount = view.covered(view.year_name())["open_pipeline"]
    more = say("{amount} is still open for the year.", amount=short(open_amount))
    return Statement(f"{said} {more}" if open_amount else said, "target_attainment")


def _begins(view: View) -> Statement:
    """Said of who has not begun: how the target starts."""
    plan = [each for each in view.data.plan(view.grain, view.grain_id) if each.baseline]
    first = plan[0]
    said = view.language.say(
        "Your target begins with {month}: {amount}, of {target} for the year.",
        month=view.language.month_name(first.month),
        amount=view.variant.short(first.baseline),
        target=view.variant.short(view.covered(view.year_name())["target"]),
    )
    return Statement(said, "phased_targets")


def _coming_number(view: View) -> Statement | None:
    """Said where the coming month has a number: what it is made of, and what no month can take."""
    coming = view.coming()
    if coming is None:
        return None
    say, short = view.language.say, view.variant.short
    more = coming["number"] - coming["baseline_target"]
    number, plan = coming["number"], coming["baseline_target"]
    # The parts are told in one unit, so that they add up as they are printed.
    unit = Decimal(1000 if number >= LEAST_IN_THOUSANDS else 1)
    told = short if number >= LEAST_IN_THOUSANDS else view.variant.money
    words = {
        "month": view.language.month_name(view.variant.month.plus(1)),
        "number": told(number),
        "plan": told(plan),
        "more": told((round(number / unit) - round(plan / unit)) * unit),
    }
    said = say("{month}: {number}, as planned.", **words)
    if more > 0:
        said = say("{month}: {number}, {plan} of plan and {more} of what is missing.", **words)
    if coming["at_risk"] > 0:
        phasing = view.variant.rules.policy.phasing
        lost = say("{amount} more fits into no month.", amount=short(coming["at_risk"]))
        if phasing.rephase == "bounded":
            lost = say(
                "{amount} more cannot be made up, even at {cap} of plan in every month left.",
                amount=short(coming["at_risk"]),
                cap=view.language.pct(float(phasing.cap) * 100),
            )
        said = f"{said} {lost}"
    return Statement(said, "coming_month")


def _month_booked(view: View) -> Statement:
    """Always said: what the month booked, of its target where it has one."""
    month, short, say = view.attained(PeriodKind.MONTH), view.variant.short, view.language.say
    name = view.language.month_name(view.variant.month)
    if month["status"] == TargetStatus.NO_TARGET:
        said = say("{month} booked {amount}.", month=name, amount=short(month["bookings"]))
    else:
        said = say(
            "{month} booked {amount}, {pct} of its target of {target}.",
            month=name,
            amount=short(month["bookings"]),
            pct=view.language.pct(month["attainment_pct"]),
            target=short(month["target"]),
        )
    return Statement(said, "target_attainment")


def _year_to_date(view: View) -> Statement | None:
    """Said where the year so far has a target: ahead, behind or on it, by how much."""
    year, short = view.attained(PeriodKind.YEAR), view.variant.short
    if year["status"] == TargetStatus.NO_TARGET:
        return None
    gap = short(abs(year["variance"]))
    if view.is_year_over:
        return Statement(
            view.language.say(
                "{period} closed at {amount}, {pct} of its target of {target}.",
                period=period_words(view.year_name(), view.language),
                amount=short(year["bookings"]),
                pct=view.language.pct(year["attainment_pct"]),
                target=short(year["target"]),
            ),
            "target_attainment",
        )
    values = {
        "amount": short(year["bookings"]),
        "pct": view.language.pct(year["attainment_pct"]),
        "gap": gap,
    }
    if gap == short(year["variance"] * 0):
        said = view.language.say(
            "The year to date stands at {amount}, on the phased target.", amount=values["amount"]
        )
    elif year["variance"] < 0:
        said = view.language.say(
            "The year to date stands at {amount}, {pct} of the phased target: {gap} behind.",
            **values,
        )
    else:
        said = view.language.say(
            "The year to date stands at {amount}, {pct} of the phased target: {gap} ahead.",
            **values,
        )
    more = _won_without_a_target(view, year)
    return Statement(f"{said} {more}" if more else said, "target_attainment")


def _won_without_a_target(view: View, year: Record) -> str:
    """Say what of a team's or the company's bookings is of people without a target, and where the year would stand without it."""
    if view.grain == GrainKind.PERSON:
        return ""
    say, short = view.language.say, view.variant.short
    others = [
        row
        for row in view.attainment_rows(GrainKind.PERSON)
        if row[PeriodKind.YEAR]["status"] == TargetStatus.NO_TARGET
        and row[PeriodKind.YEAR]["bookings"] > 0
    ]
    amount = sum((row[PeriodKind.YEAR]["bookings"] for row in others), Decimal(0))
    if not others or short(amount) == short(amount * 0):
        return ""
    gap = year["variance"] - amount
    values = {
        "amount": short(amount),
        "who": name_of(others[0]),
        "n": view.language.count(len(others)),
        "gap": short(abs(gap)),
    }
    if len(others) == 1:
        won = say("{amount} of it was won by {who}, who has no target", **values)
    else:
        won = say("{amount} of it was won by {n} people without a target", **values)
    if gap >= 0 or year["variance"] < 0:
        return f"{won}."
    return say("{won}: without it, the year is {gap} behind.", won=won, gap=values["gap"])


def _year_lands(view: View) -> Statement | None:
    """Said where a forecast of the year has a target to be held against; with a chance only where chances have proved themselves."""
    landing, short, say = view.year_landing(), view.variant.short, view.language.say
    if not landing or landing["method"] != "model" or landing["p10"] == landing["p90"]:
        return None
    stated = view.stated_target(landing["period"])
    values = {
        "period": period_words(landing["period"], view.language),
        "p50": short(landing["p50"]),
        "low": short(landing["p10"]),
        "high": short(landing["p90"]),
        "target": short(landing["target"]),
    }
    if stated is None:
        said = say(
            "We forecast {p50} for {period} ({low} to {high}), against a target of {target}.",
            **values,
        )
    else:
        said = say(
            "We forecast {p50} for {period} ({low} to {high}), against a stated target of {stated}; the targets of its people sum to {target}.",
            stated=short(stated),
            **values,
        )
    chance = view.chance(PeriodKind.YEAR, landing["hit_probability"])
    if chance is not None:
        told = view.language.chance(chance)
        more = (
            say("The chance to reach it is {chance}.", chance=told)
            if stated is None
            else say("The chance to reach that sum is {chance}.", chance=told)
        )
        said = f"{said} {more}"
    return Statement(said, "landing_forecast")


def _quarter_covered(view: View) -> Statement | None:
    """Said where something of the quarter in focus is still to be won."""
    coming, short, say = view.next_quarter(), view.variant.short, view.language.say
    if not coming or coming["status"] != TargetStatus.OK:
        return None
    values = {
        "period": period_words(coming["period"], view.language),
        "open": short(coming["open_pipeline"]),
        "remaining": short(coming["remaining_target"]),
        "ratio": view.language.ratio(coming["coverage_ratio"]),
    }
    usual = needed(coming)
    if usual is None:
        said = say(
            "For {period}, {open} is open against {remaining} still to win: coverage {ratio}.",
            **values,
        )
    else:
        said = say(
            "For {period}, {open} is open against {remaining} still to win: coverage {ratio}; {needed} has usually been needed at this point.",
            needed=view.language.ratio(usual),
            **values,
        )
    return Statement(said, "pipeline_coverage")


def tiles(view: View) -> list[Tile]:
    """Return the headline numbers: the month (a person's coming one), the year to date, the forecast, and what is open for the quarter in focus."""
    first = _coming_tile(view) if view.grain == GrainKind.PERSON else _month_tile(view)
    found = [first, _year_tile(view), _forecast_tile(view), _coverage_tile(view)]
    return [tile for tile in found if tile is not None]


def _coming_tile(view: View) -> Tile | None:
    coming = view.coming()
    if coming is None:
        return None
    say = view.language.say
    note = say("as planned")
    if coming["number"] > coming["baseline_target"]:
        note = say("plan {plan}", plan=view.variant.short(coming["baseline_target"]))
    return Tile(
        say("To book in {month}", month=view.language.month_name(view.variant.month.plus(1))),
        view.variant.short(coming["number"]),
        note,
    )


def _month_tile(view: View) -> Tile:
    month = view.attained(PeriodKind.MONTH)
    return Tile(
        view.language.month_name(view.variant.month),
        view.variant.short(month["bookings"]),
        _beside(view, month),
        _is_short(month),
    )


def _year_tile(view: View) -> Tile:
    year = view.attained(PeriodKind.YEAR)
    return Tile(
        view.language.say("Year to date"),
        view.variant.short(year["bookings"]),
        _beside(view, year),
        _is_short(year),
        "year",
    )


def _beside(view: View, row: Record) -> str:
    """Return how bookings stand against the target, and what a year before booked."""
    say, parts = view.language.say, list[str]()
    if row["status"] != TargetStatus.NO_TARGET:
        parts.append(
            say(
                "{pct} of {target}",
                pct=view.language.pct(row["attainment_pct"]),
                target=view.variant.short(row["target"]),
            )
        )
    if row["last_year"] is not None and view.standing != Standing.NOT_BEGUN:
        parts.append(say("last year {amount}", amount=view.variant.short(row["last_year"])))
    return "; ".join(parts) or say("no target")


def _is_short(row: Record) -> bool:
    """Return whether bookings are below target as printed."""
    return row["attainment_pct"] is not None and round(row["attainment_pct"]) < ON_PLAN


def _forecast_tile(view: View) -> Tile | None:
    """The forecast of the year; where there is none, what is still to win."""
    say, short = view.language.say, view.variant.short
    landing, whole = view.year_landing(), view.covered(view.year_name())
    if landing and landing["method"] == "model" and landing["p10"] != landing["p90"]:
        stated = view.stated_target(landing["period"])
        target = landing["target"] if stated is None else stated
        note = say(
            "{low} to {high}; target {target}",
            low=short(landing["p10"]),
            high=short(landing["p90"]),
            target=short(target),
        )
        if (before := _forecast_before(view, landing["period"])) is not None:
            note = f"{note}; {say('{amount} a month ago', amount=short(before))}"
        return Tile(
            say("Forecast {period}", period=period_words(landing["period"], view.language)),
            short(landing["p50"]),
            note,
            landing["p50"] < target,
            "landing",
        )
    is_ahead = view.standing != Standing.LEFT and not view.is_year_over
    if whole["status"] == TargetStatus.NO_TARGET or not is_ahead:
        return None
    return Tile(
        say("Still to win"),
        short(whole["remaining_target"]),
        say(
            "of {target} for {period}",
            target=short(whole["target"]),
            period=period_words(whole["period"], view.language),
        ),
        key="landing",
    )


def _forecast_before(view: View, period: str) -> Decimal | None:
    """Return what the report of the month before forecast for a period, none where it forecast nothing."""
    last = view.data.last
    was = None if last is None else last.landing(view.grain, view.grain_id, period)
    return None if was is None or was["method"] != "model" else was["p50"]


def _coverage_tile(view: View) -> Tile | None:
    coming = view.next_quarter()
    if coming is None or view.standing == Standing.LEFT:
        return None
    say, language = view.language.say, view.language
    # Nobody knows what somebody without a past has usually needed.
    is_known = view.standing == Standing.SELLS
    ratio, usual = coming["coverage_ratio"], needed(coming) if is_known else None
    note = say(
        "{open} open, {remaining} still to win",
        open=view.variant.short(coming["open_pipeline"]),
        remaining=view.variant.short(coming["remaining_target"]),
    )
    is_short = ratio is not None and usual is not None and round(ratio, 1) < round(usual, 1)
    if ratio is not None and usual is not None:
        note = f"{say('usually needed {ratio}', ratio=language.ratio(usual))}; {note}"
    value = ratio_words(coming, language)
    return Tile(
        say("Coverage {period}", period=period_words(coming["period"], view.language)),
        value if value != formats.EMPTY else say("none"),
        note,
        is_short,
        "coverage",
    )
