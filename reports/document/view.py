"""What one document looks at: a person, a team or the company, in one month.

Put lookups that several sections share here.
"""

from __future__ import annotations

from dataclasses import dataclass

from markupsafe import Markup

from reports.document.document import Variant
from reports.document.month_data import GrainTables
from reports.document.month_tables import Record
from reports.text import formats
from reports.text.i18n import Language
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus


@dataclass(frozen=True)
class View:
    """The data of a month as one person, one team or the company sees it."""

    data: GrainTables
    variant: Variant
    grain: str
    grain_id: str

    @property
    def language(self) -> Language:
        """The language that it is written in."""
        return self.variant.language

    def attained(self, kind: str) -> Record:
        """Return attainment of the month, the quarter or the year to date."""
        return self.data.attained(self.grain, self.grain_id)[kind]

    def covered(self, period: str) -> Record:
        """Return coverage of a period."""
        return next(
            row for row in self.data.coverage(self.grain, self.grain_id) if row["period"] == period
        )

    def landings(self) -> list[Record]:
        """Return where the periods to come land."""
        return self.data.landings(self.grain, self.grain_id)

    def year_landing(self) -> Record | None:
        """Return the forecast of the fiscal year's landing, none where there is none or no target."""
        name = self.year_name()
        rows = [
            row
            for row in self.landings()
            if row["period"] == name and row["hit_probability"] is not None
        ]
        return rows[0] if rows else None

    def year_name(self) -> str:
        """Return the fiscal year's name."""
        return self.variant.rules.calendar.year_of(self.variant.month).name

    def next_quarter(self) -> Record | None:
        """Return coverage of the quarter in focus: the one that holds the month, or the next where the month ends it."""
        rows = self.data.coverage(self.grain, self.grain_id)
        return next((row for row in rows if row["period"] == self.data.focus_quarter), None)

    def attainment_rows(self, grain: str) -> list[Record]:
        """Return the attainment of teams or people, the furthest ahead first."""
        ids = (
            self.data.active_teams()
            if grain == GrainKind.TEAM
            else self.data.active_people(self.grain_id if self.grain == GrainKind.TEAM else None)
        )
        rows: list[Record] = []
        for each in ids:
            attained = self.data.attained(grain, each)
            name = self.data.name_of_person(each) if grain == GrainKind.PERSON else each
            rows.append({"grain": grain, "grain_id": each, "name": name, **attained})
        rows.sort(key=lambda row: (-(row[PeriodKind.YEAR]["attainment_pct"] or -1.0), row["name"]))
        return rows

    def deals(self) -> list[Record]:
        """Return the open deals due in the next 90 days and the overdue ones, by close date."""
        return self.data.deals(self.grain, self.grain_id)

    def deal_link(self, deal: Record) -> str:
        """Return client and name of a deal, leading to its record."""
        return self.variant.record(deal["opportunity_id"], deal_name(deal))


def deal_name(deal: Record) -> str:
    """Return client and name of a deal, as printed."""
    client, name = formats.printable(deal["account_name"]), formats.printable(deal["name"])
    return name if name.startswith(client) or client == formats.EMPTY else f"{client}: {name}"


def name_of(row: Record) -> str:
    """Return a row's name as printed."""
    return formats.printable(row["name"])


def short_period(period: str) -> str:
    """Return a period on an axis, `Q2 FY2026`."""
    year, _, quarter = period.partition("-")
    return f"{quarter} {year}" if quarter else year


def ratio_words(row: Record, language: Language) -> str:
    """Return a coverage ratio, or why there is none."""
    if row["status"] == TargetStatus.NO_TARGET:
        return language.say("no target")
    return (
        language.say("covered")
        if row["status"] == TargetStatus.COVERED
        else language.ratio(row["coverage_ratio"])
    )


def see(key: str, words: str) -> Markup:
    """Return words that lead to a section of the same document."""
    return Markup('<a href="#{}">{}</a>').format(key, words)
