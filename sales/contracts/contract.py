"""What a contract is: types of columns, the base of all tables, and checking a frame against one.

Tables are declared in the modules of their groups; a frame that breaks its contract stops the run
before anything is stored.
"""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar, cast

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc
from pandera import dtypes
from pandera.engines import pandas_engine
from pandera.typing import DataFrame, Series

from sales import arrow as columns
from sales.contracts.quick_check import certainly_keeps
from sales.errors import UserError

# Amounts as Salesforce holds them, in any currency.
RAW_MONEY = pa.decimal128(38, 10)
# Plain numbers are stored with so many decimals; sums of money, in minor units, stay below this.
DECIMALS, LARGEST_SUM = 6, Decimal(9 * 10**17)


class BrokenContract(UserError, ValueError):
    """A table does not keep its contract."""


@pandas_engine.Engine.register_dtype  # pyright: ignore[reportUnknownMemberType]  # pandera's
@dtypes.immutable  # pyright: ignore[reportUnknownMemberType]
class Money(pandas_engine.DataType):  # pyright: ignore[reportUntypedBaseClass, reportUnknownMemberType]
    """Arrow decimals of any scale: the digits are the currency's."""

    type = pd.ArrowDtype(pa.decimal128(38, 2))

    def coerce(self, data_container: Any) -> Any:  # noqa: ANN401  # pandera's signature
        """Leave the column as it is: turning floats into money hides where they came from."""
        return data_container

    def check(self, pandera_dtype: Any, data_container: Any = None) -> bool:  # noqa: ANN401, ARG002
        """Accept decimals only."""
        kind = getattr(getattr(pandera_dtype, "type", None), "pyarrow_dtype", None)
        return kind is not None and pa.types.is_decimal(kind)

    def __str__(self) -> str:
        """Name the type in messages."""
        return "money"


Text = Series[pd.ArrowDtype(pa.string())]


Day = Series[pd.ArrowDtype(pa.date32())]


Instant = Series[pd.ArrowDtype(columns.INSTANT)]


Flag = Series[pd.ArrowDtype(pa.bool_())]


Count = Series[pd.ArrowDtype(pa.int64())]


Number = Series[pd.ArrowDtype(pa.float64())]


Amount = Series[Money]


def field(description: str, **rules: Any) -> Any:  # noqa: ANN401  # pandera's
    """Return a column that always has a value, with what it means."""
    return pandera.Field(description=description, **rules)


def optional(description: str, **rules: Any) -> Any:  # noqa: ANN401  # pandera's
    """Return a column that may be empty, with what it means."""
    return pandera.Field(description=description, nullable=True, **rules)


def law(check: Callable[..., bool]) -> Any:  # noqa: ANN401  # pandera's
    """Declare what must hold between the cells of a table."""
    return pandera.dataframe_check(check)  # pyright: ignore[reportUnknownMemberType]  # pandera's


class Contract(pandera.DataFrameModel):
    """Columns in order, no others, with a unique key."""

    class Config:
        """Strict: an unknown or missing column is an error."""

        strict = True
        ordered = True


_Contract = TypeVar("_Contract", bound=Contract)


def checked(frame: pd.DataFrame, contract: type[_Contract]) -> DataFrame[_Contract]:
    """Return the frame if it keeps its contract; raise `BrokenContract` with the faults else.

    Whatever the contract, numbers are finite and sums of money fit exact arithmetic: what fell
    through a cast or a division by nothing reaches no table.
    """
    _check_figures(frame, contract)
    if certainly_keeps(frame, contract):
        return cast("DataFrame[_Contract]", frame)
    try:
        return contract.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as broken:
        failures = cast("pd.DataFrame", broken.failure_cases)  # pyright: ignore[reportUnknownMemberType]
        cases = failures[["column", "check", "failure_case"]].astype(str).drop_duplicates().head(3)
        faults = "; ".join(
            f"{row.column}: {row.check} ({str(row.failure_case)[:60]})"
            for row in cases.itertuples()
        )
        raise BrokenContract(f"{contract.__name__} is not what it promises: {faults}") from broken


def _check_figures(frame: pd.DataFrame, contract: type[Contract]) -> None:
    for name in frame.columns:
        dtype = frame[name].dtype
        if not isinstance(dtype, pd.ArrowDtype):
            continue
        kind = dtype.pyarrow_dtype
        if pa.types.is_floating(kind):
            values = columns.arrow(frame[name])
            wrong = pc.any(pc.invert(pc.is_finite(values.drop_null()))).as_py()
        elif pa.types.is_decimal(kind) and kind != RAW_MONEY:
            extremes = pc.min_max(columns.arrow(frame[name])).as_py()
            largest = LARGEST_SUM.scaleb(-kind.scale)
            wrong = any(each is not None and abs(each) > largest for each in extremes.values())
        else:
            continue
        if wrong:
            raise BrokenContract(
                f"{contract.__name__} is not what it promises: {name} holds a number that is infinite, undefined or too large"
            )


def table_name(contract: type[Contract]) -> str:
    """Return the name of the table that a contract is of: its own, in small letters."""
    return re.sub(r"(?<!^)(?=[A-Z])", "_", contract.__name__).lower()


def table_of(tables: Mapping[str, pd.DataFrame], contract: type[_Contract]) -> DataFrame[_Contract]:
    """Return the table of a contract among tables by name; each was checked when it was made."""
    return cast("DataFrame[_Contract]", tables[table_name(contract)])


def stamp(table: pd.DataFrame, as_of: datetime, extracted_at: datetime) -> pd.DataFrame:
    """Return the table with the two instants that every table carries as its last columns.

    Plain numbers (chances, shares, ratios) are rounded half-even to six decimals: further digits
    depend on the machine, and so does the sign of a zero.
    """
    size = len(table)
    rounded = {
        name: columns.series(
            pc.add(pc.round(columns.arrow(table[name]), DECIMALS, "half_to_even"), 0.0)
        )
        for name in table.columns
        if isinstance(dtype := table[name].dtype, pd.ArrowDtype)
        and pa.types.is_floating(dtype.pyarrow_dtype)
    }
    table = table.reset_index(drop=True).assign(**rounded)
    instants = {"as_of": as_of, "extracted_at": extracted_at}
    last = columns.frame(
        {
            name: pa.repeat(pa.scalar(value, columns.INSTANT), size)
            for name, value in instants.items()
        }
    )
    return pd.concat([table, last], axis=1)


def empty(contract: type[_Contract]) -> DataFrame[_Contract]:
    """Return a table without rows."""
    parts = {
        name: pa.nulls(0, _arrow_type(column.dtype))
        for name, column in contract.to_schema().columns.items()
    }
    return cast("DataFrame[_Contract]", columns.frame(parts))


def _arrow_type(dtype: Any) -> pa.DataType:  # noqa: ANN401  # pandera's types
    return RAW_MONEY if str(dtype) == "money" else dtype.type.pyarrow_dtype


def column_names(contract: type[Contract]) -> list[str]:
    """Return the contract's columns in order."""
    return list(contract.to_schema().columns)


def descriptions(contract: type[Contract]) -> dict[str, str]:
    """Return what each column means."""
    return {name: str(column.description) for name, column in contract.to_schema().columns.items()}
