"""What one document looks at: a person, a team or the company, in one month.

Put lookups that several sections share here.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from functools import cached_property

from markupsafe import Markup

from reports.document.document import Variant
from reports.document.month_data import GrainTables, PlannedMonth
from reports.document.month_tables import Record, records
from reports.text import formats
from reports.text.i18n import Language
from sales.calendar import Month
from sales.vocabulary import GrainKind, PeriodKind, TargetStatus


class Standing(StrEnum):
    """Where a person is in the year: before their first month with a target, after the last one, or selling."""

    NOT_BEGUN = "not_begun"
    SELLS = "sells"
    LEFT = "left"


def standing_of(plan: Sequence[PlannedMonth], month: Month) -> Standing:
    """Return where somebody is in the months of a year; who has no target in it just sells."""
    asked = [each.month for each in plan if each.baseline]
    if not asked:
        return Standing.SELLS
    if asked[0] > month:
        return Standing.NOT_BEGUN
    # Who sells in a year's last month has not left by its end, as far as the year can say.
    last = plan[-1].month
    has_left = asked[-1] < last if month == last else asked[-1] <= month
    return Standing.LEFT if has_left else Standing.SELLS


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

    @property
    def is_year_over(self) -> bool:
        """Whether the month is the fiscal year's last one."""
        return self.variant.rules.calendar.year_of(self.variant.month).last == self.variant.month

    def year_landing(self) -> Record | None:
        """Return the forecast of the fiscal year that holds the coming month, none where there is none or no target."""
        name = self.variant.rules.calendar.year_of(self.variant.month.plus(1)).name
        rows = [
            row
            for row in self.landings()
            if row["period"] == name and row["hit_probability"] is not None
        ]
        return rows[0] if rows else None

    def stated_target(self, period: str) -> Decimal | None:
        """Return what the company or a team states for itself for a fiscal year, none where it states nothing."""
        rows = [
            row
            for row in records(self.data.tables.target_padding)
            if (row["grain"], row["grain_id"]) == (self.grain, self.grain_id)
            and f"FY{row['fiscal_year']}" == period
        ]
        return rows[0]["stated"] if rows else None

    def coming(self) -> Record | None:
        """Return the coming month's number, none for who appears in no forecast or has no number."""
        row = self.data.coming(self.grain, self.grain_id)
        return row if row and (row["number"] or row["baseline_target"]) else None

    @cached_property
    def standing(self) -> Standing:
        """Whether a person sells in the months ahead; teams and the company do."""
        if self.grain != GrainKind.PERSON:
            return Standing.SELLS
        return standing_of(self.data.plan(self.grain, self.grain_id), self.variant.month)

    def chance(self, kind: str, chance: float | None) -> float | None:
        """Return a chance to hit a kind of period if it may be printed: it is one, and chances of its kind did better so far than saying always how often periods were hit."""
        if chance is None or not 0 < chance < 1:
            return None
        score = next(
            (each for each in self.data.scores if (each.grain, each.kind) == (self.grain, kind)),
            None,
        )
        if score is None or score.brier is None or score.brier_baseline is None:
            return None
        return chance if score.brier < score.brier_baseline else None

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
        rows.sort(key=lambda row: (-_attained_pct(row), row["name"]))
        return rows

    def deals(self) -> list[Record]:
        """Return the open deals due in the next 90 days and the overdue ones, by close date."""
        return self.data.deals.due(self.grain, self.grain_id)

    def deal_link(self, deal: Record) -> str:
        """Return client and name of a deal, leading to its record."""
        return self.variant.record(deal["opportunity_id"], deal_name(deal))


def deal_name(deal: Record) -> str:
    """Return client and name of a deal, as printed; a name that begins with the client's says it already."""
    client, name = formats.printable(deal["account_name"]), formats.printable(deal["name"])
    if client == formats.EMPTY:
        return name
    short, whole = (formats.unmarked(each).casefold() for each in (client, name))
    after = whole.removeprefix(short)[:1]
    return name if whole.startswith(short) and not after.isalnum() else f"{client}: {name}"


def _attained_pct(row: Record) -> float:
    """Return the year's attainment; who has no target stands last."""
    attained = row[PeriodKind.YEAR]["attainment_pct"]
    return float("-inf") if attained is None else attained


def name_of(row: Record) -> str:
    """Return a row's name as printed."""
    return formats.printable(row["name"])


def period_words(period: str, language: Language) -> str:
    """Return a period as people say it: `October 2026`, `Q2 FY2026`, `FY2026`."""
    if not period.startswith("FY"):
        return language.month_name(Month.parse(period))
    year, _, quarter = period.partition("-")
    named = language.say("FY{year}", year=year.removeprefix("FY"))
    return f"{quarter} {named}" if quarter else named


def ratio_words(row: Record, language: Language) -> str:
    """Return a coverage ratio, or why there is none."""
    if row["status"] == TargetStatus.NO_TARGET:
        return language.say("no target")
    return (
        language.say("covered")
        if row["status"] == TargetStatus.COVERED
        else language.ratio(row["coverage_ratio"])
    )


def is_short_of_pipeline(row: Record) -> bool:
    """Return whether coverage, as it is printed, is less than has usually been needed."""
    return (
        row["status"] == TargetStatus.OK
        and row["required_ratio"] is not None
        and round(row["coverage_ratio"], 1) < round(row["required_ratio"], 1)
    )


def with_note(name: str, notes: Sequence[str]) -> Markup:
    """Return a name with what is to be known of it in a paler type."""
    if not notes:
        return Markup("{}").format(name)
    return Markup('{} <span class="note">{}</span>').format(name, ", ".join(notes))


def needed(row: Record) -> float | None:
    """Return the coverage that has usually been needed; none where nobody knows, and where none was."""
    ratio = row["required_ratio"]
    return None if ratio is None or not round(ratio, 1) else ratio
