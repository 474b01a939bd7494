from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from sales.calendar import Month
from sales.delivery.release_gate import Finished, reasons
from tests.fakes import ORGANIZATION, book

MONTH, END, NOW = (
    Month(2026, 4),
    datetime(2026, 5, 1, tzinfo=UTC),
    datetime(2026, 5, 5, 7, tzinfo=UTC),
)
READY = Finished(MONTH, END, END + timedelta(hours=30), Decimal("0.02"), {}, "")


def held(finished: Finished, policy: str = "", now: datetime = NOW) -> list[str]:
    return reasons(finished, book(f"[delivery]\n{policy}").for_month(MONTH, ORGANIZATION), now)


def test_a_finished_month_may_go_out() -> None:
    assert held(READY) == []


@pytest.mark.parametrize(
    ("finished", "policy", "says"),
    [
        (
            replace(READY, failed={"Personal page Bob": "too long"}),
            "",
            "1 documents of 2026-04 could not be printed, Personal page Bob first",
        ),
        (
            replace(READY, extracted_at=END - timedelta(seconds=1)),
            "",
            "less than 0 hours after the end of 2026-04",
        ),
        (
            READY,
            "hours_after_month_end = 31",
            "less than 31 hours after the end of 2026-04; run it with --fresh-extract",
        ),
        (
            READY,
            "oldest_extract_hours = 48",
            "more than 48 hours ago; run 2026-04 with --fresh-extract",
        ),
        (
            READY,
            "most_assumed_pct = 1.9",
            "2.0% of the money of 2026-04 rests on assumptions, and policy allows 1.9%",
        ),
        (READY, "needs_approval = true", "run `onpace approve 2026-04`"),
    ],
)
def test_each_rule_says_why_in_a_sentence(finished: Finished, policy: str, says: str) -> None:
    (reason,) = held(finished, policy)
    assert says in reason
    assert "\n" not in reason


def test_what_is_at_a_bound_passes() -> None:
    assert (
        held(
            READY,
            "hours_after_month_end = 30\noldest_extract_hours = 73\nmost_assumed_pct = 2\nneeds_approval = true\n",
        )
        != []
    )
    approved = replace(READY, approved_by="Ann")
    assert (
        held(
            approved,
            "hours_after_month_end = 30\noldest_extract_hours = 73\nmost_assumed_pct = 2\nneeds_approval = true\n",
        )
        == []
    )


def test_no_money_rests_on_nothing() -> None:
    assert held(replace(READY, assumed_share=None), "most_assumed_pct = 0") == []
