"""Tables of the group forecast about work: what is agreed with clients, and what can be done of all that is sold."""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

from functools import partial

import numpy as np
import pandas as pd

from sales import arrow as columns
from sales.contracts import fields
from sales.contracts.contract import (
    Amount,
    Contract,
    Count,
    Day,
    Instant,
    Number,
    Text,
    field,
    law,
    optional,
)
from sales.contracts.laws import are_filled_where, is_filled
from sales.vocabulary import GrainKind

# Plain numbers are rounded to six decimals each.
TOLERATED = 1e-5
agreed_days = partial(field, "Days of work of retainers and framework agreements", ge=0)
won_days = partial(field, "Days of work of won deals", ge=0)
expected_days = partial(field, "Days of work of open deals, by their chance", ge=0)


class ClientAgreements(Contract):
    """Retainers and framework agreements that run on after the month end, as signed by then."""

    as_of_month: Text = fields.as_of_month()
    account_id: Text = field("Account")
    agreement: Text = field("What the agreement is called")
    signed_on: Day = field("Day from which these terms are known")
    start_date: Day = field("First day")
    end_date: Day = optional("Last day; empty where it has no end")
    monthly_amount: Amount = field("What it brings a month")
    monthly_days: Number = field("Days of work that it takes a month", ge=0)
    backlog: Amount = field(
        "What it brings in the twelve months to come; a month that it covers in part counts by its days"
    )
    open_deals: Count = field("Open deals with the client")
    team: Text = fields.team()
    account_name: Text = field("Account's name")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a client and agreement."""

        unique = ["account_id", "agreement"]


class DeliveryLoad(Contract):
    """Work of the twelve months to come against what the company and its teams can do."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = field("Team or company", isin=[GrainKind.TEAM.value, GrainKind.COMPANY.value])
    grain_id: Text = field("Team's name or company's name")
    month: Text = fields.month()
    agreed_days: Number = agreed_days()
    won_days: Number = won_days()
    expected_days: Number = expected_days()
    capacity_days: Number = optional(
        "Days of work that can be done in the month; empty where none are stated"
    )
    days_beyond: Number = optional("Days of work beyond the capacity; empty without one")
    people_needed: Count = optional("People to draft in for them, rounded up", ge=0)
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def shortage_where_a_capacity_is_stated(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """What is beyond a capacity is told where one is stated, and nowhere else."""
        stated = is_filled(table["capacity_days"])
        return are_filled_where(table, ["days_beyond", "people_needed"], stated)

    class Config(Contract.Config):
        """One row a team or the company and month."""

        unique = ["grain", "grain_id", "month"]


class AccountLoad(Contract):
    """Work of the twelve months to come by client, and the part of it for which people must be drafted in."""

    as_of_month: Text = fields.as_of_month()
    account_id: Text = field("Account; (none) where deals have none")
    team: Text = fields.team()
    month: Text = fields.month()
    agreed_days: Number = agreed_days()
    won_days: Number = won_days()
    expected_days: Number = expected_days()
    days_beyond: Number = optional(
        "Days that do not fit into the capacity of the team, or of the company where the team has none, after all work that was agreed before; empty where neither is stated"
    )
    people_needed: Count = optional("People to draft in for them, rounded up", ge=0)
    account_name: Text = fields.account_name()
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def no_more_is_beyond_than_there_is(cls, table: pd.DataFrame) -> bool:  # noqa: N805
        """No client lacks people for more work than it brings."""
        work = sum(columns.floats(table[f"{each}_days"]) for each in ("agreed", "won", "expected"))
        beyond = np.nan_to_num(columns.floats(table["days_beyond"]))
        return bool((beyond <= work + TOLERATED).all())

    class Config(Contract.Config):
        """One row a client, team and month."""

        unique = ["account_id", "team", "month"]
