"""What must happen next: who is asked for what, and what is never asked."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from sales.calendar import Month
from sales.contracts.contract import BrokenContract, checked, empty
from sales.contracts.coverage import DealChances
from sales.contracts.forecast import Actions, PipelineGeneration
from sales.contracts.work import ClientAgreements, DeliveryLoad
from sales.forecast import actions as orders
from sales.forecast.action_facts import ActionFacts
from sales.forecast.closing_plan import closing_plan
from sales.forecast.coming_month import coming_month
from sales.history.extract import people
from sales.history.reconstruction import PipelineHistory
from sales.statistics.deal_outcomes import forecast_basis
from sales.statistics.point_in_time import PointInTimeData
from tests.fakes import EXTRACTED_AT, deal, extract, frame, saved, target
from tests.sales.firms import FirmMonth, firm_month, simulated
from tests.sales.test_month_tables import MonthOf

USERS = [
    {"user_id": "005A", "name": "Ann", "role_id": "00EN", "is_active": True, "manager_id": "005M"},
    {"user_id": "005B", "name": "Bob", "role_id": "00EN", "is_active": False, "manager_id": "005M"},
    {"user_id": "005M", "name": "Mia", "role_id": "00EM", "is_active": True},
]
ROLES = [{"role_id": "00EN", "name": "North"}, {"role_id": "00EM", "name": "Lead"}]


def asked(
    deals: list[dict[str, object]],
    rows: list[dict[str, object]],
    chances: dict[int, float] | None = None,
    lines: list[dict[str, object]] | None = None,
    *,
    is_copy: bool = True,
    users: list[dict[str, object]] = USERS,
    load: pd.DataFrame | None = None,
    agreements: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """Return the actions at the end of March 2026."""
    one = extract(deals, rows, users=users, roles=ROLES)
    month = Month(2026, 3)
    of = MonthOf(one, month, lines or [target("005A", 1200), target("005B", 1200)])
    known = PointInTimeData(PipelineHistory(one, "EUR", 2), month, of.rules).known_at(month.index)
    basis = forecast_basis(known)
    learned = [
        {
            "opportunity_id": f"006{n:012d}AAA",
            "chance_1": chance,
            "assumed_amount": 5000.0,
        }
        for n, chance in (chances or {}).items()
    ]
    facts = ActionFacts(
        of.snapshot,
        of.credit,
        of.phased,
        coming_month(basis, of.snapshot, of.credit, of.phased, month, of.rules),
        frame(DealChances, learned) if learned else empty(DealChances),
        closing_plan(of.snapshot, month, of.rules),
        of.coverage,
        empty(PipelineGeneration),
        empty(DeliveryLoad) if load is None else load,
        empty(ClientAgreements) if agreements is None else agreements,
        of.owners,
        is_copy,
    )
    return orders.actions(facts, month, of.rules)


def told(table: pd.DataFrame, grain: str, grain_id: str) -> list[tuple[object, ...]]:
    rows = table[(table["grain"] == grain) & (table["grain_id"] == grain_id)]
    return [
        tuple(None if value is pd.NA else value for value in row)
        for row in rows[["rule", "owner_id", "stake"]].itertuples(index=False)
    ]


def test_the_most_money_at_stake_comes_first_and_little_money_is_not_worth_an_order() -> None:
    """April asks 133.34 of Ann: 2 % of it is 2.67; the smallest deal has less at stake."""
    due = {"close_date": date(2026, 4, 10)}
    rows = [
        saved(1, "2026-01-05 10:00", amount=100, **due),
        saved(2, "2026-01-05 10:00", amount=300, **due),
        saved(3, "2026-01-05 10:00", amount=10, **due),
    ]
    table = asked([deal(n) for n in (1, 2, 3)], rows, {1: 0.9, 2: 0.2, 3: 0.2})
    assert told(table, "person", "005A") == [
        ("confirm", "005A", Decimal("90.00")),
        ("confirm", "005A", Decimal("60.00")),
    ]
    assert set(table["due_date"]) == {date(2026, 4, 10), date(2026, 4, 30)}


def test_who_has_left_is_asked_for_nothing_and_the_manager_acts() -> None:
    rows = [saved(1, "2026-01-05 10:00", amount=500, close_date=date(2026, 4, 10))]
    table = asked([deal(1, owner_id="005B")], rows, {1: 0.5})
    assert told(table, "person", "005B") == []
    assert ("confirm", "005M", Decimal("250.00")) in told(table, "team", "North")


def test_who_left_only_later_is_asked_in_a_month_that_is_worked_out_again() -> None:
    """Bob cannot log in today; at the end of March he had a year's target ahead of him."""
    rows = [saved(1, "2026-01-05 10:00", amount=500, close_date=date(2026, 4, 10))]
    table = asked([deal(1, owner_id="005B")], rows, {1: 0.5}, is_copy=False)
    assert told(table, "person", "005B") == [("confirm", "005B", Decimal("250.00"))]
    lines = [target("005A", 1200), target("005B", 1200, end_date=date(2026, 3, 31))]
    left = asked([deal(1, owner_id="005B")], rows, {1: 0.5}, lines, is_copy=False)
    assert told(left, "person", "005B") == []


def test_a_queue_is_asked_for_nothing_and_nobody_manages_themselves() -> None:
    rows = [saved(1, "2026-01-05 10:00", amount=500, close_date=date(2026, 4, 10))]
    one = extract([], [], users=USERS, roles=ROLES, queues=[{"queue_id": "00GQ", "name": "Leads"}])
    known = people(one, "role")
    assert not known.is_person[known.ids.index("00GQ").as_py()]
    own = [{**USERS[0], "manager_id": "005A"}, *USERS[1:]]
    table = asked([deal(1)], rows, {1: 0.0}, users=own)
    asked_of = table[table["rule"] == "agree_year"].set_index("person_id")["owner_id"]
    assert asked_of.notna().to_dict() == {"005A": False}


def test_a_target_whose_owner_left_is_offered_and_a_lost_year_is_agreed_with_the_manager() -> None:
    """Ann can catch up 25 of each of nine months; Bob left in March with nothing won."""
    rows = [saved(1, "2026-01-05 10:00", amount=None)]
    lines = [target("005A", 1200), target("005B", 1200, end_date=date(2026, 3, 31))]
    table = asked([deal(1)], rows, {1: 0.0}, lines)
    assert told(table, "company", "Acme") == [
        ("cover_leaver", "005M", Decimal("1200.00")),
        ("agree_year", "005M", Decimal("75.00")),
    ]
    assert table["person_id"].tolist()[:2] == ["005B", "005A"]


@pytest.mark.parametrize(
    ("more", "rule"),
    [
        ({"close_date": date(2026, 4, 10)}, "confirm"),
        ({"close_date": date(2026, 3, 10)}, "redate"),
        ({"close_date": date(2026, 4, 10), "amount": None}, "name_amount"),
    ],
)
def test_a_deal_is_asked_about_in_one_way(more: dict[str, object], rule: str) -> None:
    rows = [saved(1, "2026-01-05 10:00", **{"amount": 500, **more})]
    table = asked([deal(1)], rows, {1: 0.5})
    assert set(table.loc[table["opportunity_id"].notna(), "rule"]) == {rule}


def test_a_won_deal_without_an_amount_is_named_at_what_a_usual_one_brings() -> None:
    won = {"stage_name": "Won", "close_date": date(2026, 2, 10)}
    rows = [
        saved(1, "2026-02-10 10:00", amount=80, **won),
        saved(2, "2026-02-10 10:00", amount=None, **won),
    ]
    table = asked([deal(1), deal(2)], rows)
    assert told(table, "person", "005A") == [("name_amount", "005A", Decimal("80.00"))]


def test_without_history_nobody_is_told_to_find_pipeline() -> None:
    table = asked([deal(1)], [saved(1, "2026-01-05 10:00", close_date=date(2026, 4, 2))])
    assert "find_pipeline" not in set(table["rule"])


def test_two_orders_for_one_deal_break_the_contract() -> None:
    rows = [
        {
            "as_of_month": "2026-03",
            "grain": "team",
            "grain_id": name,
            "rank": 1,
            "rule": rule,
            "opportunity_id": "006",
            "stake": 1,
            "due_date": date(2026, 4, 1),
            "as_of": EXTRACTED_AT,
            "extracted_at": EXTRACTED_AT,
        }
        for name, rule in (("North", "confirm"), ("South", "redate"))
    ]
    with pytest.raises(BrokenContract, match="a_deal_has_one_order"):
        checked(frame(Actions, rows), Actions)


@pytest.mark.parametrize("seed", [3, 5])
def test_what_holds_for_every_board(seed: int) -> None:
    """At most three, ranked by stake, none below 2 % of the number, none late, none for who cannot act."""
    firm = firm_month() if seed == 3 else FirmMonth(simulated(150, seed).extract)
    table, coming = firm.actions, firm.coming.set_index(["grain", "grain_id"])["number"]
    assert len(table)
    first = firm.rules.calendar.first_day(firm.month.plus(1))
    active = set(firm.owners.ids.to_pylist())
    for key, rows in table.groupby(["grain", "grain_id"]):
        assert rows["rank"].tolist() == list(range(1, len(rows) + 1))
        assert len(rows) <= 3
        stakes = rows["stake"].tolist()
        assert stakes == sorted(stakes, reverse=True)
        assert stakes[-1] >= coming[key] * Decimal("0.02")
        assert (rows["due_date"] >= first).all()
        assert set(rows["owner_id"].dropna()) <= active
    protected = firm.closing.loc[
        firm.closing["flags"].str.split().map(lambda each: "protect" in each), "opportunity_id"
    ]
    pushed = table.loc[table["rule"].isin(["confirm", "redate", "close_lost"]), "opportunity_id"]
    assert not set(pushed) & set(protected)


def short(days: float) -> pd.DataFrame:
    """Return a load in which June lacks people for so many days, 18 a person, and May for none."""
    return frame(
        DeliveryLoad,
        [
            {
                "grain": grain,
                "grain_id": grain_id,
                "month": month,
                "days_beyond": beyond,
                "people_needed": int(beyond // 18),
            }
            for grain, grain_id in (("company", "Acme"), ("team", "North"))
            for month, beyond in (("2026-04", days / 2), ("2026-06", days))
        ],
    )


def test_people_are_asked_for_by_what_a_missing_day_is_worth() -> None:
    """No deal says how much work it is; the agreement brings 100 a day."""
    agreed = frame(
        ClientAgreements,
        [{"agreement": "Support", "monthly_amount": 800, "monthly_days": 8.0}],
    )
    rows = [saved(1, "2026-01-05 10:00", amount=1)]
    table = asked([deal(1)], rows, load=short(36.0), agreements=agreed)
    for reader in (("company", "Acme"), ("team", "North")):
        assert ("draft_in", "005M" if reader[0] == "team" else None, Decimal("3600.00")) in told(
            table, *reader
        )
    nobody_knows = asked([deal(1)], rows, load=short(36.0))
    assert "draft_in" not in set(nobody_knows["rule"])
    assert "draft_in" not in set(asked([deal(1)], rows, load=short(0.0), agreements=agreed)["rule"])


def test_people_for_the_coming_month_are_asked_for_by_its_middle() -> None:
    agreed = frame(
        ClientAgreements,
        [{"agreement": "Support", "monthly_amount": 800, "monthly_days": 8.0}],
    )
    load = short(36.0)
    rows = [saved(1, "2026-01-05 10:00", amount=1)]
    later = asked([deal(1)], rows, load=load, agreements=agreed)
    soon = asked([deal(1)], rows, load=load.loc[load["month"] == "2026-04"], agreements=agreed)
    due = [set(each.loc[each["rule"] == "draft_in", "due_date"]) for each in (later, soon)]
    assert due == [{date(2026, 4, 30)}, {date(2026, 4, 14)}]
