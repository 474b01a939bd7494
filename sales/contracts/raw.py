"""Raw tables: what is read of Salesforce and of the target book, as it was answered."""
# pyright: reportInvalidTypeForm=false, reportCallIssue=false, reportUnknownVariableType=false, reportIncompatibleVariableOverride=false

from __future__ import annotations

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
    optional,
)


class RawOpportunities(Contract):
    """Opportunities as Salesforce holds them today, deleted ones included."""

    opportunity_id: Text = fields.opportunity_id()
    is_deleted: Flag = field("In the recycle bin")
    account_id: Text = optional("Account today")
    name: Text = fields.name()
    stage_name: Text = field("Stage today")
    amount: Amount = optional("Amount in the record's currency")
    currency_code: Text = optional(
        "Currency of the record; empty in a single-currency organisation"
    )
    probability_pct: Number = optional("Probability, 0-100")
    close_date: Day = field("Close date today")
    forecast_category: Text = optional("Forecast category today")
    owner_id: Text = field("Owner today")
    lead_source: Text = optional("Lead source")
    record_type_id: Text = optional("Record type today")
    is_private: Flag = field("Only owner, those above and administrators see it")
    created_at: Instant = fields.created_at()
    modified_at: Instant = field(
        "System modification stamp; of a deleted record, when it was deleted"
    )
    custom_amount: Amount = optional(
        "Amount in the field that policy names, in the record's currency"
    )
    effort_days: Number = optional("Days of work, in the field that policy names")
    service_start: Day = optional("First day of service, in the field that policy names")
    service_end: Day = optional("Last day of service, in the field that policy names")
    dimension: Text = optional("Value of the field by which policy breaks down")

    class Config(Contract.Config):
        """One row a record."""

        unique = ["opportunity_id"]


class RawOpportunityHistory(Contract):
    """A row for each save that changed stage, amount, probability or close date."""

    history_id: Text = field("History row")
    opportunity_id: Text = fields.opportunity_id()
    created_at: Instant = field("When the change was saved")
    stage_name: Text = field("Stage after the change")
    amount: Amount = optional("Amount after the change, in the record's currency")
    currency_code: Text = optional("Currency of the record")
    close_date: Day = field("Close date after the change")
    probability_pct: Number = optional("Probability after the change")
    forecast_category: Text = optional("Forecast category after the change")
    modified_at: Instant = optional("System modification stamp: when a later row took over")

    class Config(Contract.Config):
        """One row a save."""

        unique = ["history_id"]


class RawOpportunityFieldHistory(Contract):
    """Changes of tracked fields; empty where the organisation tracks none."""

    change_id: Text = field("Change row")
    opportunity_id: Text = fields.opportunity_id()
    created_at: Instant = field("When the change was saved")
    field: Text = field("Field, in Salesforce's spelling")
    data_type: Text = optional("EntityId for rows that carry record ids")
    old_value: Text = optional("Value before")
    new_value: Text = optional("Value after")

    class Config(Contract.Config):
        """One row a change."""

        unique = ["change_id"]


class RawUsers(Contract):
    """Users, inactive ones included."""

    user_id: Text = field("User")
    name: Text = optional("Full name")
    username: Text = optional("User name")
    email: Text = optional("E-mail")
    is_active: Flag = field("Can log in")
    role_id: Text = optional("Role today")
    manager_id: Text = optional("Manager today")

    class Config(Contract.Config):
        """One row a user."""

        unique = ["user_id"]


class RawRoles(Contract):
    """Roles of the role hierarchy."""

    role_id: Text = field("Role")
    name: Text = fields.name()
    parent_role_id: Text = optional("Role above")

    class Config(Contract.Config):
        """One row a role."""

        unique = ["role_id"]


class RawQueues(Contract):
    """Queues, which may own records as users do."""

    queue_id: Text = field("Queue")
    name: Text = fields.name()

    class Config(Contract.Config):
        """One row a queue."""

        unique = ["queue_id"]


class RawAccounts(Contract):
    """Accounts."""

    account_id: Text = field("Account")
    name: Text = fields.name()
    modified_at: Instant = optional("System modification stamp")

    class Config(Contract.Config):
        """One row an account."""

        unique = ["account_id"]


class RawStages(Contract):
    """What each stage name means, inactive ones included."""

    stage_name: Text = field("Stage, by label and by API name")
    is_closed: Flag = field("The deal is decided")
    is_won: Flag = field("The deal is won")
    sort_order: Count = optional("Order in the sales process")
    default_probability_pct: Number = optional("Probability a deal gets on entering the stage")
    forecast_category: Text = optional("Forecast category of the stage")
    stage_id: Text = optional("The stage's record")
    is_active: Flag = field("Offered for new records")
    is_listed: Flag = field(
        "Salesforce lists it; a renamed or deleted stage keeps its last known meaning"
    )

    class Config(Contract.Config):
        """One row a name."""

        unique = ["stage_name"]


class RawOrganization(Contract):
    """The organisation itself: one row."""

    organization_id: Text = field("Organisation")
    name: Text = field("Name")
    time_zone: Text = field("Default time zone")
    fiscal_year_start_month: Count = field(
        "First month of the fiscal year", in_range={"min_value": 1, "max_value": 12}
    )
    names_year_by_start: Flag = field("The fiscal year is called by the year it starts in")
    currency_code: Text = optional(
        "Corporate currency; empty where neither the currencies nor the locale tell"
    )
    is_multi_currency: Flag = field("Records carry their own currency")

    class Config(Contract.Config):
        """One row."""

        unique = ["organization_id"]


class RawCurrencyRates(Contract):
    """Units of each currency for one unit of the corporate currency."""

    currency_code: Text = field("Currency")
    start_date: Day = optional("First day of a dated rate; empty for the static rate")
    next_start_date: Day = optional("First day of the next dated rate")
    rate: Amount = field("Units per corporate unit")

    class Config(Contract.Config):
        """One row a rate."""

        unique = ["currency_code", "start_date"]


class RawOpportunitySplits(Contract):
    """Who shares the credit of an opportunity, in percent; empty where splits are not enabled."""

    split_id: Text = field("Split")
    opportunity_id: Text = fields.opportunity_id()
    owner_id: Text = field("User who gets the credit")
    split_type_id: Text = fields.split_type_id()
    percentage: Amount = field("Share, 0-100")
    created_at: Instant = field("When the split was created")
    is_deleted: Flag = field("In the recycle bin, or gone")
    modified_at: Instant = optional(
        "System modification stamp; of a deleted split, when it was deleted"
    )

    class Config(Contract.Config):
        """One row a split."""

        unique = ["split_id"]


class RawSplitTypes(Contract):
    """What kinds of splits there are."""

    split_type_id: Text = fields.split_type_id()
    name: Text = field("API name")
    split_field: Text = optional("Field that is split")
    is_active: Flag = field("In use")
    is_total_validated: Flag = field("The shares of a deal must total 100")

    class Config(Contract.Config):
        """One row a type."""

        unique = ["split_type_id"]


class RawRecordTypes(Contract):
    """Record types of opportunities."""

    record_type_id: Text = field("Record type")
    developer_name: Text = field("API name")
    name: Text = optional("Label")

    class Config(Contract.Config):
        """One row a record type."""

        unique = ["record_type_id"]


class RawQuotas(Contract):
    """Salesforce's own quotas, one row an owner, forecasting type and period."""

    quota_id: Text = field("Quota")
    owner_id: Text = field("User whose quota it is")
    forecasting_type: Text = field("API name of the forecasting type")
    start_date: Day = field("First day of the period")
    end_date: Day = optional("Last day of the period, where periods are visible")
    amount: Amount = field("Quota in its currency")
    currency_code: Text = optional("Currency; empty in a single-currency organisation")

    class Config(Contract.Config):
        """One row a quota."""

        unique = ["quota_id"]


class RawSubmittedForecasts(Contract):
    """Forecasts that people submitted in Salesforce, one row a submission and category, in corporate currency."""

    item_id: Text = field("Item of a submission")
    owner_id: Text = field("User whose forecast it is")
    forecasting_type: Text = field("API name of the forecasting type")
    start_date: Day = field("First day of the period")
    end_date: Day = optional("Last day of the period, where periods are visible")
    submitted_at: Instant = field("When it was submitted")
    category: Text = field(
        "What is rolled up, such as CommitForecast, or CommitOnly and ClosedOnly"
    )
    amount: Amount = field("Amount of the category")

    class Config(Contract.Config):
        """One row an item."""

        unique = ["item_id"]


class RawPeriods(Contract):
    """Fiscal periods of the organisation: months, quarters and years with days of their own."""

    period_id: Text = field("Period")
    kind: Text = optional("Month, Quarter, Year or Week")
    start_date: Day = optional("First day")
    end_date: Day = field("Last day")
    number: Count = optional("Number in the fiscal year")

    class Config(Contract.Config):
        """One row a period."""

        unique = ["period_id"]


class RawTargets(Contract):
    """The target book: annual targets by owner, year and revision."""

    fiscal_year: Count = fields.fiscal_year()
    owner_id: Text = field("User")
    annual_target: Amount = field("Amount for the year, in its currency")
    currency_code: Text = optional("Currency; empty for the corporate one")
    start_date: Day = optional("First day of selling; empty for the whole year")
    end_date: Day = optional("Last day of selling; empty for the whole year")
    revision: Count = field("Revision number", ge=1)
    effective_date: Day = optional(
        "First day on which the revision is known; empty for the year's first day"
    )
    holidays: Text = optional("Holiday calendar of the owner")
    stated_months: Text = optional(
        "Share of each month of the year, in order, where the source states months"
    )

    class Config(Contract.Config):
        """One row a revision."""

        unique = ["fiscal_year", "owner_id", "revision"]


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
    "raw_submitted_forecasts": RawSubmittedForecasts,
    "raw_periods": RawPeriods,
    "raw_targets": RawTargets,
}
