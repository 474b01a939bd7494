"""Exact amounts: minor units inside, decimals at the edges, largest remainder.

Put arithmetic on money here. Which amount counts is decided elsewhere.
Inside the core an amount is an int64 of minor units (cents) with a mask for null;
tables carry Arrow decimals with the currency's digits.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from fractions import Fraction
from math import lcm

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns
from sales.errors import UserError

# Wide enough for any int64, with room for Arrow to add a digit when it adds columns.
DECIMAL_PRECISION = 24
WIDEST = 38
# Sums, and an amount times a probability in hundredths of a percent, must fit int64.
LARGEST_MINOR = 9 * 10**14

Minor = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


class AmountTooLarge(UserError, ValueError):
    """An amount does not fit exact arithmetic."""


class MissingRate(UserError, LookupError):
    """A foreign amount has no conversion rate for its date."""


def quantum(digits: int) -> Decimal:
    """Return one minor unit, `Decimal("0.01")` for two digits."""
    return Decimal(1).scaleb(-digits)


def to_minor(amount: Decimal, digits: int) -> int:
    """Round half-even to minor units."""
    return int(amount.quantize(quantum(digits), rounding=ROUND_HALF_EVEN).scaleb(digits))


def decimal_of(minor: int, digits: int) -> Decimal:
    """Return one amount from minor units."""
    return Decimal(minor).scaleb(-digits)


def minor_units(amounts: pd.Series, digits: int) -> tuple[Minor, Mask]:
    """Return minor units, rounded half-even, and a mask that is true where the amount is null.

    Raises `AmountTooLarge` for an amount that does not fit.
    """
    values = columns.arrow(amounts)
    null = np.asarray(values.is_null())
    if len(values) == 0:
        return np.zeros(0, np.int64), null
    limit = pa.scalar(Decimal(LARGEST_MINOR).scaleb(-digits), pa.decimal128(WIDEST, digits))
    wide = values.cast(pa.decimal128(WIDEST, values.type.scale))
    extremes = pc.min_max(wide).as_py()
    if (
        extremes["max"] is not None
        and max(abs(extremes["max"]), abs(extremes["min"])) > limit.as_py()
    ):
        raise AmountTooLarge(
            f"an amount beyond {limit.as_py():,} cannot be summed exactly; correct it in Salesforce"
        )
    rounded = pc.round(wide, ndigits=digits, round_mode="half_to_even")
    exact = rounded.cast(pa.decimal128(WIDEST, digits)).fill_null(Decimal(0))
    halves = np.frombuffer(
        exact.buffers()[1], dtype="<i8", count=2 * len(exact), offset=16 * exact.offset
    )
    return halves[::2].copy(), null


def decimal_array(minor: Minor, digits: int, null: Mask | None = None) -> pa.Array:
    """Return Arrow decimals from minor units."""
    halves = np.empty((len(minor), 2), dtype="<i8")
    halves[:, 0] = minor
    halves[:, 1] = np.where(minor < 0, -1, 0)
    validity = None
    if null is not None and null.any():
        validity = pa.py_buffer(np.packbits(~null, bitorder="little").tobytes())
    kind = pa.decimal128(DECIMAL_PRECISION, digits)
    return pa.Array.from_buffers(kind, len(minor), [validity, pa.py_buffer(halves.tobytes())])


def digits_of(amounts: pd.Series) -> int:
    """Return the number of decimals that a money column carries."""
    return columns.arrow_type(amounts).scale


def allocate(total: int, weights: Sequence[Fraction]) -> list[int]:
    """Split minor units by weights so that the parts sum to the total (largest remainder).

    Ties go to the lower position. A negative total is split like its absolute value.
    Raises `ValueError` when no weight is positive and there is something to split.
    """
    scaled = whole_numbers(weights)
    whole = sum(scaled)
    if whole <= 0:
        if total == 0:
            return [0] * len(weights)
        raise ValueError("nothing to split by: no weight is positive")
    sign = -1 if total < 0 else 1
    divided = [divmod(abs(total) * each, whole) for each in scaled]
    parts = [part for part, _ in divided]
    left = abs(total) - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda n: (-divided[n][1], n))
    for position in by_remainder[:left]:
        parts[position] += 1
    return [sign * part for part in parts]


def whole_numbers(weights: Sequence[Fraction]) -> list[int]:
    """Return weights over their common denominator: whole numbers, and the same shares."""
    common = lcm(*(weight.denominator for weight in weights))
    return [weight.numerator * (common // weight.denominator) for weight in weights]


def sum_by(codes: npt.NDArray[np.int64], minor: Minor, size: int) -> Minor:
    """Sum minor units exactly by dense code."""
    totals = np.zeros(size, np.int64)
    np.add.at(totals, codes, minor)
    return totals


def share_half_even(minor: Minor, numerator: Minor, denominator: int) -> Minor:
    """Return `minor * numerator / denominator`, each rounded half-even, without floats."""
    product = minor * numerator
    floor, rest = np.divmod(product, denominator)
    twice = 2 * rest
    up = (twice > denominator) | ((twice == denominator) & (floor % 2 == 1))
    return floor + up.astype(np.int64)


def proportion(amount: int, part: int, whole: int) -> int:
    """Return `amount * part / whole`, rounded half-even, whatever their signs."""
    return round(Fraction(amount * part, whole))
