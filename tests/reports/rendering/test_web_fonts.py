"""The typeface that pages carry into a browser: what texts need is in it, as wide as where charts were laid out."""

import pytest
from fontTools.ttLib import TTFont
from playwright.sync_api import sync_playwright

from benchmarks.chromium import executable
from reports.rendering import pdf as render
from reports.rendering.web_fonts import characters, file_of
from reports.text import formats
from reports.text.i18n import LANGUAGES, catalogue
from tests.end_to_end.dagster_ui import with_fonts_of_the_machine
from tests.reports.months import reports_of


@pytest.mark.parametrize("weight", formats.WEIGHTS)
def test_a_file_has_what_the_font_has_of_its_characters_and_is_as_wide(weight: int) -> None:
    whole, small = TTFont(formats.FONTS / formats.WEIGHTS[weight]), TTFont(file_of(weight))
    glyphs, kept = whole.getBestCmap(), small.getBestCmap()
    assert glyphs is not None
    assert kept is not None
    assert set(kept) == characters() & set(glyphs)
    for code, glyph in kept.items():
        wide, narrow = (
            font["hmtx"][name][0] / font["head"].unitsPerEm  # type: ignore[attr-defined]
            for font, name in ((whole, glyphs[code]), (small, glyph))
        )
        assert narrow == wide, chr(code)


def test_every_letter_of_our_own_texts_is_in_it() -> None:
    texts = [
        str(each)
        for code in LANGUAGES
        for message in catalogue(code)
        for each in (message.id, message.string)
    ]
    used = {ord(letter) for text in texts for letter in text if letter.isprintable()}
    assert used - characters() == set()


@pytest.mark.slow
def test_a_browser_draws_pages_with_it_and_asks_nobody() -> None:
    if (program := executable()) is None:
        pytest.skip("there is no Chromium on this machine")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=program, args=["--no-sandbox"], env=dict(with_fonts_of_the_machine())
        )
        page = browser.new_page(viewport={"width": 390, "height": 800})
        page.on("request", lambda request: asked.append(request.url))
        page.set_content(render.browser_html_of(reports_of(4)[0]))
        loaded: list[str] = page.evaluate(
            "document.fonts.ready.then(all => [...all].map(each => `${each.weight} ${each.status}`))"
        )
        drawn: str = page.evaluate(
            "getComputedStyle(document.querySelector('svg text')).fontFamily"
        )
        browser.close()
    assert sorted(loaded) == ["400 loaded", "600 loaded"]
    assert drawn.startswith('"Onpace Sans"')
    assert [each for each in asked if not each.startswith(("about:", "data:"))] == []
