"""Where the numbers on the pages come from: each headline tile and each printed column, and the table columns it is read from.

Names are those printed in English, with the section's title before a column's head. Put here what
`reports` reads of the tables; how the tables came about is `sales.contracts.lineage`.
"""

from __future__ import annotations

from sales.contracts.parents import Columns, alike, of

_DONE = of("target_attainment", "grain", "grain_id", "period_kind")
_AHEAD = of("pipeline_coverage", "grain", "grain_id", "period")
_LANDS = of("landing_forecast", "grain", "grain_id", "period", "period_kind")
_PEOPLE = (
    of("phased_targets", "owner_id", "team", "fiscal_year")
    | of("opportunity_snapshot", "owner_id", "team")
    | of("booking_credit", "owner_id", "team")
)
_PLAN = _PEOPLE | of("phased_targets", "month")
_BOOKED = _PEOPLE | of("monthly_bookings", "known_month", "owner_id", "month", "bookings")
_DEAL = of("closing_plan", "opportunity_id", "owner_id", "close_date", "days_overdue") | of(
    "opportunity_snapshot", "opportunity_id", "team"
)
_JUDGED = of("forecast_track_record", "as_of_month", "grain", "grain_id", "period_kind", "period")
_LOAD = of("delivery_load", "grain", "grain_id", "month")
_STAGE = of("pipeline_stages", "grain", "grain_id", "stage_name")
_VALUE = of("dimension_breakdown", "grain", "grain_id", "dimension")
_DECIDED = of("decided_deals", "grain", "grain_id", "period", "client_kind")
_CLIENT = of("client_phasing", "account_id", "month")
_COVERED = of("pipeline_coverage", "coverage_ratio", "status")
_COMING = of("coming_month", "grain", "grain_id", "month")
_SOURCES = of("source_attainment", "source_owner", "period_kind")
_CHANGED = of("deal_changes", "opportunity_id", "change", "owner_id", "team", "amount_after")
_NAME = (
    of("phased_targets", "owner_name")
    | of("opportunity_snapshot", "owner_name")
    | of("booking_credit", "owner_name")
)


def _attained(*names: str) -> Columns:
    return _DONE | of("target_attainment", *names)


def _coverage(*names: str) -> Columns:
    return _AHEAD | of("pipeline_coverage", *names)


def _landing(*names: str) -> Columns:
    return _LANDS | of("landing_forecast", *names)


def _deal(*names: str) -> Columns:
    return _DEAL | of("closing_plan", *names)


def _under(title: str, columns: dict[str, Columns]) -> dict[str, Columns]:
    """Return columns by the title of their section and their own head."""
    return {f"{title}: {head}": parents for head, parents in columns.items()}


TILES: dict[str, Columns] = {
    "{month}": _attained("bookings", "target", "attainment_pct", "last_year"),
    "To book in {month}": _COMING | of("coming_month", "number", "baseline_target"),
    "Year to date": _attained("bookings", "target", "attainment_pct", "last_year"),
    "Forecast {period}": _landing("p10", "p50", "p90", "target", "method")
    | of("target_padding", "fiscal_year", "grain", "grain_id", "stated"),
    "Still to win": _coverage("remaining_target", "target"),
    "Coverage {period}": _AHEAD
    | _COVERED
    | _coverage("required_ratio", "open_pipeline", "remaining_target"),
    "To create in {month}": _SOURCES | of("source_attainment", "number"),
    "Created in {month}": _SOURCES | of("source_attainment", "created", "target", "attainment_pct"),
    "Created in the year": _SOURCES
    | of("source_attainment", "created", "target", "attainment_pct"),
    "Converts": _SOURCES | of("source_attainment", "conversion", "lead_months"),
}
_DEALS: dict[str, Columns] = {
    "Client and deal": _deal("flags", "push_count")
    | of("opportunity_snapshot", "name", "account_name"),
    "Owner": _DEAL | of("opportunity_snapshot", "owner_name"),
    "Stage": _DEAL | of("opportunity_snapshot", "stage_name"),
    "Close date": _DEAL,
    "Amount": _deal("amount")
    | of("booking_credit", "opportunity_id", "owner_id", "team", "amount", "is_won"),
    "Chance": _deal("win_probability"),
    "Expected": _deal("expected_month"),
}
_BASELINES = {
    "Stage-weighted": "stage_weighted",
    "Last year": "last_year",
    "Three months": "three_month_average",
}
_MY_DEALS: dict[str, Columns] = {
    **{head: _DEALS[head] for head in ("Client and deal", "Amount", "Chance")},
    "What to do": _deal("flags", "amount"),
    "Likely": _deal("expected_month"),
}
_CHANCE = (
    _landing("hit_probability")
    | _COMING
    | of("coming_month", "hit_probability")
    | _JUDGED
    | of("forecast_track_record", "hit_probability", "is_hit")
)
# Of these tables the heads are periods, months or causes: the rows have the names, or the cells are
# all alike.
_MOVEMENTS = {
    "Opening": "opening",
    "New": "created",
    "Moved in": "moved_in",
    "Taken over": "reassigned_in",
    "Reopened": "reopened",
    "Increased": "increased",
    "Decreased": "decreased",
    "Moved out": "moved_out",
    "Given away": "reassigned_out",
    "Won": "won",
    "Lost": "lost",
    "Deleted": "deleted",
    "Closing": "closing",
}
_COMPARED = {
    "Bookings, year to date": of(
        "booking_credit", "opportunity_id", "owner_id", "team", "close_date", "amount"
    )
    | _attained("bookings"),
    "Open pipeline of the year": of(
        "opportunity_snapshot",
        "opportunity_id",
        "owner_id",
        "team",
        "close_date",
        "is_open",
        "amount",
    )
    | _coverage("open_pipeline"),
    "Phased target to date": of("phased_targets", "owner_id", "team", "month", "baseline_target")
    | _attained("target"),
}
_DIFFERENCE = frozenset[tuple[str, str]]().union(*_COMPARED.values())
_STATE = of(
    "opportunity_snapshot",
    "opportunity_id",
    "owner_id",
    "team",
    "amount",
    "amount_local",
    "currency_code",
    "stage_name",
    "close_date",
    "is_won",
)

SECTIONS: dict[str, Columns] = {
    **_under(
        "Bookings against the phased target",
        {
            "figure": _PLAN
            | _BOOKED
            | of("phased_targets", "baseline_target", "rephased_target")
            | _landing("p10", "p50", "p90")
            | _COMING
            | of("coming_month", "ahead")
        },
    ),
    **_under(
        "Won, lost, slipped and new",
        {
            "Client and deal": _CHANGED
            | of("deal_changes", "name", "account_name", "close_date_before", "amount_before"),
            "Owner": _CHANGED | of("deal_changes", "owner_name"),
            "Close date": _CHANGED | of("deal_changes", "close_date_before", "close_date_after"),
            "Amount": _CHANGED | of("deal_changes", "amount_before"),
        },
    ),
    **_under(
        "Your year by month",
        {"figure": _PLAN | _BOOKED | of("phased_targets", "baseline_target", "rephased_target")},
    ),
    **_under(
        "Month, quarter, year",
        {
            "Period": _LANDS,
            "Asked": _landing("target") | _COMING | of("coming_month", "number"),
            "Booked": _landing("bookings"),
            "Eight in ten": _landing("p10", "p90"),
        },
    ),
    **_under("Deals of the next 90 days", _MY_DEALS),
    **_under("Deals that are still in your name", _MY_DEALS),
    **_under(
        "Where it lands",
        {
            "Period": _LANDS,
            "Booked": _landing("bookings"),
            "P10": _landing("p10"),
            "P50": _landing("p50"),
            "P90": _landing("p90"),
            "Target": _landing("target"),
            "Asked": _landing("target") | _COMING | of("coming_month", "number"),
            "Commit": _coverage("commit_forecast"),
            "Best case": _coverage("best_case_forecast"),
            "Chance": _CHANCE,
            **{head: _landing(name) for head, name in _BASELINES.items()},
            "figure": _landing("bookings", "p10", "p50", "p90", "target")
            | _CHANCE
            | of("coming_month", "number"),
        },
    ),
    **_under(
        "How good were earlier forecasts",
        {
            "Forecasts": _JUDGED,
            "P50": _JUDGED | of("forecast_track_record", "p50", "outcome"),
            **{
                head: _JUDGED | of("forecast_track_record", name, "outcome")
                for head, name in _BASELINES.items()
            },
            "Inside": _JUDGED | of("forecast_track_record", "p10", "p90", "outcome"),
            "Brier": _JUDGED | of("forecast_track_record", "hit_probability", "is_hit"),
            "So far": _JUDGED | of("forecast_track_record", "hit_probability", "is_hit"),
            "Chance to hit": _JUDGED,
            "Said": _JUDGED | of("forecast_track_record", "hit_probability"),
            "Came": _JUDGED | of("forecast_track_record", "hit_probability", "is_hit"),
            "figure": _JUDGED | of("forecast_track_record", "p10", "p50", "p90", "outcome"),
        },
    ),
    **_under(
        "People and teams",
        {
            "Name": _PEOPLE | _NAME,
            "Booked by month": _BOOKED,
            "Booked in month": _attained("bookings"),
            "Booked to date": _attained("bookings"),
            "Attained": _attained("attainment_pct"),
            "Coming month": _COMING | of("coming_month", "number", "baseline_target"),
            "Eight in ten": _landing("p10", "p90"),
            "Remark": _attained("attainment_pct")
            | _PLAN
            | of("phased_targets", "baseline_target", "at_risk"),
        },
    ),
    **_under(
        "Is there enough in the pipeline",
        {
            "figure": _AHEAD
            | _COVERED
            | _coverage(
                "required_ratio",
                "required_ratio_low",
                "required_ratio_high",
                "open_pipeline",
                "remaining_target",
            )
        },
    ),
    **_under(
        "Coverage by period",
        {
            "Name": _AHEAD,
            "Period": _AHEAD,
            "Target": _coverage("target"),
            "Booked": _coverage("bookings"),
            "Still to win": _coverage("remaining_target"),
            "Open": _coverage("open_pipeline"),
            "Weighted": _coverage("weighted_pipeline"),
            "Coverage": _AHEAD | _COVERED,
            "Needed": _coverage("required_ratio", "required_ratio_low", "required_ratio_high"),
        },
    ),
    **_under(
        "Why the pipeline changed",
        {"figure": of("pipeline_movement", "grain", "grain_id", "period", *_MOVEMENTS.values())},
    ),
    **_under(
        "How the pipeline changed, by period",
        {
            row: of("pipeline_movement", "grain", "grain_id", "period", name)
            for row, name in _MOVEMENTS.items()
        },
    ),
    **_under(
        "New pipeline by source",
        {
            "Source or owner": _SOURCES,
            **alike(
                _SOURCES | of("source_attainment", "created"), "Created in month", "Created to date"
            ),
            "of needed": _SOURCES | of("source_attainment", "attainment_pct"),
            "Coming month": _SOURCES | of("source_attainment", "number"),
            "Converts": _SOURCES | of("source_attainment", "conversion"),
            "Lead, months": _SOURCES | of("source_attainment", "lead_months"),
        },
    ),
    **_under(
        "Your new pipeline by month",
        {
            "figure": _SOURCES
            | of("source_attainment", "number")
            | of("pipeline_generation", "source", "month", "created")
        },
    ),
    **_under(
        "Created against what was needed",
        {
            "To date": _SOURCES | of("source_attainment", "period"),
            "Needed": _SOURCES | of("source_attainment", "target"),
            "Created": _SOURCES | of("source_attainment", "created"),
            "of needed": _SOURCES | of("source_attainment", "attainment_pct"),
        },
    ),
    **_under(
        "Your sources",
        {
            "Source": of("pipeline_generation", "source"),
            **alike(
                of("pipeline_generation", "source", "month", "created"),
                "Created in month",
                "Created to date",
            ),
            "Converts": of("pipeline_generation", "source", "month", "conversion"),
            "Lead, months": of("pipeline_generation", "source", "month", "lead_months"),
        },
    ),
    **_under(
        "The largest new deals of the month",
        {
            "Client and deal": _CHANGED | of("deal_changes", "name", "account_name"),
            "Source": _CHANGED | of("opportunity_snapshot", "opportunity_id", "lead_source"),
            "Owner": _CHANGED | of("deal_changes", "owner_name"),
            "Close date": _CHANGED | of("deal_changes", "close_date_after"),
            "Amount": _CHANGED,
        },
    ),
    **_under(
        "The next 90 days",
        {
            **_DEALS,
            "days ahead": _deal("confirm_p10", "confirm_p90"),
            "figure": _deal("amount", "win_probability"),
        },
    ),
    **_under(
        "What waiting costs",
        {
            **{head: _DEALS[head] for head in ("Client and deal", "Amount", "Chance")},
            "Month": _deal("hit_change_month"),
            "Quarter": _deal("hit_change_quarter"),
            "Year": _deal("hit_change_year"),
        },
    ),
    **_under("Past their close date", _DEALS),
    **_under(
        "Which clients, and when",
        {
            "Client": _CLIENT | of("client_phasing", "account_name", "bookings", "expected"),
            **alike(
                _CLIENT | of("client_phasing", "bookings", "expected"),
                "booked or expected",
                "All clients",
            ),
            "Phased target": of("bottom_up_plan", "month", "baseline_target"),
            "Client plans": of("bottom_up_plan", "month", "client_plans"),
            "From agreements, on top": of("client_phasing", "month", "agreed"),
        },
    ),
    **_under(
        "Forecast calls",
        {
            "Person": of("forecast_calls", "owner_id", "owner_name"),
            "Period": of("forecast_calls", "period"),
            "Call": of("forecast_calls", "call"),
            "Called on": of("forecast_calls", "called_on"),
            "Booked": of("forecast_calls", "bookings"),
            "Forecast": of("forecast_calls", "p50"),
            "Eight in ten": of("forecast_calls", "p10", "p90"),
            "Past calls": of("forecast_calls", "past_calls", "bias_pct"),
        },
    ),
    **_under(
        "The work that follows",
        {
            "Won or agreed": _LOAD | of("delivery_load", "agreed_days", "won_days"),
            "Expected": _LOAD | of("delivery_load", "expected_days"),
            "Capacity": _LOAD | of("delivery_load", "capacity_days"),
            "People to draft in": _LOAD | of("delivery_load", "people_needed"),
            "days of a team": _LOAD
            | of("delivery_load", "agreed_days", "won_days", "expected_days", "capacity_days"),
        },
    ),
    **_under(
        "Work by client and deal",
        {
            "Client": of("account_load", "account_id", "account_name"),
            **alike(
                of("account_load", "account_id", "team", "month", "days_beyond", "people_needed"),
                "From",
                "Days beyond capacity",
                "People in the peak month",
            ),
            "Client and deal": _deal("account_id"),
            "Days of work": _deal("effort_days"),
            "Chance": _deal("win_probability"),
            "Was to start": _deal("work_month"),
            "Likely start": _deal("likely_work_month"),
        },
    ),
    **_under(
        "Pipeline by stage and age",
        {
            "Stage": _STAGE | of("pipeline_stages", "stage_name"),
            "Deals": _STAGE | of("pipeline_stages", "open_count"),
            "Open": _STAGE | of("pipeline_stages", "open_pipeline"),
            "to 90 days": _STAGE | of("pipeline_stages", "up_to_90"),
            "to 180 days": _STAGE | of("pipeline_stages", "up_to_180"),
            "to 365 days": _STAGE | of("pipeline_stages", "up_to_365"),
            "Older": _STAGE | of("pipeline_stages", "older"),
            "Median days": _STAGE | of("pipeline_stages", "median_age_days"),
        },
    ),
    **_under(
        "Bookings and pipeline by {dimension}",
        {
            "{dimension}": _VALUE,
            "Booked this year": _VALUE | of("dimension_breakdown", "bookings"),
            "Share": _VALUE | of("dimension_breakdown", "share_pct"),
            "Year before": _VALUE | of("dimension_breakdown", "last_year"),
            "New clients": _VALUE | of("dimension_breakdown", "new_bookings"),
            "Open deals": _VALUE | of("dimension_breakdown", "open_count"),
            "Open": _VALUE | of("dimension_breakdown", "open_pipeline"),
        },
    ),
    **_under(
        "New and existing clients",
        {
            "Quarter": _DECIDED,
            "Booked": _DECIDED | of("decided_deals", "won_amount"),
            "Won": _DECIDED | of("decided_deals", "won_count"),
            "Lost": _DECIDED | of("decided_deals", "lost_count"),
            "Win rate": _DECIDED | of("decided_deals", "win_rate_pct"),
            "Average deal": _DECIDED | of("decided_deals", "average_amount"),
            "Days to win": _DECIDED | of("decided_deals", "median_cycle_days"),
        },
    ),
    **_under(
        "Retainers and framework agreements",
        {
            "Client": of("client_agreements", "account_id", "account_name"),
            "Agreement": of("client_agreements", "agreement"),
            "Per month": of("client_agreements", "monthly_amount"),
            "Next 12 months": of("client_agreements", "backlog"),
            "Ends": of("client_agreements", "end_date"),
            "Open deals": of("client_agreements", "open_deals"),
        },
    ),
    **_under(
        "Over-assignment",
        {
            "Name": of("target_padding", "fiscal_year", "grain", "grain_id"),
            "Assigned to people": of("target_padding", "grain_id", "assigned"),
            "Stated": of("target_padding", "grain_id", "stated"),
            "Padding": of("target_padding", "grain_id", "padding"),
            "of stated": of("target_padding", "grain_id", "padding_pct"),
        },
    ),
    **_under(
        "The plan from above and from below",
        {
            "Name": of("target_padding", "fiscal_year", "grain", "grain_id"),
            "Assigned to people": of("target_padding", "grain_id", "assigned"),
            "Stated": of("target_padding", "grain_id", "stated"),
            "Padding": of("target_padding", "grain_id", "padding"),
            "of stated": of("target_padding", "grain_id", "padding_pct"),
            "Month": of("bottom_up_plan", "month"),
            "Phased target": of("bottom_up_plan", "month", "baseline_target"),
            "Client plans": of("bottom_up_plan", "month", "client_plans"),
            "Difference": of("bottom_up_plan", "month", "difference"),
            "Booked": of("bottom_up_plan", "month", "bookings"),
            "Expected": of("bottom_up_plan", "month", "expected"),
            "From agreements": of("bottom_up_plan", "month", "agreed"),
        },
    ),
    **_under(
        "What changed since this month was published",
        {
            **_COMPARED,
            "Number": _DIFFERENCE,
            "Deal or target": _DIFFERENCE | of("opportunity_snapshot", "name"),
            "Person": _DIFFERENCE | _NAME,
            **alike(_DIFFERENCE, "Before", "Now", "Difference"),
            "Cause": _DIFFERENCE
            | _STATE
            | of("phased_targets", "fiscal_year", "revision", "stated_target", "annual_target"),
        },
    ),
    **_under(
        "How good is the data, and what the words mean",
        {
            "Finding": of("data_quality", "finding"),
            "Severity": of("data_quality", "finding", "severity"),
            "Records": of("data_quality", "finding", "severity", "record_id"),
            "Money": of("data_quality", "finding", "severity", "amount"),
            "Deal or person": of("data_quality", "finding", "severity", "record_id", "owner_name")
            | of("opportunity_snapshot", "opportunity_id", "name", "account_name"),
            "Owner": of("data_quality", "finding", "severity", "record_id", "owner_name"),
        },
    ),
}
PAGES: dict[str, Columns] = {**TILES, **SECTIONS}
