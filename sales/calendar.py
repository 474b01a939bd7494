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
from sales.vocabulary import PeriodKind

MONTH = re.compile(r"(?!0000)[0-9]{4}-(0[1-9]|1[0-2])")
MONTHS_IN_YEAR = 12
MONTHS_IN_QUARTER = 3
SATURDAY = 5
EPOCH = date(1970, 1, 1)


class UnknownMonth(UserError, ValueError):
    """A text is not a month such as 2026-09."""


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


@dataclass(frozen=True)
class FiscalCalendar:
    """When the fiscal year starts, how it is called, and in which zone days begin."""

    start_month: int
    named_by_end: bool
    time_zone: str
    periods: FiscalPeriods | None = None

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
        """Return the first local midnight after the month's last day, in UTC."""
        day = self.first_day(month.plus(1))
        # Where clocks skip midnight, fold=0 names the very instant of the skip:
        # the first instant of that local day.
        return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(self.time_zone)).astimezone(
            UTC
        )

    def fiscal_year(self, month: Month) -> int:
        """Return the number in the fiscal year's name, 2027 for FY2027."""
        return self._year_start(month).year + self._name_offset

    def year(self, name: int) -> Period:
        """Return the twelve months of a fiscal year."""
        start = Month(name - self._name_offset, self.start_month)
        return Period(
            PeriodKind.YEAR, f"FY{name}", tuple(start.plus(n) for n in range(MONTHS_IN_YEAR))
        )

    def year_of(self, month: Month) -> Period:
        """Return the fiscal year that holds a month."""
        return self.year(self.fiscal_year(month))

    def quarter_of(self, month: Month) -> Period:
        """Return the fiscal quarter that holds a month."""
        year = self.year_of(month)
        number = (month.index - year.first.index) // MONTHS_IN_QUARTER
        months = year.months[number * MONTHS_IN_QUARTER : (number + 1) * MONTHS_IN_QUARTER]
        return Period(PeriodKind.QUARTER, f"{year.name}-Q{number + 1}", months)

    def month_period(self, month: Month) -> Period:
        """Return a month as a period."""
        return Period(PeriodKind.MONTH, str(month), (month,))

    @property
    def _name_offset(self) -> int:
        return 1 if self.named_by_end and self.start_month > 1 else 0

    def _year_start(self, month: Month) -> Month:
        back = (month.number - self.start_month) % MONTHS_IN_YEAR
        return month.plus(-back)


@lru_cache(maxsize=256)
def _public_holidays(place: str, year: int) -> frozenset[date]:
    country, _, subdivision = place.partition("-")
    try:
        found = holidays.country_holidays(country, subdiv=subdivision or None, years=year)
    except NotImplementedError:
        raise UnknownHolidayCalendar(
            f"no holiday calendar for {place[:40]!r}; use a country or country-subdivision code such as NZ or DE-BE"
        ) from None
    return frozenset(found)


def check_holiday_calendar(place: str) -> None:
    """Raise `UnknownHolidayCalendar` if no calendar exists for the place."""
    if place:
        _public_holidays(place, 2026)


def working_days(days: Iterable[date], place: str = "") -> list[date]:
    """Return those of the days that are Monday to Friday and no public holiday of the place."""
    return [
        day
        for day in days
        if day.weekday() < SATURDAY and not (place and day in _public_holidays(place, day.year))
    ]
