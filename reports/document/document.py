"""A document as values that are ready to print: sections, tables, tiles, and the whole.

Put the shapes of printed things here. What they hold is decided by `headline`,
the sections and `deals`; which documents there are, by `month_end`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from functools import partial

import pyarrow as pa
from markupsafe import Markup

from reports.charts.svg import Palette
from reports.document.theme import Theme
from reports.text import formats
from reports.text.i18n import Language, language
from sales.calendar import Month
from sales.policy.rules import MonthRules

ENGLISH = language("en")
PLAIN = Theme()


@dataclass(frozen=True)
class Column:
    """A column of a printed table; widths of a table add up to 100. One that `opens` has a line before it."""

    label: str
    width: int
    is_number: bool = False
    opens: bool = False


@dataclass(frozen=True)
class Row:
    """A row of printed cells; a shade from 1 to 5 colours a cell of a heat map.

    `keys` are what a browser sorts the cells of a listing by: plain numbers and days, empty where
    there is none; a cell without a key is sorted by its text.
    """

    cells: tuple[str, ...]
    is_strong: bool = False
    shades: tuple[int, ...] = ()
    keys: tuple[str | None, ...] = ()


@dataclass(frozen=True)
class Table:
    """A printed table; `note` says what was left out.

    A listing has every row; it is for a browser, which sorts and filters it, and is not printed.
    """

    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    title: str = ""
    note: str = ""
    is_listing: bool = False


@dataclass(frozen=True)
class Section:
    """A question, its answer in a sentence, a figure and tables; `key` is its name in links.

    A phone's browser shows `phone_figure` in place of the figure, where there is one. `css` lays
    parts of a sheet side by side: `half` or `third`; `part` names the part of the document that
    begins with the section, on a page of its own.
    """

    key: str
    title: str
    answer: str = ""
    figure: Markup | None = None
    caption: str = ""
    points: tuple[str, ...] = ()
    tables: tuple[Table, ...] = ()
    starts_page: bool = False
    stays_together: bool = False
    css: str = ""
    part: str = ""
    phone_figure: Markup | None = None


@dataclass(frozen=True)
class Statement:
    """A sentence of the first page, and the published table that it was read from."""

    text: str
    source: str


@dataclass(frozen=True)
class Action:
    """What must happen next: who owns it (nobody but the reader, where empty), what it is, and the published table that says so."""

    owner: str
    text: str
    source: str


@dataclass(frozen=True)
class Words:
    """A manager's words below the verdict: who says them, when, and what."""

    said_by: str
    body: Markup


@dataclass(frozen=True)
class Tile:
    """One headline number, and the section that tells more."""

    name: str
    value: str
    note: str
    is_short: bool = False
    key: str = ""


@dataclass(frozen=True)
class Labels:
    """The template's own words."""

    actions: str
    contents: str
    demo: str
    demo_long: str
    preview: str
    as_of: str
    attached: str
    filter: str


@dataclass(frozen=True)
class MonthEndReport:
    """One document, ready to print; `attachments` are the tables behind it, `names` what ids in them are called.

    A sheet is set as close as a personal page.
    """

    kind: str
    grain_id: str
    kind_name: str
    title: str
    subtitle: str
    audience: str
    company: str
    month: Month
    month_name: str
    created: str
    last_day: date
    is_demo: bool
    is_preview: bool
    language: Language
    variant: str
    theme: Theme
    labels: Labels
    statements: tuple[Statement, ...]
    actions: tuple[Action, ...]
    tiles: tuple[Tile, ...]
    sections: tuple[Section, ...]
    words: Words | None = None
    past_actions: str = ""
    is_sheet: bool = False
    attachments: Mapping[str, pa.Table] = field(default_factory=dict[str, pa.Table])
    names: Mapping[str, str] = field(default_factory=dict[str, str])


@dataclass(frozen=True)
class Variant:
    """What documents of a month share: its rules, how pages look, in which language, and where records can be opened.

    `name` tells a further edition of a document from its first one, such as `de` or `letter`. A
    preview says on each page that it was not published.
    """

    month: Month
    rules: MonthRules
    is_demo: bool
    theme: Theme = PLAIN
    language: Language = ENGLISH
    name: str = ""
    records_at: str = ""
    is_preview: bool = False

    @property
    def money(self) -> Callable[[Decimal | None], str]:
        """Amounts in whole units."""
        return partial(self.language.money, currency=self.rules.currency)

    @property
    def short(self) -> Callable[[Decimal | None], str]:
        """Amounts in headlines and charts."""
        return partial(self.language.short_money, currency=self.rules.currency)

    def money_among(
        self, amounts: Iterable[Decimal | None], width: float = 10.5
    ) -> Callable[[Decimal | None], str]:
        """Amounts of one table, in one unit; `width` is how many digits a column holds."""
        return self.language.money_among(amounts, self.rules.currency, width)

    @property
    def on_axis(self) -> Callable[[Decimal], str]:
        """Round amounts beside an axis."""
        return partial(self.language.axis_money, currency=self.rules.currency)

    @property
    def palette(self) -> Palette:
        """The brand's colours."""
        return self.theme.palette

    def record(self, record_id: str, shown: str) -> str:
        """Return a name that leads to its record in Salesforce, where records can be opened."""
        if not self.records_at or not record_id.isalnum():
            return formats.printable(shown)
        return Markup('<a class="record" href="{}/{}">{}</a>').format(
            self.records_at, record_id, formats.printable(shown)
        )
