"""Lists of deals in a browser: read without a script, sorted and filtered with one."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from app.server.app import PAGE_POLICY
from benchmarks.chromium import executable
from reports.document.document import MonthEndReport, Table
from reports.rendering import pdf as render
from reports.rendering.table_script import table_script
from tests.end_to_end.dagster_ui import with_fonts_of_the_machine
from tests.reports.months import reports_of


@pytest.fixture(scope="module")
def report() -> MonthEndReport:
    return reports_of(40)[0]


def listing(report: MonthEndReport) -> Table:
    tables = [table for each in report.sections for table in each.tables if table.is_listing]
    assert len(tables) == 1
    return tables[0]


@pytest.fixture(scope="module", params=[True, False], ids=["with script", "without"])
def page(report: MonthEndReport, request: pytest.FixtureRequest) -> Iterator[tuple[Page, bool]]:
    if (program := executable()) is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env=dict(with_fonts_of_the_machine())
        )
        context = browser.new_context(
            viewport={"width": 390, "height": 800}, java_script_enabled=request.param
        )
        shown = context.new_page()
        faults: list[str] = []
        shown.on("console", lambda message: faults.append(message.text))
        shown.set_content(render.browser_html_of(report))
        yield shown, request.param
        browser.close()
    assert faults == []


def column(page: Page, number: int) -> list[str]:
    cells = page.locator(f"table.listing tbody tr:visible > :nth-child({number})")
    return [each.strip() for each in cells.all_inner_texts()]


@pytest.mark.slow
def test_a_list_is_read_sorted_and_filtered(
    page: tuple[Page, bool], report: MonthEndReport
) -> None:
    shown, runs = page
    table = listing(report)
    shown.locator("summary").click()
    assert len(column(shown, 1)) == len(table.rows) > 30
    heads = shown.locator("table.listing thead th")
    if not runs:
        assert shown.locator("input[type=search]").count() == 0
        assert heads.locator("button").count() == 0
        return
    place = [each.label for each in table.columns].index("Amount")
    known = sorted(float(row.keys[place] or 0) for row in table.rows if row.keys[place])
    by_amount = heads.nth(place).locator("button")
    by_amount.click()
    rising = column(shown, place + 1)
    assert heads.nth(place).get_attribute("aria-sort") == "ascending"
    keys = shown.locator(f"table.listing tbody td:nth-child({place + 1})")
    sorted_keys = [each.get_attribute("data-key") for each in keys.all()]
    assert [float(each) for each in sorted_keys if each] == known
    by_amount.click()
    falling = column(shown, place + 1)
    assert heads.nth(place).get_attribute("aria-sort") == "descending"
    empty = rising.count("-")
    assert 0 < empty < 10
    assert falling[-empty:] == rising[-empty:] == ["-"] * empty, "what is not known comes last"
    assert falling[:-empty] == rising[:-empty][::-1]
    shown.locator("input[type=search]").fill("ANN  may")
    left = shown.locator("table.listing tbody tr:visible").all_inner_texts()
    assert 0 < len(left) < len(table.rows)
    assert all("Ann" in each and "May" in each for each in left)
    shown.locator("input[type=search]").fill("")
    assert len(column(shown, 1)) == len(table.rows)


def test_paper_has_no_lists_and_only_their_page_has_the_script(report: MonthEndReport) -> None:
    assert "<details>" not in render.html_of(report)
    assert "<script>" not in render.html_of(report)
    html = render.browser_html_of(report)
    digest = table_script().digest
    assert html.count("<script>") == 1
    assert f"script-src '{digest}'" in html
    assert f"script-src '{digest}'" in PAGE_POLICY
    inside = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert inside == [str(table_script().text)]
    assert "<script" not in render.browser_html_of(reports_of(2)[0])
