"""What is booked, open and to be reached, laid out by person and month for forecasts of any period."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Mask
from sales.calendar import FiscalCalendar, Month, Period
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import PhasedTargets
from sales.coverage.coverage import open_pipeline, periods_ahead, stage_weighted
from sales.history.booking_credit import booked, open_credit
from sales.money import Minor
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains, grains_of
from sales.targets.attainment import month_indexes, targets_within, within


def periods_forecast(calendar: FiscalCalendar, month: Month) -> list[Period]:
    """Return the month to come, the periods of the coverage table, and the year to come where the month ends its year."""
    coming = month.plus(1)
    periods = [calendar.month_period(coming), *periods_ahead(calendar, month)]
    following = calendar.year_of(coming)
    return periods if following == periods[-1] else [*periods, following]


@dataclass(frozen=True)
class SalesFacts:
    """The month's facts in minor units: who has which target and booked what, by person code and month index."""

    grains: Grains
    target_owner: Codes
    target_month: Codes
    target: Minor
    booked_owner: Codes
    booked_month: Codes
    booked: Minor
    open_owner: Codes
    open_month: Codes
    open_weighted: Minor

    def targets(self, grain: Grain, period: Period) -> Minor:
        """Return each id's target of a period."""
        return grain.total(self.target_owner, self.target, within(self.target_month, period))

    def bookings(self, grain: Grain, period: Period) -> Minor:
        """Return each id's bookings of a period."""
        return grain.total(self.booked_owner, self.booked, within(self.booked_month, period))

    def stage_weighted(self, grain: Grain, period: Period) -> Minor:
        """Return each id's open amounts of a period times the CRM's probability."""
        return grain.total(self.open_owner, self.open_weighted, within(self.open_month, period))

    def sells_after(self, month: Month) -> Mask:
        """Return who has a target in a month after this one."""
        found = np.zeros(len(self.grains.person_ids), np.bool_)
        found[self.target_owner[(self.target_month > month.index) & (self.target > 0)]] = True
        return found


def sales_facts(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    phased_targets: DataFrame[PhasedTargets],
    month: Month,
    rules: MonthRules,
) -> SalesFacts:
    """Return the facts that a month's forecast is held against."""
    periods = periods_forecast(rules.calendar, month)
    grains = grains_of(
        rules.company, targets_within(phased_targets, periods), snapshot, booking_credit
    )
    kept = phased_targets.loc[columns.codes(phased_targets["owner_id"], grains.person_ids) >= 0]
    pipeline, won = open_pipeline(snapshot, month, rules), booked(booking_credit)
    opened = open_credit(booking_credit, snapshot, rules.digits)
    return SalesFacts(
        grains=grains,
        target_owner=grains.person(kept["owner_id"]),
        target_month=month_indexes(kept["month"]),
        target=money.minor_units(kept["baseline_target"], rules.digits)[0],
        booked_owner=grains.person(won["owner_id"]),
        booked_month=rules.calendar.month_index(columns.to_days(won["close_date"])),
        booked=money.minor_units(won["amount"], rules.digits)[0],
        open_owner=grains.person(opened.rows["owner_id"]),
        open_month=pipeline.counts_in[opened.deal],
        open_weighted=stage_weighted(opened.amount, snapshot["probability_pct"].take(opened.deal)),
    )
