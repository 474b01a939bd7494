"""What one scenario of a year's plan takes: new pipeline by the owner of its source, months with their work, coverage by quarter.

Put the tables of needs here; targets are `plan_scenario`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from reports.document.document import Column, Row, Table, Variant
from reports.document.view import period_words
from reports.text import formats
from sales import money
from sales.planning.scenario_plan import ScenarioPlan, YearPlans


def needs_tables(each: ScenarioPlan, plans: YearPlans, variant: Variant) -> Iterator[Table]:
    """Yield the tables of what a scenario takes, as far as it is known."""
    yield from _Needs(plans, variant).tables(each)


class _Needs:
    """The tables of needs, and what all of them use."""

    def __init__(self, plans: YearPlans, variant: Variant) -> None:
        self._plans, self._variant = plans, variant
        self._language, self.say = variant.language, variant.language.say

    def _money(self, minor: int) -> str:
        return self._variant.short(money.decimal_of(minor, self._variant.rules.digits))

    def tables(self, each: ScenarioPlan) -> Iterator[Table]:
        """Yield the tables of what a scenario takes."""
        if each.sources:
            yield self._sources(each)
        yield self._by_month(each)
        if any(one.ratio is not None for one in each.quarters):
            yield self._quarters(each)

    def _sources(self, each: ScenarioPlan) -> Table:
        say, language_ = self.say, self._language
        columns = (
            Column(say("Owner of the source"), 26),
            Column(say("New pipeline"), 16, is_number=True),
            Column(say("Before the year"), 16, is_number=True),
            Column(say("Last 12 months"), 16, is_number=True),
            Column(say("Is won"), 12, is_number=True),
            Column(say("Months to win"), 14, is_number=True),
        )
        rows = [
            Row(
                (
                    formats.printable(one.owner),
                    self._money(one.needed),
                    self._money(one.before),
                    self._money(one.created),
                    language_.share(one.conversion),
                    language_.number(one.lead_months, 1),
                )
            )
            for one in each.sources
        ]
        total = (
            say("Company"),
            *(
                self._money(sum(amounts))
                for amounts in (
                    [one.needed for one in each.sources],
                    [one.before for one in each.sources],
                    [one.created for one in each.sources],
                )
            ),
            "",
            "",
        )
        note = say(
            "Last 12 months: what the source created. Is won: the part of created pipeline that is booked in the end."
        )
        if over := sum(one.over for one in each.sources):
            late = say(
                "{amount} of the new pipeline belongs to months that are over: what of it is not there must come on top.",
                amount=self._money(over),
            )
            note = f"{note} {late}"
        return Table(
            columns,
            (*rows, Row(total, is_strong=True)),
            say("New pipeline by owner of the source"),
            note,
        )

    def _by_month(self, each: ScenarioPlan) -> Table:
        say, language_ = self.say, self._language
        targets = dict(zip(self._plans.year.months, each.plan.months, strict=True))
        work = {one.month: one for one in each.work}
        months = sorted({*targets, *(month for month in each.created if month > self._plans.month)})
        columns = (
            Column(say("Month"), 24),
            Column(say("Target"), 19, is_number=True),
            Column(say("New pipeline"), 19, is_number=True),
            Column(say("Days of work"), 19, is_number=True),
            Column(self._short_people_words(each), 19, is_number=True),
        )
        kept = columns if work else (replace(columns[0], width=62), *columns[1:3])
        rows: list[Row] = []
        for month in months:
            cells = (
                language_.short_month_and_year(month),
                self._money(targets[month]) if month in targets else formats.EMPTY,
                self._money(each.created[month]) if month in each.created else formats.EMPTY,
            )
            done = work.get(month)
            more = (
                (
                    language_.number(done.days, 0),
                    formats.EMPTY if done.people is None else language_.count(done.people),
                )
                if done
                else (formats.EMPTY, formats.EMPTY)
            )
            rows.append(Row((*cells, *more) if work else cells))
        note = say(
            "New pipeline is what this year's targets need: what later months create serves the year after more and more, and is not in it."
        )
        return Table(kept, tuple(rows), say("Month by month"), note)

    def _short_people_words(self, each: ScenarioPlan) -> str:
        has_capacity = any(one.capacity is not None for one in each.work)
        return self.say("People to draft in") if has_capacity else self.say("People")

    def _quarters(self, each: ScenarioPlan) -> Table:
        say, language_ = self.say, self._language
        rows = [
            Row(
                (
                    period_words(one.quarter.name, language_),
                    self._money(one.target),
                    language_.ratio(one.ratio),
                    say(
                        "{low} to {high}",
                        low=language_.ratio(one.low),
                        high=language_.ratio(one.high),
                    ),
                    self._money(one.pipeline),
                )
            )
            for one in each.quarters
            if one.ratio is not None and one.pipeline is not None
        ]
        columns = (
            Column(say("Quarter"), 24),
            Column(say("Target"), 19, is_number=True),
            Column(say("Coverage"), 15, is_number=True),
            Column(say("Eight in ten"), 21, is_number=True),
            Column(say("Open pipeline"), 21, is_number=True),
        )
        return Table(
            columns, tuple(rows), say("Open pipeline that each quarter needs at its start")
        )
