"""What is asked about deals: one thing about each, of whoever can do it, whoever reads it.

Put a rule about single deals here; rules about people, teams and the company are `team_actions`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from decimal import Decimal
from functools import cached_property

import numpy as np

from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.forecast.action_facts import (
    Action,
    ActionFacts,
    Actors,
    Reader,
    Record,
    coming_days,
    records,
)
from sales.forecast.closing_plan import COLD, LONG_OVERDUE_DAYS
from sales.policy.rules import MonthRules
from sales.vocabulary import ActionRule, GrainKind

# Deals won in so many months say what a deal without an amount usually brings.
USUAL_MONTHS = 12


class DealActions:
    """What is asked about the deals of a month end."""

    def __init__(self, facts: ActionFacts, month: Month, rules: MonthRules, actors: Actors) -> None:
        """Keep the facts; nothing is looked up until it is asked for."""
        self._facts, self._month, self._rules, self._actors = facts, month, rules, actors
        self._coming, self._days = month.plus(1), coming_days(month, rules)

    @cached_property
    def by_reader(self) -> dict[Reader, list[Action]]:
        """Return what is asked about each deal, by who reads it; each has the reader's part of the amount at stake."""
        found: dict[Reader, list[Action]] = {}
        for action, chance, shares in (*self._open_deals(), *self._bare_wins()):
            for reader, amount in shares.items():
                found.setdefault(reader, []).append(replace(action, stake=amount * chance))
        return found

    def _open_deals(self) -> Iterator[tuple[Action, Decimal, dict[Reader, Decimal]]]:
        """Yield each deal of the closing plan with what to ask, its chance of the coming month, and whose money it is."""
        plan = records(
            self._facts.closing_plan,
            "opportunity_id",
            "owner_id",
            "amount",
            "close_date",
            "days_overdue",
            "flags",
            "win_probability",
            "expected_month",
        )
        for deal in plan:
            key = deal["opportunity_id"]
            chance, amount = self._next_month(deal)
            rule, due = self._asked(deal)
            if rule == ActionRule.CONFIRM and not self._is_due(deal):
                continue  # to be won in time is enough
            action = Action(
                rule,
                Decimal(0),
                due,
                self._actors.who_can(deal["owner_id"]),
                key,
                team=self._teams[key],
            )
            yield action, Decimal(repr(chance)), self._shares(key, deal["owner_id"], amount)

    def _asked(self, deal: Record) -> tuple[ActionRule, date]:
        """Return what is asked about a deal, and by when: one thing, whoever reads it."""
        flags, overdue = deal["flags"].split(), deal["days_overdue"]
        chance = deal["win_probability"]
        if overdue > LONG_OVERDUE_DAYS and chance is not None and chance < COLD:
            return ActionRule.CLOSE_LOST, self._days.tidy
        if deal["amount"] is None:
            return ActionRule.NAME_AMOUNT, self._days.tidy
        if "protect" in flags:
            return ActionRule.ASK_WHEN, self._days.last
        if overdue:
            return ActionRule.REDATE, self._days.tidy
        return ActionRule.CONFIRM, deal["close_date"]

    def _is_due(self, deal: Record) -> bool:
        """Return whether a deal can be confirmed in the coming month: by its close date, and by the forecast where there is one."""
        expected = deal["expected_month"]
        return deal["close_date"] <= self._days.last and (
            expected is None or expected <= str(self._coming)
        )

    def _next_month(self, deal: Record) -> tuple[float, Decimal | None]:
        """Return the chance that a deal is booked in the coming month, and the amount to reckon with.

        Where history is too short for chances, the CRM's own probability speaks for deals due by
        the month's end.
        """
        key = deal["opportunity_id"]
        learned = self._chances.get(key)
        if learned is not None:
            chance, assumed = learned
            return chance, deal["amount"] if deal["amount"] is not None else assumed
        is_due = deal["close_date"] <= self._days.last
        return self._probabilities[key] if is_due else 0.0, deal["amount"]

    def _bare_wins(self) -> Iterator[tuple[Action, Decimal, dict[Reader, Decimal]]]:
        """Yield deals won in the year so far without an amount; a usual deal's amount is at stake."""
        usual, snapshot = self._usual_amount, self._facts.snapshot
        if usual is None:
            return
        bare = snapshot.loc[
            columns.booleans(snapshot["is_won"])
            & np.asarray(columns.arrow(snapshot["amount"]).is_null())
        ]
        first = self._rules.calendar.first_day(self._rules.calendar.year_of(self._month).first)
        for deal in records(bare, "opportunity_id", "owner_id", "team", "close_date"):
            if not first <= deal["close_date"] < self._days.first:
                continue
            key = deal["opportunity_id"]
            action = Action(
                ActionRule.NAME_AMOUNT,
                Decimal(0),
                self._days.tidy,
                self._actors.who_can(deal["owner_id"]),
                key,
                team=deal["team"],
            )
            yield action, Decimal(1), self._owner_only(deal["owner_id"], deal["team"], usual)

    @cached_property
    def _usual_amount(self) -> Decimal | None:
        """The median amount of the deals won in the last months; none without any."""
        snapshot = self._facts.snapshot
        amount, is_null = money.minor_units(snapshot["amount"], self._rules.digits)
        booked_in = self._rules.calendar.month_index(columns.to_days(snapshot["close_date"]))
        counted = (
            columns.booleans(snapshot["is_won"])
            & ~is_null
            & (booked_in > self._month.index - USUAL_MONTHS)
            & (booked_in <= self._month.index)
        )
        if not counted.any():
            return None
        return money.decimal_of(int(np.median(amount[counted])), self._rules.digits)

    def _shares(
        self, opportunity_id: str, owner_id: str, amount: Decimal | None
    ) -> dict[Reader, Decimal]:
        """Return whose money a deal is: of those who share it each their part, of one without an amount its owner's."""
        shared = self._credit.get(opportunity_id)
        if shared is not None:
            return shared
        return self._owner_only(owner_id, self._teams[opportunity_id], amount or Decimal(0))

    def _owner_only(self, owner_id: str, team: str, amount: Decimal) -> dict[Reader, Decimal]:
        return {
            (GrainKind.PERSON.value, owner_id): amount,
            (GrainKind.TEAM.value, team): amount,
            (GrainKind.COMPANY.value, self._rules.company): amount,
        }

    @cached_property
    def _credit(self) -> dict[str, dict[Reader, Decimal]]:
        """The parts of open deals with an amount, by deal and reader."""
        credit = self._facts.booking_credit
        opened = credit.loc[~columns.booleans(credit["is_won"])]
        found: dict[str, dict[Reader, Decimal]] = {}
        for row in records(opened, "opportunity_id", "owner_id", "team", "amount"):
            if row["amount"] is None:
                continue
            mine = found.setdefault(row["opportunity_id"], {})
            for reader, part in self._owner_only(
                row["owner_id"], row["team"], row["amount"]
            ).items():
                mine[reader] = mine.get(reader, Decimal(0)) + part
        return found

    @cached_property
    def _teams(self) -> dict[str, str]:
        deals = self._facts.snapshot
        return dict(zip(deals["opportunity_id"].tolist(), deals["team"].tolist(), strict=True))

    @cached_property
    def _probabilities(self) -> dict[str, float]:
        deals = self._facts.snapshot
        shares = np.nan_to_num(columns.floats(deals["probability_pct"])) / 100
        return dict(zip(deals["opportunity_id"].tolist(), shares.tolist(), strict=True))

    @cached_property
    def _chances(self) -> dict[str, tuple[float, Decimal]]:
        rows = records(self._facts.deal_chances, "opportunity_id", "chance_1", "assumed_amount")
        digits = self._rules.digits
        return {
            row["opportunity_id"]: (
                row["chance_1"],
                money.decimal_of(round(row["assumed_amount"]), digits),
            )
            for row in rows
        }
