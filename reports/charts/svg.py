"""Marks and scales of charts: small pure functions that return SVG.

Put low-level drawing here: text with a known width, lines, scales, ticks, labels that do not
touch. What is drawn is `attainment` and `landing`. Presentation attributes only: the renderer
knows no CSS variables in SVG.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from math import ceil, floor, log10
from zlib import crc32

import arabic_reshaper
from bidi import get_display
from fontTools.ttLib import TTFont
from markupsafe import Markup, escape

from reports.text import formats

INK, MUTED, RULE, GOOD, BAD, FAN, WHITE = (
    "#1b2733",
    "#5b6b7a",
    "#d5dce3",
    "#1f7a4d",
    "#b3382c",
    "#cfe3ec",
    "#ffffff",
)
# How wide a chart is on paper, and on a phone.
WIDTH, PHONE = 510.0, 300.0
SMALL, TINY = 8.0, 7.5
TICKS = 4
LONGEST_TITLE = 900
# The box that stands for a character without a glyph of its own is as wide as the type is high.
EM = 1.0
FAMILIES = ", ".join((formats.TYPEFACE, *formats.OTHER_TYPEFACES))
MIRRORED = str.maketrans("()[]{}<>«»", ")(][}{><»«")
SHORT = f'fill="url(#short)" stroke="{BAD}" stroke-width="0.6"'

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

    def within(self, value: Number) -> float:
        """Return the position of a value, at the nearer end where it lies outside."""
        return self(min(max(float(value), self.low), self.high))


def round_ticks(low: float, high: float, wanted: int = TICKS) -> list[float]:
    """Return round numbers that span the values, with steps of 1, 2 or 5 times a power of ten."""
    if high <= low:
        high = low + 1
    rough = (high - low) / wanted
    power = 10.0 ** floor(log10(rough))
    step = next(factor * power for factor in (1, 2, 5, 10) if factor * power >= rough * 0.999999)
    first, last = floor(low / step + 1e-9), ceil(high / step - 1e-9)
    return [round(n * step, 10) for n in range(first, last + 1)]


def grid(ticks: Sequence[float], y: Scale, left: float, right: float, words: Words) -> list[str]:
    """Draw horizontal lines at the ticks, with their values to the left."""
    lines = [line([(left, y(tick)), (right, y(tick))], RULE, 0.6) for tick in ticks]
    return lines + [
        text(left - 5, y(tick) + 2.6, words(Decimal(str(tick))), anchor="end", colour=MUTED)
        for tick in ticks
    ]


def spread(
    ends: Sequence[tuple[float, str, str, bool]], gap: float = 10.0
) -> list[tuple[float, str, str, bool]]:
    """Move labels `(place, text, colour, bold)` apart so that none covers another."""
    placed: list[tuple[float, str, str, bool]] = []
    for place, words, colour, bold in sorted(ends):
        lowest = placed[-1][0] + gap if placed else place + 2.6
        placed.append((max(place + 2.6, lowest), words, colour, bold))
    return placed


def line(points: Sequence[tuple[float, float]], colour: str, width: float, dash: str = "") -> str:
    """Draw a line through points."""
    path = " ".join(f"{x:.2f},{y:.2f}" for x, y in points)
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return (
        f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="{width}"{dashed}/>'
    )


def box(x: float, y: float, width: float, height: float, fill: str) -> str:
    """Draw a rectangle; `fill` are attributes, such as `SHORT` for a shortfall."""
    return f'<rect x="{x:.2f}" y="{y:.2f}" width="{max(width, 0.6):.2f}" height="{max(height, 0.6):.2f}" {fill}/>'


def dot(x: float, y: float, radius: float, colour: str, *, is_open: bool = False) -> str:
    """Draw a dot, or a ring that is told from it without colour."""
    fill = f'fill="{WHITE}" stroke="{colour}" stroke-width="1.4"' if is_open else f'fill="{colour}"'
    return f'<circle cx="{x:.2f}" cy="{y:.2f}" r="{radius}" {fill}/>'


def diamond(x: float, y: float, radius: float, colour: str) -> str:
    """Draw an open diamond."""
    corners = f"{x:.2f},{y - radius:.2f} {x + radius:.2f},{y:.2f} {x:.2f},{y + radius:.2f} {x - radius:.2f},{y:.2f}"
    return f'<polygon points="{corners}" fill="{WHITE}" stroke="{colour}" stroke-width="1.1"/>'


def text(
    x: float,
    y: float,
    words: str,
    *,
    anchor: str = "start",
    colour: str = INK,
    bold: bool = False,
    size: float = SMALL,
) -> str:
    """Draw text; where it ends or is centred is computed here: the renderer is slow at it."""
    weight = ' font-weight="600"' if bold else ""
    shown = visual(words)
    start = x - advance(shown, size, bold=bold) * {"start": 0.0, "middle": 0.5, "end": 1.0}[anchor]
    return f'<text x="{start:.2f}" y="{y:.2f}" font-size="{size:g}" fill="{colour}"{weight}>{escape(shown)}</text>'


def visual(words: str) -> str:
    """Return a text in the order in which it is drawn, Arabic letters joined: the renderer draws charts letter by letter."""
    plain = formats.unmarked(words).replace(formats.NON_JOINER, "")
    return (
        str(get_display(arabic_reshaper.reshape(plain).translate(MIRRORED)))
        if formats.is_right_to_left(plain)
        else plain
    )


def advance(words: str, size: float = SMALL, *, bold: bool = False) -> float:
    """Return how wide a text is, in points."""
    widths = _advances(bold)
    return sum(widths.get(ord(each), EM) for each in words) * size


def clipped(words: str, width: float, size: float = SMALL, *, bold: bool = False) -> str:
    """Return a text that is at most so wide, in points."""
    plain = formats.unmarked(words)
    if advance(plain, size, bold=bold) <= width:
        return words
    room, kept = width - advance("…", size, bold=bold), 0
    while kept < len(plain) and advance(plain[: kept + 1], size, bold=bold) <= room:
        kept += 1
    return formats.isolated(f"{plain[:kept].rstrip()}…")


def labels_in(
    room: float, labels: Sequence[str], size: float = SMALL, *, bold: bool = False
) -> Sequence[str]:
    """Return labels of slots that are so wide, leaving out as many between two as it takes to keep them apart."""
    widest = max((advance(each, size, bold=bold) for each in labels), default=0.0)
    every = max(1, ceil((widest + 3) / room))
    return [label if n % every == 0 else "" for n, label in enumerate(labels)]


def svg(
    width: float, height: float, alt_text: str, parts: Sequence[str], *, css: str = ""
) -> Markup:
    """Return a drawing with the words that say what it shows."""
    # Every chart of a page needs a pattern of its own name.
    name = f"short-{crc32(f'{width:g} {alt_text}'.encode()):08x}"
    hatch = (
        f'<defs><pattern id="{name}" width="3.2" height="3.2" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">'
        f'<rect width="3.2" height="3.2" fill="{WHITE}"/><rect width="1" height="3.2" fill="{BAD}"/></pattern></defs>'
    )
    body = "".join(parts)
    needs_hatch = "url(#short)" in body
    body = body.replace("url(#short)", f"url(#{name})")
    named = f' class="{css}"' if css else ""
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg"{named} width="{width:g}pt" height="{height:g}pt" viewBox="0 0 {width:g} {height:g}" '
        f'font-family="{FAMILIES}" role="img">'
    )
    drawn = f"{opening}<title>{escape(formats.unmarked(alt_text)[:LONGEST_TITLE])}</title>{hatch if needs_hatch else ''}{body}</svg>"
    return Markup(drawn)  # noqa: S704  # every text in it was escaped above


@lru_cache
def _advances(bold: bool) -> dict[int, float]:  # noqa: FBT001  # a key of the cache
    own = formats.WEIGHTS[600 if bold else 400]
    widths: dict[int, float] = {}
    for name in (*formats.OTHER_TYPEFACES.values(), own):
        font = TTFont(formats.FONTS / name, lazy=True)
        advances, units = font["hmtx"], font["head"].unitsPerEm  # type: ignore[attr-defined]  # a table without types
        widths |= {
            code: advances[glyph][0] / units for code, glyph in (font.getBestCmap() or {}).items()
        }
    return widths
