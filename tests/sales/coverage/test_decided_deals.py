"""What was won and lost of new and existing clients: by hand, and what must agree with bookings."""

from datetime import date
from decimal import Decimal

import pytest

from sales.calendar import Month
from sales.coverage.decided_deals import decided_deals
from tests.fakes import at, deal, extract, saved
from tests.sales.firms import firm_month
from tests.sales.history.test_booking_credit import REVENUE, split
from tests.sales.test_month_tables import MonthOf

APRIL = Month(2026, 4)
CREATED = at("2026-01-05 00:00")


def won(number: int, day: date, amount: object = 100) -> dict[str, object]:
    return saved(number, f"{day} 00:00", stage_name="Won", amount=amount, close_date=day)


def lost(number: int, day: date) -> dict[str, object]:
    """Return a deal that was lost on a day; its close date is still the planned one."""
    return saved(number, f"{day} 12:00", stage_name="Lost", close_date=date(2026, 12, 31))


def cells(month: MonthOf, grain_id: str = "Acme") -> dict[tuple[str, str], tuple[object, ...]]:
    table = decided_deals(month.snapshot, month.credit, month.month, month.rules)
    rows = table.loc[table["grain_id"] == grain_id].itertuples(index=False)
    return {
        (row.period, row.client_kind): (
            row.won_count, row.lost_count, row.won_amount, row.win_rate_pct, row.average_amount, row.median_cycle_days
        )
        for row in rows
    }  # fmt: skip


def test_by_hand() -> None:
    """Client A books in February and client B on 5 April; each is an existing one from the next day on."""
    deals = [
        deal(n, account_id=account, created_at=CREATED)
        for n, account in (
            (1, "001A"),
            (2, "001A"),
            (3, "001B"),
            (4, "001A"),
            (5, "001B"),
            (6, "001A"),
        )
    ]
    rows = [
        won(1, date(2026, 2, 4), 100),
        won(2, date(2026, 2, 4), 51),  # of the same day: still new
        won(3, date(2026, 4, 5), 70),
        lost(4, date(2026, 4, 9)),
        lost(5, date(2026, 4, 9)),
        won(6, date(2026, 5, 2), 999),  # entered ahead: not of the quarter to date
    ]
    found = cells(MonthOf(extract(deals, [*rows[:5]]), APRIL))
    assert found["FY2026-Q1", "new"] == (2, 0, Decimal("151.00"), 100.0, Decimal("75.50"), 30.0)
    assert found["FY2026-Q2", "new"] == (1, 0, Decimal("70.00"), 100.0, Decimal("70.00"), 90.0)
    existing = found["FY2026-Q2", "existing"]
    assert (existing[0], existing[1], existing[3]) == (0, 2, 0.0)
    assert {period for period, _ in found} == {
        "FY2025-Q2", "FY2025-Q3", "FY2025-Q4", "FY2026-Q1", "FY2026-Q2"
    }  # fmt: skip
    assert found["FY2025-Q3", "new"][:3] == (0, 0, Decimal("0.00"))
    ahead = saved(6, "2026-04-20 10:00", stage_name="Won", amount=999, close_date=date(2026, 5, 2))
    assert (
        cells(MonthOf(extract(deals, [*rows[:5], ahead]), APRIL))["FY2026-Q2", "existing"]
        == existing
    )


@pytest.mark.parametrize(
    ("before", "kind"), [(date(2024, 2, 1), "existing"), (date(2024, 1, 31), "new")]
)
def test_a_client_is_an_existing_one_for_24_months(before: date, kind: str) -> None:
    deals = [deal(n, created_at=at("2024-01-01 00:00")) for n in (1, 2)]
    found = cells(MonthOf(extract(deals, [won(1, before), won(2, date(2026, 2, 20))]), APRIL))
    assert found["FY2026-Q1", kind][0] == 1


def test_a_deal_without_a_client_is_of_a_new_one() -> None:
    deals = [deal(n, account_id=None) for n in (1, 2)]
    found = cells(
        MonthOf(extract(deals, [won(1, date(2026, 2, 1)), won(2, date(2026, 3, 1))]), APRIL)
    )
    assert found["FY2026-Q1", "new"][0] == 2


def test_a_deal_that_two_teams_share_counts_once_for_each_and_for_the_company() -> None:
    shares = [split(1, "005A", 60), split(1, "005B", 40)]
    one = extract([deal(1)], [won(1, date(2026, 3, 1))], splits=shares, split_types=[REVENUE])
    month = MonthOf(one, APRIL)
    assert cells(month)["FY2026-Q1", "new"][:3] == (1, 0, Decimal("100.00"))
    assert cells(month, "North")["FY2026-Q1", "new"][:3] == (1, 0, Decimal("60.00"))


@pytest.mark.slow
def test_won_amounts_are_the_bookings_of_the_quarter_to_date() -> None:
    one = firm_month()
    table = decided_deals(one.snapshot, one.credit, one.month, one.rules)
    quarter = one.rules.calendar.quarter_of(one.month)
    first, last = quarter.first.first_day, one.month.last_day
    credit = one.credit.loc[one.credit["is_won"].astype(bool)]
    booked = credit.loc[(credit["close_date"] >= first) & (credit["close_date"] <= last), "amount"]
    rows = table.loc[table["period"] == quarter.name]
    for grain in ("team", "company"):
        assert rows.loc[rows["grain"] == grain, "won_amount"].sum() == booked.sum()
    assert set(rows["client_kind"]) == {"new", "existing"}
