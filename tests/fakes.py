"""What tests stand on: frames from a few written rows, an extract made of them, and a reader that is no network."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pyarrow as pa

from connectors.salesforce.pull import PullPreview, SalesforceClient
from connectors.salesforce.session import Progress
from connectors.storage.catalogue import Catalogue
from connectors.storage.catalogue_schema import PUBLICATIONS
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.extracts import ExtractStore
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import Contract, Money
from sales.contracts.raw import (
    RAW,
    RawAccounts,
    RawCurrencyRates,
    RawOpportunities,
    RawOpportunityFieldHistory,
    RawOpportunityHistory,
    RawOpportunitySplits,
    RawOrganization,
    RawPeriods,
    RawQueues,
    RawQuotas,
    RawRecordTypes,
    RawRoles,
    RawSplitTypes,
    RawStages,
    RawSubmittedForecasts,
    RawUsers,
)
from sales.history.extract import Extract, defaults_of
from sales.history.rates import Rates
from sales.policy.reading import parse_policy
from sales.policy.rules import CustomFields, MonthRules, OrganizationDefaults, PolicyBook

Rows = Sequence[dict[str, object]]

EXTRACTED_AT = datetime(2026, 11, 3, 9, tzinfo=UTC)
ORGANIZATION = OrganizationDefaults(
    "00D000000000001AAA", "Acme", "UTC", 1, named_by_end=False, currency="EUR"
)
STAGES = [
    {"stage_name": "Open", "is_closed": False, "is_won": False},
    {"stage_name": "Proposal", "is_closed": False, "is_won": False},
    {"stage_name": "Won", "is_closed": True, "is_won": True},
    {"stage_name": "Lost", "is_closed": True, "is_won": False},
]


def no_rates(year: int, **planned: Decimal) -> Rates:  # noqa: ARG001  # of every year
    """Return the rates of a plan of one currency, the euro, and of those that are given."""
    return Rates(frame(RawCurrencyRates, []), "EUR", planned)


def frame(contract: type[Contract], rows: Rows) -> pd.DataFrame:
    """Return a frame of a contract's columns and types from written rows; what is not written is empty."""
    parts = {}
    for name, column in contract.to_schema().columns.items():
        kind = column.dtype.type
        arrow = pa.decimal128(24, 2) if isinstance(column.dtype, Money) else kind.pyarrow_dtype
        values = [row.get(name) for row in rows]
        if pa.types.is_decimal(arrow):
            values = [None if value is None else Decimal(str(value)) for value in values]
        parts[name] = pa.array(values, arrow)
    return columns.frame(parts)


def at(text: str) -> datetime:
    """Return an instant written as `2026-01-31 10:00`, in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def deal(number: int, **more: object) -> dict[str, object]:
    """Return today's record of an opportunity."""
    return {
        "opportunity_id": f"006{number:012d}AAA",
        "is_deleted": False,
        "is_private": False,
        "name": f"Deal {number}",
        "stage_name": "Open",
        "close_date": date(2026, 6, 30),
        "owner_id": "005A",
        "created_at": at("2026-01-05 10:00"),
        "modified_at": at("2026-01-05 10:00"),
        "account_id": "001A",
        **more,
    }


def saved(number: int, when: str, **more: object) -> dict[str, object]:
    """Return a history row of an opportunity; ids rise with the instant unless one is given."""
    return {
        "history_id": f"008{number:03d}{when}",
        "opportunity_id": f"006{number:012d}AAA",
        "created_at": at(when),
        "stage_name": "Open",
        "amount": 100,
        "close_date": date(2026, 6, 30),
        "probability_pct": 10.0,
        "forecast_category": "Pipeline",
        **more,
    }


def extract(
    deals: Rows,
    history: Rows,
    changes: Rows = (),
    *,
    users: Rows | None = None,
    roles: Rows | None = None,
    rates: Rows = (),
    time_zone: str = "UTC",
    stages: Rows = STAGES,
    start_month: int = 1,
    queues: Rows = (),
    splits: Rows = (),
    split_types: Rows = (),
    record_types: Rows = (),
    quotas: Rows = (),
    submitted: Rows = (),
    periods: Rows = (),
) -> Extract:
    """Return an extract of written rows; two people in two teams unless told otherwise."""
    if users is None:
        users = [
            {
                "user_id": "005A",
                "name": "Ann",
                "username": "ann@acme.example",
                "email": "ann@acme.example",
                "is_active": True,
                "role_id": "00EN",
            },
            {
                "user_id": "005B",
                "name": "Bob",
                "username": "bob@acme.example",
                "email": "bob@acme.example",
                "is_active": True,
                "role_id": "00ES",
            },
        ]
    if roles is None:
        roles = [{"role_id": "00EN", "name": "North"}, {"role_id": "00ES", "name": "South"}]
    organization = {
        "organization_id": ORGANIZATION.organization_id,
        "name": "Acme",
        "time_zone": time_zone,
        "fiscal_year_start_month": start_month,
        "names_year_by_start": True,
        "currency_code": "EUR",
        "is_multi_currency": bool(rates),
    }
    return Extract(
        extract_id="test",
        extracted_at=EXTRACTED_AT,
        opportunities=frame(RawOpportunities, deals),
        opportunity_history=frame(RawOpportunityHistory, history),
        opportunity_field_history=frame(RawOpportunityFieldHistory, changes),
        users=frame(RawUsers, users),
        roles=frame(RawRoles, roles),
        accounts=frame(RawAccounts, [{"account_id": "001A", "name": "Client"}]),
        stages=frame(
            RawStages, [{"is_active": True, "is_listed": True, **stage} for stage in stages]
        ),
        organization=frame(RawOrganization, [organization]),
        currency_rates=frame(RawCurrencyRates, rates),
        queues=frame(RawQueues, queues),
        opportunity_splits=frame(
            RawOpportunitySplits, [{"is_deleted": False, **split} for split in splits]
        ),
        split_types=frame(RawSplitTypes, split_types),
        record_types=frame(RawRecordTypes, record_types),
        quotas=frame(RawQuotas, quotas),
        submitted_forecasts=frame(RawSubmittedForecasts, submitted),
        periods=frame(RawPeriods, periods),
    )


def book(text: str = "", year: int = 2026) -> PolicyBook:
    """Return a policy book of one file."""
    return PolicyBook({year: parse_policy(text, f"fy{year}.toml")})


def rules(
    text: str = "", year: int = 2026, organization: OrganizationDefaults = ORGANIZATION
) -> MonthRules:
    """Return the rules of a policy text for a calendar year."""
    return book(text, year).for_fiscal_year(year, organization)


def target(owner: str, amount: object, **more: object) -> dict[str, object]:
    """Return a line of the target book."""
    return {"fiscal_year": 2026, "owner_id": owner, "annual_target": amount, "revision": 1, **more}


class FakeReader:
    """An organisation that needs no wire: answers with the raw tables it was given, and counts how often."""

    def __init__(
        self, raw: dict[str, pd.DataFrame], now: Callable[[], datetime] = lambda: EXTRACTED_AT
    ) -> None:
        """Keep the tables, and the clock that dates a reading."""
        self.raw, self.now, self.pulls = raw, now, 0

    def pull(
        self,
        store: ExtractStore,
        source: str,
        progress: Progress,
        *,
        approve: Callable[[PullPreview], None],
        custom: CustomFields | None = None,
        accepts_vanished: bool = False,
    ) -> ExtractRecord:
        """Store the tables."""
        _ = custom, accepts_vanished
        self.pulls += 1
        progress("pulled")
        oldest = self.raw["raw_opportunities"]["created_at"].min()
        approve(
            PullPreview(
                self.organization(),
                self.raw["raw_users"],
                self.raw["raw_roles"],
                self.raw["raw_quotas"],
                oldest.to_pydatetime(),
                self.now(),
            )
        )
        return store.save(self.raw, self.now(), source, [])

    def organization(self) -> OrganizationDefaults:
        """Return what the organisation says of itself."""
        return defaults_of(self.raw["raw_organization"], self.raw["raw_periods"])


@dataclass(frozen=True)
class Pulled:
    """What a pull stored: its record, its tables, and its findings by place."""

    record: ExtractRecord
    tables: dict[str, pd.DataFrame]

    @property
    def findings(self) -> dict[str, str]:
        """What was found, by place."""
        return dict(self.record.findings)


def published(home: Path, *months: Month, extract_id: str = "e1") -> None:
    """Let months be published as far as the catalogue knows, without tables and documents."""
    catalogue = Catalogue(home)
    for month in months:
        row = {"month": str(month), "revision": 1, "extract_id": extract_id, "tables": {}}
        more = {"published_at": None, "documents": "", "made_from": ""}
        with catalogue.begin() as database:
            catalogue.put(database, PUBLICATIONS, row | more)


def pulled(client: SalesforceClient, home: Path, **more: object) -> Pulled:
    """Pull into a home and return what was stored."""
    store = ExtractStore(Catalogue(home))
    record = client.pull(store, client.login.place, **more)  # type: ignore[arg-type]
    return Pulled(record, store.frames(record))


def raw_tables(one: Extract) -> dict[str, pd.DataFrame]:
    """Return an extract's raw tables by name."""
    return {name: getattr(one, name.removeprefix("raw_")) for name in RAW if name != "raw_targets"}
