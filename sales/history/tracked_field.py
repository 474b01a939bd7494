"""A field whose past only field history remembers: the value before the first change that came later."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns
from sales.arrow import Codes, Instants, Mask


@dataclass(frozen=True)
class TrackedField:
    """A field that only field history remembers: its value today and every change, oldest first.

    `changes_of` counts are found by bisection on `(opportunity, instant)`, both dense.
    """

    current: pa.Array
    opportunity: Codes
    changed_at: Instants
    old_values: pa.Array
    tracked_from: int

    def at(self, instant: int) -> pa.Array:
        """Return the value of every opportunity as of an instant."""
        size = len(self.current)
        starts = np.searchsorted(self.opportunity, np.arange(size))
        before = np.bincount(self.opportunity[self.changed_at < instant], minlength=size)
        total = np.bincount(self.opportunity, minlength=size)
        changed_later = before < total
        if not changed_later.any():
            return self.current
        first_later = np.where(changed_later, starts + before, -1)
        old = columns.take(self.old_values, first_later)
        return pc.if_else(pa.array(changed_later), old, self.current)


def carries_ids(changes: pd.DataFrame) -> Mask:
    """Return which changes hold record ids on either side, as those of lookups do."""
    is_id = r"^(005|00G|001)[0-9A-Za-z]{12}([0-9A-Za-z]{3})?$"
    by_type = pc.equal(columns.arrow(changes["data_type"]), "EntityId").fill_null(False)
    old = pc.match_substring_regex(columns.arrow(changes["old_value"]), is_id).fill_null(False)
    new = pc.match_substring_regex(columns.arrow(changes["new_value"]), is_id).fill_null(False)
    return np.asarray(pc.or_(by_type, pc.or_(old, new)))
