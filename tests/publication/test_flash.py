"""The running month: known up to a midnight, by the functions that close months, and apart from them."""

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pandas as pd
import pytest

from publication.flash import compute_flash, latest_day, print_flash
from publication.stored_flash import NoSuchDay, folder_of, stored_tables
from publication.workspace import Workspace
from reports.flash import FlashTables, flash_reports
from reports.publisher import Publisher
from sales.calendar import FiscalCalendar, Month
from tests.fakes import FakeReader, deal, extract, raw_tables, saved
from tests.plain_pages import plain_pages

NOW = datetime(2026, 4, 22, 9, tzinfo=UTC)
HISTORY = [
    saved(1, "2026-01-05 10:00", stage_name="Won", amount=700, close_date=date(2026, 3, 20)),
    saved(2, "2026-04-02 10:00", amount=300, close_date=date(2026, 4, 28)),
    saved(3, "2026-04-03 10:00", amount=200, close_date=date(2026, 4, 10)),
    saved(4, "2026-04-04 10:00", amount=400, close_date=date(2026, 4, 18)),
    saved(4, "2026-04-14 10:00", stage_name="Won", amount=400, close_date=date(2026, 4, 14)),
    saved(5, "2026-01-07 10:00", amount=900, close_date=date(2026, 5, 20)),
    saved(5, "2026-04-21 10:00", stage_name="Won", amount=900, close_date=date(2026, 4, 21)),
]
DEALS = [deal(n) for n in (1, 2, 3, 4, 5)]


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    (tmp_path / "policy").mkdir()
    (tmp_path / "policy" / "targets.csv").write_text(
        "fiscal_year,owner,annual_target\n2026,ann@acme.example,12000\n"
    )
    reader = FakeReader(raw_tables(extract(DEALS, HISTORY)), lambda: NOW)
    return Workspace(
        tmp_path / "home",
        tmp_path / "policy",
        lambda: reader,
        "https://acme.example",
        lambda: NOW,
    )


def rows(table: pd.DataFrame, **where: str) -> list[dict[str, object]]:
    for name, value in where.items():
        table = table[table[name] == value]
    return table.to_dict("records")


def test_what_was_known_at_a_midnight_and_nothing_after_it(workspace: Workspace) -> None:
    flash = compute_flash(workspace, date(2026, 4, 20), lambda _: None)
    found = flash.tables
    company = rows(found.target_attainment, grain="company", period_kind="month")[0]
    assert (company["as_of_day"], company["period"]) == ("2026-04-20", "2026-04")
    assert company["bookings"] == Decimal("400.00"), "what was won on the 21st is not known yet"
    assert company["target"] == Decimal("1000.00")
    plan = {row["opportunity_id"][-4:]: row for row in rows(found.closing_plan)}
    due = {row["close_date"]: row["days_overdue"] for row in plan.values()}
    assert due == {date(2026, 4, 28): 0, date(2026, 4, 10): 10, date(2026, 5, 20): 0}
    changes = {(row["change"], row["name"]) for row in rows(found.deal_changes)}
    assert {each for each, _ in changes} == {"won"}, "new ones came before the 13th"
    quarter = rows(found.pipeline_coverage, grain="company", period_kind="quarter")
    assert {row["period"] for row in quarter} >= {"FY2026-Q2"}, "the quarter that runs"


def test_a_deal_has_slipped_that_passed_its_date_in_the_week(workspace: Workspace) -> None:
    found = compute_flash(workspace, date(2026, 4, 13), lambda _: None).tables
    assert [row["change"] for row in rows(found.deal_changes)] == ["slipped"]


def test_the_first_day_of_a_month_shows_the_month_that_has_just_ended(
    workspace: Workspace,
) -> None:
    found = compute_flash(workspace, date(2026, 4, 1), lambda _: None).tables
    month = rows(found.target_attainment, grain="company", period_kind="month")[0]
    assert (month["period"], month["bookings"]) == ("2026-03", Decimal("700.00"))


def test_a_flash_freezes_nothing_of_a_month_end_and_is_exported(workspace: Workspace) -> None:
    day = date(2026, 4, 20)
    flash = compute_flash(workspace, day, lambda _: None)
    with plain_pages():
        publisher = Publisher(workspace.home / "packs", workspace.policy_folder)
        paths = list(print_flash(workspace, flash, publisher))
    assert [path.name.split("-")[0] for path in paths] == ["company.pdf", "team", "person"]
    assert all(path.parent == folder_of(workspace.home, day) for path in paths)
    assert workspace.published.months() == []
    assert workspace.extracts.chosen(Month(2026, 4)) is None
    stored = stored_tables(workspace.home, day)
    assert set(stored) == set(flash.tables.named())
    pd.testing.assert_frame_equal(stored["closing_plan"], flash.tables.closing_plan)


def test_who_is_away_in_the_rest_of_the_month_is_named(workspace: Workspace) -> None:
    (workspace.policy_folder / "leave.csv").write_text(
        "owner,start_date,end_date\n"
        "ann@acme.example,2026-04-13,2026-04-19\n"
        "ann@acme.example,2026-04-18,2026-04-21\n"
        "ann@acme.example,2026-04-30,2026-05-08\n"
        "ann@acme.example,2026-05-01,2026-05-08\n"
    )
    flash = compute_flash(workspace, date(2026, 4, 20), lambda _: None)
    assert [(row["owner_name"], str(row["first_day"])) for row in rows(flash.tables.leave)] == [
        ("Ann", "2026-04-18"),
        ("Ann", "2026-04-30"),
    ]
    publisher = Publisher(workspace.home / "packs", workspace.policy_folder)
    variant = publisher.variant(flash.inputs.month, flash.inputs.rules, "https://acme.example")
    pages = list(flash_reports(flash.tables, flash.day, flash.before, variant))
    said = [" ".join(each.text for each in page.statements) for page in pages]
    assert "On leave: Ann (18 Apr 2026–21 Apr 2026), Ann (30 Apr 2026–8 May 2026)." in said[0]
    assert "Leave: 18 Apr 2026–21 Apr 2026, 30 Apr 2026–8 May 2026." in said[-1]


def test_where_a_month_lands_is_told_with_its_record_and_by_no_one_else(
    workspace: Workspace,
) -> None:
    """Of a young firm nothing is told; the page says what the table does."""
    flash = compute_flash(workspace, date(2026, 4, 20), lambda _: None)
    landing = flash.tables.landing_forecast
    assert {row["method"] for row in landing.to_dict("records")} == {"too_little_history"}
    company = rows(landing, grain="company", period_kind="month")[0]
    assert (company["as_of_day"], company["bookings"]) == ("2026-04-20", Decimal("400.00"))
    assert company["target"] == rows(flash.tables.coming_month, grain="company")[0]["number"]
    publisher = Publisher(workspace.home / "packs", workspace.policy_folder)
    variant = publisher.variant(flash.inputs.month, flash.inputs.rules, "https://acme.example")

    def said(tables: FlashTables) -> tuple[str, str]:
        page = next(flash_reports(tables, flash.day, flash.before, variant))
        return " ".join(each.text for each in page.statements), page.sections[0].caption

    assert "We forecast" not in said(flash.tables)[0]
    told = landing.assign(
        p10=Decimal("600.00"),
        p50=Decimal("700.00"),
        p90=Decimal("900.00"),
        hit_probability=0.25,
        judged=12,
        error_model=0.11,
        error_stage_weighted=0.2,
        error_straight_line=0.3,
    )
    words, record = said(replace(flash.tables, landing_forecast=told))
    assert (
        "We forecast €700 for April 2026 (€600 to €900). Its €1k is reached with a chance of 25%."
        in words
    )
    assert (
        "April 2026: on this day of 12 earlier periods we were off by 11%; open deals by stage by 20%, a straight line by 30%."
        in record
    )


def test_days_that_cannot_be_asked_for(workspace: Workspace) -> None:
    assert latest_day(workspace) == date(2026, 4, 20)
    for day in (date(2026, 5, 4), date(2014, 1, 6)):
        with pytest.raises(NoSuchDay):
            compute_flash(workspace, day, lambda _: None)
    with pytest.raises(NoSuchDay, match="onpace flash --as-of 2026-04-13"):
        stored_tables(workspace.home, date(2026, 4, 13))


def test_a_calendar_is_open_in_the_running_month_only() -> None:
    calendar = FiscalCalendar(1, named_by_end=False, time_zone="America/New_York")
    cut = FiscalCalendar(
        1, named_by_end=False, time_zone="America/New_York", until=date(2026, 4, 20)
    )
    april, march = Month(2026, 4), Month(2026, 3)
    assert (cut.is_open(april), cut.is_open(march), cut.today(april)) == (
        True,
        False,
        date(2026, 4, 20),
    )
    assert cut.as_of(april) == datetime(2026, 4, 20, 4, tzinfo=UTC)
    assert cut.as_of(march) == calendar.as_of(march)
    whole = FiscalCalendar(
        1, named_by_end=False, time_zone="America/New_York", until=date(2026, 5, 1)
    )
    assert (whole.is_open(april), whole.as_of(april)) == (False, calendar.as_of(april))
