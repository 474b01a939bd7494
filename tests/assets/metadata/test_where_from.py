"""What everyone who opens the UI may read of where figures come from."""

import re
from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from assets.metadata import where_from as explained
from sales.calendar import Month
from sales.explain.explanation import ATTAINMENT, COVERAGE, RULES
from tests.fakes import deal, extract, saved
from tests.sales.test_month_tables import MonthOf

HOSTILE = "No`rth|**<b>x</b>[a](http://x)"


def month_of(role: str = HOSTILE) -> MonthOf:
    """Ann has two open deals and one that is won, all with secret names."""
    secret = {"name": "Secret name", "account_id": "001A"}
    rows = [
        saved(1, "2026-01-05 10:00", amount=123, close_date=date(2026, 5, 1)),
        saved(2, "2026-01-05 10:00", amount=456, close_date=date(2026, 5, 2)),
        saved(3, "2026-02-05 10:00", stage_name="Won", amount=789, close_date=date(2026, 1, 9)),
    ]
    roles = [{"role_id": "00EN", "name": role}, {"role_id": "00ES", "name": "South"}]
    return MonthOf(
        extract([deal(n, **secret) for n in (1, 2, 3)], rows, roles=roles), Month(2026, 4)
    )


def page(its: MonthOf, name: str, table: pd.DataFrame) -> str:
    return str(
        explained.where_from(name, table, its.snapshot, its.credit, its.phased, its.rules).value
    )


def test_each_row_says_what_makes_it_up_and_the_command_that_lists_it() -> None:
    its = month_of("North")
    text = page(its, COVERAGE, its.coverage)
    assert (
        "**North, FY2026-Q2** `onpace explain coverage --team North --period FY2026-Q2 --as-of 2026-04`"
        in text
    )
    assert (
        f"- open_pipeline 579.00: 2 opportunities: {deal(1)['opportunity_id']}, {deal(2)['opportunity_id']}"
        in text
    )
    assert "`onpace explain coverage --period FY2026 --as-of 2026-04`" in text
    assert "`onpace explain attainment --person 005A --period 2026-04 --as-of 2026-04`" in page(
        its, ATTAINMENT, its.attainment
    )
    assert all(f"| {column} | {rule.words} |" in text for column, rule in RULES[COVERAGE].items())


@pytest.mark.parametrize("name", [COVERAGE, ATTAINMENT])
def test_no_name_of_a_deal_client_or_person_and_no_amount_of_a_single_deal(name: str) -> None:
    its = month_of("North")
    text = page(its, name, its.coverage if name == COVERAGE else its.attainment)
    assert not re.search("Secret|Client|Ann|Bob|789|123|456", text.replace("006000000000", ""))
    assert "bookings of a single deal: 1 opportunities: " in text


def test_hostile_names_stay_text() -> None:
    its = month_of()
    text = page(its, COVERAGE, its.coverage)
    assert "**No\\`rth\\|\\*\\*&lt;b\\>x&lt;\\/b\\>\\[a\\]\\(http\\:\\/\\/x\\), FY2026-Q2**" in text
    assert (
        "`` onpace explain coverage --team 'No`rth|**<b>x</b>[a](http://x)' --period FY2026-Q2 --as-of 2026-04 ``"
        in text
    )


def test_a_row_that_does_not_add_up_is_said_first_and_without_its_amounts() -> None:
    its = month_of("North")
    wrong = its.coverage.copy()
    wrong.loc[wrong.index[-1], "open_pipeline"] += Decimal("0.01")
    told = page(its, COVERAGE, wrong)
    assert told.startswith(f"**1 of {len(wrong)} rows do not add up.**")
    assert told.count("- **does not add up**") == 1
    assert "do not add up" not in page(its, COVERAGE, its.coverage)


def test_a_long_page_says_how_many_rows_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    its = month_of("North")
    monkeypatch.setattr(explained, "MOST", 1000)
    text = page(its, COVERAGE, its.coverage)
    shown, left_out = (
        text.count("`onpace explain coverage"),
        int(re.findall(r"(\d+) rows are left out", text)[0]),
    )
    assert shown > 0
    assert shown + left_out == len(its.coverage)
