"""How values look in print: money, percent, ratios, dates, and text that a font can draw.

Put formatting here; an empty value prints as "-", never as 0.
"""

from __future__ import annotations

import unicodedata
from datetime import date
from decimal import Decimal
from functools import lru_cache
from pathlib import Path

from babel.dates import format_date
from babel.numbers import format_compact_currency, format_currency, format_decimal
from fontTools.ttLib import TTFont

from sales.calendar import Month

LOCALE = "en_GB"
EMPTY = "-"
LONGEST_TEXT = 200
REPLACEMENT = "□"
FONTS = Path(__file__).parent / "templates" / "fonts"


def money(amount: Decimal | None, currency: str) -> str:
    """Return an amount in whole units with its currency, `£1,234`."""
    if amount is None:
        return EMPTY
    return _true_minus(format_currency(round(amount), currency, "¤#,##0", locale=LOCALE, currency_digits=False))


def short_money(amount: Decimal | None, currency: str) -> str:
    """Return an amount in three figures or so, `£1.23m`."""
    if amount is None:
        return EMPTY
    size = abs(amount)
    digits = 0 if size < 1000 else 2 if 1_000_000 <= size < 10_000_000 else 1 if size >= 1_000_000 else 0  # noqa: PLR2004
    written = format_compact_currency(amount, currency, locale=LOCALE, fraction_digits=digits)
    for letter, small in (("K", "k"), ("M", "m"), ("B", "bn"), ("T", "tn")):
        written = written.removesuffix(letter) + small if written.endswith(letter) else written
    return _true_minus(written)


def pct(value: float | None) -> str:
    """Return a percentage without decimals, `94%`."""
    return EMPTY if value is None else f"{_true_minus(format_decimal(round(value), locale=LOCALE))}%"


def points(change: float) -> str:
    """Return a change of a chance in points, `−1.2`."""
    return _true_minus(format_decimal(round(change * 100, 1) + 0.0, "#,##0.0", locale=LOCALE))  # no minus before zero


def ratio(value: float | None) -> str:
    """Return a ratio with one decimal, `2.9×`."""
    return EMPTY if value is None else f"{format_decimal(round(value, 1), '#,##0.0', locale=LOCALE)}×"


def count(value: int | None) -> str:
    """Return a whole number, `1,234`."""
    return EMPTY if value is None else format_decimal(value, locale=LOCALE)


def day(value: date | None) -> str:
    """Return a date, `3 Nov 2026`."""
    return EMPTY if value is None else format_date(value, "d MMM yyyy", locale=LOCALE)


def month_name(month: Month) -> str:
    """Return a month in words, `October 2026`."""
    return format_date(month.first_day, "MMMM yyyy", locale=LOCALE)


def short_month(month: Month) -> str:
    """Return a month on an axis, `Oct`."""
    return format_date(month.first_day, "MMM", locale=LOCALE)[:3]


def short_month_and_year(month: Month) -> str:
    """Return a month in a narrow column, `Oct 2026`."""
    return f"{short_month(month)} {month.year}"


def printable(text: object) -> str:
    """Return text that can be set: one line, at most 200 characters, no character that no font has."""
    if not isinstance(text, str) or not text.strip():
        return EMPTY
    flat = unicodedata.normalize("NFC", text[: 4 * LONGEST_TEXT])
    # Direction marks and other format characters vanish; control characters separate words.
    visible = (each for each in flat if unicodedata.category(each) != "Cf")
    kept = (" " if each.isspace() or unicodedata.category(each) in {"Cc", "Cs", "Co"} else each for each in visible)
    drawn = "".join(each if each == " " or ord(each) in repertoire() else REPLACEMENT for each in kept)
    one_line = " ".join(drawn.split())
    if not one_line:
        return EMPTY
    return one_line if len(one_line) <= LONGEST_TEXT else one_line[: LONGEST_TEXT - 1] + "…"


@lru_cache(maxsize=1)
def repertoire() -> frozenset[int]:
    """Return the code points that every shipped font can draw."""
    fonts = [frozenset(TTFont(path, lazy=True).getBestCmap() or {}) for path in sorted(FONTS.glob("*.ttf"))]
    return frozenset.intersection(*fonts)


def _true_minus(text: str) -> str:
    return text.replace("-", "−")
