"""What a year takes, on tables small enough to be reckoned by hand."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks.plan_skill import generated_firm, rules
from sales import arrow as columns
from sales.calendar import Month
from sales.forecast.client_agreements import agreed_months
from sales.forecast.generation import LONGEST_LEAD, Creation
from sales.forecast.work import Work
from sales.forecast.work_capacity import WorkCapacity
from sales.planning.needs import creation_by_month, quarters_needed, sources_needed, work_needed
from sales.targets.stated_plans import Agreement, StatedCapacity
from tests.fakes import rules as rules_of

YEAR = rules().calendar.year(2026)
KNOWN = generated_firm(3, people=2).known


def creation(lead: dict[int, float]) -> Creation:
    """Half of the money of web deals is won, and a quarter of partners'; a booking is three parts web, one part partner."""
    share = np.zeros(LONGEST_LEAD + 1)
    for months, part in lead.items():
        share[months] = part
    return Creation(
        columns.text(["web", "partner"]),
        conversion=np.array([0.5, 0.25]),
        lead=share,
        lead_months=np.array([1.0, 3.0]),
        mix=np.array([0.75, 0.25]),
    )


def test_new_pipeline_by_source_and_what_of_it_is_made_before_the_year() -> None:
    targets = [100] * 12
    how = creation({0: 0.5, 2: 0.5})
    found = {each.owner: each for each in sources_needed(how, KNOWN, YEAR, targets, rules())}
    assert (found["web"].needed, found["partner"].needed) == (1800, 1200)
    # Half of what January and February bring is created two months before: in November and
    # December, both of which are over.
    assert (found["web"].before, found["partner"].before) == (0, 0)
    assert (found["web"].over, found["partner"].over) == (150, 100)
    in_october = replace(KNOWN, month=KNOWN.month - 2)
    earlier = {each.owner: each for each in sources_needed(how, in_october, YEAR, targets, rules())}
    assert (earlier["web"].before, earlier["web"].over) == (150, 0)
    assert found["web"].conversion == pytest.approx(0.5)


def test_sources_of_one_owner_are_told_together() -> None:
    policy = rules_of('[sources]\nweb = "Marketing"\npartner = "Marketing"')
    (one,) = sources_needed(creation({0: 1.0}), KNOWN, YEAR, [100] * 12, policy)
    assert (one.owner, one.needed, one.before + one.over) == ("Marketing", 3000, 0)
    assert one.conversion == pytest.approx(0.4), "1,200 booked of 3,000 created"
    assert one.lead_months == pytest.approx((1800 * 1 + 1200 * 3) / 3000)


def test_each_month_is_created_by_lead_time() -> None:
    found = creation_by_month(creation({0: 0.5, 2: 0.5}), YEAR, [100, 0, 40, *[0] * 9])
    # 2.5 of new pipeline for each unit booked.
    assert found == {Month(2025, 11): 125, Month(2026, 1): 175, Month(2026, 3): 50}


def test_where_nothing_is_known_nothing_is_asked() -> None:
    assert sources_needed(None, KNOWN, YEAR, [100] * 12, rules()) == []
    assert creation_by_month(None, YEAR, [100] * 12) == {}
    quarters = quarters_needed(None, None, rules().calendar, YEAR, list(range(12)))
    assert [(each.quarter.name, each.target, each.ratio) for each in quarters] == [
        ("FY2026-Q1", 3, None),
        ("FY2026-Q2", 12, None),
        ("FY2026-Q3", 21, None),
        ("FY2026-Q4", 30, None),
    ]


def test_work_follows_bookings_in_thirds_and_people_are_those_beyond_capacity() -> None:
    won = Work(np.array([0]), np.array([Month(2026, 1).index]), np.array([4.0]), np.array([True]))
    booked = [(Month(2025, 12), 30.0), (Month(2026, 1), 60.0)]
    found = work_needed(
        won, booked, 0.5, YEAR, rules_of("[clients]\ncapacity_days = 8\ndays_per_person = 5")
    )
    assert [each.days for each in found[:5]] == pytest.approx([9.0, 15.0, 15.0, 10.0, 0.0])
    assert [each.people for each in found[:5]] == [1, 2, 2, 1, 0]
    in_all = work_needed(won, booked, 0.5, YEAR, rules_of("[clients]\ndays_per_person = 5"))
    assert [each.people for each in in_all[:5]] == [2, 3, 3, 2, 0], "no capacity is stated"


def test_work_of_agreements_counts_and_months_without_a_capacity_ask_for_nobody() -> None:
    """From March on 8 days can be done; the agreement takes 6 days a month."""
    won = Work(np.array([0]), np.array([Month(2026, 4).index]), np.array([9.0]), np.array([True]))
    support = Agreement(
        "001A", "A", "Support", date(2025, 1, 1), date(2025, 1, 1), None, 100, 6.0, ""
    )
    agreed = agreed_months([support], YEAR.first, len(YEAR.months), rules().calendar)
    its_rules = rules_of("[clients]\ndays_per_person = 5")
    capacity = WorkCapacity([StatedCapacity(Month(2026, 3), "", 8.0)], its_rules.policy.clients)
    found = work_needed(won, [], 0.5, YEAR, its_rules, agreed, capacity)
    assert [(each.days, each.people, each.capacity) for each in found[:4]] == [
        (6.0, None, None),
        (6.0, None, None),
        (6.0, 0, 8.0),
        (15.0, 2, 8.0),
    ]
