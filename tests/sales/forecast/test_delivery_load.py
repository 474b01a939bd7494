"""Work against capacity, and agreements: by hand, and the laws that hold of any."""

from datetime import date, timedelta
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.history import OpportunitySnapshot
from sales.forecast.client_agreements import agreed_months, client_agreements, known_agreements
from sales.forecast.client_phasing import client_phasing
from sales.forecast.closing_plan import closing_plan
from sales.forecast.delivery_load import account_load, delivery_load
from sales.forecast.work_capacity import capacity_of
from sales.targets.stated_plans import NO_PLANS, Agreement, PlanBook, StatedCapacity
from tests.fakes import EXTRACTED_AT, at, frame, rules
from tests.sales.firms import firm_month

MARCH = Month(2026, 3)
TEN_A_PERSON = "[clients]\ndays_per_person = 10\n"


def won(
    number: int, account: str, team: str, days: float | None, booked: date, **more: object
) -> dict[str, object]:
    """Return a deal whose work is done in April and May, half in each."""
    return {
        "month": "2026-03",
        "opportunity_id": f"006{number:012d}AAA",
        "account_id": account,
        "account_name": f"Client {account[-1]}",
        "owner_id": "005A",
        "team": team,
        "close_date": booked,
        "is_open": False,
        "is_won": True,
        "created_at": at("2026-01-05 10:00"),
        "push_count": 0,
        "effort_days": days,
        "service_start": date(2026, 4, 1),
        "service_end": date(2026, 5, 31),
        "extracted_at": EXTRACTED_AT,
        **more,
    }


def agreed(account: str = "001C", name: str = "Support", **more: object) -> Agreement:
    """Return an agreement of 1,000.00 and 8 days a month, signed on the first of February for the year from April on."""
    stated: dict[str, object] = {
        "signed_on": date(2026, 2, 1),
        "start": date(2026, 4, 1),
        "end": date(2027, 3, 31),
        "amount": 1_000_00,
        "days": 8.0,
        "team": "North",
    }
    return Agreement(account, f"Client {account[-1]}", name, **{**stated, **more})  # type: ignore[arg-type]


# North can do 50 days a month, the company 90; South has no number of its own.
BOOK = PlanBook(
    agreements=[agreed()],
    capacities=[StatedCapacity(MARCH, "", 90.0), StatedCapacity(MARCH, "North", 50.0)],
)
DEALS = [
    won(1, "001A", "North", 60.0, date(2026, 3, 20)),
    won(2, "001B", "North", 50.0, date(2026, 1, 10)),
    won(3, "001A", "South", 80.0, date(2026, 3, 10)),
]


def shown(
    table: pd.DataFrame, month: str, *names: str
) -> dict[tuple[str, str], tuple[object, ...]]:
    """Return cells of a month, by the two columns that name a row; None where empty."""
    rows = table.loc[table["month"] == month]
    return {
        (each[0], each[1]): tuple(None if cell is pd.NA else cell for cell in each[2:])
        for each in rows[[*table.columns[1:3], *names]].itertuples(index=False)
    }


def test_people_lack_where_work_was_agreed_last() -> None:
    """April has 8 days of the agreement, 25 of the deal won in January and 30 of the one won in March: 13 of North's 63 do not fit."""
    snapshot = frame(OpportunitySnapshot, DEALS)
    given_to = (snapshot, None, BOOK, MARCH, rules(TEN_A_PERSON), EXTRACTED_AT)
    names = ("agreed_days", "won_days", "capacity_days", "days_beyond", "people_needed")
    assert shown(delivery_load(*given_to), "2026-04", *names) == {
        ("company", "Acme"): (8.0, 95.0, 90.0, 13.0, 2),
        ("team", "North"): (8.0, 55.0, 50.0, 13.0, 2),
        ("team", "South"): (0.0, 40.0, None, None, None),
    }
    # South has no capacity: its deal is held against the company's, after what was agreed before it.
    assert shown(
        account_load(*given_to), "2026-04", "won_days", "days_beyond", "people_needed"
    ) == {
        ("001A", "North"): (30.0, 13.0, 2),
        ("001A", "South"): (40.0, 0.0, 0),
        ("001B", "North"): (25.0, 0.0, 0),
        ("001C", "North"): (0.0, 0.0, 0),
    }


def test_without_a_capacity_nothing_is_said_to_lack() -> None:
    snapshot = frame(OpportunitySnapshot, DEALS)
    given_to = (snapshot, None, NO_PLANS, MARCH, rules(TEN_A_PERSON), EXTRACTED_AT)
    for table in (delivery_load(*given_to), account_load(*given_to)):
        assert len(table)
        assert table[["days_beyond", "people_needed"]].isna().all(axis=None)


def test_a_capacity_holds_from_its_month_on() -> None:
    stated = [StatedCapacity(Month(2026, n), "", days) for n, days in ((6, 70.0), (4, 120.0))]
    load = delivery_load(
        frame(OpportunitySnapshot, DEALS),
        None,
        PlanBook(capacities=stated),
        MARCH,
        rules("[clients]\ncapacity_days = 99\n"),
        EXTRACTED_AT,
    )
    of_company = load.loc[load["grain"] == "company"].set_index("month")["capacity_days"]
    assert of_company[["2026-04", "2026-05", "2026-06", "2027-03"]].tolist() == [120, 120, 70, 70]


def test_no_work_is_no_row() -> None:
    bare = frame(OpportunitySnapshot, [won(1, "001A", "North", None, date(2026, 3, 20))])
    given_to = (bare, None, PlanBook(capacities=BOOK.capacities), MARCH, rules(""), EXTRACTED_AT)
    assert delivery_load(*given_to).empty
    assert account_load(*given_to).empty


def test_the_latest_signature_by_the_month_end_counts() -> None:
    """In March the terms of February hold; what is signed in April is not known yet."""
    later = agreed(amount=2_000_00, signed_on=date(2026, 4, 1))
    book = [later, agreed(), agreed("001D", signed_on=date(2026, 4, 1))]
    assert known_agreements(book, MARCH, rules("")) == [agreed()]
    assert [each.amount for each in known_agreements(book, MARCH.plus(1), rules(""))] == [
        2_000_00,
        1_000_00,
    ]


def test_earlier_terms_hold_until_later_ones_begin() -> None:
    """From April 2026 on 1,000, from October on 2,000 by a signature of March; a third one ends all of it with November."""
    raised = agreed(amount=2_000_00, signed_on=date(2026, 3, 5), start=date(2026, 10, 1))
    both = known_agreements([raised, agreed()], MARCH, rules(""))
    assert [(each.start, each.end, each.amount) for each in both] == [
        (date(2026, 4, 1), date(2026, 9, 30), 1_000_00),
        (date(2026, 10, 1), date(2027, 3, 31), 2_000_00),
    ]
    snapshot = frame(OpportunitySnapshot, DEALS)
    table = client_agreements(snapshot, [agreed(), raised], MARCH, rules(""), EXTRACTED_AT)
    assert table[["monthly_amount", "backlog"]].to_numpy().tolist() == [
        [Decimal("2000.00"), Decimal("18000.00")]
    ]
    ended = agreed(
        amount=0, signed_on=date(2026, 3, 9), start=date(2026, 12, 1), end=date(2026, 12, 1)
    )
    three = known_agreements([agreed(), raised, ended], MARCH, rules(""))
    assert [each.end for each in three] == [
        date(2026, 9, 30),
        date(2026, 11, 30),
        date(2026, 12, 1),
    ]


@given(
    days=st.lists(
        st.tuples(st.integers(0, 300), st.integers(0, 300), st.integers(0, 400)),
        max_size=6,
        unique_by=lambda each: each[0],
    )
)
def test_no_day_is_agreed_twice(days: list[tuple[int, int, int]]) -> None:
    """Whatever is signed when, and for which days: each day has the terms that were signed last of those that begin by then."""
    first = date(2025, 1, 1)
    book = [
        agreed(
            amount=n,
            signed_on=first + timedelta(days=signed),
            start=first + timedelta(days=start),
            end=first + timedelta(days=start + length),
        )
        for n, (signed, start, length) in enumerate(days)
    ]
    known = known_agreements(book, Month(2026, 12), rules(""))
    for n in range(0, 720, 13):
        day = first + timedelta(days=n)
        begun = [each for each in book if each.start <= day]
        last = max(begun, key=lambda each: each.signed_on, default=None)
        expected = [last.amount] if last and last.end and day <= last.end else []
        found = [
            each.amount for each in known if each.start <= day and each.end and day <= each.end
        ]
        assert found == expected


def test_a_capacity_is_known_from_the_day_on_which_it_was_stated() -> None:
    later = StatedCapacity(MARCH, "", 20.0, date(2026, 4, 1))
    first = StatedCapacity(MARCH, "", 90.0, date(2026, 3, 31))
    plans = PlanBook(capacities=[later, first])
    april = MARCH.plus(1)
    assert capacity_of(plans, MARCH, rules("")).of_company(april) == 90.0
    assert capacity_of(plans, april, rules("")).of_company(april) == 20.0


def test_a_month_in_part_counts_by_its_days_and_an_agreement_without_an_end_runs_on() -> None:
    """From 16 April: half of April's 30 days; to 10 May 2027: ten of 31."""
    calendar = rules("").calendar
    part = agreed_months(
        [agreed(start=date(2026, 4, 16), end=date(2027, 5, 10))], MARCH, 24, calendar
    )
    assert (part[0].month, part[0].amount, part[0].days) == (Month(2026, 4), 500_00, 4.0)
    assert (part[-1].month, part[-1].amount) == (Month(2027, 5), round(1_000_00 * 10 / 31))
    assert len(agreed_months([agreed(end=None)], MARCH, 24, calendar)) == 23


def test_agreements_that_run_on_are_listed_with_their_backlog() -> None:
    deals = [*DEALS, won(4, "001C", "South", None, date(2026, 9, 1), is_open=True, is_won=False)]
    book = [agreed(), agreed("001D", end=date(2026, 3, 31)), agreed("001B", "", team="", end=None)]
    table = client_agreements(
        frame(OpportunitySnapshot, deals), book, MARCH, rules(""), EXTRACTED_AT
    )
    assert table[["account_id", "backlog", "open_deals", "team"]].to_numpy().tolist() == [
        ["001B", Decimal("12000.00"), 0, "North"],
        ["001C", Decimal("12000.00"), 1, "North"],
    ]


def test_agreements_stand_beside_bookings_by_month() -> None:
    """A client without a deal appears by its agreement alone, under its own name."""
    table = client_phasing(
        frame(OpportunitySnapshot, DEALS), None, MARCH, rules(""), [agreed(), agreed("001B")]
    )
    months = table.set_index(["account_id", "month"])
    assert months.loc[
        ("001C", "2026-04"), ["agreed", "delivery_days", "account_name"]
    ].tolist() == [
        Decimal("1000.00"),
        8.0,
        "Client C",
    ]
    assert months.loc[("001B", "2026-05"), ["agreed", "delivery_days"]].tolist() == [
        Decimal("1000.00"),
        33.0,
    ]
    assert table["agreed"].sum() == 24_000


def test_a_late_confirmation_moves_the_work_with_it() -> None:
    """Deal 1 was to start in April and has its close date in May; deal 2 is overdue; deal 3 is in time; deal 4 brings no work."""
    is_open = {"is_open": True, "is_won": False}
    bare = {**is_open, "service_start": None, "service_end": None}
    deals = [
        won(1, "001A", "North", 30.0, date(2026, 5, 20), **is_open),
        won(2, "001A", "North", 20.0, date(2026, 2, 10), **bare),
        won(3, "001B", "North", 10.0, date(2026, 4, 10), **is_open),
        won(4, "001B", "North", None, date(2026, 4, 10), **is_open),
    ]
    plan = closing_plan(frame(OpportunitySnapshot, deals), MARCH, rules(""))
    cells = plan[["effort_days", "work_month", "likely_work_month"]]
    assert [[None if each is pd.NA else each for each in row] for row in cells.to_numpy()] == [
        [30.0, "2026-04", "2026-05"],
        [20.0, "2026-03", "2026-05"],
        [10.0, "2026-04", "2026-04"],
        [None, None, None],
    ]


@given(
    efforts=st.lists(st.floats(0.1, 500), min_size=1, max_size=8),
    of_team=st.integers(0, 400),
    of_company=st.integers(0, 900),
)
def test_what_lacks_is_the_same_by_client_as_by_team(
    efforts: list[float], of_team: int, of_company: int
) -> None:
    """Whatever the deals: nothing is lost by client, and what is beyond a capacity adds up to the team's."""
    deals = [
        won(n, f"001{'ABC'[n % 3]}", "North" if n % 2 else "South", days, date(2026, 3, 1 + n))
        for n, days in enumerate(efforts)
    ]
    book = PlanBook(
        agreements=BOOK.agreements,
        capacities=[
            StatedCapacity(MARCH, "", float(of_company)),
            *(StatedCapacity(MARCH, team, float(of_team)) for team in ("North", "South")),
        ],
    )
    given_to = (frame(OpportunitySnapshot, deals), None, book, MARCH, rules(""), EXTRACTED_AT)
    load, accounts = delivery_load(*given_to), account_load(*given_to)
    teams = load.loc[load["grain"] == "team"]
    for name in ("agreed_days", "won_days", "expected_days", "days_beyond"):
        by_team = teams.groupby(["grain_id", "month"])[name].sum()
        by_client = accounts.groupby(["team", "month"])[name].sum().reindex(by_team.index).fillna(0)
        np.testing.assert_allclose(by_client.to_numpy(float), by_team.to_numpy(float), atol=1e-4)
    company = load.loc[load["grain"] == "company", "won_days"].sum()
    assert float(company) == pytest.approx(sum(efforts), abs=1e-4)


@pytest.mark.slow
def test_expected_work_takes_people_last() -> None:
    """With room for all that is won and no more, all that lacks is expected work."""
    one = firm_month()
    size = len(one.snapshot)
    snapshot = one.snapshot.assign(effort_days=columns.series(pa.array([6.0] * size)))
    free = delivery_load(snapshot, one.forecast_basis, NO_PLANS, one.month, one.rules, EXTRACTED_AT)
    won_days = free.loc[free["grain"] == "company", ["month", "won_days"]]
    book = PlanBook(
        capacities=[
            StatedCapacity(Month.parse(month), "", float(days))
            for month, days in won_days.itertuples(index=False)
        ]
    )
    given_to = (snapshot, one.forecast_basis, book, one.month, one.rules, EXTRACTED_AT)
    load, accounts = delivery_load(*given_to), account_load(*given_to)
    company = load.loc[load["grain"] == "company"]
    assert company["days_beyond"].sum() > 0
    assert (accounts["days_beyond"] <= accounts["expected_days"] + 1e-5).all()
    assert float(accounts["days_beyond"].sum()) == pytest.approx(
        float(company["days_beyond"].sum()), abs=1e-3
    )
