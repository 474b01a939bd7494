"""Salesforce as our raw tables: which objects and fields are read, and under which names.

The only place that knows Salesforce's names. The wire is `salesforce_wire`; what the
values mean for the numbers is in `sales`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from babel import Locale, UnknownLocaleError
from babel.numbers import get_territory_currencies

from connectors.salesforce_wire import Login, Progress, Wire
from sales import columns
from sales.extract import defaults_of
from sales.fault import Fault
from sales.policy import OrganizationDefaults
from sales.tables import RAW, checked

# Salesforce's scale for currency fields is at most 18 digits; dated rates have up to 6 decimals.
EXACT = pa.decimal128(38, 10)
CHECKSUM_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ012345"
SHORT_ID = 15
SHORT_OWNER_OR_ACCOUNT = r"^(005|00G|001)[0-9A-Za-z]{12}$"


class MissingField(Fault, PermissionError):
    """A field that a table cannot do without is not visible to this user."""


class MissingObject(Fault, PermissionError):
    """An object that a table cannot do without is not visible to this user."""


class UnreadableValue(Fault, ValueError):
    """A value is not of the type that Salesforce's field has."""


@dataclass(frozen=True)
class Source:
    """One column: the Salesforce field, its kind, whether the table can do without it, and what a hidden flag counts as."""

    column: str
    field: str
    kind: str = "text"
    needed: bool = False
    default: bool = False


@dataclass(frozen=True)
class ObjectSource:
    """One raw table: the Salesforce object and its fields; `optional` objects may be absent."""

    table: str
    object_name: str
    sources: Sequence[Source]
    optional: bool = False
    why: str = ""


@dataclass(frozen=True)
class ExtractFinding:
    """Something about the extract as such: what is hidden or absent, and what that means."""

    place: str
    meaning: str


@dataclass(frozen=True)
class Pull:
    """The raw tables of one reading of Salesforce, and what was found on the way."""

    tables: dict[str, pd.DataFrame]
    findings: list[ExtractFinding]
    api_version: str
    api_usage: str


OPPORTUNITIES = ObjectSource("raw_opportunities", "Opportunity", [
    Source("opportunity_id", "Id", "id", needed=True),
    Source("is_deleted", "IsDeleted", "flag"),
    Source("account_id", "AccountId", "id"),
    Source("name", "Name"),
    Source("stage_name", "StageName", needed=True),
    Source("amount", "Amount", "exact", needed=True),
    Source("currency_code", "CurrencyIsoCode"),
    Source("probability_pct", "Probability", "number"),
    Source("close_date", "CloseDate", "day", needed=True),
    Source("forecast_category", "ForecastCategoryName", "category"),
    Source("owner_id", "OwnerId", "id", needed=True),
    Source("lead_source", "LeadSource"),
    Source("created_at", "CreatedDate", "instant", needed=True),
    Source("modified_at", "SystemModstamp", "instant", needed=True),
])  # fmt: skip
HISTORY = ObjectSource("raw_opportunity_history", "OpportunityHistory", [
    Source("history_id", "Id", "id", needed=True),
    Source("opportunity_id", "OpportunityId", "id", needed=True),
    Source("created_at", "CreatedDate", "instant", needed=True),
    Source("stage_name", "StageName", needed=True),
    Source("amount", "Amount", "exact", needed=True),
    Source("currency_code", "CurrencyIsoCode"),
    Source("close_date", "CloseDate", "day", needed=True),
    Source("probability_pct", "Probability", "number"),
    Source("forecast_category", "ForecastCategory", "category"),
])  # fmt: skip
FIELD_HISTORY = ObjectSource("raw_opportunity_field_history", "OpportunityFieldHistory", [
    Source("change_id", "Id", "id", needed=True),
    Source("opportunity_id", "OpportunityId", "id", needed=True),
    Source("created_at", "CreatedDate", "instant", needed=True),
    Source("field", "Field", needed=True),
    Source("data_type", "DataType"),
    Source("old_value", "OldValue", "value", needed=True),
    Source("new_value", "NewValue", "value"),
], optional=True, why="today's owner is assumed for the past: track the owner under Opportunity, Fields, Set History Tracking")  # fmt: skip
USERS = ObjectSource("raw_users", "User", [
    Source("user_id", "Id", "id", needed=True),
    Source("name", "Name"),
    Source("username", "Username"),
    Source("email", "Email"),
    Source("is_active", "IsActive", "flag", default=True),
    Source("role_id", "UserRoleId", "id"),
    Source("manager_id", "ManagerId", "id"),
])  # fmt: skip
ROLES = ObjectSource("raw_roles", "UserRole", [
    Source("role_id", "Id", "id", needed=True),
    Source("name", "Name", needed=True),
    Source("parent_role_id", "ParentRoleId", "id"),
], optional=True, why="everybody is in team Unassigned")  # fmt: skip
ACCOUNTS = ObjectSource("raw_accounts", "Account", [
    Source("account_id", "Id", "id", needed=True),
    Source("name", "Name"),
], optional=True, why="clients have no names")  # fmt: skip
STAGES = ObjectSource("raw_stages", "OpportunityStage", [
    Source("label", "MasterLabel", needed=True),
    Source("api_name", "ApiName"),
    Source("is_closed", "IsClosed", "flag", needed=True),
    Source("is_won", "IsWon", "flag", needed=True),
    Source("sort_order", "SortOrder", "count"),
    Source("default_probability_pct", "DefaultProbability", "number"),
    Source("forecast_category", "ForecastCategoryName", "category"),
])  # fmt: skip
ORGANIZATION = ObjectSource("raw_organization", "Organization", [
    Source("organization_id", "Id", "id", needed=True),
    Source("name", "Name", needed=True),
    Source("time_zone", "TimeZoneSidKey", needed=True),
    Source("fiscal_year_start_month", "FiscalYearStartMonth", "count", needed=True),
    Source("names_year_by_start", "UsesStartDateAsFiscalYearName", "flag"),
    Source("locale", "DefaultLocaleSidKey"),
])  # fmt: skip
CURRENCIES = ObjectSource("currencies", "CurrencyType", [
    Source("currency_code", "IsoCode", needed=True),
    Source("rate", "ConversionRate", "exact", needed=True),
    Source("is_corporate", "IsCorporate", "flag", needed=True),
], optional=True)  # fmt: skip
DATED_RATES = ObjectSource("dated_rates", "DatedConversionRate", [
    Source("currency_code", "IsoCode", needed=True),
    Source("start_date", "StartDate", "day", needed=True),
    Source("next_start_date", "NextStartDate", "day"),
    Source("rate", "ConversionRate", "exact", needed=True),
], optional=True)  # fmt: skip

KINDS: dict[str, pa.DataType] = {
    "text": pa.string(),
    "value": pa.string(), "id": pa.string(), "category": pa.string(), "flag": pa.bool_(), "number": pa.float64(),
    "count": pa.int64(), "day": pa.date32(), "instant": columns.INSTANT, "exact": EXACT,
}  # fmt: skip
# History says BestCase, MostLikely and Forecast where the record says Best Case, Most Likely and Commit.
CATEGORIES = {"BestCase": "Best Case", "MostLikely": "Most Likely", "Forecast": "Commit"}


class SalesforceClient:
    """Reads an organisation whole; a new connection for each pull."""

    def __init__(self, login: Login) -> None:
        """Remember where to ask; nothing is sent yet."""
        self.login = login

    def pull(self, progress: Progress = lambda _: None) -> Pull:
        """Return all raw tables that Salesforce holds; raises when a table would be wrong or incomplete."""
        wire = Wire(self.login)
        names = wire.object_names()
        findings: list[ExtractFinding] = []

        def read(source: ObjectSource) -> pd.DataFrame:
            return _read(wire, source, names, findings, progress)

        _warn_of_splits(names, findings)
        organization, currencies, dated = read(ORGANIZATION), read(CURRENCIES), read(DATED_RATES)
        tables = {
            "raw_organization": _organization(organization, currencies),
            "raw_currency_rates": _rates(currencies, dated),
            "raw_users": read(USERS),
            "raw_roles": read(ROLES),
            "raw_stages": _stages(read(STAGES)),
            "raw_accounts": read(ACCOUNTS),
            "raw_opportunity_field_history": read(FIELD_HISTORY),
            "raw_opportunity_history": read(HISTORY),
            "raw_opportunities": read(OPPORTUNITIES),
        }
        checked_tables = {name: checked(table, RAW[name]) for name, table in tables.items()}
        return Pull(checked_tables, findings, wire.version, wire.api_usage)

    def organization(self) -> OrganizationDefaults:
        """Return what the organisation says of itself, without reading anything else."""
        wire = Wire(self.login)
        names = wire.object_names()
        read = [_read(wire, source, names, [], lambda _: None) for source in (ORGANIZATION, CURRENCIES)]
        return defaults_of(_organization(*read))

    def examine(self) -> tuple[Wire, list[ExtractFinding]]:
        """Return a connection and what of our objects and fields this user cannot see."""
        wire = Wire(self.login)
        names = wire.object_names()
        findings: list[ExtractFinding] = []
        _warn_of_splits(names, findings)
        for source in (ORGANIZATION, OPPORTUNITIES, HISTORY, FIELD_HISTORY, USERS, ROLES, STAGES, ACCOUNTS):
            if _is_there(source, names, findings):
                _visible(source, wire.fields(source.object_name), findings)
        return wire, findings


def _warn_of_splits(names: set[str], findings: list[ExtractFinding]) -> None:
    if "OpportunitySplit" in names:
        meaning = "splits are enabled and not read yet: the owner gets the whole credit of a deal"
        findings.append(ExtractFinding("OpportunitySplit", meaning))


def _is_there(source: ObjectSource, names: set[str], findings: list[ExtractFinding]) -> bool:
    if source.object_name in names:
        return True
    if not source.optional:
        raise MissingObject(f"object {source.object_name} is not visible to this user; grant read access to it in a permission set")
    if source.why:
        findings.append(ExtractFinding(source.object_name, f"not visible or not there: {source.why}"))
    return False


def _visible(source: ObjectSource, there: set[str], findings: list[ExtractFinding]) -> list[Source]:
    visible = [each for each in source.sources if each.field in there]
    for each in source.sources:
        if each.field in there:
            continue
        if each.needed:
            raise MissingField(
                f"field {source.object_name}.{each.field} is not visible to this user, and {source.table} cannot do without it; "
                f"grant read access to the field in a permission set"
            )
        if each.field != "CurrencyIsoCode":  # absent from every single-currency organisation
            counts_as = ("yes" if each.default else "no") if each.kind == "flag" else "empty"
            findings.append(ExtractFinding(f"{source.object_name}.{each.field}", f"not visible: {each.column} counts as {counts_as}"))
    return visible


def _read(wire: Wire, source: ObjectSource, names: set[str], findings: list[ExtractFinding], progress: Progress) -> pd.DataFrame:
    if not _is_there(source, names, findings):
        return columns.frame({each.column: pa.nulls(0, KINDS[each.kind]) for each in source.sources})
    visible = _visible(source, wire.fields(source.object_name), findings)
    raw = wire.rows(source.object_name, [each.field for each in visible], progress)
    size = raw.num_rows
    parts = {
        each.column: _typed(raw.column(each.field).combine_chunks(), each.kind, f"{source.object_name}.{each.field}")
        if each in visible
        else _hidden(each, size)
        for each in source.sources
    }
    return columns.frame(parts)


def _hidden(source: Source, size: int) -> pa.Array:
    if source.kind == "flag":
        return pa.repeat(pa.scalar(source.default), size)
    return pa.nulls(size, KINDS[source.kind])


def _typed(values: pa.Array, kind: str, place: str) -> pa.Array:
    """Turn text into a field's type; raises `UnreadableValue`."""
    try:
        if kind == "flag":
            return pc.equal(values, "true").fill_null(False)
        if kind == "count":
            return values.cast(pa.float64()).cast(pa.int64())
        if kind == "id":
            return _eighteen(values)
        if kind == "value":
            # A tracked value may be a record id, and then it is compared with ids of 18 characters.
            is_id = pc.match_substring_regex(values, SHORT_OWNER_OR_ACCOUNT).fill_null(False)
            return pc.if_else(is_id, _eighteen(values), values)
        if kind == "category":
            encoded = values.dictionary_encode()
            renamed = [CATEGORIES.get(each, each) for each in encoded.dictionary.to_pylist()]
            return pa.DictionaryArray.from_arrays(encoded.indices, pa.array(renamed, pa.string())).cast(pa.string())
        return values.cast(KINDS[kind])
    except pa.ArrowInvalid as fault:
        raise UnreadableValue(f"{place} holds a value that is no {kind}: {' '.join(str(fault).split())[:160]}") from None


def _eighteen(ids: pa.Array) -> pa.Array:
    """Return record ids of 18 characters; 15-character ones get their checksum."""
    if not pc.any(pc.equal(pc.utf8_length(ids), SHORT_ID)).as_py():
        return ids
    return pa.array([_with_checksum(each) if each and len(each) == SHORT_ID else each for each in ids.to_pylist()], pa.string())


def _with_checksum(record_id: str) -> str:
    fives = (record_id[start : start + 5] for start in (0, 5, 10))
    return record_id + "".join(CHECKSUM_ALPHABET[sum(1 << n for n, c in enumerate(five) if "A" <= c <= "Z")] for five in fives)


def _organization(organization: pd.DataFrame, currencies: pd.DataFrame) -> pd.DataFrame:
    corporate = currencies.loc[columns.booleans(currencies["is_corporate"]), "currency_code"].tolist()
    code = corporate[0] if corporate else _currency_of(organization["locale"].iloc[0])
    shown = organization.drop(columns="locale")
    shown["currency_code"] = columns.series(columns.repeat(code, len(shown)))
    shown["is_multi_currency"] = columns.series(pa.array([bool(corporate)] * len(shown)))
    return shown


def _currency_of(locale: object) -> str:
    """Return the currency in use where the organisation's locale is spoken."""
    try:
        territory = Locale.parse(str(locale).split("__")[0]).territory
    except (UnknownLocaleError, ValueError):
        territory = None
    found = get_territory_currencies(territory) if territory else []
    return found[0] if found else "USD"


def _rates(currencies: pd.DataFrame, dated: pd.DataFrame) -> pd.DataFrame:
    static = currencies[["currency_code", "rate"]].copy()
    none = columns.series(pa.nulls(len(static), pa.date32()))
    static["start_date"], static["next_start_date"] = none, none
    order = ["currency_code", "start_date", "next_start_date", "rate"]
    return pd.concat([static[order], dated[order]], ignore_index=True)


def _stages(stages: pd.DataFrame) -> pd.DataFrame:
    """Return one row a name: history may hold the label or the API name."""
    shared = ["is_closed", "is_won", "sort_order", "default_probability_pct", "forecast_category"]
    by_label = stages.rename(columns={"label": "stage_name"})[["stage_name", *shared]]
    by_name = stages.rename(columns={"api_name": "stage_name"})[["stage_name", *shared]]
    both = pd.concat([by_label, by_name], ignore_index=True)
    named = np.asarray(pc.is_valid(columns.arrow(both["stage_name"])))
    return both.loc[named].drop_duplicates("stage_name", ignore_index=True)
