"""Months: the one partition definition. A quarter is three months, never a partition."""

import dagster as dg

# UTC: whether a month is closed where the company is, is checked again in the run.
months = dg.MonthlyPartitionsDefinition(start_date="2000-01", fmt="%Y-%m", timezone="UTC")
