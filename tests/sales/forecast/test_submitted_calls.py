"""Forecasts submitted in Salesforce as calls: whose, of which period, and what is none."""

from datetime import date

import pytest

from sales.contracts.raw import RawRoles, RawSubmittedForecasts, RawUsers
from sales.forecast.submitted_calls import submitted_calls, unclear_forecasting_type
from sales.targets.stated_plans import StatedCall
from tests.fakes import at, frame, rules

# Ann and Bob are in North, whose role is below the lead's.
USERS = [
    {"user_id": "005A", "role_id": "00EN", "manager_id": "005M", "is_active": True},
    {"user_id": "005B", "role_id": "00EN", "manager_id": "005M", "is_active": True},
    {"user_id": "005M", "role_id": "00EM", "is_active": True},
]
ROLES = [
    {"role_id": "00EN", "name": "North", "parent_role_id": "00EM"},
    {"role_id": "00EM", "name": "Lead"},
]
MAY = (date(2026, 5, 1), date(2026, 5, 31))


def item(
    amount: object,
    owner: str = "005A",
    period: tuple[date, date | None] = MAY,
    when: str = "2026-04-20 10:00",
    category: str = "CommitForecast",
    kind: str = "Revenue",
) -> dict[str, object]:
    return {
        "item_id": f"{owner}{period[0]}{when}{category}{kind}",
        "owner_id": owner,
        "forecasting_type": kind,
        "start_date": period[0],
        "end_date": period[1],
        "submitted_at": at(when),
        "category": category,
        "amount": amount,
    }


def calls(
    *items: dict[str, object], policy: str = "", currency: str | None = "EUR"
) -> list[StatedCall]:
    return submitted_calls(
        frame(RawSubmittedForecasts, list(items)),
        frame(RawUsers, USERS),
        frame(RawRoles, ROLES),
        currency,
        rules(policy),
    )


def test_a_submission_is_the_sellers_call_of_its_period_on_its_day() -> None:
    quarter, year = (date(2026, 4, 1), date(2026, 6, 30)), (date(2026, 1, 1), date(2026, 12, 31))
    found = calls(
        item(50), item(70, "005B", quarter), item("120.50", "005B", year, when="2026-04-21 09:00")
    )
    assert found == [
        StatedCall("005A", "2026-05", 50_00, date(2026, 4, 20)),
        StatedCall("005B", "FY2026", 120_50, date(2026, 4, 21)),
        StatedCall("005B", "FY2026-Q2", 70_00, date(2026, 4, 20)),
    ]


def test_each_day_keeps_its_last_submission() -> None:
    """The day is the company's: 23:30 in UTC is the next morning in Tokyo."""
    items = (item(50), item(60, when="2026-04-20 15:00"), item(65, when="2026-04-20 23:30"))
    assert [each.amount for each in calls(*items[::-1])] == [65_00]
    tokyo = calls(*items, policy='[fiscal]\ntime_zone = "Asia/Tokyo"')
    assert [(each.amount, each.day.day) for each in tokyo] == [(50_00, 20), (65_00, 21)]


def test_what_a_manager_submits_is_the_teams() -> None:
    assert [each.owner_id for each in calls(item(50), item(500, "005M"))] == ["005A"]
    by_manager = calls(item(50), item(500, "005M"), policy='[pipeline]\nteam_by = "manager"')
    assert [each.owner_id for each in by_manager] == ["005A"]


@pytest.mark.parametrize(
    ("category", "amount"), [("commit", 70), ("most_likely", 100), ("best_case", 150)]
)
def test_categories_that_are_not_rolled_up_are_added(category: str, amount: int) -> None:
    parts = {
        "ClosedOnly": 40,
        "CommitOnly": 30,
        "MostLikelyOnly": 30,
        "BestCaseOnly": 50,
        "PipelineOnly": 999,
    }
    policy = f'[calls]\ncategory = "{category}"'
    found = calls(*(item(each, category=name) for name, each in parts.items()), policy=policy)
    assert [each.amount for each in found] == [amount * 100]
    rolled_up = {
        "commit": "CommitForecast",
        "most_likely": "MostLikelyForecast",
        "best_case": "BestCaseForecast",
    }
    whole = calls(
        item(7, category=rolled_up[category]), item(40, category="ClosedOnly"), policy=policy
    )
    assert [each.amount for each in whole] == [7_00]
    assert calls(item(999, category="PipelineOnly"), policy=policy) == []


def test_where_periods_cannot_be_seen_they_last_until_the_next_one_begins() -> None:
    found = calls(
        item(50, period=(date(2026, 4, 1), None)), item(60, period=(date(2026, 7, 1), None))
    )
    assert [each.period for each in found] == ["FY2026-Q2", "FY2026-Q3"]
    assert [each.period for each in calls(item(50, period=(date(2026, 5, 1), None)))] == ["2026-05"]


def test_a_period_of_another_calendar_is_no_call() -> None:
    """May to July is no quarter of a year that begins in January."""
    assert calls(item(50, period=(date(2026, 5, 1), date(2026, 7, 31)))) == []


def test_amounts_of_another_currency_are_no_call() -> None:
    assert calls(item(50), currency="USD") == []
    assert calls() == []


def test_two_forecasting_types_need_a_word() -> None:
    both = (item(50), item(9, kind="Volume"))

    def unclear(*items: dict[str, object], policy: str = "") -> str | None:
        return unclear_forecasting_type(frame(RawSubmittedForecasts, list(items)), rules(policy))

    assert calls(*both) == []
    assert "several forecasting types: Revenue, Volume; no call is taken" in str(unclear(*both))
    for section in ("[calls]", "[targets]"):
        policy = f'{section}\nforecasting_type = "Volume"'
        assert [each.amount for each in calls(*both, policy=policy)] == [9_00]
        assert unclear(*both, policy=policy) is None
    gone = '[calls]\nforecasting_type = "Gone"'
    assert calls(item(50), policy=gone) == []
    assert "names 'Gone', and forecasts were submitted of Revenue" in str(
        unclear(item(50), policy=gone)
    )
    assert len(calls(item(50), policy='[targets]\nforecasting_type = "Other"')) == 1
    assert unclear() is None
