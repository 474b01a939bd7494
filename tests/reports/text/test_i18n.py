"""Every text of the pages exists in every language, with the same values in it."""

import ast
import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from string import Formatter

import pytest
from markupsafe import Markup

import reports
from reports.month_end import Readers, month_end_reports
from reports.text import i18n as languages
from reports.text.i18n import catalogue, language
from sales.calendar import Month
from sales.policy.sections import LANGUAGES
from tests.reports.months import reports_of, tables_of

ROOM = Path(reports.__file__).parent
Message = str | tuple[str, str]
# Texts that English writes as other languages do, and codes.
SAME_IN_GERMAN = {"Chance", "Name", "Person", "Team", "{team}: {why}"}


def written() -> set[Message]:
    """Every text that the pages say, read off the code."""
    found: set[Message] = set()
    for path in ROOM.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if not isinstance(node, ast.Call):
                continue
            name = (
                node.func.attr
                if isinstance(node.func, ast.Attribute)
                else getattr(node.func, "id", "")
            )
            texts = tuple(
                each.value
                for each in node.args
                if isinstance(each, ast.Constant) and isinstance(each.value, str)
            )
            if name in {"say", "marked"} and texts:
                found.add(texts[0])
            elif name == "say_many":
                assert len(texts) == 2, f"{path.name}:{node.lineno}: two forms"
                found.add((texts[0], texts[1]))
            elif name == "say" and isinstance(node.args[0], ast.JoinedStr):
                pytest.fail(
                    f"{path.name}:{node.lineno}: a text that is put together cannot be translated"
                )
    return found


def fields(text: str) -> set[str]:
    return {name for _, name, _, _ in Formatter().parse(text) if name is not None}


def test_there_are_texts() -> None:
    assert len(written()) > 200


@pytest.mark.parametrize("code", [code for code in LANGUAGES if not code.startswith("en")])
def test_every_text_is_translated_with_its_values_and_none_is_left_over(code: str) -> None:
    """A missing translation would print English in the middle of a page."""
    known = {message.id: message.string for message in catalogue(code) if message.id}
    assert {each for each in written() if not known.get(each)} == set(), (
        "texts without a translation"
    )
    assert set(known) - written() == set(), "translations of texts that are gone"
    for source, target in known.items():
        pairs = (
            [(source, target)]
            if isinstance(source, str)
            else list(zip(source, target, strict=True))
        )
        for one, other in pairs:
            assert fields(one) == fields(other), one
            assert one != other or one in SAME_IN_GERMAN, f"{one!r} is not translated"


def test_a_page_in_german_has_german_words_numbers_and_dates() -> None:
    tables, variant = tables_of(4, '[brand]\nlanguages = ["de"]')
    company = next(iter(month_end_reports(tables, variant)))
    assert (
        company.statements[0].text
        == "April 2026 brachte 0\xa0€, 0\xa0% des Ziels von 15\xa0Tsd.\xa0€."
    )
    assert company.title == "Acme: Vertrieb zum Monatsende"
    assert company.labels.actions == "Was jetzt geschehen muss"
    english = {section.title for section in reports_of(4)[0].sections}
    assert not english & {section.title for section in company.sections}


def test_documents_are_printed_in_each_language_of_their_readers() -> None:
    policy = '[brand]\nlanguages = ["en", "de"]\n[brand.teams.South]\nlanguages = ["de"]\n'
    tables, variant = tables_of(4, policy)
    found = [
        (each.kind, each.grain_id, each.language.code, each.variant)
        for each in month_end_reports(tables, variant)
    ]
    assert found == [
        ("company", "Acme", "en", ""),
        ("company", "Acme", "de", "de"),
        ("team", "North", "en", ""),
        ("team", "North", "de", "de"),
        ("team", "South", "de", ""),
        ("person", "005A", "en", ""),
        ("person", "005A", "de", "de"),
        ("person", "005B", "de", ""),
    ]


def test_an_edition_is_printed_for_whoever_asks_for_it() -> None:
    """A recipient of the company pack reads German on Letter; another one only wants the paper."""
    tables, variant = tables_of(4)
    asked = {
        ("company", None): {("de", "Letter"), (None, "Letter"), ("en", None)},
        ("person", "005B"): {("de", None)},
    }
    found = [
        (each.kind, each.variant, each.language.code, each.theme.paper)
        for each in month_end_reports(tables, variant, Readers(variants=asked))
    ]
    assert found == [
        ("company", "", "en", "A4"),
        ("company", "de.letter", "de", "Letter"),
        ("company", "letter", "en", "Letter"),
        ("team", "", "en", "A4"),
        ("team", "", "en", "A4"),
        ("person", "", "en", "A4"),
        ("person", "", "en", "A4"),
        ("person", "de", "de", "A4"),
    ]


def test_values_are_never_read_as_texts() -> None:
    """A deal called {0.__class__} must stay that."""
    assert (
        language("en").say("Booked {amount}", amount="{amount.__class__} {0}")
        == "Booked {amount.__class__} {0}"
    )
    shown = language("de").say("Booked {amount}", amount=Markup("<b>{}</b>").format("<i>"))
    assert shown == Markup("Gebucht <b>&lt;i&gt;</b>")
    mixed = language("en").say(
        "{name} from {low} to {high}, chance {chance}",
        name="<script>",
        low=Markup("<b>1</b>"),
        high="&",
        chance="",
    )
    assert mixed == "&lt;script&gt; from <b>1</b> to &amp;, chance "


def test_plural_forms_go_with_the_number() -> None:
    assert [language("de").deals(n) for n in (0, 1, 2, 1234)] == [
        "0 Deals",
        "1 Deal",
        "2 Deals",
        "1.234 Deals",
    ]


def test_american_readers_get_their_dates() -> None:
    assert language("en-US").day(date(2026, 11, 3)) == "Nov 3, 2026"
    assert language("en").day(date(2026, 11, 3)) == "3 Nov 2026"


def test_german_money_and_months() -> None:
    german = language("de")
    assert german.money(Decimal("-1234567.5"), "EUR") == "−1.234.568\xa0€"
    assert [
        german.short_money(Decimal(each), "EUR")
        for each in (999, 402_000, 1_402_000, 2_500_000_000)
    ] == [
        "999\xa0€",
        "402\xa0Tsd.\xa0€",
        "1,40\xa0Mio.\xa0€",
        "2,50\xa0Mrd.\xa0€",
    ]
    assert (german.month_name(Month(2026, 3)), german.short_month(Month(2026, 3))) == (
        "März 2026",
        "Mär",
    )
    assert german.exact_share(0.0936) == "9,4\xa0%"


def test_catalogues_name_no_person_and_no_tool_of_the_trade() -> None:
    for path in languages.TRANSLATIONS.glob("*.po"):
        assert not re.search(r"@|Report-Msgid|Last-Translator", path.read_text(encoding="utf-8"))
