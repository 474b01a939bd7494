"""What must happen next: at most three things for the company, each team and each person, by the money at stake.

Put a rule here by which something is asked of somebody. A rule asks what can still be done in the
time that is left, of the one who can do it; a deal is asked about in one way only, whoever reads it.
How it is said is `reports.sections.headline`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.coverage import DealChances, PipelineCoverage
from sales.contracts.forecast import Actions, ClientPhasing, ClosingPlan, PipelineGeneration
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import ComingMonth, PhasedTargets
from sales.forecast.closing_plan import COLD, LONG_OVERDUE_DAYS
from sales.forecast.delivery_load import people_needed
from sales.history.extract import People
from sales.policy.rules import MonthRules
from sales.vocabulary import ActionRule, GrainKind, PeriodKind, TargetStatus

MOST_ACTIONS = 3
# Less than so much of the reader's coming number is not worth an order.
LEAST_STAKE = Decimal("0.02")
# What only has to be tidied up is due two weeks into the month.
TIDY_DAYS = 14
# Deals won in so many months say what a deal without an amount usually brings.
USUAL_MONTHS = 12
ORDER = list(ActionRule)
Record = dict[str, Any]


@dataclass(frozen=True)
class ActionFacts:
    """The tables of the month that actions are read from, and who is who.

    `is_copy` says that people are known as they were at the month's end; else as they are today.
    """

    snapshot: DataFrame[OpportunitySnapshot]
    booking_credit: DataFrame[BookingCredit]
    phased_targets: DataFrame[PhasedTargets]
    coming_month: DataFrame[ComingMonth]
    deal_chances: DataFrame[DealChances]
    closing_plan: DataFrame[ClosingPlan]
    coverage: DataFrame[PipelineCoverage]
    generation: DataFrame[PipelineGeneration]
    clients: DataFrame[ClientPhasing]
    owners: People
    is_copy: bool = False


@dataclass(frozen=True)
class _Action:
    """One thing to do; `stake` is the money of the reader that is at stake."""

    rule: ActionRule
    stake: Decimal
    due: date
    owner_id: str | None = None
    opportunity_id: str | None = None
    person_id: str | None = None
    team: str | None = None
    period: str | None = None

    @property
    def order(self) -> tuple[Decimal, int, str]:
        """The most money first; equal stakes in the order of the rules."""
        name = self.opportunity_id or self.person_id or self.period or ""
        return -self.stake, ORDER.index(self.rule), name


Reader = tuple[str, str]


def actions(facts: ActionFacts, month: Month, rules: MonthRules) -> DataFrame[Actions]:
    """Return the actions of every reader, the most money at stake first."""
    board = _Board(facts, month, rules)
    rows: list[tuple[Reader, int, _Action]] = []
    for reader, number in sorted(board.numbers.items()):
        chosen = _chosen(board.of_reader(reader), number * LEAST_STAKE)
        rows += [(reader, rank, action) for rank, action in enumerate(chosen, start=1)]
    found = [action for *_, action in rows]
    quantum = money.quantum(rules.digits)
    stakes = [money.to_minor(each.stake.quantize(quantum), rules.digits) for each in found]
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(rows)),
            "grain": columns.text([reader[0] for reader, *_ in rows]),
            "grain_id": columns.text([reader[1] for reader, *_ in rows]),
            "rank": pa.array([rank for _, rank, _ in rows], pa.int64()),
            "rule": columns.text([each.rule.value for each in found]),
            "owner_id": columns.text([each.owner_id for each in found]),
            "opportunity_id": columns.text([each.opportunity_id for each in found]),
            "stake": money.decimal_array(np.array(stakes, np.int64), rules.digits),
            "due_date": pa.array([each.due for each in found], pa.date32()),
            "outcome": columns.text([None] * len(rows)),
            "owner_name": columns.take(
                facts.owners.names,
                columns.codes(columns.text([each.owner_id for each in found]), facts.owners.ids),
            ),
            "person_id": columns.text([each.person_id for each in found]),
            "team": columns.text([each.team for each in found]),
            "period": columns.text([each.period for each in found]),
        }
    )
    extracted_at = facts.snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), Actions)


def _chosen(found: Iterable[_Action], least: Decimal) -> list[_Action]:
    """Return the three with most at stake; of what is not about a deal, one of each kind."""
    chosen: list[_Action] = []
    for action in sorted(found, key=lambda each: each.order):
        is_told = action.opportunity_id is None and any(action.rule == each.rule for each in chosen)
        if action.stake > 0 and action.stake >= least and not is_told:
            chosen.append(action)
    return chosen[:MOST_ACTIONS]


class _Board:
    """All that may be asked of anybody at a month end, looked up once."""

    def __init__(self, facts: ActionFacts, month: Month, rules: MonthRules) -> None:
        self._facts, self._month, self._rules = facts, month, rules
        calendar, coming = rules.calendar, month.plus(1)
        self._coming = coming
        self._first, self._last = calendar.first_day(coming), calendar.last_day(coming)
        self._tidy = min(self._first + timedelta(days=TIDY_DAYS - 1), self._last)
        known = facts.owners
        can_act = known.is_active
        if not facts.is_copy:
            # Whoever sells in the months ahead could act then, though they cannot log in today.
            can_act = can_act | (columns.codes(known.ids, self._sellers_ahead) >= 0)
        can_act = can_act & known.is_person
        self._can_act = dict(zip(known.ids.to_pylist(), can_act.tolist(), strict=True))
        self._manager = dict(zip(known.ids.to_pylist(), known.manager_ids.to_pylist(), strict=True))

    @cached_property
    def numbers(self) -> dict[Reader, Decimal]:
        """The coming month's number of every reader."""
        rows = _records(self._facts.coming_month, "grain", "grain_id", "number")
        return {(row["grain"], row["grain_id"]): row["number"] for row in rows}

    @property
    def _sellers_ahead(self) -> pa.Array:
        """Who has a target in a month after this one; in the month itself, where no later one has any."""
        rows = self._facts.phased_targets
        asked = rows.loc[rows["baseline_target"] != 0]
        later = asked.loc[asked["month"] > str(self._month)]
        return columns.distinct(
            (later if len(later) else asked.loc[asked["month"] == str(self._month)])["owner_id"]
        )

    def of_reader(self, reader: Reader) -> Iterator[_Action]:
        """Yield all that may be asked of a reader."""
        grain, grain_id = reader
        if grain == GrainKind.PERSON and not self._can_act.get(grain_id, False):
            return
        asked = self._of_deals.get(reader, ())
        if grain == GrainKind.PERSON:
            yield from (each for each in asked if each.owner_id == grain_id)
            return
        yield from asked
        for each in self._of_people:
            if grain == GrainKind.COMPANY or each.team == grain_id:
                yield each
        yield from self._find_pipeline(reader)
        if grain == GrainKind.COMPANY:
            yield from self._draft_in()

    def _who_can(self, owner_id: str) -> str | None:
        """Return the owner, their manager where they have left, or nobody."""
        return owner_id if self._can_act.get(owner_id, False) else self._manager_of(owner_id)

    def _manager_of(self, person: str) -> str | None:
        """Return a person's manager, or nobody where the CRM names none who can act."""
        manager = self._manager.get(person)
        is_other = manager is not None and manager != person
        return manager if is_other and self._can_act.get(manager, False) else None

    def _lead_of(self, team: str) -> str | None:
        """Return the manager of most people of a team who have a target, or nobody."""
        rows = self._facts.phased_targets
        people = set(rows.loc[rows["team"] == team, "owner_id"].tolist())
        leads = Counter(lead for each in people if (lead := self._manager_of(each)))
        return min(leads, key=lambda lead: (-leads[lead], lead), default=None)

    @cached_property
    def _of_deals(self) -> dict[Reader, list[_Action]]:
        """Return what is asked about each deal, by who reads it; each has the reader's part of the amount at stake."""
        found: dict[Reader, list[_Action]] = {}
        for action, chance, shares in (*self._open_deals(), *self._bare_wins()):
            for reader, amount in shares.items():
                found.setdefault(reader, []).append(replace(action, stake=amount * chance))
        return found

    def _open_deals(self) -> Iterator[tuple[_Action, Decimal, dict[Reader, Decimal]]]:
        """Yield each deal of the closing plan with what to ask, its chance of the coming month, and whose money it is."""
        plan = _records(
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
            action = _Action(
                rule, Decimal(0), due, self._who_can(deal["owner_id"]), key, team=self._teams[key]
            )
            yield action, Decimal(repr(chance)), self._shares(key, deal["owner_id"], amount)

    def _asked(self, deal: Record) -> tuple[ActionRule, date]:
        """Return what is asked about a deal, and by when: one thing, whoever reads it."""
        flags, overdue = deal["flags"].split(), deal["days_overdue"]
        chance = deal["win_probability"]
        if overdue > LONG_OVERDUE_DAYS and chance is not None and chance < COLD:
            return ActionRule.CLOSE_LOST, self._tidy
        if deal["amount"] is None:
            return ActionRule.NAME_AMOUNT, self._tidy
        if "protect" in flags:
            return ActionRule.ASK_WHEN, self._last
        if overdue:
            return ActionRule.REDATE, self._tidy
        return ActionRule.CONFIRM, deal["close_date"]

    def _is_due(self, deal: Record) -> bool:
        """Return whether a deal can be confirmed in the coming month: by its close date, and by the forecast where there is one."""
        expected = deal["expected_month"]
        return deal["close_date"] <= self._last and (
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
        is_due = deal["close_date"] <= self._last
        return self._probabilities[key] if is_due else 0.0, deal["amount"]

    def _bare_wins(self) -> Iterator[tuple[_Action, Decimal, dict[Reader, Decimal]]]:
        """Yield deals won in the year so far without an amount; a usual deal's amount is at stake."""
        usual, snapshot = self._usual_amount, self._facts.snapshot
        if usual is None:
            return
        bare = snapshot.loc[
            columns.booleans(snapshot["is_won"])
            & np.asarray(columns.arrow(snapshot["amount"]).is_null())
        ]
        first = self._rules.calendar.first_day(self._rules.calendar.year_of(self._month).first)
        for deal in _records(bare, "opportunity_id", "owner_id", "team", "close_date"):
            if not first <= deal["close_date"] < self._first:
                continue
            key = deal["opportunity_id"]
            action = _Action(
                ActionRule.NAME_AMOUNT,
                Decimal(0),
                self._tidy,
                self._who_can(deal["owner_id"]),
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
        for row in _records(opened, "opportunity_id", "owner_id", "team", "amount"):
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
        rows = _records(self._facts.deal_chances, "opportunity_id", "chance_1", "assumed_amount")
        digits = self._rules.digits
        return {
            row["opportunity_id"]: (
                row["chance_1"],
                money.decimal_of(round(row["assumed_amount"]), digits),
            )
            for row in rows
        }

    @cached_property
    def _of_people(self) -> list[_Action]:
        """What is asked of managers: whose year cannot be recovered, and whose target nobody carries any more."""
        year = self._rules.calendar.fiscal_year(self._month)
        rows = self._facts.phased_targets
        rows = rows.loc[rows["fiscal_year"] == year]
        later = rows.loc[rows["month"] > str(self._month)]
        if not len(later):
            return []
        sells = set(later.loc[later["baseline_target"] != 0, "owner_id"].tolist())
        found: list[_Action] = []
        for row in _records(rows.loc[rows["at_risk"] > 0], "owner_id", "team", "at_risk"):
            person = row["owner_id"]
            rule = ActionRule.AGREE_YEAR if person in sells else ActionRule.COVER_LEAVER
            found.append(
                _Action(
                    rule,
                    row["at_risk"],
                    self._last,
                    self._manager_of(person),
                    person_id=person,
                    team=row["team"],
                    period=f"FY{year}",
                )
            )
        return found

    def _find_pipeline(self, reader: Reader) -> Iterator[_Action]:
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
                yield _Action(
                    ActionRule.FIND_PIPELINE,
                    (needed - row["open_pipeline"]) * Decimal(repr(conversion)),
                    self._last,
                    self._lead_of(team) if team else None,
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
        for row in _records(
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

    def _draft_in(self) -> Iterator[_Action]:
        """Yield the month that lacks most people, at what the missing days are worth by the deals that were won."""
        policy, value = self._rules.policy.clients, self._worth_of_a_day
        if policy.capacity_days is None or value is None:
            return
        days: dict[str, float] = {}
        for row in _records(self._facts.clients, "month", "delivery_days"):
            if row["month"] > str(self._month) and row["delivery_days"] is not None:
                days[row["month"]] = days.get(row["month"], 0.0) + row["delivery_days"]
        limit, each = float(policy.capacity_days), float(policy.days_per_person)
        peak = max(sorted(days), key=lambda month: days[month], default=None)
        if peak is None or not people_needed(days[peak], limit, each):
            return
        missing = Decimal(repr(days[peak] - limit)) * value
        yield _Action(ActionRule.DRAFT_IN, missing, self._last, period=peak)

    @cached_property
    def _worth_of_a_day(self) -> Decimal | None:
        """What a day of work brings, over the won deals whose work is known."""
        snapshot = self._facts.snapshot
        amount, is_null = money.minor_units(snapshot["amount"], self._rules.digits)
        effort = np.nan_to_num(columns.floats(snapshot["effort_days"]))
        counted = columns.booleans(snapshot["is_won"]) & ~is_null & (effort > 0)
        if not counted.any():
            return None
        whole = money.decimal_of(int(amount[counted].sum()), self._rules.digits)
        return whole / Decimal(repr(float(effort[counted].sum())))


def _records(table: pd.DataFrame, *names: str) -> list[Record]:
    """Return rows of some columns with plain values; empty cells are None."""
    parts = [columns.arrow(table[name]).to_pylist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*parts, strict=True)]
