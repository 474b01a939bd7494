"""The plans of a year, one for each scenario, with what each takes: what a document or a file of them is made from.

Put here what belongs together; how it comes about is `year_plan` and `needs`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sales.calendar import Month, Period
from sales.planning.needs import QuarterNeed, SourceNeed, WorkMonth
from sales.planning.year_plan import YearPlan
from sales.policy.rules import MonthRules


@dataclass(frozen=True)
class ScenarioPlan:
    """One scenario's plan and what it takes; `name` is that of its file. Money in minor units.

    `created` is the new pipeline by month, of months before the year too, `work` the days of each
    month; both are empty where nothing is known.
    """

    name: str
    plan: YearPlan
    sources: Sequence[SourceNeed]
    created: Mapping[Month, int]
    quarters: Sequence[QuarterNeed]
    work: Sequence[WorkMonth]


@dataclass(frozen=True)
class YearPlans:
    """The plans of a year by scenario, as of a month end.

    `lately` is what each person booked in the last twelve months, in minor units; `left_out` has
    the names of those with a target today who cannot log in any more; `rules` are those of the year.
    """

    fiscal_year: int
    year: Period
    month: Month
    rules: MonthRules
    scenarios: Sequence[ScenarioPlan]
    lately: Mapping[str, int]
    left_out: Sequence[str]
