"""What was won, lost, slipped and found, by name."""

from datetime import date
from decimal import Decimal

import pandas as pd
from markupsafe import Markup

from reports.document.document import Row
from reports.sections.changes import changes, told_once
from sales.contracts.contract import checked
from sales.contracts.coverage import DealChanges
from tests.fakes import EXTRACTED_AT, frame
from tests.reports.sections.test_headline import view


def changed(*rows: tuple[int, str, int | None]) -> pd.DataFrame:
    """Return changes of deals: number, change and amount now."""
    return checked(
        frame(
            DealChanges,
            [
                {
                    "from_month": "2026-03",
                    "to_month": "2026-04",
                    "opportunity_id": f"006{number:012d}AAA",
                    "change": change,
                    "owner_id": "005A",
                    "team": "North",
                    "amount_before": 50,
                    "amount_after": amount,
                    "close_date_before": date(2026, 4, 1),
                    "close_date_after": date(2026, 4, 9),
                    "name": f"Deal {number}",
                    "account_name": "Acme",
                    "owner_name": "Ann",
                    "as_of": EXTRACTED_AT,
                    "extracted_at": EXTRACTED_AT,
                }
                for number, change, amount in rows
            ],
        ),
        DealChanges,
    )


def plain(row: Row) -> list[str]:
    """Return the words of a row's cells."""
    return [Markup("{}").format(cell).striptags() for cell in row.cells]


def test_a_deal_that_is_as_it_was_has_no_note() -> None:
    table = changed((1, "won", 50))
    table["close_date_before"] = table["close_date_after"]
    section = changes(view(deal_changes=table))
    assert section is not None
    assert plain(section.tables[0].rows[1]) == ["Acme: Deal 1", "Ann", "9 Apr 2026", "€50"]
    assert not section.tables[0].note


def test_each_list_has_its_largest_five_and_says_how_many_there_are() -> None:
    table = changed(*((n, "won", n * 1000) for n in range(1, 8)), (9, "lost", 400))
    section = changes(view(deal_changes=table))
    assert section is not None
    (table,) = section.tables
    groups = [row.cells for row in table.rows if row.is_strong]
    assert groups == [("Won", "7 deals", "", "€28,000"), ("Lost", "1 deal", "", "€400")]
    assert [plain(row)[0] for row in table.rows[1:4]] == [
        "Acme: Deal 7 was due 1 Apr 2026, was €50",
        "Acme: Deal 6 was due 1 Apr 2026, was €50",
        "Acme: Deal 5 was due 1 Apr 2026, was €50",
    ]
    assert len(table.rows) == 2 + 5 + 1
    assert table.note == "The largest of each; all of them are in the attached deal_changes.csv."
    assert section.answer == (
        "In April 2026, €28k was won, €400 was lost and €0 of new pipeline was created; €0 was due and is still open."
    )


def test_a_deal_that_was_created_and_decided_in_the_month_is_counted_as_created_and_listed_once() -> (
    None
):
    table = changed(*((n, "new", n * 1000) for n in range(1, 8)), (7, "won", 7000))
    section = changes(view(deal_changes=table))
    assert section is not None
    rows = [plain(row)[0] for row in section.tables[0].rows]
    assert rows[0:4:2] == ["Won", "New"]
    assert rows[1].startswith("Acme: Deal 7")
    assert rows[3:] == [f"Acme: Deal {n} was €50" for n in (6, 5, 4, 3, 2)]
    assert "€28k of new pipeline was created" in section.answer


def test_nothing_changed_is_no_page() -> None:
    assert changes(view(deal_changes=changed((1, "amount", 7)))) is None


def test_of_several_changes_of_a_deal_one_is_told() -> None:
    table = changed(
        (1, "won", 900), (1, "pulled_in", 900), (2, "pushed", 5_000), (3, "deleted", None)
    )
    told = told_once(view("person", deal_changes=table))
    assert [(word, row["opportunity_id"][12:15]) for word, row in told] == [
        ("Pushed", "002"),
        ("Won", "001"),
        ("Deleted", "003"),
    ]
    assert told[2][1]["amount_before"] == Decimal(50)
