"""One reading of Salesforce and of the target book, as frames.

Put the bundle of raw tables here and what is read straight off it: the organisation's
defaults, people and teams. The state of opportunities is in `reconstruction`.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.typing import DataFrame

from sales import arrow as columns
from sales.contracts.raw import (
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
from sales.history.teams import UNASSIGNED, team_names
from sales.periods import FiscalMonth
from sales.policy.rules import OrganizationDefaults

# The source of extracts that come from the demo company; such numbers are marked on every page.
EMBEDDED = "embedded org"


@dataclass(frozen=True)
class Extract:
    """The raw tables of one pull; `extract_id` names it, `extracted_at` is when it was read.

    `dimension_field` is the field whose values the column `dimension` holds, empty where none was read.
    """

    extract_id: str
    extracted_at: datetime
    opportunities: DataFrame[RawOpportunities]
    opportunity_history: DataFrame[RawOpportunityHistory]
    opportunity_field_history: DataFrame[RawOpportunityFieldHistory]
    users: DataFrame[RawUsers]
    roles: DataFrame[RawRoles]
    queues: DataFrame[RawQueues]
    accounts: DataFrame[RawAccounts]
    stages: DataFrame[RawStages]
    organization: DataFrame[RawOrganization]
    currency_rates: DataFrame[RawCurrencyRates]
    opportunity_splits: DataFrame[RawOpportunitySplits]
    split_types: DataFrame[RawSplitTypes]
    record_types: DataFrame[RawRecordTypes]
    quotas: DataFrame[RawQuotas]
    submitted_forecasts: DataFrame[RawSubmittedForecasts]
    periods: DataFrame[RawPeriods]
    dimension_field: str = ""

    @property
    def defaults(self) -> OrganizationDefaults:
        """What the organisation says where a policy is silent."""
        return defaults_of(self.organization, self.periods)


@dataclass(frozen=True)
class People:
    """Owners by id: name, team, and whether they can still log in; all arrays in the order of `ids`.

    A team is a role, or a manager, by its id; `teams` are its names, no two of them the same.
    `manager_ids` are the managers that the CRM names, whatever the teams are by; a queue is no person.
    """

    ids: pa.Array
    names: pa.Array
    teams: pa.Array
    team_ids: pa.Array
    is_active: columns.Mask
    manager_ids: pa.Array
    is_person: columns.Mask

    def team_of(self, owner_ids: pa.Array) -> pa.Array:
        """Return each owner's team; `Unassigned` for queues and unknown owners."""
        return columns.take(self.teams, columns.codes(owner_ids, self.ids)).fill_null(UNASSIGNED)

    def team_id_of(self, owner_ids: pa.Array) -> pa.Array:
        """Return the role or manager that each owner's team is; empty for those in none."""
        return columns.take(self.team_ids, columns.codes(owner_ids, self.ids))

    def name_of(self, owner_ids: pa.Array) -> pa.Array:
        """Return each owner's name, or the id where nobody is known by it."""
        named = columns.take(self.names, columns.codes(owner_ids, self.ids))
        return pc.coalesce(named, owner_ids)


def defaults_of(organization: pd.DataFrame, periods: pd.DataFrame) -> OrganizationDefaults:
    """Return the organisation's row, and its fiscal months, as defaults."""
    row = organization.iloc[0]
    return OrganizationDefaults(
        organization_id=str(row["organization_id"]),
        company=str(row["name"]),
        time_zone=str(row["time_zone"]),
        start_month=int(row["fiscal_year_start_month"]),
        named_by_end=not bool(row["names_year_by_start"]),
        currency=str(row["currency_code"]) if isinstance(row["currency_code"], str) else "",
        fiscal_months=_fiscal_months(periods),
    )


def _fiscal_months(periods: pd.DataFrame) -> tuple[FiscalMonth, ...]:
    months = periods.loc[(periods["kind"] == "Month").fillna(value=False)]
    rows = zip(months["start_date"], months["end_date"], months["number"], strict=True)
    return tuple(
        sorted(
            FiscalMonth(start, end, int(number))
            for start, end, number in rows
            if pd.notna(start) and pd.notna(number)
        )
    )


def people(extract: Extract, team_by: str) -> People:
    """Return everyone with the team that their role (or manager) puts them in; queues are in none."""
    return people_of(extract.users, extract.roles, extract.queues, team_by)


def people_of(
    users: pd.DataFrame, roles: pd.DataFrame, queues: pd.DataFrame, team_by: str
) -> People:
    """Return everyone of these tables, as `people` does of an extract."""
    ids = columns.arrow(users["user_id"])
    names = pc.coalesce(columns.arrow(users["name"]), columns.arrow(users["username"]), ids)
    queue_ids = columns.arrow(queues["queue_id"])
    queue_names = pc.coalesce(columns.arrow(queues["name"]), queue_ids)
    if team_by == "manager":
        unit, unit_ids, unit_names, above = "manager_id", ids, names, users["manager_id"]
    else:
        unit, unit_ids = "role_id", columns.arrow(roles["role_id"])
        unit_names, above = columns.arrow(roles["name"]), roles["parent_role_id"]
    listed = unit_ids.to_pylist()
    # A unit that nobody can see is no team.
    units = columns.take(unit_ids, columns.codes(users[unit], unit_ids))
    named = team_names(
        units.drop_null().to_pylist(),
        dict(zip(listed, unit_names.to_pylist(), strict=True)),
        {
            one: other
            for one, other in zip(listed, columns.arrow(above).to_pylist(), strict=True)
            if other is not None
        },
    )
    teams = columns.text([named.get(each, UNASSIGNED) for each in units.to_pylist()])
    size = len(queue_ids)
    return People(
        ids=pa.concat_arrays([ids, queue_ids]),
        names=pa.concat_arrays([names, queue_names]),
        teams=pa.concat_arrays([teams, columns.repeat(UNASSIGNED, size)]),
        team_ids=pa.concat_arrays([units, pa.nulls(size, pa.string())]),
        is_active=np.r_[columns.booleans(users["is_active"]), np.ones(size, np.bool_)],
        is_person=np.r_[np.ones(len(ids), np.bool_), np.zeros(size, np.bool_)],
        manager_ids=pa.concat_arrays(
            [columns.arrow(users["manager_id"]), pa.nulls(size, pa.string())]
        ),
    )
