from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import (
    FiscalCalendar,
    Month,
    UnknownHolidayCalendar,
    UnknownMonth,
    check_holiday_calendar,
    working_days,
)

MONTHS = st.builds(Month, st.integers(1, 9000), st.integers(1, 12))


@given(MONTHS, st.integers(-500, 500))
def test_months_count_like_whole_numbers(month: Month, further: int) -> None:
    if month.index + further >= 12:
        assert month.plus(further).index - month.index == further
    assert Month.parse(str(month)) == month


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026",
        "2026-13",
        "2026-00",
        "26-01",
        "2026-1",
        "2026-01-01",
        "٢٠٢٦-٠١",
        "0000-01",
        "2026-01\n",
    ],
)
def test_what_is_no_month_is_refused(text: str) -> None:
    with pytest.raises(UnknownMonth):
        Month.parse(text)


@pytest.mark.parametrize(
    ("zone", "month", "instant"),
    [
        ("UTC", "2026-03", datetime(2026, 4, 1, tzinfo=UTC)),
        ("America/New_York", "2021-10", datetime(2021, 11, 1, 4, tzinfo=UTC)),
        ("Pacific/Auckland", "2026-09", datetime(2026, 9, 30, 11, tzinfo=UTC)),
        ("Europe/London", "2026-03", datetime(2026, 3, 31, 23, tzinfo=UTC)),
        (
            "America/Asuncion",
            "2017-09",
            datetime(2017, 10, 1, 4, tzinfo=UTC),
        ),  # clocks skip this midnight
    ],
)
def test_a_month_ends_at_local_midnight(zone: str, month: str, instant: datetime) -> None:
    assert (
        FiscalCalendar(1, named_by_end=False, time_zone=zone).as_of(Month.parse(month)) == instant
    )


def test_fiscal_years_are_called_by_start_or_end() -> None:
    by_end = FiscalCalendar(4, named_by_end=True, time_zone="UTC")
    by_start = FiscalCalendar(4, named_by_end=False, time_zone="UTC")
    assert by_end.year_of(Month(2026, 4)).name == "FY2027"
    assert by_end.year_of(Month(2026, 3)).name == "FY2026"
    assert by_start.year_of(Month(2026, 4)).name == "FY2026"
    assert (
        FiscalCalendar(1, named_by_end=True, time_zone="UTC").year_of(Month(2026, 5)).name
        == "FY2026"
    )
    assert by_end.quarter_of(Month(2026, 12)).name == "FY2027-Q3"


@given(MONTHS, st.integers(1, 12), st.booleans())
def test_every_month_is_in_its_own_quarter_and_year(month: Month, start: int, by_end: bool) -> None:  # noqa: FBT001
    calendar = FiscalCalendar(start, named_by_end=by_end, time_zone="UTC")
    year, quarter = calendar.year_of(month), calendar.quarter_of(month)
    assert month in quarter.months
    assert set(quarter.months) <= set(year.months)
    assert calendar.year(calendar.fiscal_year(month)) == year
    assert year.until(month).last == month


def test_working_days_leave_out_weekends_and_holidays() -> None:
    days = working_days(Month(2026, 12).days, "GB-ENG")
    assert date(2026, 12, 25) not in days
    assert date(2026, 12, 28) not in days  # Boxing Day is a Saturday: the Monday is free
    assert len(days) == 21
    assert len(working_days(Month(2026, 12).days)) == 23


@pytest.mark.parametrize("place", ["XX", "DE-XX", "Atlantis"])
def test_an_unknown_holiday_calendar_is_refused(place: str) -> None:
    with pytest.raises(UnknownHolidayCalendar, match="use a country"):
        check_holiday_calendar(place)


def test_weekends_are_those_of_the_place_and_of_the_year() -> None:
    kuwait = {month: len(working_days(Month(2026, month).days, "KW")) for month in (5, 8)}
    assert kuwait == {5: 18, 8: 21}
    friday = date(2026, 8, 7)
    assert friday not in working_days([friday], "KW")
    assert working_days([friday], "AE") == [friday]
    assert working_days([date(2020, 8, 7)], "AE") == [], "until 2021 the Emirates rested on Fridays"
