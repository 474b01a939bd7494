"""The report of the month before, for the pages of a month: what its readers had of it, and what became of what it asked for."""

from __future__ import annotations

from pandera.typing import DataFrame

from connectors.storage.publications import PublishedMonths
from reports.document.last_report import LastReport
from sales.calendar import Month
from sales.contracts.contract import table_name
from sales.contracts.forecast import Actions, LandingForecast
from sales.contracts.history import OpportunitySnapshot
from sales.forecast.action_outcomes import with_outcomes

NEEDED = {table_name(each) for each in (Actions, LandingForecast, OpportunitySnapshot)}


def last_report(
    published: PublishedMonths, month: Month, snapshot: DataFrame[OpportunitySnapshot]
) -> LastReport | None:
    """Return the report of the month before, with what a month's snapshot says of its actions; none where there is none, or an early version made it."""
    was = published.last_report(month)
    if was is None or not was.tables.keys() >= NEEDED:
        return None
    then = published.table_as(was, OpportunitySnapshot)
    return LastReport(
        was.month,
        with_outcomes(published.table_as(was, Actions), then, snapshot),
        published.table_as(was, LandingForecast),
    )
