"""What must happen next: each rule by its condition, on small tables."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

import pandas as pd
import pytest

from reports.document.document import Variant
from reports.document.month_data import GrainTables
from reports.document.month_tables import MonthTables
from reports.document.view import View
from reports.sections import headline
from sales import arrow as columns
from tests.reports.months import tables_of


def view(grain: str = "company", **changed: pd.DataFrame) -> View:
    tables, variant = tables_of(4)
    return _view(replace(tables, **changed), variant, grain)


def _view(tables: MonthTables, variant: Variant, grain: str) -> View:
    data = GrainTables(tables, variant.month, variant.rules)
    names = {"company": variant.rules.company, "team": "North", "person": "005A"}
    return View(data, variant, grain, names[grain])


def plan(**values: Any) -> pd.DataFrame:
    """The closing plan with one column changed for every deal, or for the deals of a dictionary."""
    table = tables_of(4)[0].closing_plan
    for name, value in values.items():
        given = value if isinstance(value, dict) else dict.fromkeys(table["opportunity_id"], value)
        kept = [
            given.get(deal, old)
            for deal, old in zip(
                table["opportunity_id"], columns.arrow(table[name]).to_pylist(), strict=True
            )
        ]
        table = table.assign(**{name: pd.Series(kept, dtype=table[name].dtype)})
    return table


def deal(number: int) -> str:
    return f"006000000000{number:03d}AAA"


def said(action: headline.Action | None) -> tuple[str, str]:
    assert action is not None
    return action.owner, str(action.text)


def test_the_deal_whose_waiting_costs_most_comes_first() -> None:
    costly = plan(hit_change_quarter={deal(1): -0.03, deal(2): -0.08, deal(3): -0.02})
    owner, text = said(headline.actions(view(closing_plan=costly))[0])
    assert owner == "Bob"
    assert text.endswith(
        "(€2k) confirmed: a month of waiting takes 8 points off the chance to hit the quarter."
    )


def test_a_deal_to_protect_and_a_cheap_one_are_not_pushed() -> None:
    protected = plan(hit_change_quarter={deal(2): -0.08}, flags={deal(2): "slow protect"})
    assert headline._confirm(view(closing_plan=protected)) is None
    assert headline._confirm(view(closing_plan=plan(hit_change_quarter=-0.009))) is None
    assert headline._confirm(view()) is None


def test_overdue_deals_are_named_with_who_owns_most_of_them() -> None:
    owner, text = said(headline._date_again(view()))
    assert (owner, text) == (
        "Ann",
        "Re-date or close Client: Deal 901 (€7k): it is past its close date and counts nowhere.",
    )
    more = plan(days_overdue={deal(1): 3, deal(3): 4})
    assert said(headline._date_again(view(closing_plan=more)))[1].startswith(
        "Re-date or close 3 deals past their close date (€11k), Client: Deal 901 first"
    )
    assert headline._date_again(view(closing_plan=plan(days_overdue=0))) is None


@pytest.mark.parametrize(
    ("has", "needs", "missing"),
    [
        (0.5, None, "€22k"),
        (1.0, None, None),
        (1.4, 2.0, "€67k"),
        (1.96, 2.0, None),
        (2.5, 2.0, None),
    ],
)
def test_pipeline_is_missed_by_what_the_companys_past_asks_for(
    has: float, needs: float | None, missing: str | None
) -> None:
    """The quarter in focus has 45,000 to win; without a measured need, as much must be open."""
    table = tables_of(4)[0].pipeline_coverage
    kept = table.assign(
        coverage_ratio=pd.Series([has] * len(table), dtype=table["coverage_ratio"].dtype),
        required_ratio=pd.Series([needs] * len(table), dtype=table["required_ratio"].dtype),
        open_pipeline=pd.Series([Decimal(23_000)] * len(table), dtype=table["open_pipeline"].dtype),
    )
    found = headline._find_pipeline(view(pipeline_coverage=kept))
    assert (found is None) == (missing is None)
    if missing:
        assert f"Find {missing} more pipeline for FY2026-Q2" in said(found)[1]


def test_a_slow_deal_of_a_client_is_looked_after() -> None:
    kept = plan(flags={deal(1): "slow protect", deal(3): "slow protect"})
    owner, text = said(headline._look_after(view(closing_plan=kept)))
    assert owner == "Ann"
    assert "(€3k): an existing client that is slow to close is worth more than a date." in text
    assert headline._look_after(view()) is None


def test_who_is_furthest_behind_is_spoken_with_but_not_on_a_persons_own_page() -> None:
    assert said(headline._speak_with(view()))[1].startswith(
        "Agree what the year can still bring: €20k behind the phased target, at 0% ("
    )
    assert headline._speak_with(view("person")) is None
    assert headline._speak_with(view("team")) is None  # North is on its plan


def test_the_largest_deal_of_the_coming_month_is_brought_home() -> None:
    assert (
        "(€4k) home by 5 May 2026: the largest due in May 2026."
        in said(headline._close_largest(view()))[1]
    )


def test_deals_without_amounts_are_named() -> None:
    assert said(headline._name_amounts(view())) == (
        "Bob",
        "Put an amount on Client: Deal 902: without one it is in no sum.",
    )
    assert headline._name_amounts(view(closing_plan=plan(amount=Decimal(5)))) is None


def test_at_most_three_things_and_never_one_without_an_owner() -> None:
    for grain in ("company", "team", "person"):
        found = headline.actions(view(grain))
        assert 1 <= len(found) <= 3
        assert all(action.owner not in {"", "-"} for action in found)


def test_a_person_answers_for_what_is_theirs() -> None:
    assert {action.owner for action in headline.actions(view("person"))} == {"Ann"}
