"""What must hold between the cells of a table: rows that come together, cells that are filled together.

Put a law here when a second table needs it; a contract names the laws that it keeps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from sales import arrow as columns
from sales.arrow import Mask


def is_complete(table: pd.DataFrame) -> bool:
    """Return whether there are rows, and each person, team and the company has one for every period."""
    if not len(table):
        return False
    sizes = table.groupby(["grain", "grain_id"], observed=True, sort=False).size()
    periods = table[["period_kind", "period"]].drop_duplicates()
    return bool((sizes == len(periods)).all())


def is_filled(column: pd.Series) -> Mask:
    """Return which cells of a column have a value."""
    return ~np.asarray(columns.arrow(column).is_null())


def are_filled_where(table: pd.DataFrame, names: Sequence[str], where: Mask) -> bool:
    """Return whether the columns have values in these rows, and in no other."""
    return all(bool((is_filled(table[name]) == where).all()) for name in names)
