"""Figures that stand in two places of a company's pack agree: what somebody with a calculator looks at."""

import re
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

import pytest

from reports.document.document import MonthEndReport, Section
from reports.month_end import month_end_reports
from reports.text.formats import EMPTY
from sales.vocabulary import PeriodKind
from tests.reports.sections.test_landing import month_tables

pytestmark = pytest.mark.slow


@dataclass(frozen=True)
class Pack:
    """The company's pack of a firm with a long past."""

    report: MonthEndReport

    def section(self, key: str) -> Section:
        return next(each for each in self.report.sections if each.key == key)

    def tile(self, start: str) -> str:
        return next(each.value for each in self.report.tiles if each.name.startswith(start))

    def cell(self, key: str, row: tuple[str, ...], column: str) -> str:
        """Return a cell by the first cells of its row and the head of its column."""
        table = self.section(key).tables[0]
        place = [each.label for each in table.columns].index(column)
        return next(each.cells[place] for each in table.rows if each.cells[: len(row)] == row)


@lru_cache(maxsize=1)
def pack() -> Pack:
    return Pack(next(iter(month_end_reports(*month_tables()))))


def amount(text: str) -> Decimal:
    """Return a printed amount as a number: whole units, or thousands."""
    sign = -1 if text.startswith("−") else 1
    return Decimal(re.sub(r"[^\d.]", "", text)) * sign * (1000 if text.endswith("k") else 1)


def short(text: str) -> str:
    """Return a printed amount in whole units as headlines print it."""
    return month_tables()[1].short(amount(text))


def test_the_first_page_says_what_the_landing_table_says() -> None:
    year = ("FY2023",)
    assert pack().tile("Year to date") == short(pack().cell("landing", year, "Booked"))
    forecast = pack().tile("Forecast")
    assert forecast == short(pack().cell("landing", year, "P50"))
    assert f"We forecast {forecast} for FY2023" in pack().section("landing").answer
    assert any(f"We forecast {forecast} " in each.text for each in pack().report.statements)


def test_coverage_is_the_same_on_the_tile_and_in_the_table() -> None:
    tile = next(each for each in pack().report.tiles if each.name.startswith("Coverage"))
    row = ("Simulated Firm", tile.name.removeprefix("Coverage "))
    assert tile.value == pack().cell("coverage_by_period", row, "Coverage")
    still = pack().cell("coverage_by_period", row, "Still to win")
    opened = pack().cell("coverage_by_period", row, "Open")
    assert amount(opened) / amount(still) == pytest.approx(
        Decimal(tile.value.removesuffix("×")), abs=Decimal("0.06")
    )


def test_the_movement_ends_at_the_open_pipeline() -> None:
    table = pack().section("movement_by_period").tables[0]
    for place, column in enumerate(table.columns[1:], start=1):
        rows = {each.cells[0]: amount(each.cells[place]) for each in table.rows}
        opened = pack().cell("coverage_by_period", ("Simulated Firm", column.label), "Open")
        assert abs(rows["Closing"] - amount(opened)) <= 500, "but for rounding to thousands"
        moved = sum(value for name, value in rows.items() if name != "Closing")
        assert abs(moved - rows["Closing"]) <= len(rows), "but for rounding to whole units"


def test_new_and_existing_clients_bring_what_the_quarter_booked() -> None:
    tables, variant = month_tables()
    quarter = variant.rules.calendar.quarter_of(variant.month).name
    company = tables.decided_deals.query("grain == 'company'")
    brought = company.loc[company["period"] == quarter, "won_amount"].sum()
    attained = tables.target_attainment.query("grain == 'company'")
    booked = attained.loc[attained["period_kind"] == PeriodKind.QUARTER.value, "bookings"]
    assert brought == booked.item()
    last = [table.rows[-1].cells[1] for table in pack().section("decided").tables]
    assert abs(sum(amount(each) for each in last if each != EMPTY) - brought) <= 500 * len(last)


def test_the_list_has_the_deals_that_the_sentence_counts() -> None:
    section = pack().section("closing")
    listing = section.tables[-1]
    assert listing.is_listing
    counted = re.findall(r"(\d+) (?:other |slow )?deals?\b", section.answer)
    assert sum(map(int, counted)) == len(listing.rows)
    assert listing.title == f"All {len(listing.rows)} deals"
    sums = re.findall(r"(?:worth|\() ?(US\$[\d.]+k)", section.answer)
    place = [each.label for each in listing.columns].index("Amount")
    total = sum(Decimal(row.keys[place] or 0) for row in listing.rows)
    assert abs(sum(map(amount, sums)) - total) <= 500 * len(sums)
