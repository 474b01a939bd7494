"""A month of the demo company to print: the same pages for every renderer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from connectors.salesforce.auth import Login
from connectors.salesforce.pull import SalesforceClient
from embedded_org.company import company
from embedded_org.server import OrgServer, serving
from embedded_org.sessions import DEFAULT_CREDENTIAL
from publication.extract_selection import resolve_extract
from publication.forecast_sources import ForecastSources
from publication.month_inputs import resolve
from publication.workspace import Workspace
from reports.document.document import MonthEndReport, Variant
from reports.document.month_tables import MonthTables
from reports.document.theme import themes_of
from reports.month_end import Readers, month_end_reports
from reports.publisher import DEMO_RECORDS
from reports.text import formats
from sales.calendar import Month
from sales.checks import findings as quality
from sales.coverage import coverage, movement
from sales.coverage import deal_changes as changes
from sales.coverage.deal_chances import deal_chances
from sales.coverage.decided_deals import decided_deals
from sales.coverage.dimension_breakdown import dimension_breakdown
from sales.coverage.pipeline_stages import pipeline_stages
from sales.forecast import actions as orders
from sales.forecast import backtest as track_record
from sales.forecast import client_phasing as clients
from sales.forecast import closing_plan as closing
from sales.forecast import coming_month as numbers
from sales.forecast import generation
from sales.forecast import landing_forecast as forecast
from sales.forecast import phasing_check as catch_up
from sales.forecast import source_attainment as sources
from sales.forecast.action_facts import ActionFacts
from sales.forecast.calls import forecast_calls
from sales.forecast.client_agreements import client_agreements
from sales.forecast.delivery_load import account_load, delivery_load
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.policy.rules import MonthRules
from sales.targets import attainment
from sales.targets import phased_targets as targets
from sales.targets import stated_plans as plans

POLICY = Path(__file__).parents[1] / "policy"
MONTH = Month(2026, 10)


def demo_month() -> tuple[MonthTables, MonthRules]:
    """Return the tables of a month of the demo company, and its rules."""
    with (
        TemporaryDirectory() as folder,
        serving(OrgServer(company(1, (2026, 10)).org())) as address,
    ):
        login = Login("", DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL, address)
        workspace = Workspace(
            Path(folder),
            POLICY,
            lambda: SalesforceClient(login),
            "bench",
            lambda: datetime(2026, 11, 3, tzinfo=UTC),
        )
        record = resolve_extract(workspace, MONTH, lambda _: None)
        inputs = resolve(workspace, MONTH, record)
        rules, history, owners = inputs.rules, inputs.history, inputs.people
        organization = inputs.organization
        snap = snapshot.opportunity_snapshot(history, MONTH, rules)
        bookings = snapshot.monthly_bookings(
            inputs.year_to_date(), MONTH, rules, record.extracted_at
        )
        shared = credit.booking_credit(snap, history.extract, owners, MONTH, rules)
        phased = targets.phased_targets(
            inputs.targets_in_force(),
            bookings,
            owners,
            MONTH,
            inputs.policies,
            organization,
            record.extracted_at,
        )
        forecasts = ForecastSources(inputs)
        forecast_basis = forecasts.forecast_basis
        by_client, stated = (
            clients.client_phasing(
                snap, forecast_basis, MONTH, rules, forecasts.plan_book.agreements
            ),
            forecasts.plan_book,
        )
        ahead = (snap, forecast_basis, stated, MONTH, rules, record.extracted_at)
        load = delivery_load(*ahead)
        agreed = client_agreements(snap, stated.agreements, MONTH, rules, record.extracted_at)
        of_plan = closing.plan_forecast(
            forecast_basis, forecasts.close_date_score(), snap, shared, phased, MONTH, rules
        )
        cover = coverage.pipeline_coverage(snap, shared, phased, MONTH, rules, forecast_basis)
        due = closing.closing_plan(snap, MONTH, rules, of_plan)
        made = generation.pipeline_generation(
            forecast_basis, phased, MONTH, rules, record.extracted_at
        )
        coming = numbers.coming_month(forecast_basis, snap, shared, phased, MONTH, rules)
        opening = snapshot.opening_snapshot(history, MONTH.plus(-1), rules, snap)
        lands = forecast.landing_forecast(forecast_basis, snap, shared, phased, MONTH, rules)
        tables = MonthTables(
            snap,
            shared,
            phased,
            bookings,
            attainment.target_attainment(snap, shared, phased, MONTH, rules),
            cover,
            movement.pipeline_movement(
                movement.month_end(opening, history.extract, MONTH.plus(-1), rules),
                movement.month_end(snap, history.extract, MONTH, rules),
                phased,
            ),
            due,
            quality.data_quality(
                snap,
                shared,
                phased,
                owners,
                MONTH,
                rules,
                organization.organization_id,
                formats.repertoire(),
            ),
            lands,
            by_client,
            made,
            track_record.track_record(
                forecasts.point_in_time,
                MONTH,
                rules,
                owners,
                forecasts.targets_at,
                record.extracted_at,
            ),
            catch_up.phasing_check(
                forecasts.plans(),
                forecasts.known,
                owners,
                MONTH,
                inputs.policies,
                organization,
                record.extracted_at,
            ),
            plans.target_padding(phased, stated, MONTH, rules, record.extracted_at),
            plans.bottom_up_plan(phased, by_client, stated, MONTH, rules, record.extracted_at),
            coming,
            changes.deal_changes(opening, snap, MONTH, rules),
            orders.actions(
                ActionFacts(
                    snap,
                    shared,
                    phased,
                    coming,
                    deal_chances(forecast_basis, MONTH, rules, record.extracted_at),
                    due,
                    cover,
                    made,
                    load,
                    agreed,
                    owners,
                ),
                MONTH,
                rules,
            ),
            sources.source_attainment(made, MONTH, rules, record.extracted_at),
            forecast_calls(stated.calls, shared, lands, owners, MONTH, rules, record.extracted_at),
            agreed,
            load,
            account_load(*ahead),
            pipeline_stages(snap, shared, history.extract.stages, MONTH, rules),
            decided_deals(snap, shared, MONTH, rules),
            dimension_breakdown(snap, shared, MONTH, rules, is_read=history.dimension is not None),
        )
        return tables, rules


def demo_reports() -> list[MonthEndReport]:
    """Return the documents of that month."""
    return reports_of_demo(*demo_month())


def reports_of_demo(tables: MonthTables, rules: MonthRules) -> list[MonthEndReport]:
    """Return the documents of that month by rules that may say otherwise how pages look."""
    edition = Variant(MONTH, rules, is_demo=True, records_at=DEMO_RECORDS)
    return list(month_end_reports(tables, edition, Readers(themes_of(POLICY, rules))))
