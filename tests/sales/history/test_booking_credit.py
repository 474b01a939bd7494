from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import Month
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.history.booking_credit import AmbiguousSplits
from sales.history.extract import people
from sales.history.reconstruction import PipelineHistory
from tests.fakes import at, deal, extract, rules, saved

MARCH = Month(2026, 3)
REVENUE = {
    "split_type_id": "149R",
    "name": "Revenue",
    "split_field": "Amount",
    "is_active": True,
    "is_total_validated": True,
}
OVERLAY = {
    "split_type_id": "149O",
    "name": "Overlay",
    "split_field": "Amount",
    "is_active": True,
    "is_total_validated": False,
}


def split(number: int, owner: str, percentage: object, **more: object) -> dict[str, object]:
    return {
        "split_id": f"1JX{number}{owner}{more.get('split_type_id', '149R')}",
        "opportunity_id": f"006{number:012d}AAA",
        "owner_id": owner,
        "split_type_id": "149R",
        "percentage": percentage,
        "created_at": at("2026-02-01 10:00"),
        **more,
    }


def won(number: int, amount: object) -> dict[str, object]:
    return saved(
        number, "2026-03-05 10:00", stage_name="Won", amount=amount, close_date=date(2026, 3, 5)
    )


def credited(
    splits: list[dict[str, object]],
    amount: object = "100.00",
    policy: str = "",
    types: tuple[dict[str, object], ...] = (REVENUE, OVERLAY),
) -> dict[str, Decimal]:
    one = extract([deal(1)], [won(1, amount)], splits=splits, split_types=types)
    its = rules(policy)
    history = PipelineHistory(one, "EUR", 2)
    snap = snapshot.opportunity_snapshot(history, MARCH, its)
    table = credit.booking_credit(snap, one, people(one, "role"), MARCH, its)
    return dict(zip(table["owner_id"], table["amount"], strict=True))


def test_without_splits_the_owner_gets_everything() -> None:
    assert credited([]) == {"005A": Decimal("100.00")}


def test_shares_are_those_of_the_type_that_totals_100_to_the_cent() -> None:
    thirds = [
        split(1, owner, share)
        for owner, share in (("005A", "33.33"), ("005B", "33.33"), ("005C", "33.34"))
    ]
    overlay = [split(1, "005D", 100, split_type_id="149O")]
    assert credited([*thirds, *overlay], "100.01") == {
        "005A": Decimal("33.33"),
        "005B": Decimal("33.33"),
        "005C": Decimal("33.35"),
    }


def test_a_split_that_was_not_there_yet_or_is_gone_does_not_count() -> None:
    late = split(1, "005B", 50, created_at=at("2026-04-02 10:00"))
    gone = split(1, "005C", 50, is_deleted=True, modified_at=at("2026-03-20 10:00"))
    gone_later = split(1, "005D", 40, is_deleted=True, modified_at=at("2026-04-20 10:00"))
    assert credited([late, gone]) == {"005A": Decimal("100.00")}
    assert credited([late, gone, split(1, "005A", 60), gone_later]) == {
        "005A": Decimal("60.00"),
        "005D": Decimal("40.00"),
    }


def test_which_type_counts_must_be_clear() -> None:
    second = REVENUE | {"split_type_id": "149S", "name": "Services"}
    splits = [split(1, "005A", 100), split(1, "005B", 100, split_type_id="149S")]
    with pytest.raises(
        AmbiguousSplits,
        match=r"2 active split types total 100 %; name one .*there are: Revenue, Services",
    ):
        credited(splits, types=(REVENUE, second))
    assert credited(
        splits, policy='[pipeline]\nsplit_type = "Services"', types=(REVENUE, second)
    ) == {"005B": Decimal("100.00")}
    with pytest.raises(AmbiguousSplits, match="called 'Nobody'"):
        credited(splits, policy='[pipeline]\nsplit_type = "Nobody"', types=(REVENUE, second))


@given(
    cents=st.integers(-(10**9), 10**9),
    shares=st.lists(st.decimals("0.01", "99", places=4), min_size=1, max_size=6),
)
def test_shares_always_sum_to_the_booking(cents: int, shares: list[Decimal]) -> None:
    amount = Decimal(cents).scaleb(-2)
    got = credited(
        [split(1, f"005{n}", share.quantize(Decimal("0.01"))) for n, share in enumerate(shares)],
        amount,
    )
    assert sum(got.values()) == amount
