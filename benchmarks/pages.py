"""A month of the demo company to print: the same pages for every renderer."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from assets.books import Books
from connectors.salesforce import SalesforceClient
from connectors.salesforce_login import Login
from local_org.company import company
from local_org.server import OrgServer, serving
from local_org.sessions import DEFAULT_CREDENTIAL
from reports import formats
from reports.brand import looks_of
from reports.document import Edition, MonthEndReport
from reports.grain_tables import MonthTables
from reports.month_end import Readers, month_end_reports
from reports.press import DEMO_RECORDS
from sales import (
    attainment,
    catch_up,
    clients,
    closing,
    coverage,
    credit,
    forecast,
    generation,
    movement,
    plans,
    quality,
    snapshot,
    targets,
    track_record,
)
from sales.calendar import Month
from sales.policy import MonthRules

POLICY = Path(__file__).parents[1] / "policy"
MONTH = Month(2026, 10)


def demo_month() -> tuple[MonthTables, MonthRules]:
    """Return the tables of a month of the demo company, and its rules."""
    with TemporaryDirectory() as folder, serving(OrgServer(company(1, (2026, 10)).org())) as address:
        login = Login("", DEFAULT_CREDENTIAL, DEFAULT_CREDENTIAL, address)
        books = Books(Path(folder), POLICY, lambda: SalesforceClient(login), "bench", lambda: datetime(2026, 11, 3, tzinfo=UTC))
        record = books.freeze(MONTH, lambda _: None)
        rules, history, folk = books.rules(MONTH), books.history(MONTH), books.people(MONTH)
        organization = books.organization(MONTH)
        snap = snapshot.opportunity_snapshot(history, MONTH, rules)
        bookings = snapshot.monthly_bookings(books.year_to_date(MONTH), MONTH, rules, record.extracted_at)
        shared = credit.booking_credit(snap, history.extract, folk, MONTH, rules)
        phased = targets.phased_targets(books.targets_in_force(MONTH), bookings, folk, MONTH, books.policies, organization, record.extracted_at)
        forecasts, foresight = books.forecasts, books.forecasts.foresight(MONTH)
        by_client, stated = clients.client_phasing(snap, foresight, MONTH, rules), forecasts.plan_book(MONTH)
        of_plan = closing.plan_forecast(foresight, forecasts.confirmation_score(MONTH), snap, shared, phased, MONTH, rules)
        tables = MonthTables(
            snap, shared, phased, bookings, attainment.target_attainment(snap, shared, phased, MONTH, rules),
            coverage.pipeline_coverage(snap, shared, phased, MONTH, rules, foresight),
            movement.pipeline_movement(snapshot.opening_snapshot(history, MONTH, rules, snap), snap, phased, MONTH, rules),
            closing.closing_plan(snap, MONTH, rules, of_plan),
            quality.data_quality(snap, shared, phased, folk, MONTH, rules, organization.organization_id, formats.repertoire()),
            forecast.landing_forecast(foresight, snap, shared, phased, MONTH, rules), by_client,
            generation.pipeline_generation(foresight, phased, MONTH, rules, record.extracted_at),
            track_record.track_record(forecasts.panel(MONTH), MONTH, rules, folk, lambda origin: forecasts.targets_at(origin, MONTH), record.extracted_at),
            catch_up.phasing_check(forecasts.plans(MONTH), foresight, folk, MONTH, books.policies, organization, record.extracted_at),
            plans.target_padding(phased, stated, MONTH, rules, record.extracted_at),
            plans.bottom_up_plan(phased, by_client, stated, MONTH, rules, record.extracted_at),
        )  # fmt: skip
        return tables, rules


def demo_reports() -> list[MonthEndReport]:
    """Return the documents of that month."""
    tables, rules = demo_month()
    looks = Readers(looks_of(POLICY, rules))
    return list(month_end_reports(tables, Edition(MONTH, rules, is_demo=True, records_at=DEMO_RECORDS), looks))
