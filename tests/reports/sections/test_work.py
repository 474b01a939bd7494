"""What pages say of work and of agreements: each sentence by its rule."""

from dataclasses import replace
from datetime import date
from decimal import Decimal

import pandas as pd

from reports.document.document import Section, Variant
from reports.document.month_data import GrainTables
from reports.document.month_tables import MonthTables
from reports.document.view import View
from reports.sections.actions import actions
from reports.sections.clients import agreements, clients
from reports.sections.work import work, work_by_client
from sales.contracts.contract import empty
from sales.contracts.forecast import Actions
from sales.contracts.work import AccountLoad, ClientAgreements, DeliveryLoad
from tests.fakes import frame
from tests.reports.months import MONTH, tables_of

COMING = [MONTH.plus(n) for n in range(1, 13)]
# Of the company's 50, 90 and then 20 days a month, North has 30, 60 and 20, and the rest is South's.
NORTH, SOUTH = (30.0, 60.0, *[20.0] * 10), (20.0, 30.0, *[0.0] * 10)


def load(limit: float | None, of_north: float | None) -> pd.DataFrame:
    rows: list[dict[str, object]] = []
    for grain, grain_id, capacity, days in (
        ("company", "Acme", limit, [one + other for one, other in zip(NORTH, SOUTH, strict=True)]),
        ("team", "North", of_north, NORTH),
        ("team", "South", None, SOUTH),
    ):
        for month, each in zip(COMING, days, strict=True):
            beyond = None if capacity is None else max(0.0, each - capacity)
            rows.append(
                {
                    "grain": grain,
                    "grain_id": grain_id,
                    "month": str(month),
                    "agreed_days": 5.0,
                    "won_days": each - 10.0,
                    "expected_days": 5.0,
                    "capacity_days": capacity,
                    "days_beyond": beyond,
                    "people_needed": None if beyond is None else -int(-beyond // 18),
                }
            )
    return frame(DeliveryLoad, rows)


def beyond(name: str | None, team: str, month: int, days: float) -> dict[str, object]:
    return {
        "account_id": f"001{name or '(none)'}",
        "account_name": name,
        "team": team,
        "month": str(COMING[month]),
        "agreed_days": 0.0,
        "won_days": days,
        "expected_days": 0.0,
        "days_beyond": days,
        "people_needed": -int(-days // 18),
    }


def view(grain: str = "company", grain_id: str = "Acme", **changed: pd.DataFrame) -> View:
    tables, variant = month_tables()
    data = GrainTables(replace(tables, **changed), variant.month, variant.rules)
    return View(data, variant, grain, grain_id)


def month_tables() -> tuple[MonthTables, Variant]:
    return tables_of(4)


def cells(section: Section | None, table: int) -> list[tuple[str, ...]]:
    assert section is not None
    return [row.cells for row in section.tables[table].rows]


def test_where_no_work_is_known_nothing_is_said() -> None:
    assert work(view()) is None
    assert agreements(view()) is None


def test_work_beyond_capacity_names_month_people_and_clients() -> None:
    """Harbour lacks 20 days in the two months and 8 of another team: at most 28 of one month, two people."""
    accounts = frame(
        AccountLoad,
        [
            beyond("Harbour", "North", 0, 10.0),
            beyond("Harbour", "North", 1, 20.0),
            beyond("Harbour", "South", 1, 8.0),
            beyond(None, "South", 1, 2.0),
        ],
    )
    one = view(delivery_load=load(40.0, 30.0), account_load=accounts)
    section = work(one)
    assert section is not None
    assert section.answer == (
        "Work exceeds the capacity from May 2026 to June 2026. 1 more person is needed in May 2026, 3 at the peak in June 2026. "
        "Of the 40 days that their teams cannot do, 38 are for Harbour and 2 for No client."
    )
    assert [column.label for column in section.tables[0].columns][:3] == [
        "Days of work",
        "May",
        "Jun",
    ]
    assert [row[:4] for row in cells(section, 0)] == [
        ("Won or agreed", "45", "85", "15"),
        ("Expected", "5", "5", "5"),
        ("Capacity", "40", "40", "40"),
        ("People to draft in", "1", "3", "0"),
        ("North", "30 of 30", "60 of 30", "20 of 30"),
        ("South", "20", "30", "0"),
    ]
    assert section.tables[0].rows[4].shades[:3] == (0, 0, 2)
    by_client = work_by_client(one)
    assert by_client is not None
    assert cells(by_client, 0) == [
        ("Harbour", "May 2026", "38", "2"),
        ("No client", "June 2026", "2", "1"),
    ]
    of_north = work(view("team", "North", delivery_load=load(40.0, 30.0), account_load=accounts))
    assert of_north is not None
    assert of_north.answer == (
        "Work exceeds the capacity in June 2026. 2 more people are needed in June 2026. "
        "What does not fit is work for Harbour: 30 days."
    )
    assert [len(each.rows) for each in of_north.tables] == [4]


def test_months_with_room_between_are_counted() -> None:
    """May and June are short; August is made so by hand."""
    table = load(40.0, None)
    rows = (table["grain"] == "company") & (table["month"] == "2026-08")
    table.loc[rows, "people_needed"] = 2
    section = work(view(delivery_load=table, account_load=empty(AccountLoad)))
    assert section is not None
    assert section.answer == (
        "Work exceeds the capacity in 3 of the next 6 months. "
        "1 more person is needed in May 2026, 3 at the peak in June 2026."
    )


def test_without_a_capacity_no_people_are_counted() -> None:
    section = work(view(delivery_load=load(None, None), account_load=empty(AccountLoad)))
    assert section is not None
    assert section.answer == "Days of work that are agreed, won or expected."
    assert [row[:2] for row in cells(section, 0)[:2]] == [
        ("Won or agreed", "45"),
        ("Expected", "5"),
    ]
    assert "Capacity" not in {row[0] for row in cells(section, 0)}


def test_work_that_fits_is_said_to_fit() -> None:
    section = work(view(delivery_load=load(90.0, None), account_load=empty(AccountLoad)))
    assert section is not None
    assert section.answer == "The work that is agreed, won or expected fits into the capacity."


def late() -> pd.DataFrame:
    """Return a closing plan whose deals bring 30 days each and start two months late."""
    plan = month_tables()[0].closing_plan
    return plan.assign(
        effort_days=pd.Series([30.0] * len(plan), dtype=plan["effort_days"].dtype),
        work_month=pd.Series(["2026-05"] * len(plan), dtype=plan["work_month"].dtype),
        likely_work_month=pd.Series(["2026-07"] * len(plan), dtype=plan["work_month"].dtype),
    )


def test_work_that_starts_later_is_told_by_client() -> None:
    plan = late()
    one = view(delivery_load=load(90.0, None), closing_plan=plan)
    section, by_deal = work(one), work_by_client(one)
    assert section is not None
    assert by_deal is not None
    named = cells(by_deal, -1)
    assert len(named) == len(plan) > 0
    assert {row[1:] for row in named} == {("30", "-", "May 2026", "July 2026")}
    days = 30 * len(plan)
    assert f"with {days} days of work ({days} by " in section.answer
    in_time = plan.assign(likely_work_month=plan["work_month"])
    section = work(view(delivery_load=load(90.0, None), closing_plan=in_time))
    assert section is not None
    assert "later" not in section.answer


def test_managers_are_told_for_whom_people_lack() -> None:
    order = frame(
        Actions,
        [
            {
                "grain": "company",
                "grain_id": "Acme",
                "rank": 1,
                "rule": "draft_in",
                "stake": 1,
                "due_date": date(2026, 5, 31),
                "period": "2026-06",
            }
        ],
    )
    accounts = frame(
        AccountLoad, [beyond("Harbour", "North", 0, 10.0), beyond("Quay", "North", 1, 20.0)]
    )
    one = view(delivery_load=load(40.0, 30.0), account_load=accounts, actions=order)
    assert [each.text for each in actions(one)] == [
        (
            "Find 3 more people for June 2026: 90 days of work are agreed, won or expected; the capacity is 40. "
            "What does not fit is work for Quay: 20 days."
        )
    ]


def agreed(name: str, ends: date | None, **more: object) -> dict[str, object]:
    return {
        "account_id": f"001{name}",
        "account_name": name,
        "agreement": "Support",
        "signed_on": date(2026, 1, 1),
        "start_date": date(2026, 1, 1),
        "end_date": ends,
        "monthly_amount": 1000,
        "monthly_days": 4.0,
        "backlog": 12000,
        "open_deals": 0,
        "team": "North",
        **more,
    }


def test_agreements_are_told_with_what_ends_soon() -> None:
    """The month ends on 30 April: what ends on 29 July is within 90 days of it, what ends on the 30th is not."""
    table = frame(
        ClientAgreements,
        [
            agreed("Quay", None),
            agreed("Harbour", date(2026, 7, 29), backlog=3000, open_deals=2),
            agreed("Pier", date(2026, 7, 30), team="South"),
        ],
    )
    section = agreements(view(client_agreements=table))
    assert section is not None
    assert section.answer == (
        "Retainers and framework agreements bring €27k in the next twelve months, on top of bookings. "
        "Support with Harbour ends on 29 Jul 2026: agree now on what follows."
    )
    assert cells(section, 0) == [
        ("Harbour", "Support", "€1,000", "€3,000", "29 Jul 2026", "2"),
        ("Pier", "Support", "€1,000", "€12,000", "30 Jul 2026", "-"),
        ("Quay", "Support", "€1,000", "€12,000", "no end", "-"),
    ]
    assert [row.is_strong for row in section.tables[0].rows] == [True, False, False]
    both = table.assign(end_date=table["end_date"].fillna(date(2026, 6, 1)))
    section = agreements(view(client_agreements=both))
    assert section is not None
    assert section.answer.endswith(
        "2 agreements (in bold) end within 90 days: agree now on what follows."
    )
    of_team = agreements(view("team", "South", client_agreements=table))
    assert [row[0] for row in cells(of_team, 0)] == ["Pier"]


def test_agreements_stand_beside_what_is_booked() -> None:
    tables, _ = month_tables()
    phasing = tables.client_phasing
    money = phasing["agreed"].dtype
    beside = phasing.assign(
        agreed=pd.Series([Decimal(n + 1) * 1000 for n in range(len(phasing))], dtype=money)
    )
    section = clients(view(client_phasing=beside))
    assert section is not None
    whole, by_agreement = (
        next(row.cells for row in section.tables[0].rows if row.cells[0] == name)
        for name in ("All clients", "From agreements, on top")
    )
    shown = [str(MONTH.plus(n)) for n in range(-2, 5)]
    short = view().variant.short
    for month, one, other in zip(shown, whole[1:-1], by_agreement[1:-1], strict=True):
        rows = beside.loc[beside["month"] == month]
        brings = rows["bookings"].sum() + sum(each or 0 for each in rows["expected"].fillna(0))
        assert one == (short(Decimal(brings)) if brings else "-"), month
        assert other == (short(rows["agreed"].sum()) if len(rows) else "-"), month
    opening = [column.label for column in section.tables[0].columns if column.opens]
    assert opening == ["May"]
