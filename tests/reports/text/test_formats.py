from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports.document.document import ENGLISH
from reports.text import formats
from reports.text.i18n import language
from sales.calendar import Month


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (Decimal("1234567.5"), "EUR", "€1,234,568"),
        (Decimal("-0.4"), "GBP", "£0"),
        (Decimal(-1500), "GBP", "−£1,500"),
        (None, "EUR", "-"),
        (Decimal(9 * 10**12), "USD", "US$9,000,000,000,000"),
        (Decimal("5.55"), "JPY", "JP¥6"),
        (Decimal(10**36), "EUR", "€1,000,000,000,000,000,000,000,000,000,000,000,000"),
    ],
)
def test_money_in_whole_units(amount: Decimal | None, currency: str, words: str) -> None:
    assert ENGLISH.money(amount, currency) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [
        ("0", "£0"),
        ("999", "£999"),
        ("1500", "£2k"),
        ("402000", "£402k"),
        ("1234567", "£1.23m"),
        ("-30700000", "−£30.7m"),
        ("999600", "£1.00m"),
        ("999499", "£999k"),
        ("2500", "£2k"),
        ("9995000", "£10.0m"),
        ("999.6", "£1k"),
        ("0.40", "£0"),
        ("2500000000", "£2.50bn"),
        ("1234567890123456789012345678901234.56", "£1.23E33"),
    ],
)
def test_money_in_headlines(amount: str, words: str) -> None:
    assert ENGLISH.short_money(Decimal(amount), "GBP") == words


@pytest.mark.parametrize(
    ("code", "currency", "largest", "written"),
    [
        ("en", "GBP", "12345678", ["£12,345,678", "−£420,500", "£0", "-"]),
        ("en", "USD", "12345678", ["US$12,346k", "−US$420k", "US$0", "-"]),
        ("en", "USD", "1234567890", ["US$1,234.6m", "−US$0.4m", "US$0", "-"]),
        ("en", "JPY", "35866000000", ["JP¥35.87bn", "JP¥0.00bn", "JP¥0", "-"]),
        ("de", "EUR", "12345678", ["12.345.678\xa0€", "−420.500\xa0€", "0\xa0€", "-"]),
        ("de", "EUR", "105840000", ["105,8\xa0Mio.\xa0€", "−0,4\xa0Mio.\xa0€", "0\xa0€", "-"]),
    ],
)
def test_the_amounts_of_a_table_are_in_one_unit(
    code: str, currency: str, largest: str, written: list[str]
) -> None:
    amounts = [Decimal(largest), Decimal(-420500), Decimal(0), None]
    write = language(code).money_among(amounts, currency, 10.5)
    assert [write(each) for each in amounts] == written


def test_amounts_beyond_all_words_are_still_written() -> None:
    amount = Decimal("1e26")
    assert ENGLISH.money_among([amount], "USD", 10.5)(amount) == "US$1E26"


def test_an_empty_value_prints_a_dash_never_a_zero() -> None:
    empty = {
        ENGLISH.pct(None),
        ENGLISH.ratio(None),
        ENGLISH.count(None),
        ENGLISH.day(None),
        ENGLISH.chance(None),
        ENGLISH.points(None),
        ENGLISH.number(None),
    }
    assert empty | {
        ENGLISH.share(float("nan")),
        formats.printable(None),
        formats.printable(" \n"),
    } == {"-"}


def test_numbers_and_dates() -> None:
    assert (
        ENGLISH.pct(93.6),
        ENGLISH.ratio(2.96),
        ENGLISH.count(12345),
        ENGLISH.points(-0.0121),
    ) == ("94%", "3.0×", "12,345", "−1.2")
    assert (
        ENGLISH.day(date(2026, 11, 3)),
        ENGLISH.month_name(Month(2026, 9)),
        ENGLISH.short_month(Month(2026, 9)),
    ) == (
        "3 Nov 2026",
        "September 2026",
        "Sep",
    )
    assert (ENGLISH.number(0.5, 0), ENGLISH.number(1234.567), ENGLISH.exact_share(0.0936)) == (
        "0",
        "1,234.57",
        "9.4%",
    )


def test_chances_are_never_certain_and_what_cannot_fail_is_none() -> None:
    assert [ENGLISH.chance(each) for each in (None, 0.0, 0.004, 0.5, 0.996, 1.0)] == [
        "-",
        "-",
        "<1%",
        "50%",
        ">99%",
        "-",
    ]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand tab", "two lines and tab"),
        ("\u202eevil\u200b", "evil"),
        ("bell\x07", "bell"),
        ("Łukasz Ω Ж", "Łukasz Ω Ж"),
        ("北京 Ltd", "北京 Ltd"),
        ("\U0001f600", "□"),
        ("e\u0301", "é"),
        ("x" * 300, "x" * 199 + "…"),
        ("a" * 1_000_000, "a" * 199 + "…"),
        ("\ud800x", "x"),
        ("葛\U000e0100城", "葛城"),
        ("שלום", "\u2068שלום\u2069\u200e"),
        ("한국 ไทย", "한국 ไทย"),
    ],
)
def test_text_is_one_line_that_the_fonts_can_draw(text: str, shown: str) -> None:
    assert formats.printable(text) == shown


@given(st.text())
def test_any_text_becomes_printable(text: str) -> None:
    shown = formats.unmarked(formats.printable(text))
    assert 0 < len(shown) <= formats.LONGEST_TEXT
    assert all(
        character in {" ", formats.NON_JOINER} or ord(character) in formats.repertoire()
        for character in shown
    )


def test_only_names_that_need_them_load_the_other_fonts() -> None:
    assert not formats.needs_other_fonts("Łukasz Ω Ж £1,234 − × …\n\t\xa0")
    assert all(formats.needs_other_fonts(each) for each in ("北", "ש", "ا", "한", "ไ"))
