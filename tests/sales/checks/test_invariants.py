"""The share of money that rests on assumptions, by hand."""

from decimal import Decimal

import pandas as pd
import pytest

from sales.calendar import Month
from sales.checks.invariants import assumed_share
from tests.fakes import deal, extract, saved
from tests.sales.test_month_tables import MonthOf

KINDS = ["amount_provenance", "close_date_provenance", "stage_provenance", "owner_provenance"]


def snapshot(*amounts: float | None) -> pd.DataFrame:
    """Return deals of such amounts of which everything is known."""
    deals = range(1, len(amounts) + 1)
    rows = [
        saved(n, "2026-01-05 10:00", amount=amount)
        for n, amount in zip(deals, amounts, strict=True)
    ]
    one = MonthOf(extract([deal(n) for n in deals], rows), Month(2026, 3)).snapshot
    return one.assign(**dict.fromkeys(KINDS, "recorded"))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("word", ["assumed", "unknown"])
def test_money_of_which_anything_is_assumed_or_unknown_is_a_share_of_all(
    kind: str, word: str
) -> None:
    """400 of 1,000 lost and won alike: a credit note of 400 is as much money as a sale."""
    one = snapshot(600, -400)
    one[kind] = pd.Series(["recorded", word], dtype=one[kind].dtype)
    assert assumed_share(one) == Decimal("0.4")  # type: ignore[arg-type]


def test_without_money_there_is_no_share() -> None:
    assert assumed_share(snapshot(None)) is None  # type: ignore[arg-type]
    assert assumed_share(snapshot(500)) == 0  # type: ignore[arg-type]
