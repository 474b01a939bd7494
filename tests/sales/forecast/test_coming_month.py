"""The number of the coming month: of a person, and of sums in which one covers another."""

from datetime import date
from decimal import Decimal

import pandas as pd

from sales.calendar import Month
from sales.forecast.coming_month import coming_month
from sales.history.reconstruction import PipelineHistory
from sales.statistics.deal_outcomes import forecast_basis
from sales.statistics.point_in_time import PointInTimeData
from tests.fakes import deal, extract, saved, target
from tests.sales.firms import firm_month
from tests.sales.test_month_tables import MonthOf

JANUARY = Month(2026, 1)


def number_of(
    won: dict[str, int], month: Month = JANUARY, policy: str = "", **of_ann: object
) -> pd.DataFrame:
    """Return the coming month of Ann and Bob, who sell for 1,200 a year each in one team and won so much in January."""
    when, day = "2026-01-10 10:00", date(2026, 1, 10)
    rows = [
        saved(n, when, stage_name="Won", amount=amount, close_date=day)
        for n, amount in enumerate(won.values(), start=1)
    ]
    roles = [{"role_id": "00EN", "name": "North"}]
    users = [
        {"user_id": owner, "name": owner, "role_id": "00EN", "is_active": True}
        for owner in ("005A", "005B")
    ]
    deals = [deal(n, owner_id=owner) for n, owner in enumerate(won, start=1)]
    one = extract(deals, rows, users=users, roles=roles)
    lines = [target("005A", 1200, **of_ann), target("005B", 1200)]
    of = MonthOf(one, month, lines, policy)
    known = PointInTimeData(PipelineHistory(one, "EUR", 2), month, of.rules).known_at(month.index)
    table = coming_month(forecast_basis(known), of.snapshot, of.credit, of.phased, month, of.rules)
    return table.set_index(["grain", "grain_id"])


def cells(table: pd.DataFrame, grain: str, grain_id: str) -> tuple[Decimal, ...]:
    row = table.loc[(grain, grain_id)]
    return tuple(row[["baseline_target", "number", "people_sum", "at_risk", "ahead"]])


def test_a_surplus_of_one_covers_the_miss_of_another() -> None:
    """Ann missed all of January; Bob won 220, 20 more than both should have. Ann's number is 109.09, the team's is its plan."""
    table = number_of({"005B": 220})
    assert cells(table, "person", "005A") == (100, Decimal("109.10"), Decimal("109.10"), 0, 0)
    assert cells(table, "person", "005B") == (100, 100, 100, 0, 120)
    assert cells(table, "team", "North") == (200, 200, Decimal("209.10"), 0, 20)
    assert cells(table, "company", "Acme") == (200, 200, Decimal("209.10"), 0, 20)
    assert table["hit_probability"].isna().all()  # there is too little history
    assert table["last_year"].isna().all()


def test_a_team_is_capped_by_its_own_plan_and_says_what_is_at_risk() -> None:
    """Nothing was won until October: each must bring 1,000 more in two months that take 25 % more than their plan."""
    table = number_of({"005A": 1}, Month(2026, 10))
    assert cells(table, "team", "North") == (200, 250, 250, 2000 - 1 - 100, 0)


def test_after_the_last_month_of_a_year_nothing_is_missing_yet() -> None:
    table = number_of({"005A": 1}, Month(2026, 12))
    assert cells(table, "company", "Acme") == (0, 0, 0, 0, 0)


def test_one_who_has_left_has_no_number_and_the_team_carries_the_miss() -> None:
    """Ann left at the end of January and won nothing: her 1,200 are the team's, as far as its plan takes them."""
    table = number_of({"005B": 100}, end_date=date(2026, 1, 31))
    assert cells(table, "person", "005A") == (0, 0, 0, 1200, 0)
    assert cells(table, "team", "North") == (100, 125, 100, 1200 - 11 * 25, 0)


def test_numbers_add_up_over_the_year_and_fit_the_landing() -> None:
    """Booked, the number and what is at risk never exceed the year; the chance is that of the number."""
    firm = firm_month()
    table = firm.coming.set_index(["grain", "grain_id"])
    landing = firm.landing[firm.landing["period_kind"] == "month"].set_index(["grain", "grain_id"])
    assert set(table.index) == set(landing.index)
    for key, row in table.iterrows():
        assert row["number"] >= row["baseline_target"]
        assert not (row["at_risk"] and row["ahead"])
        if row["number"] == row["baseline_target"] != 0:
            assert row["hit_probability"] == landing.loc[key, "hit_probability"]
        elif row["number"]:
            assert row["hit_probability"] <= landing.loc[key, "hit_probability"]
    people = table.loc["person"]
    assert table.loc["company"]["people_sum"].iloc[0] == people["number"].sum()
