"""Months: the one partition definition. A quarter is three months, never a partition."""

import dagster as dg

# A month is there as soon as it is over anywhere on earth; whether it is closed where the
# company is, is checked in the run.
months = dg.MonthlyPartitionsDefinition(
    start_date="2015-01", fmt="%Y-%m", timezone="Pacific/Kiritimati"
)
