"""Pipeline generation: how much new pipeline each month must see, by lead source, against what was created.

Put the need for new pipeline here. What later months lack, after bookings and open deals, must come
from deals that do not exist yet; this company's own conversion and lead time say how much of them,
and when they must be created. So marketing is measured on the same basis as sales.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Floats
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.forecast import PipelineGeneration
from sales.contracts.targets import PhasedTargets
from sales.policy.rules import MonthRules
from sales.statistics.deal_outcomes import HORIZON, ForecastBasis
from sales.statistics.point_in_time import GONE, WON, Knowledge
from sales.targets.attainment import month_indexes

# Deals created in so many months are looked back on; a lead time longer than the horizon counts as
# that.
WINDOW = 36
LONGEST_LEAD = 18
SHOWN_BACK = 12
PRIOR_DEALS = 8.0
NO_SOURCE = "(none)"
# A month is held against its plan where so much of what it serves, by lead time, has targets.
LEAST_SERVED = 0.5
FEWEST_CREATED, FEWEST_WON = 20, 5


@dataclass(frozen=True)
class Creation:
    """How created pipeline becomes bookings, by lead source in the order of `sources`.

    `conversion` is the part of created money that is booked, `lead` the share of booked money by
    months from creation to booking, `lead_months` its mean, `mix` each source's part of what is
    booked.
    """

    sources: pa.Array
    conversion: Floats
    lead: Floats
    lead_months: Floats
    mix: Floats


def creation(known: Knowledge) -> Creation | None:
    """Return how created pipeline became bookings; none with too little history, or where no conversion can be measured."""
    outcomes, created, now = known.outcomes, known.created_month, known.month
    counted = (outcomes.status != GONE) & (outcomes.amount > 0) & (created > now - WINDOW)
    is_won = counted & (outcomes.status == WON) & (outcomes.month <= now)
    if counted.sum() < FEWEST_CREATED or is_won.sum() < FEWEST_WON:
        return None
    lag = np.clip(outcomes.month - created, 0, LONGEST_LEAD)
    amount = np.nan_to_num(outcomes.amount)
    # Deals young enough to be open for good reasons say nothing yet: the slowest fifth of wins sets
    # the age.
    ripe = max(1, int(np.ceil(np.percentile(lag[is_won], 80))))
    old = counted & (created <= now - ripe)
    size = len(known.source_names)
    source = known.source
    made = columns.total_by(source[old], amount[old], size)
    came = columns.total_by(source[old & is_won], amount[old & is_won], size)
    prior = PRIOR_DEALS * float(amount[counted].mean())
    # Of deals that are old enough to be decided none was won: no conversion is measured.
    if not came.sum():
        return None
    overall = float(came.sum()) / float(made.sum())
    lead = columns.total_by(lag[is_won], amount[is_won], LONGEST_LEAD + 1)
    won_by_source = columns.total_by(source[is_won], amount[is_won], size)
    mean_lead = float((lag * amount)[is_won].sum() / amount[is_won].sum())
    months = columns.total_by(source[is_won], (lag * amount)[is_won], size)
    return Creation(
        sources=known.source_names,
        conversion=(came + prior * overall) / (made + prior),
        lead=lead / lead.sum(),
        lead_months=(months + prior * mean_lead) / (won_by_source + prior),
        mix=won_by_source / won_by_source.sum(),
    )


def pipeline_generation(
    forecast_basis: ForecastBasis,
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> DataFrame[PipelineGeneration]:
    """Return required and created pipeline by lead source: twelve months back, and the months ahead that have targets.

    A month that is over is held against the plan: the targets of the months that it was to serve,
    by lead time. A month to come is held against what those months still lack after bookings and
    open deals.
    """
    known, how = forecast_basis.known, creation(forecast_basis.known)
    targets = _targets_by_month(phased_targets, rules.digits)
    months = range(month.index - SHOWN_BACK + 1, max([month.index, *targets]) + 1)
    needed = _needed(forecast_basis, how, targets, months)
    made = _created(known, months)
    rows = [(source, index) for source in range(len(known.source_names)) for index in months]
    names = [name or NO_SOURCE for name in known.source_names.to_pylist()]
    shown = np.array([index <= month.index for _, index in rows], np.bool_)
    required = np.array([needed[source, index - months[0]] for source, index in rows])
    created = np.array([made[source, index - months[0]] for source, index in rows])
    spread = np.array([source for source, _ in rows], np.int64)
    unknown = np.full(len(rows), how is None)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(rows)),
            "source": columns.text([names[source] for source, _ in rows]),
            "month": columns.text([str(Month.from_index(index)) for _, index in rows]),
            "required": money.decimal_array(
                np.rint(np.nan_to_num(required)).astype(np.int64), rules.digits, np.isnan(required)
            ),
            "created": money.decimal_array(np.rint(created).astype(np.int64), rules.digits, ~shown),
            "conversion": pa.array(
                (how.conversion if how else np.zeros(len(names)))[spread], mask=unknown
            ),
            "lead_months": pa.array(
                (how.lead_months if how else np.zeros(len(names)))[spread], mask=unknown
            ),
        }
    ).sort_values(["source", "month"], kind="stable", ignore_index=True)
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), PipelineGeneration)


def _targets_by_month(phased_targets: DataFrame[PhasedTargets], digits: int) -> dict[int, float]:
    amounts, _ = money.minor_units(phased_targets["baseline_target"], digits)
    found: dict[int, float] = {}
    for index, amount in zip(
        month_indexes(phased_targets["month"]).tolist(), amounts.tolist(), strict=True
    ):
        found[index] = found.get(index, 0.0) + amount
    return found


def _needed(
    forecast_basis: ForecastBasis, how: Creation | None, targets: dict[int, float], months: range
) -> Floats:
    """Return the new pipeline that each month must see, a row a source; NaN where nothing can be asked of it."""
    known = forecast_basis.known
    to_book = np.full(len(months), np.nan)
    if how is None or not targets:
        return np.full((len(known.source_names), len(months)), np.nan)
    for place, made in enumerate(months):
        if made > known.month:
            break
        # Of the months that it serves, those with a target speak for the others.
        weighed = [
            (how.lead[lag], targets[made + lag])
            for lag in range(LONGEST_LEAD + 1)
            if made + lag in targets
        ]
        mass = sum(share for share, _ in weighed)
        if mass >= LEAST_SERVED:
            to_book[place] = sum(share * target for share, target in weighed) / mass
    ahead = range(known.month + 1, months[-1] + 1)
    to_book[[index - months[0] for index in ahead]] = 0.0
    for index in ahead:
        lack = targets.get(index, 0.0) - _on_hand(forecast_basis, index)
        serving = np.arange(max(known.month + 1, index - LONGEST_LEAD), index + 1)
        shares = how.lead[index - serving]
        if lack > 0 and shares.sum() > 0:
            to_book[serving - months[0]] += lack * shares / shares.sum()
    return how.mix[:, None] / how.conversion[:, None] * to_book[None, :]


def _on_hand(forecast_basis: ForecastBasis, index: int) -> float:
    """Return what a month to come already has: booked, and expected from open deals."""
    known, deals = forecast_basis.known, forecast_basis.deals
    booked = float(known.bookings.amount[known.bookings.month == index].sum())
    ahead = index - known.month
    if deals is None or ahead > HORIZON:
        return booked
    return booked + float((deals.win[:, ahead] * deals.amount).sum() * deals.creep.mean())


def _created(known: Knowledge, months: range) -> Floats:
    amount = np.nan_to_num(known.outcomes.amount)
    made = np.zeros((len(known.source_names), len(months)))
    here = (
        (known.outcomes.status != GONE)
        & (known.created_month >= months[0])
        & (known.created_month <= min(months[-1], known.month))
    )
    np.add.at(made, (known.source[here], known.created_month[here] - months[0]), amount[here])
    return made
