"""Charts of what is to come: landings, the next 90 days, and how earlier forecasts did.

Put drawing of the future here; which numbers are drawn is decided by sections.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from markupsafe import Markup

from reports.drawing import (
    BAD,
    FAN,
    INK,
    MUTED,
    RULE,
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
    line,
    round_ticks,
    svg,
    text,
)
from reports.language import Language

FULL = 100  # percent
MOST_PCT = 250.0


@dataclass(frozen=True)
class Landing:
    """Where a period lands, in percent of its target."""

    name: str
    booked: float
    p10: float
    p50: float
    p90: float
    chance: str


def landing_ranges(rows: Sequence[Landing], palette: Palette, language: Language) -> Markup:
    """Draw where periods land: booked, P10 to P90 and P50 beside the target at 100 %."""
    row_height, left, right = 17.0, 92.0, WIDTH - 44
    height = row_height * len(rows) + 20
    most = max([row.p90 for row in rows] + [120.0])
    x = Scale(0, min(most * 1.04, MOST_PCT), left, right)
    bottom = row_height * len(rows) + 2
    parts: list[str] = []
    for n, row in enumerate(rows):
        place = 10 + n * row_height
        booked, low, middle, high = (x.within(value) for value in (row.booked, row.p10, row.p50, row.p90))
        parts.append(text(left - 6, place + 2.8, clipped(row.name, left - 8), anchor="end"))
        parts.append(box(low, place - 5, high - low, 10, f'fill="{FAN}"'))
        parts.append(box(left, place - 2.5, booked - left, 5, f'fill="{palette.brand}"'))
        parts.append(line([(middle, place - 6.5), (middle, place + 6.5)], palette.brand, 1.6))
        parts.append(text(right + 6, place + 2.8, row.chance, bold=True))
    parts.append(line([(x(FULL), 2), (x(FULL), bottom)], INK, 0.8, dash="2 2"))
    parts.append(text(x(FULL), bottom + 10, language.pct(100), anchor="middle", colour=MUTED))
    parts.append(text(right + 6, bottom + 10, language.say("chance"), colour=MUTED))
    listed = "; ".join(
        language.say("{name} from {low} to {high}, chance {chance}", name=row.name, low=language.pct(row.p10), high=language.pct(row.p90), chance=row.chance)
        for row in rows
    )  # fmt: skip
    return svg(WIDTH, height, language.say("Landing in percent of the target: {rows}", rows=listed), parts)


def weekly_bars(weeks: Sequence[tuple[str, Decimal, int]], words: Words, palette: Palette, language: Language) -> Markup:
    """Draw the open amount due in each of the coming weeks: `(first day, amount, deals)`."""
    height, left, right, top, bottom = 112.0, 4.0, WIDTH - 4, 16.0, 84.0
    highest = max([float(amount) for _, amount, _ in weeks] + [1.0])
    y = Scale(0, highest, bottom, top)
    slot = (right - left) / max(len(weeks), 1)
    parts = [line([(left, bottom), (right, bottom)], RULE, 0.7)]
    for n, (label, amount, deals) in enumerate(weeks):
        middle = left + slot * (n + 0.5)
        if deals:
            place = y(amount)
            parts.append(box(middle - slot * 0.34, place, slot * 0.68, bottom - place, f'fill="{palette.brand}"'))
            parts.append(text(middle, place - 4, words(amount), anchor="middle", bold=True, size=7))
            parts.append(text(middle, bottom + 21, language.deals(deals), anchor="middle", colour=MUTED, size=7))
        parts.append(text(middle, bottom + 11, label, anchor="middle", colour=MUTED, size=7))
    listed = ", ".join(f"{label} {words(amount)}" for label, amount, deals in weeks if deals)
    return svg(WIDTH, height, language.say("Open amount by week of the close date: {rows}", rows=listed), parts)


@dataclass(frozen=True)
class Confirmation:
    """When a deal closes by the CRM, and between which days it is confirmed in eight of ten cases, where a forecast says."""

    name: str
    amount: str
    close_date: date
    low: date | None = None
    high: date | None = None
    is_protected: bool = False


def confirmation_timeline(deals: Sequence[Confirmation], first: date, days: int, palette: Palette, language: Language) -> Markup:
    """Draw the days ahead, a deal a row: a diamond at the close date, a band over the days of confirmation."""
    row_height, left, right, top = 13.0, 178.0, WIDTH - 52, 14.0
    height = top + row_height * len(deals) + 4
    x = Scale(0, days, left, right)
    bottom = top + row_height * len(deals)
    parts: list[str] = []
    for start in _months_from(first, days):
        place = x((start - first).days)
        parts.append(line([(place, top - 4), (place, bottom)], RULE, 0.6))
        parts.append(text(place + 2, top - 6, language.day_of_year(start), colour=MUTED, size=7))
    listed: list[str] = []
    for n, deal in enumerate(deals):
        middle = top + row_height * (n + 0.5)
        parts.append(text(0, middle + 2.8, clipped(deal.name, left - 10)))
        colour = palette.second if deal.is_protected else palette.brand
        if deal.low and deal.high:
            start, end = (x.within((day - first).days) for day in (deal.low, deal.high))
            parts.append(box(start, middle - 2.2, end - start, 4.4, f'fill="{FAN}"'))
            if (deal.high - first).days > days:
                parts.append(text(right + 1, middle + 2.6, "›", colour=MUTED))
        parts.append(diamond(x.within((deal.close_date - first).days), middle, 3.4, colour))
        parts.append(text(WIDTH, middle + 2.8, deal.amount, anchor="end", bold=True))
        listed.append(f"{deal.name} {language.day_of_year(deal.close_date)}")
    return svg(WIDTH, height, language.say("Close dates and days of confirmation: {rows}", rows="; ".join(listed)), parts)


def _months_from(first: date, days: int) -> list[date]:
    """Return the first day and every first of a month in the days after it."""
    every = [first + timedelta(days=n) for n in range(days)]
    return [day for day in every if day == first or day.day == 1]


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


def judged_forecasts(rows: Sequence[Judged], words: Words, palette: Palette, language: Language) -> Markup:
    """Draw past forecasts of a month and what came: a band from P10 to P90, a tick at P50, a dot that is open where it fell outside."""
    height, left, right, top, bottom = 128.0, 46.0, WIDTH - 4, 8.0, 108.0
    ticks = round_ticks(0, max([float(value) for row in rows for value in (row.p90, row.outcome)] or [1.0]))
    left = max(left, max(advance(words(Decimal(str(tick)))) for tick in ticks) + 7)
    y = Scale(0, ticks[-1], bottom, top)
    slot = (right - left) / max(len(rows), 1)
    parts = grid(ticks, y, left, right, words)
    for n, row in enumerate(rows):
        middle, wide = left + slot * (n + 0.5), min(slot * 0.6, 18.0)
        parts.append(box(middle - wide / 2, y(row.p90), wide, y(row.p10) - y(row.p90), f'fill="{FAN}"'))
        parts.append(line([(middle - wide / 2, y(row.p50)), (middle + wide / 2, y(row.p50))], palette.brand, 1.2))
        parts.append(dot(middle, y.within(row.outcome), 2.6, palette.brand if row.is_inside else BAD, is_open=not row.is_inside))
        parts.append(text(middle, bottom + 12, row.label, anchor="middle", colour=MUTED, size=7))
    inside = sum(row.is_inside for row in rows)
    told = language.say("Of {n} forecasts of a month made at the end of the month before, {inside} held what came", n=len(rows), inside=inside)
    return svg(WIDTH, height, told, parts)
