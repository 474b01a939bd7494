from decimal import Decimal
from fractions import Fraction

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales import arrow as columns
from sales import money

WEIGHTS = st.lists(st.fractions(0, 100, max_denominator=1000), min_size=1, max_size=24).filter(any)
MINOR = st.lists(st.integers(-(10**14), 10**14), min_size=1, max_size=30)


@given(st.integers(-(10**15), 10**15), WEIGHTS)
def test_splitting_never_loses_a_cent(total: int, weights: list[Fraction]) -> None:
    parts = money.allocate(total, weights)
    assert sum(parts) == total
    exact = [total * weight / sum(weights) for weight in weights]
    assert all(abs(part - share) < 1 for part, share in zip(parts, exact, strict=True))


def test_ties_go_to_the_earlier_part() -> None:
    assert money.allocate(100, [Fraction(1)] * 3) == [34, 33, 33]
    assert money.allocate(-100, [Fraction(1)] * 3) == [-34, -33, -33]
    assert money.allocate(5, [Fraction(1)] * 12) == [1] * 5 + [0] * 7


def test_nothing_to_split_by_is_an_error_unless_nothing_is_split() -> None:
    assert money.allocate(0, [Fraction(0)] * 3) == [0, 0, 0]
    with pytest.raises(ValueError, match="no weight"):
        money.allocate(1, [Fraction(0)] * 3)


@given(MINOR, st.sampled_from([0, 2, 3]))
def test_minor_units_and_decimals_say_the_same(minor: list[int], digits: int) -> None:
    values = np.array(minor, np.int64)
    column = columns.series(money.decimal_array(values, digits))
    assert column.tolist() == [Decimal(value).scaleb(-digits) for value in minor]
    back, null = money.minor_units(column, digits)
    assert back.tolist() == minor
    assert not null.any()
    assert money.digits_of(column) == digits


def test_amounts_are_rounded_half_to_even_once() -> None:
    column = columns.series(
        pa.array(
            [Decimal("0.005"), Decimal("0.015"), Decimal("-0.025"), None], pa.decimal128(20, 3)
        )
    )
    minor, null = money.minor_units(column, 2)
    assert minor.tolist() == [0, 2, -2, 0]
    assert null.tolist() == [False, False, False, True]


def test_null_stays_null_and_is_not_zero() -> None:
    column = columns.series(money.decimal_array(np.array([0, 5]), 2, np.array([True, False])))
    assert columns.arrow(column).to_pylist() == [None, Decimal("0.05")]


def test_an_amount_that_cannot_be_summed_exactly_is_refused() -> None:
    column = columns.series(pa.array([Decimal("1e20")], pa.decimal128(38, 2)))
    with pytest.raises(money.AmountTooLarge, match="correct it in Salesforce"):
        money.minor_units(column, 2)


@given(st.integers(-(10**14), 10**14), st.integers(0, 10_000))
def test_shares_are_rounded_half_to_even_without_floats(amount: int, share: int) -> None:
    result = money.share_half_even(np.array([amount]), np.array([share]), 10_000)[0]
    assert result == round(Fraction(amount * share, 10_000))
