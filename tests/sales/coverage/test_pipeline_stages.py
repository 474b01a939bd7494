"""Open deals by stage and age, by hand, and what must add up on a firm with a long past."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from sales.calendar import Month
from sales.coverage.pipeline_stages import pipeline_stages
from tests.fakes import STAGES, at, deal, extract, saved
from tests.sales.firms import firm_month
from tests.sales.history.test_booking_credit import REVENUE, split
from tests.sales.test_month_tables import MonthOf

MARCH = Month(2026, 3)


def test_by_hand() -> None:
    """At the end of March 2026: deals 1 and 5 are 85 days old, deal 2 is 456 and deal 3 is 152; deal 4 is won, deal 5 has no amount."""
    old = {2: "2024-12-31 00:00", 3: "2025-10-31 00:00"}
    deals = [deal(n, created_at=at(old.get(n, "2026-01-05 10:00"))) for n in range(1, 6)]
    rows = [
        saved(1, "2026-01-05 10:00", amount=100),
        saved(2, "2026-01-05 10:00", amount=30),
        saved(3, "2026-01-05 10:00", amount=7),
        saved(4, "2026-01-05 10:00", amount=900, stage_name="Won", close_date=date(2026, 2, 1)),
        saved(5, "2026-01-05 10:00", amount=None),
    ]
    one = extract(deals, rows)
    month = MonthOf(one, MARCH)
    table = pipeline_stages(month.snapshot, month.credit, one.stages, MARCH, month.rules)
    names = [
        "grain_id",
        "stage_name",
        "open_count",
        "without_amount_count",
        "open_pipeline",
        "up_to_90",
        "up_to_180",
        "up_to_365",
        "older",
    ]
    row = table.loc[table["grain"] == "company", names]
    assert row.to_numpy().tolist() == [
        ["Acme", "Open", 4, 1, *(Decimal(f"{each}.00") for each in (137, 100, 7, 0, 30))]
    ]
    assert float(
        table.loc[table["grain"] == "company", "median_age_days"].iloc[0]
    ) == pytest.approx((85 + 14 / 24 + 152) / 2)


def test_stages_stand_in_the_order_of_the_sales_process() -> None:
    known = [{**each, "sort_order": 9 - n} for n, each in enumerate(STAGES)]
    early = {
        "stage_name": "Early",
        "is_closed": False,
        "is_won": False,
        "is_active": True,
        "is_listed": True,
    }
    one = extract(
        [deal(1), deal(2)],
        [saved(1, "2026-01-05 10:00"), saved(2, "2026-01-05 10:00", stage_name="Early")],
        stages=[*known, {**early, "sort_order": 1}],
    )
    month = MonthOf(one, MARCH)
    table = pipeline_stages(month.snapshot, month.credit, one.stages, MARCH, month.rules)
    assert table.loc[table["grain"] == "company", "stage_name"].tolist() == ["Early", "Open"]


def test_a_deal_that_two_share_is_one_deal_of_their_team_and_the_company() -> None:
    """Ann and Bob have 60 and 40 of deal 1: each has it, and the company has one of 100."""
    shares = [split(1, "005A", 60), split(1, "005B", 40)]
    one = extract([deal(1)], [saved(1, "2026-01-05 10:00")], splits=shares, split_types=[REVENUE])
    month = MonthOf(one, MARCH)
    table = pipeline_stages(month.snapshot, month.credit, one.stages, MARCH, month.rules)
    cells = table.set_index("grain_id")[["open_count", "open_pipeline"]]
    assert cells.loc["005A"].tolist() == [1, Decimal("60.00")]
    assert cells.loc["005B"].tolist() == [1, Decimal("40.00")]
    assert cells.loc["Acme"].tolist() == [1, Decimal("100.00")]


@pytest.mark.slow
def test_people_add_up_to_teams_and_the_company() -> None:
    one = firm_month()
    table = pipeline_stages(one.snapshot, one.credit, one.extract.stages, one.month, one.rules)
    sums = {
        kind: rows.groupby("stage_name")["open_pipeline"].sum().to_dict()
        for kind, rows in table.groupby("grain")
    }
    assert sums["person"] == sums["team"] == sums["company"]
    opened = one.snapshot.loc[one.snapshot["is_open"].astype(bool)]
    company: pd.DataFrame = table.loc[table["grain"] == "company"]
    assert company["open_pipeline"].sum() == opened["amount"].sum()
    assert company["open_count"].sum() == len(opened)
