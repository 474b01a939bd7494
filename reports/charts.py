"""Charts as SVG: scales and marks as small pure functions.

Put drawing here; which numbers are drawn is `month_end`. Colours are those of the
page, a shortfall is hatched besides being red, and every chart says in its title what it shows.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from math import ceil, floor, log10
from zlib import crc32

from markupsafe import Markup, escape

INK, MUTED, RULE, GOOD, BAD = "#1b2733", "#5b6b7a", "#d5dce3", "#1f7a4d", "#b3382c"
FAN = "#cfe3ec"
WIDTH = 510.0
SMALL, TINY = 8.0, 7.5
TICKS = 4

Number = Decimal | float | int
Words = Callable[[Decimal], str]


@dataclass(frozen=True)
class Palette:
    """The brand's two colours."""

    brand: str
    second: str


@dataclass(frozen=True)
class Scale:
    """A linear scale from values to points."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: Number) -> float:
        """Return the position of a value, in points."""
        share = (float(value) - self.low) / (self.high - self.low)
        return round(self.start + share * (self.end - self.start), 2)


def round_ticks(low: float, high: float, wanted: int = TICKS) -> list[float]:
    """Return round numbers that span the values, with steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        high = low + 1
    rough = (high - low) / wanted
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(n * step, 10) for n in range(first, last + 1)]


def cumulative(
    labels: Sequence[str], target: Sequence[Decimal], booked: Sequence[Decimal], rephased: Sequence[Decimal],
    words: Words, palette: Palette, landing: tuple[Decimal, Decimal, Decimal] | None = None,
) -> Markup:  # fmt: skip
    """Draw the year: phased target as steps, bookings as a line, what the months left must bring, and where it lands (P10, P50, P90)."""
    height, left, right, top, bottom = 178.0, 44.0, WIDTH - 92, 10.0, 156.0
    highest = max([float(value) for value in (*target, *booked, *rephased, *(landing or ()))] or [1.0])
    ticks = round_ticks(0, highest)
    y, x = Scale(0, ticks[-1], bottom, top), Scale(0, len(labels), left, right)
    parts = _grid(ticks, y, left, right, words)
    parts += [_text(x(n + 0.5), bottom + 13, label, anchor="middle", colour=MUTED) for n, label in enumerate(labels)]
    if landing and booked and len(booked) < len(labels):
        low, middle, high = (y(value) for value in landing)
        start = f"{x(len(booked))},{y(booked[-1])}"
        parts.append(f'<polygon points="{start} {right},{high} {right},{low}" fill="{FAN}"/>')
        parts.append(_line([(x(len(booked)), y(booked[-1])), (right, middle)], palette.brand, 1.2, dash="4 2"))
    steps = [(x(n + edge), y(value)) for n, value in enumerate(target) for edge in (0, 1)]
    parts.append(_line([(x(0), y(0)), *steps], MUTED, 1, dash="3 2"))
    if rephased:
        start = len(booked)
        ahead = [(x(start), y(booked[-1] if booked else 0)), *((x(start + n + 1), y(value)) for n, value in enumerate(rephased))]
        parts.append(_line(ahead, palette.second, 1.4, dash="1 2.2"))
    parts.append(_line([(x(0), y(0)), *((x(n + 1), y(value)) for n, value in enumerate(booked))], palette.brand, 2))
    ends: list[tuple[float, str, str, bool]] = []
    if target:
        ends.append((y(target[-1]), f"Target {words(target[-1])}", MUTED, False))
    if booked:
        parts.append(f'<circle cx="{x(len(booked))}" cy="{y(booked[-1])}" r="2.6" fill="{palette.brand}"/>')
        if len(booked) == len(labels):
            ends.append((y(booked[-1]), f"Booked {words(booked[-1])}", palette.brand, True))
        else:
            # Beside the point, on the side away from the target's steps.
            is_ahead = booked[-1] >= target[len(booked) - 1]
            place = (x(len(booked)) - 5, y(booked[-1]) - 5, "end") if is_ahead else (x(len(booked)) + 5, y(booked[-1]) + 10, "start")
            parts.append(_text(place[0], place[1], f"Booked {words(booked[-1])}", anchor=place[2], colour=palette.brand, bold=True))
    if landing and booked and len(booked) < len(labels):
        ends.append((y(landing[1]), f"Forecast {words(landing[1])}", palette.brand, True))
    if rephased:
        ends.append((y(rephased[-1]), f"Re-phased {words(rephased[-1])}", palette.second, False))
    parts += [_text(right + 5, place, text, colour=colour, bold=bold) for place, text, colour, bold in _spread(ends)]
    booked_words = words(booked[-1]) if booked else "nothing"
    told = f"Cumulative bookings of {booked_words} against a phased target that reaches {words(target[-1]) if target else 'nothing'}"
    return _svg(WIDTH, height, told, parts)


def attainment_bars(rows: Sequence[tuple[str, float | None, bool]], palette: Palette) -> Markup:
    """Draw attainment of the year to date, a bar a person or team, against the line at 100 %.

    `rows` are name, percent (or none) and whether the row is a team.
    """
    row_height, left, right = 13.5, 128.0, WIDTH - 40
    height = row_height * len(rows) + 20
    most = max([value for _, value, _ in rows if value is not None] + [100.0])
    x = Scale(0, min(max(most, 120.0), 250.0), left, right)
    parts: list[str] = []
    for n, (name, value, is_team) in enumerate(rows):
        middle = 8 + n * row_height
        parts.append(_text(left - 6, middle + 2.8, _clipped(name, 26), anchor="end", bold=is_team))
        if value is None:
            parts.append(_text(left + 4, middle + 2.8, "no target", colour=MUTED))
            continue
        end = x(min(max(value, 0.0), x.high))
        short = round(value) < 100  # noqa: PLR2004  # percent
        fill = 'fill="url(#short)" stroke="' + BAD + '" stroke-width="0.6"' if short else f'fill="{palette.brand if is_team else palette.second}"'
        parts.append(f'<rect x="{left}" y="{middle - 4}" width="{max(end - left, 0.6):.2f}" height="8" {fill}/>')
        # A label just short of the line at 100 % would be crossed by it.
        label = max(end, x(100)) if x(100) - end < 26 else end  # noqa: PLR2004  # points
        parts.append(_text(label + 4, middle + 2.8, f"{value:.0f}%", bold=is_team))
    bottom = 8 + len(rows) * row_height - 4
    parts.append(_line([(x(100), 2), (x(100), bottom)], INK, 0.8, dash="2 2"))
    parts.append(_text(x(100), bottom + 9, "100%", anchor="middle", colour=MUTED))
    told = "Attainment of the year to date: " + "; ".join(f"{name} {'no target' if v is None else f'{v:.0f}%'}" for name, v, _ in rows[:12])
    return _svg(WIDTH, height, told, parts)


def coverage_bars(panels: Sequence[tuple[str, Sequence[tuple[str, float | None, str]]]], palette: Palette) -> Markup:
    """Draw coverage by period, a panel a grain: `(name, [(period, ratio or none, words)])`.

    A ratio below 1 is hatched: the open pipeline would not be enough if every deal were won.
    """
    columns, panel_height = 2, 112.0
    width = (WIDTH - 24) / columns
    height = panel_height * ceil(len(panels) / columns)
    highest = max([value for _, bars in panels for _, value, _ in bars if value is not None] + [2.0])
    top_value = min(highest, 8.0)
    parts: list[str] = []
    for n, (name, bars) in enumerate(panels):
        left, top = (n % columns) * (width + 24), (n // columns) * panel_height
        y = Scale(0, top_value, top + 92, top + 30)
        parts.append(_text(left, top + 10, _clipped(name, 44), bold=True, size=SMALL + 1))
        parts.append(_line([(left, top + 92), (left + width, top + 92)], RULE, 0.7))
        step = width / max(len(bars), 1)
        for m, (period, value, words) in enumerate(bars):
            middle = left + step * (m + 0.5)
            parts.append(_text(middle, top + 103, period, anchor="middle", colour=MUTED))
            if value is None:
                parts.append(_text(middle, y(1) - 4, words, anchor="middle", colour=MUTED))
                continue
            short = round(value, 1) < 1
            fill = f'fill="url(#short)" stroke="{BAD}" stroke-width="0.6"' if short else f'fill="{palette.brand}"'
            place = y(min(value, top_value))
            parts.append(f'<rect x="{middle - 17:.2f}" y="{place}" width="34" height="{top + 92 - place:.2f}" {fill}/>')
            # Above the bar, and never on the line at 1.
            parts.append(_text(middle, min(place, y(1)) - 4, words, anchor="middle", bold=True))
        one = y(1)
        parts.append(_line([(left, one), (left + width, one)], INK, 0.7, dash="2 2"))
    told = "Coverage by period: " + "; ".join(f"{name} " + ", ".join(f"{p} {w}" for p, _, w in bars) for name, bars in panels)
    return _svg(WIDTH, height, told, parts)


def landing_ranges(rows: Sequence[tuple[str, float, float, float, float, str]], palette: Palette) -> Markup:
    """Draw where periods land, in percent of their targets: `(name, booked, P10, P50, P90, chance in words)`."""
    row_height, left, right = 17.0, 92.0, WIDTH - 44
    height = row_height * len(rows) + 20
    most = max([high for _, _, _, _, high, _ in rows] + [120.0])
    x = Scale(0, min(most * 1.04, 250.0), left, right)
    bottom = row_height * len(rows) + 2
    parts: list[str] = []
    for n, (name, booked, low, middle, high, chance) in enumerate(rows):
        place = 10 + n * row_height
        ends = [x(min(max(value, 0.0), x.high)) for value in (booked, low, middle, high)]
        parts.append(_text(left - 6, place + 2.8, _clipped(name, 18), anchor="end"))
        parts.append(f'<rect x="{ends[1]}" y="{place - 5}" width="{max(ends[3] - ends[1], 0.6):.2f}" height="10" fill="{FAN}"/>')
        parts.append(f'<rect x="{left}" y="{place - 2.5}" width="{max(ends[0] - left, 0.0):.2f}" height="5" fill="{palette.brand}"/>')
        parts.append(_line([(ends[2], place - 6.5), (ends[2], place + 6.5)], palette.brand, 1.6))
        parts.append(_text(right + 6, place + 2.8, chance, bold=True))
    parts.append(_line([(x(100), 2), (x(100), bottom)], INK, 0.8, dash="2 2"))
    parts.append(_text(x(100), bottom + 10, "100%", anchor="middle", colour=MUTED))
    parts.append(_text(right + 6, bottom + 10, "chance", colour=MUTED))
    told = "Landing in percent of the target: " + "; ".join(
        f"{name} from {low:.0f}% to {high:.0f}%, chance {chance}" for name, _, low, _, high, chance in rows
    )
    return _svg(WIDTH, height, told, parts)


def waterfall(steps: Sequence[tuple[str, Decimal]], opening: Decimal, closing: Decimal, words: Words, palette: Palette) -> Markup:
    """Draw why the pipeline changed: from opening to closing, one bar a movement."""
    height, left, right, top, bottom = 170.0, 4.0, WIDTH - 4, 18.0, 142.0
    levels = [opening]
    for _, change in steps:
        levels.append(levels[-1] + change)
    highest = max(float(level) for level in (*levels, closing)) or 1.0
    lowest = min(0.0, *(float(level) for level in levels))
    y = Scale(lowest, highest * 1.02 or 1.0, bottom, top)
    slot = (right - left) / (len(steps) + 2)
    parts = [_line([(left, y(0)), (right, y(0))], RULE, 0.7)]
    columns = [
        ("Opening", Decimal(0), opening, palette.brand),
        *((name, before, before + change, "") for (name, change), before in zip(steps, levels, strict=False)),
        ("Closing", Decimal(0), closing, palette.brand),
    ]
    for n, (name, low, high, colour) in enumerate(columns):
        middle = left + slot * (n + 0.5)
        above, below = min(y(low), y(high)), max(y(low), y(high))
        change = high - low
        if colour:
            fill, label = f'fill="{colour}"', words(high)
        elif name == "Won":
            fill, label = f'fill="{GOOD}"', words(change)
        elif change < 0:
            fill, label = f'fill="url(#short)" stroke="{BAD}" stroke-width="0.6"', words(change)
        else:
            fill, label = f'fill="{palette.second}"', "+" + words(change)
        wide = slot * 0.68
        parts.append(f'<rect x="{middle - wide / 2:.2f}" y="{above}" width="{wide:.2f}" height="{max(below - above, 0.7):.2f}" {fill}/>')
        parts.append(_text(middle, above - 4, label, anchor="middle", bold=True, size=TINY))
        parts.append(_text(middle, bottom + 13, name, anchor="middle", colour=MUTED, size=TINY))
        if n < len(columns) - 1:
            parts.append(_line([(middle + wide / 2, y(high)), (middle + slot - wide / 2, y(high))], MUTED, 0.5))
    told = f"The pipeline moved from {words(opening)} to {words(closing)}: " + ", ".join(f"{name} {words(change)}" for name, change in steps)
    return _svg(WIDTH, height, told, parts)


def weekly_bars(weeks: Sequence[tuple[str, Decimal, int]], words: Words, palette: Palette) -> Markup:
    """Draw the open amount due in each of the coming weeks: `(first day, amount, deals)`."""
    height, left, right, top, bottom = 130.0, 4.0, WIDTH - 4, 18.0, 100.0
    highest = max([float(amount) for _, amount, _ in weeks] + [1.0])
    y = Scale(0, highest, bottom, top)
    slot = (right - left) / max(len(weeks), 1)
    parts = [_line([(left, bottom), (right, bottom)], RULE, 0.7)]
    for n, (label, amount, deals) in enumerate(weeks):
        middle = left + slot * (n + 0.5)
        place = y(amount)
        if deals:
            parts.append(
                f'<rect x="{middle - slot * 0.34:.2f}" y="{place}" width="{slot * 0.68:.2f}" height="{max(bottom - place, 0.7):.2f}" fill="{palette.brand}"/>'
            )
            parts.append(_text(middle, place - 4, words(amount), anchor="middle", bold=True, size=7))
        parts.append(_text(middle, bottom + 11, label, anchor="middle", colour=MUTED, size=7))
        parts.append(_text(middle, bottom + 21, f"{deals} deal{'' if deals == 1 else 's'}" if deals else "", anchor="middle", colour=MUTED, size=7))
    told = "Open amount by week of the close date: " + ", ".join(f"{label} {words(amount)}" for label, amount, deals in weeks if deals)
    return _svg(WIDTH, height, told, parts)


def _grid(ticks: Sequence[float], y: Scale, left: float, right: float, words: Words) -> list[str]:
    lines = [_line([(left, y(tick)), (right, y(tick))], RULE, 0.6) for tick in ticks]
    return lines + [_text(left - 5, y(tick) + 2.6, words(Decimal(str(tick))), anchor="end", colour=MUTED) for tick in ticks]


def _spread(ends: Sequence[tuple[float, str, str, bool]], gap: float = 10.0) -> list[tuple[float, str, str, bool]]:
    """Move labels apart so that none covers another."""
    placed: list[tuple[float, str, str, bool]] = []
    for place, text, colour, bold in sorted(ends):
        lowest = placed[-1][0] + gap if placed else place + 2.6
        placed.append((max(place + 2.6, lowest), text, colour, bold))
    return placed


def _line(points: Sequence[tuple[float, float]], colour: str, width: float, dash: str = "") -> str:
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'


def _text(x: float, y: float, text: str, *, anchor: str = "start", colour: str = INK, bold: bool = False, size: float = SMALL) -> str:
    weight = ' font-weight="600"' if bold else ""
    placed = "" if anchor == "start" else f' text-anchor="{anchor}"'
    return f'<text x="{x:.2f}" y="{y:.2f}" font-size="{size}" fill="{colour}"{weight}{placed}>{escape(text)}</text>'


def _clipped(text: str, most: int) -> str:
    return text if len(text) <= most else text[: most - 1] + "…"


def _svg(width: float, height: float, told: str, parts: Sequence[str]) -> Markup:
    # Every chart of a page needs a pattern of its own name.
    name = f"short-{crc32(told.encode()):08x}"
    hatch = (
        f'<defs><pattern id="{name}" width="3.2" height="3.2" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="3.2" height="3.2" fill="#ffffff"/><rect width="1" height="3.2" fill="{BAD}"/></pattern></defs>'
    )
    body = "".join(parts)
    needs_hatch = "url(#short)" in body
    body = body.replace("url(#short)", f"url(#{name})")
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}pt" height="{height}pt" viewBox="0 0 {width} {height}" font-family="Onpace Sans">'
    )
    drawn = f"{opening}<title>{escape(told[:600])}</title>{hatch if needs_hatch else ''}{body}</svg>"
    return Markup(drawn)  # noqa: S704  # every text in it was escaped above
