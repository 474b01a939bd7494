"""Weights of months: quarters of 13 weeks, seasons, leave, fixed months; and whether a phasing forgives two bad months."""

from datetime import date
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import arrow as columns
from sales.calendar import Month, working_days
from sales.forecast.phasing_check import phasing_check
from sales.statistics.point_in_time import WON
from sales.targets.annual_targets import AnnualTarget, InvalidTarget
from sales.targets.phased_targets import plan
from sales.targets.rephasing import rephase
from sales.targets.seasonality import season
from sales.targets.stated_plans import (
    NO_PLANS,
    ClientPlan,
    FixedMonth,
    Leave,
    PlanBook,
    StatedTarget,
    bottom_up_plan,
    target_padding,
)
from tests.examples import examples
from tests.fakes import EXTRACTED_AT, rules
from tests.sales.firms import MONTH, FirmMonth, firm_month, simulated

EVEN = np.full(12, 1 / 12)


def annual(amount: int, owner: str = "005A", **more: object) -> AnnualTarget:
    return AnnualTarget(
        **{
            "fiscal_year": 2026,
            "owner_id": owner,
            "revision": 1,
            "amount": amount,
            "start": None,
            "end": None,
            "holidays": "",
            **more,
        }
    )  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("method", "weeks"), [("4-4-5", [4, 4, 5]), ("4-5-4", [4, 5, 4]), ("5-4-4", [5, 4, 4])]
)
def test_quarters_of_thirteen_weeks(method: str, weeks: list[int]) -> None:
    assert plan(annual(52_00), rules(f'[phasing]\nmethod = "{method}"')).baseline == [
        each * 100 for each in weeks * 4
    ]


def test_leave_relieves_quota_only_where_policy_says_so() -> None:
    """By hand: ten of March's 22 working days away leave 12/22 of its weight; the target stays whole."""
    away = PlanBook(
        leaves=[
            Leave("005A", date(2026, 3, 2), date(2026, 3, 13)),
            Leave("005B", date(2026, 5, 1), date(2026, 5, 31)),
        ]
    )
    assert len(working_days(Month(2026, 3).days)) == 22
    relieved = plan(annual(1_000_000), rules('[phasing]\nleave = "relieves"'), away)
    assert relieved.weights[2] == Fraction(12, 22)
    assert [each == 1 for each in relieved.weights].count(True) == 11
    assert sum(relieved.baseline) == 1_000_000
    assert plan(annual(1_000_000), rules(), away).weights == [Fraction(1)] * 12


def test_a_month_wholly_on_leave_carries_nothing_and_proration_is_before_leave() -> None:
    away = PlanBook(leaves=[Leave("005A", date(2026, 7, 1), date(2026, 7, 31))])
    joined = annual(1_200_000, start=date(2026, 7, 1))
    its = plan(joined, rules('[phasing]\nleave = "relieves"\n[targets]\nbasis = "full_year"'), away)
    assert its.amount == 600_000  # six of twelve months, leave or not
    assert its.baseline[:7] == [0] * 7
    assert its.baseline[7:] == [120_000] * 5


@given(
    st.integers(0, 10**12),
    st.lists(st.integers(0, 10**9), min_size=12, max_size=12),
    st.sets(st.integers(1, 12), max_size=11),
)
@examples(150)
def test_fixed_months_keep_their_amount_and_the_total_stays(
    amount: int, amounts: list[int], months: set[int]
) -> None:
    fixed = [FixedMonth(2026, "005A", Month(2026, n), amounts[n - 1]) for n in sorted(months)]
    total = amount + sum(each.amount for each in fixed)
    its = plan(annual(total), rules(), PlanBook(fixed=fixed))
    assert sum(its.baseline) == total
    for each in fixed:
        assert its.baseline[each.month.number - 1] == each.amount
    assert its.fixed == {each.month for each in fixed}


def test_fixed_months_beyond_the_target_are_a_sentence() -> None:
    fixed = [FixedMonth(2026, "005A", Month(2026, 3), 500)]
    with pytest.raises(
        InvalidTarget,
        match="fixed months of 005A in FY2026 leave -1.00 of the target.*overrides.csv",
    ):
        plan(annual(400), rules(), PlanBook(fixed=fixed))
    everything = [FixedMonth(2026, "005A", Month(2026, n), 1) for n in range(1, 13)]
    with pytest.raises(InvalidTarget, match="leave 0.88 of the target"):
        plan(annual(100), rules(), PlanBook(fixed=everything))


def test_a_fixed_month_of_another_year_is_a_sentence() -> None:
    with pytest.raises(
        InvalidTarget, match="overrides.csv fixes 2027-05 of 005A, which is no month of FY2026"
    ):
        plan(annual(400), rules(), PlanBook(fixed=[FixedMonth(2026, "005A", Month(2027, 5), 1)]))


def won_deals(
    weights: np.ndarray, number: int, chance: np.random.Generator, years: int = 1
) -> tuple[np.ndarray, np.ndarray]:
    month = chance.choice(12, number * years, p=weights / weights.sum()) + 12 * np.repeat(
        np.arange(years), number
    )
    return month.astype(np.int64), chance.lognormal(0, 0.8, number * years)


@pytest.mark.parametrize("number", [60, 300])
def test_without_a_season_the_months_stay_nearly_even(number: int) -> None:
    """Raw shares of one year are far off; shrunk ones are not."""
    raw, shrunk = [], []
    for seed in range(40):
        found = season(*won_deals(np.ones(12), number, np.random.default_rng(seed)), 0, 11, EVEN)
        raw.append(np.abs(found.seen - EVEN).sum())
        shrunk.append(np.abs(found.shares - EVEN).sum())
        assert found.shares.sum() == pytest.approx(1)
        assert (found.deals, found.years) == (number, 1)
    assert np.mean(shrunk) < 0.35 * np.mean(raw)


def test_a_strong_season_is_found_the_better_the_more_there_is_to_see() -> None:
    weights = np.array([0.4, 0.5, 1, 1, 0.8, 1.6, 0.7, 0.5, 1.1, 1.2, 1.4, 1.8])
    truth, errors, evidence = weights / weights.sum(), {}, {}
    for number in (60, 300, 1_500):
        found = [
            season(*won_deals(weights, number, np.random.default_rng(seed)), 0, 11, EVEN)
            for seed in range(30)
        ]
        errors[number] = np.mean([np.abs(each.shares - truth).sum() for each in found])
        evidence[number] = np.mean([each.evidence for each in found])
        assert errors[number] < np.mean([np.abs(each.seen - truth).sum() for each in found])
    assert errors[60] > errors[300] > errors[1_500]
    assert evidence[60] < evidence[300] < evidence[1_500]


def test_no_whole_year_is_no_season() -> None:
    found = season(np.array([5, 9]), np.array([1.0, 1.0]), 0, 10, EVEN)
    assert (found.evidence, found.deals, found.shares.tolist()) == (0.0, 0, EVEN.tolist())


def test_a_seasonal_year_is_phased_by_what_was_known_before_it_began() -> None:
    one = firm_month()
    year = one.rules.calendar.year(2023)
    found = one.point_in_time.season_of(year, MONTH)
    earlier = FirmMonth(simulated().extract, Month(2022, 12)).point_in_time.season_of(
        year, Month(2022, 12)
    )
    np.testing.assert_array_equal(found.shares, earlier.shares)
    assert found.years == 2
    its = plan(
        annual(1_000_000, fiscal_year=2023),
        rules('[phasing]\nmethod = "seasonal"', 2023),
        NO_PLANS,
        found,
    )
    assert sum(its.baseline) == 1_000_000
    np.testing.assert_allclose(np.array(its.baseline) / 1_000_000, found.shares, atol=2e-6)


def test_the_season_is_that_of_won_money_alone() -> None:
    """By hand: what of the won money of the two whole years before 2023 fell into each calendar month."""
    one = firm_month()
    outcomes = one.point_in_time.known_at(Month(2022, 12).index).outcomes
    won = (outcomes.status == WON) & (outcomes.amount > 0)
    won &= (outcomes.month > Month(2020, 12).index) & (outcomes.month <= Month(2022, 12).index)
    by_month = np.bincount(outcomes.month[won] % 12, weights=outcomes.amount[won], minlength=12)
    found = one.point_in_time.season_of(one.rules.calendar.year(2023), MONTH)
    turned = np.roll(by_month, -(Month(2023, 1).index % 12))
    np.testing.assert_allclose(found.seen, turned / by_month.sum(), atol=1e-12)
    assert found.deals == int(won.sum())


def test_the_year_is_turned_to_begin_with_its_first_month() -> None:
    """A fiscal year that lies further ahead than the next month takes the same season, turned."""
    point_in_time = firm_month().point_in_time
    calendar_year, fiscal = (
        firm_month().rules.calendar.year(2024),
        FirmMonth(simulated().extract, MONTH, policy="[fiscal]\nstart_month = 7").rules,
    )
    by_calendar, by_fiscal = (
        point_in_time.season_of(calendar_year, MONTH),
        point_in_time.season_of(fiscal.calendar.year(2024), MONTH),
    )
    np.testing.assert_allclose(by_fiscal.seen[:6], by_calendar.seen[6:], atol=0.06)


def check(policy: str, weights: str = "") -> pd.DataFrame:
    text = f"{policy}\n[phasing]\n{weights}"
    return FirmMonth(firm_month().extract, MONTH, policy=text).phasing_check


def test_even_phasing_under_the_usual_cap_forgives_two_bad_months() -> None:
    table = check("")
    assert (table["catch_up_chance"] > 0.95).all()
    assert table["keeps_floor"].all()
    assert table["proposed_weights"].isna().all()
    assert (columns.floats(table["usual_miss"]) > 0).all()
    assert (
        (columns.floats(table["reach_after_miss"]) > 0)
        & (columns.floats(table["reach_after_miss"]) < 0.5)
    ).all()


def test_a_front_loaded_phasing_does_not_and_the_weights_proposed_would() -> None:
    front = 'method = "custom"\nweights = [4, 4, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1]\ncap = 1.1'
    table = check("", front)
    assert not table["keeps_floor"].any()
    proposed = table["proposed_weights"].iloc[0].split()
    assert len(proposed) == 12
    again = check("", f'method = "custom"\nweights = [{", ".join(proposed)}]\ncap = 1.1')
    assert again["catch_up_chance"].iloc[0] == pytest.approx(0.8, abs=0.02)
    assert float(proposed[0]) < 3


def test_no_rephasing_forgives_nothing_and_an_unbounded_one_everything() -> None:
    assert (check("", 'rephase = "none"')["catch_up_chance"] < 0.01).all()
    assert (check("", 'rephase = "rest_of_year"')["catch_up_chance"] == 1).all()


def test_the_usual_miss_at_risk_is_what_rephasing_says() -> None:
    one = FirmMonth(firm_month().extract, MONTH, policy="[phasing]\ncap = 1.02")
    row = one.phasing_check.iloc[0]
    its = next(
        each
        for each in one.plans
        if each.target.owner_id == row["owner_id"] and each.target.fiscal_year == row["fiscal_year"]
    )
    miss = int(row["usual_miss"] * 100)
    assert (
        row["at_risk"]
        == Decimal(rephase(its, sum(its.baseline[:2]) - miss, 2, one.rules.policy.phasing).at_risk)
        / 100
    )
    assert row["at_risk"] > 0


def test_who_joins_for_the_last_two_months_has_nobody_to_hand_a_miss_to() -> None:
    one = firm_month()
    late = plan(
        annual(1_000_000, str(one.owners.ids[0]), fiscal_year=2023, start=date(2023, 11, 1)),
        one.rules,
    )
    table = phasing_check(
        [late],
        one.known,
        one.owners,
        MONTH,
        one.policies,
        one.extract.defaults,
        EXTRACTED_AT,
    )
    assert table["catch_up_chance"].tolist() == [pytest.approx(0, abs=1e-9)]
    assert table["keeps_floor"].tolist() == [False]
    assert table["proposed_weights"].isna().all()


def test_padding_is_shown_and_not_hidden() -> None:
    one = firm_month()
    stated = PlanBook(
        stated=[
            StatedTarget(2023, "North", 1_000_000_00),
            StatedTarget(2023, "", 2_900_000_00),
            StatedTarget(2030, "", 1),
        ]
    )
    table = target_padding(one.phased, stated, MONTH, one.rules, EXTRACTED_AT).set_index("grain_id")
    assert table.loc["North", ["assigned", "stated", "padding", "padding_pct"]].tolist() == [
        1_200_000,
        1_000_000,
        200_000,
        20.0,
    ]
    assert table.loc["Simulated Firm", ["assigned", "stated", "padding"]].tolist() == [
        3_000_000,
        2_900_000,
        100_000,
    ]
    assert table.loc["West", ["stated", "padding"]].isna().all()
    assert set(table["fiscal_year"]) == {2023}


def test_client_plans_stand_beside_the_target_month_by_month() -> None:
    one = firm_month()
    plans = PlanBook(
        clients=[
            ClientPlan("001A", Month(2023, 9), 500),
            ClientPlan("001B", Month(2023, 9), 700),
            ClientPlan("001B", Month(2029, 9), 1),
        ]
    )
    table = bottom_up_plan(
        one.phased, one.clients, plans, MONTH, one.rules, EXTRACTED_AT
    ).set_index("month")
    assert table.loc["2023-09", "client_plans"] == Decimal("12.00")
    assert (
        table.loc["2023-09", "difference"]
        == Decimal("12.00") - table.loc["2023-09", "baseline_target"]
    )
    assert table["baseline_target"].sum() == 3_000_000
    assert table["client_plans"].sum() == 12
    assert table.loc["2023-08", "expected"] is pd.NA
    assert table.loc["2023-10", "expected"] > 0
    bare = bottom_up_plan(one.phased, one.clients, NO_PLANS, MONTH, one.rules, EXTRACTED_AT)
    assert bare[["client_plans", "difference"]].isna().all(axis=None)
