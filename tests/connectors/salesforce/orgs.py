"""A small org that lives: records change, disappear and come back, and its clock goes only when told."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pandas as pd

from connectors.salesforce.auth import Login
from connectors.salesforce.pull import SalesforceClient
from connectors.salesforce.session import SalesforceSession
from connectors.storage.catalogue import Catalogue
from connectors.storage.extract_record import ExtractRecord
from connectors.storage.extracts import ExtractStore
from embedded_org.objects import Org
from embedded_org.server import OrgServer, serving

START = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANN = "005000000000001AAA"
STAGES = [("Open", False, False), ("Won", True, True), ("Lost", True, False)]


@dataclass
class LivingOrg:
    """An org with opportunities, stage history and owner changes; `now` is its clock."""

    deals: int
    now: datetime = START
    org: Org = field(init=False)
    _history: int = 0

    def __post_init__(self) -> None:
        """Fill the org."""
        self.org = Org(lambda: self.now)
        stamp = (self.now - timedelta(days=40)).isoformat()
        self.org.add(
            "Organization",
            [
                "Id",
                "Name",
                "TimeZoneSidKey",
                "FiscalYearStartMonth",
                "UsesStartDateAsFiscalYearName",
                "DefaultLocaleSidKey",
            ],
            [
                {
                    "Id": "00D000000000001AAA",
                    "Name": "Acme",
                    "TimeZoneSidKey": "UTC",
                    "FiscalYearStartMonth": 1,
                    "UsesStartDateAsFiscalYearName": True,
                    "DefaultLocaleSidKey": "de_DE",
                }
            ],
        )
        self.org.add(
            "User",
            ["Id", "Name", "Username", "Email", "IsActive", "UserRoleId", "ManagerId"],
            [
                {
                    "Id": ANN,
                    "Name": "Ann",
                    "Username": "ann@acme.example",
                    "IsActive": True,
                    "UserRoleId": "00E000000000001AAA",
                }
            ],
        )
        self.org.add(
            "UserRole",
            ["Id", "Name", "ParentRoleId"],
            [{"Id": "00E000000000001AAA", "Name": "North"}],
        )
        self.org.add(
            "OpportunityStage",
            ["Id", "MasterLabel", "ApiName", "IsClosed", "IsWon", "IsActive"],
            [
                {
                    "Id": f"01J00000000000{n}AAA",
                    "MasterLabel": name,
                    "ApiName": name,
                    "IsClosed": closed,
                    "IsWon": won,
                    "IsActive": True,
                }
                for n, (name, closed, won) in enumerate(STAGES)
            ],
        )
        self.org.add(
            "Account",
            ["Id", "IsDeleted", "Name", "CreatedDate", "SystemModstamp"],
            [
                {
                    "Id": "001000000000001AAA",
                    "IsDeleted": False,
                    "Name": "Client",
                    "CreatedDate": stamp,
                    "SystemModstamp": stamp,
                }
            ],
        )
        self.org.add(
            "Opportunity",
            [
                "Id",
                "IsDeleted",
                "AccountId",
                "Name",
                "StageName",
                "Amount",
                "Probability",
                "CloseDate",
                "ForecastCategoryName",
                "OwnerId",
                "LeadSource",
                "CreatedDate",
                "SystemModstamp",
            ],
            [
                {
                    "Id": self.id_of(n),
                    "IsDeleted": False,
                    "AccountId": "001000000000001AAA",
                    "Name": f"Deal {n}",
                    "StageName": "Open",
                    "Amount": 100 + n,
                    "Probability": 10,
                    "CloseDate": "2026-04-30",
                    "ForecastCategoryName": "Pipeline",
                    "OwnerId": ANN,
                    "LeadSource": None,
                    "CreatedDate": stamp,
                    "SystemModstamp": (self.now - timedelta(minutes=60 + n)).isoformat(),
                }
                for n in range(self.deals)
            ],
        )
        self.org.add(
            "OpportunityHistory",
            [
                "Id",
                "IsDeleted",
                "OpportunityId",
                "CreatedDate",
                "StageName",
                "Amount",
                "CloseDate",
                "Probability",
                "ForecastCategory",
                "SystemModstamp",
            ],
            [self._history_row(n, "Open", 100 + n, stamp) for n in range(self.deals)],
        )
        self.org.add(
            "OpportunityFieldHistory",
            [
                "Id",
                "IsDeleted",
                "OpportunityId",
                "CreatedDate",
                "Field",
                "DataType",
                "OldValue",
                "NewValue",
            ],
            [],
        )

    @staticmethod
    def id_of(number: int) -> str:
        """Return an opportunity's record id."""
        return f"006{number:012d}AAA"

    def _history_row(self, number: int, stage: str, amount: float, at: str) -> dict[str, object]:
        self._history += 1
        return {
            "Id": f"008{self._history:012d}AAA",
            "IsDeleted": False,
            "OpportunityId": self.id_of(number),
            "CreatedDate": at,
            "StageName": stage,
            "Amount": amount,
            "CloseDate": "2026-04-30",
            "Probability": 10,
            "ForecastCategory": "Pipeline",
            "SystemModstamp": at,
        }

    def change(self, number: int, amount: float, stage: str = "Open") -> None:
        """Save an opportunity, new or known, with its history row."""
        fixed = {
            "AccountId": "001000000000001AAA",
            "Name": f"Deal {number}",
            "CloseDate": "2026-04-30",
            "OwnerId": ANN,
        }
        self.org.save("Opportunity", self.id_of(number), StageName=stage, Amount=amount, **fixed)
        row = self._history_row(number, stage, amount, self.org.stamp())
        self.org.save("OpportunityHistory", str(row.pop("Id")), **row)

    def later(self, **time: float) -> None:
        """Let the clock go on."""
        self.now += timedelta(**time)


@dataclass
class Reading:
    """A home, and pulls into it from one server."""

    store: ExtractStore
    server: OrgServer
    address: str
    said: list[str] = field(default_factory=list)
    read_seconds: float = 30.0

    def client(self) -> SalesforceClient:
        """Return a client that never sleeps."""
        connect = partial(SalesforceSession, pause=lambda _: None, read_seconds=self.read_seconds)
        return SalesforceClient(
            Login("", "onpace-local", "onpace-local", self.address), connect=connect
        )

    def pull(self, **more: object) -> ExtractRecord:
        """Pull into the home."""
        return self.client().pull(self.store, self.address, self.said.append, **more)  # type: ignore[arg-type]

    def tables(self, record: ExtractRecord) -> dict[str, pd.DataFrame]:
        """Return the raw tables of an extract, in the order of their ids."""
        return {
            name: frame.sort_values(frame.columns[0], ignore_index=True)
            for name, frame in self.store.frames(record).items()
        }


@contextmanager
def reading(
    living: LivingOrg, home: Path, page_size: int = 2_000, bulk_page: int = 50_000
) -> Iterator[Reading]:
    """Serve a living org and yield a home that pulls from it."""
    server = OrgServer(living.org, page_size=page_size, bulk_page=bulk_page)
    with serving(server) as address:
        yield Reading(ExtractStore(Catalogue(home)), server, address)


def truth(living: LivingOrg) -> dict[str, tuple[float | None, str, bool]]:
    """Return what the org holds today: amount, stage and whether it is deleted, by opportunity."""
    rows = living.org.run('SELECT "Id", "Amount", "StageName", "IsDeleted" FROM "Opportunity"')
    return {
        str(record): (amount, str(stage), bool(deleted)) for record, amount, stage, deleted in rows
    }  # type: ignore[misc]


def known(tables: dict[str, pd.DataFrame]) -> dict[str, tuple[float | None, str, bool]]:
    """Return the same of an extract."""
    frame = tables["raw_opportunities"]
    return {
        row.opportunity_id: (
            None if row.amount is pd.NA else float(row.amount),
            row.stage_name,
            bool(row.is_deleted),
        )
        for row in frame.itertuples(index=False)
    }
