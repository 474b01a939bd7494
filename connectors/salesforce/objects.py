"""Every object that is read, with its fields and the columns that they become.

Put a field or an object here; this is the only place that knows names of Salesforce.
"""

from __future__ import annotations

from connectors.salesforce.source import (
    ObjectSource,
    Source,
)

OPPORTUNITIES = ObjectSource(
    "raw_opportunities",
    "Opportunity",
    [
        Source("opportunity_id", "Id", "id", needed=True),
        Source("is_deleted", "IsDeleted", "flag"),
        Source("account_id", "AccountId", "id"),
        Source("name", "Name"),
        Source("stage_name", "StageName", needed=True),
        Source("amount", "Amount", "exact", needed=True),
        Source("currency_code", "CurrencyIsoCode"),
        Source("probability_pct", "Probability", "number"),
        Source("close_date", "CloseDate", "day", needed=True),
        Source("forecast_category", "ForecastCategoryName", "category"),
        Source("owner_id", "OwnerId", "id", needed=True),
        Source("lead_source", "LeadSource"),
        Source("record_type_id", "RecordTypeId", "id"),
        Source("is_private", "IsPrivate", "flag"),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("modified_at", "SystemModstamp", "instant", needed=True),
    ],
    quiet=("RecordTypeId", "IsPrivate"),
)


HISTORY = ObjectSource(
    "raw_opportunity_history",
    "OpportunityHistory",
    [
        Source("history_id", "Id", "id", needed=True),
        Source("opportunity_id", "OpportunityId", "id", needed=True),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("stage_name", "StageName", needed=True),
        Source("amount", "Amount", "exact", needed=True),
        Source("currency_code", "CurrencyIsoCode"),
        Source("close_date", "CloseDate", "day", needed=True),
        Source("probability_pct", "Probability", "number"),
        Source("forecast_category", "ForecastCategory", "category"),
        Source("modified_at", "SystemModstamp", "instant"),
    ],
)


FIELD_HISTORY = ObjectSource(
    "raw_opportunity_field_history",
    "OpportunityFieldHistory",
    [
        Source("change_id", "Id", "id", needed=True),
        Source("opportunity_id", "OpportunityId", "id", needed=True),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("field", "Field", needed=True),
        Source("data_type", "DataType"),
        Source("old_value", "OldValue", "value", needed=True),
        Source("new_value", "NewValue", "value"),
    ],
    optional=True,
    why="today's owner is assumed for the past: track the owner under Opportunity, Fields, Set History Tracking",
)


USERS = ObjectSource(
    "raw_users",
    "User",
    [
        Source("user_id", "Id", "id", needed=True),
        Source("name", "Name"),
        Source("username", "Username"),
        Source("email", "Email"),
        Source("is_active", "IsActive", "flag", default=True),
        Source("role_id", "UserRoleId", "id"),
        Source("manager_id", "ManagerId", "id"),
    ],
)


ROLES = ObjectSource(
    "raw_roles",
    "UserRole",
    [
        Source("role_id", "Id", "id", needed=True),
        Source("name", "Name", needed=True),
        Source("parent_role_id", "ParentRoleId", "id"),
    ],
    optional=True,
    why="everybody is in team Unassigned",
)


ACCOUNTS = ObjectSource(
    "raw_accounts",
    "Account",
    [
        Source("account_id", "Id", "id", needed=True),
        Source("name", "Name"),
        Source("modified_at", "SystemModstamp", "instant"),
    ],
    optional=True,
    why="clients have no names",
)


STAGES = ObjectSource(
    "raw_stages",
    "OpportunityStage",
    [
        Source("stage_id", "Id", "id", needed=True),
        Source("label", "MasterLabel", needed=True),
        Source("api_name", "ApiName"),
        Source("is_closed", "IsClosed", "flag", needed=True),
        Source("is_won", "IsWon", "flag", needed=True),
        Source("sort_order", "SortOrder", "count"),
        Source("default_probability_pct", "DefaultProbability", "number"),
        Source("forecast_category", "ForecastCategoryName", "category"),
        Source("is_active", "IsActive", "flag", default=True),
    ],
)


ORGANIZATION = ObjectSource(
    "raw_organization",
    "Organization",
    [
        Source("organization_id", "Id", "id", needed=True),
        Source("name", "Name", needed=True),
        Source("time_zone", "TimeZoneSidKey", needed=True),
        Source("fiscal_year_start_month", "FiscalYearStartMonth", "count", needed=True),
        Source("names_year_by_start", "UsesStartDateAsFiscalYearName", "flag"),
        Source("locale", "DefaultLocaleSidKey"),
        Source("instance", "InstanceName"),
    ],
)


CURRENCIES = ObjectSource(
    "currencies",
    "CurrencyType",
    [
        Source("currency_code", "IsoCode", needed=True),
        Source("rate", "ConversionRate", "exact", needed=True),
        Source("is_corporate", "IsCorporate", "flag", needed=True),
    ],
    optional=True,
)


DATED_RATES = ObjectSource(
    "dated_rates",
    "DatedConversionRate",
    [
        Source("currency_code", "IsoCode", needed=True),
        Source("start_date", "StartDate", "day", needed=True),
        Source("next_start_date", "NextStartDate", "day"),
        Source("rate", "ConversionRate", "exact", needed=True),
    ],
    optional=True,
)


SPLITS = ObjectSource(
    "raw_opportunity_splits",
    "OpportunitySplit",
    [
        Source("split_id", "Id", "id", needed=True),
        Source("opportunity_id", "OpportunityId", "id", needed=True),
        Source("owner_id", "SplitOwnerId", "id", needed=True),
        Source("split_type_id", "SplitTypeId", "id", needed=True),
        Source("percentage", "SplitPercentage", "exact", needed=True),
        Source("created_at", "CreatedDate", "instant", needed=True),
        Source("is_deleted", "IsDeleted", "flag"),
        Source("modified_at", "SystemModstamp", "instant"),
    ],
    optional=True,
)


SPLIT_TYPES = ObjectSource(
    "raw_split_types",
    "OpportunitySplitType",
    [
        Source("split_type_id", "Id", "id", needed=True),
        Source("name", "DeveloperName", needed=True),
        Source("split_field", "SplitField"),
        Source("is_active", "IsActive", "flag", default=True),
        Source("is_total_validated", "IsTotalValidated", "flag", needed=True),
    ],
    optional=True,
)


RECORD_TYPES = ObjectSource(
    "raw_record_types",
    "RecordType",
    [
        Source("record_type_id", "Id", "id", needed=True),
        Source("object_name", "SobjectType", needed=True),
        Source("developer_name", "DeveloperName", needed=True),
        Source("name", "Name"),
    ],
    optional=True,
)


QUOTAS = ObjectSource(
    "quotas",
    "ForecastingQuota",
    [
        Source("quota_id", "Id", "id", needed=True),
        Source("owner_id", "QuotaOwnerId", "id", needed=True),
        Source("forecasting_type_id", "ForecastingTypeId", "id", needed=True),
        Source("start_date", "StartDate", "day", needed=True),
        Source("period_id", "PeriodId", "id"),
        Source("amount", "QuotaAmount", "exact", needed=True),
        Source("currency_code", "CurrencyIsoCode"),
    ],
    optional=True,
)


FORECASTING_TYPES = ObjectSource(
    "forecasting_types",
    "ForecastingType",
    [
        Source("forecasting_type_id", "Id", "id", needed=True),
        Source("name", "DeveloperName", needed=True),
    ],
    optional=True,
)


# What sellers submitted as their forecast of a period, a row an item category; both since API version 62.
SUBMISSIONS = ObjectSource(
    "forecasting_submissions",
    "ForecastingSubmission",
    [
        Source("submission_id", "Id", "id", needed=True),
        Source("owner_id", "ForecastOwnerId", "id", needed=True),
        Source("forecasting_type_id", "ForecastingTypeId", "id", needed=True),
        Source("period_id", "PeriodId", "id"),
        Source("start_date", "PeriodStartDate", "day", needed=True),
        Source("submitted_at", "SubmissionDateTime", "instant", needed=True),
    ],
    optional=True,
)


SUBMITTED_ITEMS = ObjectSource(
    "forecasting_submission_items",
    "ForecastingSubmissionItem",
    [
        Source("item_id", "Id", "id", needed=True),
        Source("submission_id", "ForecastingSubmissionId", "id", needed=True),
        Source("category", "ForecastingItemCategory", needed=True),
        Source("amount", "Amount", "exact", needed=True),
    ],
    optional=True,
)


PERIODS = ObjectSource(
    "raw_periods",
    "Period",
    [
        Source("period_id", "Id", "id", needed=True),
        Source("kind", "Type"),
        Source("start_date", "StartDate", "day"),
        Source("end_date", "EndDate", "day", needed=True),
        Source("number", "Number", "count"),
    ],
    optional=True,
)


QUEUES = ObjectSource(
    "raw_queues",
    "Group",
    [
        Source("queue_id", "Id", "id", needed=True),
        Source("name", "Name"),
    ],
    optional=True,
    where="Type = 'Queue'",
)


# Read whole each time: what is in them is little, and has no history of its own.
SMALL = (
    ORGANIZATION,
    CURRENCIES,
    DATED_RATES,
    STAGES,
    ROLES,
    USERS,
    SPLIT_TYPES,
    RECORD_TYPES,
    FORECASTING_TYPES,
    PERIODS,
    QUOTAS,
    SUBMISSIONS,
    SUBMITTED_ITEMS,
    QUEUES,
)


# Read by cursor: only what changed since the last reading.
LARGE = (ACCOUNTS, SPLITS, FIELD_HISTORY, HISTORY, OPPORTUNITIES)


# A record of these that is gone for good leaves a tombstone.
SOFT_DELETED = (OPPORTUNITIES, SPLITS)
