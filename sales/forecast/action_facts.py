"""What actions are read from, what one is, and who can act.

Put here what rules of actions share; the rules are `deal_actions` and `team_actions`, which of them
a reader is told is `actions`.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property
from typing import Any

import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.coverage import DealChances, PipelineCoverage
from sales.contracts.forecast import ClosingPlan, PipelineGeneration
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import ComingMonth, PhasedTargets
from sales.contracts.work import ClientAgreements, DeliveryLoad
from sales.history.extract import People
from sales.policy.rules import MonthRules
from sales.vocabulary import ActionRule

# What only has to be tidied up is due two weeks into the month.
TIDY_DAYS = 14
ORDER = list(ActionRule)
Record = dict[str, Any]
# Whose page it is: grain and id.
Reader = tuple[str, str]


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
    load: DataFrame[DeliveryLoad]
    agreements: DataFrame[ClientAgreements]
    owners: People
    is_copy: bool = False


@dataclass(frozen=True)
class Action:
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


@dataclass(frozen=True)
class ComingDays:
    """The days of the coming month: the first, the last, and the one until which things are tidied up."""

    first: date
    last: date
    tidy: date


def coming_days(month: Month, rules: MonthRules) -> ComingDays:
    """Return the days of the month after this one."""
    coming = month.plus(1)
    first, last = rules.calendar.first_day(coming), rules.calendar.last_day(coming)
    return ComingDays(first, last, min(first + timedelta(days=TIDY_DAYS - 1), last))


class Actors:
    """Who could act at a month's end, and who leads whom."""

    def __init__(self, facts: ActionFacts, month: Month) -> None:
        """Read off who could act: whoever can log in, and, where that is known of today only, whoever sells ahead."""
        self._targets, known = facts.phased_targets, facts.owners
        can_act = known.is_active
        if not facts.is_copy:
            can_act = can_act | (columns.codes(known.ids, self._sellers_ahead(month)) >= 0)
        can_act = can_act & known.is_person
        self._can_act = dict(zip(known.ids.to_pylist(), can_act.tolist(), strict=True))
        self._manager = dict(zip(known.ids.to_pylist(), known.manager_ids.to_pylist(), strict=True))

    def can_act(self, person: str) -> bool:
        """Return whether somebody could act."""
        return self._can_act.get(person, False)

    def who_can(self, owner_id: str) -> str | None:
        """Return the owner, their manager where they have left, or nobody."""
        return owner_id if self.can_act(owner_id) else self.manager_of(owner_id)

    def manager_of(self, person: str) -> str | None:
        """Return a person's manager, or nobody where the CRM names none who can act."""
        manager = self._manager.get(person)
        if manager is None or manager == person or not self.can_act(manager):
            return None
        return manager

    def lead_of(self, team: str) -> str | None:
        """Return the manager of most people of a team who have a target, or nobody."""
        leads = Counter(
            lead for each in self._people_of.get(team, ()) if (lead := self.manager_of(each))
        )
        return min(leads, key=lambda lead: (-leads[lead], lead), default=None)

    @cached_property
    def _people_of(self) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for row in records(self._targets, "owner_id", "team"):
            found.setdefault(row["team"], set()).add(row["owner_id"])
        return found

    def _sellers_ahead(self, month: Month) -> pa.Array:
        """Return who has a target in a month after this one; in the month itself, where no later one has any."""
        asked = self._targets.loc[self._targets["baseline_target"] != 0]
        later = asked.loc[asked["month"] > str(month)]
        rows = later if len(later) else asked.loc[asked["month"] == str(month)]
        return columns.distinct(rows["owner_id"])


def records(table: pd.DataFrame, *names: str) -> list[Record]:
    """Return rows of some columns with plain values; empty cells are None."""
    parts = [columns.arrow(table[name]).to_pylist() for name in names]
    return [dict(zip(names, values, strict=True)) for values in zip(*parts, strict=True)]
