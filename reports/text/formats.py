"""How values look in print: money, percent, ratios, dates, and text that a font can draw.

Put formatting here; an empty value prints as "-", never as 0. Words are `i18n`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from functools import lru_cache, partial
from pathlib import Path

from babel.core import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent
from fontTools.ttLib import TTFont

from sales.calendar import Month

EMPTY = "-"
LONGEST_TEXT = 200
# Python's decimals compute with 28 digits unless told otherwise; columns hold 38.
MOST_DIGITS = 60
# Powers of ten that short amounts are told in; from the last one on they are written as such.
THOUSANDS, BEYOND_WORDS, SIGNIFICANT = 3, 15, 3
# The units of a table's amounts, as powers of ten with their decimals, the smallest first.
TABLE_UNITS = ((0, 0), (3, 0), (6, 2), (6, 1), (9, 2), (9, 1), (12, 1))
# These take half the room of a digit.
NARROW = frozenset(".,\u00a0\u202f ")
REPLACEMENT = "□"
FONTS = Path(__file__).parents[1] / "templates" / "fonts"
# The pages' own typeface, in two weights; the others are loaded only for names that need them. Each
# has a family of its own: the renderer would draw several files of one family with the glyphs of
# the first.
TYPEFACE = "Onpace Sans"
WEIGHTS = {400: "SourceSans3-Regular.ttf", 600: "SourceSans3-Semibold.ttf"}
OTHER_TYPEFACES = {
    "Onpace Arabic": "Vazirmatn-Regular.ttf",
    "Onpace Hebrew": "NotoSansHebrew-Regular.ttf",
    "Onpace Chinese": "NotoSansSC-Regular.ttf",
    "Onpace Korean": "NotoSansKR-Regular.ttf",
    "Onpace Thai": "NotoSansThai-Regular.ttf",
}
# Around a right-to-left name: an isolate, and a mark that holds where the name is broken over
# lines.
ISOLATE, END_OF_ISOLATE, LEFT_TO_RIGHT, NON_JOINER = "\u2068", "\u2069", "\u200e", "\u200c"
MARKS = str.maketrans("", "", ISOLATE + END_OF_ISOLATE + LEFT_TO_RIGHT)
VARIATIONS = {*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0)}
# CLDR's short forms where people write others.
COMPACT = {"en": (("K", "k"), ("M", "m"), ("B", "bn"), ("T", "tn"))}


@dataclass(frozen=True)
class Formats:
    """Values as people of a locale write them; `locale` is Babel's name of it."""

    locale: str = "en_GB"

    def money(self, amount: Decimal | None, currency: str) -> str:
        """Return an amount in whole units with its currency, `£1,234`."""
        if amount is None:
            return EMPTY
        return self._currency(round(amount), currency, self._whole)

    def short_money(self, amount: Decimal | None, currency: str) -> str:
        """Return an amount in whole thousands, or in three figures from a million on: `£123k`, `£1.23m`.

        The unit is that of the rounded amount: 999,600 is `£1.00m`. Ties go to the even digit, as everywhere.
        """
        if amount is None:
            return EMPTY
        short, power, digits = _shortened(amount)
        return self._compact(short, power, currency, f"0.{'0' * digits}".rstrip("."))

    def money_among(
        self, amounts: Iterable[Decimal | None], currency: str, width: float
    ) -> Callable[[Decimal | None], str]:
        """Return what writes the amounts of one table in one unit: whole ones where each is at most `width` digits wide, else thousands, millions and so on."""
        known = [each for each in amounts if each is not None]
        for power, digits in TABLE_UNITS:
            write = partial(self._in_unit, power=power, digits=digits, currency=currency)
            if all(_digits_wide(write(each)) <= width for each in known):
                return write
        return partial(self.short_money, currency=currency)

    def _in_unit(self, amount: Decimal | None, *, power: int, digits: int, currency: str) -> str:
        if amount is None:
            return EMPTY
        if not power or not amount:
            return self.money(amount, currency)
        pattern = "#,##0" + (f".{'0' * digits}" if digits else "")
        return self._compact(round(amount.scaleb(-power), digits), power, currency, pattern)

    def axis_money(self, amount: Decimal, currency: str) -> str:
        """Return an amount on an axis, which has round ones only: `£2m`."""
        power = max(0, amount.adjusted() // 3 * 3) if amount else 0
        return self._compact(amount.scaleb(-power), power, currency, "0.##")

    def _compact(self, amount: Decimal, power: int, currency: str, pattern: str) -> str:
        """Return an amount in units of a power of ten with the word for it."""
        if power >= BEYOND_WORDS:
            return self._currency(amount.scaleb(power), currency, "¤0.##E0")
        if power < THOUSANDS:
            return self._currency(amount, currency, self._whole)
        with localcontext(prec=MOST_DIGITS):
            written = format_compact_currency(
                Decimal(1).scaleb(power), currency, locale=self.locale
            )
        if self.locale.startswith("de") and power == THOUSANDS:  # CLDR has no short form of it
            written = self._currency(1, currency, "0\u00a0'Tsd.'\u00a0¤")
        for letter, small in COMPACT.get(self.locale[:2], ()):
            written = written.removesuffix(letter) + small if written.endswith(letter) else written
        number = format_decimal(abs(amount), pattern, locale=self.locale)
        return ("−" if amount < 0 else "") + written.replace("1", number, 1)

    @property
    def _whole(self) -> str:
        """The pattern of whole amounts."""
        pattern = Locale.parse(self.locale).currency_formats["standard"].pattern
        return pattern.split(";")[0].replace(".00", "")

    def _currency(self, amount: Decimal | int, currency: str, pattern: str) -> str:
        with localcontext(prec=MOST_DIGITS):
            return _true_minus(
                format_currency(
                    amount, currency, pattern, locale=self.locale, currency_digits=False
                )
            )

    def pct(self, value: float | None) -> str:
        """Return a percentage without decimals, `94%`."""
        return (
            EMPTY
            if value is None
            else _true_minus(format_percent(round(value) / 100, locale=self.locale))
        )

    def share(self, value: float | None) -> str:
        """Return a share of 1 as a percentage, `94%`; not a number prints as nothing."""
        return EMPTY if value is None or value != value else self.pct(value * 100)  # noqa: PLR0124  # NaN

    def chance(self, value: float | None) -> str:
        """Return a chance in whole percent, never quite certain; what cannot fail, or cannot happen, is no chance."""
        if value is None or value <= 0 or value >= 1:
            return EMPTY
        if value < 0.01:  # noqa: PLR2004  # one percent
            return f"<{self.pct(1)}"
        return f">{self.pct(99)}" if value > 0.99 else self.pct(value * 100)  # noqa: PLR2004

    def exact_share(self, value: float) -> str:
        """Return a share of 1 as a percentage with a decimal, `9.4%`; nothing and all are said of nothing and all only."""
        least, pattern = 0.001, f"#,##0.0{self._percent_sign}"
        if 0 < value < least:
            return f"<{format_percent(least, pattern, locale=self.locale)}"
        if 1 - least < value < 1:
            return f">{format_percent(1 - least, pattern, locale=self.locale)}"
        return format_percent(round(value, 3), pattern, locale=self.locale)

    @property
    def _percent_sign(self) -> str:
        return (
            "\u00a0%"
            if "\u00a0" in Locale.parse(self.locale).percent_formats[None].pattern
            else "%"
        )

    def points(self, change: float | None) -> str:
        """Return a change of a chance in points, `−1.2`."""
        if change is None:
            return EMPTY
        return _true_minus(
            format_decimal(round(change * 100, 1) + 0.0, "#,##0.0", locale=self.locale)
        )  # no minus before zero

    def number(self, value: float | None, digits: int = 2) -> str:
        """Return a number with so many decimals, `0.21`."""
        return (
            EMPTY
            if value is None
            else _true_minus(
                format_decimal(
                    round(value, digits) + 0.0,
                    f"#,##0.{'0' * digits}".rstrip("."),
                    locale=self.locale,
                )
            )
        )

    def ratio(self, value: float | None) -> str:
        """Return a ratio with one decimal, `2.9×`."""
        return EMPTY if value is None else f"{self.number(value, 1)}×"

    def count(self, value: int | None) -> str:
        """Return a whole number, `1,234`."""
        return EMPTY if value is None else format_decimal(value, locale=self.locale)

    def day(self, value: date | None) -> str:
        """Return a date, `3 Nov 2026`."""
        if value is None:
            return EMPTY
        return self._as_on_axes(format_skeleton("yMMMd", value, locale=self.locale))

    def day_of_year(self, value: date) -> str:
        """Return a date on an axis, `3 Nov`."""
        return self._as_on_axes(format_skeleton("MMMd", value, locale=self.locale))

    @staticmethod
    def _as_on_axes(day: str) -> str:
        """Return a date with the three letters that a month has on an axis: British English has four for one of them."""
        return re.sub(r"\bSept(?=\s|$)", "Sep", day)

    def month_name(self, month: Month) -> str:
        """Return a month in words, `October 2026`."""
        return format_date(month.first_day, "MMMM yyyy", locale=self.locale)

    def short_month(self, month: Month) -> str:
        """Return a month on an axis, `Oct`."""
        return format_date(month.first_day, "LLL", locale=self.locale)[:3]

    def short_month_and_year(self, month: Month) -> str:
        """Return a month in a narrow column, `Oct 2026`."""
        return f"{self.short_month(month)} {month.year}"


def _shortened(amount: Decimal) -> tuple[Decimal, int, int]:
    """Return an amount in thousands, millions and so on, as it is printed: the number, the power of ten, and its decimals."""
    with localcontext(prec=MOST_DIGITS):
        whole = round(amount)
        power = (Decimal(whole).adjusted() if whole else 0) // 3 * 3
        # Millions have three figures, and so have what grows into one; smaller amounts none behind the point.
        with localcontext(prec=SIGNIFICANT):
            figures = +amount
        if figures.adjusted() > THOUSANDS + 2:
            power = min(figures.adjusted() // 3 * 3, BEYOND_WORDS)
            short = figures.scaleb(-power)
            return short, power, max(0, SIGNIFICANT - 1 - short.adjusted())
        return Decimal(round(amount.scaleb(-power))), power, 0


def _digits_wide(text: str) -> float:
    """Return how many digits are about as wide as a text."""
    return sum(0.5 if each in NARROW else 1 for each in text)


def printable(text: object) -> str:
    """Return text that can be set: one line, at most 200 characters, no character that no font has.

    A name that is written from right to left is isolated, so that what follows it stays in its
    place.
    """
    if not isinstance(text, str) or not text.strip():
        return EMPTY
    drawn = one_line(text[: 4 * LONGEST_TEXT])
    if not drawn.strip(NON_JOINER):
        return EMPTY
    short = drawn if len(drawn) <= LONGEST_TEXT else drawn[: LONGEST_TEXT - 1] + "…"
    return isolated(short)


def one_line(text: str) -> str:
    """Return a text as one line of characters that a font has, each other one replaced."""
    flat = unicodedata.normalize("NFC", text)
    keeps = {NON_JOINER} if is_right_to_left(flat) else set[str]()
    # Direction marks and other format characters vanish; control characters separate words.
    visible = (
        each
        for each in flat
        if (each in keeps or unicodedata.category(each) != "Cf") and ord(each) not in VARIATIONS
    )
    kept = (
        " " if each.isspace() or unicodedata.category(each) in {"Cc", "Cs", "Co"} else each
        for each in visible
    )
    drawn = "".join(
        each if each == " " or each in keeps or ord(each) in repertoire() else REPLACEMENT
        for each in kept
    )
    return " ".join(drawn.split())


def isolated(text: str) -> str:
    """Return a text with the marks that keep a right-to-left one together."""
    return f"{ISOLATE}{text}{END_OF_ISOLATE}{LEFT_TO_RIGHT}" if is_right_to_left(text) else text


def unmarked(text: str) -> str:
    """Return a text without the marks of `isolated`, for what is not set as a page."""
    return text.translate(MARKS)


def is_right_to_left(text: str) -> bool:
    """Return whether a text has a letter that is written from right to left."""
    return any(unicodedata.bidirectional(each) in {"R", "AL"} for each in text)


@lru_cache(maxsize=1)
def repertoire() -> frozenset[int]:
    """Return the code points that the shipped fonts can draw."""
    return latin().union(*(_drawn_by(FONTS / name) for name in OTHER_TYPEFACES.values()))


@lru_cache(maxsize=1)
def latin() -> frozenset[int]:
    """Return the code points that every weight of the pages' own typeface can draw."""
    first, *others = (_drawn_by(FONTS / name) for name in WEIGHTS.values())
    return first.intersection(*others)


def needs_other_fonts(text: str) -> bool:
    """Return whether a page holds a character that the pages' own typeface lacks."""
    return any(ord(each) not in latin() and not each.isspace() for each in set(unmarked(text)))


def _drawn_by(path: Path) -> frozenset[int]:
    return frozenset(TTFont(path, lazy=True).getBestCmap() or {})


def _true_minus(text: str) -> str:
    return text.replace("-", "−")
