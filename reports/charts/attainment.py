"""Charts of what happened and where things stand: the year, attainment, coverage, movement.

Put drawing here; which numbers are drawn is decided by sections. Colours are those of the
page, a shortfall is hatched or open besides being red, and every chart says in its title what it
shows.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil

from markupsafe import Markup

from reports.charts.svg import (
    FAN,
    INK,
    MUTED,
    RULE,
    SHORT,
    SMALL,
    TINY,
    WIDTH,
    Palette,
    Scale,
    Words,
    advance,
    box,
    clipped,
    dot,
    grid,
    labels_in,
    line,
    round_ticks,
    spread,
    svg,
    text,
)
from reports.text.i18n import Language

# Where a scale is cut: a value beyond is printed, not drawn to scale.
MOST_COVERAGE = 8.0
# What the highest value leaves free above it.
ROOM_ABOVE = 1.08
YEAR_TICKS = 6


@dataclass(frozen=True)
class Year:
    """A year to draw: cumulative phased target, bookings so far, what the months left must bring, and the landing (P10, P50, P90)."""

    labels: Sequence[str]
    target: Sequence[Decimal]
    booked: Sequence[Decimal]
    rephased: Sequence[Decimal]
    landing: tuple[Decimal, Decimal, Decimal] | None = None


def cumulative(
    year: Year,
    words: Words,
    on_axis: Words,
    palette: Palette,
    language: Language,
    width: float = WIDTH,
) -> Markup:
    """Draw the year: phased target as steps, bookings as a line, what the months left must bring, and where it lands."""
    labels, target, booked, rephased, landing = (
        year.labels,
        year.target,
        year.booked,
        year.rephased,
        year.landing,
    )
    height, left, right, top, bottom = 152.0, 46.0, width - 96, 10.0, 130.0
    highest = max(
        [float(value) for value in (*target, *booked, *rephased, *(landing or ()))] or [1.0]
    )
    ticks = round_ticks(0, highest, YEAR_TICKS)
    left = max(left, max(advance(on_axis(Decimal(str(tick)))) for tick in ticks) + 7)
    # Ticks may end far above what is drawn.
    most = min(ticks[-1], highest * ROOM_ABOVE) if highest > 0 else ticks[-1]
    y, x = Scale(0, most, bottom, top), Scale(0, len(labels), left, right)
    parts = grid([tick for tick in ticks if tick <= most], y, left, right, on_axis)
    parts += [
        text(x(n + 0.5), bottom + 13, label, anchor="middle", colour=MUTED)
        for n, label in enumerate(labels_in((right - left) / max(len(labels), 1), labels))
        if label
    ]
    is_open = bool(booked) and len(booked) < len(labels)
    if landing and is_open:
        low, middle, high = (y(value) for value in landing)
        start = f"{x(len(booked))},{y(booked[-1])}"
        parts.append(f'<polygon points="{start} {right},{high} {right},{low}" fill="{FAN}"/>')
        parts.append(
            line([(x(len(booked)), y(booked[-1])), (right, middle)], palette.brand, 1.2, dash="4 2")
        )
    steps = [(x(n + edge), y(value)) for n, value in enumerate(target) for edge in (0, 1)]
    parts.append(line([(x(0), y(0)), *steps], MUTED, 1, dash="3 2"))
    if rephased:
        start = len(booked)
        ahead = [
            (x(start), y(booked[-1] if booked else 0)),
            *((x(start + n + 1), y(value)) for n, value in enumerate(rephased)),
        ]
        parts.append(line(ahead, palette.second, 1.4, dash="1 2.2"))
    parts.append(
        line(
            [(x(0), y(0)), *((x(n + 1), y(value)) for n, value in enumerate(booked))],
            palette.brand,
            2,
        )
    )
    ends: list[tuple[float, str, str, bool]] = []
    say = language.say
    if target:
        ends.append((y(target[-1]), say("Target {amount}", amount=words(target[-1])), MUTED, False))
    if booked:
        parts.append(dot(x(len(booked)), y(booked[-1]), 2.6, palette.brand))
        label = say("Booked {amount}", amount=words(booked[-1]))
        if is_open:
            # Beside the point, on the side away from the target's steps.
            is_ahead = booked[-1] >= target[len(booked) - 1]
            place = (
                (x(len(booked)) - 5, y(booked[-1]) - 5, "end")
                if is_ahead
                else (x(len(booked)) + 5, min(y(booked[-1]) + 10, bottom - 3), "start")
            )
            parts.append(
                text(
                    max(place[0], left + advance(label, bold=True)) if is_ahead else place[0],
                    place[1],
                    label,
                    anchor=place[2],
                    colour=palette.brand,
                    bold=True,
                )
            )
        else:
            ends.append((y(booked[-1]), label, palette.brand, True))
    if landing and is_open:
        ends.append(
            (y(landing[1]), say("Forecast {amount}", amount=words(landing[1])), palette.brand, True)
        )
    if rephased:
        ends.append(
            (
                y(rephased[-1]),
                say("Re-phased {amount}", amount=words(rephased[-1])),
                palette.second,
                False,
            )
        )
    parts += [
        text(
            right + 5, place, clipped(label, width - right - 5, bold=bold), colour=colour, bold=bold
        )
        for place, label, colour, bold in spread(ends)
    ]
    alt_text = say(
        "Cumulative bookings of {booked} against a phased target that reaches {target}",
        booked=words(booked[-1]) if booked else words(Decimal(0)),
        target=words(target[-1]) if target else words(Decimal(0)),
    )
    if landing and is_open:
        alt_text = say(
            "{told}; the year lands between {low} and {high}",
            told=alt_text,
            low=words(landing[0]),
            high=words(landing[2]),
        )
    return svg(width, height, alt_text, parts)


@dataclass(frozen=True)
class Covered:
    """Coverage of a period: the ratio or none, in words, what is required with its interval, where it is known, and the money behind it."""

    period: str
    value: float | None
    words: str
    required: tuple[float, float, float] | None = None
    behind: Sequence[str] = ()


def coverage_bars(
    panels: Sequence[tuple[str, Sequence[Covered]]],
    palette: Palette,
    language: Language,
    page_width: float = WIDTH,
) -> Markup:
    """Draw coverage by period beside what is required, a panel a grain: `(name, periods)`.

    A ratio below what is required is hatched; where nobody can say what is required, none is.
    """
    columns, panel_height = (2 if page_width >= WIDTH else 1), 131.0
    width = (page_width - 24 * (columns - 1)) / columns
    height = panel_height * ceil(len(panels) / columns)
    values = [
        value
        for _, bars in panels
        for bar in bars
        for value in (bar.value, bar.required[2] if bar.required else None)
        if value is not None
    ]
    top_value = min(max([*values, 2.0]), MOST_COVERAGE)
    parts: list[str] = []
    for n, (name, bars) in enumerate(panels):
        left, top = (n % columns) * (width + 24), (n // columns) * panel_height
        y = Scale(0, top_value, top + 92, top + 30)
        parts.append(
            text(
                left,
                top + 10,
                clipped(name, width, SMALL + 1, bold=True),
                bold=True,
                size=SMALL + 1,
            )
        )
        parts.append(line([(left, top + 92), (left + width, top + 92)], RULE, 0.7))
        step = width / max(len(bars), 1)
        for m, bar in enumerate(bars):
            middle = left + step * (m + 0.5)
            parts.append(text(middle, top + 103, bar.period, anchor="middle", colour=MUTED))
            parts += [
                text(middle, top + 112 + 9 * n, amount, anchor="middle", colour=MUTED, size=TINY)
                for n, amount in enumerate(bar.behind)
            ]
            if bar.value is None:
                parts.append(text(middle, y(1) - 4, bar.words, anchor="middle", colour=MUTED))
                continue
            place = y.within(bar.value)
            fill = SHORT if _is_short(bar) else f'fill="{palette.brand}"'
            parts.append(box(middle - 17, place, 24, top + 92 - place, fill))
            highest = place
            if bar.required:
                needed, low, high = (y.within(each) for each in bar.required)
                parts.append(line([(middle + 14, low), (middle + 14, high)], MUTED, 1))
                parts.append(line([(middle - 19, needed), (middle + 18, needed)], INK, 1.4))
                highest = min(place, needed if needed > top + 34 else place)
            # Above the bar, and never on a line.
            parts.append(
                text(middle - 5, min(highest, y(1)) - 4, bar.words, anchor="middle", bold=True)
            )
        parts.append(line([(left, y(1)), (left + width, y(1))], INK, 0.7, dash="2 2"))
    listed = "; ".join(
        f"{name} " + ", ".join(f"{bar.period} {bar.words}{_needed(bar, language)}" for bar in bars)
        for name, bars in panels
    )
    return svg(page_width, height, language.say("Coverage by period: {rows}", rows=listed), parts)


def _is_short(bar: Covered) -> bool:
    """Return whether coverage is too little as printed: rounded before it is judged."""
    return (
        bar.value is not None
        and bar.required is not None
        and round(bar.value, 1) < round(bar.required[0], 1)
    )


def _needed(bar: Covered, language: Language) -> str:
    return (
        language.say(" (needed {ratio})", ratio=language.ratio(bar.required[0]))
        if bar.required
        else ""
    )


def sparkline(
    values: Sequence[Decimal],
    highest: Decimal,
    alt_text: str,
    palette: Palette,
    width: float = 58.0,
) -> Markup:
    """Draw a small line of values for a table cell, the last one marked; lines of one table share a scale that ends at `highest`."""
    height = 9.0
    numbers = [float(value) for value in values] or [0.0]
    low, high = min(0.0, *numbers), max(1.0, float(highest), *numbers)
    x, y = Scale(0, max(len(numbers) - 1, 1), 2, width - 3), Scale(low, high, height - 1.5, 1.5)
    points = [(x(n), y(value)) for n, value in enumerate(numbers)]
    return svg(
        width,
        height,
        alt_text,
        [line(points, palette.second, 0.9), dot(*points[-1], 1.5, palette.brand)],
        css="spark",
    )
