"""What changed of deals between two month ends, told by name."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from sales import arrow as columns
from sales.calendar import Month
from sales.coverage.deal_changes import deal_changes
from tests.examples import examples
from tests.fakes import deal, extract, saved
from tests.sales.test_month_tables import MonthOf

FEBRUARY, MARCH = "2026-02-05 10:00", "2026-03-10 10:00"


def changes_of(of: MonthOf) -> dict[int, set[str]]:
    found: dict[int, set[str]] = {}
    table = deal_changes(of.opening, of.snapshot, of.month, of.rules)
    for key, change in table[["opportunity_id", "change"]].itertuples(index=False):
        found.setdefault(int(key[3:15]), set()).add(change)
    return found


def test_every_change_by_hand() -> None:
    """One deal a change; the ninth is won a month before its date, the tenth does not change."""
    due = {"close_date": date(2026, 3, 20)}
    rows = [
        saved(1, FEBRUARY, **due),
        saved(1, MARCH, stage_name="Won", **due),
        saved(2, FEBRUARY, **due),
        saved(2, MARCH, stage_name="Lost", **due),
        saved(3, MARCH),
        saved(4, FEBRUARY, **due),
        saved(5, FEBRUARY),
        saved(5, MARCH, amount=250),
        saved(6, FEBRUARY, stage_name="Lost"),
        saved(6, MARCH),
        saved(7, FEBRUARY),
        saved(8, FEBRUARY),
        saved(8, MARCH, close_date=date(2026, 9, 1)),
        saved(9, FEBRUARY, close_date=date(2026, 4, 20)),
        saved(9, MARCH, stage_name="Won", close_date=date(2026, 3, 10)),
        saved(10, FEBRUARY),
        saved(11, FEBRUARY, amount=None),
        saved(11, MARCH, amount=40),
    ]
    late = {"created_at": rows[4]["created_at"]}
    gone = {"is_deleted": True, "modified_at": rows[4]["created_at"]}
    more: dict[int, dict[str, object]] = {3: late, 7: gone}
    deals = [deal(n, **more.get(n, {})) for n in range(1, 12)]
    march = MonthOf(extract(deals, rows), Month(2026, 3))
    assert changes_of(march) == {
        1: {"won"},
        2: {"lost"},
        3: {"new"},
        4: {"slipped"},
        5: {"amount"},
        6: {"reopened"},
        7: {"deleted"},
        8: {"pushed"},
        9: {"won", "pulled_in"},
        11: {"amount"},
    }
    table = deal_changes(march.opening, march.snapshot, march.month, march.rules)
    named = table.set_index("opportunity_id")[["amount_before", "amount_after"]]
    raised = named.loc["006000000000005AAA"]
    assert (raised["amount_before"], raised["amount_after"]) == (Decimal(100), Decimal(250))
    deleted = table[table["change"] == "deleted"].iloc[0]
    assert (deleted["owner_id"], deleted["team"], deleted["name"]) == ("005A", "North", "Deal 7")


def test_a_change_of_owner_is_told_with_the_new_one() -> None:
    rows = [saved(1, FEBRUARY)]
    change = {
        "change_id": "0171",
        "opportunity_id": "006000000000001AAA",
        "created_at": saved(1, MARCH)["created_at"],
        "field": "Owner",
        "data_type": "EntityId",
        "old_value": "005A",
        "new_value": "005B",
    }
    one = extract([deal(1, owner_id="005B")], rows, [change])
    march = MonthOf(one, Month(2026, 3))
    assert changes_of(march) == {1: {"reassigned"}}
    table = deal_changes(march.opening, march.snapshot, march.month, march.rules)
    assert table["owner_id"].tolist() == ["005B"]


def test_amounts_are_compared_whatever_digits_each_month_end_has() -> None:
    """Our own copy of a month end may be older than the first deal in dinars, which have three digits."""
    rows = [saved(1, FEBRUARY), saved(2, FEBRUARY), saved(2, MARCH, amount=250)]
    march = MonthOf(extract([deal(1), deal(2)], rows), Month(2026, 3))
    wide = columns.arrow(march.snapshot["amount_local"]).cast(pa.decimal128(24, 3))
    closing = march.snapshot.assign(amount_local=columns.series(wide))
    for opening, after in ((march.opening, closing), (closing, march.opening)):
        table = deal_changes(opening, after, march.month, march.rules)
        assert table["opportunity_id"].tolist() == ["006000000000002AAA"]


def test_before_the_first_record_every_deal_is_new() -> None:
    march = MonthOf(
        extract([deal(1, created_at=saved(1, MARCH)["created_at"])], [saved(1, MARCH)]),
        Month(2026, 3),
    )
    assert changes_of(march) == {1: {"new"}}


def test_deals_that_were_decided_earlier_and_entered_in_the_month_are_new_and_neither_won_nor_lost() -> (
    None
):
    rows = [
        saved(1, MARCH, stage_name="Won", close_date=date(2024, 3, 10)),
        saved(2, MARCH, stage_name="Lost", close_date=date(2026, 2, 27)),
        saved(3, MARCH, stage_name="Won", close_date=date(2026, 3, 9)),
    ]
    when = {"created_at": saved(1, MARCH)["created_at"]}
    march = MonthOf(extract([deal(n, **when) for n in (1, 2, 3)], rows), Month(2026, 3))
    assert changes_of(march) == {1: {"new"}, 2: {"new"}, 3: {"new", "won"}}


@given(
    st.lists(
        st.tuples(
            st.sampled_from([FEBRUARY, MARCH]),
            st.integers(1, 4),
            st.sampled_from(["Open", "Won", "Lost"]),
            st.sampled_from([None, 50, 100]),
            st.dates(date(2026, 2, 1), date(2026, 5, 31)),
        ),
        min_size=1,
        max_size=8,
        unique_by=lambda row: row[:2],
    )
)
@examples(40)
def test_won_by_name_is_what_joined_the_bookings(
    written: list[tuple[str, int, str, int | None, date]],
) -> None:
    """A deal is told as won in the month in which it joins what is won, and what leaves it is told too."""
    rows = [
        saved(n, when, stage_name=stage, amount=amount, close_date=due)
        for when, n, stage, amount, due in written
    ]
    first = {
        n: min(row["created_at"] for row in rows if row["opportunity_id"] == f"006{n:012d}AAA")
        for n in {row[1] for row in written}
    }
    march = MonthOf(
        extract([deal(n, created_at=when) for n, when in first.items()], rows), Month(2026, 3)
    )
    table = deal_changes(march.opening, march.snapshot, march.month, march.rules)

    def won(of: pd.DataFrame) -> set[str]:
        return set(of.loc[of["is_won"], "opportunity_id"])

    told = set(table.loc[table["change"] == "won", "opportunity_id"])
    first_seen = set(march.snapshot["opportunity_id"]) - set(march.opening["opportunity_id"])
    due = march.snapshot.set_index("opportunity_id")["close_date"]
    imported = {each for each in first_seen if due[each] < date(2026, 3, 1)}
    assert told == won(march.snapshot) - won(march.opening) - imported
    back = set(table.loc[table["change"].isin(["lost", "reopened"]), "opportunity_id"])
    assert won(march.opening) - won(march.snapshot) <= back
