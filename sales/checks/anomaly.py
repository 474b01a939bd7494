"""Whether a table's size is as its own past lets one expect: rows, and sums of money.

Put the judgement here; what was stored of earlier months is `connectors.storage.publications`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns

# With fewer changes, less than a year of them, nothing is known of what is usual.
FEWEST_CHANGES = 12
# So many robust standard deviations from the median change are unusual; one month in 300 by chance
# if changes were normal.
WIDTH = 3.0
# The median absolute deviation of a normal distribution, in standard deviations.
NORMAL = 0.6745
# A change within a half more or a third less is usual whatever the past was.
ALWAYS_USUAL = math.log(1.5)
# Once a year sums begin anew: so near to the same month of the year before is usual too.
LIKE_LAST_YEAR = math.log(2.0)
MONTHS = 12


@dataclass(frozen=True)
class Anomaly:
    """A figure that is not as before, and the range that would have been usual."""

    figure: str
    now: float
    before: float
    lowest: float
    highest: float


def figures(table: pd.DataFrame) -> dict[str, Decimal]:
    """Return how many rows a table has, and the sum of each money column."""
    sums = {name: columns.arrow(table[name]) for name in table.columns}
    money = {
        name: pc.sum(column).as_py() or Decimal(0)
        for name, column in sums.items()
        if pa.types.is_decimal(column.type)
    }
    return {"rows": Decimal(len(table)), **money}


def anomalies(past: Sequence[Mapping[str, Decimal]], now: Mapping[str, Decimal]) -> list[Anomaly]:
    """Return the figures of a month that are unusual beside those of the months before it, the oldest first.

    A figure is usual if its change since the month before (as a ratio) lies within three robust
    standard deviations (median and median absolute deviation, as in Leys et al. 2013, "Detecting
    outliers") of its own past changes, or near the change that it made a year ago. A figure with a
    short past, or one that was zero in it, is not judged.
    """
    found = (
        _anomaly(name, [float(month[name]) for month in past if name in month], float(value))
        for name, value in sorted(now.items())
    )
    return [each for each in found if each is not None]


def _anomaly(name: str, past: Sequence[float], now: float) -> Anomaly | None:
    if len(past) <= FEWEST_CHANGES or not all(past):
        return None
    sizes = np.array([_size(each) for each in past])
    changes = np.diff(sizes)
    middle = float(np.median(changes))
    room = max(WIDTH * float(np.median(np.abs(changes - middle))) / NORMAL, ALWAYS_USUAL)
    change = _size(now) - float(sizes[-1])
    a_year_ago = float(changes[-MONTHS])
    if abs(change - middle) <= room or abs(change - a_year_ago) <= LIKE_LAST_YEAR:
        return None
    lowest, highest = sorted(
        (_value(float(sizes[-1]) + middle - room), _value(float(sizes[-1]) + middle + room))
    )
    return Anomaly(name, now, past[-1], lowest, highest)


def _size(value: float) -> float:
    """Return a figure on a scale of ratios that knows zero and losses."""
    return math.copysign(math.log1p(abs(value)), value)


def _value(size: float) -> float:
    return math.copysign(math.expm1(abs(size)), size)
