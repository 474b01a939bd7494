"""What is read and made by others: Salesforce's objects, and the tables that people keep in the policy folder.

Dagster runs none of these; they stand in its graph so that a number can be followed to the very
field.
"""

from __future__ import annotations

from collections.abc import Mapping

import dagster as dg

from assets.extract import FROM_SALESFORCE, OWNERS
from assets.metadata.lineage import salesforce
from connectors.policy.annual_targets import TargetRow
from connectors.policy.plan_files import (
    AgreementRow,
    CallRow,
    CapacityRow,
    ClientPlanRow,
    LeaveRow,
    OverrideRow,
    TeamTargetRow,
)
from connectors.salesforce.field_lineage import objects_read

POLICY_FILES = {
    "targets": (
        "Annual targets by owner, year and revision, where Salesforce's quotas are not the targets.",
        tuple(TargetRow.model_fields),
    ),
    "leave": (
        "Days on which people do not sell; nobody is away where the file is not there.",
        tuple(LeaveRow.model_fields),
    ),
    "overrides": (
        "Months of a person's target that the phasing must keep, whatever the weights say.",
        tuple(OverrideRow.model_fields),
    ),
    "team_targets": (
        "What teams and the company state for themselves, beside what is assigned to people.",
        tuple(TeamTargetRow.model_fields),
    ),
    "calls": (
        "What sellers said their months, quarters and years would bring, each with the day on which they said it.",
        tuple(CallRow.model_fields),
    ),
    "agreements": (
        "Retainers and framework agreements, as signed on a day: what they bring and take a month.",
        tuple(AgreementRow.model_fields),
    ),
    "capacity": (
        "Days of work that teams and the company can do a month, from a month on.",
        tuple(CapacityRow.model_fields),
    ),
    "client_plans": (
        "What clients are planned to bring by month: the year as it looks from below.",
        tuple(ClientPlanRow.model_fields),
    ),
}


def _schema(described: Mapping[str, str]) -> dict[str, dg.TableSchema]:
    return {
        "dagster/column_schema": dg.TableSchema(
            [
                dg.TableColumn(name, "field", description=meaning)
                for name, meaning in described.items()
            ]
        )
    }


SALESFORCE_OBJECTS = [
    dg.AssetSpec(
        dg.AssetKey.from_user_string(salesforce(name)),
        group_name="salesforce",
        kinds={"salesforce"},
        owners=OWNERS,
        description=f"{name} in Salesforce: the fields that are read of it, and the columns that they fill.",
        metadata=_schema({field: f"Fills {', '.join(filled)}" for field, filled in fields.items()}),
    )
    for name, fields in objects_read(FROM_SALESFORCE).items()
]
POLICY_TABLES = [
    dg.AssetSpec(
        dg.AssetKey(["policy", name]),
        group_name="policy",
        kinds={"csv"},
        owners=OWNERS,
        description=description,
        metadata=_schema(dict.fromkeys(header, f"Column of {name}.csv")),
    )
    for name, (description, header) in POLICY_FILES.items()
]
EXTERNAL = [*SALESFORCE_OBJECTS, *POLICY_TABLES]
