"""Charts of what is to come: landings, the next 90 days, and how earlier forecasts did.

Put drawing of the future here; which numbers are drawn is decided by sections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import Markup

from reports.charts.svg import (
    BAD,
    FAN,
    INK,
    MUTED,
    RULE,
    TINY,
    WIDTH,
    Palette,
    Scale,
    Words,
    advance,
    box,
    clipped,
    diamond,
    dot,
    grid,
    labels_in,
    line,
    round_ticks,
    svg,
    text,
)
from reports.text.i18n import Language
from sales.calendar import Month

FULL = 100  # percent
MOST_PCT = 250.0
# A bar so high, in points, has room for an amount.
ROOM_FOR_WORDS = 11.0


@dataclass(frozen=True)
class Landing:
    """Where a period lands, in percent of what is asked; `chance` is empty where none is printed."""

    name: str
    booked: float
    p10: float
    p50: float
    p90: float
    chance: str


def landing_ranges(
    rows: Sequence[Landing], palette: Palette, language: Language, width: float = WIDTH
) -> Markup:
    """Draw where periods land: booked, P10 to P90 and P50 beside the target at 100 %."""
    row_height, left, right = 17.0, 92.0 if width >= WIDTH else 62.0, width - 44
    height = row_height * len(rows) + 20
    most = max([row.p90 for row in rows] + [120.0])
    x = Scale(0, min(most * 1.04, MOST_PCT), left, right)
    bottom = row_height * len(rows) + 2
    parts: list[str] = []
    for n, row in enumerate(rows):
        place = 10 + n * row_height
        booked, low, middle, high = (
            x.within(value) for value in (row.booked, row.p10, row.p50, row.p90)
        )
        parts.append(text(left - 6, place + 2.8, clipped(row.name, left - 8), anchor="end"))
        parts.append(box(low, place - 5, high - low, 10, f'fill="{FAN}"'))
        parts.append(box(left, place - 2.5, booked - left, 5, f'fill="{palette.brand}"'))
        parts.append(line([(middle, place - 6.5), (middle, place + 6.5)], palette.brand, 1.6))
        parts.append(text(right + 6, place + 2.8, row.chance, bold=True))
    has_chance = any(row.chance for row in rows)
    parts.append(line([(x(FULL), 2), (x(FULL), bottom)], INK, 0.8, dash="2 2"))
    parts.append(text(x(FULL), bottom + 10, language.pct(100), anchor="middle", colour=MUTED))
    if has_chance:
        parts.append(text(right + 6, bottom + 10, language.say("chance"), colour=MUTED))
    listed = "; ".join(_landing_words(row, language) for row in rows)
    return svg(
        width,
        height,
        language.say("Landing in percent of what is asked: {rows}", rows=listed),
        parts,
    )


def _landing_words(row: Landing, language: Language) -> str:
    told = language.say(
        "{name} booked {booked}, forecast {middle}, from {low} to {high}",
        name=row.name,
        booked=language.pct(row.booked),
        middle=language.pct(row.p50),
        low=language.pct(row.p10),
        high=language.pct(row.p90),
    )
    return (
        language.say("{told}, chance {chance}", told=told, chance=row.chance)
        if row.chance
        else told
    )


@dataclass(frozen=True)
class Week:
    """What is due in a week: its first day, the open amount, what of it can be expected where chances are known, and how many deals."""

    label: str
    amount: Decimal
    expected: Decimal | None
    deals: int


def weekly_bars(
    weeks: Sequence[Week],
    words: Words,
    palette: Palette,
    language: Language,
    width: float = WIDTH,
) -> Markup:
    """Draw the open amount due in each of the coming weeks, and in it what can be expected."""
    height, left, right, top, bottom = 112.0, 4.0, width - 4, 16.0, 84.0
    highest = max([float(week.amount) for week in weeks] + [1.0])
    y = Scale(0, highest, bottom, top)
    slot = (right - left) / max(len(weeks), 1)
    outline = f'fill="none" stroke="{palette.brand}" stroke-width="0.8"'
    parts = [line([(left, bottom), (right, bottom)], RULE, 0.7)]
    labels = labels_in(slot, [week.label for week in weeks], 7)
    counts = [language.deals(week.deals) for week in weeks]
    has_room = all(advance(each, 7) < slot for each in counts)
    amounts = labels_in(slot, [words(week.amount) for week in weeks], 7, bold=True)
    for n, (week, label, deals, amount) in enumerate(
        zip(weeks, labels, counts, amounts, strict=True)
    ):
        middle = left + slot * (n + 0.5)
        if week.deals:
            place, across = y(week.amount), (middle - slot * 0.34, slot * 0.68)
            if week.expected is not None:
                inner = y.within(week.expected)
                parts.append(box(across[0], inner, across[1], bottom - inner, f'fill="{FAN}"'))
                told = words(week.expected)
                is_tall = bottom - inner >= ROOM_FOR_WORDS and inner - place >= 1
                if is_tall and advance(told, TINY) <= across[1]:
                    parts.append(text(middle, bottom - 3, told, anchor="middle", size=TINY))
            parts.append(box(across[0], place, across[1], bottom - place, outline))
            parts.append(text(middle, place - 4, amount, anchor="middle", bold=True, size=7))
            if has_room:
                parts.append(
                    text(middle, bottom + 21, deals, anchor="middle", colour=MUTED, size=7)
                )
        parts.append(text(middle, bottom + 11, label, anchor="middle", colour=MUTED, size=7))
    listed = ", ".join(_week_words(week, words, language) for week in weeks if week.deals)
    return svg(
        width,
        height,
        language.say("Open amount by week of the close date: {rows}", rows=listed),
        parts,
    )


def _week_words(week: Week, words: Words, language: Language) -> str:
    told = f"{week.label} {words(week.amount)}"
    if week.expected is None:
        return told
    return language.say("{told} (expected {amount})", told=told, amount=words(week.expected))


@dataclass(frozen=True)
class Confirmation:
    """When a deal closes by the CRM, and between which days it is confirmed in eight of ten cases, where a forecast says."""

    close_date: date
    low: date | None = None
    high: date | None = None


@dataclass(frozen=True)
class Horizon:
    """The days ahead as a strip of a table's column, so many points wide."""

    first: date
    days: int
    width: float

    @property
    def place(self) -> Scale:
        """Where a number of days lies."""
        return Scale(0, self.days, 4, self.width - 6)

    def months(self) -> list[date]:
        """Return the first day of each month in it."""
        every = (self.first + timedelta(days=n) for n in range(self.days))
        return [day for day in every if day.day == 1]


def horizon_head(horizon: Horizon, language: Language) -> Markup:
    """Draw the head of the strips: where months begin."""
    named = [
        (horizon.place((day - horizon.first).days), language.short_month(Month.of(day)))
        for day in horizon.months()
    ]
    parts = [text(place, 7, name, colour=MUTED, size=7, bold=True) for place, name in named]
    alt_text = language.say("Days ahead: {months}", months=", ".join(name for _, name in named))
    return svg(horizon.width, 9, alt_text, parts, css="spark")


def confirmation_strip(
    deal: Confirmation, horizon: Horizon, palette: Palette, language: Language
) -> Markup:
    """Draw the days ahead for a deal: a diamond at the close date, a band over the days of confirmation, arrows where they go on."""
    x, first, middle = horizon.place, horizon.first, 5.0
    parts = [line([(x(0), middle), (x(horizon.days), middle)], RULE, 0.6)]
    parts += [
        line([(x((day - first).days), 2), (x((day - first).days), 8)], RULE, 0.6)
        for day in horizon.months()
    ]
    alt_text = language.say("Closes {day}", day=language.day(deal.close_date))
    if deal.low and deal.high:
        start, end = (x.within((day - first).days) for day in (deal.low, deal.high))
        parts.append(box(start, middle - 2.2, end - start, 4.4, f'fill="{FAN}"'))
        if (deal.high - first).days > horizon.days:
            parts.append(
                line([(end, middle - 2.2), (end + 4, middle), (end, middle + 2.2)], MUTED, 0.8)
            )
        alt_text = language.say(
            "{told}; confirmed between {low} and {high} in eight of ten cases",
            told=alt_text,
            low=language.day(deal.low),
            high=language.day(deal.high),
        )
    parts.append(diamond(x.within((deal.close_date - first).days), middle, 3.2, palette.brand))
    return svg(horizon.width, 10, alt_text, parts, css="spark")


@dataclass(frozen=True)
class Judged:
    """A forecast that time has judged: its range, and what came."""

    label: str
    p10: Decimal
    p50: Decimal
    p90: Decimal
    outcome: Decimal

    @property
    def is_inside(self) -> bool:
        """Whether what came lies in the range."""
        return self.p10 <= self.outcome <= self.p90


def judged_forecasts(
    rows: Sequence[Judged],
    words: Words,
    palette: Palette,
    language: Language,
    width: float = WIDTH,
) -> Markup:
    """Draw past forecasts of a month and what came: a band from P10 to P90, a tick at P50, a dot that is open where it fell outside."""
    height, left, right, top, bottom = 128.0, 46.0, width - 4, 8.0, 108.0
    ticks = round_ticks(
        0, max([float(value) for row in rows for value in (row.p90, row.outcome)] or [1.0])
    )
    left = max(left, max(advance(words(Decimal(str(tick)))) for tick in ticks) + 7)
    y = Scale(0, ticks[-1], bottom, top)
    slot = (right - left) / max(len(rows), 1)
    parts = grid(ticks, y, left, right, words)
    labels = labels_in(slot, [row.label for row in rows], 7)
    for n, (row, label) in enumerate(zip(rows, labels, strict=True)):
        middle, wide = left + slot * (n + 0.5), min(slot * 0.6, 18.0)
        parts.append(
            box(middle - wide / 2, y(row.p90), wide, y(row.p10) - y(row.p90), f'fill="{FAN}"')
        )
        parts.append(
            line(
                [(middle - wide / 2, y(row.p50)), (middle + wide / 2, y(row.p50))],
                palette.brand,
                1.2,
            )
        )
        parts.append(
            dot(
                middle,
                y.within(row.outcome),
                2.6,
                palette.brand if row.is_inside else BAD,
                is_open=not row.is_inside,
            )
        )
        parts.append(text(middle, bottom + 12, label, anchor="middle", colour=MUTED, size=7))
    inside = sum(row.is_inside for row in rows)
    alt_text = language.say(
        "Of {n} forecasts of a month made at the end of the month before, {inside} held what came",
        n=len(rows),
        inside=inside,
    )
    return svg(width, height, alt_text, parts)
