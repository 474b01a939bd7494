"""Group forecast: where periods land, when deals close, what clients bring, and how past forecasts did."""

import dagster as dg
import pandas as pd

from assets.extract import FROM_SALESFORCE, PHASING_FILES
from assets.metadata.tables import described
from assets.monthly_table import monthly_table
from publication.month_inputs import Books
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from sales.forecast import backtest as record
from sales.forecast import client_phasing as clients
from sales.forecast import closing_plan as closing
from sales.forecast import generation
from sales.forecast import landing_forecast as forecast


@monthly_table(
    kind="numpy",
    deps=FROM_SALESFORCE,
    laws={
        "forecast_adds_up": "Bookings, targets and expected landings of people sum to teams and the company, to the cent."
    },
)
def landing_forecast(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    booking_credit: pd.DataFrame,
    phased_targets: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Where the month to come, the quarters and the year land: P10, P50, P90, the chance to reach the target, what may be missed."""
    month = Month.parse(context.partition_key)
    foresight = books.forecasts.foresight(month)
    table = forecast.landing_forecast(
        foresight, opportunity_snapshot, booking_credit, phased_targets, month, books.rules(month)
    )
    checks = {
        "forecast_adds_up": reconciliation.people_sum_to_teams_and_company(
            table, reconciliation.forecast_columns(table)
        )
    }
    return described(table, checks)


@monthly_table(kind="numpy", deps=FROM_SALESFORCE)
def closing_plan(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    booking_credit: pd.DataFrame,
    phased_targets: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Open deals due in the next 90 days and overdue ones: when they will be confirmed, what waiting costs, which to protect."""
    month, rules, forecasts = (
        Month.parse(context.partition_key),
        books.rules(Month.parse(context.partition_key)),
        books.forecasts,
    )
    foresight, score = forecasts.foresight(month), forecasts.confirmation_score(month)
    of_plan = closing.plan_forecast(
        foresight, score, opportunity_snapshot, booking_credit, phased_targets, month, rules
    )
    more = {
        "months_off_by_us": dg.MetadataValue.float(score.ours),
        "months_off_by_close_date": dg.MetadataValue.float(score.crm),
    }
    return described(
        closing.closing_plan(opportunity_snapshot, month, rules, of_plan), None, **more
    )


@monthly_table(kind="numpy", deps=FROM_SALESFORCE)
def client_phasing(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Bookings and expected confirmations by client and month, and the days of work that follow."""
    month = Month.parse(context.partition_key)
    return described(
        clients.client_phasing(
            opportunity_snapshot, books.forecasts.foresight(month), month, books.rules(month)
        )
    )


@monthly_table(kind="numpy", deps=FROM_SALESFORCE)
def pipeline_generation(
    context: dg.AssetExecutionContext, phased_targets: pd.DataFrame, books: dg.ResourceParam[Books]
) -> dg.MaterializeResult:
    """New pipeline that each month must see created, by lead source, against what was created."""
    month = Month.parse(context.partition_key)
    foresight, extracted_at = books.forecasts.foresight(month), books.record(month).extracted_at
    return described(
        generation.pipeline_generation(
            foresight, phased_targets, month, books.rules(month), extracted_at
        )
    )


@monthly_table(kind="numpy", deps=[*FROM_SALESFORCE, "raw_targets", *PHASING_FILES])
def forecast_track_record(
    context: dg.AssetExecutionContext, books: dg.ResourceParam[Books]
) -> dg.MaterializeResult:
    """Forecasts of past month ends, made again from what was known then, beside what came and three naive baselines."""
    month = Month.parse(context.partition_key)
    table = record.track_record(
        books.forecasts.panel(month),
        month,
        books.rules(month),
        books.people(month),
        lambda origin: books.forecasts.targets_at(origin, month),
        books.record(month).extracted_at,
        record.months_judged(books.forecasts.panel(month)),
    )
    return described(table)
