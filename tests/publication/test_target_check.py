"""What `onpace check` finds beside the targets: teams in which nobody is, and calls that are none."""

from datetime import date
from pathlib import Path

import pytest

from publication.finding import Known, Weight
from publication.target_check import examine_targets, examine_targets_alone
from sales.calendar import Month
from sales.contracts.raw import RawAccounts
from tests.fakes import ORGANIZATION, at, deal, extract, frame, rules, saved

MARCH = Month(2026, 3)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    lines = "2026,ann@acme.example,1200\n2026,bob@acme.example,1200\n"
    (tmp_path / "targets.csv").write_text(f"fiscal_year,owner,annual_target\n{lines}")
    return tmp_path


def found(folder: Path, policy: str = "", *kinds: str, with_clients: bool = True) -> list[str]:
    submitted = [
        {
            "item_id": kind,
            "owner_id": "005A",
            "forecasting_type": kind,
            "start_date": date(2026, 4, 1),
            "submitted_at": at("2026-03-20 10:00"),
            "category": "CommitForecast",
            "amount": 1,
        }
        for kind in kinds
    ]
    one = extract([deal(1)], [saved(1, "2026-01-05 10:00")], submitted=submitted)
    accounts = frame(RawAccounts, [{"account_id": "001A", "name": "Harbour"}])
    known = Known(
        ORGANIZATION,
        one.users,
        one.roles,
        one.queues,
        one.quotas,
        one.submitted_forecasts,
        accounts if with_clients else None,
        frozenset(),
    )
    every = examine_targets(folder, rules(policy), known, MARCH)
    return [each.sentence for each in every if each.weight in {Weight.STOPS, Weight.MISLEADS}]


def test_teams_in_which_nobody_is_are_named(folder: Path) -> None:
    assert found(folder) == []
    (folder / "capacity.csv").write_text("from_month,team,days\n2026-01,North,9\n2026-01,Nroth,9\n")
    (folder / "agreements.csv").write_text(
        "account,agreement,signed_on,start_date,monthly_amount,team\nHarbour,Support,2026-01-01,2026-01-01,9,South\n"
    )
    (folder / "team_targets.csv").write_text(
        "fiscal_year,team,annual_target\n2026,,9\n2026,Weast,9\n"
    )
    assert found(folder) == [
        "team_targets.csv names teams in which nobody is (1): Weast; write them as the pages do",
        "capacity.csv names teams in which nobody is (1): Nroth; write them as the pages do",
    ]


def test_without_clients_and_without_anything_lines_are_looked_at(folder: Path) -> None:
    (folder / "capacity.csv").write_text("from_month,team,days\n2026-01,Nroth,-1\n")
    header = "account,agreement,signed_on,start_date,monthly_amount"
    (folder / "agreements.csv").write_text(f"{header}\nAnybody,Support,2026-01-01,2026-01-01,-9\n")
    faults = [
        "agreements.csv line 2: monthly_amount '-9' is below zero; write 0 or more",
        "capacity.csv line 2: days '-1' is below zero; write 0 or more",
    ]
    assert found(folder, with_clients=False) == faults
    alone = examine_targets_alone(folder, rules(""))
    assert [each.sentence for each in alone if each.weight == Weight.STOPS] == faults
    (folder / "capacity.csv").write_text("from_month,team,days\n2026-01,Nroth,1\n")
    (folder / "agreements.csv").unlink()
    assert found(folder, with_clients=False) == [
        "capacity.csv names teams in which nobody is (1): Nroth; write them as the pages do"
    ]


def test_submissions_that_nobody_can_tell_apart_are_no_calls(folder: Path) -> None:
    assert found(folder, "", "Revenue") == []
    (sentence,) = found(folder, "", "Revenue", "Volume")
    assert sentence == (
        "forecasts were submitted of several forecasting types: Revenue, Volume; "
        "no call is taken from them until [calls] forecasting_type names one of them"
    )
