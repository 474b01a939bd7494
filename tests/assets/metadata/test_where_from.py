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


def test_the_companys_rows_name_the_commands_that_list_what_they_are_made_of() -> None:
    its = month_of("North")
    text = page(its, COVERAGE, its.coverage)
    assert "- Acme, FY2026: `onpace explain coverage --period FY2026 --as-of 2026-04`" in text
    assert "--team" not in text
    assert "--person" not in text
    assert all(f"| {column} | {rule.words} |" in text for column, rule in RULES[COVERAGE].items())


@pytest.mark.parametrize("name", [COVERAGE, ATTAINMENT])
def test_no_amount_no_record_and_no_name_of_a_deal_client_or_person(name: str) -> None:
    its = month_of("North")
    text = page(its, name, its.coverage if name == COVERAGE else its.attainment)
    assert not re.search(r"Secret|Client|Ann|Bob|North|789|123|456|579|006|\d\.\d", text)


def test_a_row_that_does_not_add_up_is_said_first_and_without_its_amounts() -> None:
    its = month_of()
    wrong = its.coverage.copy()
    at = wrong.index[wrong["grain"] == "team"][0]
    wrong.loc[at, "open_pipeline"] += Decimal("0.01")
    told = page(its, COVERAGE, wrong)
    assert told.startswith(f"**1 of {len(wrong)} rows do not add up.**")
    # Hostile names stay text.
    period = wrong.loc[at, "period"]
    assert (
        f"- No\\`rth\\|\\*\\*&lt;b\\>x&lt;\\/b\\>\\[a\\]\\(http\\:\\/\\/x\\), {period}: `` onpace explain coverage --team 'No`rth|**<b>x</b>[a](http://x)' --period {period} --as-of 2026-04 ``"
        in told
    )
    assert "do not add up" not in page(its, COVERAGE, its.coverage)


def test_a_long_page_says_how_many_rows_it_leaves_out(monkeypatch: pytest.MonkeyPatch) -> None:
    its = month_of("North")
    monkeypatch.setattr(explained, "MOST", 100)
    text = page(its, COVERAGE, its.coverage)
    shown, left_out = (
        text.count("`onpace explain coverage"),
        int(re.findall(r"(\d+) rows are left out", text)[0]),
    )
    assert shown > 0
    assert shown + left_out == (its.coverage["grain"] == "company").sum()
