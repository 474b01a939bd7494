"""Bookings and open pipeline by the policy's dimension: by hand, and what must add up on a firm with a long past."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa

from sales import arrow as columns
from sales.calendar import Month
from sales.checks.invariants import breakdown_adds_up
from sales.coverage.dimension_breakdown import dimension_breakdown
from sales.coverage.pipeline_stages import pipeline_stages
from sales.targets.attainment import target_attainment
from tests.fakes import at, deal, extract, saved
from tests.sales.firms import FirmMonth, firm_month
from tests.sales.history.test_booking_credit import REVENUE, split
from tests.sales.test_month_tables import MonthOf

MARCH = Month(2026, 3)
POLICY = '[pipeline]\ndimension = "Line__c"'
MONEY = ("bookings", "last_year", "new_bookings", "existing_bookings", "open_pipeline")


def won(number: int, amount: int, day: date) -> dict[str, object]:
    return saved(number, "2025-01-05 10:00", amount=amount, stage_name="Won", close_date=day)


def of(number: int, line: str | None, **more: object) -> dict[str, object]:
    created = at("2025-01-01 10:00")
    return deal(number, dimension=line, created_at=created, **more)


def breakdown(month: MonthOf, *, is_read: bool = True) -> pd.DataFrame:
    return dimension_breakdown(
        month.snapshot, month.credit, month.month, month.rules, is_read=is_read
    )


def company(table: pd.DataFrame) -> dict[str, list[object]]:
    rows = table.loc[table["grain"] == "company"]
    names = [*MONEY, "share_pct", "open_count", "without_amount_count"]
    return {
        row["dimension"]: [
            None if pd.isna(row[name]) else int(row[name]) if name in MONEY else row[name]
            for name in names
        ]
        for row in rows.to_dict("records")
    }


def test_by_hand() -> None:
    """Client 001A booked Tax in January 2025, so that its 60 of January 2026 are an existing client's; 001B is new, and once only."""
    deals = [
        of(1, "Tax"),
        of(2, "Audit"),
        of(3, "Audit", account_id="001B"),
        of(4, None, account_id="001C"),
        of(5, "Audit"),
        of(6, "Tax"),
        of(7, "Old"),
    ]
    rows = [
        won(1, 500, date(2025, 1, 20)),
        won(2, 60, date(2026, 1, 10)),
        won(3, 40, date(2026, 3, 31)),
        won(4, 100, date(2026, 2, 2)),
        saved(5, "2025-01-05 10:00", amount=None, close_date=date(2025, 12, 1)),
        saved(6, "2025-01-05 10:00", amount=7),
        won(7, 900, date(2025, 4, 1)),
    ]
    one = replace(extract(deals, rows), dimension_field="Line__c")
    found = company(breakdown(MonthOf(one, MARCH, policy=POLICY)))
    assert found == {
        "": [100, 0, 100, 0, 0, 50.0, 0, 0],
        "Audit": [100, 0, 40, 60, 0, 50.0, 1, 1],
        "Tax": [0, 500, 0, 0, 7, 0.0, 1, 0],
    }


def test_a_value_is_the_one_of_the_month_end_and_changes_of_other_fields_are_not() -> None:
    changes = [
        {
            "change_id": f"017{name}",
            "opportunity_id": deal(1)["opportunity_id"],
            "created_at": at("2026-04-10 10:00"),
            "field": name,
            "data_type": "Text",
            "old_value": value,
        }
        for name, value in (("Line__c", "Audit"), ("Other__c", "Nothing"))
    ]
    one = replace(extract([of(1, "Tax")], [], changes), dimension_field="Line__c")
    march, april = (MonthOf(one, month, policy=POLICY) for month in (MARCH, Month(2026, 4)))
    assert [list(company(breakdown(each))) for each in (march, april)] == [["Audit"], ["Tax"]]


def test_a_shared_deal_is_one_deal_and_money_stays_whole() -> None:
    one = extract(
        [of(1, "Tax")],
        [saved(1, "2025-01-05 10:00", amount="100.01")],
        splits=[split(1, "005A", 50), split(1, "005B", 50)],
        split_types=[REVENUE],
    )
    table = breakdown(MonthOf(replace(one, dimension_field="Line__c"), MARCH, policy=POLICY))
    rows = table[["grain", "open_count", "open_pipeline"]].to_numpy().tolist()
    assert rows == [
        ["company", 1, Decimal("100.01")],
        ["team", 1, Decimal("50.01")],
        ["team", 1, Decimal("50.00")],
    ]


def test_a_negative_part_has_no_shares_and_before_the_first_booking_there_is_no_last_year() -> None:
    deals = [of(1, "Tax"), of(2, "Audit")]
    rows = [won(1, 100, date(2026, 2, 1)), won(2, -30, date(2026, 2, 1))]
    one = replace(extract(deals, rows), dimension_field="Line__c")
    found = company(breakdown(MonthOf(one, MARCH, policy=POLICY)))
    assert {name: each[:2] + each[5:6] for name, each in found.items()} == {
        "Audit": [-30, None, None],
        "Tax": [100, None, None],
    }


def test_blanks_around_a_value_make_no_other_value() -> None:
    deals = [of(n, line) for n, line in enumerate((" ", "\u00a0", None, "Tax", " Tax"), start=1)]
    one = replace(extract(deals, []), dimension_field="Line__c")
    found = company(breakdown(MonthOf(one, MARCH, policy=POLICY)))
    assert {name: each[-2] for name, each in found.items()} == {"": 3, "Tax": 2}


def test_an_extract_of_another_field_knows_nothing_of_this_one() -> None:
    one = replace(extract([of(1, "Tax")], []), dimension_field="Other__c")
    month = MonthOf(one, MARCH, policy=POLICY)
    assert month.history.dimension is None
    assert month.snapshot["dimension"].isna().all()
    assert len(breakdown(month, is_read=False)) == 0


def lined_firm() -> FirmMonth:
    one = firm_month(60)
    deals = one.extract.opportunities
    lines = pa.array([("Tax", "Audit", None)[n % 3] for n in range(len(deals))])
    named = replace(
        one.extract,
        opportunities=deals.assign(dimension=columns.series(lines)),
        dimension_field="Line__c",
    )
    return replace(one, extract=named, policy=POLICY)


def test_values_sum_to_what_other_tables_say() -> None:
    one = lined_firm()
    table = dimension_breakdown(one.snapshot, one.credit, one.month, one.rules, is_read=True)
    stages = pipeline_stages(one.snapshot, one.credit, one.extract.stages, one.month, one.rules)
    attained = target_attainment(one.snapshot, one.credit, one.phased, one.month, one.rules)
    assert len(table) > 6
    assert breakdown_adds_up(table, stages, attained) == []
    assert breakdown_adds_up(table.iloc[:0], stages, attained) == []
    shares = table.groupby(["grain", "grain_id"])["share_pct"].sum()
    assert ((shares - 100).abs() < 1e-4).all()
    off = table.assign(bookings=table["bookings"].where(table["dimension"] != "Tax", Decimal(1)))
    assert any("bookings of" in each for each in breakdown_adds_up(off, stages, attained))
