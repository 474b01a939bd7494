"""The chart of a year's scenarios: the number of each beside what may be expected.

Put drawing here; which numbers are drawn is decided by `reports.year_plan`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from reports.charts.svg import (
    FAN,
    INK,
    MUTED,
    RULE,
    WIDTH,
    Palette,
    Scale,
    Words,
    box,
    clipped,
    diamond,
    line,
    round_ticks,
    svg,
    text,
)
from reports.text.i18n import Language

ROW, LABEL, TOP = 30.0, 130.0, 8.0


@dataclass(frozen=True)
class Ambition:
    """A scenario's number beside the P10, P50 and P90 of what the company books in such a year."""

    title: str
    number: Decimal
    landing: tuple[Decimal, Decimal, Decimal]


def ambitions(
    rows: Sequence[Ambition], words: Words, on_axis: Words, palette: Palette, language: Language
) -> Markup:
    """Draw a row a scenario: the range of eight in ten years, its middle, and the number as a diamond."""
    highest = max(float(max(row.number, row.landing[2])) for row in rows)
    ticks = round_ticks(0, highest)
    x = Scale(0, ticks[-1], LABEL, WIDTH - 40)
    bottom = TOP + ROW * len(rows)
    parts: list[str] = []
    for tick in ticks:
        place = x(tick)
        parts.append(line([(place, TOP), (place, bottom)], RULE, 0.6))
        parts.append(
            text(place, bottom + 12, on_axis(Decimal(str(tick))), anchor="middle", colour=MUTED)
        )
    for n, row in enumerate(rows):
        middle = TOP + ROW * (n + 0.5)
        low, half, high = (x(value) for value in row.landing)
        parts.append(text(0, middle + 3, clipped(row.title, LABEL - 8)))
        parts.append(box(low, middle - 6, high - low, 12, f'fill="{FAN}"'))
        parts.append(line([(half, middle - 6), (half, middle + 6)], palette.brand, 1.6))
        number = x(row.number)
        parts.append(diamond(number, middle, 4.2, INK))
        parts.append(
            text(number, middle - 8, words(row.number), anchor="middle", colour=INK, bold=True)
        )
    listed = "; ".join(
        language.say(
            "{title}: the number {number}, a year of {low} to {high}",
            title=row.title,
            number=words(row.number),
            low=words(row.landing[0]),
            high=words(row.landing[2]),
        )
        for row in rows
    )
    alt_text = language.say("Numbers beside what may be expected. {rows}", rows=listed)
    return svg(WIDTH, bottom + 18, alt_text, parts)
