"""Tables of the group coverage: open pipeline against what remains, and why it changed."""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

import numpy as np
import pandas as pd

from sales import arrow as columns
from sales.contracts import fields
from sales.contracts.contract import (
    Amount,
    Contract,
    Count,
    Day,
    Flag,
    Instant,
    Number,
    Text,
    field,
    law,
    optional,
)
from sales.contracts.laws import are_filled_where, is_complete, is_filled
from sales.vocabulary import MONTH, ClientKind, DealChange, GrainKind, TargetStatus, words


class DealChances(Contract):
    """The chance that each open deal is booked in each month ahead, as this company's past says; without rows where the past is too short.

    What is the same for all deals of a month stands in each row.
    """

    as_of_month: Text = fields.as_of_month()
    opportunity_id: Text = field("Open opportunity")
    chance_late: Number = field(
        "Chance that it was booked by the month end and is entered later", ge=0, le=1
    )
    chance_1: Number = field("Chance to be booked in the month after the month end", ge=0, le=1)
    chance_2: Number = field("Chance to be booked two months after", ge=0, le=1)
    chance_3: Number = field("Chance to be booked three months after", ge=0, le=1)
    chance_4: Number = field("Chance to be booked four months after", ge=0, le=1)
    chance_5: Number = field("Chance to be booked five months after", ge=0, le=1)
    chance_6: Number = field("Chance to be booked six months after", ge=0, le=1)
    chance_7: Number = field("Chance to be booked seven months after", ge=0, le=1)
    chance_8: Number = field("Chance to be booked eight months after", ge=0, le=1)
    chance_9: Number = field("Chance to be booked nine months after", ge=0, le=1)
    chance_10: Number = field("Chance to be booked ten months after", ge=0, le=1)
    chance_11: Number = field("Chance to be booked eleven months after", ge=0, le=1)
    chance_12: Number = field("Chance to be booked twelve months after", ge=0, le=1)
    assumed_amount: Number = field(
        "Amount that forecasts reckon with, in the smallest unit of the currency: the company's median where there is none",
    )
    is_imputed: Flag = field("Whether the amount is the median")
    creep_low: Number = field(
        "Ratio of the final to the open amount, the lowest of three equally likely ones", gt=0
    )
    creep_middle: Number = field("The middle one", gt=0)
    creep_high: Number = field("The highest", gt=0)
    month_shock: Number = field(
        "Spread of what moves all deals of a month together, in log-odds", gt=0
    )
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row an open deal."""

        unique = ["opportunity_id"]


class PipelineCoverage(Contract):
    """Open pipeline against what is still to be won."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    period_kind: Text = fields.period_kind()
    period: Text = fields.period()
    target: Amount = fields.target()
    bookings: Amount = field("Won amount with close date in the period")
    remaining_target: Amount = field("Target less bookings, never below 0")
    open_pipeline: Amount = field("Open amount with close date in the period")
    open_count: Count = field("Open deals with close date in the period", ge=0)
    without_amount_count: Count = field("Of these, deals without an amount", ge=0)
    stage_weighted_pipeline: Amount = field("Open amount times the CRM's own probability")
    weighted_pipeline: Amount = optional(
        "Open amount times the calibrated chance to be booked in the period; empty with too little history"
    )
    overdue_pipeline: Amount = field(
        "Open amount of all deals whose close date has passed; the same in every row of a person, team or company"
    )
    coverage_ratio: Number = optional(
        "Open pipeline / remaining target; empty when nothing remains"
    )
    required_ratio: Number = optional(
        "Coverage needed by this company's own past at this distance; empty when nothing remains or history is too short",
        ge=0,
    )
    status: Text = fields.status()
    required_ratio_low: Number = optional("Lower end of the 80 % interval of the required coverage")
    required_ratio_high: Number = optional(
        "Upper end of the 80 % interval of the required coverage"
    )
    required_windows: Count = field("Past month ends that the required coverage rests on", ge=0)
    commit_forecast: Amount = field(
        "Booked, and open amounts that the CRM calls Commit: its own forecast, for comparison"
    )
    best_case_forecast: Amount = field("The same with those that it calls Most Likely or Best Case")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def every_id_has_every_period(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """A person, a team and the company have a row for each period."""
        return is_complete(table)

    @law
    def ratio_where_something_remains(cls, table: pd.DataFrame) -> bool:  # noqa: N805
        """There is a ratio where the status says that something remains."""
        remains = np.asarray(columns.arrow(table["status"])) == TargetStatus.OK.value
        return are_filled_where(table, ["coverage_ratio"], remains)

    @law
    def need_has_its_interval(cls, table: pd.DataFrame) -> bool:  # noqa: N805
        """Required coverage stands between the ends of its interval."""
        known = is_filled(table["required_ratio"])
        return are_filled_where(table, ["required_ratio_low", "required_ratio_high"], known)

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class PipelineMovement(Contract):
    """Why the open pipeline of a period changed since the month before."""

    from_month: Text = field("Month before", str_matches=MONTH)
    to_month: Text = field("Month", str_matches=MONTH)
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    period_kind: Text = fields.period_kind()
    period: Text = fields.period()
    opening: Amount = field("Open pipeline at the month end before")
    created: Amount = field("Deals created since")
    moved_in: Amount = field("Close date moved into the period, or re-dated from overdue")
    reassigned_in: Amount = field("Taken over from another owner or team")
    reopened: Amount = field("Deals that were closed")
    increased: Amount = field("Amounts raised")
    decreased: Amount = field("Amounts lowered")
    moved_out: Amount = field("Close date moved out of the period, or fell overdue")
    reassigned_out: Amount = field("Given to another owner or team")
    won: Amount = field("Deals won, at their final amount")
    lost: Amount = field("Deals lost, at their final amount")
    deleted: Amount = field("Deals deleted")
    closing: Amount = field("Open pipeline at the month end")
    without_amount_count: Count = field("Deals without an amount that moved with 0")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class DealChanges(Contract):
    """What changed of each deal since the month before, by name: won, lost, new, slipped and re-dated ones, and their amounts."""

    from_month: Text = field("Month before", str_matches=MONTH)
    to_month: Text = field("Month", str_matches=MONTH)
    opportunity_id: Text = fields.opportunity_id()
    change: Text = field(
        "won, lost, new, slipped (due in the month and still open), pulled_in or pushed (to an earlier or a later month), amount, reopened, deleted, reassigned",
        isin=words(DealChange),
    )
    owner_id: Text = field("Owner at the month end; of a deleted deal at the one before")
    team: Text = fields.team()
    team_id: Text = fields.team_id()
    account_id: Text = fields.account_id()
    amount_before: Amount = optional(
        "Amount at the month end before; empty where there was none or no deal"
    )
    amount_after: Amount = optional("Amount at the month end; empty where there is none or no deal")
    close_date_before: Day = optional("Close date at the month end before")
    close_date_after: Day = optional("Close date at the month end")
    name: Text = fields.name()
    account_name: Text = fields.account_name()
    owner_name: Text = fields.owner_name()
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    class Config(Contract.Config):
        """One row a deal and change."""

        unique = ["opportunity_id", "change"]


class PipelineStages(Contract):
    """Open deals by stage and age, whatever their close date; overdue ones included."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = fields.grain()
    grain_id: Text = fields.grain_id()
    stage_name: Text = field("Stage as of the month end")
    stage_order: Count = field("Place in the sales process; 10000 where Salesforce orders none")
    open_count: Count = field("Open deals", ge=1)
    without_amount_count: Count = field("Those without an amount", ge=0)
    open_pipeline: Amount = field("Amount of open deals")
    up_to_90: Amount = field("Of deals created in the 90 days before the month end")
    up_to_180: Amount = field("Of deals that are older, up to 180 days")
    up_to_365: Amount = field("Of deals that are older, up to 365 days")
    older: Amount = field("Of deals that are older than 365 days")
    median_age_days: Number = field("Days since creation, of the deal in the middle", ge=0)
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def ages_add_up(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """The age groups sum to the open pipeline."""
        parts = table[["up_to_90", "up_to_180", "up_to_365", "older"]].to_numpy(np.object_)
        return bool((parts.sum(axis=1) == table["open_pipeline"].to_numpy(np.object_)).all())

    class Config(Contract.Config):
        """One row a person, team or the company and stage."""

        unique = ["grain", "grain_id", "stage_name"]


class DimensionBreakdown(Contract):
    """Bookings, open pipeline and mix by the field that policy names as dimension; without rows where it names none, or where Salesforce was read without it."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = field("Team or company", isin=[GrainKind.TEAM.value, GrainKind.COMPANY.value])
    grain_id: Text = field("Team's name or company's name")
    dimension: Text = field(
        "Value of the field without blanks around it; an empty text where a deal has none"
    )
    bookings: Amount = field("Bookings of the fiscal year to date")
    last_year: Amount = optional(
        "Bookings of the same months of the year before, as known now; empty before the first booking"
    )
    share_pct: Number = optional(
        "Percent of all bookings of the year to date; empty where they are not above zero, or one of the parts is below",
        in_range={"min_value": 0, "max_value": 100},
    )
    new_bookings: Amount = field("Bookings of the year to date with new clients")
    existing_bookings: Amount = field(
        "Bookings of the year to date with clients that had a booking in the 24 months before"
    )
    open_count: Count = field("Open deals, overdue ones included", ge=0)
    without_amount_count: Count = field("Those without an amount", ge=0)
    open_pipeline: Amount = field("Amount of open deals")
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def kinds_of_clients_add_up(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """New and existing clients sum to the bookings."""
        parts = table[["new_bookings", "existing_bookings"]].to_numpy(np.object_)
        return bool((parts.sum(axis=1) == table["bookings"].to_numpy(np.object_)).all())

    class Config(Contract.Config):
        """One row a team or the company and value."""

        unique = ["grain", "grain_id", "dimension"]


class DecidedDeals(Contract):
    """What was won and lost of new and existing clients, in the quarter of the month to date and the four before it."""

    as_of_month: Text = fields.as_of_month()
    grain: Text = field("Team or company", isin=[GrainKind.TEAM.value, GrainKind.COMPANY.value])
    grain_id: Text = field("Team's name or company's name")
    period: Text = fields.period()
    client_kind: Text = field(
        "existing (a booking in the 24 months before the deal was decided) or new",
        isin=words(ClientKind),
    )
    won_count: Count = field("Won deals", ge=0)
    lost_count: Count = field("Lost deals, in the quarter in which they were decided", ge=0)
    won_amount: Amount = field("Bookings of the won deals")
    win_rate_pct: Number = optional(
        "Won deals in percent of decided ones; empty where none was decided",
        in_range={"min_value": 0, "max_value": 100},
    )
    average_amount: Amount = optional("Bookings by won deal; empty where none was won")
    median_cycle_days: Number = optional(
        "Days from creation to the win, of the won deal in the middle; empty where no history says"
    )
    as_of: Instant = fields.as_of()
    extracted_at: Instant = fields.extracted_at()

    @law
    def every_id_has_each_kind_in_each_quarter(cls, table: pd.DataFrame) -> bool:  # noqa: N805  # pandera's
        """A team and the company have a row for each quarter and kind of client."""
        sizes = table.groupby(["grain", "grain_id"], observed=True, sort=False).size()
        quarters = table["period"].nunique()
        return bool((sizes == quarters * len(ClientKind)).all())

    class Config(Contract.Config):
        """One row a team or the company, quarter and kind of client."""

        unique = ["grain", "grain_id", "period", "client_kind"]
