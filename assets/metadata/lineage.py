"""Where raw columns come from: Salesforce's fields and the files of the policy folder, beside the core's own lineage."""

from __future__ import annotations

from connectors.policy.annual_targets import TargetRow
from connectors.salesforce.field_lineage import fields_of
from sales.contracts.lineage import MONTHLY_LINEAGE, Parents
from sales.contracts.parents import PERSON, QUOTAS, of
from sales.contracts.raw import RAW


def salesforce(object_name: str) -> str:
    """Return the name of the asset that stands for a Salesforce object."""
    return f"salesforce/{object_name}"


_FROM_SALESFORCE: dict[str, Parents] = {
    table: {
        column: frozenset((salesforce(object_name), field) for object_name, field in parents)
        for column, parents in fields_of(table).items()
    }
    for table in RAW
    if table != "raw_targets"
}
_RAW_TARGETS: Parents = {
    **{
        name: of("policy/targets", name) | QUOTAS
        for name in TargetRow.model_fields
        if name != "owner"
    },
    "owner_id": of("policy/targets", "owner") | PERSON | QUOTAS,
    "stated_months": QUOTAS,
}

LINEAGE: dict[str, Parents] = {
    **_FROM_SALESFORCE,
    "raw_targets": _RAW_TARGETS,
    **MONTHLY_LINEAGE,
}
