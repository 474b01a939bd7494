"""What is read from Salesforce, and under which names: objects, fields, and their types.

Put the comparison of what is wanted with what is there here; names and columns are `objects`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

from connectors.salesforce.answers import Describe, expect
from connectors.salesforce.cells import KINDS
from connectors.salesforce.source import (
    ExtractFinding,
    FieldTypes,
    MissingField,
    MissingObject,
    ObjectSource,
    Source,
)
from sales.errors import UserError


class RetypedField(UserError, TypeError):
    """A field has a type that its column cannot hold."""


# Which rule names the field of a column.
NAMED_BY = {
    "custom_amount": "[pipeline] amount_field",
    "effort_days": "[clients] effort_field",
    "service_start": "[clients] service_start_field",
    "service_end": "[clients] service_end_field",
    "dimension": "[pipeline] dimension",
}


def field_types(description: Mapping[str, Any]) -> FieldTypes:
    """Return the type of each field that a describe answer lists."""
    fields = expect(description, Describe, "describe an object")["fields"]
    return {str(each["name"]): str(each["type"]) for each in fields}


def visible(
    source: ObjectSource, types: FieldTypes | None, findings: list[ExtractFinding]
) -> list[Source]:
    """Return the fields that can be read, none where the object is absent.

    Raises `MissingObject`, `MissingField` or `RetypedField` where a table would be wrong;
    what can be done without becomes a finding.
    """
    if types is None:
        if not source.optional:
            raise MissingObject(
                f"object {source.object_name} is not visible to this user; grant read access to it in a permission set"
            )
        if source.why:
            findings.append(
                ExtractFinding(source.object_name, f"not visible or not there: {source.why}")
            )
        return []
    seen = [each for each in source.sources if each.field in types]
    for each in source.sources:
        place = f"{source.object_name}.{each.field}"
        if each.field not in types:
            _say_missing(source, each, types, findings)
        elif types[each.field] not in KINDS[each.kind].types:
            cure = "give the field its former type"
            if each.column in NAMED_BY:
                cure = f"name another field under {NAMED_BY[each.column]} in the policy file, or give it its former type"
            raise RetypedField(
                f"field {place} has type {types[each.field]}, and {each.column} is a {each.kind}; {cure}"
            )
    return seen


def _say_missing(
    source: ObjectSource, each: Source, types: FieldTypes, findings: list[ExtractFinding]
) -> None:
    if each.needed:
        near = get_close_matches(each.field, types, n=1) if each.field.endswith("__c") else []
        perhaps = f" (did it become {near[0]}?)" if near else ""
        cure = "grant read access to the field in a permission set"
        if each.column in NAMED_BY:
            cure += f", or correct {NAMED_BY[each.column]} in the policy file"
        raise MissingField(
            f"field {source.object_name}.{each.field} is not visible to this user{perhaps}, and {source.table} cannot do without it; {cure}"
        )
    if each.field in {
        "CurrencyIsoCode",
        *source.quiet,
    }:  # absent from many organisations, and nothing follows
        return
    counts_as = ("yes" if each.default else "no") if each.kind == "flag" else "empty"
    findings.append(
        ExtractFinding(
            f"{source.object_name}.{each.field}",
            f"not visible: {each.column} counts as {counts_as}",
        )
    )


def drift(
    before: Mapping[str, FieldTypes],
    now: Mapping[str, FieldTypes | None],
    sources: Iterable[ObjectSource],
) -> list[ExtractFinding]:
    """Return what changed in the fields that we read since the reading before."""
    found: list[ExtractFinding] = []
    for source in sources:
        old, new = before.get(source.object_name), now.get(source.object_name)
        if old is None:
            continue
        for field in (each.field for each in source.sources):
            was, is_ = old.get(field), (new or {}).get(field)
            place = f"{source.object_name}.{field}"
            if was and not is_:
                found.append(
                    ExtractFinding(
                        place,
                        "was visible at the last reading and no longer is: removed, renamed or hidden",
                    )
                )
            elif is_ and not was:
                found.append(
                    ExtractFinding(
                        place,
                        "is visible now and was not at the last reading: the whole object was read again",
                    )
                )
            elif was and is_ and was != is_:
                found.append(
                    ExtractFinding(
                        place,
                        f"changed its type from {was} to {is_}: the whole object was read again",
                    )
                )
    return found
