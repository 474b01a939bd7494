import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from reports.document.document import MonthEndReport
from reports.rendering import pdf as render
from reports.sections import people, pipeline
from sales.contracts.published import PUBLISHED
from sales.policy.sections import LANGUAGES
from tests.reports.months import reports_of


@pytest.fixture(scope="module")
def reports() -> dict[str, MonthEndReport]:
    return {f"{report.kind} {report.grain_id}": report for report in reports_of(4)}


def section(html: str, title: str) -> str:
    parts = re.split(r"(?=<section)", html)
    return next(part for part in parts if f"<h2>{title}</h2>" in part).split("</section>")[0]


def test_there_is_a_document_for_the_company_each_team_and_each_person(
    reports: dict[str, MonthEndReport],
) -> None:
    assert list(reports) == [
        "company Acme",
        "team North",
        "team South",
        "person 005A",
        "person 005B",
    ]


def test_the_first_lines_say_what_happened_and_where_the_year_stands(
    reports: dict[str, MonthEndReport],
) -> None:
    """By hand: 60,000 planned for four months of 15,000; 40,000 won in February; Q3 has nothing open."""
    company = reports["company Acme"]
    assert [each.text for each in company.statements[:2]] == [
        "April 2026 booked €0, 0% of its target of €15k.",
        "The year to date stands at €40k, 67% of the phased target: €20k behind.",
    ]
    assert [(tile.name, tile.value) for tile in company.tiles[:3]] == [
        ("April 2026", "€0"),
        ("Year to date", "€40k"),
        ("Still to win", "€140k"),
    ]


def test_everything_said_on_the_first_page_names_its_table(
    reports: dict[str, MonthEndReport],
) -> None:
    said = [
        each.source for report in reports.values() for each in (*report.statements, *report.actions)
    ]
    assert said
    assert set(said) <= set(PUBLISHED)


def test_every_section_of_the_company_pack_as_html(
    reports: dict[str, MonthEndReport], snapshot: SnapshotAssertion
) -> None:
    html = render.html_of(reports["company Acme"])
    for title in re.findall(r"<section[^>]*>\s*<h2>(.*?)</h2>", html):
        assert section(html, title) == snapshot(name=title)


def test_a_persons_page_as_html(
    reports: dict[str, MonthEndReport], snapshot: SnapshotAssertion
) -> None:
    html = render.html_of(reports["person 005B"])
    assert section(html, "Month, quarter, year") == snapshot


def test_the_demo_says_so_on_every_page_and_real_data_does_not(
    reports: dict[str, MonthEndReport],
) -> None:
    real = reports["company Acme"]
    assert "demonstration" not in render.html_of(real)
    demo = render.html_of(replace(real, is_demo=True))
    assert 'class="running-right">April 2026 · demonstration data from the embedded org' in demo


def test_long_lists_are_cut_and_say_how_much_is_missing() -> None:
    company = reports_of(120)[0]
    table = next(section for section in company.sections if section.key == "closing").tables[0]
    assert len(table.rows) == 8
    assert table.title == "Can be confirmed now: the 8 of 121 that bring most"
    assert len(company.attachments["closing_plan"]) == 122


def test_columns_of_every_table_fill_the_page(reports: dict[str, MonthEndReport]) -> None:
    tables = [
        table
        for report in reports.values()
        for section in report.sections
        for table in section.tables
    ]
    assert tables
    assert all(sum(column.width for column in table.columns) == 100 for table in tables)
    assert all(len(row.cells) == len(table.columns) for table in tables for row in table.rows)
    assert all(column.label for table in tables for column in table.columns), (
        "a head without words helps nobody who listens to it"
    )


def test_every_link_inside_a_document_leads_somewhere(reports: dict[str, MonthEndReport]) -> None:
    for report in reports.values():
        html = render.html_of(report)
        assert set(re.findall(r'href="#([^"]+)"', html)) <= set(
            re.findall(r'id="([^"]+)"', html)
        ), report.title


def test_records_are_linked_only_where_they_can_be_opened() -> None:
    assert 'class="record"' not in render.html_of(reports_of(4)[0])
    linked = render.html_of(reports_of(4, records_at="https://acme.my.salesforce.com")[0])
    assert 'href="https://acme.my.salesforce.com/006000000000001AAA"' in linked


def test_a_large_firm_still_fits_its_figures_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipeline, "MOST_PANELS", 1)
    monkeypatch.setattr(pipeline, "MOST_ROWS", 2)
    monkeypatch.setattr(people, "MOST_ROWS", 2)
    company = reports_of(4)[0]
    found = {section.key: section for section in company.sections}
    assert found["coverage"].caption.endswith("2 more are in the attached pipeline_coverage.csv.")
    assert (
        found["attainment"]
        .tables[0]
        .note.endswith("2 more are in the attached target_attainment.csv.")
    )
    assert (
        found["coverage_by_period"]
        .tables[0]
        .note.endswith("more rows are in the attached pipeline_coverage.csv.")
    )
    assert [len(found[key].tables[0].rows) for key in ("attainment", "coverage_by_period")] == [
        2,
        2,
    ]


@pytest.mark.parametrize("code", LANGUAGES)
def test_every_language_that_policy_may_name_is_printed(code: str) -> None:
    company = reports_of(4, f'[brand]\nlanguages = ["{code}"]\n')[0]
    assert company.language.code == code
    assert f'<html lang="{code}">' in render.html_of(company)
