"""The plan of a year as a document: scenarios side by side, then what each asks of people, months, sources and delivery.

Put here what the document says. Every number in it comes from `sales.planning`, and is attached as a
table.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from decimal import Decimal

from reports.charts.year_plan import Ambition, ambitions
from reports.document.document import (
    Column,
    MonthEndReport,
    Row,
    Section,
    Statement,
    Table,
    Tile,
    Variant,
)
from reports.document.view import period_words
from reports.export.year_plan_tables import plan_tables
from reports.month_end import labels_of
from reports.sections.plan_scenario import (
    chance_words,
    reaching,
    scenario_sections,
    title_of,
    with_target,
)
from reports.text import formats
from reports.text.i18n import language
from sales import money
from sales.planning.needs import SourceNeed
from sales.planning.scenario_plan import ScenarioPlan, YearPlans
from sales.vocabulary import GrainKind

# Scenarios that stand side by side in a table.
SIDE_BY_SIDE = 4
SOURCE = "year plan"


def plan_report(plans: YearPlans, variant: Variant) -> MonthEndReport:
    """Return the document of a year's plans, in the company's first language."""
    code = variant.rules.policy.brand.languages[0]
    return _Document(plans, replace(variant, language=language(code))).report()


class _Document:
    """The document, and what all parts of it need."""

    def __init__(self, plans: YearPlans, variant: Variant) -> None:
        self._plans, self._variant = plans, variant
        self._language, self.say = variant.language, variant.language.say
        self._year = period_words(plans.year.name, self._language)

    def report(self) -> MonthEndReport:
        """Return the whole."""
        variant, say, plans = self._variant, self.say, self._plans
        calendar, short_month = variant.rules.calendar, self._language.short_month_and_year
        return MonthEndReport(
            kind=GrainKind.COMPANY,
            grain_id=variant.rules.company,
            kind_name=say("Plan of {year}", year=self._year),
            title=formats.printable(variant.rules.company),
            subtitle=say(
                "{first} to {last}, proposed from what was known at the end of {month}; figures in {currency}",
                first=short_month(plans.year.first),
                last=short_month(plans.year.last),
                month=self._language.month_name(plans.month),
                currency=variant.rules.currency,
            ),
            audience=say("Confidential: management"),
            company=formats.printable(variant.theme.name or variant.rules.company),
            month=variant.month,
            month_name=self._year,
            created=calendar.as_of(variant.month).strftime("%Y-%m-%dT%H:%M:%SZ"),
            last_day=calendar.last_day(variant.month),
            is_demo=variant.is_demo,
            is_preview=False,
            language=self._language,
            variant="",
            theme=variant.theme,
            labels=labels_of(self._language),
            statements=tuple(self._statements()),
            actions=(),
            tiles=tuple(self._tiles()),
            sections=(
                self._side_by_side(),
                *(
                    part
                    for each in plans.scenarios
                    for part in scenario_sections(each, plans, variant)
                ),
            ),
            attachments=plan_tables(plans),
        )

    def _money(self, minor: int) -> str:
        return self._variant.short(self._amount(minor))

    def _amount(self, minor: int) -> Decimal:
        return money.decimal_of(minor, self._variant.rules.digits)

    def _chance(self, chance: float | None) -> str:
        return chance_words(chance, self._language)

    def _title(self, each: ScenarioPlan) -> str:
        return title_of(each, self._language)

    def _statements(self) -> Iterator[Statement]:
        say = self.say
        for each in self._plans.scenarios:
            company = each.plan.company
            said = say(
                "“{title}”: a number of {number}, reached with a chance of {chance}; at today's rate {expected} may be expected.",
                title=self._title(each),
                number=self._money(company.target),
                expected=self._money(company.expected),
                chance=self._chance(company.chance),
            )
            yield Statement(said, SOURCE)
        if self._plans.left_out:
            names = ", ".join(formats.printable(each) for each in self._plans.left_out)
            yield Statement(
                say(
                    "Left out, as they cannot log in to Salesforce any more: {names}.", names=names
                ),
                SOURCE,
            )

    def _tiles(self) -> Iterator[Tile]:
        for each in self._plans.scenarios[:SIDE_BY_SIDE]:
            company = each.plan.company
            yield Tile(
                self._title(each),
                self._money(company.target),
                self.say("chance {chance}", chance=self._chance(company.chance)),
            )

    def _side_by_side(self) -> Section:
        say, scenarios = self.say, self._plans.scenarios
        figure = ambitions(
            [
                Ambition(
                    self._title(each),
                    self._amount(each.plan.company.target),
                    (
                        self._amount(each.plan.company.quantiles[0]),
                        self._amount(each.plan.company.quantiles[1]),
                        self._amount(each.plan.company.quantiles[2]),
                    ),
                )
                for each in scenarios
            ],
            self._variant.short,
            self._variant.on_axis,
            self._variant.palette,
            self._language,
        )
        return Section(
            "scenarios",
            say("The scenarios side by side"),
            answer=say(
                "What may be expected is the rate of the last two years, with who is there: nobody is taken to sell better than so far."
            ),
            figure=figure,
            caption=say(
                "Diamond: the number. Band: what eight of ten such years bring, with their middle."
            ),
            tables=tuple(
                self._comparison(scenarios[start : start + SIDE_BY_SIDE])
                for start in range(0, len(scenarios), SIDE_BY_SIDE)
            ),
        )

    def _comparison(self, scenarios: Sequence[ScenarioPlan]) -> Table:
        say, count = self.say, self._language.count
        width = 64 // len(scenarios)
        parts: list[tuple[str, list[str]]] = [
            (
                say("Number of the company"),
                [self._money(each.plan.company.target) for each in scenarios],
            ),
            (
                say("May be expected"),
                [self._money(each.plan.company.expected) for each in scenarios],
            ),
            (
                say("Chance to reach the number"),
                [self._chance(each.plan.company.chance) for each in scenarios],
            ),
            (
                say("People who reach their target, of all"),
                [
                    say(
                        "{n} of {all}",
                        n=self._language.number(reaching(each), 1),
                        all=count(len(with_target(each))),
                    )
                    for each in scenarios
                ],
            ),
            (
                say("A person's chance after two missed months, on average"),
                [self._chance(_after_misses(each)) for each in scenarios],
            ),
            (
                say("New pipeline for the year"),
                [self._pipeline(each, _needed) for each in scenarios],
            ),
            (
                say("of it before the year begins"),
                [self._pipeline(each, _before) for each in scenarios],
            ),
            (
                say("Coverage at the start of a quarter"),
                [self._coverage(each) for each in scenarios],
            ),
        ]
        if any(each.work for each in scenarios):
            parts.append((self._people_words(), [self._most_people(each) for each in scenarios]))
        columns = (
            Column("", 100 - width * len(scenarios)),
            *(Column(self._title(each), width, is_number=True) for each in scenarios),
        )
        rows = tuple(Row((name, *cells), is_strong=n == 0) for n, (name, cells) in enumerate(parts))
        return Table(columns, rows)

    def _pipeline(self, each: ScenarioPlan, part: Callable[[SourceNeed], int]) -> str:
        return self._money(sum(map(part, each.sources))) if each.sources else formats.EMPTY

    def _coverage(self, each: ScenarioPlan) -> str:
        ratios = [one.ratio for one in each.quarters if one.ratio is not None]
        if not ratios:
            return formats.EMPTY
        low, high = (self._language.ratio(one) for one in (min(ratios), max(ratios)))
        return low if low == high else self.say("{low} to {high}", low=low, high=high)

    def _people_words(self) -> str:
        work = [one for each in self._plans.scenarios for one in each.work]
        has_capacity = any(one.capacity is not None for one in work)
        return (
            self.say("People to draft in, at most")
            if has_capacity
            else self.say("People that the work takes, at most")
        )

    def _most_people(self, each: ScenarioPlan) -> str:
        people = [one.people for one in each.work if one.people is not None]
        return self._language.count(max(people)) if people else formats.EMPTY


def _needed(one: SourceNeed) -> int:
    return one.needed


def _before(one: SourceNeed) -> int:
    return one.before


def _after_misses(each: ScenarioPlan) -> float | None:
    """Return the mean chance of the year after two missed months, by people."""
    known = [row.after_misses for row in each.plan.members if row.after_misses is not None]
    return sum(known) / len(known) if known else None
