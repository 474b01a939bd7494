"""Years that are not made of calendar months: a 4-4-5 calendar as Salesforce's periods say it."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import FiscalCalendar, Month
from sales.periods import FiscalMonth, UnusablePeriods, fiscal_periods
from sales.targets.annual_targets import AnnualTarget
from sales.targets.phased_targets import plan
from tests.fakes import ORGANIZATION, book, deal, extract, saved
from tests.sales.test_month_tables import MonthOf, euro

# 2026 begins on Sunday 28 December 2025; quarters of 4, 4 and 5 weeks; 2027 follows after 52 weeks.
FIRST = date(2025, 12, 28)
POLICY = '[fiscal]\nperiods = "salesforce"'
DAYS = st.integers(-2_000, 4_000)


def four_four_five(years: int = 2) -> list[FiscalMonth]:
    months, start = [], FIRST
    for number in range(12 * years):
        end = start + timedelta(weeks=5 if number % 3 == 2 else 4) - timedelta(days=1)
        months.append(FiscalMonth(start, end, number % 12 + 1))
        start = end + timedelta(days=1)
    return months


def calendar(years: int = 2) -> FiscalCalendar:
    return FiscalCalendar(
        1,
        named_by_end=False,
        time_zone="Europe/Paris",
        periods=fiscal_periods(tuple(four_four_five(years)), 1),
    )


def rows() -> list[dict[str, object]]:
    return [
        {
            "period_id": f"026{n:012d}AAA",
            "kind": "Month",
            "start_date": each.start,
            "end_date": each.end,
            "number": each.number,
        }
        for n, each in enumerate(four_four_five())
    ] + [
        {
            "period_id": "026Y",
            "kind": "Year",
            "start_date": FIRST,
            "end_date": date(2026, 12, 26),
            "number": 1,
        }
    ]


def test_a_fiscal_month_has_its_own_days_and_a_months_name() -> None:
    its = calendar()
    assert (its.first_day(Month(2026, 1)), its.last_day(Month(2026, 1))) == (
        FIRST,
        date(2026, 1, 24),
    )
    assert (its.first_day(Month(2026, 3)), its.last_day(Month(2026, 3))) == (
        date(2026, 2, 22),
        date(2026, 3, 28),
    )
    assert its.first_day(Month(2027, 1)) == date(2026, 12, 27)
    assert its.year(2026).first == Month(2026, 1)
    assert its.as_of(Month(2026, 3)) == datetime(2026, 3, 28, 23, tzinfo=UTC)  # midnight in Paris
    assert len(its.days_of(Month(2026, 3))) == 35


@given(DAYS)
def test_every_day_lies_in_the_month_that_holds_it(offset: int) -> None:
    """Inside the periods and outside of them, with no gap and no overlap."""
    its, day = calendar(), FIRST + timedelta(days=offset)
    month = its.month_of(day)
    if Month(2025, 12) < month < Month(2028, 1):
        assert its.first_day(month) <= day <= its.last_day(month)
    assert its.month_of(day + timedelta(days=1)).index - month.index in {0, 1}


@given(st.lists(DAYS, min_size=1, max_size=30))
def test_many_days_are_counted_as_one_by_one(offsets: list[int]) -> None:
    its = calendar()
    days = np.array([(FIRST - date(1970, 1, 1)).days + each for each in offsets], np.int64)
    assert its.month_index(days).tolist() == [
        its.month_of(FIRST + timedelta(days=each)).index for each in offsets
    ]


def test_a_year_that_begins_in_another_month_goes_by_its_name() -> None:
    """A retailer's year begins on the Sunday nearest to the end of January: its first month is February."""
    months = [
        FiscalMonth(each.start + timedelta(days=35), each.end + timedelta(days=35), each.number)
        for each in four_four_five(1)
    ]
    its = fiscal_periods(tuple(months), 2)
    assert (its.first, its.starts[0]) == (Month(2026, 2), date(2026, 2, 1))
    late = fiscal_periods(tuple(four_four_five(2)[5:]), 1)
    assert late.first == Month(2026, 6)


def test_periods_that_are_no_months_are_a_sentence() -> None:
    with pytest.raises(UnusablePeriods, match="shows no fiscal periods of type Month"):
        fiscal_periods((), 1)
    months = four_four_five(1)
    with pytest.raises(
        UnusablePeriods, match="one ends on 2026-01-24, the next begins on 2026-02-22"
    ):
        fiscal_periods((months[0], *months[2:]), 1)
    thirteen = [
        FiscalMonth(
            FIRST + timedelta(weeks=4 * n), FIRST + timedelta(weeks=4 * n + 4, days=-1), n % 13 + 1
        )
        for n in range(26)
    ]
    with pytest.raises(UnusablePeriods, match="is number 13 of its year; years of twelve"):
        fiscal_periods(tuple(thirteen), 1)


def test_bookings_pipeline_and_movement_follow_the_fiscal_months() -> None:
    """Ann books 100 on 24 January (January) and 30 on 25 January (February); 70 is open for 28 March (March), 20 for 29 March (April)."""
    history = [
        saved(1, "2026-01-20 10:00", stage_name="Won", amount=100, close_date=date(2026, 1, 24)),
        saved(2, "2026-01-20 10:00", stage_name="Won", amount=30, close_date=date(2026, 1, 25)),
        saved(3, "2026-01-20 10:00", amount=70, close_date=date(2026, 3, 28)),
        saved(4, "2026-01-20 10:00", amount=20, close_date=date(2026, 3, 29)),
        saved(5, "2026-01-24 23:30", amount=5, close_date=date(2026, 3, 29)),
        saved(6, "2026-01-25 00:30", amount=999, close_date=date(2026, 3, 29)),
    ]
    one = extract(
        [deal(n, created_at=each["created_at"]) for n, each in enumerate(history, start=1)],
        history,
        periods=rows(),
    )
    january = MonthOf(one, Month(2026, 1), policy=POLICY)
    assert len(january.snapshot) == 5  # what was saved after midnight on 25 January is not known
    assert january.row(january.attainment, "person", "005A", "2026-01")["bookings"] == euro("100")
    quarter = january.row(january.coverage, "person", "005A", "FY2026-Q1")
    assert (quarter["bookings"], quarter["open_pipeline"]) == (euro("130"), euro("70"))
    assert january.row(january.coverage, "person", "005A", "FY2026-Q2")["open_pipeline"] == euro(
        "25"
    )
    by_calendar = MonthOf(one, Month(2026, 1))
    assert by_calendar.row(by_calendar.attainment, "person", "005A", "2026-01")["bookings"] == euro(
        "130"
    )


def test_working_days_are_those_of_the_fiscal_month() -> None:
    organization = extract([deal(1)], [saved(1, "2026-01-20 10:00")], periods=rows()).defaults
    rules = book(POLICY + '\n[phasing]\nmethod = "working_days"').for_fiscal_year(
        2026, organization
    )
    its = plan(AnnualTarget(2026, "005A", 1, 260_00, None, None, ""), rules)
    assert its.baseline == [20_00, 20_00, 25_00] * 4
    assert book(POLICY).for_fiscal_year(2026, organization).calendar.periods is not None
    assert sum(its.baseline) == Decimal(26000)
    with pytest.raises(UnusablePeriods):
        book(POLICY).for_fiscal_year(2026, ORGANIZATION)
