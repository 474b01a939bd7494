import itertools
from pathlib import Path

import pytest

from embedded_org.company import STAGE, company, target_book
from embedded_org.csv_org import NoObjects, csv_org

ROOT = Path(__file__).parents[2]


def test_the_same_seed_is_the_same_firm() -> None:
    assert company(3, (2026, 5)).objects() == company(3, (2026, 5)).objects()
    assert company(3, (2026, 5)).objects() != company(4, (2026, 5)).objects()


@pytest.mark.parametrize("last_month", [(2026, 3), (2026, 10), (2029, 1), (2034, 12)])
def test_the_firm_is_as_lively_as_promised(last_month: tuple[int, int]) -> None:
    firm = company(20260401, last_month)
    logs = firm.events.values()
    assert 1_500 <= len(logs) <= 3_000
    states = [[event.state for event in log] for log in logs]
    assert any(
        any(one.owner_id != two.owner_id for one, two in itertools.pairwise(log)) for log in states
    )
    assert any(log[-1].is_deleted for log in states)
    assert any(log[-1].amount is None for log in states)
    assert any(
        STAGE[one.stage][1] and not STAGE[two.stage][1]
        for log in states
        for one, two in itertools.pairwise(log)
    )
    assert all(event.at < firm.end for log in logs for event in log)
    assert any(person.left for person in firm.people)
    assert any(person.joined for person in firm.people)


def test_the_committed_target_book_is_the_firms() -> None:
    assert (ROOT / "policy" / "targets.csv").read_text(encoding="utf-8") == target_book()


def test_a_folder_of_csvs_is_an_org_and_other_tables_are_left_alone(tmp_path: Path) -> None:
    (tmp_path / "Opportunity.csv").write_text(
        'Id,Name,Amount\n006,"two\nlines",1.50\n', encoding="utf-8"
    )
    (tmp_path / "targets.csv").write_text("owner\nann\n", encoding="utf-8")
    org = csv_org(tmp_path)
    assert list(org.objects) == ["Opportunity"]
    assert org.run('SELECT * FROM "Opportunity"') == [("006", "two\nlines", 1.5)]


def test_a_folder_that_is_no_org_is_refused_with_the_line(tmp_path: Path) -> None:
    with pytest.raises(NoObjects, match="no Opportunity.csv"):
        csv_org(tmp_path)
    (tmp_path / "Account.csv").write_text("Name\nAcme\n", encoding="utf-8")
    with pytest.raises(NoObjects, match="Account.csv has no Id column"):
        csv_org(tmp_path)
    (tmp_path / "Account.csv").unlink()
    (tmp_path / "Opportunity.csv").write_text("Id,Amount\n006,much\n", encoding="utf-8-sig")
    with pytest.raises(NoObjects, match="Opportunity.csv line 2"):
        csv_org(tmp_path)
