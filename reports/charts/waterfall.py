"""Why the pipeline changed, drawn as a bridge from its opening to its closing.

Put here what bridges share on paper and on a phone.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from markupsafe import Markup

from reports.charts.svg import (
    GOOD,
    MUTED,
    PHONE,
    RULE,
    SHORT,
    TINY,
    WIDTH,
    Palette,
    Scale,
    Words,
    box,
    clipped,
    line,
    svg,
    text,
)
from reports.text.i18n import Language


@dataclass(frozen=True)
class Step:
    """A bar of the waterfall: its label, its change, and whether it is won business."""

    label: str
    change: Decimal
    is_won: bool = False


@dataclass(frozen=True)
class _Bar:
    """A bar from one level to another, how it is filled, and what is written at it."""

    name: str
    before: Decimal
    after: Decimal
    fill: str
    label: str


def waterfall(
    steps: Sequence[Step],
    opening: Decimal,
    closing: Decimal,
    words: Words,
    palette: Palette,
    language: Language,
) -> Markup:
    """Draw why the pipeline changed: from opening to closing, one bar a movement."""
    height, left, right, top, bottom = 142.0, 4.0, WIDTH - 4, 18.0, 114.0
    bars = _bars(steps, opening, closing, words, palette, language)
    lowest, highest = _ends(bars)
    y = Scale(lowest, highest * 1.02, bottom, top)
    slot = (right - left) / len(bars)
    parts = [line([(left, y(0)), (right, y(0))], RULE, 0.7)]
    for n, bar in enumerate(bars):
        middle, wide = left + slot * (n + 0.5), slot * 0.68
        above, below = sorted((y(bar.before), y(bar.after)))
        name = clipped(bar.name, slot, TINY)
        parts.append(box(middle - wide / 2, above, wide, below - above, bar.fill))
        parts.append(text(middle, above - 4, bar.label, anchor="middle", bold=True, size=TINY))
        parts.append(text(middle, bottom + 13, name, anchor="middle", colour=MUTED, size=TINY))
        if n < len(bars) - 1:
            level = y(bar.after)
            ends = [(middle + wide / 2, level), (middle + slot - wide / 2, level)]
            parts.append(line(ends, MUTED, 0.5))
    return svg(WIDTH, height, _told(steps, opening, closing, words, language), parts)


def waterfall_rows(
    steps: Sequence[Step],
    opening: Decimal,
    closing: Decimal,
    words: Words,
    palette: Palette,
    language: Language,
) -> Markup:
    """Draw the same for a phone: one row a movement, with its name before it and its amount behind."""
    row_height, left, right = 17.0, 78.0, PHONE - 52
    bars = _bars(steps, opening, closing, words, palette, language)
    x = Scale(*_ends(bars), left, right)
    height = row_height * len(bars) + 4
    parts = [line([(x(0), 0), (x(0), height)], RULE, 0.7)]
    for n, bar in enumerate(bars):
        place = row_height * (n + 0.5)
        start, end = sorted((x(bar.before), x(bar.after)))
        parts.append(text(0, place + 2.8, clipped(bar.name, left - 4)))
        parts.append(box(start, place - 5, end - start, 10, bar.fill))
        parts.append(text(PHONE, place + 2.8, bar.label, anchor="end", bold=True))
    return svg(PHONE, height, _told(steps, opening, closing, words, language), parts)


def _bars(
    steps: Sequence[Step],
    opening: Decimal,
    closing: Decimal,
    words: Words,
    palette: Palette,
    language: Language,
) -> list[_Bar]:
    zero, brand, level = Decimal(0), f'fill="{palette.brand}"', opening
    bars = [_Bar(language.say("Opening"), zero, opening, brand, words(opening))]
    for step in steps:
        bars.append(_Bar(step.label, level, level + step.change, *_theme(step, words, palette)))
        level += step.change
    return [*bars, _Bar(language.say("Closing"), zero, closing, brand, words(closing))]


def _ends(bars: Sequence[_Bar]) -> tuple[float, float]:
    """Return where a scale of the bars begins and ends."""
    levels = [float(level) for bar in bars for level in (bar.before, bar.after)]
    return min(0.0, *levels), max(levels) or 1.0


def _told(
    steps: Sequence[Step], opening: Decimal, closing: Decimal, words: Words, language: Language
) -> str:
    return language.say(
        "The pipeline moved from {opening} to {closing}: {steps}",
        opening=words(opening),
        closing=words(closing),
        steps=", ".join(f"{step.label} {words(step.change)}" for step in steps),
    )


def _theme(step: Step, words: Words, palette: Palette) -> tuple[str, str]:
    """Return how a movement is filled and what is written above it."""
    if step.is_won:
        return f'fill="{GOOD}"', words(step.change)
    if step.change < 0:
        return SHORT, words(step.change)
    return f'fill="{palette.second}"', "+" + words(step.change)
