"""New and existing clients: whether a client had a booking before one of its deals was decided.

Put here what tells the two apart.
"""

from __future__ import annotations

import numpy as np
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.arrow import Codes, Days, Mask
from sales.contracts.history import OpportunitySnapshot
from sales.policy.rules import MonthRules

# A client is an existing one for so many months after a booking.
EXISTING_MONTHS = 24


def is_existing(
    snapshot: DataFrame[OpportunitySnapshot], day: Days, index: Codes, rules: MonthRules
) -> Mask:
    """Return of which deals the client had a booking in the 24 months before the day on which it was decided."""
    account = columns.codes(snapshot["account_id"], columns.distinct(snapshot["account_id"]))
    won = columns.booleans(snapshot["is_won"]) & (account >= 0)
    # Accounts are parted by more days than there are, so that one order holds all bookings.
    wide, first = np.int64(1 << 32), np.int64(1 << 31)
    bookings = np.sort(account[won] * wide + columns.to_days(snapshot["close_date"])[won] + first)
    if not len(bookings):
        return np.zeros(len(day), np.bool_)
    before = np.searchsorted(bookings, account * wide + day + first, "left") - 1
    last = bookings[np.maximum(before, 0)]
    last_index = rules.calendar.month_index(last % wide - first)
    is_theirs = (before >= 0) & (account >= 0) & (last // wide == account)
    return is_theirs & (index - last_index <= EXISTING_MONTHS)
