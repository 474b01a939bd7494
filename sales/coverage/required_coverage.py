"""How much pipeline a period needs: this company's own conversion, at the same distance from the period's end.

Put required coverage and the calibrated weight of open pipeline here; coverage itself is
`coverage`. Required pipeline = (gap - N) / c: c is the part of the open pipeline that is booked in
the period, N what is both created and closed, or pulled in, in the time that is left.

Method: both are measured in value over all past month ends that stood as far from a period as this
one does; people and teams are pulled towards the company by how little they have shown; the
interval is a jackknife (Efron and Tibshirani 1993, chapter 11) over month ends, widened for their
overlap.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd
import pyarrow as pa

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Floats, Mask
from sales.calendar import Period
from sales.money import Minor
from sales.rollup import Grain
from sales.statistics.new_business import HALF_LIFE, PRIOR_MONTHS
from sales.statistics.period_distribution import ForecastInputs, offsets
from sales.statistics.point_in_time import WON

FEWEST_WINDOWS = 6
PRIOR_DEALS = 8.0
# 80 in 100 lie within so many standard errors.
INTERVAL = 1.2816
# Chances are counted in ten thousandths where money is multiplied: the largest amounts still fit.
PARTS = 10_000


@dataclass(frozen=True)
class Required:
    """Required pipeline / gap of each id of a grain, its 80 % interval, and the month ends it rests on; NaN where unknown.

    `conversion` and `others` are the c and N that it follows from, N in minor units.
    """

    ratio: Floats
    low: Floats
    high: Floats
    windows: int
    conversion: Floats
    others: Floats


def unknown_requirement(size: int) -> Required:
    """Return the requirement of ids of which nothing is known."""
    nothing = np.full(size, np.nan)
    return Required(nothing, nothing, nothing, 0, nothing, nothing)


def calibrated_amounts(
    ahead: ForecastInputs, period: Period, deal_ids: pd.Series, amount: Minor
) -> Minor:
    """Return each deal's amount times its chance to be booked in the period, rounded half-even so that sums agree; 0 for others."""
    known = ahead.known
    row = columns.codes(deal_ids, known.deal_ids.take(pa.array(ahead.deal_forecast.deals.deal)))
    chance = np.r_[ahead.deal_forecast.between(*offsets(known, period)), 0.0][row]
    return money.share_half_even(amount, np.rint(chance * PARTS).astype(np.int64), PARTS)


def required_coverage(ahead: ForecastInputs, period: Period, grain: Grain, gap: Minor) -> Required:
    """Return what coverage each id of a grain needs for a period; `gap` is the remaining target in minor units."""
    first, last = offsets(ahead.known, period)
    begun = max(ahead.known.first_month, ahead.known.first_won - 1)
    windows = np.arange(begun, ahead.known.month - last + 1)
    if len(windows) < FEWEST_WINDOWS or last < 1:
        return replace(unknown_requirement(len(grain.ids)), windows=max(0, len(windows)))
    past = _Past(ahead, grain, max(first, 1), last, windows)
    ratio = past.ratio(gap, past.weight)
    without = np.stack(
        [past.ratio(gap, np.where(windows == each, 0.0, past.weight)) for each in windows]
    )
    interval = jackknife(ratio, without, overlap=last - max(first, 1) + 1)
    return Required(*interval, len(windows), *past.measures(past.weight))


def jackknife(ratio: Floats, without: Floats, overlap: int) -> tuple[Floats, Floats, Floats]:
    """Return ratios with the ends of their 80 % interval, widened for windows that overlap by so many months.

    `without` has a row for each window that is left out. A ratio that no window can be left out of
    rests on one window alone: then nothing is known, and all three are NaN.
    """
    count = len(without)
    spread = ((without - without.mean(axis=0)) ** 2).sum(axis=0)
    error = np.sqrt((count - 1) / count * spread * overlap)
    known = np.where(np.isfinite(error), ratio, np.nan)
    return known, np.maximum(known - INTERVAL * error, 0.0), known + INTERVAL * error


# Sums by id and window, and by window, of amounts where a mask is true.
_ByWindow = Callable[[Codes, Codes, Floats, Mask], tuple[Floats, Floats]]


class _Past:
    """Pipeline, what of it was booked, and other bookings, by id and past month end."""

    def __init__(
        self, ahead: ForecastInputs, grain: Grain, first: int, last: int, windows: Codes
    ) -> None:
        known, members = ahead.known, ahead.members
        self.weight = 0.5 ** ((known.month - windows) / HALF_LIFE)
        past, outcomes = known.past, known.outcomes
        shape = (len(grain.ids), len(windows))

        def by_window(
            owner: Codes, window: Codes, amount: Floats, where: Mask
        ) -> tuple[Floats, Floats]:
            inside = where & (window >= 0) & (window < len(windows))
            group = grain.key(members.of_owner[owner[inside]])
            flat = np.where(group >= 0, group * len(windows) + window[inside], -1)
            by_id: Floats = columns.total_by(
                flat[flat >= 0], amount[inside][flat >= 0], shape[0] * shape[1]
            )
            return by_id.reshape(shape), columns.total_by(
                window[inside], amount[inside], len(windows)
            )

        window = past.month - windows[0]
        due = past.close_month - past.month
        in_period = (due >= first) & (due <= last) & np.isfinite(past.amount)
        booked_after = outcomes.month[past.deal] - past.month
        is_booked = (
            (outcomes.status[past.deal] == WON) & (booked_after >= first) & (booked_after <= last)
        )
        final = np.nan_to_num(outcomes.amount[past.deal])
        self.pipeline, self.all_pipeline = by_window(
            past.owner, window, np.nan_to_num(past.amount), in_period
        )
        self.converted, self.all_converted = by_window(
            past.owner, window, final, in_period & is_booked
        )
        pulled, all_pulled = by_window(past.owner, window, final, ~in_period & is_booked)
        created, all_created = self._created(ahead, by_window, windows, first, last)
        self.others, self.all_others = pulled + created, all_pulled + all_created
        share = ahead.rates.share * ahead.rates.scale
        self.share = columns.total_by(grain.of_person, share, len(grain.ids)) / max(
            float(share.sum()), 1e-12
        )
        counted = int(in_period.sum())
        mean = float(past.amount[in_period].sum()) / counted if counted else 0.0
        self.prior = PRIOR_DEALS * max(mean, 0.0)

    @staticmethod
    def _created(
        ahead: ForecastInputs, by_window: _ByWindow, windows: Codes, first: int, last: int
    ) -> tuple[Floats, Floats]:
        """Return bookings of deals that did not exist at the month end: one deal may count at several."""
        known, bookings = ahead.known, ahead.known.bookings
        parts = [
            by_window(
                bookings.owner,
                bookings.month - after - windows[0],
                bookings.amount.astype(np.float64),
                known.created_month[bookings.deal] > bookings.month - after,
            )
            for after in range(first, last + 1)
        ]
        return sum(part for part, _ in parts), sum(part for _, part in parts)  # type: ignore[return-value]

    def measures(self, weight: Floats) -> tuple[Floats, Floats]:
        """Return c and N, the month ends weighted; c is 0 where no pipeline was booked."""
        pipeline = float((self.all_pipeline * weight).sum())
        converted = float((self.all_converted * weight).sum())
        overall = max(converted / pipeline, 0.0) if pipeline > 0 else 0.0
        conversion = np.maximum(
            ((self.converted * weight).sum(axis=1) + self.prior * overall)
            / np.maximum((self.pipeline * weight).sum(axis=1) + self.prior, 1e-9),
            0.0,
        )
        months = float(weight.sum())
        company = float((self.all_others * weight).sum()) / months
        others = ((self.others * weight).sum(axis=1) + PRIOR_MONTHS * company * self.share) / (
            months + PRIOR_MONTHS
        )
        return conversion, others

    def ratio(self, gap: Minor, weight: Floats) -> Floats:
        """Return required pipeline / gap, the month ends weighted."""
        conversion, others = self.measures(weight)
        needed = np.maximum(gap - others, 0.0) / np.where(conversion > 0, conversion, np.nan)
        return np.where(gap > 0, needed / np.where(gap > 0, gap, 1.0), np.nan)
