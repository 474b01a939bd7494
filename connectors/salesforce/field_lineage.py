"""Which Salesforce fields each column of a raw table is read from.

Most columns are one field of one object, as `schema` declares them. Put here what
`pull` makes of several fields or objects, and which columns policy names the field of.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connectors.salesforce import objects
from connectors.salesforce.schema import NAMED_BY
from connectors.salesforce.source import ObjectSource
from sales.contracts.contract import column_names
from sales.contracts.raw import RAW

# An object and a field of it.
Field = tuple[str, str]
OBJECTS = (*objects.SMALL, *objects.LARGE)


def fields(source: ObjectSource, *columns: str) -> list[Field]:
    """Return the fields behind columns of an object."""
    by_column = {each.column: each.field for each in source.sources}
    return [(source.object_name, by_column[column]) for column in columns]


# What no single field of the table's own object holds. Whether a row is there at all rests on its
# key.
MADE: Mapping[str, Mapping[str, Sequence[Field]]] = {
    "raw_opportunities": {
        column: [(objects.OPPORTUNITIES.object_name, rule)] for column, rule in NAMED_BY.items()
    },
    "raw_queues": {
        # The condition begins with the field that it is about.
        "queue_id": [
            *fields(objects.QUEUES, "queue_id"),
            (objects.QUEUES.object_name, objects.QUEUES.where.split()[0]),
        ],
    },
    "raw_stages": {
        "stage_name": fields(objects.STAGES, "label", "api_name"),
        "is_listed": fields(objects.STAGES, "label", "api_name"),
    },
    "raw_organization": {
        "currency_code": [
            *fields(objects.ORGANIZATION, "locale"),
            *fields(objects.CURRENCIES, "currency_code", "is_corporate"),
        ],
        "is_multi_currency": fields(objects.CURRENCIES, "is_corporate"),
    },
    "raw_currency_rates": {
        "currency_code": [
            *fields(objects.CURRENCIES, "currency_code"),
            *fields(objects.DATED_RATES, "currency_code"),
        ],
        "start_date": fields(objects.DATED_RATES, "start_date"),
        "next_start_date": fields(objects.DATED_RATES, "next_start_date"),
        "rate": [*fields(objects.CURRENCIES, "rate"), *fields(objects.DATED_RATES, "rate")],
    },
    "raw_record_types": {
        "record_type_id": fields(objects.RECORD_TYPES, "record_type_id", "object_name")
    },
    "raw_quotas": {
        "quota_id": fields(objects.QUOTAS, "quota_id", "amount"),
        **{
            column: fields(objects.QUOTAS, column)
            for column in ("owner_id", "start_date", "amount", "currency_code")
        },
        "forecasting_type": [
            *fields(objects.QUOTAS, "forecasting_type_id"),
            *fields(objects.FORECASTING_TYPES, "forecasting_type_id", "name"),
        ],
        "end_date": [
            *fields(objects.QUOTAS, "period_id"),
            *fields(objects.PERIODS, "period_id", "end_date"),
        ],
    },
    "raw_submitted_forecasts": {
        "item_id": [
            *fields(objects.SUBMITTED_ITEMS, "item_id", "submission_id", "amount"),
            *fields(objects.SUBMISSIONS, "submission_id"),
        ],
        **{
            column: fields(objects.SUBMISSIONS, column)
            for column in ("owner_id", "start_date", "submitted_at")
        },
        **{column: fields(objects.SUBMITTED_ITEMS, column) for column in ("category", "amount")},
        "forecasting_type": [
            *fields(objects.SUBMISSIONS, "forecasting_type_id"),
            *fields(objects.FORECASTING_TYPES, "forecasting_type_id", "name"),
        ],
        "end_date": [
            *fields(objects.SUBMISSIONS, "period_id"),
            *fields(objects.PERIODS, "period_id", "end_date"),
        ],
    },
}


def fields_of(table: str) -> dict[str, Sequence[Field]]:
    """Return the Salesforce fields of each column of a raw table; a field that policy names stands as the rule that names it."""
    direct = {
        each.column: [(source.object_name, each.field)]
        for source in OBJECTS
        if source.table == table
        for each in source.sources
    }
    known = {**direct, **MADE.get(table, {})}
    return {column: known[column] for column in column_names(RAW[table])}


def objects_read(tables: Iterable[str]) -> dict[str, dict[str, list[str]]]:
    """Return the objects behind raw tables: for each field that is read, the columns that it fills."""
    found: dict[str, dict[str, list[str]]] = {}
    for table in tables:
        for column, parents in fields_of(table).items():
            for name, field in parents:
                found.setdefault(name, {}).setdefault(field, []).append(f"{table}.{column}")
    return found
