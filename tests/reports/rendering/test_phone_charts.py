"""Charts on a phone: they are drawn for it, fit its width, and their words do not touch."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from benchmarks.chromium import executable
from reports.document.document import MonthEndReport
from reports.month_end import month_end_reports
from reports.rendering import pdf as render
from tests.end_to_end.dagster_ui import with_fonts_of_the_machine
from tests.reports.sections.test_landing import month_tables

pytestmark = pytest.mark.slow
# Words of one chart that lie over each other by more than a pixel either way.
TOUCHING = """
[...document.querySelectorAll(".figure.narrow svg")].flatMap((chart) => {
  const words = [...chart.querySelectorAll("text")].map((each) => [each.textContent, each.getBoundingClientRect()]);
  return words.flatMap(([one, a], n) => words.slice(n + 1)
    .filter(([, b]) => Math.min(a.right, b.right) - Math.max(a.left, b.left) > 1
                    && Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top) > 2.5)
    .map(([other]) => `${one} | ${other}`));
})
"""


@pytest.fixture(scope="module")
def report() -> MonthEndReport:
    return next(iter(month_end_reports(*month_tables())))


@pytest.fixture(scope="module")
def page(report: MonthEndReport) -> Iterator[Page]:
    if (program := executable()) is None:
        pytest.skip("there is no Chromium on this machine")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env=dict(with_fonts_of_the_machine())
        )
        shown = browser.new_page(viewport={"width": 390, "height": 800})
        shown.set_content(render.browser_html_of(report))
        yield shown
        browser.close()


def test_a_phone_sees_its_own_charts_and_a_desk_the_printed_ones(
    page: Page, report: MonthEndReport
) -> None:
    own = [each.key for each in report.sections if each.phone_figure]
    assert own == ["year", "movement", "landing", "closing", "coverage", "record"]
    for width, seen, hidden in ((390, "narrow", "wide"), (1000, "wide", "narrow")):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.locator(f".figure.{seen}:visible").count() == len(own)
        assert page.locator(f".figure.{hidden}:visible").count() == 0
    assert "narrow" not in render.html_of(report)


def test_the_words_of_a_phones_charts_do_not_touch_and_nothing_is_cut_off(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    assert page.evaluate(TOUCHING) == []
    sizes: list[float] = page.evaluate(
        "[...document.querySelectorAll('.figure.narrow text')].filter(each => each.textContent).map(each => each.getBoundingClientRect().height)"
    )
    assert min(sizes) > 9, "about eight pixels of type"
