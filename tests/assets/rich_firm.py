"""A generated firm that uses everything an organisation may use, and its month as the assets compute it, without a store."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property, lru_cache
from itertools import pairwise
from pathlib import Path

import dagster as dg
import numpy as np
import pandas as pd
import pyarrow as pa

from assets import coverage, forecast, history, quality, targets
from assets.monthly_table import TableRun
from benchmarks.simulated import simulated_firm
from connectors.storage.extract_record import ExtractRecord
from publication.loaded_extracts import LoadedExtracts
from publication.month_inputs import MonthInputs
from publication.run_inputs import RunInputs
from publication.target_book import target_book_of
from publication.workspace import Reader, Workspace
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import RAW_MONEY
from sales.contracts.raw import (
    RawCurrencyRates,
    RawOpportunityFieldHistory,
    RawOpportunitySplits,
    RawPeriods,
    RawQueues,
    RawQuotas,
    RawRecordTypes,
    RawSplitTypes,
    RawSubmittedForecasts,
)
from sales.contracts.registry import TABLES
from sales.history.extract import Extract
from sales.history.reconstruction import PipelineHistory
from sales.policy.rules import MonthRules, OrganizationDefaults
from tests.fakes import frame

Tables = dict[str, pd.DataFrame]
MONTH = Month(2022, 5)
END = datetime(2022, 6, 1, tzinfo=UTC)
DAY = 86_400_000_000
# Everything by its plain name, and everything in its other form.
PLAIN = """
[phasing]
method = "working_days"
leave = "relieves"
ramp = [0.5]
[pipeline]
dimension = "Line__c"
[calls]
forecasting_type = "Revenue"
"""
OTHER = """
[fiscal]
start_month = 4
periods = "salesforce"
[targets]
source = "salesforce"
forecasting_type = "Revenue"
[phasing]
method = "seasonal"
[pipeline]
amount_field = "Budget__c"
dimension = "Line__c"
record_types = ["New", "Again"]
split_type = "Credit"
team_by = "manager"
overdue = "current_period"
"""
BY_ROLE = OTHER.replace('team_by = "manager"', 'team_by = "role"')
TARGETS = [
    "fiscal_year,owner,annual_target,currency_code,start_date,end_date,revision,effective_date,holidays",
    *(
        f"{year},p{n}@firm.example,{500_000 + 70_000 * n},,,,1,{year - 1}-12-01,{('GB', 'US', 'DE')[n]}"
        for year in (2021, 2022, 2023)
        for n in range(3)
    ),
    "2022,p1@firm.example,640000,EUR,2022-02-01,2022-11-30,2,2022-03-10,GB",
    "2022,p2@firm.example,720000,GBP,,2022-10-31,2,2022-07-10,",
    "2022,mail4@firm.example,400000,,2022-03-15,,1,2021-12-01,",
]
FILES = {
    "targets.csv": "\n".join(TARGETS),
    "leave.csv": "owner,start_date,end_date\np0@firm.example,2022-04-04,2022-05-20\n",
    "overrides.csv": "fiscal_year,owner,month,amount\n2022,p1@firm.example,2022-07,90000\n",
    "team_targets.csv": "fiscal_year,team,annual_target\n2022,,2000000\n2022,North,700000\n",
    "client_plans.csv": "account,month,amount\nClient 3,2022-08,12000\n",
    "agreements.csv": (
        "account,agreement,signed_on,start_date,end_date,monthly_amount,monthly_days,team\n"
        "Client 3,Support,2022-01-10,2022-02-15,2023-06-30,1500.50,6.5,North\n"
        "Client 5,Retainer,2022-03-01,2022-04-01,,900,4,\n"
    ),
    "capacity.csv": "from_month,team,days\n2022-01,,60\n2022-01,North,25\n2022-09,North,20\n",
}


@lru_cache(maxsize=1)
def rich_extract() -> Extract:
    """Return two years of a firm with currencies, splits, quotas, queues, fiscal periods, deletions and tracked fields."""
    chance = np.random.default_rng(5)
    one = simulated_firm(150, 3, 2.0).extract
    deals = one.opportunities
    size = len(deals)
    ids = columns.arrow(deals["opportunity_id"])
    codes = pa.array([("USD", "EUR", None, "GBP")[n % 4] for n in range(size)])
    types = pa.array([f"012{n % 3}" for n in range(size)])
    late = columns.instant_of(END)
    is_deleted = pa.array([n % 9 == 0 for n in range(size)])
    modified = pa.array([late + int(day) * DAY for day in chance.integers(-300, 20, size)]).cast(
        columns.INSTANT
    )
    days = [None if n % 3 else float(3 + n % 20) for n in range(size)]
    begins = [
        date(2022, 1, 1) + timedelta(days=7 * (n % 60)) if n % 6 == 0 else None for n in range(size)
    ]
    owners = columns.arrow(deals["owner_id"]).to_pylist()
    owners = ["00G000000000001AAA" if n % 31 == 0 else owner for n, owner in enumerate(owners)]
    deals = deals.assign(
        currency_code=columns.series(codes),
        record_type_id=columns.series(types),
        is_deleted=columns.series(is_deleted),
        modified_at=columns.series(modified),
        custom_amount=columns.series(
            pa.array([Decimal(1000 + 37 * n) for n in range(size)], RAW_MONEY)
        ),
        owner_id=columns.series(pa.array(owners)),
        effort_days=columns.series(pa.array(days, pa.float64())),
        service_start=columns.series(pa.array(begins, pa.date32())),
        service_end=columns.series(
            pa.array([each and each + timedelta(days=50) for each in begins], pa.date32())
        ),
        lead_source=columns.series(
            pa.array([("Web", "Referral", "Event", None)[n % 4] for n in range(size)])
        ),
        dimension=columns.series(pa.array([("Audit", "Advice", None)[n % 3] for n in range(size)])),
    )
    saves = one.opportunity_history
    bare = columns.codes(saves["opportunity_id"], ids) % 25 == 7
    of = columns.codes(saves["opportunity_id"], ids)
    # Some saves of a month came in the same instant: then the larger id holds.
    at = columns.to_instants(saves["created_at"])
    together = np.where(of % 10 == 3, at - at % (30 * DAY), at)
    saves = saves.assign(
        currency_code=columns.series(codes.take(pa.array(of))),
        created_at=columns.series(columns.from_instants(together)),
    )
    users = one.users.assign(
        manager_id=columns.series(
            pa.array(
                [
                    None,
                    "005000000000000AAA",
                    "005000000000000AAA",
                    "005000000000001AAA",
                    "005000000000001AAA",
                ]
            )
        ),
        name=columns.series(pa.array(["Ann", "Bob", None, "Dan", "Eve"])),
        is_active=columns.series(pa.array([True, True, True, False, True])),
        email=columns.series(pa.array([f"mail{n}@firm.example" for n in range(5)])),
    )
    return replace(
        one,
        opportunities=deals,
        opportunity_history=saves.loc[~bare].reset_index(drop=True),
        users=users,
        opportunity_field_history=_changes(deals, chance),
        dimension_field="Line__c",
        roles=one.roles.assign(
            parent_role_id=columns.series(
                pa.array([None, "00E000000000000AAA", "00E000000000000AAA"])
            )
        ),
        queues=frame(
            RawQueues,
            [{"queue_id": f"00G00000000000{n}AAA", "name": f"Queue {n}"} for n in (1, 2)],
        ),
        currency_rates=frame(
            RawCurrencyRates,
            [
                {"currency_code": "USD", "rate": 1},
                {"currency_code": "EUR", "rate": "0.9"},
                {"currency_code": "GBP", "rate": "0.8"},
                {
                    "currency_code": "EUR",
                    "rate": "0.85",
                    "start_date": date(2021, 1, 1),
                    "next_start_date": date(2022, 1, 1),
                },
                {"currency_code": "EUR", "rate": "0.95", "start_date": date(2022, 1, 1)},
            ],
        ),
        record_types=frame(
            RawRecordTypes,
            [
                {
                    "record_type_id": f"012{n}",
                    "developer_name": ("New", "Renewal", "Pilot")[n],
                    "name": ("First", "Again", "Trial")[n],
                }
                for n in range(3)
            ],
        ),
        split_types=frame(
            RawSplitTypes,
            [
                {
                    "split_type_id": "1",
                    "name": "Credit",
                    "split_field": "Amount",
                    "is_active": True,
                    "is_total_validated": True,
                },
                {
                    "split_type_id": "2",
                    "name": "Budget",
                    "split_field": "Budget__c",
                    "is_active": True,
                    "is_total_validated": True,
                },
                {
                    "split_type_id": "3",
                    "name": "Overlay",
                    "split_field": "Amount",
                    "is_active": True,
                    "is_total_validated": False,
                },
                {
                    "split_type_id": "4",
                    "name": "Former",
                    "split_field": "Amount",
                    "is_active": False,
                    "is_total_validated": True,
                },
            ],
        ),
        opportunity_splits=_splits(ids),
        quotas=frame(
            RawQuotas,
            [
                {
                    "quota_id": f"{kind}{n}{month}",
                    "owner_id": f"00500000000000{n}AAA",
                    "forecasting_type": kind,
                    "start_date": date(year, month, 1),
                    "end_date": date(year, month, 28),
                    "amount": 30_000 + 4_000 * n + 500 * month,
                    "currency_code": "EUR" if n == 1 else None,
                }
                for kind in ("Revenue", "Volume")
                for n in range(5)
                for year in (2021, 2022)
                for month in range(1 if n % 2 else 3, 13 if n < 4 else 11)
            ],
        ),
        submitted_forecasts=frame(
            RawSubmittedForecasts,
            [
                {
                    "item_id": f"{kind}{n}{month}{day}{category}",
                    "owner_id": f"00500000000000{n}AAA",
                    "forecasting_type": kind,
                    "start_date": date(2022, month, 1),
                    "end_date": date(2022, month, 28),
                    "submitted_at": datetime(2022, month, day, 8 + n, tzinfo=UTC),
                    "category": category,
                    "amount": 40_000 + 3_000 * n + 700 * month + 90 * day + 11 * len(category),
                }
                for kind in ("Revenue", "Volume")
                for n in range(4)
                for month in range(3, 11)
                for day in (2, 16)
                for category in (
                    ("CommitForecast", "BestCaseForecast")
                    if n % 2
                    else ("CommitOnly", "ClosedOnly")
                )
            ],
        ),
        periods=_periods(),
    )


def _changes(deals: pd.DataFrame, chance: np.random.Generator) -> pd.DataFrame:
    """Return changes of tracked fields, half of them after the month end; lookups with and without a type."""
    kinds = (
        ("Owner", "EntityId", "005000000000002AAA", "005000000000001AAA"),
        ("Owner", None, "Ann", "Bob"),
        ("OwnerId", None, "Ann", "005000000000003AAA"),
        ("Account", "EntityId", "001000000000005AAA", "001000000000006AAA"),
        ("Name", "Text", "Old name", "New name"),
        ("LeadSource", "Text", "Fair", "Web"),
        ("Budget__c", "Currency", "2500", "2600"),
        ("StageName", "Text", "Won", "Lost"),
    )
    ids = columns.arrow(deals["opportunity_id"]).to_pylist()
    rows: list[dict[str, object]] = []
    for n, deal in enumerate(ids):
        field_name, kind, old, new = kinds[n % len(kinds)]
        after = int(chance.integers(0, 25))
        # The last two came in the same instant: then the smaller id was first.
        for part, day in enumerate((int(chance.integers(-200, 0)), after, after)):
            number = len(rows)
            value = str(2500 + number) if field_name == "Budget__c" else (old, old, new)[part]
            rows.append(
                {
                    "change_id": f"017{number:09d}",
                    "opportunity_id": deal,
                    "created_at": END + timedelta(days=day, seconds=n),
                    "field": field_name,
                    "data_type": kind,
                    "old_value": value,
                    "new_value": new,
                }
            )
    lines = {"Fair": "Tax", "Web": "Audit"}
    rows += [
        row
        | {
            "change_id": f"L{row['change_id']}",
            "field": "Line__c",
            "old_value": lines[str(row["old_value"])],
            "new_value": "Audit",
        }
        for row in rows
        if row["field"] == "LeadSource"
    ]
    return frame(RawOpportunityFieldHistory, rows)


def _splits(ids: pa.Array) -> pd.DataFrame:
    """Return shares of every third deal, of several types; some came late, and some are gone."""
    rows: list[dict[str, object]] = [
        {
            "split_id": f"{n}-{part}",
            "opportunity_id": ids[n].as_py(),
            "owner_id": f"00500000000000{(n + part) % 5}AAA",
            "split_type_id": str(1 + (n // 3 + part // 2) % 4),
            "percentage": (50, 30, 20)[part],
            "created_at": END - timedelta(days=150 - n % 170),
            "is_deleted": n % 4 == 0,
            "modified_at": END - timedelta(days=10 - n % 25),
        }
        for n in range(0, len(ids), 3)
        for part in range(3)
    ]
    return frame(RawOpportunitySplits, rows)


def _periods() -> pd.DataFrame:
    """Return fiscal months that begin a few days late, April being the first, and a quarter."""
    firsts = [Month(2021, 4).plus(n).first_day + timedelta(days=3) for n in range(16)]
    months = [
        {
            "period_id": f"m{n}",
            "kind": "Month",
            "start_date": first,
            "end_date": following - timedelta(days=1),
            "number": n % 12 + 1,
        }
        for n, (first, following) in enumerate(pairwise(firsts))
    ]
    return frame(
        RawPeriods,
        [
            *months,
            {
                "period_id": "q",
                "kind": "Quarter",
                "start_date": firsts[0],
                "end_date": firsts[3],
                "number": 1,
            },
        ],
    )


class HeldExtracts(LoadedExtracts):
    """One extract that is held in memory, whatever is asked for."""

    def __init__(self, held: Extract) -> None:
        self._held = held
        self._history = None

    def extract(self, record: ExtractRecord) -> Extract:  # noqa: ARG002
        return self._held

    def defaults(self, record: ExtractRecord) -> OrganizationDefaults:  # noqa: ARG002
        return self._held.defaults

    def history(self, record: ExtractRecord, rules: MonthRules) -> PipelineHistory:  # noqa: ARG002
        return self.history_of(self._held, rules)


@dataclass(frozen=True, eq=False)
class HeldWorkspace(Workspace):
    """A workspace of one extract; `alter` is done to the target book once it is read."""

    held: Extract = field(default_factory=rich_extract)
    alter: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table

    @cached_property
    def loaded(self) -> HeldExtracts:
        return HeldExtracts(self.held)


@dataclass(frozen=True)
class AlteredInputs(MonthInputs):
    """Inputs with another target book than the policy folder's."""

    alter: Callable[[pd.DataFrame], pd.DataFrame] = lambda table: table

    @cached_property
    def target_book(self) -> pd.DataFrame:
        return self.alter(
            target_book_of(
                self.rules,
                self.workspace.policy_folder,
                self.extract.users,
                self.extract.roles,
                self.extract.quotas,
            )
        )


class HeldInputs(RunInputs):
    """The inputs of months of a held workspace."""

    def __init__(self, workspace: HeldWorkspace) -> None:
        super().__init__(workspace)
        self._held = workspace

    def of(self, month: Month) -> MonthInputs:
        if month not in self._months:
            one, book = self._held.held, self._held.policies
            record = ExtractRecord(
                one.extract_id, one.extracted_at, "", self._held.source, "UTC", {}, {}, []
            )
            rules = book.for_month(month, one.defaults)
            self._months[month] = AlteredInputs(
                month, rules, record, one.defaults, book, {}, self._held, self._held.alter
            )
        return self._months[month]


def no_reader() -> Reader:
    """Refuse to read: everything is held."""
    raise AssertionError


def assets() -> dict[str, dg.AssetsDefinition]:
    """Return the assets that make monthly tables, by name."""
    found = [
        each
        for module in (history, targets, coverage, forecast, quality)
        for each in dg.load_assets_from_modules([module])
    ]
    return {
        each.key.to_user_string(): each for each in found if isinstance(each, dg.AssetsDefinition)
    }


def month_tables(workspace: HeldWorkspace, month: Month = MONTH) -> Tables:
    """Return every monthly table, each made by the function of its asset from the tables that it takes; nothing is reused."""
    inputs = HeldInputs(workspace)
    made: Tables = {}
    computing = {
        name: inspect.getclosurevars(each.op.compute_fn.decorated_fn).nonlocals["compute"]  # type: ignore[union-attr]
        for name, each in assets().items()
    }
    while len(made) < len(computing):
        for name, compute in computing.items():
            takes = TABLES[name].tables
            if name not in made and all(each in made for each in takes):
                result = compute(TableRun(month, inputs, {each: made[each] for each in takes}))
                made[name] = result.value
    return made


def write_policy(folder: Path, policy: str) -> Path:
    """Write a policy folder and return it."""
    for name, text in {**FILES, "fy2021.toml": policy}.items():
        (folder / name).write_text(text)
    return folder
