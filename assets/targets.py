"""Group targets: the annual number as twelve, and bookings against it."""

import dagster as dg

from assets.metadata.tables import described
from assets.metadata.where_from import where_from
from assets.monthly_table import TableRun, monthly_table
from sales.checks import invariants
from sales.contracts.forecast import ClientPhasing
from sales.contracts.targets import PhasedTargets
from sales.forecast import coming_month as numbers
from sales.forecast import phasing_check as reach_after_misses
from sales.targets import attainment, stated_plans
from sales.targets import phased_targets as phasing


@monthly_table
def phased_targets(run: TableRun) -> dg.MaterializeResult:
    """Each person's annual target by month: the plan, and what the months left must bring after misses so far."""
    inputs, forecast = run.inputs, run.forecast
    table = phasing.phased_targets(
        inputs.targets_in_force(),
        run.tables["monthly_bookings"],
        inputs.people,
        run.month,
        inputs.policies,
        inputs.organization,
        inputs.extracted_at,
        forecast.plan_book,
        forecast.seasons(),
    )
    faults = invariants.phasing_sums_to_annual_target(table)
    return described(table, {"phasing_sums_to_annual_target": faults})


@monthly_table
def target_attainment(run: TableRun) -> dg.MaterializeResult:
    """Bookings against phased target by person, team and company: month, quarter to date, year to date."""
    rules = run.inputs.rules
    table = attainment.target_attainment(*run.figures, run.month, rules)
    faults = invariants.people_sum_to_teams_and_company(table, invariants.ATTAINMENT)
    origin = where_from("target_attainment", table, *run.figures, rules)
    return described(table, {"attainment_adds_up": faults}, where_from=origin)


@monthly_table
def coming_month(run: TableRun) -> dg.MaterializeResult:
    """What each person, each team and the company must book in the month after: one number, after what is missing so far."""
    return described(
        numbers.coming_month(run.forecast_basis, *run.figures, run.month, run.inputs.rules)
    )


@monthly_table
def phasing_check(run: TableRun) -> dg.MaterializeResult:
    """Whether each person's phasing leaves the year within reach after two missed months, and weights that would."""
    inputs, forecast = run.inputs, run.forecast
    table = reach_after_misses.phasing_check(
        forecast.plans(),
        forecast.known,
        inputs.people,
        run.month,
        inputs.policies,
        inputs.organization,
        inputs.extracted_at,
    )
    return described(table)


@monthly_table
def target_padding(run: TableRun) -> dg.MaterializeResult:
    """What is assigned to people beside what their teams and the company state: over-assignment in plain sight."""
    inputs, phased = run.inputs, run.table(PhasedTargets)
    stated = run.forecast.plan_book
    return described(
        stated_plans.target_padding(phased, stated, run.month, inputs.rules, inputs.extracted_at)
    )


@monthly_table
def bottom_up_plan(run: TableRun) -> dg.MaterializeResult:
    """The year from below: the sum of client plans beside the phased target, what is booked and what is expected."""
    inputs, stated = run.inputs, run.forecast.plan_book
    phased, clients = run.table(PhasedTargets), run.table(ClientPhasing)
    table = stated_plans.bottom_up_plan(
        phased, clients, stated, run.month, inputs.rules, inputs.extracted_at
    )
    return described(table)
