"""A document as values that are ready to print: sections, tables, tiles, and the whole.

Put the shapes of printed things here. What they hold is decided by `headline`,
`sections` and `deals`; which documents there are, by `month_end`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import partial

from markupsafe import Markup

from reports import formats
from reports.charts import Palette
from sales.calendar import Month
from sales.policy import MonthRules


@dataclass(frozen=True)
class Column:
    """A column of a printed table; widths of a table add up to 100."""

    label: str
    width: int
    is_number: bool = False


@dataclass(frozen=True)
class Row:
    """A row of printed cells."""

    cells: tuple[str, ...]
    is_strong: bool = False


@dataclass(frozen=True)
class Table:
    """A printed table; `note` says what was left out."""

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    note: str = ""


@dataclass(frozen=True)
class Section:
    """A question, its answer in a sentence, a figure and tables."""

    title: str
    answer: str = ""
    figure: Markup | None = None
    caption: str = ""
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    starts_page: bool = False
    stays_together: bool = False


@dataclass(frozen=True)
class Tile:
    """One headline number."""

    name: str
    value: str
    note: str
    is_short: bool = False


@dataclass(frozen=True)
class MonthEndReport:
    """One document, ready to print."""

    kind: str
    grain_id: str
    kind_name: str
    title: str
    subtitle: str
    audience: str
    company: str
    month: Month
    created: str
    last_day: date
    is_demo: bool
    footer: str
    logo: str | None
    paper: str
    palette: Palette
    sentences: tuple[str, ...]
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]


@dataclass(frozen=True)
class Edition:
    """What all documents of a month share."""

    month: Month
    rules: MonthRules
    is_demo: bool
    logo: str | None = None

    @property
    def money(self) -> Callable[[Decimal | None], str]:
        """Amounts in whole units."""
        return partial(formats.money, currency=self.rules.currency)

    @property
    def short(self) -> Callable[[Decimal | None], str]:
        """Amounts in headlines and charts."""
        return partial(formats.short_money, currency=self.rules.currency)

    @property
    def palette(self) -> Palette:
        """The brand's colours."""
        return Palette(self.rules.policy.brand.colour, self.rules.policy.brand.second_colour)
