import csv
from decimal import Decimal
from pathlib import Path

import pytest

from connectors.policy.annual_targets import InvalidTargetBook, read_target_book
from sales.contracts.raw import RawUsers
from tests.fakes import frame

HEAD = "fiscal_year,owner,annual_target,currency_code,start_date,end_date,revision,effective_date,holidays\n"
USERS = frame(
    RawUsers,
    [
        {
            "user_id": "005000000000001AAA",
            "name": "Ann",
            "username": "ann@acme.example",
            "email": "team@acme.example",
            "is_active": True,
        },
        {
            "user_id": "005000000000002AAA",
            "name": "Bob",
            "username": "bob@acme.example",
            "email": "Bob@Mail.example",
            "is_active": True,
        },
        {
            "user_id": "005000000000003AAA",
            "name": "Cy",
            "username": "cy@acme.example",
            "email": "team@acme.example",
            "is_active": True,
        },
    ],
)


def written(folder: Path, text: str) -> Path:
    path = folder / "targets.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_owners_are_found_by_user_name_email_and_id(tmp_path: Path) -> None:
    lines = [
        "2026,ANN@acme.example,1200.50,,,,,,",
        "2026,bob@mail.EXAMPLE,5,EUR,2026-04-01,2026-12-31,2,2026-03-01,GB-ENG",
        "2026,005000000000003,1,,,,,,",
    ]
    table = read_target_book(written(tmp_path, HEAD + "\n".join(lines) + "\n\n"), USERS)
    assert table["owner_id"].tolist() == [
        "005000000000001AAA",
        "005000000000002AAA",
        "005000000000003AAA",
    ]
    assert table["annual_target"].iloc[0] == Decimal("1200.50")
    assert table["revision"].tolist() == [1, 2, 1]
    assert str(table["start_date"].iloc[1]) == "2026-04-01"


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (
            "2026,stranger@acme.example,1,,,,,,",
            "line 2: owner 'stranger@acme.example' is not a user of Salesforce; use a user name",
        ),
        ("2026,team@acme.example,1,,,,,,", "e-mail of 2 users"),
        ("2026,ann@acme.example,-1,,,,,,", "annual_target '-1' is below zero"),
        ("2026,ann@acme.example,1e99,,,,,,", "is too large for an amount"),
        ("2026,ann@acme.example,NaN,,,,,,", "is not an amount"),
        ("2026,ann@acme.example,lots,,,,,,", "is not an amount; write it as 1234.50"),
        ('2026,ann@acme.example,"$120,000",,,,,,', "120,000' has a sign of a currency"),
        ("2026,ann@acme.example,650 €,,,,,,", "write the amount alone, and the currency under"),
        ("twenty,ann@acme.example,1,,,,,,", "fiscal_year 'twenty' is not a whole number"),
        ("2026,ann@acme.example,1,EURO,,,,,", "is not a currency"),
        ("2026,ann@acme.example,1,,1/4/2026,,,,", "may be 2026-04-01 or 2026-01-04; write it so"),
        ("2026,ann@acme.example,1,,31.4.2026,,,,", "is not a date; write it as 2026-09-30"),
        (
            "2026,ann@acme.example,1,,2026-05-01,2026-04-01,,,",
            "end_date 2026-04-01 is before start_date",
        ),
        ("2026,ann@acme.example,1,,,,0,,", "revision '0' is not a whole number"),
        ("2026,ann@acme.example,1,,,,,,ZZ", "no holiday calendar for 'ZZ'"),
        ("2026,ann@acme.example,1,,,,,,,extra", "more cells than the header"),
        (
            "2026,ann@acme.example,1,,,,,,\n2026,ann@acme.example,2,,,,,,",
            "line 3: repeats revision 1",
        ),
        ("2026," + "x" * 500_000 + ",1,,,,,,", "line 2 cannot be read: field larger"),
        ("2026," + "x" * 5_000 + ",1,,,,,,", "is not a user"),
    ],
)
def test_a_bad_line_is_one_sentence_with_its_number(tmp_path: Path, line: str, says: str) -> None:
    csv.field_size_limit(131_072)  # the whole process shares it, and the embedded org raises it
    with pytest.raises(InvalidTargetBook, match=says) as refused:
        read_target_book(written(tmp_path, HEAD + line + "\n"), USERS)
    assert len(str(refused.value)) < 300


def test_columns_are_checked_by_name(tmp_path: Path) -> None:
    with pytest.raises(InvalidTargetBook, match="no column 'owner'"):
        read_target_book(written(tmp_path, "fiscal_year,annual_target\n"), USERS)
    with pytest.raises(InvalidTargetBook, match="unknown column 'quota'"):
        read_target_book(written(tmp_path, "fiscal_year,owner,annual_target,quota\n"), USERS)
    with pytest.raises(InvalidTargetBook, match="does not exist"):
        read_target_book(tmp_path / "none.csv", USERS)


def test_an_empty_book_is_a_book(tmp_path: Path) -> None:
    assert read_target_book(written(tmp_path, HEAD), USERS).empty
