"""When a deal will be confirmed, if it is won; and whether that beats the close date in the CRM.

Put dates of confirmation here. They are shown only where, on this company's own past and made
without looking ahead, they were nearer to what came than the CRM's close dates.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from sales.arrow import Codes, Floats
from sales.calendar import FiscalCalendar, Month
from sales.statistics.deal_outcomes import HORIZON, DealForecast, deal_forecast
from sales.statistics.point_in_time import WON, PointInTimeData

EPOCH = date(1970, 1, 1)
# Past month ends from which confirmations were forecast again, and how long each had to come true.
ORIGINS, EVERY, FOLLOWED = 8, 2, 6
FEWEST_CONFIRMED = 20
# Deals of the closing plan: due within three months, or overdue.
DUE_WITHIN = 3


@dataclass(frozen=True)
class CloseDateScore:
    """Mean distance in months from the month of booking: ours, and that of the CRM's close dates."""

    ours: float
    crm: float
    deals: int

    @property
    def is_better(self) -> bool:
        """Return whether our months may be shown: enough deals, and nearer than the CRM's."""
        return self.deals >= FEWEST_CONFIRMED and self.ours < self.crm


def expected_months(deal_forecast: DealForecast, level: float = 0.5) -> Floats:
    """Return how many months ahead each deal is confirmed with a chance of `level`, given that it is won within the horizon.

    Fractions of months count from the month's first day: 1.5 is the middle of the month to come.
    """
    win = deal_forecast.win[:, 1:]
    total = win.sum(axis=1, keepdims=True)
    upto = np.cumsum(win / np.where(total > 0, total, 1.0), axis=1)
    step = np.argmax(upto >= level - 1e-12, axis=1)
    rows = np.arange(len(win))
    before = np.where(step > 0, upto[rows, np.maximum(step - 1, 0)], 0.0)
    inside = np.where(
        upto[rows, step] > before,
        (level - before) / np.maximum(upto[rows, step] - before, 1e-12),
        0.5,
    )
    return np.where(total[:, 0] > 0, step + 1 + np.clip(inside, 0.0, 0.999), np.nan)


def days_of(months_ahead: Floats, month: int, calendar: FiscalCalendar) -> Codes:
    """Return the days since the epoch of times counted in months ahead of a month's index."""
    first = np.array(
        [
            (calendar.first_day(Month.from_index(month + ahead)) - EPOCH).days
            for ahead in range(HORIZON + 2)
        ],
        np.int64,
    )
    ahead = np.nan_to_num(months_ahead, nan=1.0)
    whole = np.clip(ahead.astype(np.int64), 1, HORIZON)
    return first[whole] + ((ahead - whole) * (first[whole + 1] - first[whole])).astype(np.int64)


def close_date_score(point_in_time: PointInTimeData, month: int) -> CloseDateScore:
    """Return how near past forecasts of the month of confirmation came, made as of month ends before `month`."""
    now = point_in_time.known_at(month)
    ours: list[Floats] = []
    crm: list[Floats] = []
    for number in range(ORIGINS):
        origin = month - FOLLOWED - EVERY * number
        if origin < point_in_time.first_month:
            break
        then = point_in_time.known_at(origin)
        deals = deal_forecast(then)
        if deals is None:
            break
        deal = now.position_of(then.deal_ids, deals.deals.deal)
        came = now.outcomes.month[deal] - origin
        came = np.where((deal >= 0) & (now.outcomes.status[deal] == WON), came, -1)
        due = deals.deals.close_month - origin
        listed = np.flatnonzero((due <= DUE_WITHIN) & (came >= 1) & (came <= FOLLOWED))
        ours.append(np.abs(np.floor(expected_months(deals)[listed]) - came[listed]))
        # A close date that has passed says at best: the month to come.
        crm.append(np.abs(np.maximum(due[listed], 1) - came[listed]))
    if not sum(len(each) for each in ours):
        return CloseDateScore(0.0, 0.0, 0)
    return CloseDateScore(
        float(np.concatenate(ours).mean()),
        float(np.concatenate(crm).mean()),
        sum(len(each) for each in ours),
    )
