"""Serves the big firm as an org until it is stopped: `python -m benchmarks.org DEALS [history]`."""

from __future__ import annotations

import sys
from threading import Event

import pyarrow as pa
import pyarrow.compute as pc

from benchmarks.firm import big_firm
from connectors.salesforce.objects import (
    ACCOUNTS,
    FIELD_HISTORY,
    HISTORY,
    OPPORTUNITIES,
    ORGANIZATION,
    ROLES,
    STAGES,
    USERS,
)
from connectors.salesforce.source import ObjectSource
from embedded_org.objects import Org
from embedded_org.server import OrgServer, serving
from sales import arrow as columns
from sales.history.extract import Extract

OBJECTS = {
    "opportunities": OPPORTUNITIES,
    "opportunity_history": HISTORY,
    "opportunity_field_history": FIELD_HISTORY,
    "users": USERS,
    "roles": ROLES,
    "accounts": ACCOUNTS,
}


def add(org: Org, source: ObjectSource, extract: Extract, name: str) -> None:
    """Add a raw table under Salesforce's names."""
    table = getattr(extract, name)
    wanted = [
        each
        for each in source.sources
        if each.column in table.columns and each.column != "currency_code"
    ]
    parts = []
    for each in wanted:
        values = columns.arrow(table[each.column])
        parts.append(
            pc.strftime(values, "%Y-%m-%dT%H:%M:%SZ").to_pylist()
            if pa.types.is_timestamp(values.type)
            else values.to_pylist()
        )
    rows = (
        {each.field: value for each, value in zip(wanted, values, strict=True)}
        for values in zip(*parts, strict=True)
    )
    org.add(source.object_name, [each.field for each in wanted], rows)


def main() -> None:
    """Serve and print the address."""
    extract, org = big_firm(int(sys.argv[1])), Org()
    with_history = "history" in sys.argv
    for name, source in OBJECTS.items():
        if source is HISTORY and not with_history:
            org.add("OpportunityHistory", [each.field for each in HISTORY.sources], [])
            continue
        add(org, source, extract, name)
    names = [each.field for each in STAGES.sources]
    org.add(
        "OpportunityStage",
        names,
        [
            {
                "Id": f"01J{n}",
                "MasterLabel": row.stage_name,
                "ApiName": row.stage_name,
                "IsClosed": row.is_closed,
                "IsWon": row.is_won,
            }
            for n, row in enumerate(extract.stages.itertuples())
        ],
    )
    org.add(
        "Organization",
        [each.field for each in ORGANIZATION.sources],
        [
            {
                "Id": "00D000000000001AAA",
                "Name": "Big Firm",
                "TimeZoneSidKey": "America/New_York",
                "FiscalYearStartMonth": 1,
                "UsesStartDateAsFiscalYearName": True,
                "DefaultLocaleSidKey": "en_US",
            }
        ],
    )
    with serving(OrgServer(org)) as address:
        print(address, flush=True)
        Event().wait()


if __name__ == "__main__":
    main()
