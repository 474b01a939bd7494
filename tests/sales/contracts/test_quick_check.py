"""A quick check says yes to whole tables, and never where pandera says no."""

from collections.abc import Iterator

import numpy as np
import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pytest

from sales import arrow as columns
from sales.contracts.contract import Contract, empty
from sales.contracts.published import MONTHLY
from sales.contracts.quick_check import certainly_keeps
from sales.contracts.raw import RAW
from tests.reports.months import tables_of

TABLES = vars(tables_of(6)[0])
BROKEN_TEXTS = ("", "2026-01\n", "٢٠٢٦-٠١")


def by_pandera(frame: pd.DataFrame, contract: type[Contract]) -> bool:
    try:
        contract.validate(frame, lazy=True)
    except (pandera.errors.SchemaErrors, pandera.errors.SchemaError):
        return False
    return True


def with_cell(frame: pd.DataFrame, name: str, value: object, row: int = 0) -> pd.DataFrame:
    kind = columns.arrow_type(frame[name])
    values = columns.arrow(frame[name]).to_pylist()
    values[row] = value
    changed = pd.Series(pa.array(values, kind), dtype=pd.ArrowDtype(kind), index=frame.index)
    return frame.assign(**{name: changed})


def broken(frame: pd.DataFrame) -> Iterator[pd.DataFrame]:
    """Yield a frame with one thing changed in it."""
    yield pd.concat([frame, frame.iloc[:1]], ignore_index=True)
    yield frame[[*frame.columns[::-1]]]
    yield frame.assign(extra=1)
    yield frame.iloc[:0]
    for name in frame.columns:
        kind = columns.arrow_type(frame[name])
        yield frame.drop(columns=name)
        yield with_cell(frame, name, None, row=len(frame) - 1)
        yield frame.assign(**{name: np.arange(len(frame))})
        if pa.types.is_string(kind):
            yield from (with_cell(frame, name, text) for text in BROKEN_TEXTS)
        elif pa.types.is_integer(kind) or pa.types.is_floating(kind):
            yield from (with_cell(frame, name, number) for number in (-1, 0, 101))
        elif pa.types.is_decimal(kind):
            yield frame.assign(**{name: frame[name].astype("float64[pyarrow]")})


@pytest.mark.parametrize("name", sorted(name for name in MONTHLY if len(TABLES.get(name, ()))))
def test_a_published_table_and_all_that_can_be_wrong_with_it(name: str) -> None:
    frame, contract = TABLES[name], MONTHLY[name]
    assert by_pandera(frame, contract)
    assert certainly_keeps(frame, contract), "whole tables take the quick way"
    for number, changed in enumerate(broken(frame)):
        assert by_pandera(changed, contract) or not certainly_keeps(changed, contract), number


@pytest.mark.parametrize("name", sorted(RAW))
def test_raw_tables_without_rows(name: str) -> None:
    assert certainly_keeps(empty(RAW[name]), RAW[name])
    assert not certainly_keeps(pd.DataFrame(), RAW[name])
