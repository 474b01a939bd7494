"""Forecast calls: what each seller said a period would bring, beside the model's range, with how their past calls came.

Put here which call holds and how calls are judged; a call is a person's word and is never changed by
the model. Definitions of bias and error: sums of differences, signed and absolute, in percent of what
came.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

import numpy as np
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.calendar import Month, Period
from sales.contracts.contract import checked, stamp
from sales.contracts.forecast import ForecastCalls, LandingForecast
from sales.contracts.history import BookingCredit
from sales.history.booking_credit import booked
from sales.history.extract import People
from sales.policy.rules import MonthRules
from sales.targets.stated_plans import StatedCall
from sales.vocabulary import GrainKind

RANGE = ("p10", "p50", "p90")


@dataclass(frozen=True)
class _Judged:
    """A call with what its period has brought so far, in minor units."""

    call: StatedCall
    period: Period
    booked: int

    @property
    def error(self) -> int:
        return self.call.amount - self.booked


def forecast_calls(
    calls: Iterable[StatedCall],
    booking_credit: DataFrame[BookingCredit],
    landing_forecast: DataFrame[LandingForecast],
    everybody: People,
    month: Month,
    rules: MonthRules,
    extracted_at: datetime,
) -> DataFrame[ForecastCalls]:
    """Return each person's latest call of every period of the fiscal year and later, as known at a month's end.

    A call counts from its day on; a later one of the same period takes its place. Past calls are
    those of earlier periods of the same kind that are over.
    """
    known = [each for each in calls if each.day < rules.calendar.today(month)]
    judged = _judged(_latest(known), booking_credit, rules)
    first = rules.calendar.year_of(month).first
    shown = [each for each in judged if each.period.last >= first]
    owners = columns.text([each.call.owner_id for each in shown])
    ended = _of_kind(judged, month)
    past = [_before(each, ended) for each in shown]
    over = np.array([each.period.last <= month for each in shown], np.bool_)
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(shown)),
            "owner_id": owners,
            "period_kind": columns.text([each.period.kind for each in shown]),
            "period": columns.text([each.period.name for each in shown]),
            "called_on": pa.array([each.call.day for each in shown], pa.date32()),
            "call": _minor([each.call.amount for each in shown], rules.digits),
            "bookings": _minor([each.booked for each in shown], rules.digits),
            "is_over": pa.array(over),
            "error": money.decimal_array(
                np.array([each.error for each in shown], np.int64), rules.digits, ~over
            ),
            **_ranges(shown, landing_forecast, rules.digits),
            "past_calls": pa.array([len(each) for each in past], pa.int64()),
            "bias_pct": pa.array([_pct(each, is_signed=True) for each in past], pa.float64()),
            "error_pct": pa.array([_pct(each, is_signed=False) for each in past], pa.float64()),
            "owner_name": everybody.name_of(owners),
            "team": everybody.team_of(owners),
        }
    )
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), ForecastCalls)


def _latest(calls: Sequence[StatedCall]) -> list[StatedCall]:
    """Return the latest call of each person and period, by person and period."""
    order = sorted(calls, key=lambda each: (each.owner_id, each.period, each.day))
    by_period = groupby(order, key=lambda each: (each.owner_id, each.period))
    return [list(those)[-1] for _, those in by_period]


def _judged(
    calls: Sequence[StatedCall], booking_credit: DataFrame[BookingCredit], rules: MonthRules
) -> list[_Judged]:
    won = booked(booking_credit)
    amounts, _ = money.minor_units(won["amount"], rules.digits)
    months = rules.calendar.month_index(columns.to_days(won["close_date"]))
    of_month: dict[tuple[str, int], int] = {}
    for key, amount in zip(
        zip(won["owner_id"].tolist(), months.tolist(), strict=True), amounts.tolist(), strict=True
    ):
        of_month[key] = of_month.get(key, 0) + amount
    found: list[_Judged] = []
    for call in calls:
        period = rules.calendar.period_named(call.period)
        came = sum(of_month.get((call.owner_id, each.index), 0) for each in period.months)
        found.append(_Judged(call, period, came))
    return found


def _of_kind(judged: Sequence[_Judged], month: Month) -> dict[tuple[str, str], list[_Judged]]:
    """Return the calls of periods that are over, by person and kind of period."""
    found: dict[tuple[str, str], list[_Judged]] = {}
    for each in judged:
        if each.period.last <= month:
            found.setdefault((each.call.owner_id, each.period.kind), []).append(each)
    return found


def _before(of: _Judged, over: dict[tuple[str, str], list[_Judged]]) -> list[_Judged]:
    """Return a person's calls of earlier periods of the same kind."""
    mine = over.get((of.call.owner_id, of.period.kind), [])
    return [each for each in mine if each.period.last < of.period.first]


def _pct(past: Sequence[_Judged], *, is_signed: bool) -> float | None:
    came = sum(each.booked for each in past)
    if came <= 0:
        return None
    missed = sum(each.error if is_signed else abs(each.error) for each in past)
    return missed * 100 / came


def _ranges(
    shown: Sequence[_Judged], landing: DataFrame[LandingForecast], digits: int
) -> dict[str, pa.Array]:
    """Return the model's range of each row, empty where it forecasts no such period."""
    of_people = landing.loc[landing["grain"] == GrainKind.PERSON]
    keys = list(zip(of_people["grain_id"], of_people["period"], strict=True))
    place = {key: number for number, key in enumerate(keys)}
    at = [place.get((each.call.owner_id, each.period.name), -1) for each in shown]
    found: dict[str, pa.Array] = {}
    for name in RANGE:
        amounts, is_null = money.minor_units(of_people[name], digits)
        picked = [0 if row < 0 else int(amounts[row]) for row in at]
        empty = [row < 0 or bool(is_null[row]) for row in at]
        found[name] = money.decimal_array(
            np.array(picked, np.int64), digits, np.array(empty, np.bool_)
        )
    return found


def _minor(amounts: Sequence[int], digits: int) -> pa.Array:
    return money.decimal_array(np.array(amounts, np.int64), digits)
