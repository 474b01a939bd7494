import re
from dataclasses import replace

import pytest
from syrupy.assertion import SnapshotAssertion

from reports import render, sections
from reports.document import MonthEndReport
from reports.month_end import month_end_reports
from tests.reports.months import tables_of


@pytest.fixture(scope="module")
def reports() -> dict[str, MonthEndReport]:
    return {f"{report.kind} {report.grain_id}": report for report in month_end_reports(*tables_of(4))}


def section(html: str, title: str) -> str:
    parts = re.split(r"(?=<section)", html)
    return next(part for part in parts if f"<h2>{title}</h2>" in part).split("</section>")[0]


def test_there_is_a_document_for_the_company_each_team_and_each_person(reports: dict[str, MonthEndReport]) -> None:
    assert list(reports) == ["company Acme", "team North", "team South", "person 005A", "person 005B"]


def test_the_first_lines_say_what_happened_and_where_the_year_stands(reports: dict[str, MonthEndReport]) -> None:
    """By hand: 60,000 planned for four months of 15,000; 40,000 won in February; Q3 has nothing open."""
    company = reports["company Acme"]
    assert company.sentences[:2] == (
        "April 2026 booked €0, 0% of its target of €15k.",
        "The year to date stands at €40k, 67% of the phased target: €20k behind.",
    )
    assert [(tile.name, tile.value) for tile in company.tiles[:3]] == [("Year to date", "€40k"), ("Attainment", "67%"), ("Still to win", "€140k")]


def test_sentences_follow_their_conditions(reports: dict[str, MonthEndReport]) -> None:
    ann, bob = reports["person 005A"], reports["person 005B"]
    assert "exactly" not in " ".join(ann.sentences)
    assert any("€20k behind" in sentence for sentence in bob.sentences)
    assert any(sentence.endswith("€0 ahead.") or "ahead" in sentence for sentence in ann.sentences)


def test_every_section_of_the_company_pack_as_html(reports: dict[str, MonthEndReport], snapshot: SnapshotAssertion) -> None:
    html = render.html_of(reports["company Acme"])
    for title in re.findall("<h2>(.*?)</h2>", html):
        assert section(html, title) == snapshot(name=title)


def test_a_persons_page_as_html(reports: dict[str, MonthEndReport], snapshot: SnapshotAssertion) -> None:
    html = render.html_of(reports["person 005B"])
    assert section(html, "The year, month by month") == snapshot


def test_the_demo_says_so_on_every_page_and_real_data_does_not(reports: dict[str, MonthEndReport]) -> None:
    real = reports["company Acme"]
    assert "demonstration" not in render.html_of(real)
    demo = render.html_of(replace(real, is_demo=True))
    assert 'class="running-right">April 2026 · demonstration data from the embedded org' in demo


def test_long_lists_are_cut_and_say_how_much_is_missing() -> None:
    company = month_end_reports(*tables_of(120))[0]
    table = next(section for section in company.sections if section.title == "Due in the next 90 days").tables[0]
    assert len(table.rows) == 40
    assert table.note == "The 40 largest, by close date; 81 more are in the table closing_plan."


def test_columns_of_every_table_fill_the_page(reports: dict[str, MonthEndReport]) -> None:
    tables = [table for report in reports.values() for section in report.sections for table in section.tables]
    assert tables
    assert all(sum(column.width for column in table.columns) == 100 for table in tables)
    assert all(len(row.cells) == len(table.columns) for table in tables for row in table.rows)


def test_a_large_firm_still_fits_its_figures_on_a_page(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sections, "MOST_BARS", 3)
    monkeypatch.setattr(sections, "MOST_PANELS", 1)
    company = month_end_reports(*tables_of(4))[0]
    captions = {section.title: section.caption for section in company.sections}
    assert captions["Who is where"].endswith("1 more are in the table only.")
    assert captions["Is there enough in the pipeline"].endswith("2 more are in the table only.")
