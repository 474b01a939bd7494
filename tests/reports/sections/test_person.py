"""The personal page: one sheet, in the reader's own terms."""

from dataclasses import replace
from decimal import Decimal

import pypdfium2
import pytest

from reports.rendering import pdf as render
from reports.sections.person import personal_sections
from tests.reports.months import render_job_of, reports_of, tables_of
from tests.reports.sections.test_headline import view, view_of, with_cells


def titles(**changed: object) -> list[str]:
    return [each.title for each in personal_sections(view("person", **changed)) if each]


def test_a_page_has_its_parts_in_order() -> None:
    assert titles() == [
        "Your year by month",
        "Month, quarter, year",
        "Deals of the next 90 days",
        "To tidy up",
        "What changed in the month",
    ]


def test_at_most_six_deals_and_what_is_asked_first() -> None:
    tables, variant = tables_of(17)
    one = view_of(tables, variant, "person")
    (deals,) = [each for each in personal_sections(one) if each and each.key == "closing"]
    assert len(deals.tables[0].rows) == 6
    assert "more deals are in the attached closing_plan.csv" in deals.tables[0].note
    first = one.data.actions("person", "005A")[0]["opportunity_id"]
    named = one.data.deals.named(first)
    assert named is not None
    assert str(deals.tables[0].rows[0].cells[0]) == str(one.deal_link(named))


def test_a_protected_deal_is_asked_about() -> None:
    kept = with_cells(tables_of(4)[0].closing_plan, flags="slow protect")
    (deals,) = [
        each
        for each in personal_sections(view("person", closing_plan=kept))
        if each and each.key == "closing"
    ]
    assert {row.cells[1] for row in deals.tables[0].rows} == {"ask when; do not push"}


@pytest.mark.parametrize("paper", ["A4", "Letter"])
def test_a_page_is_one_sheet(paper: str) -> None:
    """Whatever names the deals have; the longest ones are cut."""
    for report in reports_of(17):
        if report.kind == "person":
            job = render_job_of(replace(report, theme=replace(report.theme, paper=paper)))
            with pypdfium2.PdfDocument(render.pdf_of(job)) as document:
                assert len(document) == 1


def test_who_has_left_is_told_what_is_open_and_to_hand_it_over() -> None:
    """Overdue deals too, and nothing that looks ahead."""
    table = tables_of(4)[0].phased_targets
    ahead = (table["owner_id"] == "005A") & (table["month"] > "2026-04")
    ended = (
        table["baseline_target"].where(~ahead, Decimal(0)).astype(table["baseline_target"].dtype)
    )
    sections = personal_sections(view("person", phased_targets=table.assign(baseline_target=ended)))
    assert {each.key for each in sections if each} == {"year", "closing", "changes"}
    (deals,) = [each for each in sections if each and each.key == "closing"]
    assert deals.title == "Deals that are still in your name"
    named = {str(row.cells[0]): row.cells[1] for row in deals.tables[0].rows}
    assert "Client: Deal 901" in named  # it is overdue
    assert set(named.values()) == {"hand over"}
