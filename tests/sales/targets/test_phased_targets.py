from datetime import date
from decimal import Decimal
from fractions import Fraction

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import Month
from sales.contracts.raw import RawCurrencyRates, RawTargets
from sales.history import snapshot
from sales.history.extract import people
from sales.history.rates import Rates
from sales.history.reconstruction import PipelineHistory
from sales.money import MissingRate
from sales.policy.sections import Phasing
from sales.targets import annual_targets, rephasing
from sales.targets import phased_targets as targets
from sales.targets.annual_targets import AnnualTarget, InvalidTarget
from sales.targets.phased_targets import NoTargets
from sales.targets.rephasing import Plan
from sales.targets.stated_plans import FixedMonth, PlanBook
from tests.fakes import (
    EXTRACTED_AT,
    ORGANIZATION,
    book,
    deal,
    extract,
    frame,
    no_rates,
    rules,
    saved,
    target,
)

POLICIES = ["none", "next_month", "rest_of_quarter", "rest_of_year", "bounded"]


def annual(
    amount: int, start: date | None = None, end: date | None = None, holidays: str = ""
) -> AnnualTarget:
    return AnnualTarget(2026, "005A", 1, amount, start, end, holidays)


def test_even_phasing_gives_the_odd_cents_to_the_first_months() -> None:
    plan = targets.plan(annual(100_05), rules())
    assert plan.baseline == [834] * 9 + [833] * 3
    assert sum(plan.baseline) == 100_05


def test_working_days_weigh_the_owners_own_calendar() -> None:
    plan = targets.plan(
        annual(1_000_00, holidays="GB-ENG"),
        rules('[phasing]\nmethod = "working_days"\nholidays = "US"'),
    )
    assert [int(weight) for weight in plan.weights] == [
        21,
        20,
        22,
        20,
        19,
        22,
        23,
        20,
        22,
        22,
        21,
        21,
    ]


def test_custom_weights_start_at_the_first_fiscal_month() -> None:
    plan = targets.plan(
        annual(16_00),
        rules('[phasing]\nmethod = "custom"\nweights = [1, 1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2]'),
    )
    assert plan.baseline == [100, 100, 200] * 4


def test_a_joiner_has_nothing_before_the_start_month_and_that_month_in_full() -> None:
    plan = targets.plan(annual(900, start=date(2026, 4, 20)), rules())
    assert plan.baseline == [0] * 3 + [100] * 9


def test_full_year_prorates_first_and_half_a_cent_goes_to_even() -> None:
    full_year = rules('[targets]\nbasis = "full_year"')
    assert targets.plan(annual(1200, start=date(2026, 4, 20)), full_year).amount == 900
    assert targets.plan(annual(2, end=date(2026, 3, 31)), full_year).amount == 0
    assert targets.plan(annual(6, end=date(2026, 3, 1)), full_year).amount == 2


def test_the_ramp_moves_weight_to_later_months_and_keeps_the_total() -> None:
    plan = targets.plan(annual(1000, start=date(2026, 9, 5)), rules("[phasing]\nramp = [0, 0.5]"))
    assert plan.baseline == [0] * 9 + [200, 400, 400]
    early = targets.plan(
        annual(1150, start=date(2025, 12, 1)), rules("[phasing]\nramp = [0.25, 0.5]")
    )
    assert early.baseline == [50] + [100] * 11


def test_the_ramp_is_not_part_of_the_proration() -> None:
    policy = '[targets]\nbasis = "full_year"\n[phasing]\nramp = [0.5]'
    assert targets.plan(annual(1200, start=date(2026, 7, 1)), rules(policy)).amount == 600


def test_a_target_without_a_month_is_an_error_that_names_the_owner() -> None:
    with pytest.raises(InvalidTarget, match="005A for FY2026 has no month"):
        targets.plan(annual(100, start=date(2027, 2, 1)), rules())


@given(
    st.integers(0, 10**12),
    st.sampled_from(["even", "working_days"]),
    st.sampled_from(["as_stated", "full_year"]),
    st.integers(1, 12),
    st.integers(0, 11),
    st.lists(st.sampled_from(["0.25", "0.5", "1"]), max_size=4),
)
def test_phasing_never_loses_a_cent(
    amount: int, method: str, basis: str, first: int, more: int, ramp: list[str]
) -> None:
    policy = (
        f'[targets]\nbasis = "{basis}"\n[phasing]\nmethod = "{method}"\nramp = [{", ".join(ramp)}]'
    )
    last = min(first + more, 12)
    plan = targets.plan(annual(amount, date(2026, first, 1), date(2026, last, 1)), rules(policy))
    assert sum(plan.baseline) == plan.amount <= amount
    assert all(
        month == 0 for n, month in enumerate(plan.baseline, start=1) if not first <= n <= last
    )


def a_plan(baseline: list[int]) -> Plan:
    year = rules().calendar.year(2026)
    return Plan(
        annual(sum(baseline)),
        year,
        sum(baseline),
        [Fraction(month) for month in baseline],
        baseline,
    )


@given(
    st.lists(st.integers(0, 10**9), min_size=12, max_size=12),
    st.integers(1, 12),
    st.integers(0, 2 * 10**10),
    st.sampled_from(POLICIES),
    st.sampled_from([Decimal(1), Decimal("1.25"), Decimal(3)]),
)
def test_rephasing_keeps_the_year_and_its_bounds(
    baseline: list[int], done: int, booked: int, policy: str, cap: Decimal
) -> None:
    plan = a_plan(baseline)
    result = rephasing.rephase(plan, booked, done, Phasing(rephase=policy, cap=cap))  # type: ignore[arg-type]
    assert booked + sum(result.months) + result.at_risk - result.ahead == plan.amount
    assert result.at_risk >= 0
    assert result.ahead >= 0
    assert all(
        month >= planned for month, planned in zip(result.months, baseline[done:], strict=True)
    )
    if policy == "bounded":
        assert all(
            month <= cap * planned
            for month, planned in zip(result.months, baseline[done:], strict=True)
        )
    if result.ahead:
        assert result.months == baseline[done:]


@pytest.mark.parametrize(
    ("policy", "months", "at_risk"),
    [
        ("none", [100] * 7, 300),
        ("next_month", [400] + [100] * 6, 0),
        ("rest_of_quarter", [400] + [100] * 6, 0),
        ("rest_of_year", [143, 143, 143, 143, 143, 143, 142], 0),
        ("bounded", [125] * 7, 125),
    ],
)
def test_three_missed_months_of_five(policy: str, months: list[int], at_risk: int) -> None:
    """By hand: 500 planned, 200 booked, 300 missing, seven months left, the sixth ends its quarter."""
    result = rephasing.rephase(a_plan([100] * 12), 200, 5, Phasing(rephase=policy))  # type: ignore[arg-type]
    assert (result.months, result.at_risk, result.ahead) == (months, at_risk, 0)


def test_a_quarter_that_is_over_leaves_what_is_missing_at_risk() -> None:
    result = rephasing.rephase(a_plan([100] * 12), 200, 3, Phasing(rephase="rest_of_quarter"))
    assert (sum(result.months), result.at_risk) == (900, 100)


def test_a_surplus_absorbs_later_misses_and_lowers_no_target() -> None:
    result = rephasing.rephase(a_plan([100] * 12), 350, 3, Phasing())
    assert (result.months, result.ahead) == ([100] * 9, 50)


def phased(
    lines: list[dict[str, object]],
    bookings: list[dict[str, object]],
    month: Month,
    policy: str = "",
) -> pd.DataFrame:
    policies = book(policy)
    raw = frame(RawTargets, lines)
    deals, history = [], []
    for number, each in enumerate(bookings, start=1):
        deals.append(deal(number, created_at=each["won"], owner_id=each["owner"]))
        history.append(
            saved(
                number,
                "2026-01-05 10:00",
                created_at=each["won"],
                stage_name="Won",
                amount=each["amount"],
                close_date=each["won"].date(),
            )
        )
    deals.append(deal(99, created_at=pd.Timestamp("2026-01-02", tz="UTC").to_pydatetime()))
    history.append(saved(99, "2026-01-02 00:00"))
    its = PipelineHistory(extract(deals, history), "EUR", 2)
    month_rules = policies.for_month(month, ORGANIZATION)
    known = [
        (each, month_rules) for each in month_rules.calendar.year_of(month).months if each <= month
    ]
    in_force = {
        each: annual_targets.in_force(raw, no_rates, each, policies, ORGANIZATION)
        for each, _ in known
    }
    booked = snapshot.monthly_bookings(
        [(*pair, its) for pair in known], month, month_rules, EXTRACTED_AT
    )
    return targets.phased_targets(
        in_force, booked, people(its.extract, "role"), month, policies, ORGANIZATION, EXTRACTED_AT
    )


def won(owner: str, day: str, amount: int) -> dict[str, object]:
    return {"owner": owner, "won": pd.Timestamp(day, tz="UTC").to_pydatetime(), "amount": amount}


def test_a_closed_month_keeps_the_target_that_was_in_force_for_it() -> None:
    """January brings 50 of 100: from then on 104.55 a month. February brings nothing, so March carries more, February keeps 104.55."""
    table = phased(
        [target("005A", 1200)],
        [won("005A", "2026-01-20", 50)],
        Month(2026, 2),
        '[phasing]\nrephase = "rest_of_year"',
    )
    shown = [str(value) for value in table["rephased_target"].tolist()]
    assert shown[:3] == ["100.00", "104.55", "115.00"]
    assert [str(value) for value in table["baseline_target"].tolist()] == ["100.00"] * 12


def test_a_revision_never_rewrites_what_earlier_reports_were_measured_against() -> None:
    lines = [
        target("005A", 1200),
        target("005A", 2400, revision=2, effective_date=date(2026, 7, 1)),
    ]
    june = phased(lines, [], Month(2026, 6))
    july = phased(lines, [], Month(2026, 7))
    assert set(june["annual_target"].astype(str)) == {"1200.00"}
    assert set(july["annual_target"].astype(str)) == {"2400.00"}
    # February's was set at the end of January, by revision 1: 100 more over eleven months, the odd
    # cent first.
    assert str(july["rephased_target"].iloc[1]) == "109.10"


def test_at_risk_and_ahead_stand_on_the_last_month_only() -> None:
    table = phased(
        [target("005A", 1200), target("005B", 1200)],
        [won("005B", "2026-01-20", 500)],
        Month(2026, 10),
    )
    by_owner = table.groupby("owner_id")[["at_risk", "ahead"]].agg(list)
    assert [str(value) for value in by_owner.loc["005A", "at_risk"]] == ["0.00"] * 11 + ["950.00"]
    assert all(value == 0 for value in by_owner.loc["005B", "ahead"][:11])


def test_who_booked_more_than_the_year_is_ahead_and_the_months_to_come_stay() -> None:
    """1,500 are booked where 1,000 were to be; November and December stay at 100 each."""
    table = phased([target("005A", 1200)], [won("005A", "2026-01-20", 1500)], Month(2026, 10))
    assert [int(value) for value in table["ahead"]] == [0] * 11 + [500]
    assert [int(value) for value in table["at_risk"]] == [0] * 12
    assert not table["is_fixed"].any()


def test_lines_that_take_effect_later_are_named_by_the_year_that_was_asked_for() -> None:
    lines = [
        target("005A", 1200, effective_date=date(2026, 8, 1)),
        target("005A", 1200, fiscal_year=2027, effective_date=date(2026, 5, 1)),
    ]
    later = annual_targets.coming(frame(RawTargets, lines), Month(2026, 12), book(), ORGANIZATION)
    later += annual_targets.coming(frame(RawTargets, lines), Month(2026, 3), book(), ORGANIZATION)
    words = targets.nobody_has_a_target(
        Month(2026, 3), book().for_month(Month(2026, 3), ORGANIZATION), later
    )
    assert "its lines take effect from 2026-08-01 on" in words


def test_a_year_without_targets_is_an_error_that_says_so() -> None:
    with pytest.raises(
        NoTargets, match="nobody has a target in force for FY2026 at the end of 2026-03"
    ):
        phased([target("005A", 1200, fiscal_year=2025)], [], Month(2026, 3))


def test_next_years_targets_count_once_they_are_known() -> None:
    lines = [
        target("005A", 1200),
        target("005A", 2400, fiscal_year=2027, effective_date=date(2026, 11, 1)),
    ]
    assert set(phased(lines, [], Month(2026, 10))["fiscal_year"]) == {2026}
    assert set(phased(lines, [], Month(2026, 11))["fiscal_year"]) == {2026, 2027}


def test_foreign_targets_are_converted_by_the_rate_of_the_plan() -> None:
    raw = frame(RawTargets, [target("005A", 300, currency_code="USD")])
    found = annual_targets.in_force(
        raw, lambda year: no_rates(year, USD=Decimal(3)), Month(2026, 1), book(), ORGANIZATION
    )
    assert [each.amount for each in found] == [100_00]
    with pytest.raises(MissingRate, match="no USD rate"):
        annual_targets.in_force(raw, no_rates, Month(2026, 1), book(), ORGANIZATION)


def revised(*revisions: tuple[int, date | None], policy: str = "", month: int = 12) -> list[int]:
    """Return the months planned at a month's end for a target that was revised."""
    lines = [
        target("005A", amount, revision=number, effective_date=effective)
        for number, (amount, effective) in enumerate(revisions, start=1)
    ]
    (found,) = annual_targets.in_force(
        frame(RawTargets, lines), no_rates, Month(2026, month), book(policy), ORGANIZATION
    )
    return [
        each // 100
        for each in targets.plan(found, book(policy).for_fiscal_year(2026, ORGANIZATION)).baseline
    ]


@pytest.mark.parametrize("effective", [date(2026, 8, 1), date(2026, 8, 31)])
def test_a_raise_leaves_closed_months_as_they_were_planned(effective: date) -> None:
    assert revised((1200, None), (1600, effective)) == [100] * 8 + [200] * 4
    whole = '[targets]\nrevise = "whole_year"'
    assert revised((1200, None), (2400, effective), policy=whole) == [200] * 12
    assert revised((1200, None), (1600, effective), month=7) == [100] * 12, "not known yet"


def test_revisions_follow_each_other() -> None:
    twice = revised((1200, None), (1600, date(2026, 8, 5)), (1700, date(2026, 10, 31)))
    assert twice == [100] * 8 + [200, 200, 250, 250]
    at_once = revised((1200, None), (1600, date(2026, 8, 5)), (2400, date(2026, 8, 5)))
    assert at_once == [100] * 8 + [400] * 4


def test_a_revision_before_the_year_or_one_that_closed_months_exceed_holds_for_the_whole_year() -> (
    None
):
    assert revised((1200, None), (2400, date(2026, 1, 1))) == [200] * 12
    assert revised((1200, None), (2400, date(2025, 11, 1))) == [200] * 12
    assert revised((1200, None), (600, date(2026, 9, 1))) == [50] * 12
    assert revised((1200, None), (1300, date(2026, 12, 9))) == [100] * 11 + [200]


def test_next_years_targets_are_in_force_at_the_years_first_instant() -> None:
    for effective in (None, date(2027, 1, 1)):
        raw = frame(RawTargets, [target("005A", 1200, fiscal_year=2027, effective_date=effective)])
        at = {
            month: annual_targets.in_force(raw, no_rates, month, book(), ORGANIZATION)
            for month in (Month(2026, 11), Month(2026, 12))
        }
        assert [len(each) for each in at.values()] == [0, 1]


def test_who_waits_for_a_target_is_known() -> None:
    raw = frame(
        RawTargets,
        [
            target("005A", 1200),
            target("005B", 600, effective_date=date(2026, 6, 1)),
            target("005B", 700, fiscal_year=2027, effective_date=date(2027, 2, 1)),
        ],
    )

    def waiting(month: Month) -> list[tuple[str, int, date]]:
        found = annual_targets.coming(raw, month, book(), ORGANIZATION)
        return [(each.owner_id, each.fiscal_year, each.effective) for each in found]

    assert waiting(Month(2026, 4)) == [("005B", 2026, date(2026, 6, 1))]
    assert waiting(Month(2026, 6)) == []
    assert waiting(Month(2026, 12)) == [("005B", 2027, date(2027, 2, 1))]


def test_a_fixed_month_is_not_rephased() -> None:
    plans = PlanBook(fixed=[FixedMonth(2026, "005A", Month(2026, 3), 50_00)])
    its = targets.plan(annual(1150_00), book().for_fiscal_year(2026, ORGANIZATION), plans)
    found = rephasing.rephase(its, 0, 1, Phasing(rephase="rest_of_year"))
    assert found.months[1] == 50_00
    assert sum(found.months) + found.at_risk == 1150_00


def test_a_line_of_a_year_that_is_over_needs_no_rate() -> None:
    lines = [target("005A", 300, fiscal_year=2020, currency_code="USD"), target("005A", 100)]
    found = annual_targets.in_force(
        frame(RawTargets, lines), no_rates, Month(2026, 1), book(), ORGANIZATION
    )
    assert [(each.fiscal_year, each.amount) for each in found] == [(2026, 100_00)]


def test_a_rate_of_the_plan_is_for_one_of_the_companys_currency() -> None:
    """The company reports in yen while Salesforce's corporate currency is the euro."""
    rates = frame(RawCurrencyRates, [{"currency_code": "JPY", "rate": 160}])

    def planned(year: int) -> Rates:  # noqa: ARG001  # of every year
        return Rates(rates, "EUR", {"USD": Decimal("0.01")})

    raw = frame(RawTargets, [target("005A", 300, currency_code="USD")])
    in_yen = book('[fiscal]\ncurrency = "JPY"')
    found = annual_targets.in_force(raw, planned, Month(2026, 1), in_yen, ORGANIZATION)
    assert [each.amount for each in found] == [30_000]
