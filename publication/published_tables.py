"""The published tables of a month as other programs read them: with what only the month after it can say.

Put here what is filled in when tables leave the home; what is stored stays as it was published.
"""

from __future__ import annotations

import pandas as pd

from connectors.storage.publications import PublishedMonths
from sales.calendar import Month
from sales.contracts.forecast import Actions
from sales.contracts.history import OpportunitySnapshot
from sales.contracts.published import PUBLISHED
from sales.forecast.action_outcomes import with_outcomes

DEALS, ACTIONS = "opportunity_snapshot", "actions"


def published_tables(
    published: PublishedMonths, month: Month, revision: int | None = None
) -> dict[str, pd.DataFrame]:
    """Return the tables of a month by name; without a `revision` actions say what became of them, once the next month is published.

    A revision is what its readers saw.
    """
    here = published.names(month, revision)
    tables = {name: published.read(name, month, revision) for name in PUBLISHED if name in here}
    following = month.plus(1)
    has_next = following in published.months() and DEALS in published.names(following)
    if revision is None and ACTIONS in tables and has_next:
        tables[ACTIONS] = with_outcomes(
            published.read_as(Actions, month),
            published.read_as(OpportunitySnapshot, month),
            published.read_as(OpportunitySnapshot, following),
        )
    return tables
