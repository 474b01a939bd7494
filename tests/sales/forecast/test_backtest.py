"""Past forecasts beside what came: made without looking ahead, scored by hand, and better than naive on generated companies."""

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from benchmarks.forecast_skill import skill
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.forecast import ForecastTrackRecord
from sales.forecast.backtest import judged_periods, months_judged, origins, scores
from sales.statistics.deal_outcomes import FEWEST_MONTHS
from tests.fakes import frame
from tests.sales.firms import MONTH, FirmMonth, firm_month, simulated

pytestmark = pytest.mark.slow

KEY = ["grain", "grain_id", "period_kind", "period"]


def test_a_past_forecast_is_the_one_that_was_made_then() -> None:
    then = FirmMonth(simulated().extract, Month(2023, 3)).landing
    rows = firm_month().record
    rows = rows.loc[(rows["as_of_month"] == "2023-03")]
    both = rows.merge(then, on=KEY, how="inner", suffixes=("", "_then"), validate="one_to_one")
    assert len(both) == len(rows)
    for name in (
        "p10",
        "p50",
        "p90",
        "hit_probability",
        "stage_weighted",
        "last_year",
        "three_month_average",
        "target",
    ):
        pd.testing.assert_series_equal(
            both[name], both[f"{name}_then"], check_names=False, obj=name
        )


def test_outcomes_are_the_bookings_of_the_period() -> None:
    one = firm_month()
    for grain, grain_id in (
        ("company", "Simulated Firm"),
        ("person", one.record.loc[one.record["grain"] == "person", "grain_id"].iloc[0]),
    ):
        rows = one.record[
            (one.record["grain"] == grain)
            & (one.record["grain_id"] == grain_id)
            & (one.record["period"] == "2023-04")
        ]
        mine = (
            one.credit if grain == "company" else one.credit.loc[one.credit["owner_id"] == grain_id]
        )
        due = (mine["close_date"] >= Month(2023, 4).first_day) & (
            mine["close_date"] <= Month(2023, 4).last_day
        )
        assert rows["outcome"].tolist() == [mine.loc[due, "amount"].sum()]


def test_bookings_of_people_who_joined_since_count_for_the_company() -> None:
    """A year's landing is the company's, whoever books it: all that the busiest person created since July 2022 is a newcomer's."""
    one = firm_month()
    records, new = one.extract.opportunities, "005000000000999AAA"  # no user, so without a target
    newest = (records["created_at"] >= pd.Timestamp("2022-07-01", tz="UTC")) & (
        records["owner_id"] == records["owner_id"].min()
    )
    owners = pa.array(
        [
            new if is_new else owner
            for is_new, owner in zip(newest, records["owner_id"], strict=True)
        ]
    )
    other = replace(one.extract, opportunities=records.assign(owner_id=columns.series(owners)))
    changed = FirmMonth(other, MONTH)
    rows = changed.record
    both = [
        table.loc[(table["grain"] == "company"), ["as_of_month", "period", "outcome"]].reset_index(
            drop=True
        )
        for table in (rows, one.record)
    ]
    pd.testing.assert_frame_equal(*both)
    # And for nobody else: the last person before the newcomer has what they booked.
    last = rows.loc[
        (rows["grain"] == "person") & (rows["as_of_month"] == "2022-06"), "grain_id"
    ].max()
    year = rows[
        (rows["grain_id"] == last)
        & (rows["period"] == "FY2022")
        & (rows["as_of_month"] == "2022-06")
    ]
    mine = changed.credit.loc[changed.credit["owner_id"] == last]
    assert year["outcome"].tolist() == [
        mine.loc[[Month.of(day).year == 2022 for day in mine["close_date"]], "amount"].sum()
    ]


def test_every_month_end_with_enough_history_is_judged_and_no_period_that_is_not_over() -> None:
    one = firm_month()
    first = Month.from_index(one.point_in_time.first_month)
    assert origins(one.point_in_time, MONTH)[0] == first.plus(FEWEST_MONTHS)
    assert origins(one.point_in_time, MONTH)[-1] == MONTH.plus(-1)
    assert len(origins(one.point_in_time, MONTH, 5)) == 5
    assert [each.name for each in judged_periods(one.rules.calendar, Month(2023, 5), MONTH)] == [
        "2023-06",
        "FY2023-Q2",
    ]
    assert [each.name for each in judged_periods(one.rules.calendar, Month(2022, 5), MONTH)] == [
        "2022-06",
        "FY2022-Q2",
        "FY2022",
    ]
    assert set(one.record["evaluated_month"]) == {str(MONTH)}
    assert months_judged(one.point_in_time) == 36


def forecast(month: int, p50: int, outcome: int, **more: object) -> dict[str, object]:
    return {
        "as_of_month": f"2025-{month:02d}",
        "grain": "company",
        "grain_id": "Acme",
        "period_kind": "month",
        "period": f"2025-{month + 1:02d}",
        "p10": p50 - 20,
        "p50": p50,
        "p90": p50 + 20,
        "stage_weighted": 50,
        "last_year": 100,
        "three_month_average": 80,
        "outcome": outcome,
        "target": 90,
        "hit_probability": 0.7,
        "is_hit": outcome >= 90,
        "evaluated_month": "2025-12",
        **more,
    }


def test_scores_by_hand() -> None:
    """Six months, 100 each but one of 40: P50 of 90 is off by 10 five times and by 50 once; baselines by their own distance."""
    rows = [forecast(month, 90, 100) for month in range(1, 6)] + [forecast(6, 90, 40)]
    (score,) = scores(frame(ForecastTrackRecord, rows), ["company"])
    assert score.wape == pytest.approx(100 / 540)
    assert score.baselines == pytest.approx(
        {"stage_weighted": 260 / 540, "last_year": 60 / 540, "three_month_average": 140 / 540}
    )
    assert score.inside == pytest.approx(5 / 6)
    assert score.brier == pytest.approx((5 * 0.3**2 + 0.7**2) / 6)
    # Known at the time: nothing at first (one half), then that every month so far had hit.
    assert score.brier_baseline == pytest.approx((0.5**2 + 4 * 0 + 1) / 6)
    assert score.reliability == ((pytest.approx(0.7), pytest.approx(5 / 6), 6),)
    assert not score.is_better
    pinball = (
        np.mean([5 * 0.1 * 30 + 0.9 * 30, 5 * 0.5 * 10 + 0.5 * 50, 5 * 0.1 * 10 + 0.1 * 70]) / 540
    )
    assert score.pinball == pytest.approx(pinball)


def test_pinball_of_errors_to_one_side_by_hand() -> None:
    """Six months of 100: P10 of 70 and P50 of 90 are below each time, P90 of 110 is above."""
    (score,) = scores(
        frame(ForecastTrackRecord, [forecast(month, 90, 100) for month in range(1, 7)]), ["company"]
    )
    assert score.pinball == pytest.approx((0.1 * 30 + 0.5 * 10 + 0.1 * 10) / 3 / 100)


def test_methods_are_compared_on_the_forecasts_that_all_could_make() -> None:
    rows = [forecast(month, 90, 100) for month in range(1, 7)] + [
        forecast(7, 0, 1_000, last_year=None)
    ]
    (score,) = scores(frame(ForecastTrackRecord, rows), ["company"])
    assert score.wape == pytest.approx(60 / 600)
    assert score.forecasts == score.periods == 6, "the count is of what the figures are of"


def test_where_few_have_every_baseline_all_are_judged_beside_those_that_there_always_were() -> None:
    """Two of seven have a year before: a score of these two would say nothing, and must not stand beside a count of seven."""
    rows = [forecast(month, 90, 100, last_year=None) for month in range(1, 6)]
    rows += [forecast(month, 100, 100) for month in (6, 7)]
    (score,) = scores(frame(ForecastTrackRecord, rows), ["company"])
    assert score.forecasts == 7
    assert score.wape == pytest.approx(50 / 700)
    assert score.baselines == pytest.approx(
        {"stage_weighted": 350 / 700, "three_month_average": 140 / 700}
    )


def test_chances_of_fewer_than_six_periods_are_not_judged() -> None:
    rows = [
        forecast(month, 90, 100, period_kind="quarter", period=f"FY2025-Q{(month - 1) // 3 + 1}")
        for month in range(1, 12)
    ]
    (score,) = scores(frame(ForecastTrackRecord, rows), ["company"])
    assert (score.forecasts, score.periods) == (11, 4)
    assert (score.brier, score.brier_baseline, score.reliability) == (None, None, ())


def test_what_was_known_before_any_period_was_over_is_one_half() -> None:
    """No period is hit: one half at first, and nothing from then on."""
    rows = [forecast(month, 90, 40) for month in range(1, 7)]
    (score,) = scores(frame(ForecastTrackRecord, rows), ["company"])
    assert score.brier_baseline == pytest.approx(0.5**2 / 6)
    assert score.brier == pytest.approx(0.7**2)


def test_where_nothing_came_there_is_no_share_of_it() -> None:
    rows = [forecast(month, 90, 0) for month in range(1, 7)]
    (score,) = scores(frame(ForecastTrackRecord, rows), ["company"])
    assert np.isnan(score.wape)
    assert np.isnan(score.pinball)
    assert score.baselines == {}


def test_few_forecasts_are_no_score() -> None:
    assert (
        scores(frame(ForecastTrackRecord, [forecast(month, 90, 100) for month in range(1, 6)]))
        == []
    )
    assert scores(frame(ForecastTrackRecord, [])) == []


def test_a_forecast_without_a_target_has_no_chance_to_judge() -> None:
    rows = [
        forecast(month, 90, 100, hit_probability=None, is_hit=None, target=Decimal(0))
        for month in range(1, 7)
    ]
    (score,) = scores(frame(ForecastTrackRecord, rows), ["company"])
    assert (score.brier, score.reliability) == (None, ())


def test_on_generated_companies_forecasts_are_better_than_naive_ones_and_calibrated() -> None:
    """The small version of `python -m benchmarks.forecast_skill`, with room for chance: two companies of 150 opportunities a year."""
    found = skill(150, 2)
    naive = min(
        found.wape(name) for name in ("stage_weighted", "last_year", "three_months", "run_rate")
    )
    assert found.wape("model") < 0.95 * naive
    assert found.crps_skill > 0.4 * found.perfect_skill
    assert found.perfect_skill > 0.1
    assert found.brier("model") < 0.8 * found.brier("crm")
    assert found.deal_ece() < 0.05
    score = found.scores()["company", "month"]
    assert 0.65 < score.inside < 0.97
    assert score.brier is not None
    assert score.brier_baseline is not None
    assert score.brier < score.brier_baseline
