"""What a year's plan takes: new pipeline by the owner of its source, coverage at the start of each quarter, work and people.

Put here what follows from targets by month; the measures are those of reports: conversion and lead
time of `generation`, required coverage of `required_coverage`, days of work of `delivery_load`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Floats
from sales.calendar import FiscalCalendar, Month, Period
from sales.contracts.history import OpportunitySnapshot
from sales.coverage.required_coverage import required_coverage
from sales.forecast.client_agreements import AgreedMonth
from sales.forecast.generation import LONGEST_LEAD, NO_SOURCE, Creation
from sales.forecast.work import MONTHS_OF_WORK, Work
from sales.forecast.work_capacity import WorkCapacity, people_needed
from sales.history.teams import UNASSIGNED
from sales.policy.rules import MonthRules
from sales.rollup import Grain
from sales.statistics.period_distribution import ForecastInputs
from sales.statistics.point_in_time import GONE, Knowledge

# Won deals of so many months say how much work an amount brings.
EFFORT_MONTHS = 24


@dataclass(frozen=True)
class SourceNeed:
    """New pipeline that the owner of some lead sources must bring for a year's target, in minor units.

    `before` is what of it must be created from now until the year begins, `over` what belongs to
    months that are over; `created` is what they created in the last twelve months; `lead_months`
    from creation to booking.
    """

    owner: str
    needed: int
    before: int
    over: int
    created: int
    conversion: float
    lead_months: float


@dataclass(frozen=True)
class QuarterNeed:
    """The coverage that a quarter's target needs at its start, with the ends of its interval; none where it is not known."""

    quarter: Period
    target: int
    ratio: float | None
    low: float | None
    high: float | None

    @property
    def pipeline(self) -> int | None:
        """The open pipeline that it comes to."""
        return None if self.ratio is None else round(self.target * self.ratio)


@dataclass(frozen=True)
class WorkMonth:
    """The days of work of a month, and the people they take: beyond the capacity where one is stated for the year, else in all.

    None are told of a month without a capacity in a year that has one.
    """

    month: Month
    days: float
    people: int | None
    capacity: float | None


def sources_needed(
    how: Creation | None, known: Knowledge, year: Period, targets: Sequence[int], rules: MonthRules
) -> list[SourceNeed]:
    """Return what owners of sources must bring for a year's targets by month, by size; nothing where no conversion is known.

    A source without an owner in policy stands for itself where policy names none at all.
    """
    if how is None:
        return []
    owned = rules.policy.sources
    names = [name or NO_SOURCE for name in how.sources.to_pylist()]
    owner_of = [
        owned[name].owner if name in owned else UNASSIGNED if owned else name for name in names
    ]
    total = float(sum(targets))
    # How much of the year's bookings comes from what is created before it, and until now.
    to_book = np.array(targets, np.float64)
    early, over = (
        np.array([how.lead[max(month.index - last, 0) :].sum() for month in year.months])
        @ to_book
        / (total or 1.0)
        for last in (year.first.index - 1, known.month)
    )
    needed = np.where(how.conversion > 0, how.mix * total / np.maximum(how.conversion, 1e-9), 0.0)
    created = _created_lately(known, len(names))
    found: list[SourceNeed] = []
    for owner in sorted(set(owner_of)):
        mine = np.array([each == owner for each in owner_of], np.bool_)
        whole = float(needed[mine].sum())
        if whole <= 0:
            continue
        weight = needed[mine] / whole
        found.append(
            SourceNeed(
                owner=owner,
                needed=round(whole),
                before=round(whole * float(early - over)),
                over=round(whole * float(over)),
                created=round(float(created[mine].sum())),
                conversion=float(how.mix[mine].sum() * total / whole),
                lead_months=float(weight @ how.lead_months[mine]),
            )
        )
    return sorted(found, key=lambda each: (-each.needed, each.owner))


def creation_by_month(
    how: Creation | None, year: Period, targets: Sequence[int]
) -> dict[Month, int]:
    """Return the new pipeline that each month must see so that a year's months are reached; months before the year too."""
    if how is None:
        return {}
    each = float((how.mix / np.maximum(how.conversion, 1e-9)).sum())
    found: dict[Month, float] = {}
    for month, target in zip(year.months, targets, strict=True):
        for lag in range(LONGEST_LEAD + 1):
            if part := float(how.lead[lag]) * target * each:
                made = month.plus(-lag)
                found[made] = found.get(made, 0.0) + part
    return {month: round(found[month]) for month in sorted(found)}


def quarters_needed(
    ahead: ForecastInputs | None,
    company: Grain | None,
    calendar: FiscalCalendar,
    year: Period,
    targets: Sequence[int],
) -> list[QuarterNeed]:
    """Return the coverage that each quarter needs at its start, by the company's past at that distance."""
    quarters = list(dict.fromkeys(calendar.quarter_of(month) for month in year.months))
    of_month = dict(zip(year.months, targets, strict=True))
    found: list[QuarterNeed] = []
    for quarter in quarters:
        target = sum(of_month[month] for month in quarter.months)
        if ahead is None or company is None:
            found.append(QuarterNeed(quarter, target, None, None, None))
            continue
        # As if it began now: what counts is the distance.
        first = Month.from_index(ahead.known.month + 1)
        months = tuple(first.plus(n) for n in range(len(quarter.months)))
        from_now = replace(quarter, months=months)
        required = required_coverage(ahead, from_now, company, np.array([target], np.int64))
        ratios = (required.ratio[0], required.low[0], required.high[0])
        found.append(
            QuarterNeed(
                quarter, target, *(float(one) if np.isfinite(one) else None for one in ratios)
            )
        )
    return found


def days_per_amount(
    snapshot: DataFrame[OpportunitySnapshot], month: Month, rules: MonthRules
) -> float | None:
    """Return the days of work that a minor unit of bookings brought in the last two years; none where the CRM knows no effort."""
    effort = columns.floats(snapshot["effort_days"])
    amount, is_empty = money.minor_units(snapshot["amount"], rules.digits)
    booked_in = rules.calendar.month_index(columns.to_days(snapshot["close_date"]))
    recent = (booked_in > month.index - EFFORT_MONTHS) & (booked_in <= month.index)
    won = columns.booleans(snapshot["is_won"]) & recent & ~is_empty & (amount > 0)
    counted = won & np.isfinite(effort) & (effort > 0)
    return float(effort[counted].sum() / amount[won].sum()) if counted.any() else None


def work_needed(
    known_work: Work,
    bookings: Sequence[tuple[Month, float]],
    days: float,
    year: Period,
    rules: MonthRules,
    agreed: Sequence[AgreedMonth] = (),
    capacity: WorkCapacity | None = None,
) -> list[WorkMonth]:
    """Return the work of each month of a year: of agreements, deals won so far, and of what is to be booked by month until its end.

    `bookings` are minor units by month, of months before the year too; `days` are those that one of
    them brings, evenly over the months that follow a booking. `agreed` is what agreements bring in
    the months of the year, `capacity` what can be done; by policy unless given.
    """
    first, size = year.first, len(year.months)
    load: Floats = known_work.by_month(first, size, is_won=True)
    for each in agreed:
        load[each.month.index - first.index] += each.days
    for month, amount in bookings:
        for step in range(1, MONTHS_OF_WORK + 1):
            place = month.plus(step).index - first.index
            if 0 <= place < size:
                load[place] += amount * days / MONTHS_OF_WORK
    capacity = capacity or WorkCapacity((), rules.policy.clients)
    per_person = float(rules.policy.clients.days_per_person)
    limits = [capacity.of_company(month) for month in year.months]
    is_stated = any(limit is not None for limit in limits)
    return [
        WorkMonth(
            month,
            work,
            None if is_stated and limit is None else people_needed(work, limit or 0.0, per_person),
            limit,
        )
        for month, work, limit in zip(year.months, load.tolist(), limits, strict=True)
    ]


def _created_lately(known: Knowledge, sources: int) -> Floats:
    """Return what was created in the last twelve months, by source."""
    here = (known.outcomes.status != GONE) & (known.created_month > known.month - 12)
    amount = np.nan_to_num(known.outcomes.amount)
    return columns.total_by(known.source[here], amount[here], sources)
