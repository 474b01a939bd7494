"""Months, and weeks for the flash: the partition definitions. A quarter is three months, never a partition."""

import os
from datetime import UTC, datetime

import dagster as dg

from publication.preconditions import EARLIEST_MONTH
from sales.calendar import Month, UnknownMonth

# The first month that the UI offers; `onpace ui` sets it to the first of which something was read.
FIRST_MONTH = "ONPACE_FIRST_MONTH"


def first_month() -> Month:
    """Return the month with which partitions begin, last month at the latest; raises `UnknownMonth` where the variable names none."""
    stated = os.environ.get(FIRST_MONTH, "").strip()
    try:
        first = Month.parse(stated) if stated else EARLIEST_MONTH
    except UnknownMonth as fault:
        raise UnknownMonth(f"{FIRST_MONTH}: {fault}") from None
    return max(EARLIEST_MONTH, min(first, Month.of(datetime.now(UTC).date()).plus(-1)))


# A month is there as soon as it is over anywhere on earth; whether it is closed where the
# company is, is checked in the run.
EVERYWHERE = "Pacific/Kiritimati"
months = dg.MonthlyPartitionsDefinition(
    start_date=str(first_month()), fmt="%Y-%m", timezone=EVERYWHERE
)
# A week goes by its Monday and is there as soon as that begins; the flash of it is of the day of
# [flash] weekday in it.
weeks = dg.WeeklyPartitionsDefinition(
    start_date=str(first_month().first_day), day_offset=1, timezone=EVERYWHERE, end_offset=1
)
