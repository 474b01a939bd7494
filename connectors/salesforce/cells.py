"""Values as Salesforce writes them, as columns of their types: numbers exact, ids of eighteen signs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from connectors.salesforce.source import (
    ObjectSource,
    Source,
)
from sales import arrow as columns
from sales.errors import UserError

# Salesforce's scale for currency fields is at most 18 digits; dated rates have up to 6 decimals.
EXACT = pa.decimal128(38, 10)


MOST_DIGITS, TENTH_DIGIT = 60, Decimal(1).scaleb(-10)
CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"


SHORT_ID = 15


SHORT_TRACKED_ID = r"^(005|00G|001|012)[0-9A-Za-z]{12}$"


TEXTUAL = {
    "string",
    "picklist",
    "textarea",
    "combobox",
    "email",
    "phone",
    "url",
    "id",
    "reference",
    "multipicklist",
    "encryptedstring",
    "anyType",
}


NUMERIC = {"currency", "double", "int", "long", "percent"}


class UnreadableValue(UserError, ValueError):
    """A value is not of the type that Salesforce's field has."""


@dataclass(frozen=True)
class Kind:
    """How a field's values are kept, and the Salesforce types that may hold them."""

    arrow: pa.DataType
    types: frozenset[str]


KINDS: dict[str, Kind] = {
    "text": Kind(pa.string(), frozenset(TEXTUAL)),
    "value": Kind(pa.string(), frozenset(TEXTUAL | NUMERIC | {"boolean", "date", "datetime"})),
    "id": Kind(pa.string(), frozenset({"id", "reference", "string"})),
    "category": Kind(pa.string(), frozenset(TEXTUAL)),
    "picklist": Kind(pa.string(), frozenset({"string", "picklist", "combobox", "multipicklist"})),
    "flag": Kind(pa.bool_(), frozenset({"boolean"})),
    "number": Kind(pa.float64(), frozenset(NUMERIC)),
    "count": Kind(pa.int64(), frozenset(NUMERIC)),
    "day": Kind(pa.date32(), frozenset({"date"})),
    "instant": Kind(columns.INSTANT, frozenset({"datetime"})),
    "exact": Kind(EXACT, frozenset(NUMERIC)),
}


# History says BestCase, MostLikely and Forecast where the record says Best Case, Most Likely and
# Commit.
CATEGORIES = {"BestCase": "Best Case", "MostLikely": "Most Likely", "Forecast": "Commit"}


def typed(raw: pa.Table, source: ObjectSource, seen: Sequence[Source]) -> pa.Table:
    """Return text columns as the columns of a raw table; what is hidden is empty. Raises `UnreadableValue`."""
    size, fields = raw.num_rows, {each.field for each in seen}
    return pa.table(
        {
            each.column: _typed(
                raw.column(each.field).combine_chunks(),
                each.kind,
                f"{source.object_name}.{each.field}",
            )
            if each.field in fields
            else _hidden(each, size)
            for each in source.sources
        }
    )


def text_table(records: Sequence[Mapping[str, Any]], fields: Sequence[str]) -> pa.Table:
    """Return REST records as text columns."""
    return pa.table(
        {
            name: pa.array([_text(record.get(name)) for record in records], pa.string())
            for name in fields
        }
    )


def _text(value: object) -> str | None:
    if value is None or value == "":
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _hidden(source: Source, size: int) -> pa.Array:
    if source.kind == "flag":
        return pa.repeat(pa.scalar(source.default), size)
    return pa.nulls(size, KINDS[source.kind].arrow)


def _typed(values: pa.Array, kind: str, place: str) -> pa.Array:
    """Turn text into a field's type; raises `UnreadableValue`."""
    try:
        if kind == "flag":
            return _flags(values)
        if kind == "count":
            return values.cast(pa.float64()).cast(pa.int64())
        if kind == "id":
            return _eighteen(values)
        if kind == "value":
            # A tracked value may be a record id, and then it is compared with ids of 18 characters.
            is_id = pc.match_substring_regex(values, SHORT_TRACKED_ID).fill_null(False)
            return pc.if_else(is_id, _eighteen(values), values)
        if kind == "category":
            encoded = values.dictionary_encode()
            renamed = [CATEGORIES.get(each, each) for each in encoded.dictionary.to_pylist()]
            return pa.DictionaryArray.from_arrays(
                encoded.indices, pa.array(renamed, pa.string())
            ).cast(pa.string())
        return _rounded(values) if kind == "exact" else values.cast(KINDS[kind].arrow)
    except (pa.ArrowInvalid, InvalidOperation) as fault:
        raise UnreadableValue(
            f"{place} holds a value that is no {kind}: {' '.join(str(fault).split())[:160]}"
        ) from None


def _flags(values: pa.Array) -> pa.Array:
    """Return true and false; empty is false, and any other word is refused."""
    is_known = pc.is_in(values, value_set=pa.array(["true", "false", None], pa.string()))
    if not pc.all(is_known).as_py() and len(values):
        word = values.filter(pc.invert(is_known))[0].as_py()
        raise pa.ArrowInvalid(f"{word[:40]!r} is neither true nor false")
    return pc.equal(values, "true").fill_null(False)


def _rounded(values: pa.Array) -> pa.Array:
    """Return amounts as decimals; a formula's endless digits are rounded half-even to ten."""
    try:
        return values.cast(EXACT)
    except pa.ArrowInvalid:
        with localcontext(prec=MOST_DIGITS):
            exact = [
                None if text is None else Decimal(text).quantize(TENTH_DIGIT, ROUND_HALF_EVEN)
                for text in values.to_pylist()
            ]
        return pa.array(exact, EXACT)


def _eighteen(ids: pa.Array) -> pa.Array:
    """Return record ids of 18 characters; 15-character ones get their checksum."""
    if not pc.any(pc.equal(pc.utf8_length(ids), SHORT_ID)).as_py():
        return ids
    return pa.array(
        [
            _with_checksum(each) if each and len(each) == SHORT_ID else each
            for each in ids.to_pylist()
        ],
        pa.string(),
    )


def _with_checksum(record_id: str) -> str:
    fives = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(
        CHECKSUM_ALPHABET[sum(1 << n for n, c in enumerate(five) if "A" <= c <= "Z")]
        for five in fives
    )
