"""What if a deal moved, went, or another came: the change of attainment, coverage, P(hit) and of the work.

Put the recomputation here. Nothing is approximated: the forecast is made again from changed deals,
and the chance of a moved deal to be won is held as it was, or lowered to that of pushed deals.
Business that comes on top counts for the owner of its client's newest deal, and brings the days of
work that won business of the client brought, or of the company where the client has brought none.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes
from sales.calendar import Month, Period
from sales.contracts.contract import DECIMALS
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage.coverage import OpenPipeline, open_pipeline
from sales.errors import UserError
from sales.forecast.delivery_load import DeliveryMonth, company_load
from sales.forecast.delivery_work import NO_CLIENT, agreed_work
from sales.forecast.landing_forecast import chance_to_hit
from sales.forecast.sales_facts import SalesFacts, sales_facts
from sales.forecast.work import has_effort, joined, laid_after, work_of
from sales.forecast.work_capacity import capacity_of
from sales.history.booking_credit import OpenCredit, open_credit
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import Grain
from sales.statistics.deal_outcomes import HORIZON, PRIOR_DEALS, DealForecast, ForecastBasis
from sales.statistics.period_distribution import ForecastInputs, forecast_inputs_of, to_come
from sales.statistics.point_in_time import LOST, WON, Knowledge
from sales.targets.attainment import within
from sales.targets.stated_plans import NO_PLANS, PlanBook
from sales.vocabulary import GrainKind


class UnknownDeal(UserError, LookupError):
    """A change names a deal that is not open at the month end."""


class UnthinkableChange(UserError, ValueError):
    """A change cannot be computed."""


@dataclass(frozen=True)
class Addition:
    """Certain business of a client: the account's id, the month in which it is booked, the amount in minor units."""

    account_id: str
    month: Month
    amount: int


@dataclass(frozen=True)
class Change:
    """What is changed: deals by id that confirm in another month or go, and business that comes on top."""

    moves: Sequence[tuple[str, Month]] = ()
    drops: Sequence[str] = ()
    adds: Sequence[Addition] = ()


@dataclass(frozen=True)
class Standing:
    """Where a period stands: shares of the target are 0-1, coverage is open pipeline / remaining target; none where there is none."""

    expected: Decimal
    expected_attainment: float | None
    coverage: float | None
    hit_probability: float | None


@dataclass(frozen=True)
class PeriodChange:
    """A period of the company, a team or a person before and after, and after with the win rate of pushed deals where something moves."""

    grain: GrainKind
    grain_id: str
    name: str
    period: Period
    target: Decimal
    before: Standing
    after: Standing
    after_as_pushed: Standing | None

    @property
    def is_changed(self) -> bool:
        """Return whether anything of it is changed."""
        return self.after != self.before


@dataclass(frozen=True)
class WorkChange:
    """Days of work of a team or a client in a month, before and after."""

    of: str
    month: Month
    before: float
    after: float


@dataclass(frozen=True)
class WhatIf:
    """The month, quarter and year to come by grain, the work before and after, and how pushed deals fared.

    ``periods`` holds every grain, the company last; ``load_*`` are the company's twelve months, none
    where the CRM knows no effort; ``work`` has the teams and clients whose work is changed.
    """

    periods: list[PeriodChange]
    load_before: list[DeliveryMonth]
    load_after: list[DeliveryMonth]
    work: list[WorkChange]
    pushed_factor: float

    def of_company(self) -> list[PeriodChange]:
        """Return the company's periods."""
        return [each for each in self.periods if each.grain == GrainKind.COMPANY]


def what_if(
    change: Change,
    forecast_basis: ForecastBasis,
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
    plans: PlanBook = NO_PLANS,
) -> WhatIf:
    """Return what a change does, with what `plans` say of agreements and capacities; raises `UnknownDeal` and `UnthinkableChange`."""
    facts = sales_facts(snapshot, booking_credit, phased_targets, month, rules)
    factor = pushed_factor(forecast_basis.known)
    held, pushed = (_changed(forecast_basis, change, each) for each in (1.0, factor))
    credit = open_credit(booking_credit, snapshot, rules.digits)
    pipeline = open_pipeline(snapshot, month, rules)
    before, after, as_pushed = (
        _Scenario(
            facts,
            forecast_inputs_of(basis, _deals_of(basis), facts.grains, facts.sells_after(month)),
            _changed_pipeline(pipeline, snapshot, its_change),
            credit,
            _added(its_change, snapshot, facts),
            rules.digits,
        )
        for basis, its_change in ((forecast_basis, Change()), (held, change), (pushed, change))
    )
    coming, calendar = month.plus(1), rules.calendar
    people = (booking_credit, snapshot, phased_targets)
    names = {key: name for each in people for key, name in _names(each)}
    periods: list[PeriodChange] = []
    for grain in facts.grains:
        for period in (
            calendar.month_period(coming),
            calendar.quarter_of(coming),
            calendar.year_of(coming),
        ):
            rows = [each.standings(grain, period) for each in (before, after, as_pushed)]
            targets = facts.targets(grain, period).tolist()
            periods += [
                PeriodChange(
                    GrainKind(grain.name),
                    grain_id,
                    names.get(str(grain_id), str(grain_id)),
                    period,
                    money.decimal_of(target, rules.digits),
                    one,
                    other,
                    third if change.moves else None,
                )
                for grain_id, target, one, other, third in zip(
                    grain.ids.to_pylist(), targets, *rows, strict=True
                )
            ]
    return WhatIf(
        periods,
        *_work_changes(change, snapshot, (forecast_basis, held), plans, month, rules),
        factor,
    )


@dataclass(frozen=True)
class _Additions:
    """Business that comes on top: the code of the person it counts for, the month's index, the amount."""

    owner: Codes
    month: Codes
    amount: Minor


@dataclass(frozen=True)
class _Scenario:
    """The state that periods are judged in."""

    facts: SalesFacts
    ahead: ForecastInputs
    pipeline: OpenPipeline
    credit: OpenCredit
    added: _Additions
    digits: int

    def standings(self, grain: Grain, period: Period) -> list[Standing]:
        """Return where each id of a grain stands."""
        coming = to_come(self.ahead, period)
        added = grain.total(self.added.owner, self.added.amount, within(self.added.month, period))
        booked = self.facts.bookings(grain, period) + added
        target = self.facts.targets(grain, period)
        expected = booked + money.sum_by(
            grain.of_person, np.rint(coming.expected).astype(np.int64), len(grain.ids)
        )
        deal = self.credit.deal
        inside = self.pipeline.in_period(period)[deal] & ~self.pipeline.is_null[deal]
        owner = self.facts.grains.person(self.credit.rows["owner_id"])
        opened = grain.total(owner, self.credit.amount, inside)
        chance = chance_to_hit(booked, target, coming, GrainKind(grain.name))
        return [
            Standing(
                expected=money.decimal_of(int(expected[row]), self.digits),
                expected_attainment=int(expected[row]) / goal if goal > 0 else None,
                coverage=int(opened[row]) / (goal - int(booked[row]))
                if goal > 0 and goal > booked[row]
                else None,
                hit_probability=float(chance[row]) if goal > 0 else None,
            )
            for row, goal in enumerate(target.tolist())
        ]


def pushed_factor(known: Knowledge) -> float:
    """Return the win rate of deals that were pushed over that of all deals, at most 1, pulled towards 1."""
    pushes = np.zeros(len(known.deal_ids), np.int64)
    np.maximum.at(pushes, known.past.deal, known.past.pushes)
    seen = np.zeros(len(known.deal_ids), np.bool_)
    seen[known.past.deal] = True
    decided = seen & np.isin(known.outcomes.status, [WON, LOST])
    won, pushed = known.outcomes.status == WON, pushes > 0
    overall = float(won[decided].mean()) if decided.any() else 0.0
    if not overall:
        return 1.0
    number, wins = int((decided & pushed).sum()), int((decided & pushed & won).sum())
    return min(1.0, (wins + PRIOR_DEALS * overall) / (number + PRIOR_DEALS) / overall)


def _changed(forecast_basis: ForecastBasis, change: Change, factor: float) -> ForecastBasis:
    deal_forecast = _deals_of(forecast_basis)
    win = deal_forecast.win.copy()
    now = forecast_basis.known.month
    for month in (*(when for _, when in change.moves), *(each.month for each in change.adds)):
        if not 1 <= month.index - now <= HORIZON:
            raise UnthinkableChange(
                f"{month} is not within the {HORIZON} months after {Month.from_index(now)}; name one of them"
            )
    for deal_id, month in change.moves:
        row, ahead = _row(forecast_basis.known, deal_forecast, deal_id), month.index - now
        chance = min(float(win[row].sum()), 1.0)
        win[row] = 0.0
        win[row, ahead] = chance * factor
    for deal_id in change.drops:
        win[_row(forecast_basis.known, deal_forecast, deal_id)] = 0.0
    return replace(forecast_basis, deals=replace(deal_forecast, win=win))


def _deals_of(forecast_basis: ForecastBasis) -> DealForecast:
    if forecast_basis.deals is None:
        month = Month.from_index(forecast_basis.known.month)
        raise UnthinkableChange(
            f"there is too little history at the end of {month} for a forecast; ask for a later month"
        )
    return forecast_basis.deals


def _row(known: Knowledge, deal_forecast: DealForecast, deal_id: str) -> int:
    here = known.deal_ids.take(pa.array(deal_forecast.deals.deal)).to_pylist()
    found = [row for row, each in enumerate(here) if deal_id in {each, each[:15]}]
    if not found:
        raise UnknownDeal(
            f"{deal_id[:40]!r} is no deal that is open at the end of {Month.from_index(known.month)}; use the id of an open one"
        )
    return found[0]


def _names(people: pd.DataFrame) -> Iterator[tuple[str, str]]:
    found = people[["owner_id", "owner_name"]].dropna().drop_duplicates("owner_id")
    return zip(found["owner_id"], found["owner_name"], strict=True)


def _changed_pipeline(
    pipeline: OpenPipeline, snapshot: DataFrame[OpportunitySnapshot], change: Change
) -> OpenPipeline:
    """Return the open pipeline with the changes made: a moved deal counts in its new month."""
    ids = columns.arrow(snapshot["opportunity_id"]).to_pylist()
    counts_in, is_open = pipeline.counts_in.copy(), pipeline.is_open.copy()
    row_of = {deal[:15]: row for row, deal in enumerate(ids)}
    for deal, when in change.moves:
        counts_in[row_of[deal[:15]]] = when.index
    for deal in change.drops:
        is_open[row_of[deal[:15]]] = False
    return replace(pipeline, counts_in=counts_in, is_open=is_open)


def _added(
    change: Change, snapshot: DataFrame[OpportunitySnapshot], facts: SalesFacts
) -> _Additions:
    """Return what comes on top, for the owners of the clients' newest deals."""
    newest = [_newest_deal(snapshot, each.account_id) for each in change.adds]
    return _Additions(
        facts.grains.person(snapshot["owner_id"].iloc[newest]),
        np.array([each.month.index for each in change.adds], np.int64),
        np.array([each.amount for each in change.adds], np.int64),
    )


def _newest_deal(snapshot: DataFrame[OpportunitySnapshot], account_id: str) -> int:
    """Return the row of the client's newest deal; raises `UnthinkableChange` where it has none."""
    rows = np.flatnonzero((snapshot["account_id"] == account_id).to_numpy(np.bool_, na_value=False))
    if not len(rows):
        raise UnthinkableChange(
            f"{account_id[:40]!r} has no deal at that month end; use the id of a client that has one"
        )
    newest = snapshot.iloc[rows].sort_values(["created_at", "opportunity_id"])["opportunity_id"]
    return int(rows[snapshot["opportunity_id"].iloc[rows].tolist().index(newest.iloc[-1])])


def _work_changes(
    change: Change,
    snapshot: DataFrame[OpportunitySnapshot],
    bases: tuple[ForecastBasis, ForecastBasis],
    plans: PlanBook,
    month: Month,
    rules: MonthRules,
) -> tuple[list[DeliveryMonth], list[DeliveryMonth], list[WorkChange]]:
    """Return the company's work before and after, and what changes of the work of teams and clients."""
    if not has_effort(snapshot):
        return [], [], []
    before, after = (work_of(snapshot, each, rules.calendar) for each in bases)
    deal, days = (
        np.array([_newest_deal(snapshot, each.account_id) for each in change.adds], np.int64),
        np.array([_days_of(snapshot, each, rules.digits) for each in change.adds], np.float64),
    )
    booked_in = np.array([each.month.index for each in change.adds], np.int64)
    after = joined([after, laid_after(deal, booked_in, days)])
    found: list[WorkChange] = []
    for name in ("team", "account_name"):
        label = columns.arrow(snapshot[name]).fill_null(NO_CLIENT)
        groups = columns.distinct(label)
        code = columns.codes(label, groups)
        were, are = (
            each.by_group(code, len(groups), month.plus(1), HORIZON) for each in (before, after)
        )
        for group, step in zip(*np.nonzero(np.abs(are - were) > 0.5 * 10**-DECIMALS), strict=True):
            found.append(
                WorkChange(
                    groups[int(group)].as_py(),
                    month.plus(1 + int(step)),
                    float(were[group, step]),
                    float(are[group, step]),
                )
            )
    agreed = agreed_work(plans, month, rules)
    capacity = capacity_of(plans, month, rules)
    one, other = (company_load(each, agreed, capacity, month, rules) for each in (before, after))
    return one, other, found


def _days_of(snapshot: DataFrame[OpportunitySnapshot], added: Addition, digits: int) -> float:
    """Return the days of work that the amount brings, by the client's won deals, or the company's where it has none."""
    effort = columns.floats(snapshot["effort_days"])
    amount, is_null = money.minor_units(snapshot["amount"], digits)
    use = columns.booleans(snapshot["is_won"]) & (effort > 0) & ~is_null & (amount > 0)
    its_own = use & (snapshot["account_id"] == added.account_id).to_numpy(np.bool_, na_value=False)
    use = its_own if its_own.any() else use
    return added.amount * float(effort[use].sum()) / float(amount[use].sum()) if use.any() else 0.0
