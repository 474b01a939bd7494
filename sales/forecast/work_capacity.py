"""Work capacity: the days of work that the company and its teams can do a month, and the people beyond it.

Put here what work is held against. What is stated in capacity.csv leads; policy has the company's
number where nothing is stated.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from math import ceil

import numpy as np

from sales.arrow import Floats
from sales.calendar import Month
from sales.contracts.contract import DECIMALS
from sales.policy.rules import MonthRules
from sales.policy.sections import Clients
from sales.targets.stated_plans import PlanBook, StatedCapacity

COMPANY = ""


class WorkCapacity:
    """Days of work that can be done a month; of a team only where it has a number of its own."""

    def __init__(
        self, stated: Sequence[StatedCapacity], clients: Clients, today: date | None = None
    ) -> None:
        """Keep what is stated before a day, each from its month on; of one month and team what was stated last."""
        known = [
            each
            for each in stated
            if each.stated_on is None or today is None or each.stated_on < today
        ]
        self._stated = sorted(known, key=lambda each: (each.first, each.stated_on or date.min))
        self._otherwise = None if clients.capacity_days is None else float(clients.capacity_days)

    @property
    def teams(self) -> list[str]:
        """The teams that have a capacity of their own."""
        return sorted({each.team for each in self._stated} - {COMPANY})

    def of_team(self, team: str, month: Month) -> float | None:
        """Return what a team can do in a month; none where nobody says."""
        days = [each.days for each in self._stated if each.team == team and each.first <= month]
        return days[-1] if days else None

    def of_company(self, month: Month) -> float | None:
        """Return what the company can do in a month; none where nobody says."""
        days = self.of_team(COMPANY, month)
        return self._otherwise if days is None else days

    def limits(self, teams: Sequence[str], first: Month, months: int) -> Floats:
        """Return days by row and month, of the company and then of each team; not a number where nobody says."""
        coming = [first.plus(step) for step in range(months)]
        found = [[self.of_company(month) for month in coming]]
        found += [[self.of_team(team, month) for month in coming] for team in teams]
        return np.array(
            [[np.nan if each is None else each for each in days] for days in found], np.float64
        )


def capacity_of(plans: PlanBook, month: Month, rules: MonthRules) -> WorkCapacity:
    """Return what can be done, as stated by a month's end."""
    return WorkCapacity(plans.capacities, rules.policy.clients, rules.calendar.today(month))


def people_needed(days: float, capacity: float | None, days_per_person: float) -> int:
    """Return how many people a month's work needs beyond the capacity; none where no capacity is stated."""
    if capacity is None:
        return 0
    return max(0, ceil(round((days - capacity) / days_per_person, DECIMALS)))
