"""What one scenario of a year's plan asks: of people by month, of sources, of the pipeline, of delivery.

Put here the pages of a scenario; how scenarios stand side by side is `reports.year_plan`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import compress

from reports.document.document import Column, Row, Section, Table, Variant
from reports.sections.plan_needs import needs_tables
from reports.text import formats
from reports.text.i18n import Language, marked
from sales import money
from sales.planning.scenario_plan import ScenarioPlan, YearPlans
from sales.planning.year_plan import GroupPlan, MemberPlan

TITLES = (marked("What people can sell"), marked("The number"))
LEAST = 1e-6
# People that are printed of a scenario; from this amount of a month on its table is in millions.
MOST_PEOPLE, MILLIONS_FROM = 120, 10**8


def scenario_sections(each: ScenarioPlan, plans: YearPlans, variant: Variant) -> Iterator[Section]:
    """Yield the targets of a scenario, and what it takes."""
    yield from _Scenario(plans, variant).sections(each)


def reaching(each: ScenarioPlan) -> float:
    """Return how many of those with a target may be expected to reach it."""
    return sum(row.chance for row in with_target(each))


def with_target(each: ScenarioPlan) -> list[MemberPlan]:
    """Return the members who have a target."""
    return [row for row in each.plan.members if row.target]


def title_of(each: ScenarioPlan, language_: Language) -> str:
    """Return what a scenario is called; one that needs no file in the document's language."""
    title = each.plan.title
    return formats.printable(language_.say(title) if title in TITLES else title)


def chance_words(chance: float | None, language_: Language) -> str:
    """Return a chance; one that lies beyond all that was reckoned with is less than one percent, or more than 99."""
    return language_.chance(None if chance is None else min(max(chance, LEAST), 1 - LEAST))


class _Scenario:
    """The pages of scenarios, and what all parts of them need."""

    def __init__(self, plans: YearPlans, variant: Variant) -> None:
        self._plans, self._variant = plans, variant
        self._language, self.say = variant.language, variant.language.say

    def _money(self, minor: int) -> str:
        return self._variant.short(money.decimal_of(minor, self._variant.rules.digits))

    def _chance(self, chance: float | None) -> str:
        return chance_words(chance, self._language)

    def sections(self, each: ScenarioPlan) -> Iterator[Section]:
        """Yield the targets of a scenario, and what it takes."""
        say, company = self.say, each.plan.company
        title = title_of(each, self._language)
        key = f"scenario-{self._plans.scenarios.index(each) + 1}"
        yield Section(
            key,
            say("{title}: the targets", title=title),
            answer=say(
                "Targets come to {number}; {n} of {all} people may be expected to reach theirs.",
                number=self._money(company.target),
                n=self._language.number(reaching(each), 1),
                all=self._language.count(len(with_target(each))),
            ),
            tables=(self._people(each), self._months_by_person(each)),
            starts_page=True,
        )
        yield Section(
            f"{key}-needs",
            say("{title}: what it takes", title=title),
            tables=tuple(needs_tables(each, self._plans, self._variant)),
            starts_page=True,
        )

    def _people(self, each: ScenarioPlan) -> Table:
        say = self.say
        members = each.plan.members
        has_spans = any(map(self._span, members))
        has_clients = any(row.clients is not None for row in members)
        optional = (True, has_spans, True, True, True, True, has_clients)
        columns = (
            Column(say("Person"), 26),
            Column(say("Sells"), 18),
            Column(say("Expected"), 11, is_number=True),
            Column(say("Target"), 11, is_number=True),
            Column(say("Chance"), 10, is_number=True),
            Column(say("After two misses"), 12, is_number=True),
            Column(say("Plans of clients"), 12, is_number=True),
        )
        rows: list[Row] = []
        shown = self._shown(each)
        for team in each.plan.teams:
            rows.append(self._group_row(team))
            rows += [self._person_row(row) for row in shown if row.member.team == team.name]
        rows.append(self._group_row(each.plan.company))
        kept = list(compress(columns, optional))
        kept[0] = replace(kept[0], width=100 - sum(column.width for column in kept[1:]))
        return Table(
            tuple(kept),
            tuple(replace(row, cells=tuple(compress(row.cells, optional))) for row in rows),
            note=" ".join(
                [
                    say(
                        "After two misses: the chance of the year where the first two months with a target fall short together."
                    ),
                    *self._left(each),
                ]
            ),
        )

    def _shown(self, each: ScenarioPlan) -> list[MemberPlan]:
        """Return the members that are printed: those with the largest targets of very many."""
        largest = sorted(each.plan.members, key=lambda row: (-row.target, row.member.member_id))
        kept = {row.member.member_id for row in largest[:MOST_PEOPLE]}
        return [row for row in each.plan.members if row.member.member_id in kept]

    def _left(self, each: ScenarioPlan) -> list[str]:
        left = len(each.plan.members) - MOST_PEOPLE
        if left <= 0:
            return []
        return [
            self.say(
                "{n} people with smaller targets are in the attached table only.",
                n=self._language.count(left),
            )
        ]

    def _group_row(self, group: GroupPlan) -> Row:
        cells = (
            formats.printable(group.name),
            "",
            self._money(group.expected),
            self._money(group.target),
            self._chance(group.chance),
            "",
            "",
        )
        return Row(cells, is_strong=True)

    def _person_row(self, row: MemberPlan) -> Row:
        name = formats.printable(row.member.name)
        target = self._money(row.target)
        return Row(
            (
                self.say("{name} (open seat)", name=name) if row.member.is_seat else name,
                self._span(row),
                self._money(row.expected),
                self.say("{target}, agreed", target=target) if row.is_agreed else target,
                self._chance(row.chance),
                self._chance(row.after_misses),
                formats.EMPTY if row.clients is None else self._money(row.clients),
            )
        )

    def _span(self, row: MemberPlan) -> str:
        """Return when a person begins or ends inside the year; nothing where they sell all of it."""
        calendar, year, day = self._variant.rules.calendar, self._plans.year, self._language.day
        start, end = row.member.start, row.member.end
        begins = start is not None and start > calendar.first_day(year.first)
        ends = end is not None and end < calendar.last_day(year.last)
        if start is not None and begins and end is not None and ends:
            return f"{day(start)}–{day(end)}"
        if start is not None and begins:
            return self.say("from {day}", day=day(start))
        return self.say("until {day}", day=day(end)) if end is not None and ends else ""

    def _months_by_person(self, each: ScenarioPlan) -> Table:
        months, say = self._plans.year.months, self.say
        width = 72 // len(months)
        columns = (
            Column(say("Person"), 100 - width * len(months)),
            *(Column(self._language.short_month(month), width, is_number=True) for month in months),
        )
        is_large = max(each.plan.months) >= MILLIONS_FROM * 10**self._variant.rules.digits
        power = self._variant.rules.digits + (6 if is_large else 3)

        def cell(minor: int) -> str:
            return self._language.count(int(money.decimal_of(minor, power).to_integral_value()))

        rows = [
            Row((formats.printable(row.member.name), *map(cell, row.months)))
            for row in sorted(self._shown(each), key=lambda row: row.member.team)
        ]
        rows.append(Row((say("Company"), *map(cell, each.plan.months)), is_strong=True))
        title = (
            say("Targets by month, in millions")
            if is_large
            else say("Targets by month, in thousands")
        )
        return Table(columns, tuple(rows), title)
