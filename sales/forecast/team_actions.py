"""What is asked of managers: years that cannot be recovered, targets that nobody carries, pipeline and people that are missing.

Put a rule about people, teams and the company here; rules about single deals are `deal_actions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from functools import cached_property

import numpy as np

from sales import arrow as columns
from sales import money
from sales.calendar import Month, Period
from sales.forecast.action_facts import (
    Action,
    ActionFacts,
    Actors,
    Reader,
    Record,
    coming_days,
    records,
)
from sales.policy.rules import MonthRules
from sales.vocabulary import ActionRule, GrainKind, PeriodKind, TargetStatus


class TeamActions:
    """What is asked of those who lead, at a month end."""

    def __init__(self, facts: ActionFacts, month: Month, rules: MonthRules, actors: Actors) -> None:
        """Keep the facts; nothing is looked up until it is asked for."""
        self._facts, self._month, self._rules, self._actors = facts, month, rules, actors
        self._days = coming_days(month, rules)

    @cached_property
    def of_people(self) -> list[Action]:
        """What is asked of managers: whose year cannot be recovered, and whose target nobody carries any more."""
        year = self._rules.calendar.fiscal_year(self._month)
        rows = self._facts.phased_targets
        rows = rows.loc[rows["fiscal_year"] == year]
        later = rows.loc[rows["month"] > str(self._month)]
        if not len(later):
            return []
        sells = set(later.loc[later["baseline_target"] != 0, "owner_id"].tolist())
        found: list[Action] = []
        for row in records(rows.loc[rows["at_risk"] > 0], "owner_id", "team", "at_risk"):
            person = row["owner_id"]
            rule = ActionRule.AGREE_YEAR if person in sells else ActionRule.COVER_LEAVER
            found.append(
                Action(
                    rule,
                    row["at_risk"],
                    self._days.last,
                    self._actors.manager_of(person),
                    person_id=person,
                    team=row["team"],
                    period=f"FY{year}",
                )
            )
        return found

    def find_pipeline(self, reader: Reader) -> Iterator[Action]:
        """Yield the first quarter that lacks pipeline and for which a new deal can still be created and closed."""
        lead, conversion = self._own_past
        if lead is None or conversion is None:
            return
        for row in self._quarters.get(reader, ()):
            last = self._quarter_end[row["period"]]
            lacks = (
                row["status"] == TargetStatus.OK
                and row["required_ratio"] is not None
                and round(row["coverage_ratio"], 1) < round(row["required_ratio"], 1)
            )
            if lacks and last.index - self._month.index >= lead:
                needed = Decimal(repr(row["required_ratio"])) * row["remaining_target"]
                team = reader[1] if reader[0] == GrainKind.TEAM else None
                yield Action(
                    ActionRule.FIND_PIPELINE,
                    (needed - row["open_pipeline"]) * Decimal(repr(conversion)),
                    self._days.last,
                    self._actors.lead_of(team) if team else None,
                    team=team,
                    period=row["period"],
                )
                return

    @cached_property
    def _own_past(self) -> tuple[float | None, float | None]:
        """How long and how well created pipeline turns into bookings, by what was created; nothing where nobody can say."""
        rows = self._facts.generation.loc[
            ~np.asarray(columns.arrow(self._facts.generation["conversion"]).is_null())
        ]
        if not len(rows):
            return None, None
        weights = np.maximum(np.nan_to_num(columns.floats(rows["created"])), 0.0)
        weights = weights if weights.sum() > 0 else np.ones(len(rows))
        lead, conversion = (
            float(np.average(columns.floats(rows[name]), weights=weights))
            for name in ("lead_months", "conversion")
        )
        return lead, conversion

    @cached_property
    def _quarters(self) -> dict[Reader, list[Record]]:
        table = self._facts.coverage
        found: dict[Reader, list[Record]] = {}
        for row in records(
            table.loc[table["period_kind"] == PeriodKind.QUARTER.value],
            "grain",
            "grain_id",
            "period",
            "status",
            "coverage_ratio",
            "required_ratio",
            "remaining_target",
            "open_pipeline",
        ):
            found.setdefault((row["grain"], row["grain_id"]), []).append(row)
        return found

    @cached_property
    def _quarter_end(self) -> dict[str, Month]:
        calendar = self._rules.calendar
        quarters: list[Period] = [calendar.quarter_of(self._month)]
        for _ in range(2):
            quarters.append(calendar.quarter_of(quarters[-1].last.plus(1)))
        return {each.name: each.last for each in quarters}

    def draft_in(self, reader: Reader) -> Iterator[Action]:
        """Yield the month in which the company or a team lacks most people, at what the missing days are worth by the deals that were won."""
        value, short = self._worth_of_a_day, self._short_months.get(reader)
        if value is None or not short:
            return
        peak = max(short, key=lambda row: (row["days_beyond"], -Month.parse(row["month"]).index))
        missing = Decimal(repr(peak["days_beyond"])) * value
        team = reader[1] if reader[0] == GrainKind.TEAM else None
        yield Action(
            ActionRule.DRAFT_IN,
            missing,
            self._days.tidy if peak["month"] == str(self._month.plus(1)) else self._days.last,
            self._actors.lead_of(team) if team else None,
            team=team,
            period=peak["month"],
        )

    @cached_property
    def _short_months(self) -> dict[Reader, list[Record]]:
        """The months in which the company or a team lacks people."""
        table = self._facts.load
        found: dict[Reader, list[Record]] = {}
        for row in records(table, "grain", "grain_id", "month", "days_beyond", "people_needed"):
            if row["people_needed"]:
                found.setdefault((row["grain"], row["grain_id"]), []).append(row)
        return found

    @cached_property
    def _worth_of_a_day(self) -> Decimal | None:
        """What a day of work brings, over the won deals whose work is known, else over the agreements that take work."""
        snapshot = self._facts.snapshot
        amount, is_null = money.minor_units(snapshot["amount"], self._rules.digits)
        effort = np.nan_to_num(columns.floats(snapshot["effort_days"]))
        counted = columns.booleans(snapshot["is_won"]) & ~is_null & (effort > 0)
        if not counted.any():
            return self._worth_of_an_agreed_day
        whole = money.decimal_of(int(amount[counted].sum()), self._rules.digits)
        return whole / Decimal(repr(float(effort[counted].sum())))

    @property
    def _worth_of_an_agreed_day(self) -> Decimal | None:
        table = self._facts.agreements
        rows = [
            row
            for row in records(table, "monthly_amount", "monthly_days")
            if row["monthly_days"] > 0
        ]
        if not rows:
            return None
        days = sum(row["monthly_days"] for row in rows)
        return sum((row["monthly_amount"] for row in rows), Decimal(0)) / Decimal(repr(days))
