"""The page that explains a difference to what was published first."""

from datetime import date
from decimal import Decimal

import pandas as pd
import pytest

from reports.document.document import MonthEndReport, Section
from reports.month_end import Readers, Restated, month_end_reports
from reports.rendering import pdf as render
from reports.sections import restatement as module
from sales import arrow as columns
from sales.restatement.restatement import Published, restatement
from tests.reports.months import MONTH, render_job_of, tables_of

FIRST = date(2026, 5, 3)


def restated(change: dict[str, Decimal]) -> list[MonthEndReport]:
    """The documents of a month in which open deals had other amounts when it was published first."""
    tables, variant = tables_of(4)
    snap = tables.opportunity_snapshot
    former = _with_amounts(snap, change)
    local = former["amount"].astype(snap["amount_local"].dtype)
    was = Published(
        former.assign(amount_local=local),
        _with_amounts(tables.booking_credit, change),
        tables.phased_targets,
    )
    now = Published(snap, tables.booking_credit, tables.phased_targets)
    return list(
        month_end_reports(
            tables, variant, Readers(), Restated(restatement(was, now, MONTH, variant.rules), FIRST)
        )
    )


def _with_amounts(table: pd.DataFrame, change: dict[str, Decimal]) -> pd.DataFrame:
    former = [
        change.get(deal, amount)
        for deal, amount in zip(
            table["opportunity_id"], columns.arrow(table["amount"]).to_pylist(), strict=True
        )
    ]
    return table.assign(amount=pd.Series(former, index=table.index, dtype=table["amount"].dtype))


def section(report: MonthEndReport) -> Section | None:
    return next((each for each in report.sections if each.key == "restated"), None)


def test_a_month_without_differences_says_nothing() -> None:
    assert all(section(report) is None for report in restated({}))
    tables, variant = tables_of(4)
    assert [render.html_of(each) for each in restated({})] == [
        render.html_of(each) for each in month_end_reports(tables, variant)
    ]


def test_each_difference_is_listed_with_its_cause_and_the_sums_add_up() -> None:
    """Deal 1 of Ann was worth 400 when April was published first, and is worth 1,000 now."""
    reports = restated({"006000000000001AAA": Decimal(400)})
    company, north, south, ann, bob = (section(report) for report in reports)
    assert company is not None
    assert (
        company.answer == "1 line differs from this month as it was published first, on 3 May 2026."
    )
    sums, listed = company.tables
    assert [row.cells for row in sums.rows] == [
        ("Bookings, year to date", "€40,000", "-", "€40,000"),
        ("Open pipeline of the year", "€9,400", "€600", "€10,000"),
        ("Phased target to date", "€60,000", "-", "€60,000"),
    ]
    assert [(*row.cells[:1], *row.cells[2:]) for row in listed.rows] == [
        ("Open pipeline of the year", "Ann", "€400", "€1,000", "€600", "amount")
    ]
    assert north is not None
    assert ann is not None
    assert south is bob is None
    assert len(reports[0].attachments["restatement"]) == 1
    assert "restatement" not in reports[4].attachments
    assert render.pdf_of(render_job_of(reports[0])).startswith(b"%PDF")


def test_a_long_list_is_cut_and_attached(monkeypatch: pytest.MonkeyPatch) -> None:
    change = {f"00600000000000{n}AAA": Decimal(n) for n in range(1, 5)}
    monkeypatch.setattr(module, "MOST_LINES", 3)
    report = restated(change)[0]
    shown = section(report)
    assert shown is not None
    assert (len(shown.tables[1].rows), shown.tables[1].note) == (
        3,
        "1 more are in the attached restatement.csv.",
    )
    assert len(report.attachments["restatement"]) == 4
