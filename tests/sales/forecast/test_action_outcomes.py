"""What became of what was asked: told from the month end after it."""

from datetime import date

import pandas as pd
import pytest

from sales.calendar import Month
from sales.contracts.forecast import Actions
from sales.forecast.action_outcomes import with_outcomes
from sales.vocabulary import ActionRule
from tests.fakes import deal, extract, frame, saved, target
from tests.sales.test_month_tables import MonthOf

MARCH, APRIL = Month(2026, 3), Month(2026, 4)
LATE, DUE = date(2026, 3, 20), date(2026, 4, 10)


def became(
    rule: str, *later: dict[str, object], deleted: bool = False, amount: object = 100
) -> object:
    """Return what became of an action about a deal that was due in March, by what was saved of it in April."""
    first = saved(1, "2026-01-05 10:00", close_date=LATE, amount=amount)
    rows = [
        first,
        *(
            saved(1, f"2026-04-{n:02} 10:00", **{"close_date": LATE, "amount": amount, **each})
            for n, each in enumerate(later, start=7)
        ),
    ]
    gone = {"is_deleted": True, "modified_at": "2026-04-20 10:00"} if deleted else {}
    if gone:
        gone["modified_at"] = pd.Timestamp("2026-04-20 10:00", tz="UTC").to_pydatetime()
    # Another deal, so that a month end is never without any.
    one = extract([deal(1, **gone), deal(2)], [*rows, saved(2, "2026-01-05 10:00")])
    then, now = (MonthOf(one, month, [target("005A", 1200)]).snapshot for month in (MARCH, APRIL))
    asked = frame(
        Actions,
        [
            {
                "as_of_month": "2026-03",
                "grain": "person",
                "grain_id": "005A",
                "rank": 1,
                "rule": rule,
                "opportunity_id": None if rule == "agree_year" else "006000000000001AAA",
                "stake": 100,
                "due_date": DUE,
                "as_of": then["as_of"].iloc[0],
                "extracted_at": then["extracted_at"].iloc[0],
            }
        ],
    )
    told = with_outcomes(asked, then, now)["outcome"].tolist()
    return None if told[0] is pd.NA else told[0]


WON, LOST, MOVED = {"stage_name": "Won"}, {"stage_name": "Lost"}, {"close_date": date(2026, 6, 1)}


@pytest.mark.parametrize(
    ("rule", "won", "lost", "moved", "nothing"),
    [
        ("confirm", "done", "gone", "open", "open"),
        ("ask_when", "done", "gone", "open", "open"),
        ("redate", "done", "done", "done", "open"),
        ("close_lost", "done", "done", "open", "open"),
        ("agree_year", None, None, None, None),
    ],
)
def test_what_was_asked_about_a_deal(
    rule: str, won: object, lost: object, moved: object, nothing: object
) -> None:
    assert [became(rule, WON), became(rule, LOST), became(rule, MOVED), became(rule)] == [
        won,
        lost,
        moved,
        nothing,
    ]
    assert became(rule, deleted=True) == (None if rule == "agree_year" else "gone")


def test_an_amount_that_was_named() -> None:
    rule = ActionRule.NAME_AMOUNT.value
    assert became(rule, {"amount": 5}, amount=None) == "done"
    assert became(rule, amount=None) == "open"
    assert became(rule, LOST, amount=None) == "gone"
    assert became(rule, WON, amount=None) == "open", "it is in no sum as long as it has none"
