"""Values as CSV writes them.

Put here what a cell of a CSV file looks like; which tables are written is `tables` and
`attachments`.
"""

from __future__ import annotations

import io

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

# A spreadsheet would take such a text for a formula.
FORMULA = r"^\s*[=+\-@]|^[\t\r]"
# A number as text, with a percent sign, or of a telephone; a lone sign.
NUMBER = r"^[+\-]?[0-9][0-9., ]*%?$|^[+\-]$"


def written(values: pa.Array) -> pa.Array:
    """Return values as CSV writes them: instants with `Z`, money with the currency's digits."""
    if pa.types.is_timestamp(values.type):
        shown = pc.strftime(
            values.cast(pa.timestamp("ms", tz="UTC"), safe=False), "%Y-%m-%dT%H:%M:%SZ"
        )
        return pc.replace_substring(shown, ".000Z", "Z")
    if pa.types.is_decimal(values.type):
        return values.cast(pa.string())
    if pa.types.is_boolean(values.type):
        return pc.if_else(values, "true", "false")
    return values


def guarded_csv(table: pa.Table) -> bytes:
    """Return a table as CSV in which no text is taken for a formula: such a text begins with an apostrophe."""
    parts = {
        name: written(guarded(table.column(name).combine_chunks())) for name in table.column_names
    }
    out = io.BytesIO()
    csv.write_csv(pa.table(parts), out)
    return out.getvalue()


def guarded(values: pa.Array) -> pa.Array:
    """Return values in which no text is taken for a formula; what is no text, or a number as text, stays."""
    if not (pa.types.is_string(values.type) or pa.types.is_large_string(values.type)):
        return values
    looks_like_one = pc.and_not(
        pc.match_substring_regex(values, FORMULA), pc.match_substring_regex(values, NUMBER)
    )
    return (
        pc.if_else(looks_like_one, pc.binary_join_element_wise("'", values, ""), values)
        if pc.any(looks_like_one).as_py()
        else values
    )
