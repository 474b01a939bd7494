"""Landing, reach, margin, required coverage and the price of patience, on a generated firm and by hand."""

from dataclasses import replace
from decimal import Decimal
from itertools import pairwise

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import arrow as columns
from sales import money
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from sales.contracts.contract import RAW_MONEY
from sales.forecast.landing_forecast import band_of, chance_to_hit, margin_of
from sales.forecast.sales_facts import periods_forecast, sales_facts
from sales.history.extract import Extract
from sales.policy.sections import Forecast
from sales.statistics.close_dates import expected_months
from sales.statistics.deal_outcomes import FEWEST_MONTHS, HORIZON, deal_forecast
from sales.statistics.delay_impact import after_waiting, company_leverage, owner_leverage
from sales.statistics.new_business import _common, rates
from sales.statistics.period_distribution import (
    PIPELINE_WEIGHT,
    PeriodParts,
    forecast_inputs,
    offsets,
    to_come,
    weighted,
)
from sales.statistics.point_in_time import WON
from tests.sales.firms import MONTH, FirmMonth, firm_month, simulated

pytestmark = pytest.mark.slow

amounts = st.floats(0, 10_000_000)


def company_row(table: pd.DataFrame, period: str) -> dict[str, object]:
    found = table[(table["grain"] == "company") & (table["period"] == period)]
    return {name: None if value is pd.NA else value for name, value in found.iloc[0].items()}


def test_the_periods_are_the_month_to_come_those_of_coverage_and_the_next_year_where_one_ends() -> (
    None
):
    calendar = firm_month().rules.calendar
    assert [each.name for each in periods_forecast(calendar, Month(2023, 8))] == [
        "2023-09",
        "FY2023-Q3",
        "FY2023-Q4",
        "FY2024-Q1",
        "FY2023",
    ]
    assert [each.name for each in periods_forecast(calendar, Month(2023, 12))] == [
        "2024-01",
        "FY2024-Q1",
        "FY2024-Q2",
        "FY2023",
        "FY2024",
    ]


def test_people_add_up_to_teams_and_the_company_to_the_cent() -> None:
    table = firm_month().landing
    assert reconciliation.forecast_columns(table) == ["bookings", "target", "expected"]
    assert (
        reconciliation.people_sum_to_teams_and_company(table, ["bookings", "target", "expected"])
        == []
    )


def test_what_is_expected_is_the_mean_of_the_distribution_at_every_grain() -> None:
    one = firm_month()
    facts = sales_facts(one.snapshot, one.credit, one.phased, one.month, one.rules)
    ahead = forecast_inputs(one.forecast_basis, facts.grains, facts.sells_after(one.month))
    assert ahead is not None
    for period in periods_forecast(one.rules.calendar, one.month):
        coming = to_come(ahead, period)
        np.testing.assert_allclose(coming.person.mean, coming.expected, rtol=2e-3)
        np.testing.assert_allclose(coming.company.mean[0], coming.expected.sum(), rtol=2e-3)
        np.testing.assert_allclose(coming.team.mean.sum(), coming.expected.sum(), rtol=2e-3)


def test_the_five_deals_that_bring_most_are_those_of_the_group() -> None:
    """Each deal brings its chance times its amount, a shared one to each who shares it."""
    one = firm_month()
    facts = sales_facts(one.snapshot, one.credit, one.phased, one.month, one.rules)
    ahead = forecast_inputs(one.forecast_basis, facts.grains, facts.sells_after(one.month))
    assert ahead is not None
    year = periods_forecast(one.rules.calendar, one.month)[-1]
    parts = PeriodParts(ahead, *offsets(ahead.known, year))
    brings: dict[tuple[int, int], float] = {}
    team = ahead.members.team
    deals = parts.deals
    for deal, person, chance, amount in zip(
        deals.deal,
        deals.group,
        weighted(deals.chances),
        deals.amounts.mean(axis=1),
        strict=True,
    ):
        key = (int(deal), int(team[person]))
        brings[key] = brings.get(key, 0.0) + PIPELINE_WEIGHT * float(chance * amount)
    by_team: dict[int, list[float]] = {}
    for (_, group), amount in brings.items():
        by_team.setdefault(group, []).append(amount)
    assert max(map(len, by_team.values())) > 5
    largest = to_come(ahead, year).largest["team"]
    assert len(largest) == len(by_team)
    for group, amounts in by_team.items():
        assert largest[group] == pytest.approx(sum(sorted(amounts)[-5:]))


def test_without_a_future_the_target_is_hit_by_what_is_booked() -> None:
    booked, target = np.array([99, 100, 101]), np.array([100, 100, 100])
    assert chance_to_hit(booked, target, None, "company").tolist() == [0.0, 1.0, 1.0]


def test_grids_hold_what_a_large_common_shock_lifts() -> None:
    """Otherwise the tail wraps around and the mean falls."""
    one = firm_month(400, 3)
    facts = sales_facts(one.snapshot, one.credit, one.phased, one.month, one.rules)
    ahead = forecast_inputs(one.forecast_basis, facts.grains, facts.sells_after(one.month))
    assert ahead is not None
    for common in (0.3, 0.8):
        shaken = replace(ahead, rates=replace(ahead.rates, common=common))
        for period in periods_forecast(one.rules.calendar, one.month):
            coming = to_come(shaken, period)
            assert coming.company.mean[0] == pytest.approx(coming.expected.sum(), rel=3e-3)


def test_a_season_that_repeats_is_no_common_shock() -> None:
    """By hand: 20, 20 and 80 deals in the months of every quarter, four years long."""
    counts = np.tile([20, 20, 80], 16)
    month = np.repeat(np.arange(48), counts)
    by_season = _common(month, 47, np.tile([0.5, 0.5, 2.0], 4))
    assert by_season < 0.2
    assert _common(month, 47, np.ones(12)) > 0.5


def test_ranges_are_in_order_and_chances_are_chances() -> None:
    table = firm_month().landing
    for low, high in (("bookings", "p10"), ("p10", "p50"), ("p50", "p90")):
        assert (table[low] <= table[high]).all(), (low, high)
    hit = columns.floats(table["hit_probability"])
    assert ((hit >= 0) & (hit <= 1) | np.isnan(hit)).all()
    assert (table.loc[table["target"] == 0, "hit_probability"].isna()).all()


def test_a_year_that_is_over_is_certain() -> None:
    december = FirmMonth(simulated().extract, Month(2022, 12))
    row = company_row(december.landing, "FY2022")
    assert row["method"] == "over"
    assert row["p10"] == row["p90"] == row["bookings"] == row["expected"]
    assert row["expected_without_largest"] == row["bookings"]
    assert row["hit_probability"] == float(row["bookings"] >= row["target"])  # type: ignore[operator]
    assert row["margin"] is None
    assert company_row(december.landing, "FY2023")["margin"] is not None


def test_with_too_little_history_nothing_is_claimed_and_the_baselines_stand() -> None:
    early = FirmMonth(simulated().extract, Month(2020, 7).plus(FEWEST_MONTHS - 2))
    row = company_row(early.landing, "2020-12")
    assert row["method"] == "too_little_history"
    names = ("p10", "p50", "p90", "expected", "hit_probability", "band", "margin")
    assert [row[name] for name in (*names, "expected_without_largest")] == [None] * 8
    assert row["stage_weighted"] is not None
    assert row["three_month_average"] is not None
    assert row["last_year"] is None
    assert early.coverage["weighted_pipeline"].isna().all()
    assert early.closing["win_probability"].isna().all()
    assert early.phasing_check["catch_up_chance"].isna().all()
    assert early.record.empty


def scaled(extract: Extract, factor: int) -> Extract:
    history = extract.opportunity_history
    minor, _ = money.minor_units(history["amount"], 2)
    return replace(
        extract,
        opportunity_history=history.assign(
            amount=columns.series(money.decimal_array(minor * factor, 2).cast(RAW_MONEY))
        ),
    )


def test_scaling_money_scales_money_and_leaves_chances() -> None:
    one = firm_month()
    other = FirmMonth(scaled(one.extract, 8), one.month, one.annual_target * 8)
    for name in ("bookings", "p10", "p50", "p90", "target", "expected", "margin"):
        small, large = columns.floats(one.landing[name]), columns.floats(other.landing[name])
        np.testing.assert_allclose(large, small * 8, rtol=1e-6, atol=1.0)
    np.testing.assert_allclose(
        columns.floats(other.landing["hit_probability"]),
        columns.floats(one.landing["hit_probability"]),
        atol=1e-6,
    )
    np.testing.assert_allclose(
        columns.floats(other.coverage["required_ratio"]),
        columns.floats(one.coverage["required_ratio"]),
        rtol=1e-6,
    )


def test_a_larger_target_never_raises_reach() -> None:
    """Nor does it raise anybody's chance to hit a month or a quarter."""
    easy, hard = firm_month().landing, FirmMonth(firm_month().extract, MONTH, 900_000).landing
    assert easy["grain_id"].tolist() == hard["grain_id"].tolist()
    assert (
        columns.floats(hard["hit_probability"]) <= columns.floats(easy["hit_probability"]) + 1e-12
    )[easy["target"] > 0].all()


def test_more_bookings_never_lower_reach() -> None:
    """The same future on top of more that is booked: for every person, team and the company, in every period."""
    one = firm_month()
    facts = sales_facts(one.snapshot, one.credit, one.phased, one.month, one.rules)
    ahead = forecast_inputs(one.forecast_basis, facts.grains, facts.sells_after(one.month))
    assert ahead is not None
    for period in periods_forecast(one.rules.calendar, one.month):
        coming = to_come(ahead, period)
        for grain in facts.grains:
            booked, target = facts.bookings(grain, period), facts.targets(grain, period)
            chances = [
                chance_to_hit(booked + more, target, coming, grain.name)
                for more in (0, 1, 1_000_00, 50_000_00, 10**9)
            ]
            assert all((later >= earlier - 1e-12).all() for earlier, later in pairwise(chances))


@given(amounts, amounts, amounts, amounts, st.floats(0, 1_000_000))
def test_margin_by_its_definition(
    target: float, next_target: float, booked: float, later: float, more: float
) -> None:
    margin = margin_of(target, next_target, booked, later)
    assert margin <= next_target
    assert margin_of(target, next_target, booked + more, later) >= margin
    assert margin_of(target + more, next_target, booked, later) <= margin
    if margin < next_target:  # missing exactly so much leaves the year exactly at its target
        assert booked + later + (next_target - margin) == pytest.approx(target, abs=1e-3)


def test_margin_by_hand() -> None:
    """120 for the year, 70 booked, 30 come later at the bound's chance: 20 must come next month, so 5 of 25 may be missed."""
    assert margin_of(120, 25, 70, 30) == 5
    assert margin_of(120, 25, 95, 30) == 25
    assert margin_of(120, 25, 50, 30) == -15


def test_bands_follow_policy() -> None:
    assert band_of(np.array([0.75, 0.74, 0.4, 0.2, 0.19]), Forecast()) == [
        "secure",
        "on_track",
        "on_track",
        "stretch",
        "out_of_reach",
    ]
    assert band_of(np.array([0.6]), Forecast(secure=Decimal("0.6"))) == ["secure"]


def test_a_deal_is_won_lost_or_open_and_never_more() -> None:
    deal_forecast = firm_month().forecast_basis.deals
    assert deal_forecast is not None
    assert deal_forecast.win.shape == (deal_forecast.size, HORIZON + 1)
    assert (deal_forecast.win >= 0).all()
    assert (deal_forecast.win.sum(axis=1) <= 1 + 1e-12).all()


def test_a_deal_in_a_later_stage_that_is_due_is_likelier_to_close() -> None:
    known = firm_month().forecast_basis.known
    deal_forecast = firm_month().forecast_basis.deals
    assert deal_forecast is not None
    agreed, first = (known.now.probability == each for each in (0.75, 0.10))
    assert deal_forecast.win[agreed, 1].mean() > 2 * deal_forecast.win[first, 1].mean()


def test_missing_amounts_are_imputed_in_the_forecast_and_nowhere_else() -> None:
    """Zero and less than zero are amounts: a free deal, a credit, a cancellation."""
    known = firm_month().point_in_time.known_at(MONTH.index)
    bare = known.now.amount.copy()
    bare[:3] = [np.nan, 0.0, -500.0]
    found = deal_forecast(replace(known, now=replace(known.now, amount=bare)))
    assert found is not None
    won = known.outcomes.amount[known.outcomes.status == WON]
    assert found.is_imputed.tolist()[:3] == [True, False, False]
    assert found.amount[:3].tolist() == [np.median(won), 0.0, -500.0]


def test_the_companys_rate_is_shared_out_among_its_people() -> None:
    one = firm_month()
    known = one.forecast_basis.known
    owner = np.arange(len(known.owner_ids))
    its = rates(known, owner, np.ones(len(owner), np.bool_))
    assert its.share.sum() == pytest.approx(1)
    assert (its.share * its.scale).sum() == pytest.approx(1)
    assert its.deals(1, 12) > its.new_deals(1, 12) > 0
    gone = rates(replace(known, now=known.now.take(known.now.owner != 0)), owner, owner != 0)
    assert gone.share[0] == 0  # no target and no open deal: this person has left
    assert gone.share.sum() == pytest.approx(1)


def test_required_coverage_is_this_companys_own_conversion_at_the_same_distance() -> None:
    """Worked out again from snapshots, deal by deal, for the quarter that begins in a month (so months 2 to 4 ahead)."""
    one = firm_month()
    known = one.forecast_basis.known
    row = company_row(one.coverage, "FY2023-Q4")
    first, last = offsets(known, one.rules.calendar.quarter_of(Month(2023, 10)))
    assert (first, last) == (2, 4)
    pipeline = converted = others = total = 0.0
    for origin in range(known.first_month, known.month - last + 1):
        then, weight = one.point_in_time.known_at(origin), 0.5 ** ((known.month - origin) / 12)
        place = known.position_of(then.deal_ids, then.now.deal)
        in_pipeline = {
            int(deal)
            for deal, due in zip(place, then.now.close_month, strict=True)
            if origin + first <= due <= origin + last
        }
        pipeline += weight * sum(
            a for a, deal in zip(then.now.amount, place, strict=True) if int(deal) in in_pipeline
        )
        was_won = set(
            known.position_of(then.deal_ids, np.flatnonzero(then.outcomes.status == WON)).tolist()
        )
        for deal in np.flatnonzero(
            (known.outcomes.status == WON)
            & (known.outcomes.month >= origin + first)
            & (known.outcomes.month <= origin + last)
        ):
            if int(deal) in was_won:
                continue
            if int(deal) in in_pipeline:
                converted += weight * known.outcomes.amount[deal]
            else:
                others += weight * known.outcomes.amount[deal]
        total += weight
    gap = float(row["remaining_target"]) * 100  # type: ignore[arg-type]
    overall, mean_others = converted / pipeline, others / total
    # People and teams are pulled towards the company; so is the company, towards itself.
    others_shrunk = (others + 6 * mean_others) / (total + 6)
    assert row["required_ratio"] == pytest.approx(
        max(gap - others_shrunk, 0) / overall / gap, rel=1e-6
    )
    assert row["required_windows"] == known.month - last + 1 - known.first_month
    assert row["required_ratio_low"] < row["required_ratio"] < row["required_ratio_high"]  # type: ignore[operator]


def test_weighted_pipeline_is_the_open_pipeline_times_its_chances() -> None:
    one = firm_month()
    assert one.forecast_basis.deals is not None
    row = company_row(one.coverage, "FY2023-Q4")
    deals, win = one.forecast_basis.deals.deals, one.forecast_basis.deals.between(2, 4)
    due = (deals.close_month >= Month(2023, 10).index) & (
        deals.close_month <= Month(2023, 12).index
    )
    by_hand = float((deals.amount * win)[due].sum()) / 100
    assert float(row["weighted_pipeline"]) == pytest.approx(by_hand, rel=1e-3)  # type: ignore[arg-type]
    assert 0 < row["weighted_pipeline"] < row["open_pipeline"]  # type: ignore[operator]


@pytest.mark.parametrize("whose", ["company", "owner"])
def test_the_price_of_patience_is_that_of_computing_the_forecast_again(whose: str) -> None:
    """Each deal's waiting is put into a whole new forecast, and P(hit) is compared."""
    one = firm_month()
    facts = sales_facts(one.snapshot, one.credit, one.phased, one.month, one.rules)
    ahead = forecast_inputs(one.forecast_basis, facts.grains, facts.sells_after(one.month))
    assert ahead is not None
    deal_forecast, period = ahead.deal_forecast, one.rules.calendar.quarter_of(Month(2023, 9))
    first, last = offsets(ahead.known, period)
    parts = PeriodParts(ahead, first, last)
    grain = next(
        each
        for each in facts.grains
        if each.name == ("company" if whose == "company" else "person")
    )
    missing = (facts.targets(grain, period) - facts.bookings(grain, period)).astype(np.float64)
    listed = np.argsort(-deal_forecast.win[:, 1] * deal_forecast.amount)[:4]
    before, after = (
        deal_forecast.between(first, last)[listed],
        after_waiting(deal_forecast.win, 3)[listed, first : last + 1].sum(axis=1),
    )
    leverage = (
        company_leverage(parts, listed, float(missing[0]))
        if whose == "company"
        else owner_leverage(parts, listed, ahead.person_of_deal[listed], missing)
    )
    told = leverage.change(before, after)
    whole = to_come(ahead, period).of(grain.name).reaches(missing)
    for deal, change in zip(listed.tolist(), told.tolist(), strict=True):
        win = deal_forecast.win.copy()
        win[deal] = after_waiting(win[deal : deal + 1], 3)[0]
        again = (
            to_come(replace(ahead, deal_forecast=replace(deal_forecast, win=win)), period)
            .of(grain.name)
            .reaches(missing)
        )
        place = 0 if whose == "company" else ahead.person_of_deal[deal]
        assert change == pytest.approx(again[place] - whole[place], abs=4e-3)
        assert change <= 1e-12


def test_waiting_keeps_the_chance_that_stays_within_the_horizon() -> None:
    win = np.arange(13.0)[None, :] / 100
    assert after_waiting(win, 1)[0].tolist() == [0, 0, *(np.arange(1, 12) / 100)]
    assert after_waiting(win, 3)[0, :4].tolist() == [0, 0, 0, 0]


def test_the_closing_plan_says_when_and_at_what_price() -> None:
    plan = firm_month().closing
    assert plan["win_probability"].notna().all()
    assert (plan["hit_change_month"].dropna() <= 1e-9).all()
    assert (
        columns.floats(plan["hit_change_year_3"]) <= columns.floats(plan["hit_change_year"]) + 1e-9
    ).all()
    shown = plan.loc[plan["expected_month"].notna()]
    assert len(shown)
    assert (shown["expected_month"] > str(MONTH)).all()
    assert (shown["confirm_p10"] <= shown["confirm_p90"]).all()


def test_the_pool_is_mostly_pipeline() -> None:
    assert PIPELINE_WEIGHT > 0.5
    assert pa.types.is_decimal(columns.arrow_type(firm_month().landing["p50"]))


def without(extract: Extract, gone: set[str]) -> Extract:
    records = extract.opportunities
    return replace(
        extract,
        opportunities=records.loc[~records["opportunity_id"].isin(gone)].reset_index(drop=True),
    )


def test_a_month_end_without_open_deals_still_has_a_forecast_of_what_is_not_created_yet() -> None:
    one = firm_month()
    is_open = set(one.snapshot.loc[columns.booleans(one.snapshot["is_open"]), "opportunity_id"])
    bare = FirmMonth(without(one.extract, is_open), MONTH)
    row = company_row(bare.landing, "FY2023-Q4")
    assert row["method"] == "model"
    assert row["p90"] > row["p10"]  # type: ignore[operator]
    assert bare.closing.empty
    assert not bare.generation.empty
    assert not bare.record.empty
    assert (columns.floats(bare.coverage["weighted_pipeline"]) == 0).all()


def test_a_past_without_a_single_win_is_too_little_history() -> None:
    history = firm_month().extract.opportunity_history
    lost = FirmMonth(
        without(
            firm_month().extract, set(history.loc[history["stage_name"] == "Won", "opportunity_id"])
        ),
        MONTH,
    )
    row = company_row(lost.landing, "FY2023")
    assert [row[name] for name in ("p10", "p50", "p90", "hit_probability")] == [None] * 4
    assert row["method"] == "too_little_history"
    assert lost.coverage["required_ratio"].isna().all()


@pytest.mark.parametrize("minor", [None, 0, -500, 50_000])
def test_amounts_of_any_kind_do_not_stop_a_forecast(minor: int | None) -> None:
    history = firm_month().extract.opportunity_history
    amount = pa.array([None if minor is None else Decimal(minor) / 100] * len(history), RAW_MONEY)
    odd = FirmMonth(
        replace(
            firm_month().extract, opportunity_history=history.assign(amount=columns.series(amount))
        ),
        MONTH,
    )
    # Nobody says how much work a deal is, and no agreement is known.
    never = {"client_agreements", "delivery_load", "account_load"}
    assert {name for name, table in odd.tables().items() if table.empty} == never | (
        set() if minor else {"client_phasing"}
    )
    assert (odd.landing["p10"] <= odd.landing["p90"]).all()


@pytest.mark.parametrize(("name", "level"), [("p10", 0.1), ("p50", 0.5), ("p90", 0.9)])
def test_a_landing_is_the_quantile_that_its_name_says(name: str, level: float) -> None:
    one = firm_month()
    facts = sales_facts(one.snapshot, one.credit, one.phased, one.month, one.rules)
    ahead = forecast_inputs(one.forecast_basis, facts.grains, facts.sells_after(one.month))
    assert ahead is not None
    year = one.rules.calendar.year_of(one.month)
    row = company_row(one.landing, year.name)
    still = to_come(ahead, year).company
    assert float(row[name] - row["bookings"]) * 100 == pytest.approx(
        still.quantile(level)[0], abs=0.51
    )
    # What stays below it, cell by cell of the distribution.
    below = np.cumsum(still.chance[0])
    worth = (np.arange(len(below)) - still.grid.below[0]) * still.grid.step[0]
    assert np.interp(level, below, worth) == pytest.approx(still.quantile(level)[0], rel=1e-6)


def test_a_confirmation_is_bracketed_by_its_tenths() -> None:
    win = np.zeros((1, 13))
    win[0, 1:11] = 0.05  # equally likely in each of ten months
    deals = firm_month().forecast_basis.deals
    assert deals is not None
    ten = replace(deals, deals=deals.deals.take(np.array([0])), win=win)
    found = {level: expected_months(ten, level)[0] for level in (0.1, 0.5, 0.9)}
    assert found == pytest.approx({0.1: 2.0, 0.5: 6.0, 0.9: 10.0}, abs=0.01)
