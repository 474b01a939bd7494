"""Objects that are read whole by REST at each pull, and the raw tables that are made of several of them.

Put what is small here; objects that are read by what changed are `pull`.
"""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from babel.numbers import get_territory_currencies, is_currency

from connectors.salesforce import cells, schema
from connectors.salesforce.objects import LARGE, SMALL
from connectors.salesforce.refusals import ResourceNotFound
from connectors.salesforce.session import SalesforceSession
from connectors.salesforce.source import FieldTypes, Source
from connectors.salesforce.transport import Call
from connectors.storage.pull_checkpoint import Reading, Slice
from sales import arrow as columns
from sales.contracts.contract import column_names
from sales.contracts.raw import RAW

# A territory of a locale: two letters of ISO 3166, or a number of UN M.49.
TERRITORY = re.compile(r"[A-Z]{2}|[0-9]{3}")
# The euro, where it is younger than the CLDR of Babel: Bulgaria (Council Regulation (EU) 2025/1409).
EURO_SINCE = {"BG": date(2026, 1, 1)}


def describe(session: SalesforceSession, sources: Any) -> dict[str, FieldTypes | None]:  # noqa: ANN401
    """Return the type of each field that this user sees, by object; none for an object that is absent."""
    names = [source.object_name for source in sources]
    answers = session.several(
        [Call(f"sobjects/{name}/describe", {}) for name in names], what="describe objects"
    )
    types: dict[str, FieldTypes | None] = {}
    for name, answer in zip(names, answers, strict=True):
        if isinstance(answer, Exception) and not isinstance(answer, ResourceNotFound):
            raise answer
        types[name] = None if isinstance(answer, ResourceNotFound) else schema.field_types(answer)
    return types


def read_small(
    session: SalesforceSession, seen: dict[str, list[Source]]
) -> dict[str, pd.DataFrame]:
    """Read objects whole by REST; an absent one has no rows. Raw tables made of several objects are there by their own names."""
    sources = {each.object_name: each for each in (*SMALL, *LARGE)}
    readings = {
        name: Reading(name, name, [each.field for each in wanted], "", sources[name].where)
        for name, wanted in seen.items()
        if wanted
    }
    answers = session.several(
        [Call("queryAll", {"q": each.soql(Slice(0))}) for each in readings.values()],
        what="read settings",
    )
    tables = {name: cells.typed(pa.table({}), sources[name], []) for name in seen}
    for (name, reading), answer in zip(readings.items(), answers, strict=True):
        records = session.records(reading.soql(Slice(0)), answer, what=f"read {name}")
        tables[name] = cells.typed(
            cells.text_table(records, reading.fields), sources[name], seen[name]
        )
    frames = {
        name: columns.frame(
            {each: table.column(each).combine_chunks() for each in table.column_names}
        )
        for name, table in tables.items()
    }
    frames["raw_organization"] = _organization(frames["Organization"], frames["CurrencyType"])
    if "ForecastingQuota" in frames:
        frames["raw_record_types"] = _record_types(frames["RecordType"])
        frames["raw_quotas"] = _quotas(
            frames["ForecastingQuota"], frames["ForecastingType"], frames["Period"]
        )
        frames["raw_submitted_forecasts"] = _submitted(
            frames["ForecastingSubmission"],
            frames["ForecastingSubmissionItem"],
            frames["ForecastingType"],
            frames["Period"],
        )
    return frames


def _organization(organization: pd.DataFrame, currencies: pd.DataFrame) -> pd.DataFrame:
    corporate = currencies.loc[
        columns.booleans(currencies["is_corporate"]), "currency_code"
    ].tolist()
    code = (
        corporate[0]
        if corporate
        else currency_of(organization["locale"].iloc[0], datetime.now(UTC).date())
    )
    shown = organization.drop(columns=["locale", "instance"])
    shown["currency_code"] = columns.series(columns.text([code] * len(shown)))
    shown["is_multi_currency"] = columns.series(pa.array([bool(corporate)] * len(shown)))
    return shown


def currency_of(locale: object, today: date) -> str | None:
    """Return the currency in use where the organisation's locale is spoken, none where the locale does not tell.

    Salesforce writes a language and a territory, and at times a script before the territory or a
    variant after it: `no_NO`, `de_AT_EURO`, `es_SV_USD`, `uz_LATN_UZ`, `ja_JP_JP__calendar_japanese`.
    """
    _, *parts = str(locale).replace("-", "_").split("_")
    if "EURO" in parts:
        return "EUR"
    if named := next((each for each in parts if is_currency(each)), None):
        return named
    territory = next((each for each in parts if TERRITORY.fullmatch(each)), None)
    if territory is None:
        return None
    if today >= EURO_SINCE.get(territory, date.max):
        return "EUR"
    found = get_territory_currencies(territory, start_date=today)
    return found[0] if found else None


def rate_table(currencies: pd.DataFrame, dated: pd.DataFrame) -> pd.DataFrame:
    """Return static and dated rates as one table: a static one has no days."""
    static = currencies[["currency_code", "rate"]].copy()
    none = columns.series(pa.nulls(len(static), pa.date32()))
    static["start_date"], static["next_start_date"] = none, none
    order = ["currency_code", "start_date", "next_start_date", "rate"]
    return pd.concat([static[order], dated[order]], ignore_index=True)


def stage_table(stages: pd.DataFrame) -> pd.DataFrame:
    """Return one row a name: history may hold the label or the API name.

    A name that is one stage's API name and another's label is the API name: labels may be given
    to other stages, API names stay.
    """
    shared = [
        "is_closed",
        "is_won",
        "sort_order",
        "default_probability_pct",
        "forecast_category",
        "stage_id",
        "is_active",
    ]
    by_label = stages.rename(columns={"label": "stage_name"})[["stage_name", *shared]]
    by_name = stages.rename(columns={"api_name": "stage_name"})[["stage_name", *shared]]
    both = pd.concat([by_name, by_label], ignore_index=True)
    named = np.asarray(pc.is_valid(columns.arrow(both["stage_name"])))
    listed = both.loc[named].drop_duplicates("stage_name", ignore_index=True)
    listed["is_listed"] = columns.series(pa.array([True] * len(listed)))
    return listed


def _record_types(types: pd.DataFrame) -> pd.DataFrame:
    ours = types.loc[types["object_name"] == "Opportunity"]
    return ours[["record_type_id", "developer_name", "name"]].reset_index(drop=True)


def _quotas(quotas: pd.DataFrame, types: pd.DataFrame, periods: pd.DataFrame) -> pd.DataFrame:
    """Return quotas with the name of their type and the last day of their period."""
    return _with_amount(quotas.assign(**_named(quotas, types, periods)), "raw_quotas")


def _submitted(
    submissions: pd.DataFrame, items: pd.DataFrame, types: pd.DataFrame, periods: pd.DataFrame
) -> pd.DataFrame:
    """Return what was submitted by category, with the name of its type and the last day of its period."""
    whole = submissions.assign(**_named(submissions, types, periods))
    return _with_amount(items.merge(whole, on="submission_id"), "raw_submitted_forecasts")


def _named(table: pd.DataFrame, types: pd.DataFrame, periods: pd.DataFrame) -> dict[str, pd.Series]:
    """Return the forecasting type's name, else its id, and the last day of the period, where periods can be seen."""
    ends = columns.take(
        columns.arrow(periods["end_date"]),
        columns.codes(table["period_id"], columns.arrow(periods["period_id"])),
    )
    names = columns.take(
        columns.arrow(types["name"]),
        columns.codes(table["forecasting_type_id"], columns.arrow(types["forecasting_type_id"])),
    )
    ids = columns.arrow(table["forecasting_type_id"])
    return {
        "forecasting_type": columns.series(pc.coalesce(names, ids)),
        "end_date": columns.series(ends),
    }


def _with_amount(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a raw table's columns of the rows that have an amount."""
    table = table[[*column_names(RAW[name])]]
    return table.loc[np.asarray(pc.is_valid(columns.arrow(table["amount"])))].reset_index(drop=True)
