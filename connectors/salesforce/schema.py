"""What is read from Salesforce, and under which names: objects, fields, and their types.

The only place that knows Salesforce's names. When and how they are read is `pull`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation, localcontext
from difflib import get_close_matches
from functools import cached_property
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns
from sales.errors import UserError
from sales.policy.rules import CustomFields

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


class MissingField(UserError, PermissionError):
    """A field that a table cannot do without is not visible to this user."""


class MissingObject(UserError, PermissionError):
    """An object that a table cannot do without is not visible to this user."""


class RetypedField(UserError, TypeError):
    """A field has a type that its column cannot hold."""


class UnreadableValue(UserError, ValueError):
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
    """One raw table: the Salesforce object and its fields.

    `optional` objects may be absent, and `why` says what that means; `quiet` fields are absent
    from many organisations and nothing follows; `where` narrows what is read.
    """

    table: str
    object_name: str
    sources: Sequence[Source]
    optional: bool = False
    why: str = ""
    quiet: tuple[str, ...] = ()
    where: str = ""

    @cached_property
    def cursor(self) -> str:
        """The field that says what is new: field history has no other than its creation."""
        fields = {each.field for each in self.sources}
        return "SystemModstamp" if "SystemModstamp" in fields else "CreatedDate"

    @property
    def key(self) -> str:
        """The column that holds the record id."""
        return self.sources[0].column

    def with_custom(self, custom: CustomFields) -> ObjectSource:
        """Return the object with the custom fields that policy names."""
        if self.object_name != "Opportunity":
            return self
        named = [
            Source("custom_amount", custom.amount, "exact", needed=True),
            Source("effort_days", custom.effort, "number", needed=True),
            Source("service_start", custom.service_start, "day", needed=True),
            Source("service_end", custom.service_end, "day", needed=True),
        ]
        return replace(self, sources=[*self.sources, *(each for each in named if each.field)])


@dataclass(frozen=True)
class ExtractFinding:
    """Something about the extract as such: what is hidden, absent or changed, and what that means."""

    place: str
    meaning: str


OPPORTUNITIES = ObjectSource(
    "raw_opportunities",
    "Opportunity",
    [
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
        Source("record_type_id", "RecordTypeId", "id"),
        Source("is_private", "IsPrivate", "flag"),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("modified_at", "SystemModstamp", "instant", needed=True),
    ],
    quiet=("RecordTypeId", "IsPrivate"),
)
HISTORY = ObjectSource(
    "raw_opportunity_history",
    "OpportunityHistory",
    [
        Source("history_id", "Id", "id", needed=True),
        Source("opportunity_id", "OpportunityId", "id", needed=True),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("stage_name", "StageName", needed=True),
        Source("amount", "Amount", "exact", needed=True),
        Source("currency_code", "CurrencyIsoCode"),
        Source("close_date", "CloseDate", "day", needed=True),
        Source("probability_pct", "Probability", "number"),
        Source("forecast_category", "ForecastCategory", "category"),
        Source("modified_at", "SystemModstamp", "instant"),
    ],
)
FIELD_HISTORY = ObjectSource(
    "raw_opportunity_field_history",
    "OpportunityFieldHistory",
    [
        Source("change_id", "Id", "id", needed=True),
        Source("opportunity_id", "OpportunityId", "id", needed=True),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("field", "Field", needed=True),
        Source("data_type", "DataType"),
        Source("old_value", "OldValue", "value", needed=True),
        Source("new_value", "NewValue", "value"),
    ],
    optional=True,
    why="today's owner is assumed for the past: track the owner under Opportunity, Fields, Set History Tracking",
)
USERS = ObjectSource(
    "raw_users",
    "User",
    [
        Source("user_id", "Id", "id", needed=True),
        Source("name", "Name"),
        Source("username", "Username"),
        Source("email", "Email"),
        Source("is_active", "IsActive", "flag", default=True),
        Source("role_id", "UserRoleId", "id"),
        Source("manager_id", "ManagerId", "id"),
    ],
)
ROLES = ObjectSource(
    "raw_roles",
    "UserRole",
    [
        Source("role_id", "Id", "id", needed=True),
        Source("name", "Name", needed=True),
        Source("parent_role_id", "ParentRoleId", "id"),
    ],
    optional=True,
    why="everybody is in team Unassigned",
)
ACCOUNTS = ObjectSource(
    "raw_accounts",
    "Account",
    [
        Source("account_id", "Id", "id", needed=True),
        Source("name", "Name"),
        Source("modified_at", "SystemModstamp", "instant"),
    ],
    optional=True,
    why="clients have no names",
)
STAGES = ObjectSource(
    "raw_stages",
    "OpportunityStage",
    [
        Source("stage_id", "Id", "id", needed=True),
        Source("label", "MasterLabel", needed=True),
        Source("api_name", "ApiName"),
        Source("is_closed", "IsClosed", "flag", needed=True),
        Source("is_won", "IsWon", "flag", needed=True),
        Source("sort_order", "SortOrder", "count"),
        Source("default_probability_pct", "DefaultProbability", "number"),
        Source("forecast_category", "ForecastCategoryName", "category"),
        Source("is_active", "IsActive", "flag", default=True),
    ],
)
ORGANIZATION = ObjectSource(
    "raw_organization",
    "Organization",
    [
        Source("organization_id", "Id", "id", needed=True),
        Source("name", "Name", needed=True),
        Source("time_zone", "TimeZoneSidKey", needed=True),
        Source("fiscal_year_start_month", "FiscalYearStartMonth", "count", needed=True),
        Source("names_year_by_start", "UsesStartDateAsFiscalYearName", "flag"),
        Source("locale", "DefaultLocaleSidKey"),
        Source("instance", "InstanceName"),
    ],
)
CURRENCIES = ObjectSource(
    "currencies",
    "CurrencyType",
    [
        Source("currency_code", "IsoCode", needed=True),
        Source("rate", "ConversionRate", "exact", needed=True),
        Source("is_corporate", "IsCorporate", "flag", needed=True),
    ],
    optional=True,
)
DATED_RATES = ObjectSource(
    "dated_rates",
    "DatedConversionRate",
    [
        Source("currency_code", "IsoCode", needed=True),
        Source("start_date", "StartDate", "day", needed=True),
        Source("next_start_date", "NextStartDate", "day"),
        Source("rate", "ConversionRate", "exact", needed=True),
    ],
    optional=True,
)

SPLITS = ObjectSource(
    "raw_opportunity_splits",
    "OpportunitySplit",
    [
        Source("split_id", "Id", "id", needed=True),
        Source("opportunity_id", "OpportunityId", "id", needed=True),
        Source("owner_id", "SplitOwnerId", "id", needed=True),
        Source("split_type_id", "SplitTypeId", "id", needed=True),
        Source("percentage", "SplitPercentage", "exact", needed=True),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("is_deleted", "IsDeleted", "flag"),
        Source("modified_at", "SystemModstamp", "instant"),
    ],
    optional=True,
)
SPLIT_TYPES = ObjectSource(
    "raw_split_types",
    "OpportunitySplitType",
    [
        Source("split_type_id", "Id", "id", needed=True),
        Source("name", "DeveloperName", needed=True),
        Source("split_field", "SplitField"),
        Source("is_active", "IsActive", "flag", default=True),
        Source("is_total_validated", "IsTotalValidated", "flag", needed=True),
    ],
    optional=True,
)
RECORD_TYPES = ObjectSource(
    "raw_record_types",
    "RecordType",
    [
        Source("record_type_id", "Id", "id", needed=True),
        Source("object_name", "SobjectType", needed=True),
        Source("developer_name", "DeveloperName", needed=True),
        Source("name", "Name"),
    ],
    optional=True,
)
QUOTAS = ObjectSource(
    "quotas",
    "ForecastingQuota",
    [
        Source("quota_id", "Id", "id", needed=True),
        Source("owner_id", "QuotaOwnerId", "id", needed=True),
        Source("forecasting_type_id", "ForecastingTypeId", "id", needed=True),
        Source("start_date", "StartDate", "day", needed=True),
        Source("period_id", "PeriodId", "id"),
        Source("amount", "QuotaAmount", "exact", needed=True),
        Source("currency_code", "CurrencyIsoCode"),
    ],
    optional=True,
)
FORECASTING_TYPES = ObjectSource(
    "forecasting_types",
    "ForecastingType",
    [
        Source("forecasting_type_id", "Id", "id", needed=True),
        Source("name", "DeveloperName", needed=True),
    ],
    optional=True,
)
PERIODS = ObjectSource(
    "raw_periods",
    "Period",
    [
        Source("period_id", "Id", "id", needed=True),
        Source("kind", "Type"),
        Source("start_date", "StartDate", "day"),
        Source("end_date", "EndDate", "day", needed=True),
        Source("number", "Number", "count"),
    ],
    optional=True,
)
QUEUES = ObjectSource(
    "raw_queues",
    "Group",
    [
        Source("queue_id", "Id", "id", needed=True),
        Source("name", "Name"),
    ],
    optional=True,
    where="Type = 'Queue'",
)

# Read whole each time: what is in them is little, and has no history of its own.
SMALL = (
    ORGANIZATION,
    CURRENCIES,
    DATED_RATES,
    STAGES,
    ROLES,
    USERS,
    SPLIT_TYPES,
    RECORD_TYPES,
    FORECASTING_TYPES,
    PERIODS,
    QUOTAS,
    QUEUES,
)
# Read by cursor: only what changed since the last reading.
LARGE = (ACCOUNTS, SPLITS, FIELD_HISTORY, HISTORY, OPPORTUNITIES)
# A record of these that is gone for good leaves a tombstone.
SOFT_DELETED = (OPPORTUNITIES, SPLITS)


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

# Which rule names the field of a column.
NAMED_BY = {
    "custom_amount": "[pipeline] amount_field",
    "effort_days": "[clients] effort_field",
    "service_start": "[clients] service_start_field",
    "service_end": "[clients] service_end_field",
}

FieldTypes = dict[str, str]


def field_types(description: Mapping[str, Any]) -> FieldTypes:
    """Return the type of each field that a describe answer lists."""
    return {str(each["name"]): str(each["type"]) for each in description["fields"]}


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
            raise RetypedField(
                f"field {place} has type {types[each.field]}, and {each.column} is a {each.kind}; "
                f"give the field its former type, or name another field in the policy file"
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
            return pc.equal(values, "true").fill_null(False)
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
