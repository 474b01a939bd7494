"""Group targets: the annual number as twelve, and bookings against it."""

import dagster as dg
import pandas as pd

from assets.extract import FROM_SALESFORCE, PHASING_FILES
from assets.metadata.tables import described
from assets.metadata.where_from import where_from
from assets.monthly_table import monthly_table
from publication.month_inputs import Books
from sales.calendar import Month
from sales.checks import invariants as reconciliation
from sales.forecast import phasing_check as catch_up
from sales.targets import attainment
from sales.targets import phased_targets as targets
from sales.targets import stated_plans as plans


@monthly_table(
    deps=[*FROM_SALESFORCE, "raw_targets", *PHASING_FILES],
    laws={
        "phasing_sums_to_annual_target": "The twelve months sum to the annual target, to the cent."
    },
)
def phased_targets(
    context: dg.AssetExecutionContext,
    monthly_bookings: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Each person's annual target by month: the plan, and what the months left must bring after misses so far."""
    month = Month.parse(context.partition_key)
    in_force = books.targets_in_force(month)
    organization, extracted_at = books.organization(month), books.record(month).extracted_at
    stated, seasons = books.forecasts.plan_book(month), books.forecasts.seasons(month)
    table = targets.phased_targets(
        in_force,
        monthly_bookings,
        books.people(month),
        month,
        books.policies,
        organization,
        extracted_at,
        stated,
        seasons,
    )
    checks = {"phasing_sums_to_annual_target": reconciliation.phasing_sums_to_annual_target(table)}
    return described(table, checks)


@monthly_table(
    deps=FROM_SALESFORCE,
    laws={"attainment_adds_up": "People sum to teams and to the company, to the cent."},
)
def target_attainment(
    context: dg.AssetExecutionContext,
    opportunity_snapshot: pd.DataFrame,
    booking_credit: pd.DataFrame,
    phased_targets: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """Bookings against phased target by person, team and company: month, quarter to date, year to date."""
    month = Month.parse(context.partition_key)
    table = attainment.target_attainment(
        opportunity_snapshot, booking_credit, phased_targets, month, books.rules(month)
    )
    checks = {
        "attainment_adds_up": reconciliation.people_sum_to_teams_and_company(
            table, reconciliation.ATTAINMENT
        )
    }
    origin = where_from(
        "target_attainment",
        table,
        opportunity_snapshot,
        booking_credit,
        phased_targets,
        books.rules(month),
    )
    return described(table, checks, where_from=origin)


@monthly_table(deps=[*FROM_SALESFORCE, "raw_targets", *PHASING_FILES, "phased_targets"])
def phasing_check(
    context: dg.AssetExecutionContext, books: dg.ResourceParam[Books]
) -> dg.MaterializeResult:
    """Whether each person's phasing leaves the year within reach after two missed months, and weights that would."""
    month = Month.parse(context.partition_key)
    its_plans, foresight, organization = (
        books.forecasts.plans(month),
        books.forecasts.foresight(month),
        books.organization(month),
    )
    table = catch_up.phasing_check(
        its_plans,
        foresight,
        books.people(month),
        month,
        books.policies,
        organization,
        books.record(month).extracted_at,
    )
    return described(table)


@monthly_table(deps=[*FROM_SALESFORCE, dg.AssetKey(["policy", "team_targets"])])
def target_padding(
    context: dg.AssetExecutionContext, phased_targets: pd.DataFrame, books: dg.ResourceParam[Books]
) -> dg.MaterializeResult:
    """What is assigned to people beside what their teams and the company state: over-assignment in plain sight."""
    month = Month.parse(context.partition_key)
    stated, extracted_at = books.forecasts.plan_book(month), books.record(month).extracted_at
    return described(
        plans.target_padding(phased_targets, stated, month, books.rules(month), extracted_at)
    )


@monthly_table(deps=[*FROM_SALESFORCE, dg.AssetKey(["policy", "client_plans"])])
def bottom_up_plan(
    context: dg.AssetExecutionContext,
    phased_targets: pd.DataFrame,
    client_phasing: pd.DataFrame,
    books: dg.ResourceParam[Books],
) -> dg.MaterializeResult:
    """The year from below: the sum of client plans beside the phased target, what is booked and what is expected."""
    month = Month.parse(context.partition_key)
    stated, extracted_at = books.forecasts.plan_book(month), books.record(month).extracted_at
    return described(
        plans.bottom_up_plan(
            phased_targets, client_phasing, stated, month, books.rules(month), extracted_at
        )
    )
