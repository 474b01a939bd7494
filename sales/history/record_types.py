"""Which opportunities count, by the record types that policy names."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
from pandera.typing import DataFrame

from sales.contracts.raw import RawRecordTypes
from sales.errors import UserError
from sales.history.extract import Extract


class UnknownRecordType(UserError, LookupError):
    """Policy names a record type that opportunities do not have."""


def of_record_types(extract: Extract, wanted: Sequence[str]) -> pd.DataFrame:
    """Return the opportunities of the record types that policy names; raises `UnknownRecordType`."""
    if not wanted:
        return extract.opportunities
    chosen = record_type_ids(extract.record_types, wanted)
    return extract.opportunities.loc[extract.opportunities["record_type_id"].isin(chosen)]


def record_type_ids(types: DataFrame[RawRecordTypes], wanted: Sequence[str]) -> pd.Series:
    """Return the ids of the record types that policy names; raises `UnknownRecordType`."""
    for name in wanted:
        if name not in set(types["developer_name"]) | set(types["name"].dropna()):
            known = ", ".join(sorted(str(each)[:60] for each in types["developer_name"])) or "none"
            raise UnknownRecordType(
                f"[pipeline] record_types names {name[:60]!r}, which is no record type of opportunities that this user sees; there are: {known}"
            )
    return types.loc[
        types["developer_name"].isin(wanted) | types["name"].isin(wanted), "record_type_id"
    ]
