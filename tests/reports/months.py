"""A printed month for tests: the tables of a small firm with hostile names."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

from reports.document.document import PLAIN, MonthEndReport, Variant
from reports.document.month_tables import MonthTables
from reports.document.theme import Theme
from reports.month_end import Readers, month_end_reports
from reports.rendering import pdf as render
from reports.rendering.pdf import RenderJob
from reports.text import formats
from sales.calendar import Month
from sales.checks import findings as quality
from sales.contracts.contract import empty
from sales.contracts.history import MonthlyBookings
from sales.contracts.raw import RawTargets
from sales.coverage import coverage, movement
from sales.coverage import deal_changes as changes
from sales.coverage.deal_chances import deal_chances
from sales.coverage.decided_deals import decided_deals
from sales.coverage.dimension_breakdown import dimension_breakdown
from sales.coverage.pipeline_stages import pipeline_stages
from sales.forecast import actions as orders
from sales.forecast import backtest as record
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
from sales.history.extract import people
from sales.history.reconstruction import PipelineHistory
from sales.statistics.deal_outcomes import forecast_basis
from sales.statistics.point_in_time import PointInTimeData
from sales.targets import annual_targets, attainment
from sales.targets import phased_targets as targets
from sales.targets import stated_plans as stated
from sales.targets.stated_plans import PlanBook, StatedCall
from tests.fakes import (
    EXTRACTED_AT,
    ORGANIZATION,
    book,
    deal,
    extract,
    frame,
    no_rates,
    saved,
    target,
)
from tests.sales.firms import FirmMonth

MONTH = Month(2026, 4)
HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "{{ 7*7 }}{% raw %}",
    "</style><style>*{display:none}",
    "url(http://example.invalid/a)",
    "&lt;b&gt;",
    "'; DROP TABLE deals; --",
    '=HYPERLINK("http://example.invalid")',
    "file:///etc/passwd",
    "<svg onload=alert(1)>",
    "@import url(x)",
    "\u202eright to left",
    "control\x07\x00\x1b[31m",
    "x" * 5000,
    "日本語テキスト",
    "\U0001f4a9 emoji",
    "javascript:alert(1)",
)


@lru_cache(maxsize=4)
def tables_of(
    size: int = 17, policy: str = "", calls: tuple[StatedCall, ...] = ()
) -> tuple[MonthTables, Variant]:
    """Return a month's tables with `size` open deals whose names are hostile, and two people with targets."""
    history, deals = [], []
    for number in range(1, size + 1):
        owner = "005A" if number % 2 else "005B"
        deals.append(deal(number, name=HOSTILE[number % len(HOSTILE)], owner_id=owner))
        history.append(
            saved(
                number,
                "2026-01-05 10:00",
                amount=1000 * number,
                close_date=date(2026, 5, 1 + number % 28),
            )
        )
    deals += [deal(900), deal(901), deal(902, owner_id="005B")]
    history += [
        saved(
            900, "2026-02-03 10:00", stage_name="Won", amount=40_000, close_date=date(2026, 2, 3)
        ),
        saved(901, "2026-02-03 10:00", amount=7_000, close_date=date(2026, 4, 2)),
        saved(902, "2026-02-03 10:00", amount=None, close_date=date(2026, 5, 2)),
    ]
    one = extract(deals, history)
    policies = book(policy)
    rules = policies.for_month(MONTH, ORGANIZATION)
    its = PipelineHistory(one, "EUR", 2)
    known = [(each, rules) for each in rules.calendar.year_of(MONTH).months if each <= MONTH]
    raw = frame(RawTargets, [target("005A", 120_000), target("005B", 60_000)])
    in_force = {
        each: annual_targets.in_force(raw, no_rates, each, policies, ORGANIZATION)
        for each, _ in known
    }
    owners = people(one, "role")
    snap = snapshot.opportunity_snapshot(its, MONTH, rules)
    bookings = snapshot.monthly_bookings(
        [(*pair, its) for pair in known], MONTH, rules, EXTRACTED_AT
    )
    shared = credit.booking_credit(snap, one, owners, MONTH, rules)
    phased = targets.phased_targets(
        in_force, bookings, owners, MONTH, policies, ORGANIZATION, EXTRACTED_AT
    )
    panel = PointInTimeData(its, MONTH, rules)
    forecast_evidence = forecast_basis(panel.known_at(MONTH.index))
    cover = coverage.pipeline_coverage(snap, shared, phased, MONTH, rules, forecast_evidence)
    by_client = clients.client_phasing(snap, forecast_evidence, MONTH, rules)
    plans = [targets.plan(each, rules) for each in in_force[MONTH]]
    made = generation.pipeline_generation(forecast_evidence, phased, MONTH, rules, EXTRACTED_AT)
    coming = numbers.coming_month(forecast_evidence, snap, shared, phased, MONTH, rules)
    due = closing.closing_plan(snap, MONTH, rules)
    opening = snapshot.opening_snapshot(its, MONTH.plus(-1), rules, snap)
    load = delivery_load(snap, forecast_evidence, stated.NO_PLANS, MONTH, rules, EXTRACTED_AT)
    agreed = client_agreements(snap, (), MONTH, rules, EXTRACTED_AT)
    lands = forecast.landing_forecast(forecast_evidence, snap, shared, phased, MONTH, rules)
    tables = MonthTables(
        snap,
        shared,
        phased,
        bookings,
        attainment.target_attainment(snap, shared, phased, MONTH, rules),
        cover,
        movement.pipeline_movement(
            movement.month_end(opening, its.extract, MONTH.plus(-1), rules),
            movement.month_end(snap, its.extract, MONTH, rules),
            phased,
        ),
        due,
        quality.data_quality(
            snap, shared, phased, owners, MONTH, rules, "00D", formats.repertoire()
        ),
        lands,
        by_client,
        made,
        record.track_record(panel, MONTH, rules, owners, lambda _: None, EXTRACTED_AT),
        catch_up.phasing_check(
            plans, forecast_evidence.known, owners, MONTH, policies, ORGANIZATION, EXTRACTED_AT
        ),
        stated.target_padding(phased, stated.NO_PLANS, MONTH, rules, EXTRACTED_AT),
        stated.bottom_up_plan(phased, by_client, stated.NO_PLANS, MONTH, rules, EXTRACTED_AT),
        coming,
        changes.deal_changes(opening, snap, MONTH, rules),
        orders.actions(
            ActionFacts(
                snap,
                shared,
                phased,
                coming,
                deal_chances(forecast_evidence, MONTH, rules, EXTRACTED_AT),
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
        sources.source_attainment(made, MONTH, rules, EXTRACTED_AT),
        forecast_calls(calls, shared, lands, owners, MONTH, rules, EXTRACTED_AT),
        agreed,
        load,
        account_load(snap, forecast_evidence, stated.NO_PLANS, MONTH, rules, EXTRACTED_AT),
        pipeline_stages(snap, shared, its.extract.stages, MONTH, rules),
        decided_deals(snap, shared, MONTH, rules),
        dimension_breakdown(snap, shared, MONTH, rules, is_read=False),
    )
    return tables, Variant(MONTH, rules, is_demo=False)


def tables_of_firm(one: FirmMonth, book: PlanBook = stated.NO_PLANS) -> tuple[MonthTables, Variant]:
    """Return the tables of a month of a generated firm with a long past."""
    month, rules, extracted_at = one.month, one.rules, one.extract.extracted_at
    opening = snapshot.opening_snapshot(one.history, month.plus(-1), rules, one.snapshot)
    tables = MonthTables(
        one.snapshot,
        one.credit,
        one.phased,
        empty(MonthlyBookings),
        attainment.target_attainment(one.snapshot, one.credit, one.phased, month, rules),
        one.coverage,
        movement.pipeline_movement(
            movement.month_end(opening, one.extract, month.plus(-1), rules),
            movement.month_end(one.snapshot, one.extract, month, rules),
            one.phased,
        ),
        one.closing,
        quality.data_quality(
            one.snapshot,
            one.credit,
            one.phased,
            one.owners,
            month,
            rules,
            "00D",
            formats.repertoire(),
        ),
        one.landing,
        one.clients,
        one.generation,
        one.record,
        one.phasing_check,
        stated.target_padding(one.phased, book, month, rules, extracted_at),
        stated.bottom_up_plan(one.phased, one.clients, book, month, rules, extracted_at),
        one.coming,
        changes.deal_changes(opening, one.snapshot, month, rules),
        one.actions,
        one.sources,
        one.calls(book.calls),
        one.agreements(book),
        one.load(book),
        one.account_load(book),
        pipeline_stages(one.snapshot, one.credit, one.extract.stages, month, rules),
        decided_deals(one.snapshot, one.credit, month, rules),
        dimension_breakdown(
            one.snapshot, one.credit, month, rules, is_read=one.history.dimension is not None
        ),
    )
    return tables, Variant(month, rules, is_demo=False)


def reports_of(size: int = 17, policy: str = "", **values: Any) -> list[MonthEndReport]:
    """Return the documents of such a month; `values` change the edition."""
    tables, variant = tables_of(size, policy)
    return list(month_end_reports(tables, replace(variant, **values), Readers()))


def render_job_of(report: MonthEndReport, html: str | None = None) -> RenderJob:
    """Return a document's proof without its tables, or that of another page."""
    return RenderJob(
        html or render.html_of(report),
        report.theme,
        datetime(2026, 5, 1, tzinfo=UTC),
        "2026-04 a.pdf",
    )


def page(html: str, theme: Theme = PLAIN) -> RenderJob:
    """Return the proof of a bare page."""
    return RenderJob(html, theme, datetime(2026, 5, 1, tzinfo=UTC))
