"""Whether a frame keeps its contract, asked of Arrow columns: a yes is pandera's yes, at a tenth of its cost.

Put here how a rule of a contract is asked quickly. Only a yes counts: whatever is not understood
here, or seems broken, is judged, and told, by pandera.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, cast

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns

# A text column of more different values than this is left to pandera.
MOST_VALUES = 20_000
Rule = Callable[[pa.Array], bool]


@dataclass(frozen=True)
class _Column:
    """A column's rules: its type, none for money of any scale; whether it may be empty; what its values keep."""

    name: str
    kind: pa.DataType | None
    is_optional: bool
    rules: tuple[Rule, ...]


@dataclass(frozen=True)
class _Rules:
    """What a quick check asks of a frame; `laws` are what holds between its cells."""

    columns: tuple[_Column, ...]
    key: tuple[str, ...]
    laws: tuple[Any, ...]


def certainly_keeps(frame: pd.DataFrame, contract: type[pandera.DataFrameModel]) -> bool:
    """Return whether a frame keeps a contract for certain; no says nothing."""
    rules = _rules_of(contract)
    if rules is None or [*frame.columns] != [each.name for each in rules.columns]:
        return False
    parts: dict[str, pa.Array] = {}
    for each in rules.columns:
        dtype = frame[each.name].dtype
        if not isinstance(dtype, pd.ArrowDtype) or not _is_of(dtype.pyarrow_dtype, each.kind):
            return False
        values = parts[each.name] = columns.arrow(frame[each.name])
        if values.null_count and not each.is_optional:
            return False
        if not all(rule(values) for rule in each.rules):
            return False
    return _is_unique(parts, rules.key) and all(bool(law(frame).check_passed) for law in rules.laws)


def _is_of(kind: pa.DataType, wanted: pa.DataType | None) -> bool:
    return bool(pa.types.is_decimal(kind)) if wanted is None else kind == wanted


def _is_unique(parts: Mapping[str, pa.Array], key: tuple[str, ...]) -> bool:
    if not key:
        return True
    table = pa.table({name: parts[name] for name in key})
    return table.group_by([*key], use_threads=False).aggregate([]).num_rows == table.num_rows


@lru_cache(maxsize=256)
def _rules_of(contract: type[pandera.DataFrameModel]) -> _Rules | None:
    """Return the rules of a contract, none where some are not understood."""
    schema: Any = contract.to_schema()
    if not (schema.strict is True and schema.ordered) or schema.coerce or schema.index is not None:
        return None
    found: list[_Column] = []
    for name, column in schema.columns.items():
        rules = [_rule(check) for check in column.checks]
        is_plain = column.required and not (column.coerce or column.regex or column.unique)
        if not is_plain or None in rules:
            return None
        kind = None if str(column.dtype) == "money" else column.dtype.type.pyarrow_dtype
        found.append(_Column(name, kind, bool(column.nullable), tuple(cast("list[Rule]", rules))))
    return _Rules(tuple(found), tuple(schema.unique or ()), tuple(schema.checks))


def _rule(check: Any) -> Rule | None:  # noqa: ANN401  # pandera's check
    """Return a rule on the values of a column, empty ones left out as pandera leaves them out; none where it is not known."""
    known = RULES.get(check.name)
    if known is None or not check.ignore_na or check.element_wise or check.groupby is not None:
        return None
    return known(check.statistics)


def _matching(pattern: str) -> Rule:
    """Return a rule that values begin with a pattern, as Arrow reads patterns."""

    def rule(values: pa.Array) -> bool:
        different = pc.unique(values).drop_null()
        return pc.all(pc.match_substring_regex(different, f"^({pattern})"), min_count=0).as_py()

    return rule


def _among(allowed: frozenset[Any]) -> Rule:
    return lambda values: _each(values, allowed.__contains__)


def _each(values: pa.Array, holds: Callable[[Any], bool]) -> bool:
    """Return whether something holds for every value; each different one is asked once."""
    different = pc.unique(values)
    if len(different) > MOST_VALUES:
        return False
    return all(each is None or holds(each) for each in different.to_pylist())


def _bounded(holds: Callable[[Any, Any], bool]) -> Rule:
    """Return a rule on the least and the largest value, which holds where there is none."""

    def rule(values: pa.Array) -> bool:
        ends = pc.min_max(values).as_py()
        return ends["min"] is None or bool(holds(ends["min"], ends["max"]))

    return rule


def _in_range(stated: Mapping[str, Any]) -> Rule:
    low, high = stated["min_value"], stated["max_value"]
    with_low, with_high = stated["include_min"], stated["include_max"]
    return _bounded(
        lambda least, most: (
            (least >= low if with_low else least > low)
            and (most <= high if with_high else most < high)
        )
    )


RULES: dict[str, Callable[[Mapping[str, Any]], Rule]] = {
    "str_matches": lambda stated: _matching(stated["pattern"]),
    "isin": lambda stated: _among(frozenset(stated["allowed_values"])),
    "greater_than_or_equal_to": lambda stated: _bounded(lambda low, _: low >= stated["min_value"]),
    "greater_than": lambda stated: _bounded(lambda low, _: low > stated["min_value"]),
    "less_than_or_equal_to": lambda stated: _bounded(lambda _, high: high <= stated["max_value"]),
    "in_range": _in_range,
}
