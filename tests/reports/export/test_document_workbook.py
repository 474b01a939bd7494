"""The workbook of a document: a cover, names in place of ids, heads in place of column names."""

from io import BytesIO

import openpyxl

from reports.document.document import MonthEndReport
from reports.export.document_workbook import document_workbook, head_of, title_of
from tests.reports.months import HOSTILE, reports_of


def opened(report: MonthEndReport) -> openpyxl.Workbook:
    return openpyxl.load_workbook(BytesIO(document_workbook(report)))


def test_the_cover_says_what_the_first_page_says_and_lists_the_sheets() -> None:
    report = reports_of(4)[0]
    book = opened(report)
    cover = book["Overview"]
    said = [str(cell.value) for row in cover.iter_rows() for cell in row if cell.value]
    assert said[0] == "Acme: sales at month end"
    assert "April 2026 booked €0, 0% of its target of €15k." in said
    assert any(line.startswith("1. Lead of South: Agree with Bob") for line in said)
    assert book.sheetnames[0] == "Overview"
    assert set(book.sheetnames[1:]) <= set(said)
    assert "Closing plan" in book.sheetnames


def test_people_clients_and_deals_go_by_name() -> None:
    book = opened(reports_of(4)[0])
    plan = [[cell.value for cell in row] for row in book["Closing plan"].iter_rows()]
    assert plan[0][:4] == ["Opportunity", "Owner", "Account", "Amount"]
    assert {row[1] for row in plan[1:] if row[1]} == {"Ann", "Bob"}
    assert HOSTILE[3] in {row[0] for row in plan[1:]}
    cells = [str(cell.value) for sheet in book for row in sheet.iter_rows() for cell in row]
    assert not [each for each in cells if each.startswith("006")]
    assert "as_of" not in " ".join(cells)


def test_shares_are_percent_and_money_has_the_digits_of_its_currency() -> None:
    sheet = opened(reports_of(4)[0])["Target attainment"]
    heads = [cell.value for cell in sheet[1]]
    place = heads.index("Attainment")
    found = {(row[place].value, row[place].number_format) for row in sheet.iter_rows(min_row=2)}
    assert (1.0, "0.0%") in found
    amount = sheet[2][heads.index("Bookings")]
    assert amount.number_format == "#,##0.00"


def test_heads_are_words() -> None:
    assert [head_of(each) for each in ("close_date", "p10", "attainment_pct", "owner_id")] == [
        "Close date",
        "P10",
        "Attainment",
        "Owner",
    ]
    assert title_of("deals_of_the_year") == "Deals of the year"


def test_the_same_document_gives_the_same_bytes() -> None:
    report = reports_of(4)[2]
    assert document_workbook(report) == document_workbook(report)
