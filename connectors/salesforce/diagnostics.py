"""Looking at an organisation without reading it: what is visible, how far history goes, what is in use.

Put questions that `onpace doctor` asks here. They count and name; no record is read.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, cast

import pandas as pd
from pandera.typing import DataFrame

from connectors.salesforce import schema
from connectors.salesforce.answers import expect_value
from connectors.salesforce.objects import LARGE, SMALL
from connectors.salesforce.pull import SalesforceClient
from connectors.salesforce.reader import soql_instant
from connectors.salesforce.refusals import RequestRefused
from connectors.salesforce.session import SalesforceSession
from connectors.salesforce.small_objects import describe, read_small
from connectors.salesforce.source import ExtractFinding
from sales.contracts.raw import (
    RawQueues,
    RawQuotas,
    RawRecordTypes,
    RawRoles,
    RawSplitTypes,
    RawSubmittedForecasts,
    RawUsers,
)
from sales.history.extract import defaults_of
from sales.policy.rules import CustomFields, OrganizationDefaults

CREATED_BEFORE = "SELECT COUNT(Id) found FROM Opportunity WHERE CreatedDate < "
OWNER_CHANGES = "Field IN ('Owner', 'OwnerId')"


@dataclass(frozen=True)
class Examination:
    """What was seen of an organisation."""

    session: SalesforceSession
    who: dict[str, Any]
    limits: dict[str, Any]
    organization: OrganizationDefaults
    findings: list[ExtractFinding]
    has_custom_fiscal_year: bool
    currencies: list[str]
    unrated_currencies: list[str]
    dated_rates: int
    opportunities: int
    private: int
    open_stages: set[str]
    won_stages: set[str]
    stages: set[str]
    stages_in_use: list[tuple[str, int]]
    record_type_table: DataFrame[RawRecordTypes]
    history_rows: int
    stage_history_since: datetime | None
    tracks_owners: bool
    owner_history_since: datetime | None
    has_splits: bool
    split_type_table: DataFrame[RawSplitTypes]
    quotas: DataFrame[RawQuotas]
    submitted_forecasts: DataFrame[RawSubmittedForecasts]
    users: DataFrame[RawUsers]
    roles: DataFrame[RawRoles]
    queues: DataFrame[RawQueues]
    existing_before: Callable[[datetime], int]

    @property
    def record_types(self) -> list[str]:
        """The API names of the record types that this user sees."""
        return sorted(self.record_type_table["developer_name"])

    @property
    def split_types(self) -> list[str]:
        """The names of split types, none where no opportunity is split."""
        return sorted(self.split_type_table["name"]) if self.has_splits else []

    @property
    def quota_count(self) -> int:
        """How many quotas are visible."""
        return len(self.quotas)


def examine_organization(client: SalesforceClient, custom: CustomFields) -> Examination:
    """Return what an organisation looks like; raises where a table could not be made at all."""
    session = client.connected()
    findings: list[ExtractFinding] = []
    sources = {each.object_name: each.with_custom(custom) for each in (*SMALL, *LARGE)}
    types = describe(session, sources.values())
    seen = {name: schema.visible(source, types[name], findings) for name, source in sources.items()}
    small = read_small(session, {each.object_name: seen[each.object_name] for each in SMALL})
    private = "IsPrivate" in (types["Opportunity"] or {})
    tracked = types["OpportunityFieldHistory"] is not None
    numbers = _numbers(
        session,
        {
            "opportunities": "SELECT COUNT(Id) found FROM Opportunity",
            "private": "SELECT COUNT(Id) found FROM Opportunity WHERE IsPrivate = TRUE"
            if private
            else "",
            "history": "SELECT COUNT(Id) found FROM OpportunityHistory",
            "history_since": "SELECT MIN(CreatedDate) found FROM OpportunityHistory",
            "owner_since": f"SELECT MIN(CreatedDate) found FROM OpportunityFieldHistory WHERE {OWNER_CHANGES}"  # noqa: S608
            if tracked
            else "",  # ours
            "split": "SELECT COUNT(Id) found FROM OpportunitySplit"
            if types["OpportunitySplit"] is not None
            else "",
            "custom_year": "SELECT COUNT(Id) found FROM FiscalYearSettings WHERE IsStandardYear = FALSE",
        },
    )
    in_use = session.records(
        "SELECT StageName, COUNT(Id) found FROM Opportunity GROUP BY StageName", what="count stages"
    )
    stages = small["OpportunityStage"]
    return Examination(
        session=session,
        who=session.whoami(),
        limits=session.get("limits", what="read limits"),
        findings=findings,
        organization=defaults_of(small["raw_organization"], small["Period"]),
        has_custom_fiscal_year=bool(numbers["custom_year"]),
        currencies=sorted(small["CurrencyType"]["currency_code"]),
        unrated_currencies=_unrated(session, small, types["Opportunity"] or {}),
        dated_rates=len(small["DatedConversionRate"]),
        opportunities=int(numbers["opportunities"] or 0),
        private=int(numbers["private"] or 0),
        open_stages=_names(stages[~stages["is_closed"]]),
        won_stages=_names(stages[stages["is_won"]]),
        stages=_names(stages),
        stages_in_use=sorted((str(each["StageName"]), int(each["found"])) for each in in_use),
        record_type_table=cast("DataFrame[RawRecordTypes]", small["raw_record_types"]),
        history_rows=int(numbers["history"] or 0),
        stage_history_since=_instant(numbers["history_since"]),
        tracks_owners=tracked,
        owner_history_since=_instant(numbers["owner_since"]),
        has_splits=bool(numbers["split"]),
        split_type_table=cast("DataFrame[RawSplitTypes]", small["OpportunitySplitType"]),
        quotas=cast("DataFrame[RawQuotas]", small["raw_quotas"]),
        submitted_forecasts=cast(
            "DataFrame[RawSubmittedForecasts]", small["raw_submitted_forecasts"]
        ),
        users=cast("DataFrame[RawUsers]", small["User"]),
        roles=cast("DataFrame[RawRoles]", small["UserRole"]),
        queues=cast("DataFrame[RawQueues]", small["Group"]),
        existing_before=lambda instant: int(
            _number(session, CREATED_BEFORE + soql_instant(instant)) or 0
        ),
    )


@dataclass(frozen=True)
class OwnerAtWork:
    """Who owns deals that are open or were won in a period, and what the won ones sum to in corporate currency."""

    user_id: str
    bookings: Decimal


def owners_at_work(found: Examination, first: date, end: date) -> list[OwnerAtWork]:
    """Return the owners of open deals, and of deals won from a first day on, with what they won before an end.

    Grouped by owner alone: Salesforce gives 2,000 groups at most.
    """
    won, is_open = _any_of(found.won_stages), _any_of(found.open_stages)
    queries = {
        "won": f"SELECT OwnerId, SUM(Amount) found FROM Opportunity WHERE IsDeleted = FALSE AND StageName IN {won} AND CloseDate >= {first} AND CloseDate < {end} GROUP BY OwnerId",  # noqa: S608  # ours, and stage names in quotes
        "since": f"SELECT OwnerId, COUNT(Id) found FROM Opportunity WHERE IsDeleted = FALSE AND StageName IN {won} AND CloseDate >= {first} GROUP BY OwnerId",  # noqa: S608  # as above
        "open": f"SELECT OwnerId, COUNT(Id) found FROM Opportunity WHERE IsDeleted = FALSE AND StageName IN {is_open} GROUP BY OwnerId",  # noqa: S608  # as above
    }
    answers = {
        name: found.session.records(soql, what="find the owners of deals")
        for name, soql in queries.items()
    }
    bookings = {
        str(each["OwnerId"]): Decimal(0) for name in ("since", "open") for each in answers[name]
    }
    for each in answers["won"]:
        bookings[str(each["OwnerId"])] = Decimal(str(each["found"] or 0))
    return [OwnerAtWork(owner, won) for owner, won in sorted(bookings.items())]


def _any_of(names: set[str]) -> str:
    """Return names as SOQL lists them; an empty list fits none."""
    quoted = (name.replace("\\", "\\\\").replace("'", "\\'") for name in sorted(names))
    return "(" + (", ".join(f"'{each}'" for each in quoted) or "''") + ")"


def _unrated(
    session: SalesforceSession, small: Mapping[str, pd.DataFrame], fields: Collection[str]
) -> list[str]:
    """Return the currencies of opportunities that have no conversion rate."""
    if "CurrencyIsoCode" not in fields:
        return []
    in_use = session.records(
        "SELECT CurrencyIsoCode, COUNT(Id) found FROM Opportunity WHERE IsDeleted = FALSE GROUP BY CurrencyIsoCode",
        what="count currencies",
    )
    tables = [small[name] for name in ("CurrencyType", "DatedConversionRate")]
    rated = {code for table in tables for code in table.loc[table["rate"] > 0, "currency_code"]}
    return sorted({str(each["CurrencyIsoCode"]) for each in in_use} - rated)


def _names(stages: pd.DataFrame) -> set[str]:
    """Return what stages are called, by label and by API name."""
    return set(stages["label"]) | set(stages["api_name"].dropna())


def _numbers(session: SalesforceSession, queries: dict[str, str]) -> dict[str, Any]:
    return {name: _number(session, soql) if soql else None for name, soql in queries.items()}


def _number(session: SalesforceSession, soql: str) -> Any:  # noqa: ANN401
    try:
        found = session.records(soql, what="count records")
        return expect_value(found, "found", "count records")
    except RequestRefused as refused:
        if "INVALID_TYPE" in str(refused):  # an object that this organisation does not have
            return None
        raise


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
