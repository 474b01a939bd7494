"""New pipeline by the owner of its source, held against a target as a seller's bookings are.

Put here who owns a lead source and what they were to bring; what the company needs of each source is
`generation`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.forecast import PipelineGeneration, SourceAttainment
from sales.history.teams import UNASSIGNED
from sales.policy.rules import MonthRules
from sales.policy.sections import LeadSource
from sales.targets.attainment import periods_to_date
from sales.targets.rephasing import lay_on


@dataclass
class _Source:
    """What one lead source needs and brought, by month in minor units; a need is none where nobody can say."""

    required: dict[Month, int | None] = field(default_factory=dict[Month, int | None])
    created: dict[Month, int] = field(default_factory=dict[Month, int])
    conversion: float | None = None
    lead_months: float | None = None


@dataclass(frozen=True)
class _Held:
    """A source beside its target: of each month so far, and of the coming one."""

    source: _Source
    targets: Mapping[Month, int | None]
    number: int | None


def source_attainment(
    generation: DataFrame[PipelineGeneration],
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> DataFrame[SourceAttainment]:
    """Return created against needed pipeline of each owner of sources, for the month, the quarter and the year to date.

    A source with a share takes that part of what the company needs in a month, one with an amount a
    twelfth of it and, after misses, more by the policy of targets; any other what its own past asks.
    """
    sources = _sources(generation, rules.digits)
    # A source that policy asks something of has brought nothing, where no deal names it.
    for name in sorted(rules.policy.sources):
        sources.setdefault(name, _Source())
    owners: dict[str, list[_Held]] = {}
    for name, source in sources.items():
        stated = rules.policy.sources.get(name)
        unowned = UNASSIGNED if rules.policy.sources else name
        held = _held(source, stated, sources, month, rules)
        owners.setdefault(stated.owner if stated else unowned, []).append(held)
    periods = periods_to_date(rules.calendar, month)
    rows = [
        (owner, period, *_to_date(owners[owner], period))
        for owner in sorted(owners)
        for period in periods
    ]
    digits, none = rules.digits, [target is None for _, _, target, _ in rows]
    targets = np.array([target or 0 for _, _, target, _ in rows], np.int64)
    created = np.array([made for _, _, _, made in rows], np.int64)
    numbers = {owner: _total([each.number for each in held]) for owner, held in owners.items()}
    rates = {owner: _rates([each.source for each in held]) for owner, held in owners.items()}
    empty = np.array(none, np.bool_) | (targets == 0)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(rows)),
            "source_owner": columns.text([owner for owner, *_ in rows]),
            "period_kind": columns.text([period.kind for _, period, *_ in rows]),
            "period": columns.text([period.name for _, period, *_ in rows]),
            "target": money.decimal_array(targets, digits, np.array(none, np.bool_)),
            "created": money.decimal_array(created, digits),
            "attainment_pct": pa.array(100 * created / np.where(empty, 1, targets), mask=empty),
            "number": money.decimal_array(
                np.array([numbers[owner] or 0 for owner, *_ in rows], np.int64),
                digits,
                np.array([numbers[owner] is None for owner, *_ in rows], np.bool_),
            ),
            "conversion": pa.array([rates[owner][0] for owner, *_ in rows], pa.float64()),
            "lead_months": pa.array([rates[owner][1] for owner, *_ in rows], pa.float64()),
        }
    )
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), SourceAttainment)


def _sources(generation: DataFrame[PipelineGeneration], digits: int) -> dict[str, _Source]:
    found: dict[str, _Source] = {}
    wanted = generation[["source", "month", "required", "created", "conversion", "lead_months"]]
    parts = [columns.arrow(wanted[name]).to_pylist() for name in wanted.columns]
    for name, text, required, created, conversion, lead_months in zip(*parts, strict=True):
        source, month = found.setdefault(name, _Source()), Month.parse(text)
        source.required[month] = None if required is None else money.to_minor(required, digits)
        source.created[month] = money.to_minor(created or Decimal(0), digits)
        source.conversion, source.lead_months = conversion, lead_months
    return found


def _held(
    source: _Source,
    stated: LeadSource | None,
    sources: Mapping[str, _Source],
    month: Month,
    rules: MonthRules,
) -> _Held:
    """Return a source beside what was asked of it."""
    year, coming = rules.calendar.year_of(month), month.plus(1)
    if stated is not None and stated.amount is not None:
        return _by_amount(source, stated.amount, month, rules)
    if stated is None or stated.share is None:
        targets = {each: source.required.get(each) for each in year.months}
        return _Held(source, targets, source.required.get(coming))
    share = Fraction(stated.share)
    needs = {
        each: _part(_total([one.required.get(each) for one in sources.values()]), share)
        for each in (*year.months, coming)
    }
    return _Held(source, needs, needs[coming])


def _by_amount(source: _Source, amount: Decimal, month: Month, rules: MonthRules) -> _Held:
    """Return a source with so much to bring a year: a month's part, and after misses the coming month's."""
    year = rules.calendar.year_of(month)
    size = len(year.months)
    even = money.allocate(money.to_minor(amount, rules.digits), [Fraction(1)] * size)
    targets: dict[Month, int | None] = dict(zip(year.months, even, strict=True))
    done = len(year.until(month).months)
    if done == size:  # the coming month opens a year in which nothing is missing yet
        return _Held(source, targets, even[0])
    missing = sum(even[:done]) - sum(source.created.get(each, 0) for each in year.months[:done])
    weights = [Fraction(1)] * (size - done)
    laid = lay_on(missing, even[done:], weights, done, rules.policy.phasing)
    return _Held(source, targets, laid.months[0])


def _to_date(held: Sequence[_Held], period: Period) -> tuple[int | None, int]:
    target = _total([each.targets.get(month) for each in held for month in period.months])
    created = sum(each.source.created.get(month, 0) for each in held for month in period.months)
    return target, created


def _part(whole: int | None, share: Fraction) -> int | None:
    return None if whole is None else round(whole * share)


def _total(parts: Sequence[int | None]) -> int | None:
    """Return the sum, none where a part of it is unknown."""
    return None if any(part is None for part in parts) else sum(part or 0 for part in parts)


def _rates(sources: Sequence[_Source]) -> tuple[float | None, float | None]:
    """Return conversion and lead time of several sources, each by what it created."""
    known = [each for each in sources if each.conversion is not None]
    if not known:
        return None, None
    created = np.array([sum(each.created.values()) for each in known], np.float64)
    weights = np.maximum(created, 0.0) if (created > 0).any() else np.ones(len(known))
    values = np.array([[each.conversion, each.lead_months] for each in known], np.float64)
    conversion, lead_months = (weights @ values / weights.sum()).tolist()
    return conversion, lead_months
