"""The track record: past forecasts beside what came, and beside three naive baselines.

Put rolling-origin evaluation and its scores here. Each forecast is made again from what was known
at its month end, by the very code that makes today's; what it is held against is known now.
Method: rolling origin (Tashman 2000); pinball loss (Koenker and Bassett 1978); Brier score (Brier
1950).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Floats, Mask
from sales.calendar import FiscalCalendar, Month, Period
from sales.contracts.contract import checked, empty, stamp
from sales.contracts.forecast import ForecastTrackRecord
from sales.forecast.landing_forecast import forecast_parts
from sales.forecast.sales_facts import SalesFacts
from sales.history.extract import People
from sales.policy.rules import MonthRules
from sales.rollup import Grain, Grains
from sales.statistics.deal_outcomes import FEWEST_MONTHS, forecast_basis
from sales.statistics.period_distribution import forecast_inputs
from sales.statistics.point_in_time import Knowledge, PointInTimeData
from sales.targets.attainment import month_indexes, within
from sales.vocabulary import GrainKind, PeriodKind

BASELINES = ("stage_weighted", "last_year", "three_month_average")
LEVELS = {"p10": 0.1, "p50": 0.5, "p90": 0.9}
KINDS = tuple(PeriodKind)
BINS = 5
# Up to so many open deals, so many months back.
JUDGED = ((3_000, 36), (10_000, 12), (float("inf"), 6))
# A score of fewer forecasts than this is no evidence.
FEWEST_SCORED = 6

# Phased targets as they were in force at a month end, none where nobody had one.
TargetsAt = Callable[[Month], pd.DataFrame | None]


def origins(point_in_time: PointInTimeData, month: Month, most: int | None = None) -> list[Month]:
    """Return the past month ends from which a forecast can be judged by `month`, oldest first."""
    first = point_in_time.first_month + FEWEST_MONTHS
    if most is not None:
        first = max(first, month.index - most)
    return [Month.from_index(index) for index in range(first, month.index)]


def months_judged(point_in_time: PointInTimeData) -> int:
    """Return how many months a month's report looks back on: three years, less in organisations so large that it would take minutes."""
    return next(months for deals, months in JUDGED if point_in_time.open_count <= deals)


def judged_periods(calendar: FiscalCalendar, origin: Month, month: Month) -> list[Period]:
    """Return the month, quarter and year to come at an origin that are over by `month`."""
    coming = origin.plus(1)
    periods = [calendar.month_period(coming), calendar.quarter_of(coming), calendar.year_of(coming)]
    return [period for period in periods if period.last <= month]


def track_record(
    point_in_time: PointInTimeData,
    month: Month,
    rules: MonthRules,
    owners: People,
    targets_at: TargetsAt,
    extracted_at: datetime,
    most: int | None = None,
    begin: Callable[[Month], None] = lambda _: None,
) -> DataFrame[ForecastTrackRecord]:
    """Return every forecast that can be judged at a month's end, made again; `most` bounds how far back."""
    now = point_in_time.known_at(month.index)
    parts: list[pd.DataFrame] = []
    for origin in origins(point_in_time, month, most):
        begin(origin)
        parts += _judged(
            point_in_time.known_at(origin.index),
            now,
            origin,
            month,
            rules,
            owners,
            targets_at(origin),
        )
    if not parts:
        return checked(empty(ForecastTrackRecord), ForecastTrackRecord)
    key = ["as_of_month", "grain", "grain_id", "period_kind", "period"]
    table = pd.concat(parts, ignore_index=True).sort_values(key, kind="stable", ignore_index=True)
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), ForecastTrackRecord)


def _judged(
    then: Knowledge,
    now: Knowledge,
    origin: Month,
    month: Month,
    rules: MonthRules,
    owners: People,
    targets: pd.DataFrame | None,
) -> Iterator[pd.DataFrame]:
    periods = judged_periods(rules.calendar, origin, month)
    seen = forecast_basis(then)
    if seen.deals is None or not periods:
        return
    facts = _figures(then, owners, targets, rules)
    ahead = forecast_inputs(seen, facts.grains, facts.sells_after(origin))
    came = _bookings_of(now, facts.grains, owners, rules)
    sizes = [len(grain.ids) for grain in facts.grains]
    frames = iter(
        forecast_parts(ahead, facts, origin, rules, then.first_won, periods, with_margin=False)
    )
    for period in periods:
        for grain, size in zip(facts.grains, sizes, strict=True):
            outcome = came[grain.name].bookings(period, grain.ids)
            target = facts.targets(grain, period)
            frame = next(frames)
            kept = [
                "as_of_month",
                "grain",
                "grain_id",
                "period_kind",
                "period",
                *LEVELS,
                *BASELINES,
            ]
            yield frame[kept].assign(
                outcome=columns.series(money.decimal_array(outcome, rules.digits)),
                target=frame["target"],
                hit_probability=frame["hit_probability"],
                is_hit=columns.series(pa.array(outcome >= target, mask=target == 0)),
                evaluated_month=columns.series(columns.repeat(str(month), size)),
            )


def _figures(
    then: Knowledge, owners: People, targets: pd.DataFrame | None, rules: MonthRules
) -> SalesFacts:
    """Return the facts of a past month end from what was known at it."""
    target_owners = columns.text([]) if targets is None else columns.distinct(targets["owner_id"])
    ids = columns.distinct(then.owner_ids, target_owners)
    grains = Grains(ids, owners.team_of(ids), rules.company)
    code = columns.codes(then.owner_ids, ids)
    deals, shares = then.now, then.now_shares
    amount = np.nan_to_num(deals.amount)[shares.deal] * shares.part
    overdue = deals.close_month <= then.month
    current = then.month + 1 if rules.policy.pipeline.overdue == "current_period" else -1
    none = np.zeros(0, np.int64)
    return SalesFacts(
        grains=grains,
        target_owner=none if targets is None else grains.person(targets["owner_id"]),
        target_month=none if targets is None else month_indexes(targets["month"]),
        target=none
        if targets is None
        else money.minor_units(targets["baseline_target"], rules.digits)[0],
        booked_owner=code[then.bookings.owner],
        booked_month=then.bookings.month,
        booked=then.bookings.amount,
        open_owner=code[shares.owner],
        open_month=np.where(overdue, current, deals.close_month)[shares.deal],
        open_weighted=np.rint(amount * deals.probability[shares.deal]).astype(np.int64),
    )


@dataclass(frozen=True)
class _Came:
    """What came of one grain: bookings of everybody, also of people who joined since."""

    grain: Grain
    owner: Codes
    month: Codes
    amount: Codes

    def bookings(self, period: Period, ids: pa.Array) -> Codes:
        """Return the bookings of a period for some ids of the grain."""
        totals = self.grain.total(self.owner, self.amount, within(self.month, period))
        return totals[columns.codes(ids, self.grain.ids)]


def _bookings_of(
    now: Knowledge, then: Grains, owners: People, rules: MonthRules
) -> dict[str, _Came]:
    ids = columns.distinct(now.owner_ids, then.person_ids)
    code = columns.codes(now.owner_ids, ids)[now.bookings.owner]
    return {
        grain.name: _Came(grain, code, now.bookings.month, now.bookings.amount)
        for grain in Grains(ids, owners.team_of(ids), rules.company)
    }


@dataclass(frozen=True)
class Score:
    """How forecasts of a grain and kind of period did; shares are 0-1, losses are in parts of what came.

    Every figure is of the same `forecasts`: those that every baseline could make too, or, where
    these are too few, all of them beside the baselines that could always be made. `wape` and
    `baselines` are sums of absolute errors / sum of outcomes; `brier_baseline` is of the share of
    earlier periods that had hit by then; `reliability` are (mean chance, share that hit, number) in
    bins. Chances are judged by six periods or more, else not at all.
    """

    grain: str
    kind: str
    forecasts: int
    periods: int
    wape: float
    baselines: dict[str, float]
    pinball: float
    inside: float
    brier: float | None
    brier_baseline: float | None
    reliability: tuple[tuple[float, float, int], ...]

    @property
    def is_better(self) -> bool:
        """Return whether P50 came nearer than every baseline."""
        return bool(self.baselines) and self.wape < min(self.baselines.values())


def scores(
    record: pd.DataFrame,
    grains: Sequence[str] = (
        GrainKind.COMPANY,
        GrainKind.TEAM,
        GrainKind.PERSON,
    ),
) -> list[Score]:
    """Return the scores of a track record, the company's first; none where fewer than six forecasts were judged."""
    found: list[Score] = []
    for grain in grains:
        for kind in KINDS:
            rows = record.loc[(record["grain"] == grain) & (record["period_kind"] == kind)]
            if _are_enough(rows):
                found.append(_score(*_sample(rows), grain, kind))
    return found


def _are_enough(rows: pd.DataFrame) -> bool:
    return rows["as_of_month"].nunique() >= FEWEST_SCORED


def _sample(rows: pd.DataFrame) -> tuple[pd.DataFrame, Sequence[str]]:
    """Return the forecasts that are judged, and the baselines that could be made for each of them."""
    could = {name: np.isfinite(columns.floats(rows[name])) for name in BASELINES}
    everywhere: Mask = np.all(list(could.values()), axis=0)
    shared = rows.loc[everywhere]
    if _are_enough(shared):
        return shared, BASELINES
    return rows, [name for name, where in could.items() if where.all()]


def _score(rows: pd.DataFrame, baselines: Sequence[str], grain: str, kind: str) -> Score:
    outcome = columns.floats(rows["outcome"])
    forecasts = {name: columns.floats(rows[name]) for name in (*LEVELS, *baselines)}
    total = float(outcome.sum())

    def wape(name: str) -> float:
        return float(np.abs(forecasts[name] - outcome).sum()) / total

    losses = [
        np.maximum(level * (outcome - forecasts[name]), (level - 1) * (outcome - forecasts[name]))
        for name, level in LEVELS.items()
    ]
    brier, brier_baseline, reliability = _judged_chances(rows)
    return Score(
        grain=grain,
        kind=kind,
        forecasts=len(rows),
        periods=int(rows["period"].nunique()),
        wape=wape("p50") if total > 0 else float("nan"),
        baselines={name: wape(name) for name in baselines} if total > 0 else {},
        pinball=float(np.mean([loss.sum() for loss in losses])) / total
        if total > 0
        else float("nan"),
        inside=float(((outcome >= forecasts["p10"]) & (outcome <= forecasts["p90"])).mean()),
        brier=brier,
        brier_baseline=brier_baseline,
        reliability=reliability,
    )


def _judged_chances(
    rows: pd.DataFrame,
) -> tuple[float | None, float | None, tuple[tuple[float, float, int], ...]]:
    """Return the Brier score of chances and of what was known without them, and how often what was said came."""
    rows = rows.loc[rows["hit_probability"].notna() & rows["is_hit"].notna()]
    if rows["period"].nunique() < FEWEST_SCORED:
        return None, None, ()
    chance, hit = columns.floats(rows["hit_probability"]), columns.booleans(rows["is_hit"])
    known = _known_share(rows, hit)
    return (
        float(((chance - hit) ** 2).mean()),
        float(((known - hit) ** 2).mean()),
        _reliability(chance, hit),
    )


def _known_share(rows: pd.DataFrame, hit: Mask) -> Floats:
    """Return for each forecast which share of the periods that were over by then had hit; one half before there were any."""
    whose, when, period = (rows[name].tolist() for name in ("grain_id", "as_of_month", "period"))
    # Periods of a kind follow each other: one that a forecast was made of earlier is over once
    # forecasts are made of another.
    began: dict[tuple[str, str], str] = {}
    outcome: dict[tuple[str, str], bool] = {}
    for each, at, name, is_hit in zip(whose, when, period, hit.tolist(), strict=True):
        began[each, name] = min(began.get((each, name), at), at)
        outcome[each, name] = is_hit
    by_whom: dict[str, list[tuple[str, bool]]] = {}
    for (each, name), at in began.items():
        by_whom.setdefault(each, []).append((at, outcome[each, name]))
    shares: list[float] = []
    for each, name in zip(whose, period, strict=True):
        earlier = [came for at, came in by_whom[each] if at < began[each, name]]
        shares.append(sum(earlier) / len(earlier) if earlier else 0.5)
    return np.array(shares)


def _reliability(chance: Floats, hit: np.ndarray) -> tuple[tuple[float, float, int], ...]:
    bins = np.minimum((chance * BINS).astype(np.int64), BINS - 1)
    return tuple(
        (
            float(chance[bins == each].mean()),
            float(hit[bins == each].mean()),
            int((bins == each).sum()),
        )
        for each in np.unique(bins)
    )
