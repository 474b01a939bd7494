"""What each column of a monthly table is directly computed from, said once beside the contracts.

Put parents here, as they are read by the code that makes the table; a sum rests on which rows there
are, and so on their keys. Dagster's dependencies, the lineage of columns, fingerprints and the data
dictionary follow from it. An experiment in the tests changes raw columns one at a time and holds
what moves against this.
"""

from __future__ import annotations

from sales.contracts.lineage_of_work import ACCOUNTS, AGREEMENTS, CLIENTS, DELIVERY
from sales.contracts.parents import (
    AMOUNT,
    AMOUNT_LOCAL,
    BASELINE,
    BOOKED,
    CALENDAR,
    CHANCES,
    CHANGE,
    COMPANY,
    CURRENCY,
    DEALS,
    FIXED_MONTHS,
    FORECAST,
    FORESIGHT,
    IN_FORCE,
    IS_OPEN,
    IS_WON,
    LOOKUP_CHANGE,
    NAME,
    OWNER,
    PERSON,
    QUOTAS,
    SAVE,
    SHARES,
    STAGE,
    STATE,
    STATED,
    STATED_TARGET,
    TEAM,
    TEAM_ID,
    WEIGHTS,
    Columns,
    Parents,
    alike,
    of,
    same,
    saved,
    tracked,
)

STAMPS = {"as_of": CALENDAR, "extracted_at": STATED}

SNAPSHOT: Parents = {
    "month": STATED,
    "opportunity_id": DEALS,
    "name": tracked("name"),
    "account_id": tracked("account_id") | LOOKUP_CHANGE,
    "account_name": tracked("account_id")
    | LOOKUP_CHANGE
    | of("raw_accounts", "account_id", "name"),
    "owner_id": OWNER,
    "team": OWNER | TEAM,
    "team_id": OWNER | TEAM_ID,
    "owner_name": OWNER | NAME,
    "stage_name": STAGE,
    "forecast_category": saved("forecast_category"),
    "probability_pct": saved("probability_pct"),
    "amount": AMOUNT,
    "amount_local": AMOUNT_LOCAL | saved("currency_code"),
    "currency_code": saved("currency_code") | CURRENCY,
    "close_date": saved("close_date"),
    "is_open": IS_OPEN,
    "is_won": IS_WON,
    "created_at": of("raw_opportunities", "opportunity_id", "created_at"),
    "stage_entered_at": STAGE,
    "known_at": SAVE,
    **alike(saved("close_date"), "push_count", "last_pushed_at"),
    **alike(SAVE, "close_date_provenance", "stage_provenance"),
    "amount_provenance": SAVE | CHANGE,
    "owner_provenance": SAVE | LOOKUP_CHANGE,
    "lead_source": tracked("lead_source"),
    "dimension": tracked("dimension"),
    **{
        name: of("raw_opportunities", "opportunity_id", name)
        for name in ("effort_days", "service_start", "service_end")
    },
}
_COUNTED = of("opportunity_snapshot", "opportunity_id", "is_won", "is_open", "amount")
_CREDITED = _COUNTED | of("opportunity_snapshot", "owner_id") | SHARES
CREDIT: Parents = {
    "as_of_month": STATED,
    "opportunity_id": _COUNTED,
    "owner_id": _CREDITED,
    "team": _CREDITED | TEAM,
    "team_id": _CREDITED | TEAM_ID,
    "owner_name": _CREDITED | NAME,
    "close_date": _COUNTED | of("opportunity_snapshot", "close_date"),
    "amount": _CREDITED,
    "is_won": _COUNTED,
}
MONTHLY_BOOKINGS: Parents = {
    "as_of_month": STATED,
    "known_month": DEALS,
    **alike(BOOKED, "owner_id", "month", "bookings"),
}

# Missed months are laid over later ones; month ends without a record say nothing.
_REPHASED = (
    BASELINE | of("monthly_bookings", "known_month", "owner_id", "month", "bookings") | DEALS
)
PHASED: Parents = {
    "as_of_month": STATED,
    **alike(IN_FORCE, "fiscal_year", "owner_id", "month", "revision"),
    "stated_target": STATED_TARGET,
    "annual_target": STATED_TARGET | WEIGHTS,
    "weight": WEIGHTS,
    "baseline_target": BASELINE,
    **alike(_REPHASED, "rephased_target", "at_risk", "ahead"),
    "team": IN_FORCE | TEAM,
    "team_id": IN_FORCE | TEAM_ID,
    "owner_name": IN_FORCE | NAME,
    "is_fixed": IN_FORCE | FIXED_MONTHS,
    **alike(STATE, "season_evidence", "season_deals"),
}
CHECK: Parents = {
    "as_of_month": STATED,
    **alike(IN_FORCE, "fiscal_year", "owner_id"),
    "annual_target": STATED_TARGET | WEIGHTS,
    "first_two": BASELINE,
    **alike(
        BASELINE | FORESIGHT,
        "usual_miss",
        "at_risk",
        "reach_after_miss",
        "catch_up_chance",
        "keeps_floor",
        "proposed_weights",
    ),
    "floor": STATED,
    "owner_name": IN_FORCE | NAME,
}
_ASSIGNED = of("phased_targets", "fiscal_year", "owner_id", "team", "annual_target") | COMPANY
_TEAM_STATED = of("policy/team_targets", "fiscal_year", "team", "annual_target")
PADDING: Parents = {
    "as_of_month": STATED,
    "fiscal_year": of("phased_targets", "fiscal_year"),
    "grain": STATED,
    "grain_id": of("phased_targets", "team") | of("policy/team_targets", "team") | COMPANY,
    "assigned": _ASSIGNED,
    "stated": _TEAM_STATED,
    **alike(_ASSIGNED | _TEAM_STATED, "padding", "padding_pct"),
}
_MONTH_TARGET = of("phased_targets", "month", "baseline_target")
_MONTH_PLANS = of("policy/client_plans", "month", "amount")
FROM_BELOW: Parents = {
    "as_of_month": STATED,
    "month": CALENDAR,
    "baseline_target": _MONTH_TARGET,
    "client_plans": _MONTH_PLANS,
    "difference": _MONTH_TARGET | _MONTH_PLANS,
    "bookings": of("client_phasing", "month", "bookings"),
    "expected": of("client_phasing", "month", "expected"),
    "agreed": of("client_phasing", "month", "agreed"),
}

# By person, team and company: who appears, and in which team.
_PEOPLE = (
    of("phased_targets", "owner_id", "team", "month")
    | of("opportunity_snapshot", "owner_id", "team")
    | of("booking_credit", "owner_id", "team")
    | CALENDAR
)
_TARGET = _PEOPLE | of("phased_targets", "baseline_target")
_BOOKINGS = _PEOPLE | of("booking_credit", "opportunity_id", "close_date", "amount", "is_won")
_OPEN = (
    _PEOPLE
    | of("opportunity_snapshot", "opportunity_id", "is_open", "close_date")
    | of("booking_credit", "opportunity_id", "is_won")
)
_OPEN_MONEY = _OPEN | of("booking_credit", "amount")
_STAGE_WEIGHTED = _OPEN_MONEY | of("opportunity_snapshot", "probability_pct")
_GRAINS: Parents = {
    "as_of_month": STATED,
    "grain": STATED,
    "grain_id": _PEOPLE | COMPANY,
    "period_kind": STATED,
    "period": CALENDAR,
}

ATTAINMENT: Parents = {
    **_GRAINS,
    "target": _TARGET,
    "rephased_target": _PEOPLE | of("phased_targets", "rephased_target"),
    "bookings": _BOOKINGS,
    **alike(_TARGET | _BOOKINGS, "variance", "attainment_pct", "status"),
    "last_year": _BOOKINGS,
}
DEAL_CHANCES: Parents = {
    "as_of_month": STATED,
    # Without a single booking there is no past to learn from, and no row.
    "opportunity_id": FORESIGHT,
    **alike(FORESIGHT, *CHANCES),
}
COVERAGE: Parents = {
    **_GRAINS,
    "target": _TARGET,
    "bookings": _BOOKINGS,
    **alike(_TARGET | _BOOKINGS, "remaining_target", "status"),
    **alike(_OPEN_MONEY, "open_pipeline", "overdue_pipeline", "without_amount_count"),
    "open_count": _OPEN,
    "stage_weighted_pipeline": _STAGE_WEIGHTED,
    "weighted_pipeline": _OPEN_MONEY | FORECAST,
    "coverage_ratio": _TARGET | _BOOKINGS | _OPEN_MONEY,
    **alike(
        _TARGET | _BOOKINGS | FORECAST,
        "required_ratio",
        "required_ratio_low",
        "required_ratio_high",
        "required_windows",
    ),
    **alike(
        _BOOKINGS | _OPEN_MONEY | of("opportunity_snapshot", "forecast_category"),
        "commit_forecast",
        "best_case_forecast",
    ),
}
# The month end before is read off the history, with the teams and shares that were known then.
_OPENING = (
    STATE
    | SHARES
    | OWNER
    | TEAM
    | of("phased_targets", "owner_id", "team", "month")
    | of("opportunity_snapshot", "owner_id", "team")
)
_CLOSING = (
    CALENDAR
    | SHARES
    | TEAM
    | OWNER
    | of("phased_targets", "owner_id", "team", "month")
    | of(
        "opportunity_snapshot",
        "opportunity_id",
        "owner_id",
        "team",
        "amount",
        "close_date",
        "is_open",
    )
)
MOVEMENT: Parents = {
    "from_month": STATED,
    "to_month": STATED,
    "grain": STATED,
    "grain_id": _OPENING | COMPANY,
    "period_kind": STATED,
    "period": CALENDAR,
    "opening": _OPENING,
    **alike(
        _OPENING | _CLOSING | of("opportunity_snapshot", "is_won"),
        "created",
        "moved_in",
        "reassigned_in",
        "reopened",
        "increased",
        "decreased",
        "moved_out",
        "reassigned_out",
        "won",
        "lost",
        "deleted",
        "without_amount_count",
    ),
    "closing": _CLOSING,
}

_WHO = of("opportunity_snapshot", "opportunity_id", "owner_id", "team") | of(
    "booking_credit", "opportunity_id", "owner_id", "team", "is_won"
)
_STAGED = _WHO | of("opportunity_snapshot", "stage_name", "is_open")
STAGES: Parents = {
    "as_of_month": STATED,
    "grain": STATED,
    "grain_id": _STAGED | COMPANY,
    "stage_name": _STAGED,
    "stage_order": _STAGED | of("raw_stages", "stage_name", "sort_order"),
    "open_count": _STAGED,
    **alike(_STAGED | of("booking_credit", "amount"), "without_amount_count", "open_pipeline"),
    **alike(
        _STAGED
        | CALENDAR
        | of("booking_credit", "amount")
        | of("opportunity_snapshot", "created_at"),
        "up_to_90",
        "up_to_180",
        "up_to_365",
        "older",
    ),
    "median_age_days": _STAGED | CALENDAR | of("opportunity_snapshot", "created_at"),
}
_OVER = (
    _WHO
    | CALENDAR
    | of(
        "opportunity_snapshot",
        "account_id",
        "is_won",
        "is_open",
        "close_date",
        "stage_entered_at",
    )
)
DECIDED: Parents = {
    "as_of_month": STATED,
    "grain": STATED,
    "grain_id": _WHO | COMPANY,
    "period": CALENDAR,
    "client_kind": STATED,
    **alike(_OVER, "won_count", "lost_count", "win_rate_pct"),
    **alike(_OVER | of("booking_credit", "amount"), "won_amount", "average_amount"),
    "median_cycle_days": _OVER | of("opportunity_snapshot", "created_at"),
}
_VALUE = _WHO | CALENDAR | of("opportunity_snapshot", "dimension")
_VALUE_BOOKED = _VALUE | of("booking_credit", "amount", "close_date")
_VALUE_ROWS = _VALUE_BOOKED | of("opportunity_snapshot", "is_open", "is_won", "close_date")
DIMENSION: Parents = {
    "as_of_month": STATED,
    "grain": STATED,
    "grain_id": _VALUE_ROWS | COMPANY,
    **alike(
        _VALUE_ROWS,
        "dimension",
        "bookings",
        "last_year",
        "share_pct",
        "open_count",
        "without_amount_count",
        "open_pipeline",
    ),
    **alike(
        _VALUE_ROWS | of("opportunity_snapshot", "account_id"),
        "new_bookings",
        "existing_bookings",
    ),
}
# Deals at both month ends, side by side.
_BOTH = CALENDAR | DEALS | of("opportunity_snapshot", "opportunity_id")


def _sides(before: Columns, name: str) -> Columns:
    """Return a deal's value at the month end before, read off the history, and at this one."""
    return _BOTH | before | of("opportunity_snapshot", name)


_CHANGED = (
    _sides(STAGE, "stage_name")
    | _sides(IS_OPEN, "is_open")
    | _sides(IS_WON, "is_won")
    | _sides(AMOUNT, "amount")
    | _sides(AMOUNT_LOCAL | saved("currency_code"), "amount_local")
    | of("opportunity_snapshot", "currency_code")
    | _sides(saved("close_date"), "close_date")
    | _sides(OWNER, "owner_id")
)
CHANGES: Parents = {
    "from_month": STATED,
    "to_month": STATED,
    **alike(_CHANGED, "opportunity_id", "change"),
    "owner_id": _CHANGED,
    "team": _CHANGED | _sides(TEAM, "team"),
    "team_id": _CHANGED | _sides(TEAM_ID, "team_id"),
    "account_id": _CHANGED | _sides(tracked("account_id") | LOOKUP_CHANGE, "account_id"),
    "amount_before": _CHANGED,
    "amount_after": _CHANGED,
    "close_date_before": _CHANGED,
    "close_date_after": _CHANGED,
    "name": _CHANGED | _sides(tracked("name"), "name"),
    "account_name": _CHANGED
    | _sides(
        tracked("account_id") | LOOKUP_CHANGE | of("raw_accounts", "account_id", "name"),
        "account_name",
    ),
    "owner_name": _CHANGED | _sides(NAME, "owner_name"),
}

_LANDING = _BOOKINGS | _TARGET | FORECAST
_HAS_HISTORY = of("raw_opportunities", "created_at", "record_type_id") | of(
    "raw_record_types", "record_type_id", "developer_name", "name"
)
LANDING: Parents = {
    **_GRAINS,
    "bookings": _BOOKINGS,
    "target": _TARGET,
    **alike(
        _LANDING,
        "p10",
        "p50",
        "p90",
        "expected",
        "expected_without_largest",
        "hit_probability",
        "band",
        "margin",
    ),
    "method": FORECAST,
    "stage_weighted": _BOOKINGS | _STAGE_WEIGHTED,
    **alike(_BOOKINGS | _HAS_HISTORY, "last_year", "three_month_average"),
}
_DATED_DEAL = CALENDAR | of("opportunity_snapshot", "opportunity_id", "close_date")
_SERVED = _DATED_DEAL | of("opportunity_snapshot", "effort_days", "service_start", "service_end")
CLOSING: Parents = {
    "as_of_month": STATED,
    "opportunity_id": _DATED_DEAL | of("opportunity_snapshot", "is_open"),
    **same("opportunity_snapshot", "owner_id", "account_id", "amount", "close_date", "push_count"),
    "days_overdue": _DATED_DEAL,
    "flags": _DATED_DEAL
    | of(
        "opportunity_snapshot",
        "amount",
        "push_count",
        "is_open",
        "is_won",
        "created_at",
        "stage_entered_at",
        "account_id",
    )
    | FORECAST,
    **alike(
        of("opportunity_snapshot", "opportunity_id") | FORECAST,
        "win_probability",
        "expected_month",
        "confirm_p10",
        "confirm_p90",
    ),
    **alike(
        of("opportunity_snapshot", "opportunity_id") | _LANDING,
        *(
            f"hit_change_{kind}{months}"
            for kind in ("month", "quarter", "year")
            for months in ("", "_2", "_3")
        ),
        *(f"owner_hit_change_{kind}" for kind in ("month", "quarter", "year")),
    ),
    "effort_days": _DATED_DEAL | of("opportunity_snapshot", "effort_days"),
    "work_month": _SERVED,
    "likely_work_month": _SERVED | FORECAST,
}
_COMING_SUM = (
    _BOOKINGS | _TARGET | of("phased_targets", "fiscal_year", "rephased_target", "is_fixed")
)
COMING: Parents = {
    "as_of_month": STATED,
    "grain": STATED,
    "grain_id": _PEOPLE | COMPANY,
    "month": CALENDAR,
    "baseline_target": _TARGET,
    "number": _COMING_SUM,
    "people_sum": _PEOPLE | of("phased_targets", "rephased_target"),
    **alike(_COMING_SUM | of("phased_targets", "at_risk", "ahead"), "at_risk", "ahead"),
    "last_year": _BOOKINGS | _HAS_HISTORY,
    "hit_probability": _COMING_SUM | FORECAST,
    "team_id": _PEOPLE
    | of("phased_targets", "team_id")
    | of("opportunity_snapshot", "team_id")
    | of("booking_credit", "team_id"),
}
_CREATED = STATE | tracked("lead_source")
GENERATION: Parents = {
    "as_of_month": STATED,
    **alike(_CREATED, "source", "created", "conversion", "lead_months"),
    "month": _CREATED | of("phased_targets", "month"),
    "required": _CREATED | FORECAST | of("phased_targets", "month", "baseline_target"),
}
_NEEDED = of("pipeline_generation", "source", "month", "required") | CALENDAR
_MADE = of("pipeline_generation", "source", "month", "created") | CALENDAR
_RATED = _MADE | of("pipeline_generation", "conversion", "lead_months")
SOURCES: Parents = {
    "as_of_month": STATED,
    "source_owner": of("pipeline_generation", "source"),
    "period_kind": STATED,
    "period": CALENDAR,
    "target": _NEEDED,
    "created": _MADE,
    "attainment_pct": _NEEDED | _MADE,
    "number": _NEEDED | _MADE,
    **alike(_RATED, "conversion", "lead_months"),
}
_SUBMITTED = of(
    "raw_submitted_forecasts",
    "owner_id",
    "forecasting_type",
    "start_date",
    "end_date",
    "submitted_at",
    "category",
)
# Who has somebody below submits for a team.
_BELOW = of("raw_users", "user_id", "role_id", "manager_id") | of(
    "raw_roles", "role_id", "parent_role_id"
)
_CALLED = (
    of("policy/calls", "owner", "period", "day")
    | _SUBMITTED
    | _BELOW
    | CURRENCY
    | PERSON
    | CALENDAR
)
_CALL = _CALLED | of("policy/calls", "amount") | of("raw_submitted_forecasts", "amount")
_BOOKED_BY_THEM = _CALLED | of("booking_credit", "owner_id", "close_date", "amount", "is_won")
CALLS: Parents = {
    "as_of_month": STATED,
    **alike(_CALLED, "owner_id", "period_kind", "period", "called_on", "is_over", "past_calls"),
    "call": _CALL,
    "bookings": _BOOKED_BY_THEM,
    **alike(_CALL | _BOOKED_BY_THEM, "error", "bias_pct", "error_pct"),
    **{
        name: _CALLED | of("landing_forecast", "grain", "grain_id", "period", name)
        for name in ("p10", "p50", "p90")
    },
    "owner_name": _CALLED | NAME,
    "team": _CALLED | TEAM,
}
_ASKED = (
    of("coming_month", "grain", "grain_id", "number")
    | of(
        "closing_plan",
        "opportunity_id",
        "owner_id",
        "amount",
        "close_date",
        "days_overdue",
        "flags",
        "win_probability",
        "expected_month",
    )
    | of("deal_chances", "opportunity_id", "chance_1", "assumed_amount")
    | of("booking_credit", "opportunity_id", "owner_id", "team", "amount", "is_won")
    | of(
        "opportunity_snapshot",
        "opportunity_id",
        "owner_id",
        "team",
        "is_won",
        "amount",
        "close_date",
        "probability_pct",
        "effort_days",
    )
    | of("phased_targets", "fiscal_year", "owner_id", "month", "baseline_target", "at_risk", "team")
    | of(
        "pipeline_coverage",
        "grain",
        "grain_id",
        "period_kind",
        "period",
        "status",
        "coverage_ratio",
        "required_ratio",
        "remaining_target",
        "open_pipeline",
    )
    | of("pipeline_generation", "created", "conversion", "lead_months")
    | of(
        "delivery_load",
        "grain",
        "grain_id",
        "month",
        "agreed_days",
        "won_days",
        "expected_days",
        "days_beyond",
        "people_needed",
    )
    | of("client_agreements", "agreement", "monthly_amount", "monthly_days")
    | of("raw_users", "user_id", "is_active", "manager_id")
    | CALENDAR
)
ACTIONS: Parents = {
    "as_of_month": STATED,
    **alike(
        _ASKED,
        "grain",
        "grain_id",
        "rank",
        "rule",
        "owner_id",
        "opportunity_id",
        "stake",
        "due_date",
        "person_id",
        "team",
        "period",
    ),
    "owner_name": _ASKED | NAME,
    "outcome": STATED,
}
# Forecasts are made again from the raw tables, and held against targets as they were in force.
_THEN = FORESIGHT | TEAM | BASELINE
RECORD: Parents = {
    "as_of_month": FORESIGHT,
    # Where there is no past to learn from, there is no row.
    "grain": FORESIGHT,
    "grain_id": FORESIGHT | IN_FORCE | TEAM | COMPANY,
    "period_kind": FORESIGHT,
    "period": CALENDAR | FORESIGHT,
    "evaluated_month": STATED,
    **alike(_THEN, "p10", "p50", "p90", "hit_probability"),
    "target": BASELINE | TEAM,
    "outcome": BOOKED | TEAM,
    "is_hit": BOOKED | BASELINE | TEAM,
    **alike(BOOKED | TEAM, "last_year", "three_month_average"),
    "stage_weighted": FORESIGHT | TEAM,
}
_FOUND = (
    of(
        "opportunity_snapshot",
        "opportunity_id",
        "name",
        "account_name",
        "owner_id",
        "owner_name",
        "amount",
        "close_date",
        "is_open",
        "is_won",
        "stage_provenance",
        "owner_provenance",
    )
    | of("booking_credit", "opportunity_id", "owner_id", "owner_name", "close_date", "amount")
    | of("phased_targets", "fiscal_year", "owner_id")
    | of("raw_users", "is_active")
    | of("raw_organization", "organization_id")
    | NAME
    | QUOTAS
    | CURRENCY
)
QUALITY: Parents = {
    "as_of_month": STATED,
    **alike(
        _FOUND, "finding", "record_id", "severity", "detail", "amount", "owner_id", "owner_name"
    ),
}

_WITHOUT_STAMPS: dict[str, Parents] = {
    "opportunity_snapshot": SNAPSHOT,
    "booking_credit": CREDIT,
    "monthly_bookings": MONTHLY_BOOKINGS,
    "phased_targets": PHASED,
    "phasing_check": CHECK,
    "target_padding": PADDING,
    "bottom_up_plan": FROM_BELOW,
    "target_attainment": ATTAINMENT,
    "coming_month": COMING,
    "deal_chances": DEAL_CHANCES,
    "pipeline_coverage": COVERAGE,
    "pipeline_movement": MOVEMENT,
    "deal_changes": CHANGES,
    "pipeline_stages": STAGES,
    "dimension_breakdown": DIMENSION,
    "decided_deals": DECIDED,
    "landing_forecast": LANDING,
    "closing_plan": CLOSING,
    "client_phasing": CLIENTS,
    "client_agreements": AGREEMENTS,
    "delivery_load": DELIVERY,
    "account_load": ACCOUNTS,
    "pipeline_generation": GENERATION,
    "source_attainment": SOURCES,
    "forecast_calls": CALLS,
    "actions": ACTIONS,
    "forecast_track_record": RECORD,
    "data_quality": QUALITY,
}
# Of each monthly table: its columns, each with the columns that it is computed from.
MONTHLY_LINEAGE: dict[str, Parents] = {
    name: {**parents, **STAMPS} for name, parents in _WITHOUT_STAMPS.items()
}


def parent_assets(table: str) -> frozenset[str]:
    """Return the assets that a monthly table is directly computed from."""
    return frozenset(asset for parents in MONTHLY_LINEAGE[table].values() for asset, _ in parents)
