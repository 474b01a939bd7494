from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reports import formats
from sales.calendar import Month


@pytest.mark.parametrize(
    ("amount", "currency", "words"),
    [
        (Decimal("1234567.5"), "EUR", "€1,234,568"), (Decimal("-0.4"), "GBP", "£0"), (Decimal(-1500), "GBP", "−£1,500"), (None, "EUR", "-"),
        (Decimal(9 * 10**12), "USD", "US$9,000,000,000,000"),
    ],
)  # fmt: skip
def test_money_in_whole_units(amount: Decimal | None, currency: str, words: str) -> None:
    assert formats.money(amount, currency) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0", "£0"), ("999", "£999"), ("1500", "£2k"), ("402000", "£402k"), ("1234567", "£1.23m"), ("-30700000", "−£30.7m"), ("2500000000", "£2.5bn")],
)
def test_money_in_headlines(amount: str, words: str) -> None:
    assert formats.short_money(Decimal(amount), "GBP") == words


def test_an_empty_value_prints_a_dash_never_a_zero() -> None:
    assert {formats.pct(None), formats.ratio(None), formats.count(None), formats.day(None), formats.printable(None), formats.printable(" \n")} == {
        "-"
    }


def test_numbers_and_dates() -> None:
    assert (formats.pct(93.6), formats.ratio(2.96), formats.count(12345)) == ("94%", "3.0×", "12,345")
    assert (formats.day(date(2026, 11, 3)), formats.month_name(Month(2026, 9)), formats.short_month(Month(2026, 9))) == (
        "3 Nov 2026",
        "September 2026",
        "Sep",
    )


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines\tand tab", "two lines and tab"), ("\u202eevil\u200b", "evil"), ("bell\x07", "bell"), ("Łukasz Ω Ж", "Łukasz Ω Ж"),
        ("北京 Ltd", "□□ Ltd"), ("\U0001f600", "□"), ("e\u0301", "é"), ("x" * 300, "x" * 199 + "…"), ("a" * 1_000_000, "a" * 199 + "…"), ("\ud800x", "x"),
    ],
)  # fmt: skip
def test_text_is_one_line_that_the_fonts_can_draw(text: str, shown: str) -> None:
    assert formats.printable(text) == shown


@given(st.text())
def test_any_text_becomes_printable(text: str) -> None:
    shown = formats.printable(text)
    assert 0 < len(shown) <= formats.LONGEST_TEXT
    assert all(character == " " or ord(character) in formats.repertoire() for character in shown)
