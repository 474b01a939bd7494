"""Every table that crosses a wall, as a contract: the data dictionary.

Put columns, their types and what they mean here; how a value comes about is in
the module that makes the table. A frame that breaks its contract stops the run
before anything is stored.
"""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

from datetime import datetime
from typing import Any

import pandas as pd
import pandera.pandas as pandera
import pyarrow as pa
from pandera import dtypes
from pandera.engines import pandas_engine
from pandera.typing import Series

from sales import arrow as columns
from sales.errors import UserError

MONTH = r"^\d{4}-(0[1-9]|1[0-2])$"
PERIOD = r"^(\d{4}-(0[1-9]|1[0-2])|FY\d{4}(-Q[1-4])?)$"
GRAINS = ["person", "team", "company"]
PERIOD_KINDS = ["month", "quarter", "year"]
STATUSES = ["no_target", "covered", "ok"]
BANDS = ["secure", "on_track", "stretch", "out_of_reach"]
PROVENANCES = ["snapshot", "history", "assumed", "unknown"]
MEASURES = ["bookings", "open_pipeline", "target"]
CAUSES = ["late_edit", "owner", "amount", "deletion", "target_revision", "rate", "definition"]
# Amounts as Salesforce holds them, in any currency.
RAW_MONEY = pa.decimal128(38, 10)
FORECAST_CATEGORIES = ["Omitted", "Pipeline", "Best Case", "Most Likely", "Commit", "Closed"]


class BrokenContract(UserError, ValueError):
    """A table does not keep its contract."""


@pandas_engine.Engine.register_dtype
@dtypes.immutable
class Money(pandas_engine.DataType):
    """Arrow decimals of any scale: the digits are the currency's."""

    type = pd.ArrowDtype(pa.decimal128(38, 2))

    def coerce(self, data_container: Any) -> Any:  # noqa: ANN401  # pandera's signature
        """Leave the column as it is: turning floats into money hides where they came from."""
        return data_container

    def check(self, pandera_dtype: Any, data_container: Any = None) -> bool:  # noqa: ANN401, ARG002
        """Accept decimals only."""
        kind = getattr(getattr(pandera_dtype, "type", None), "pyarrow_dtype", None)
        return kind is not None and pa.types.is_decimal(kind)

    def __str__(self) -> str:
        """Name the type in messages."""
        return "money"


Text = Series[pd.ArrowDtype(pa.string())]
Day = Series[pd.ArrowDtype(pa.date32())]
Instant = Series[pd.ArrowDtype(columns.INSTANT)]
Flag = Series[pd.ArrowDtype(pa.bool_())]
Count = Series[pd.ArrowDtype(pa.int64())]
Number = Series[pd.ArrowDtype(pa.float64())]
Amount = Series[Money]


def _field(description: str, **rules: Any) -> Any:  # noqa: ANN401
    return pandera.Field(description=description, **rules)


def _maybe(description: str, **rules: Any) -> Any:  # noqa: ANN401
    return pandera.Field(description=description, nullable=True, **rules)


class Contract(pandera.DataFrameModel):
    """Columns in order, no others, with a unique key."""

    class Config:
        """Strict: an unknown or missing column is an error."""

        strict = True
        ordered = True


class RawOpportunities(Contract):
    """Opportunities as Salesforce holds them today, deleted ones included."""

    opportunity_id: Text = _field("Opportunity")
    is_deleted: Flag = _field("In the recycle bin")
    account_id: Text = _maybe("Account today")
    name: Text = _maybe("Name")
    stage_name: Text = _field("Stage today")
    amount: Amount = _maybe("Amount in the record's currency")
    currency_code: Text = _maybe("Currency of the record; empty in a single-currency organisation")
    probability_pct: Number = _maybe("Probability, 0-100")
    close_date: Day = _field("Close date today")
    forecast_category: Text = _maybe("Forecast category today")
    owner_id: Text = _field("Owner today")
    lead_source: Text = _maybe("Lead source")
    record_type_id: Text = _maybe("Record type today")
    is_private: Flag = _field("Only owner, those above and administrators see it")
    created_at: Instant = _field("When the record was created")
    modified_at: Instant = _field(
        "System modification stamp; of a deleted record, when it was deleted"
    )
    custom_amount: Amount = _maybe(
        "Amount in the field that policy names, in the record's currency"
    )
    effort_days: Number = _maybe("Days of work, in the field that policy names")
    service_start: Day = _maybe("First day of service, in the field that policy names")
    service_end: Day = _maybe("Last day of service, in the field that policy names")

    class Config(Contract.Config):
        """One row a record."""

        unique = ["opportunity_id"]


class RawOpportunityHistory(Contract):
    """A row for each save that changed stage, amount, probability or close date."""

    history_id: Text = _field("History row")
    opportunity_id: Text = _field("Opportunity")
    created_at: Instant = _field("When the change was saved")
    stage_name: Text = _field("Stage after the change")
    amount: Amount = _maybe("Amount after the change, in the record's currency")
    currency_code: Text = _maybe("Currency of the record")
    close_date: Day = _field("Close date after the change")
    probability_pct: Number = _maybe("Probability after the change")
    forecast_category: Text = _maybe("Forecast category after the change")
    modified_at: Instant = _maybe("System modification stamp: when a later row took over")

    class Config(Contract.Config):
        """One row a save."""

        unique = ["history_id"]


class RawOpportunityFieldHistory(Contract):
    """Changes of tracked fields; empty where the organisation tracks none."""

    change_id: Text = _field("Change row")
    opportunity_id: Text = _field("Opportunity")
    created_at: Instant = _field("When the change was saved")
    field: Text = _field("Field, in Salesforce's spelling")
    data_type: Text = _maybe("EntityId for rows that carry record ids")
    old_value: Text = _maybe("Value before")
    new_value: Text = _maybe("Value after")

    class Config(Contract.Config):
        """One row a change."""

        unique = ["change_id"]


class RawUsers(Contract):
    """Users, inactive ones included."""

    user_id: Text = _field("User")
    name: Text = _maybe("Full name")
    username: Text = _maybe("User name")
    email: Text = _maybe("E-mail")
    is_active: Flag = _field("Can log in")
    role_id: Text = _maybe("Role today")
    manager_id: Text = _maybe("Manager today")

    class Config(Contract.Config):
        """One row a user."""

        unique = ["user_id"]


class RawRoles(Contract):
    """Roles of the role hierarchy."""

    role_id: Text = _field("Role")
    name: Text = _maybe("Name")
    parent_role_id: Text = _maybe("Role above")

    class Config(Contract.Config):
        """One row a role."""

        unique = ["role_id"]


class RawQueues(Contract):
    """Queues, which may own records as users do."""

    queue_id: Text = _field("Queue")
    name: Text = _maybe("Name")

    class Config(Contract.Config):
        """One row a queue."""

        unique = ["queue_id"]


class RawAccounts(Contract):
    """Accounts."""

    account_id: Text = _field("Account")
    name: Text = _maybe("Name")
    modified_at: Instant = _maybe("System modification stamp")

    class Config(Contract.Config):
        """One row an account."""

        unique = ["account_id"]


class RawStages(Contract):
    """What each stage name means, inactive ones included."""

    stage_name: Text = _field("Stage, by label and by API name")
    is_closed: Flag = _field("The deal is decided")
    is_won: Flag = _field("The deal is won")
    sort_order: Count = _maybe("Order in the sales process")
    default_probability_pct: Number = _maybe("Probability a deal gets on entering the stage")
    forecast_category: Text = _maybe("Forecast category of the stage")
    stage_id: Text = _maybe("The stage's record")
    is_active: Flag = _field("Offered for new records")
    is_listed: Flag = _field(
        "Salesforce lists it; a renamed or deleted stage keeps its last known meaning"
    )

    class Config(Contract.Config):
        """One row a name."""

        unique = ["stage_name"]


class RawOrganization(Contract):
    """The organisation itself: one row."""

    organization_id: Text = _field("Organisation")
    name: Text = _field("Name")
    time_zone: Text = _field("Default time zone")
    fiscal_year_start_month: Count = _field(
        "First month of the fiscal year", in_range={"min_value": 1, "max_value": 12}
    )
    names_year_by_start: Flag = _field("The fiscal year is called by the year it starts in")
    currency_code: Text = _field("Corporate currency")
    is_multi_currency: Flag = _field("Records carry their own currency")

    class Config(Contract.Config):
        """One row."""

        unique = ["organization_id"]


class RawCurrencyRates(Contract):
    """Units of each currency for one unit of the corporate currency."""

    currency_code: Text = _field("Currency")
    start_date: Day = _maybe("First day of a dated rate; empty for the static rate")
    next_start_date: Day = _maybe("First day of the next dated rate")
    rate: Amount = _field("Units per corporate unit")

    class Config(Contract.Config):
        """One row a rate."""

        unique = ["currency_code", "start_date"]


class RawOpportunitySplits(Contract):
    """Who shares the credit of an opportunity, in percent; empty where splits are not enabled."""

    split_id: Text = _field("Split")
    opportunity_id: Text = _field("Opportunity")
    owner_id: Text = _field("User who gets the credit")
    split_type_id: Text = _field("Split type")
    percentage: Amount = _field("Share, 0-100")
    created_at: Instant = _field("When the split was created")
    is_deleted: Flag = _field("In the recycle bin, or gone")
    modified_at: Instant = _maybe(
        "System modification stamp; of a deleted split, when it was deleted"
    )

    class Config(Contract.Config):
        """One row a split."""

        unique = ["split_id"]


class RawSplitTypes(Contract):
    """What kinds of splits there are."""

    split_type_id: Text = _field("Split type")
    name: Text = _field("API name")
    split_field: Text = _maybe("Field that is split")
    is_active: Flag = _field("In use")
    is_total_validated: Flag = _field("The shares of a deal must total 100")

    class Config(Contract.Config):
        """One row a type."""

        unique = ["split_type_id"]


class RawRecordTypes(Contract):
    """Record types of opportunities."""

    record_type_id: Text = _field("Record type")
    developer_name: Text = _field("API name")
    name: Text = _maybe("Label")

    class Config(Contract.Config):
        """One row a record type."""

        unique = ["record_type_id"]


class RawQuotas(Contract):
    """Salesforce's own quotas, one row an owner, forecasting type and period."""

    quota_id: Text = _field("Quota")
    owner_id: Text = _field("User whose quota it is")
    forecasting_type: Text = _field("API name of the forecasting type")
    start_date: Day = _field("First day of the period")
    end_date: Day = _maybe("Last day of the period, where periods are visible")
    amount: Amount = _field("Quota in its currency")
    currency_code: Text = _maybe("Currency; empty in a single-currency organisation")

    class Config(Contract.Config):
        """One row a quota."""

        unique = ["quota_id"]


class RawPeriods(Contract):
    """Fiscal periods of the organisation: months, quarters and years with days of their own."""

    period_id: Text = _field("Period")
    kind: Text = _maybe("Month, Quarter, Year or Week")
    start_date: Day = _maybe("First day")
    end_date: Day = _field("Last day")
    number: Count = _maybe("Number in the fiscal year")

    class Config(Contract.Config):
        """One row a period."""

        unique = ["period_id"]


class RawTargets(Contract):
    """The target book: annual targets by owner, year and revision."""

    fiscal_year: Count = _field("Number in the fiscal year's name")
    owner_id: Text = _field("User")
    annual_target: Amount = _field("Amount for the year, in its currency")
    currency_code: Text = _maybe("Currency; empty for the corporate one")
    start_date: Day = _maybe("First day of selling; empty for the whole year")
    end_date: Day = _maybe("Last day of selling; empty for the whole year")
    revision: Count = _field("Revision number", ge=1)
    effective_date: Day = _maybe(
        "First day on which the revision is known; empty for the year's first day"
    )
    holidays: Text = _maybe("Holiday calendar of the owner")

    class Config(Contract.Config):
        """One row a revision."""

        unique = ["fiscal_year", "owner_id", "revision"]


class TargetPadding(Contract):
    """What is assigned to people beside what teams and the company state for themselves: over-assignment in plain sight."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    fiscal_year: Count = _field("Number in the fiscal year's name")
    grain: Text = _field("Team or company", isin=["team", "company"])
    grain_id: Text = _field("Team's or company's name")
    assigned: Amount = _field("Sum of the annual targets of its people")
    stated: Amount = _maybe("Its own number in team_targets.csv; empty where none is stated")
    padding: Amount = _maybe("Assigned less stated")
    padding_pct: Number = _maybe("Padding in percent of stated")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a team and year."""

        unique = ["fiscal_year", "grain", "grain_id"]


class BottomUpPlan(Contract):
    """The company's year from below: the sum of client plans beside the phased target."""

    as_of_month: Text = _field("Month whose report this is", str_matches=MONTH)
    month: Text = _field("Month of the fiscal year", str_matches=MONTH)
    baseline_target: Amount = _field("Phased target of all people")
    client_plans: Amount = _maybe("Sum of the plans of clients; empty without client_plans.csv")
    difference: Amount = _maybe("Client plans less target")
    bookings: Amount = _field("Booked in the month, as known now")
    expected: Amount = _maybe(
        "Expected from open deals; empty for months that are over or with too little history"
    )
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a month."""

        unique = ["month"]


class PhasingCheck(Contract):
    """Whether a phasing leaves a person who misses the first two months a year within reach."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    fiscal_year: Count = _field("Number in the fiscal year's name")
    owner_id: Text = _field("Owner")
    annual_target: Amount = _field("Target for the year")
    first_two: Amount = _field("Baseline of the first two selling months")
    usual_miss: Amount = _maybe(
        "What is missing after two months that fall short by one usual spread; empty with too little history"
    )
    at_risk: Amount = _maybe("What of it fits into no month that is left under the cap")
    reach_after_miss: Number = _maybe(
        "Chance to reach the year after that miss, for someone who books the target in a usual year",
        in_range={"min_value": 0, "max_value": 1},
    )
    catch_up_chance: Number = _maybe(
        "Chance that what is missing after two missed months fits under the cap",
        in_range={"min_value": 0, "max_value": 1},
    )
    floor: Number = _field("Chance that policy asks for")
    keeps_floor: Flag = _maybe("Whether the chance is at or above the floor")
    proposed_weights: Text = _maybe(
        "Twelve weights nearest to today's that keep the floor; empty where today's do"
    )
    owner_name: Text = _field("Owner's name")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row an owner and year."""

        unique = ["fiscal_year", "owner_id"]


class OpportunitySnapshot(Contract):
    """What was known of every opportunity at the close of the month."""

    month: Text = _field("Month", str_matches=MONTH)
    opportunity_id: Text = _field("Opportunity")
    name: Text = _maybe("Name")
    account_id: Text = _maybe("Account")
    account_name: Text = _maybe("Account's name")
    owner_id: Text = _field("Owner as of the month end")
    team: Text = _field("Owner's team")
    stage_name: Text = _field("Stage as of the month end")
    forecast_category: Text = _maybe("Forecast category as of the month end")
    probability_pct: Number = _maybe("The CRM's own probability, 0-100")
    amount: Amount = _maybe("Amount in corporate currency; empty where the deal has none")
    amount_local: Amount = _maybe("Amount in the deal's currency")
    currency_code: Text = _field("The deal's currency")
    close_date: Day = _field("Close date as of the month end")
    is_open: Flag = _field("Not decided")
    is_won: Flag = _field("Won")
    created_at: Instant = _field("When the record was created")
    stage_entered_at: Instant = _maybe("When the stage was entered; empty where no history says")
    push_count: Count = _field("Times the close date moved to a later month")
    last_pushed_at: Instant = _maybe("When it last did")
    amount_provenance: Text = _field("How the amount is known", isin=PROVENANCES)
    close_date_provenance: Text = _field("How the close date is known", isin=PROVENANCES)
    stage_provenance: Text = _field("How the stage is known", isin=PROVENANCES)
    owner_provenance: Text = _field("How the owner is known", isin=PROVENANCES)
    owner_name: Text = _field("Owner's name")
    lead_source: Text = _maybe(
        "Lead source as of the month end; today's where its history is not tracked"
    )
    known_at: Instant = _maybe("When what is shown was saved; empty where it is assumed")
    effort_days: Number = _maybe(
        "Days of work as Salesforce says now; empty where policy names no field"
    )
    service_start: Day = _maybe("First day of service as Salesforce says now")
    service_end: Day = _maybe("Last day of service as Salesforce says now")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row an opportunity."""

        unique = ["opportunity_id"]


class BookingCredit(Contract):
    """Who gets the credit of each booking, whatever its month: a row a booking and person."""

    as_of_month: Text = _field("Month whose report this serves", str_matches=MONTH)
    opportunity_id: Text = _field("Opportunity that is won as of the month end")
    owner_id: Text = _field("Person who gets the credit")
    team: Text = _field("The person's team")
    owner_name: Text = _field("The person's name")
    close_date: Day = _field("Close date: the month it is booked in")
    amount: Amount = _field("The person's share in corporate currency")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a booking and person."""

        unique = ["opportunity_id", "owner_id"]


class MonthlyBookings(Contract):
    """Bookings by owner and month, as known at each month end of the fiscal year so far."""

    as_of_month: Text = _field("Month whose report this serves", str_matches=MONTH)
    known_month: Text = _field("Month end at which the bookings were known", str_matches=MONTH)
    owner_id: Text = _field("Owner who got the credit")
    month: Text = _field("Month of the close date", str_matches=MONTH)
    bookings: Amount = _field("Won amount")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row an owner, month end and month."""

        unique = ["known_month", "owner_id", "month"]


class PhasedTargets(Contract):
    """Each annual target over twelve months: the plan, and what the months left must bring."""

    fiscal_year: Count = _field("Number in the fiscal year's name")
    owner_id: Text = _field("Owner")
    month: Text = _field("Month", str_matches=MONTH)
    revision: Count = _field("Revision of the target that is in force")
    annual_target: Amount = _field("Target for the year that the months sum to")
    weight: Number = _field("Weight of the month in the phasing", ge=0)
    baseline_target: Amount = _field("The month's share of the annual target")
    rephased_target: Amount = _field("The month's share after what was missed so far")
    at_risk: Amount = _field("What no remaining month can take; on the last month's row")
    ahead: Amount = _field("Bookings beyond the plan to date; on the last month's row")
    team: Text = _field("Owner's team")
    owner_name: Text = _field("Owner's name")
    stated_target: Amount = _field("Target as stated, before proration")
    as_of_month: Text = _field("Month whose report this is", str_matches=MONTH)
    is_fixed: Flag = _field("The month's share is fixed by overrides.csv")
    season_evidence: Number = _maybe(
        "Weight of what was seen in a seasonal phasing, 0-1; the rest is even. Empty with another method",
        in_range={"min_value": 0, "max_value": 1},
    )
    season_deals: Count = _maybe("Won deals that the season rests on")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row an owner and month."""

        unique = ["fiscal_year", "owner_id", "month"]


class TargetAttainment(Contract):
    """Bookings against target: month, quarter to date, year to date."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    grain: Text = _field("Person, team or company", isin=GRAINS)
    grain_id: Text = _field("Owner's id, team's name or company's name")
    period_kind: Text = _field("Month, quarter or year, to date", isin=PERIOD_KINDS)
    period: Text = _field("Name of the period", str_matches=PERIOD)
    target: Amount = _field("Phased target of the months so far")
    rephased_target: Amount = _field("Re-phased target of the months so far")
    bookings: Amount = _field("Won amount with close date in the months so far")
    variance: Amount = _field("Bookings less target")
    attainment_pct: Number = _maybe("Bookings in percent of target; empty when the target is 0")
    status: Text = _field("no_target, covered or ok", isin=STATUSES)
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class PipelineCoverage(Contract):
    """Open pipeline against what is still to be won."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    grain: Text = _field("Person, team or company", isin=GRAINS)
    grain_id: Text = _field("Owner's id, team's name or company's name")
    period_kind: Text = _field("Quarter or year", isin=PERIOD_KINDS)
    period: Text = _field("Name of the period", str_matches=PERIOD)
    target: Amount = _field("Phased target of the whole period")
    bookings: Amount = _field("Won amount with close date in the period")
    remaining_target: Amount = _field("Target less bookings, never below 0")
    open_pipeline: Amount = _field("Open amount with close date in the period")
    open_count: Count = _field("Open deals with close date in the period")
    without_amount_count: Count = _field("Of these, deals without an amount")
    stage_weighted_pipeline: Amount = _field("Open amount times the CRM's own probability")
    weighted_pipeline: Amount = _maybe(
        "Open amount times the calibrated chance to be booked in the period; empty with too little history"
    )
    overdue_pipeline: Amount = _field(
        "Open amount of all deals whose close date has passed, in no period"
    )
    coverage_ratio: Number = _maybe("Open pipeline / remaining target; empty when nothing remains")
    required_ratio: Number = _maybe(
        "Coverage needed by this company's own past at this distance; empty when nothing remains or history is too short"
    )
    status: Text = _field("no_target, covered or ok", isin=STATUSES)
    required_ratio_low: Number = _maybe("Lower end of the 80 % interval of the required coverage")
    required_ratio_high: Number = _maybe("Upper end of the 80 % interval of the required coverage")
    required_windows: Count = _field("Past month ends that the required coverage rests on")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class PipelineMovement(Contract):
    """Why the open pipeline of a period changed since the month before."""

    from_month: Text = _field("Month before", str_matches=MONTH)
    to_month: Text = _field("Month", str_matches=MONTH)
    grain: Text = _field("Person, team or company", isin=GRAINS)
    grain_id: Text = _field("Owner's id, team's name or company's name")
    period_kind: Text = _field("Quarter or year", isin=PERIOD_KINDS)
    period: Text = _field("Name of the period", str_matches=PERIOD)
    opening: Amount = _field("Open pipeline at the month end before")
    created: Amount = _field("Deals created since")
    moved_in: Amount = _field("Close date moved into the period, or re-dated from overdue")
    reassigned_in: Amount = _field("Taken over from another owner or team")
    reopened: Amount = _field("Deals that were closed")
    increased: Amount = _field("Amounts raised")
    decreased: Amount = _field("Amounts lowered")
    moved_out: Amount = _field("Close date moved out of the period, or fell overdue")
    reassigned_out: Amount = _field("Given to another owner or team")
    won: Amount = _field("Deals won, at their final amount")
    lost: Amount = _field("Deals lost, at their final amount")
    deleted: Amount = _field("Deals deleted")
    closing: Amount = _field("Open pipeline at the month end")
    without_amount_count: Count = _field("Deals without an amount that moved with 0")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class ClosingPlan(Contract):
    """Open deals due in the next 90 days, and those already overdue."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    opportunity_id: Text = _field("Opportunity")
    owner_id: Text = _field("Owner")
    account_id: Text = _maybe("Account")
    amount: Amount = _maybe("Amount; empty where the deal has none")
    close_date: Day = _field("Close date in the CRM")
    expected_month: Text = _maybe(
        "Month of confirmation by forecast, if it is won; empty where that was no better than the close date"
    )
    win_probability: Number = _maybe(
        "Calibrated chance to be booked within twelve months; empty with too little history",
        in_range={"min_value": 0, "max_value": 1},
    )
    push_count: Count = _field("Times the close date moved to a later month")
    days_overdue: Count = _field("Days since the close date; 0 where it is still ahead")
    flags: Text = _field("overdue, no_amount, pushed, slow, protect; separated by spaces")
    hit_change_month: Number = _maybe(
        "Change of the company's chance to hit the coming month if it confirms a month later"
    )
    hit_change_quarter: Number = _maybe("The same for the quarter that holds the coming month")
    hit_change_year: Number = _maybe("The same for the fiscal year that holds the coming month")
    hit_change_month_2: Number = _maybe("Change for the month if it confirms two months later")
    hit_change_quarter_2: Number = _maybe("Change for the quarter if it confirms two months later")
    hit_change_year_2: Number = _maybe("Change for the year if it confirms two months later")
    hit_change_month_3: Number = _maybe("Change for the month if it confirms three months later")
    hit_change_quarter_3: Number = _maybe(
        "Change for the quarter if it confirms three months later"
    )
    hit_change_year_3: Number = _maybe("Change for the year if it confirms three months later")
    owner_hit_change_month: Number = _maybe(
        "Change of the owner's chance to hit the coming month if it confirms a month later"
    )
    owner_hit_change_quarter: Number = _maybe("The same for the owner's quarter")
    owner_hit_change_year: Number = _maybe("The same for the owner's year")
    confirm_p10: Day = _maybe(
        "Day before which it is confirmed with a chance of one in ten, if it is won"
    )
    confirm_p90: Day = _maybe(
        "Day before which it is confirmed with a chance of nine in ten, if it is won"
    )
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a deal."""

        unique = ["opportunity_id"]


class LandingForecast(Contract):
    """Where each period lands: booked, open and not yet created, as a distribution, with the chance to reach the target."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    grain: Text = _field("Person, team or company", isin=GRAINS)
    grain_id: Text = _field("Owner's id, team's name or company's name")
    period_kind: Text = _field("The month to come, quarters, and the year", isin=PERIOD_KINDS)
    period: Text = _field("Name of the period", str_matches=PERIOD)
    bookings: Amount = _field("Booked in the period so far")
    p10: Amount = _maybe(
        "Landing that is missed with a chance of one in ten; empty where there is too little history"
    )
    p50: Amount = _maybe("Landing that is as likely missed as passed")
    p90: Amount = _maybe("Landing that is passed with a chance of one in ten")
    target: Amount = _field("Phased target of the whole period")
    hit_probability: Number = _maybe(
        "Chance to reach the target; empty without a target or with too little history",
        in_range={"min_value": 0, "max_value": 1},
    )
    band: Text = _maybe(
        "secure, on_track, stretch or out_of_reach, by the bounds of policy", isin=BANDS
    )
    margin: Amount = _maybe(
        "On the year's row: how much of the coming month's target may be missed with the year still on track; below 0 not even meeting it is enough"
    )
    expected: Amount = _maybe("Mean of the landing; people add up to teams and the company")
    method: Text = _field(
        "model, too_little_history, or over", isin=["model", "too_little_history", "over"]
    )
    stage_weighted: Amount = _field(
        "Baseline: booked, and open amounts of the period times the CRM's own probability"
    )
    last_year: Amount = _maybe(
        "Baseline: bookings of the same months a year before; empty where history begins later"
    )
    three_month_average: Amount = _maybe(
        "Baseline: booked, and the average of the last three months for each month left; empty where history begins later"
    )
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a grain and period."""

        unique = ["grain", "grain_id", "period_kind", "period"]


class PipelineGeneration(Contract):
    """New pipeline that each month must see created, by lead source, against what was created."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    source: Text = _field("Lead source; (none) where a deal has none")
    month: Text = _field("Month of creation", str_matches=MONTH)
    required: Amount = _maybe(
        "New pipeline that the targets of the months it serves need; empty where there are none or history is too short"
    )
    created: Amount = _maybe("Amount of the deals created, as known now; empty for months to come")
    conversion: Number = _maybe("Part of created money that is booked, in this company's past")
    lead_months: Number = _maybe("Months from creation to booking, weighted by money")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a source and month."""

        unique = ["source", "month"]


class ClientPhasing(Contract):
    """Each client's bookings by month, what is expected to be confirmed, and the work that follows."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    account_id: Text = _field("Account")
    month: Text = _field("Month", str_matches=MONTH)
    bookings: Amount = _field("Booked with close date in the month")
    expected: Amount = _maybe(
        "Open amounts times their chance to be booked in the month; empty for months that are over or with too little history"
    )
    delivery_days: Number = _maybe(
        "Days of work in the month, of won deals and, by their chance, of open ones; empty where no effort is known"
    )
    account_name: Text = _maybe("Account's name")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row an account and month."""

        unique = ["account_id", "month"]


class ForecastTrackRecord(Contract):
    """Past forecasts beside what came, and beside three naive baselines."""

    as_of_month: Text = _field("Month end at which the forecast was made", str_matches=MONTH)
    grain: Text = _field("Person, team or company", isin=GRAINS)
    grain_id: Text = _field("Owner's id, team's name or company's name")
    period_kind: Text = _field("Month, quarter or year", isin=PERIOD_KINDS)
    period: Text = _field("Name of the period", str_matches=PERIOD)
    p10: Amount = _field("Landing that was to be missed with a chance of one in ten")
    p50: Amount = _field("Median of the forecast")
    p90: Amount = _field("Landing that was to be passed with a chance of one in ten")
    stage_weighted: Amount = _field("Baseline: stage-weighted pipeline")
    last_year: Amount = _maybe("Baseline: same months a year before")
    three_month_average: Amount = _maybe("Baseline: average of the last three months")
    outcome: Amount = _field("Bookings of the period, as known at the evaluating month end")
    target: Amount = _field("Phased target of the period as it was in force at the forecast")
    hit_probability: Number = _maybe(
        "Forecast chance to reach the target; empty without one",
        in_range={"min_value": 0, "max_value": 1},
    )
    is_hit: Flag = _maybe("Whether the target was reached; empty without one")
    evaluated_month: Text = _field(
        "Month end at which the outcome was looked up", str_matches=MONTH
    )
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a forecast."""

        unique = ["as_of_month", "grain", "grain_id", "period_kind", "period"]


class DataQuality(Contract):
    """Facts before the month end that a reader of the numbers should know."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    finding: Text = _field("What was found")
    record_id: Text = _field("Record it is about")
    severity: Text = _field("info, warning or error", isin=["info", "warning", "error"])
    detail: Text = _field("The finding in a sentence")
    amount: Amount = _maybe("Money concerned")
    owner_id: Text = _maybe("Whose record it is, and to put right; empty: the administrators'")
    owner_name: Text = _maybe("Name of the owner")
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a finding and record."""

        unique = ["finding", "record_id"]


class Restatement(Contract):
    """What differs between a month as it was published first and as it is now: a row a record, person and team."""

    as_of_month: Text = _field("Month", str_matches=MONTH)
    measure: Text = _field(
        "What is compared: bookings of the year to date, open pipeline of the year, phased target to date",
        isin=MEASURES,
    )
    record_id: Text = _field("Opportunity; of a target, the owner")
    owner_id: Text = _field("Person whose number changes")
    team: Text = _field("Team whose number changes")
    owner_name: Text = _field("Person's name")
    name: Text = _maybe("Opportunity's name; empty for a target")
    before: Amount = _field("Amount as first published; 0 where it was not counted")
    after: Amount = _field("Amount now; 0 where it is no longer counted")
    difference: Amount = _field("After less before")
    cause: Text = _field("Why they differ", isin=CAUSES)
    as_of: Instant = _field("Everything before this instant counts")
    extracted_at: Instant = _field("When Salesforce was read")

    class Config(Contract.Config):
        """One row a difference."""

        unique = ["measure", "record_id", "owner_id", "team"]


RAW: dict[str, type[Contract]] = {
    "raw_opportunities": RawOpportunities,
    "raw_opportunity_history": RawOpportunityHistory,
    "raw_opportunity_field_history": RawOpportunityFieldHistory,
    "raw_users": RawUsers,
    "raw_roles": RawRoles,
    "raw_queues": RawQueues,
    "raw_accounts": RawAccounts,
    "raw_stages": RawStages,
    "raw_organization": RawOrganization,
    "raw_currency_rates": RawCurrencyRates,
    "raw_opportunity_splits": RawOpportunitySplits,
    "raw_split_types": RawSplitTypes,
    "raw_record_types": RawRecordTypes,
    "raw_quotas": RawQuotas,
    "raw_periods": RawPeriods,
    "raw_targets": RawTargets,
}

PUBLISHED: dict[str, type[Contract]] = {
    "opportunity_snapshot": OpportunitySnapshot,
    "phased_targets": PhasedTargets,
    "phasing_check": PhasingCheck,
    "target_padding": TargetPadding,
    "bottom_up_plan": BottomUpPlan,
    "target_attainment": TargetAttainment,
    "pipeline_coverage": PipelineCoverage,
    "pipeline_movement": PipelineMovement,
    "landing_forecast": LandingForecast,
    "closing_plan": ClosingPlan,
    "client_phasing": ClientPhasing,
    "pipeline_generation": PipelineGeneration,
    "forecast_track_record": ForecastTrackRecord,
    "data_quality": DataQuality,
}

MONTHLY: dict[str, type[Contract]] = {
    **PUBLISHED,
    "booking_credit": BookingCredit,
    "monthly_bookings": MonthlyBookings,
}


def checked(frame: pd.DataFrame, contract: type[Contract]) -> pd.DataFrame:
    """Return the frame if it keeps its contract; raise `BrokenContract` with the faults else."""
    try:
        return contract.validate(frame, lazy=True)
    except pandera.errors.SchemaErrors as broken:
        cases = (
            broken.failure_cases[["column", "check", "failure_case"]]
            .astype(str)
            .drop_duplicates()
            .head(3)
        )
        faults = "; ".join(
            f"{row.column}: {row.check} ({str(row.failure_case)[:60]})"
            for row in cases.itertuples()
        )
        raise BrokenContract(f"{contract.__name__} is not what it promises: {faults}") from broken


def stamp(table: pd.DataFrame, as_of: datetime, extracted_at: datetime) -> pd.DataFrame:
    """Return the table with the two instants that every table carries as its last columns."""
    size = len(table)
    instants = {"as_of": as_of, "extracted_at": extracted_at}
    last = columns.frame(
        {
            name: pa.repeat(pa.scalar(value, columns.INSTANT), size)
            for name, value in instants.items()
        }
    )
    return pd.concat([table.reset_index(drop=True), last], axis=1)


def empty(contract: type[Contract]) -> pd.DataFrame:
    """Return a table without rows."""
    return columns.frame(
        {
            name: pa.nulls(0, _arrow_type(column.dtype))
            for name, column in contract.to_schema().columns.items()
        }
    )


def _arrow_type(dtype: Any) -> pa.DataType:  # noqa: ANN401  # pandera's types
    return RAW_MONEY if str(dtype) == "money" else dtype.type.pyarrow_dtype


def column_names(contract: type[Contract]) -> list[str]:
    """Return the contract's columns in order."""
    return list(contract.to_schema().columns)


def descriptions(contract: type[Contract]) -> dict[str, str]:
    """Return what each column means."""
    return {name: str(column.description) for name, column in contract.to_schema().columns.items()}


def month_column(table: str) -> str:
    """Return the column that says which month end a monthly table belongs to."""
    return {
        "opportunity_snapshot": "month",
        "pipeline_movement": "to_month",
        "forecast_track_record": "evaluated_month",
    }.get(table, "as_of_month")
