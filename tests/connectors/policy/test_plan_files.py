"""The plan book: what each file says, and one sentence for each fault."""

from datetime import date
from pathlib import Path

import pytest

from connectors.policy.csv_rows import InvalidPolicyTable
from connectors.policy.plan_files import faults_without_people, read_plan_book
from sales.calendar import Month
from sales.contracts.raw import RawAccounts, RawUsers
from sales.targets.stated_plans import (
    NO_PLANS,
    Agreement,
    ClientPlan,
    FixedMonth,
    Leave,
    PlanBook,
    StatedCapacity,
    StatedTarget,
)
from tests.fakes import frame

USERS = frame(
    RawUsers,
    [
        {
            "user_id": "005000000000001AAA",
            "username": "ann@acme.example",
            "email": "ann@mail.example",
            "is_active": True,
        }
    ],
)
ACCOUNTS = frame(
    RawAccounts,
    [
        {"account_id": "001000000000001AAA", "name": "Harbour Water"},
        {"account_id": "001000000000002AAA", "name": "Twice"},
        {"account_id": "001000000000003AAA", "name": "Twice"},
    ],
)
ANN = "005000000000001AAA"
AGREED = "account,agreement,signed_on,start_date,end_date,monthly_amount"


def read(folder: Path) -> PlanBook:
    book = read_plan_book(folder, USERS, ACCOUNTS, 2)
    return PlanBook(
        list(book.leaves),
        list(book.fixed),
        list(book.stated),
        list(book.clients),
        agreements=list(book.agreements),
        capacities=list(book.capacities),
    )


def test_without_files_nothing_is_stated(tmp_path: Path) -> None:
    assert read(tmp_path) == PlanBook([], [], [], [], agreements=[], capacities=[])
    assert NO_PLANS.fixed_of(2026, ANN) == {}


def test_every_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "leave.csv").write_text(
        "owner,start_date,end_date\nann@acme.example,2026-03-02,2026-03-13\n"
    )
    (tmp_path / "overrides.csv").write_text(
        "fiscal_year,owner,month,amount\n2026,ann@mail.example,2026-05,1000.50\n"
    )
    (tmp_path / "team_targets.csv").write_text(
        "fiscal_year,team,annual_target\n2026,North,10\n2026,,25\n"
    )
    (tmp_path / "client_plans.csv").write_text(
        "account,month,amount\nharbour water,2026-05,7\n001000000000002AAA,2026-06,8\n"
    )
    (tmp_path / "agreements.csv").write_text(
        "account,agreement,signed_on,start_date,end_date,monthly_amount,monthly_days,team\n"
        "Harbour Water,Support,2025-12-01,2026-01-01,2026-12-31,1200.50,4.5,North\n"
        "Harbour Water,Framework,2026-02-01,2026-03-01,,10,,\n"
    )
    (tmp_path / "capacity.csv").write_text(
        "from_month,team,days\n2026-01,,400\n2026-03,North,90.5\n"
    )
    assert read(tmp_path) == PlanBook(
        leaves=[Leave(ANN, date(2026, 3, 2), date(2026, 3, 13))],
        fixed=[FixedMonth(2026, ANN, Month(2026, 5), 100_050)],
        stated=[StatedTarget(2026, "North", 1_000), StatedTarget(2026, "", 2_500)],
        clients=[
            ClientPlan("001000000000001AAA", Month(2026, 5), 700),
            ClientPlan("001000000000002AAA", Month(2026, 6), 800),
        ],
        agreements=[
            Agreement(
                "001000000000001AAA",
                "Harbour Water",
                "Support",
                date(2025, 12, 1),
                date(2026, 1, 1),
                date(2026, 12, 31),
                120_050,
                4.5,
                "North",
            ),
            Agreement(
                "001000000000001AAA",
                "Harbour Water",
                "Framework",
                date(2026, 2, 1),
                date(2026, 3, 1),
                None,
                1_000,
                0.0,
                "",
            ),
        ],
        capacities=[
            StatedCapacity(Month(2026, 1), "", 400.0),
            StatedCapacity(Month(2026, 3), "North", 90.5),
        ],
    )


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        (
            "leave.csv",
            "owner,start_date,end_date\nann@acme.example,2026-03-13,2026-03-02\n",
            "leave.csv line 2: end_date 2026-03-02 is before",
        ),
        (
            "leave.csv",
            "owner,start_date,end_date\nann@acme.example,,2026-03-02\n",
            "leave.csv line 2: start_date '' is not a date",
        ),
        (
            "leave.csv",
            "owner,start_date,end_date\nnobody,2026-03-01,2026-03-02\n",
            "line 2: owner 'nobody' is not a user of Salesforce",
        ),
        (
            "overrides.csv",
            "fiscal_year,owner,month,amount\n2026,ann@acme.example,May,1\n",
            "overrides.csv line 2: month: 'May' is not a month",
        ),
        (
            "overrides.csv",
            "fiscal_year,owner,month,amount\n2026,ann@acme.example,2026-05,-1\n",
            "line 2: amount '-1' is below zero",
        ),
        (
            "overrides.csv",
            "fiscal_year,owner,month,amount\n" + "2026,ann@acme.example,2026-05,1\n" * 2,
            "line 3: says what an earlier line says",
        ),
        (
            "team_targets.csv",
            "fiscal_year,team\n2026,North\n",
            "team_targets.csv has no column 'annual_target'",
        ),
        (
            "client_plans.csv",
            "account,month,amount\nTwice,2026-05,1\n",
            "line 2: account 'Twice' is the name of several clients",
        ),
        (
            "client_plans.csv",
            "account,month,amount\nNobody,2026-05,1\n",
            "line 2: account 'Nobody' is not a client in Salesforce",
        ),
        ("client_plans.csv", "account,month,amount,owner\n", "unknown column 'owner'"),
        (
            "agreements.csv",
            f"{AGREED}\nHarbour Water,Support,2026-01-01,2026-03-01,2026-02-01,1\n",
            "agreements.csv line 2: end_date 2026-02-01 is before start_date 2026-03-01",
        ),
        (
            "agreements.csv",
            f"{AGREED}\nHarbour Water,Support,2026-01-01,2026-03-01,9026-02-01,1\n",
            "line 2: runs from 2026-03-01 to 9026-02-01, longer than 20 years; correct one of them, or leave end_date empty",
        ),
        (
            "agreements.csv",
            f"{AGREED}\nHarbour Water,Support,2026-01-01,2006-01-01,2026-01-01,1\n",
            "line 2: runs from 2006-01-01 to 2026-01-01, longer than 20 years",
        ),
        (
            "agreements.csv",
            f"{AGREED}\nHarbour Water,Support,2026-01-01,9985-02-28,9984-01-01,1\n",
            "line 2: end_date 9984-01-01 is before start_date 9985-02-28",
        ),
        (
            "agreements.csv",
            f"{AGREED}\nHarbour Water,Support,2026-01-01,2026-03-01,,10000000001\n",
            "line 2: monthly_amount 10000000001 is too large for a month; correct it",
        ),
        (
            "agreements.csv",
            f"{AGREED}\n" + "Harbour Water,Support,2026-01-01,2026-03-01,,1\n" * 2,
            "line 3: says what an earlier line says",
        ),
        (
            "agreements.csv",
            f"{AGREED}\nHarbour Water,,2026-01-01,2026-03-01,,1\n",
            "line 2: agreement has no name; give it one, such as Support",
        ),
        (
            "agreements.csv",
            f"{AGREED}\nTwice,Support,2026-01-01,2026-03-01,,1\n",
            "line 2: account 'Twice' is the name of several clients",
        ),
        (
            "capacity.csv",
            "from_month,team,days\n2026-01,North,2000000\n",
            "capacity.csv line 2: days 2000000 is more than 1,000,000 days a month",
        ),
        ("capacity.csv", "from_month,team,days\n2026-01,North,-1\n", "line 2: days '-1' is below"),
    ],
)
def test_a_fault_names_file_line_and_cure(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(InvalidPolicyTable, match=says) as refused:
        read(tmp_path)
    assert "\n" not in str(refused.value)


def test_calls_name_a_period_and_the_day_on_which_they_were_made(tmp_path: Path) -> None:
    path = tmp_path / "calls.csv"
    path.write_text("owner,period,amount,day\nann@acme.example,fy2027-q3,62000.50,2026-11-03\n")
    (call,) = read_plan_book(tmp_path, USERS, ACCOUNTS, 2).calls
    assert (call.period, call.amount, str(call.day)) == ("FY2027-Q3", 6_200_050, "2026-11-03")
    for line, why in (
        ("ann@acme.example,November,1,2026-11-03", "'November' is no period"),
        ("ann@acme.example,2026-11,-1,2026-11-03", "is below zero"),
        ("nobody@acme.example,2026-11,1,2026-11-03", "nobody@acme.example"),
        ("ann@acme.example,2026-11,1,2026-11-03\n" * 2, "says what an earlier line says"),
    ):
        path.write_text(f"owner,period,amount,day\n{line}\n")
        with pytest.raises(InvalidPolicyTable, match=why):
            read_plan_book(tmp_path, USERS, ACCOUNTS, 2)


def test_a_client_that_came_later_is_found_among_the_newest_ones(tmp_path: Path) -> None:
    """A past month end does not know it; a name that both know is the past one's."""
    newest = frame(
        RawAccounts,
        [
            {"account_id": "001000000000009AAA", "name": "Newcomer"},
            {"account_id": "001000000000008AAA", "name": "Harbour Water"},
        ],
    )
    lines = [
        f"{each},Support,2026-01-01,2026-03-01,,1"
        for each in ("Newcomer", "Harbour Water", "001000000000008AAA")
    ]
    (tmp_path / "agreements.csv").write_text("\n".join([AGREED, *lines]))
    with pytest.raises(InvalidPolicyTable, match="line 2: account 'Newcomer' is not a client"):
        read_plan_book(tmp_path, USERS, ACCOUNTS, 2)
    book = read_plan_book(tmp_path, USERS, ACCOUNTS, 2, newest=lambda: newest)
    assert [(each.account_id, each.account_name) for each in book.agreements] == [
        ("001000000000009AAA", "Newcomer"),
        ("001000000000001AAA", "Harbour Water"),
        ("001000000000008AAA", "Harbour Water"),
    ]


def test_without_clients_and_people_lines_are_read_all_the_same(tmp_path: Path) -> None:
    (tmp_path / "agreements.csv").write_text(
        f"{AGREED}\nAnybody,A\x01 b,2026-01-01,2026-03-01,,1\n"
    )
    assert faults_without_people(tmp_path, None, 2) == []
    assert read_plan_book(tmp_path, USERS, None, 2).agreements[0].name == "A b"
    (tmp_path / "agreements.csv").write_text(f"{AGREED}\nAnybody,A,2026-01-99,2026-03-01,,1\n")
    (tmp_path / "capacity.csv").write_text("from_month,team,days\n2026-01,,-1\n")
    assert [str(each)[:22] for each in faults_without_people(tmp_path, None, 2)] == [
        "agreements.csv line 2:",
        "capacity.csv line 2: d",
    ]


def test_an_agreement_may_last_until_the_end_of_all_calendars(tmp_path: Path) -> None:
    """Twenty years after 9990 there is no day."""
    (tmp_path / "agreements.csv").write_text(
        f"{AGREED}\nHarbour Water,Support,2026-01-01,9990-02-28,9998-12-31,1\n"
    )
    assert read(tmp_path).agreements[0].end == date(9998, 12, 31)
