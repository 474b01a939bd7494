"""What must happen next, in words: each rule's sentence, and who is asked."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from reports.document.last_report import LastReport
from reports.document.month_data import GrainTables
from reports.document.view import View
from reports.sections.actions import WORDS, actions, past_actions
from sales.contracts.contract import checked, empty
from sales.contracts.forecast import Actions, LandingForecast
from sales.vocabulary import ActionRule
from tests.fakes import EXTRACTED_AT, frame
from tests.reports.months import tables_of
from tests.reports.sections.test_headline import view, with_cells


def deal(number: int) -> str:
    return f"006000000000{number:03d}AAA"


def asked(rule: str, grain: str = "company", **more: object) -> pd.DataFrame:
    ids = {"company": "Acme", "team": "North", "person": "005A"}
    row = {
        "as_of_month": "2026-04",
        "grain": grain,
        "grain_id": ids[grain],
        "rank": 1,
        "rule": rule,
        "owner_id": "005A",
        "owner_name": "Ann",
        "stake": Decimal(1200),
        "due_date": date(2026, 5, 5),
        "as_of": EXTRACTED_AT,
        "extracted_at": EXTRACTED_AT,
        **more,
    }
    return checked(frame(Actions, [row]), Actions)


def said(table: pd.DataFrame, grain: str = "company", **changed: pd.DataFrame) -> tuple[str, str]:
    (only,) = actions(view(grain, actions=table, **changed))
    return only.owner, str(only.text)


def test_every_rule_has_words() -> None:
    assert set(WORDS) == {each.value for each in ActionRule}


def test_a_deal_to_confirm_says_by_when_and_what_depends_on_it() -> None:
    assert said(asked("confirm", opportunity_id=deal(3))) == (
        "Ann",
        "Get Client: </style><style>*{display:none} (€3k) confirmed by 5 May 2026: €1k of what we expect of May 2026 depends on it.",
    )


def test_a_slow_deal_of_a_client_is_asked_about_and_never_pushed() -> None:
    costly = with_cells(tables_of(4)[0].closing_plan, hit_change_month=-0.007)
    _, text = said(asked("ask_when", opportunity_id=deal(3)), closing_plan=costly)
    assert "do not push" in text
    assert text.endswith("Waiting a month costs 0.7 points of the chance of May 2026.")
    assert "Waiting" not in said(asked("ask_when", opportunity_id=deal(3)))[1]


def test_a_deal_past_its_date_says_how_long() -> None:
    one = with_cells(tables_of(4)[0].closing_plan, days_overdue=1)
    assert said(asked("redate", opportunity_id=deal(901)), closing_plan=one)[1].endswith(
        "or close it by 5 May 2026: it is 1 day past its close date."
    )
    assert said(asked("close_lost", opportunity_id=deal(901)))[1].endswith(
        "unless the client confirms by 5 May 2026: it is 29 days past its close date."
    )


def test_managers_are_asked_about_people_by_name() -> None:
    mine = asked("agree_year", owner_id=None, owner_name=None, person_id="005B", team="South")
    assert said(mine) == (
        "Lead of South",
        "Agree with Bob what the year can still bring: €1k cannot be made up, even at 125% of plan in every month left.",
    )
    left = asked("cover_leaver", person_id="005B")
    assert said(left)[1] == ("Decide who takes over from Bob: €1k of that target is uncovered.")


def test_pipeline_to_create_is_what_the_companys_past_asks_for() -> None:
    table = with_cells(
        tables_of(4)[0].pipeline_coverage,
        coverage_ratio=0.5,
        required_ratio=2.0,
        remaining_target=Decimal(45_000),
        open_pipeline=Decimal(22_500),
        status="ok",
    )
    mine = asked("find_pipeline", owner_id=None, owner_name=None, period="FY2026-Q2")
    assert said(mine, pipeline_coverage=table) == (
        "Management",
        "Create €68k more pipeline for Q2 FY2026: coverage is 0.5×, and 2.0× has usually been needed at this point.",
    )


def test_a_person_is_told_without_a_name_and_only_of_what_is_there() -> None:
    mine = asked("confirm", "person", opportunity_id=deal(1))
    assert said(mine, "person")[0] == ""
    gone = asked("confirm", opportunity_id="006999999999999AAA")
    assert actions(view(actions=gone)) == []


@pytest.mark.parametrize("grain", ["company", "team", "person"])
def test_what_the_tables_ask_is_said(grain: str) -> None:
    one = view(grain)
    assert len(actions(one)) == len(one.data.actions(one.grain, one.grain_id))


def test_what_the_report_before_asked_for_comes_back() -> None:
    """Ann was asked for four things, one of which nobody can tell of; the company for nothing."""
    outcomes = ("done", "done", "open", None)
    asked = frame(
        Actions,
        [
            {"grain": "person", "grain_id": "005A", "rank": rank, "outcome": outcome}
            for rank, outcome in enumerate(outcomes)
        ],
    )
    tables, variant = tables_of(4)
    last = LastReport(variant.month.plus(-1), asked, empty(LandingForecast))  # type: ignore[arg-type]
    data = GrainTables(tables, variant.month, variant.rules, last)
    assert past_actions(View(data, variant, "person", "005A")) == (
        "Asked in March 2026 about deals: 2 done, 1 still open."
    )
    assert past_actions(View(data, variant, "company", variant.rules.company)) == ""
    without = GrainTables(tables, variant.month, variant.rules)
    assert past_actions(View(without, variant, "person", "005A")) == ""
