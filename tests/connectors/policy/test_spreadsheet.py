"""Target books as spreadsheets write them: read where there is one reading, else refused with both."""

from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest

from connectors.policy.annual_targets import (
    InvalidTargetBook,
    joined,
    read_monthly_targets,
    read_target_book,
)
from connectors.policy.cell_values import Spelling
from tests.connectors.policy.test_annual_targets import HEAD, USERS
from tests.fakes import rules

ROW = "2026,ann@acme.example,{},,,,,,\n"


def amount(folder: Path, content: bytes, spelling: Spelling | None = None) -> Decimal:
    path = folder / "targets.csv"
    path.write_bytes(content)
    table = read_target_book(path, USERS, *([spelling] if spelling else []))
    assert table["owner_id"].tolist() == ["005000000000001AAA"]
    return Decimal(table["annual_target"].iloc[0])


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("650000", "650000"),
        ("650.00", "650"),
        ('"650000,00"', "650000"),
        ("1.650.000", "1650000"),
        ('"1,650,000.50"', "1650000.50"),
        ('"1.650.000,50"', "1650000.50"),
        ("650\u00a0000", "650000"),
        ("650\u202f000", "650000"),
        ("650 000", "650000"),
        ("1'650'000", "1650000"),
        ("650\u2019000", "650000"),
        ("6.5E+05", "650000"),
        ("0.500", "0.5"),
        ("1234.500", "1234.5"),
        ("650000\u200b", "650000"),
    ],
)
def test_an_amount_with_one_reading_is_read(tmp_path: Path, text: str, value: str) -> None:
    assert amount(tmp_path, (HEAD + ROW.format(text)).encode()) == Decimal(value)


@pytest.mark.parametrize("text", ["650.000", '"650,000"', "1.234"])
def test_an_amount_with_two_readings_is_refused_with_both(tmp_path: Path, text: str) -> None:
    content = (HEAD + ROW.format(text)).encode()
    plain = text.strip('"')
    whole, parted = plain.replace(",", "").replace(".", ""), plain.replace(",", ".")
    with pytest.raises(
        InvalidTargetBook,
        match=rf"line 2: annual_target '{plain}' may be {whole} or {parted}.*\[targets\] decimal",
    ):
        amount(tmp_path, content)
    for sign in ",.":
        is_thousands = sign not in plain
        read = amount(tmp_path, content, Spelling(decimal=sign))
        assert read == (Decimal(whole) if is_thousands else Decimal(parted))


def test_one_line_that_shows_the_decimal_sign_speaks_for_the_file(tmp_path: Path) -> None:
    lines = "2026;ann@acme.example;650.000\n2026;bob@acme.example;12,50\n"
    path = tmp_path / "targets.csv"
    path.write_text("fiscal_year;owner;annual_target\n" + lines, encoding="utf-8")
    assert [Decimal(each) for each in read_target_book(path, USERS)["annual_target"]] == [
        Decimal(650_000),
        Decimal("12.50"),
    ]


@pytest.mark.parametrize("text", ["$650000", "65%", "=650*1000", "65.00.0", "650 00", "1,65,0.5"])
def test_what_is_no_amount_is_refused_with_its_line(tmp_path: Path, text: str) -> None:
    with pytest.raises(InvalidTargetBook, match="targets.csv line 2: annual_target"):
        amount(tmp_path, (HEAD + ROW.format(f'"{text}"')).encode())


@pytest.mark.parametrize(
    "content",
    [
        ("sep=;\r\n" + (HEAD + ROW.format("650000")).replace(",", ";")).encode(),
        (HEAD + ROW.format("650000")).replace(",", "\t").encode(),
        (HEAD + ROW.format("650000")).encode("utf-16"),
        (HEAD + ROW.format("650000")).encode("utf-8-sig"),
        (HEAD + ROW.format("650000")).replace("\n", "\r").encode(),
        (HEAD.title() + ROW.format("650000")).encode(),
        (HEAD.replace("_", " ").replace(",", ", ") + ROW.format("650000")).encode(),
        ("Targets of 2026,,,,,,,,\n,,,,,,,,\n" + HEAD + ROW.format("650000")).encode(),
        (HEAD.strip() + ",,\n" + ROW.format("650000").strip() + ",,\n").encode(),
        (HEAD + ROW.format("650000") + HEAD).encode(),
        (HEAD + ROW.format("650000") + ",Total,650000,,,,,,\n").encode(),
        (HEAD + ROW.format("650000").replace("2026", "FY2026") + ",,,,,,,,\n").encode(),
        (HEAD + ROW.format("650000").replace("ann@acme.example", "005000000000001aaa")).encode(),
    ],
)
def test_a_book_is_read_however_it_was_saved(tmp_path: Path, content: bytes) -> None:
    assert amount(tmp_path, content) == Decimal(650_000)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            HEAD + ROW.format("1") + ",Total,7,,,,,,\n",
            "line 3: is the total of 7, and the lines above sum to 1",
        ),
        (
            "fiscal_year,owner,annual_target,annual_target\n",
            "names the column 'annual_target' twice",
        ),
        (
            HEAD + '2026,"ann@acme.example,1,,,,,,\n2026,bob@acme.example,5\n',
            "line 2 cannot be read",
        ),
        (HEAD + "2026,anm@acme.example,1\n", r"did you mean 'ann@acme.example'\?"),
        (HEAD + "2026,ann@acme.example,1,,01/04/2026\n", "may be 2026-04-01 or 2026-01-04"),
    ],
)
def test_what_cannot_be_read_is_said_with_its_line(tmp_path: Path, text: str, says: str) -> None:
    with pytest.raises(InvalidTargetBook, match=says):
        amount(tmp_path, text.encode())


def test_days_with_two_readings_are_read_as_policy_says(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_text(HEAD + "2026,ann@acme.example,1,,01/04/2026,31/12/2026\n", encoding="utf-8")
    for day_first, begins in ((True, "2026-04-01"), (False, "2026-01-04")):
        found = read_target_book(path, USERS, Spelling(day_first=day_first))
        assert (str(found["start_date"].iloc[0]), str(found["end_date"].iloc[0])) == (
            begins,
            "2026-12-31",
        )


def test_a_workbook_is_read_and_a_broken_one_is_a_sentence(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Notes"
    sheet = book.create_sheet("Targets")
    sheet.append(["Fiscal Year", "Owner", "Annual target", "Start date"])
    sheet.append([2026, "ann@acme.example", 650_000.125, None])
    path = tmp_path / "targets.xlsx"
    book.save(path)
    found = read_target_book(path, USERS)
    assert Decimal(found["annual_target"].iloc[0]) == Decimal("650000.125")
    path.write_bytes(b"PK\x03\x04 no workbook")
    with pytest.raises(InvalidTargetBook, match="targets.xlsx is no workbook"):
        read_target_book(path, USERS)


def test_months_are_targets_as_they_are_stated(tmp_path: Path) -> None:
    path = tmp_path / "monthly_targets.csv"
    path.write_text(
        "owner,month,amount\nann@acme.example,2026-04,200.50\nann@acme.example,2026-05,100\n",
        encoding="utf-8",
    )
    calendar = rules("[fiscal]\nstart_month = 4\nyear_name = 'start'").calendar
    found = read_monthly_targets(path, USERS, calendar)
    assert [Decimal(each) for each in found["annual_target"]] == [Decimal("300.50")]
    assert found["stated_months"].tolist() == ["200.50 100" + " 0" * 10]
    annual = tmp_path / "targets.csv"
    annual.write_text(HEAD + ROW.format("5"), encoding="utf-8")
    with pytest.raises(InvalidTargetBook, match="states the year too; keep one of them"):
        joined(read_target_book(annual, USERS), found)


def test_days_parted_by_full_stops_begin_with_the_day(tmp_path: Path) -> None:
    path = tmp_path / "targets.csv"
    path.write_text(HEAD + "2026,ann@acme.example,1,,01.07.2026\n", encoding="utf-8")
    assert str(read_target_book(path, USERS)["start_date"].iloc[0]) == "2026-07-01"


def test_an_amount_that_was_cut_by_its_comma_is_told(tmp_path: Path) -> None:
    with pytest.raises(InvalidTargetBook, match="put the amount into quotes"):
        amount(tmp_path, (HEAD + "2026,ann@acme.example,150000,00,EUR,2026-01-01\n").encode())
