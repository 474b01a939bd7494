"""Arrow-backed columns: the one way in and out between frames and NumPy.

Put conversions here, nothing that knows a business term. Frames hold Arrow
columns so that text, dates and decimals keep their type; the core computes on NumPy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

Codes = npt.NDArray[np.int64]
Instants = npt.NDArray[np.int64]
Days = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]

INSTANT = pa.timestamp("us", tz="UTC")
NO_DAY = np.iinfo(np.int32).min
NO_INSTANT = np.iinfo(np.int64).min


def series(values: pa.Array | pa.ChunkedArray) -> pd.Series:
    """Return an Arrow-backed column."""
    return pd.Series(pd.arrays.ArrowExtensionArray(values))


def frame(parts: Mapping[str, pa.Array | pa.ChunkedArray]) -> pd.DataFrame:
    """Return a frame of Arrow-backed columns, in the mapping's order."""
    return pd.DataFrame(
        {name: pd.arrays.ArrowExtensionArray(values) for name, values in parts.items()}, copy=False
    )


def arrow_type(column: pd.Series) -> pa.DataType:
    """Return the Arrow type behind a column."""
    return column.dtype.pyarrow_dtype  # type: ignore[union-attr]


def arrow(column: pd.Series) -> pa.Array:
    """Return the Arrow array behind a column, in one chunk."""
    values = pa.array(column, from_pandas=True)
    return values.combine_chunks() if isinstance(values, pa.ChunkedArray) else values


def rows(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Return rows with plain values: empty cells are None."""
    parts = {name: arrow(table[name]).to_pylist() for name in table.columns}
    return [dict(zip(parts, values, strict=True)) for values in zip(*parts.values(), strict=True)]


def text(values: Sequence[str | None] | npt.NDArray[np.object_]) -> pa.Array:
    """Return an Arrow text array."""
    return pa.array(values, pa.string())


def repeat(value: str, times: int) -> pa.Array:
    """Return the same text many times."""
    return pa.repeat(pa.scalar(value, pa.string()), times)


def to_instants(column: pd.Series) -> Instants:
    """Return microseconds since the epoch; `NO_INSTANT` where empty."""
    return np.asarray(arrow(column).cast(INSTANT).cast(pa.int64()).fill_null(NO_INSTANT))


def from_instants(values: Instants) -> pa.Array:
    """Return UTC instants; empty where `NO_INSTANT`."""
    return pa.array(values, pa.int64(), mask=values == NO_INSTANT).cast(INSTANT)


def instant_of(moment: datetime) -> int:
    """Return microseconds since the epoch of an aware datetime."""
    return pa.scalar(moment, INSTANT).cast(pa.int64()).as_py()


def to_days(column: pd.Series) -> Days:
    """Return days since the epoch; `NO_DAY` where empty."""
    days = arrow(column).cast(pa.date32()).cast(pa.int32())
    return np.asarray(days.fill_null(NO_DAY)).astype(np.int64)


def from_days(values: Days) -> pa.Array:
    """Return dates; empty where `NO_DAY`."""
    return pa.array(values.astype(np.int32), pa.int32(), mask=values == NO_DAY).cast(pa.date32())


def month_index(days: Days) -> Codes:
    """Return months since year 0 of each day; `NO_DAY` stays far in the past."""
    return days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) + 1970 * 12


def codes(column: pd.Series | pa.Array, known: pa.Array) -> Codes:
    """Return the position of each value in `known`, -1 where it is not there."""
    values = _array(column)
    return np.asarray(pc.index_in(values, value_set=known).fill_null(-1)).astype(np.int64)


def _array(column: pd.Series | pa.Array) -> pa.Array:
    return arrow(cast("pd.Series", column)) if isinstance(column, pd.Series) else column


def take(values: pa.Array, positions: Codes) -> pa.Array:
    """Return values by position, null where the position is negative."""
    missing = positions < 0
    index = pa.array(positions, pa.int64(), mask=missing) if missing.any() else pa.array(positions)
    return values.take(index)


def booleans(column: pd.Series) -> Mask:
    """Return a mask, false where empty."""
    return np.asarray(arrow(column).fill_null(False))  # Arrow's own signature


def floats(column: pd.Series) -> npt.NDArray[np.float64]:
    """Return numbers, NaN where empty."""
    return np.asarray(arrow(column).cast(pa.float64()).fill_null(float("nan")))


def total_by(codes: Codes, amounts: npt.NDArray[np.generic], size: int = 0) -> Floats:
    """Return sums by dense code as floats, also of no rows (NumPy's own count would be whole numbers then)."""
    return np.bincount(codes, amounts, size).astype(np.float64, copy=False)


def median_by(codes: Codes, values: Floats, size: int) -> Floats:
    """Return the median of the values of each dense code; not a number where it has none. Values that are not numbers are left out."""
    known = ~np.isnan(values)
    codes, values = codes[known], values[known]
    ordered = values[np.lexsort((values, codes))]
    counts = np.bincount(codes, minlength=size)
    first = np.cumsum(counts) - counts
    found = np.full(size, np.nan)
    some = np.flatnonzero(counts)
    low, high = first[some] + (counts[some] - 1) // 2, first[some] + counts[some] // 2
    found[some] = (ordered[low] + ordered[high]) / 2
    return found


def is_rising(values: pa.Array) -> bool:
    """Return whether each value is larger than the one before, so that none comes twice."""
    return len(values) < 2 or bool(pc.all(pc.less(values[:-1], values[1:])).as_py())  # noqa: PLR2004


def distinct(*columns: pd.Series | pa.Array) -> pa.Array:
    """Return the sorted distinct non-null values of several text columns."""
    parts = [_array(each) for each in columns]
    values = pc.unique(
        pa.chunked_array([part.cast(pa.string()) for part in parts], pa.string())
    ).drop_null()
    return values.take(pc.sort_indices(values))
