"""Months, fiscal quarters and years, fiscal months with days of their own, as-of instants and working days.

Put everything about time here. Which deals count in a period is decided in
`attainment`, `coverage` and `movement`; this module only says what the period is.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import lru_cache
from itertools import takewhile
from typing import Self
from zoneinfo import ZoneInfo

import holidays
import numpy as np

from sales import arrow as columns
from sales.arrow import Codes, Days
from sales.errors import UserError
from sales.vocabulary import PERIOD, PeriodKind

MONTH = re.compile(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")
MONTHS_IN_YEAR = 12
MONTHS_IN_QUARTER = 3
SATURDAY = 5
EPOCH = date(1970, 1, 1)


class UnknownMonth(UserError, ValueError):
    """A text is not a month such as 2026-09."""


class MonthWithoutYear(UserError, ValueError):
    """A month lies between the years of two policy files and in neither."""


class UnknownHolidayCalendar(UserError, ValueError):
    """A country, or country-subdivision, has no holiday calendar."""


@dataclass(frozen=True, order=True)
class Month:
    """A calendar month; prints as `2026-09`."""

    year: int
    number: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `2026-09`; raises `UnknownMonth` for anything else."""
        if MONTH.fullmatch(text) is None:
            raise UnknownMonth(f"{text[:40]!r} is not a month; write it as 2026-09")
        year, _, number = text.partition("-")
        return cls(int(year), int(number))

    @classmethod
    def of(cls, day: date) -> Self:
        """Return the month that holds a day."""
        return cls(day.year, day.month)

    @classmethod
    def from_index(cls, index: int) -> Self:
        """Return the month with this count of months since year 0."""
        return cls(index // MONTHS_IN_YEAR, index % MONTHS_IN_YEAR + 1)

    @property
    def index(self) -> int:
        """Months since year 0, so that months can be subtracted."""
        return self.year * MONTHS_IN_YEAR + self.number - 1

    def plus(self, months: int) -> Month:
        """Return the month this many months later."""
        return Month.from_index(self.index + months)

    @property
    def first_day(self) -> date:
        """The first calendar day."""
        return date(self.year, self.number, 1)

    @property
    def last_day(self) -> date:
        """The last calendar day."""
        return self.plus(1).first_day - timedelta(days=1)

    @property
    def days(self) -> list[date]:
        """Every calendar day."""
        return [
            self.first_day + timedelta(days=n)
            for n in range((self.last_day - self.first_day).days + 1)
        ]

    def __str__(self) -> str:
        """Return `2026-09`."""
        return f"{self.year:04d}-{self.number:02d}"


@dataclass(frozen=True)
class Period:
    """Consecutive months under one name, such as `FY2026-Q2`."""

    kind: str
    name: str
    months: tuple[Month, ...]

    @property
    def first(self) -> Month:
        """The first month."""
        return self.months[0]

    @property
    def last(self) -> Month:
        """The last month."""
        return self.months[-1]

    def until(self, month: Month) -> Period:
        """Return the period to date: the same name, the months so far."""
        return Period(
            self.kind, self.name, tuple(takewhile(lambda each: each <= month, self.months))
        )


@dataclass(frozen=True)
class FiscalPeriods:
    """Fiscal months with days of their own, such as those of a 4-4-5 year: consecutive, and each by the name of a month.

    `first` is the name of the first one, `starts` are the first days of each and of what follows
    the last; days outside count by calendar months.
    """

    first: Month
    starts: tuple[date, ...]

    def first_day(self, month: Month) -> date:
        """Return the first day of the period that goes by a month's name."""
        place = month.index - self.first.index
        return self.starts[place] if 0 <= place < len(self.starts) else month.first_day

    def month_index(self, days: Days) -> Codes:
        """Return the month index of each day since the epoch."""
        starts = np.array([(day - EPOCH).days for day in self.starts], np.int64)
        inside = self.first.index + np.searchsorted(starts, days, side="right") - 1
        by_calendar = columns.month_index(days)
        # Next to the known periods a calendar month gives way to them.
        before, after = (
            np.minimum(by_calendar, self.first.index - 1),
            np.maximum(by_calendar, self.first.index + len(starts) - 1),
        )
        return np.select([days < starts[0], days >= starts[-1]], [before, after], inside)


@dataclass(frozen=True, order=True)
class FiscalYear:
    """A fiscal year that is stated: the number in its name, its first month, and how many months it has."""

    first: Month
    name: int
    size: int = MONTHS_IN_YEAR

    @classmethod
    def called(
        cls, name: int, start_month: int, *, named_by_end: bool, size: int = MONTHS_IN_YEAR
    ) -> Self:
        """Return the year of a name that begins in a month and is named by the year it begins or ends in."""
        ends_later = start_month + size - 1 > MONTHS_IN_YEAR
        return cls(Month(name - (named_by_end and ends_later), start_month), name, size)

    @property
    def end(self) -> Month:
        """The month after its last one."""
        return self.first.plus(self.size)

    def holds(self, month: Month) -> bool:
        """Return whether a month is one of its months."""
        return self.first <= month < self.end

    @property
    def period(self) -> Period:
        """Its months as a period."""
        return _period_of(self)


@lru_cache(maxsize=256)  # asked for with every target and month
def _period_of(year: FiscalYear) -> Period:
    months = tuple(year.first.plus(n) for n in range(year.size))
    return Period(PeriodKind.YEAR, f"FY{year.name}", months)


@dataclass(frozen=True)
class FiscalCalendar:
    """When the fiscal year starts, how it is called, and in which zone days begin.

    `stated` are the years that have rules of their own, in order and without overlap; between and
    beyond them years of twelve months follow each other, cut short where a stated one begins.

    With `until`, nothing after the midnight at which that day begins is known: the month that is
    running then is open, and its state is that of the midnight. Other months are as without it.
    """

    start_month: int
    named_by_end: bool
    time_zone: str
    periods: FiscalPeriods | None = None
    stated: tuple[FiscalYear, ...] = ()
    until: date | None = None

    def is_open(self, month: Month) -> bool:
        """Return whether a month is running at the midnight up to which things are known."""
        return self.until is not None and self.first_day(month) < self.until <= self.last_day(month)

    def today(self, month: Month) -> date:
        """Return the day that begins where what is known of a month ends: the first one after it, or of an open month `until`."""
        return self.until if self.until and self.is_open(month) else self.first_day(month.plus(1))

    def first_day(self, month: Month) -> date:
        """Return the first day of a month, or of the fiscal period that goes by its name."""
        return self.periods.first_day(month) if self.periods else month.first_day

    def last_day(self, month: Month) -> date:
        """Return the last day of a month, or of the fiscal period that goes by its name."""
        return self.first_day(month.plus(1)) - timedelta(days=1)

    def days_of(self, month: Month) -> list[date]:
        """Return every day of a month."""
        first, last = self.first_day(month), self.last_day(month)
        return [first + timedelta(days=n) for n in range((last - first).days + 1)]

    def month_of(self, day: date) -> Month:
        """Return the month that holds a day."""
        return Month.from_index(int(self.month_index(np.array([(day - EPOCH).days], np.int64))[0]))

    def month_index(self, days: Days) -> Codes:
        """Return the month index of each day since the epoch."""
        return self.periods.month_index(days) if self.periods else columns.month_index(days)

    def as_of(self, month: Month) -> datetime:
        """Return the first local midnight after the month's last known day, in UTC."""
        day = self.today(month)
        # Where clocks skip midnight, fold=0 names the very instant of the skip:
        # the first instant of that local day.
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.time_zone)).astimezone(
            UTC
        )

    def fiscal_year(self, month: Month) -> int:
        """Return the number in the fiscal year's name, 2027 for FY2027."""
        return self._year_with(month).name

    def year(self, name: int) -> Period:
        """Return the months of a fiscal year."""
        stated = next((each for each in self.stated if each.name == name), None)
        if stated is None and self.stated:
            before = [each for each in self.stated if each.name < name]
            nearest = before[-1] if before else self.stated[0]
            steps = name - nearest.name - 1 if before else name - nearest.name
            start = nearest.end if before else nearest.first
            return self._year_with(start.plus(steps * MONTHS_IN_YEAR)).period
        return (stated or self._plain(name)).period

    def year_of(self, month: Month) -> Period:
        """Return the fiscal year that holds a month."""
        return self._year_with(month).period

    def quarter_of(self, month: Month) -> Period:
        """Return the fiscal quarter that holds a month."""
        year = self.year_of(month)
        number = (month.index - year.first.index) // MONTHS_IN_QUARTER
        months = year.months[number * MONTHS_IN_QUARTER : (number + 1) * MONTHS_IN_QUARTER]
        return Period(PeriodKind.QUARTER, f"{year.name}-Q{number + 1}", months)

    def period_named(self, name: str) -> Period:
        """Return the period of a name such as 2026-11, FY2027-Q3 or FY2027; raises `UnknownMonth` for anything else."""
        year, _, quarter = name.partition("-Q")
        is_known = re.fullmatch(PERIOD, name) is not None
        if is_known and not name.startswith("FY"):
            return self.month_period(Month.parse(name))
        whole = self.year(int(year.removeprefix("FY"))) if is_known else None
        first = (int(quarter) - 1) * MONTHS_IN_QUARTER if is_known and quarter else 0
        # A short year may have no such quarter.
        if whole is None or first >= len(whole.months):
            raise UnknownMonth(
                f"{name[:40]!r} is no period; write it as 2026-11, FY2027-Q3 or FY2027"
            )
        return self.quarter_of(whole.months[first]) if quarter else whole

    def month_period(self, month: Month) -> Period:
        """Return a month as a period."""
        return Period(PeriodKind.MONTH, str(month), (month,))

    def _plain(self, name: int) -> FiscalYear:
        return FiscalYear.called(name, self.start_month, named_by_end=self.named_by_end)

    def _year_with(self, month: Month) -> FiscalYear:
        before = [each for each in self.stated if each.first <= month]
        after = [each for each in self.stated if each.first > month]
        if before and before[-1].holds(month):
            return before[-1]
        if not self.stated:
            back = (month.number - self.start_month) % MONTHS_IN_YEAR
            start = month.plus(-back)
            return self._plain(start.year + (self._plain(start.year).first < start))
        if not before:
            steps = (month.index - after[0].first.index) // MONTHS_IN_YEAR
            return FiscalYear(after[0].first.plus(steps * MONTHS_IN_YEAR), after[0].name + steps)
        steps = (month.index - before[-1].end.index) // MONTHS_IN_YEAR
        start = before[-1].end.plus(steps * MONTHS_IN_YEAR)
        size = min(MONTHS_IN_YEAR, after[0].first.index - start.index) if after else MONTHS_IN_YEAR
        name = before[-1].name + 1 + steps
        if after and name >= after[0].name:
            raise MonthWithoutYear(
                f"{month} lies between FY{before[-1].name} and FY{after[0].name} and in no fiscal year; "
                "state a short year in a policy file of its own, [fiscal] months = 3, or correct start_month or year_name"
            )
        return FiscalYear(start, name, size)


@lru_cache(maxsize=64)
def _days_off(place: str) -> holidays.HolidayBase:
    """Return the public holidays and weekends of a place; years are filled in as they are asked for."""
    country, _, subdivision = place.partition("-")
    try:
        return holidays.country_holidays(country, subdiv=subdivision or None)
    except NotImplementedError:
        raise UnknownHolidayCalendar(
            f"no holiday calendar for {place[:40]!r}; use a country or country-subdivision code such as NZ or DE-BE"
        ) from None


def check_holiday_calendar(place: str) -> None:
    """Raise `UnknownHolidayCalendar` if no calendar exists for the place."""
    if place:
        _days_off(place)


def working_days(days: Iterable[date], place: str = "") -> list[date]:
    """Return those of the days that are neither in the weekend nor a public holiday of the place.

    Without a place the weekend is Saturday and Sunday. Weekends differ by place and by year:
    Friday and Saturday in Kuwait, in the Emirates until 2021.
    """
    if not place:
        return [day for day in days if day.weekday() < SATURDAY]
    off = _days_off(place)
    return [day for day in days if not off.is_weekend(day) and day not in off]
