"""Where raw columns come from, beside the core's own lineage, and the edges of the graph that people read.

A column's lineage names each column that it is computed from. The graph's edges are fewer: what many
tables read of an extract stands there as the calendar, the people and the history of opportunities,
and an edge that follows from others is not drawn.
"""

from __future__ import annotations

from connectors.policy.annual_targets import FOR_PEOPLE, TargetRow
from connectors.salesforce.field_lineage import fields_of
from sales.contracts.lineage import MONTHLY_LINEAGE
from sales.contracts.parents import PERSON, QUOTAS, Parents, of
from sales.contracts.raw import RAW
from sales.contracts.registry import TABLES, MonthlyTable


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
        if name not in FOR_PEOPLE
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

CALENDAR, PEOPLE, HISTORY = "calendar", "people", "opportunity_history"
READ_FROM = {
    CALENDAR: ("raw_organization", "raw_periods"),
    PEOPLE: ("policy/leave", "raw_queues", "raw_roles", "raw_users"),
    HISTORY: (
        "raw_accounts",
        "raw_currency_rates",
        "raw_opportunities",
        "raw_opportunity_field_history",
        "raw_opportunity_history",
        "raw_opportunity_splits",
        "raw_record_types",
        "raw_split_types",
        "raw_stages",
    ),
}
# Quotas are read with the target book that they fill.
READ_WITH = {"raw_quotas": "raw_targets"} | {
    each: name for name, sources in READ_FROM.items() for each in sources
}


def read_through(table: MonthlyTable) -> list[str]:
    """Return the assets, besides other monthly tables, that a monthly table is read from and that none of those is read from."""
    behind = {each for name in table.tables for each in _all_behind(TABLES[name])}
    return sorted(_read(table) - behind)


def _all_behind(table: MonthlyTable) -> set[str]:
    return _read(table).union(*(_all_behind(TABLES[name]) for name in table.tables))


def _read(table: MonthlyTable) -> set[str]:
    return {READ_WITH.get(each, each) for each in table.sources}
