"""The columns that others are computed from: how to write them down, and groups of raw columns that are read together.

Put what is read of an extract here, named for what it says. Which table has which parents is
`lineage`.
"""

from __future__ import annotations

from collections.abc import Mapping

# Columns of assets, each as (asset, column).
Columns = frozenset[tuple[str, str]]
Parents = Mapping[str, Columns]


def of(asset: str, *names: str) -> Columns:
    """Return columns of an asset."""
    return frozenset((asset, name) for name in names)


def same(asset: str, *names: str) -> dict[str, Columns]:
    """Return columns that are taken over from an asset under their own names."""
    return {name: of(asset, name) for name in names}


def alike(parents: Columns, *names: str) -> dict[str, Columns]:
    """Return columns that have the same parents."""
    return dict.fromkeys(names, parents)


# What the run or the rules state: the month that was asked for, a word, a limit. No column says it.
STATED: Columns = frozenset()

# When a month ends, and which quarter and year it lies in.
CALENDAR = of(
    "raw_organization", "time_zone", "fiscal_year_start_month", "names_year_by_start"
) | of("raw_periods", "kind", "start_date", "end_date", "number")
COMPANY = of("raw_organization", "name")
# The corporate currency, and how many digits its amounts have.
CURRENCY = of("raw_organization", "currency_code")
STATIC_RATES = CURRENCY | of("raw_currency_rates", "currency_code", "start_date", "rate")
RATES = STATIC_RATES | of("raw_currency_rates", "next_start_date")

# Which opportunities exist at a month end, and count.
DEALS = (
    CALENDAR
    | of(
        "raw_opportunities",
        "opportunity_id",
        "created_at",
        "is_deleted",
        "modified_at",
        "record_type_id",
    )
    | of("raw_record_types", "record_type_id", "developer_name", "name")
)
# Which save of an opportunity holds at a month end.
SAVE = (
    CALENDAR
    | of("raw_opportunities", "opportunity_id")
    | of("raw_opportunity_history", "opportunity_id", "created_at", "history_id")
)
# What field history says of the past: the value before the first change that came later.
CHANGE = CALENDAR | of(
    "raw_opportunity_field_history",
    "change_id",
    "opportunity_id",
    "created_at",
    "field",
    "old_value",
)
# Lookups are told by record ids, on either side.
LOOKUP_CHANGE = CHANGE | of("raw_opportunity_field_history", "data_type", "new_value")


def saved(*names: str) -> Columns:
    """Return what says a value at a month end: the save that holds, and today's record where there is none."""
    return SAVE | of("raw_opportunity_history", *names) | of("raw_opportunities", *names)


def tracked(name: str) -> Columns:
    """Return what says a value at a month end that only field history remembers."""
    return CHANGE | of("raw_opportunities", "opportunity_id", name)


OWNER = LOOKUP_CHANGE | tracked("owner_id")
AMOUNT_LOCAL = saved("amount") | tracked("custom_amount")
AMOUNT = AMOUNT_LOCAL | saved("currency_code", "close_date") | RATES
STAGE = saved("stage_name")
IS_OPEN = STAGE | of("raw_stages", "stage_name", "is_closed")
IS_WON = STAGE | of("raw_stages", "stage_name", "is_won")

# People: the team that someone is in, and what they are called. A queue may own deals as well.
TEAM = (
    of("raw_users", "user_id", "role_id", "manager_id", "name", "username")
    | of("raw_roles", "role_id", "name", "parent_role_id")
    | of("raw_queues", "queue_id")
)
TEAM_ID = (
    of("raw_users", "user_id", "role_id", "manager_id")
    | of("raw_roles", "role_id")
    | of("raw_queues", "queue_id")
)
NAME = of("raw_users", "user_id", "name", "username") | of("raw_queues", "queue_id", "name")
# Who is meant by a line of a policy file.
PERSON = of("raw_users", "user_id", "username", "email")

# Who shares the credit of a booking.
SHARES = (
    CALENDAR
    | of(
        "raw_opportunity_splits",
        "opportunity_id",
        "owner_id",
        "split_type_id",
        "percentage",
        "created_at",
        "is_deleted",
        "modified_at",
    )
    | of(
        "raw_split_types", "split_type_id", "name", "split_field", "is_active", "is_total_validated"
    )
)
# What was booked by whom and when, read off the history.
BOOKED = DEALS | IS_WON | AMOUNT | OWNER | SHARES
# What the history says of deals at a month end.
STATE = DEALS | IS_OPEN | IS_WON | AMOUNT
# Everything that a forecast learns from: deals at all past month ends, and what became of them.
FORESIGHT = STATE | BOOKED | of("raw_opportunity_history", "probability_pct", "forecast_category")

# Quotas as targets: those of people above others are left out.
QUOTAS = (
    CALENDAR
    | of(
        "raw_quotas",
        "owner_id",
        "forecasting_type",
        "start_date",
        "end_date",
        "amount",
        "currency_code",
    )
    | of("raw_users", "user_id", "role_id", "manager_id")
    | of("raw_roles", "role_id", "parent_role_id")
)
# Which targets are in force, and in which revision.
IN_FORCE = QUOTAS | of("raw_targets", "fiscal_year", "owner_id", "revision", "effective_date")
STATED_TARGET = IN_FORCE | of("raw_targets", "annual_target", "currency_code") | RATES
# The months in which someone sells, and how much of each; by season, what was won in earlier years.
WEIGHTS = (
    IN_FORCE
    | of("raw_targets", "start_date", "end_date", "holidays", "stated_months")
    | of("policy/leave", "owner", "start_date", "end_date")
    | PERSON
    | STATE
)
FIXED_MONTHS = of("policy/overrides", "fiscal_year", "owner", "month") | PERSON
BASELINE = STATED_TARGET | WEIGHTS | FIXED_MONTHS | of("policy/overrides", "amount")
CHANCES = (
    "chance_late",
    *(f"chance_{ahead}" for ahead in range(1, 13)),
    "assumed_amount",
    "is_imputed",
    "creep_low",
    "creep_middle",
    "creep_high",
    "month_shock",
)
# What is known of all past month ends, and what becomes of the deals that are open now.
FORECAST = FORESIGHT | of("deal_chances", "opportunity_id", *CHANCES)
