"""Targets of a year to come: they add up, they round, and what they say of their chance is what comes."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.plan_skill import YEAR, capacity_of, generated_firm, judged, rules
from sales.calendar import Month
from sales.planning.capacity import Capacity, Member, capacity
from sales.planning.scenario import PlanScenario
from sales.planning.year_plan import ImpossiblePlan, YearPlan, planned_by_member, year_plan
from sales.policy.reading import parse_policy
from sales.policy.rules import MonthRules
from sales.targets.stated_plans import NO_PLANS, ClientPlan, Leave, PlanBook

FIRM = generated_firm(7, people=5)
YEAR_PERIOD = rules().calendar.year(YEAR)


@lru_cache
def its_capacity() -> Capacity:
    return capacity_of(FIRM)


def with_members(*members: Member, leaving: tuple[Member, ...] = (), by: str = "") -> Capacity:
    return capacity(members, leaving, YEAR_PERIOD, FIRM.known, rules_of(by))


def rules_of(text: str) -> MonthRules:
    return replace(rules(), policy=parse_policy(text, "fy2026.toml"))


def plan(
    scenario: PlanScenario, one: Capacity | None = None, by: str = "", **agreed: Decimal
) -> YearPlan:
    named = {name.replace("_", " "): amount for name, amount in agreed.items()}
    return year_plan(
        scenario, "Test", one or its_capacity(), named, {}, rules_of(by), YEAR, NO_PLANS, None
    )


def test_without_a_number_each_target_is_what_may_be_expected() -> None:
    found = plan(PlanScenario())
    for row in found.members:
        assert row.target % 1000_00 == 0
        assert abs(row.target - row.expected) <= 500_00
        assert 0.40 < row.chance < 0.52, (
            "sums of deals are skewed: a person on plan stands below a half"
        )
    assert found.company.target == sum(row.target for row in found.members)


def test_by_a_chance_each_target_is_reached_with_it() -> None:
    for wanted in (0.3, 0.6, 0.9):
        found = plan(PlanScenario(chance=Decimal(str(wanted))))
        assert [row.chance for row in found.members] == pytest.approx([wanted] * 5, abs=0.005)
        assert all(row.chance >= wanted for row in found.members), "never rounded up"


@given(
    number=st.decimals(0, 10**9, places=2),
    unit=st.sampled_from([Decimal("0.01"), Decimal(1), Decimal(1000), Decimal(25_000)]),
    agreed=st.one_of(st.none(), st.decimals(0, 10**6, places=2)),
)
def test_targets_add_up_to_the_number_to_the_cent_and_months_to_targets(
    number: Decimal, unit: Decimal, agreed: Decimal | None
) -> None:
    fixed = {} if agreed is None else {"person_2": agreed}
    scenario = PlanScenario(number=number, round_to=unit)
    if agreed is not None and agreed > number:
        with pytest.raises(ImpossiblePlan, match="the agreed targets come to"):
            plan(scenario, **fixed)
        return
    found = plan(scenario, **fixed)
    assert sum(row.target for row in found.members) == int(number * 100)
    assert [sum(row.months) for row in found.members] == [row.target for row in found.members]
    assert found.months == [
        sum(parts) for parts in zip(*(row.months for row in found.members), strict=True)
    ]
    assert sum(team.target for team in found.teams) == found.company.target
    free = [row.target for row in found.members if not row.is_agreed]
    assert sum(amount % int(unit * 100) != 0 for amount in free) <= 1
    if agreed is not None:
        assert found.members[2].target == int(agreed * 100)
    assert all(0 <= row.chance <= 1 for row in found.members)


def test_who_may_be_expected_to_book_more_is_asked_for_more() -> None:
    found = plan(PlanScenario(number=Decimal(3_000_000), round_to=Decimal("0.01")))
    ratio = [row.target / row.expected for row in found.members]
    assert ratio == pytest.approx([ratio[0]] * 5, rel=1e-6)


def test_a_larger_number_has_a_smaller_chance_and_misses_lower_it() -> None:
    numbers = [Decimal(n) * 250_000 for n in range(8, 20)]
    found = [plan(PlanScenario(number=number)) for number in numbers]
    for rows in zip(*(each.members for each in found), strict=True):
        chances = [row.chance for row in rows]
        assert chances == sorted(chances, reverse=True)
        for row in rows:
            assert row.after_misses is not None
            assert row.after_misses < row.chance
    of_company = [each.company.chance for each in found]
    assert of_company == sorted(of_company, reverse=True)


def test_a_seat_comes_on_top_of_what_the_company_books_and_a_leaver_takes_their_own_away() -> None:
    before = its_capacity().expected.sum(axis=1)
    seat = Member("Seat", "Seat", "Sales", sells_today=False, is_seat=True)
    more = with_members(*FIRM.members, seat).expected.sum(axis=1)
    assert more[:5] == pytest.approx(before)
    assert more[5] == pytest.approx(before.mean(), rel=0.25), "as this company's sellers do"
    fewer = with_members(*FIRM.members[1:], leaving=FIRM.members[:1]).expected.sum(axis=1)
    assert fewer == pytest.approx(before[1:]), "nobody takes over what a leaver sold"


def test_start_ramp_end_leave_and_share_count_by_month() -> None:
    whole = with_members(*FIRM.members).expected[0]
    later = replace(FIRM.members[0], start=date(2026, 3, 10))
    ramped = with_members(later, *FIRM.members[1:], by="[phasing]\nramp = [0.25, 0.5]").expected[0]
    assert ramped / whole == pytest.approx([0, 0, 0.25, 0.5, *[1] * 8])
    gone = replace(FIRM.members[0], end=date(2026, 2, 1), share=Fraction(1, 2))
    assert with_members(gone, *FIRM.members[1:]).expected[0] / whole == pytest.approx(
        [0.5, 0.5, *[0] * 10]
    )
    away = replace(
        FIRM.members[0], leaves=(Leave("person 0", date(2026, 2, 1), date(2026, 2, 28)),)
    )
    assert with_members(away, *FIRM.members[1:]).expected[0] / whole == pytest.approx(
        [1, 0, *[1] * 10]
    )


def test_where_targets_are_cut_to_months_the_book_states_the_whole_year() -> None:
    half = replace(FIRM.members[0], end=date(2026, 6, 30))
    by = '[targets]\nbasis = "full_year"'
    one = with_members(half, *FIRM.members[1:], by=by)
    found = plan(PlanScenario(number=Decimal(2_000_000)), one, by)
    first = found.members[0]
    assert sum(first.months) == first.target
    assert first.months[6:] == [0] * 6
    assert first.stated == 2 * first.target, "half the months, half the target"
    assert sum(row.target for row in found.members) == 2_000_000_00


def test_whose_months_have_no_weight_is_asked_for_nothing() -> None:
    gone = replace(FIRM.members[0], end=date(2026, 11, 30))
    weights = ", ".join(["0"] * 11 + ["1"])
    by = f'[targets]\nbasis = "full_year"\n[phasing]\nmethod = "custom"\nweights = [{weights}]'
    one = with_members(gone, *FIRM.members[1:], by=by)
    found = plan(PlanScenario(number=Decimal(3_000_000)), one, by)
    assert (found.members[0].target, found.company.target) == (0, 3_000_000_00)
    with pytest.raises(ImpossiblePlan, match="have no weight in the phasing"):
        plan(PlanScenario(number=Decimal(3_000_000)), one, by, person_0=Decimal(5))


def test_impossible_plans_are_told() -> None:
    with pytest.raises(ImpossiblePlan, match="parts below the smallest amount"):
        plan(PlanScenario(round_to=Decimal("0.001")))
    nobody = with_members(replace(FIRM.members[0], share=Fraction(0)), leaving=FIRM.members[1:])
    with pytest.raises(ImpossiblePlan, match="nothing can be expected"):
        plan(PlanScenario(number=Decimal(10)), nobody)
    assert plan(PlanScenario(number=Decimal(0)), nobody).company.target == 0


def test_plans_of_clients_count_for_who_holds_them_and_in_the_year_only() -> None:
    book = PlanBook(
        clients=[
            ClientPlan("a", Month(2026, 1), 100),
            ClientPlan("a", Month(2026, 12), 20),
            ClientPlan("b", Month(2026, 5), 7),
            ClientPlan("a", Month(2027, 1), 1000),
            ClientPlan("c", Month(2026, 1), 1000),
        ]
    )
    assert planned_by_member(book, YEAR_PERIOD, {"a": "x", "b": "x"}) == {"x": 127}


def test_the_chance_of_the_company_is_that_of_its_people_together() -> None:
    one = its_capacity()
    chance = np.random.default_rng(1)
    factors = np.exp(one.common * np.array([-(3**0.5), 0, 3**0.5]))
    factors /= (np.array([1 / 6, 2 / 3, 1 / 6]) * factors).sum()
    drawn = np.zeros(20_000)
    node = chance.choice(3, len(drawn), p=[1 / 6, 2 / 3, 1 / 6])
    for deals, sizes, spread in zip(one.deals.sum(axis=1), one.sizes, one.dispersion, strict=True):
        rate = deals * factors[node] * chance.gamma(1 / spread, spread, len(drawn))
        number = chance.poisson(rate)
        picked = chance.choice(sizes, (len(drawn), number.max()))
        drawn += (picked * (np.arange(number.max())[None, :] < number[:, None])).sum(axis=1)
    for share in (0.8, 1.0, 1.2):
        number = Decimal(int(one.expected.sum() * share)) / 100
        found = plan(PlanScenario(number=number)).company.chance
        assert found == pytest.approx((drawn >= float(number) * 100).mean(), abs=0.02)


@pytest.mark.slow
def test_targets_are_reached_by_the_share_of_people_that_they_say() -> None:
    """Six hundred people; of those who missed two months there are fewer, and chance has more room."""
    for ambition, plans in judged(60).items():
        for (said, reached), room in ((plans.of_all, 0.05), (plans.of_missed, 0.07)):
            assert reached == pytest.approx(said, abs=room), f"{ambition} of what may be expected"
