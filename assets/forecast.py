"""Group forecast: where periods land, when deals close, what clients bring, and how past forecasts did."""

import dagster as dg

from assets.metadata.tables import described
from assets.monthly_table import TableRun, monthly_table
from sales.checks import invariants
from sales.contracts.coverage import DealChances, PipelineCoverage
from sales.contracts.forecast import (
    ClosingPlan,
    LandingForecast,
    PipelineGeneration,
)
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.targets import ComingMonth, PhasedTargets
from sales.contracts.work import ClientAgreements, DeliveryLoad
from sales.forecast import actions as orders
from sales.forecast import backtest, calls, generation
from sales.forecast import client_agreements as agreements
from sales.forecast import client_phasing as clients
from sales.forecast import closing_plan as closing
from sales.forecast import delivery_load as load
from sales.forecast import landing_forecast as landing
from sales.forecast import source_attainment as sources
from sales.forecast.action_facts import ActionFacts


@monthly_table
def landing_forecast(run: TableRun) -> dg.MaterializeResult:
    """Where the month to come, the quarters and the year land: P10, P50, P90, the chance to reach the target, what may be missed."""
    forecast_basis, rules = run.forecast_basis, run.inputs.rules
    table = landing.landing_forecast(forecast_basis, *run.figures, run.month, rules)
    sums = invariants.forecast_columns(table)
    faults = invariants.people_sum_to_teams_and_company(table, sums)
    return described(table, {"forecast_adds_up": faults})


@monthly_table
def closing_plan(run: TableRun) -> dg.MaterializeResult:
    """Open deals due in the next 90 days and overdue ones: when they will be confirmed, what waiting costs, which to protect."""
    rules, deals = run.inputs.rules, run.table(OpportunitySnapshot)
    forecast_basis, score = run.forecast_basis, run.forecast.close_date_score()
    of_plan = closing.plan_forecast(forecast_basis, score, *run.figures, run.month, rules)
    return described(
        closing.closing_plan(deals, run.month, rules, of_plan),
        None,
        months_off_by_us=dg.MetadataValue.float(score.ours),
        months_off_by_close_date=dg.MetadataValue.float(score.crm),
    )


@monthly_table
def client_phasing(run: TableRun) -> dg.MaterializeResult:
    """Bookings, agreements and expected confirmations by client and month, and the days of work that follow."""
    deals, agreed = run.table(OpportunitySnapshot), run.forecast.plan_book.agreements
    return described(
        clients.client_phasing(deals, run.forecast_basis, run.month, run.inputs.rules, agreed)
    )


@monthly_table
def client_agreements(run: TableRun) -> dg.MaterializeResult:
    """Retainers and framework agreements that run on, with what they bring in the months to come; no rows without agreements.csv."""
    inputs, deals = run.inputs, run.table(OpportunitySnapshot)
    agreed = run.forecast.plan_book.agreements
    return described(
        agreements.client_agreements(deals, agreed, run.month, inputs.rules, inputs.extracted_at)
    )


@monthly_table
def delivery_load(run: TableRun) -> dg.MaterializeResult:
    """Work of the twelve months to come against what the company and its teams can do; no rows where no work is known."""
    deals, inputs, plans = run.table(OpportunitySnapshot), run.inputs, run.forecast.plan_book
    table = load.delivery_load(
        deals, run.forecast_basis, plans, run.month, inputs.rules, inputs.extracted_at
    )
    return described(table)


@monthly_table
def account_load(run: TableRun) -> dg.MaterializeResult:
    """Work of the twelve months to come by client, and on which clients people must be drafted in."""
    deals, inputs, plans = run.table(OpportunitySnapshot), run.inputs, run.forecast.plan_book
    table = load.account_load(
        deals, run.forecast_basis, plans, run.month, inputs.rules, inputs.extracted_at
    )
    return described(table)


@monthly_table
def pipeline_generation(run: TableRun) -> dg.MaterializeResult:
    """New pipeline that each month must see created, by lead source, against what was created."""
    inputs, phased = run.inputs, run.table(PhasedTargets)
    table = generation.pipeline_generation(
        run.forecast_basis, phased, run.month, inputs.rules, inputs.extracted_at
    )
    return described(table)


@monthly_table
def source_attainment(run: TableRun) -> dg.MaterializeResult:
    """New pipeline of whoever owns lead sources against what it was to be, as a seller's bookings are held against a target."""
    inputs, made = run.inputs, run.table(PipelineGeneration)
    return described(sources.source_attainment(made, run.month, inputs.rules, inputs.extracted_at))


@monthly_table
def forecast_calls(run: TableRun) -> dg.MaterializeResult:
    """What sellers said their periods would bring, beside the model's range, with how their past calls came; no rows where nobody called."""
    inputs, credit, landing = run.inputs, run.table(BookingCredit), run.table(LandingForecast)
    table = calls.forecast_calls(
        run.forecast.calls(),
        credit,
        landing,
        inputs.people,
        run.month,
        inputs.rules,
        inputs.extracted_at,
    )
    return described(table)


@monthly_table
def actions(run: TableRun) -> dg.MaterializeResult:
    """What must happen next: at most three things for each reader, by the money that is at stake."""
    facts = ActionFacts(
        *run.figures,
        coming_month=run.table(ComingMonth),
        deal_chances=run.table(DealChances),
        closing_plan=run.table(ClosingPlan),
        coverage=run.table(PipelineCoverage),
        generation=run.table(PipelineGeneration),
        load=run.table(DeliveryLoad),
        agreements=run.table(ClientAgreements),
        owners=run.inputs.people,
        is_copy=run.inputs.is_copy,
    )
    return described(orders.actions(facts, run.month, run.inputs.rules))


@monthly_table
def forecast_track_record(run: TableRun) -> dg.MaterializeResult:
    """Forecasts of past month ends, made again from what was known then, beside what came and three naive baselines."""
    inputs, forecast = run.inputs, run.forecast
    table = backtest.track_record(
        forecast.point_in_time,
        run.month,
        inputs.rules,
        inputs.people,
        forecast.targets_at,
        inputs.extracted_at,
        backtest.months_judged(forecast.point_in_time),
    )
    return described(table)
