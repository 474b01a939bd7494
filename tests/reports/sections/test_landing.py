"""What pages say of the future: each sentence by its rule, on a firm with a long past."""

from dataclasses import replace
from decimal import Decimal
from functools import lru_cache

import pandas as pd
import pytest

from reports.document.deal_tables import worth_of
from reports.document.document import Variant
from reports.document.last_report import LastReport
from reports.document.month_data import GrainTables
from reports.document.month_tables import MonthTables
from reports.document.view import View
from reports.month_end import month_end_reports
from reports.rendering import pdf as render
from reports.sections.clients import clients
from reports.sections.deals import closing, is_protected
from reports.sections.headline import tiles
from reports.sections.landing import (
    _landing_answer,
    landing,
    margin_sentence,
)
from reports.sections.people import phasing_remarks
from reports.sections.pipeline import coverage
from reports.sections.plans import plans
from reports.sections.sources import generation
from reports.sections.track_record import _record_answer, track_record
from reports.sections.year import year
from sales.calendar import Month
from sales.contracts.forecast import SourceAttainment
from sales.forecast.backtest import Score
from sales.targets.stated_plans import ClientPlan, PlanBook, StatedTarget
from tests.fakes import frame
from tests.reports.months import tables_of_firm
from tests.reports.sections.test_headline import with_cells
from tests.sales.firms import MONTH, FirmMonth, simulated

pytestmark = pytest.mark.slow

BOOK = PlanBook(
    stated=[StatedTarget(2023, "", 1_400_000_00)],
    clients=[ClientPlan("001000000000001AAA", Month(2023, 9), 700_00)],
)
GOOD = Score(
    "company",
    "month",
    24,
    24,
    0.2,
    {"stage_weighted": 0.4, "last_year": 0.5, "three_month_average": 0.3},
    0.1,
    0.8,
    0.2,
    0.25,
    (),
)


@lru_cache(maxsize=1)
def month_tables() -> tuple[MonthTables, Variant]:
    return tables_of_firm(FirmMonth(simulated().extract, MONTH, annual_target=350_000), BOOK)


def view(grain: str = "company", **changed: pd.DataFrame) -> View:
    tables, variant = month_tables()
    data = GrainTables(replace(tables, **changed), variant.month, variant.rules)
    return View(
        data,
        variant,
        grain,
        variant.rules.company if grain == "company" else data.active_people()[0],
    )


def test_the_years_steps_say_whose_targets_they_are_where_another_one_is_stated() -> None:
    said = year(view()).caption
    assert said.startswith(
        "Dashed steps: phased targets of its people, beside a stated target of US$1.40m. Solid: booked."
    )
    assert year(view("person")).caption.startswith("Dashed steps: phased target.")


def test_where_it_lands_names_range_chance_and_band() -> None:
    section = landing(view())
    assert section.answer.startswith("We forecast US$")
    assert (
        "in eight of ten cases), against a stated target of US$1.40m; people's targets sum to US$1.75m."
        in section.answer
    )
    assert "At this point of the years before we would have said US$" in section.answer
    assert section.figure is not None
    assert "Landing in percent of what is asked: Sep 2023" in section.figure
    # The first quarter of 2024 has no target yet, so nothing to land at.
    assert [row.cells[0] for row in section.tables[0].rows] == [
        "Sep 2023",
        "Q3 FY2023",
        "Q4 FY2023",
        "FY2023",
    ]
    # Asked of the coming month is its number, as everywhere; the CRM's own forecast stands beside ours.
    row = section.tables[0].rows[0]
    coming = month_tables()[0].coming_month.set_index("grain").loc["company"]
    assert row.cells[5] == view().variant.money(coming["number"])
    assert [column.label for column in section.tables[0].columns][6:8] == ["Commit", "Best case"]
    assert "expected amounts do: US$" in section.tables[0].note


def test_a_year_that_is_over_and_an_interval_without_width_are_no_forecast() -> None:
    table = month_tables()[0].landing_forecast
    over = table.assign(method=table["method"].where(table["period_kind"] == "month", "over"))
    assert {row.cells[0] for row in landing(view(landing_forecast=over)).tables[0].rows} == {
        "Sep 2023"
    }
    flat = table.assign(p10=table["p50"], p90=table["p50"])
    section = landing(view(landing_forecast=flat))
    assert section.answer.startswith("FY2023 stands at US$")


def test_the_tile_of_the_forecast_says_what_it_was_a_month_ago() -> None:
    tables, variant = month_tables()
    was = tables.landing_forecast.assign(
        p50=pd.Series(
            [Decimal("1234567.00")] * len(tables.landing_forecast),
            dtype=tables.landing_forecast["p50"].dtype,
        )
    )
    last = LastReport(variant.month.plus(-1), tables.actions, was)
    data = GrainTables(tables, variant.month, variant.rules, last)
    notes = [tile.note for tile in tiles(View(data, variant, "company", variant.rules.company))]
    assert [note.endswith("; US$1.23m a month ago") for note in notes] == [
        False,
        False,
        True,
        False,
    ]
    assert not any("a month ago" in tile.note for tile in tiles(view()))
    silent = LastReport(last.month, last.actions, was.assign(method="too_little_history"))  # type: ignore[arg-type]
    data = GrainTables(tables, variant.month, variant.rules, silent)
    seen = tiles(View(data, variant, "company", variant.rules.company))
    assert not any("a month ago" in tile.note for tile in seen)


@pytest.mark.parametrize(
    ("margin", "says"),
    [
        (
            "-1000.00",
            "Booking US$146k in September 2023 alone does not put the year on track: US$1k more is needed.",
        ),
        ("2000.00", "You can miss September 2023 by US$2k and the year is still on."),
        ("90000000.00", "Even without a booking in September 2023 the year stays on track."),
    ],
)
def test_the_margin_is_said_as_people_say_it(margin: str, says: str) -> None:
    table = month_tables()[0].landing_forecast
    kind = table["margin"].dtype
    changed = table.assign(
        margin=[Decimal(margin) if each == "year" else None for each in table["period_kind"]]
    ).astype({"margin": kind})
    assert margin_sentence(view(landing_forecast=changed)) == says
    assert (
        margin_sentence(
            view(landing_forecast=table.assign(margin=pd.Series([None] * len(table), dtype=kind)))
        )
        == ""
    )


def test_a_record_says_who_was_better_and_whether_the_ranges_held() -> None:
    assert (
        _record_answer(view(), [GOOD])
        == "Forecasts of the month were off by 20%, the best naive baseline (Three months) by 30%."
    )
    assert (
        "the baseline Three months did better, with 30%: trust the baseline more"
        in _record_answer(view(), [replace(GOOD, wape=0.5)])
    )
    assert "no better than the baseline Three months" in _record_answer(
        view(), [replace(GOOD, wape=0.3)]
    )
    assert "too narrow: 45% of what came lay inside" in _record_answer(
        view(), [replace(GOOD, inside=0.45)]
    )
    assert "wider than needed" in _record_answer(view(), [replace(GOOD, inside=1.0)])
    assert "no claim is made" in track_record(view(), []).answer


def test_new_pipeline_clients_and_plans_have_their_numbers() -> None:
    made, by_client, beside = generation(view()), clients(view()), plans(view())
    assert made is not None
    assert by_client is not None
    assert beside is not None
    assert {row.cells[0] for row in made.tables[0].rows} == {"Web", "Referral"}
    assert "of new pipeline was created in the year so far, " in made.answer
    assert len(by_client.tables[0].rows) == 10 + len(["All clients", "Client plans"])
    assert [table.title for table in beside.tables] == [
        "Over-assignment",
        "From below: plans of clients",
    ]
    assert beside.tables[0].rows[0].cells == (
        "Simulated Firm",
        "US$1,750,000",
        "US$1,400,000",
        "US$350,000",
        "25%",
    )


def test_many_sources_that_are_equally_behind_are_counted() -> None:
    rows = [
        {
            "source_owner": f"Fair {n:02d}",
            "period_kind": kind,
            "period": "FY2023",
            "target": 1000,
            "created": 400,
            "attainment_pct": 40.0,
            "number": 1600,
        }
        for n in range(15)
        for kind in ("month", "quarter", "year")
    ]
    tables, variant = month_tables()
    attained = replace(tables, source_attainment=frame(SourceAttainment, rows))
    data = GrainTables(attained, variant.month, variant.rules)
    section = generation(replace(view(), data=data))
    assert section is not None
    assert section.answer.endswith("Furthest behind: 15 of them alike, by US$600 each.")
    assert len(section.tables[0].rows) == 12
    assert section.tables[0].note.endswith("3 more are in the attached source_attainment.csv.")


def test_a_quarters_target_is_not_denied_where_only_the_year_has_none() -> None:
    quarter = {"period_kind": "quarter"}
    assert _landing_answer(view(), [quarter]).startswith("There is no target for the year;")
    assert _landing_answer(view(), []).startswith("There is no target for the periods to come;")


def test_a_lead_reads_whose_phasing_forgives_nothing() -> None:
    tables, variant = month_tables()
    checks = tables.phasing_check
    strict = checks.assign(
        keeps_floor=pd.Series([False] * len(checks), dtype=checks["keeps_floor"].dtype)
    )
    data = GrainTables(replace(tables, phasing_check=strict), variant.month, variant.rules)
    team = View(data, variant, "team", data.active_teams()[0])
    said = phasing_remarks(team)
    assert said
    assert "after two missed months the year can be made up in " in said[0]


def test_every_document_of_a_firm_with_a_past_can_be_set() -> None:
    tables, variant = month_tables()
    for report in month_end_reports(tables, variant):
        html = render.html_of(report)
        assert ("Where it lands" in html) or report.kind == "person"
        assert "Of 18 forecasts of a month" in html or report.kind != "company"
        assert "What waiting costs" in html or report.kind != "company"
        for section in report.sections:
            for table in section.tables:
                assert sum(column.width for column in table.columns) == 100, (
                    section.title,
                    table.title,
                )


def test_a_stated_target_beside_the_sum_of_peoples_is_told_where_the_year_lands() -> None:
    """The firm states 1.40m; its people's targets sum to 1.75m."""
    said = landing(view()).answer
    assert "a stated target of US$1.40m; people's targets sum to US$1.75m." in said
    assert "stated" not in landing(view("person")).answer


def test_a_target_that_is_reached_is_said_to_be() -> None:
    table = month_tables()[0].landing_forecast
    whole = table.assign(bookings=table["target"])
    said = landing(view(landing_forecast=whole)).answer
    assert said.endswith("The target of FY2023 is reached.")
    assert "miss" not in said


def test_the_forecast_is_told_without_the_deals_that_bring_most() -> None:
    one = view()
    row = one.landings()[-1]
    short = one.variant.short
    assert (
        f"Without the 5 open deals that bring most {short(row['expected_without_largest'])} is to be expected, not {short(row['expected'])}."
        in landing(one).answer
    )
    table = month_tables()[0].landing_forecast
    same = table.assign(expected_without_largest=table["expected"])
    assert "bring most" not in landing(view(landing_forecast=same)).answer


def test_nothing_that_was_ever_needed_is_not_said_to_be_enough() -> None:
    table = month_tables()[0].pipeline_coverage
    none = table.assign(
        required_ratio=pd.Series([0.04] * len(table), dtype=table["required_ratio"].dtype)
    )
    assert "usually been needed" in coverage(view(), ["company"]).answer
    assert "needed" not in coverage(view(pipeline_coverage=none), ["company"]).answer


def test_a_later_quarter_that_is_short_is_named() -> None:
    one = view()
    focus = one.data.focus_quarter
    table = month_tables()[0].pipeline_coverage
    later = table.loc[
        (table["period_kind"] == "quarter") & (table["period"] > focus), "period"
    ].min()
    rows = (table["period"] == later) & (table["grain"] == "company")
    strict = table.copy()
    for name, value in (("required_ratio", 9.0), ("coverage_ratio", 0.5), ("status", "ok")):
        strict.loc[rows, name] = value
    sentence = f"{later.partition('-')[2]} {later.partition('-')[0]} has 0.5× so far, and 9.0× has usually been needed."
    assert sentence in coverage(view(pipeline_coverage=strict), ["company"]).answer
    assert sentence not in coverage(one, ["company"]).answer


def test_what_is_due_is_weighted_by_its_chances() -> None:
    one = view()
    ahead = [d for d in one.deals() if not is_protected(d) and not d["days_overdue"]]
    expected = sum((worth_of(deal) for deal in ahead), Decimal(0))
    said = closing(one).answer
    assert f"Weighted by their chances, that is {one.variant.short(expected)}." in said
    blank = with_cells(one.data.tables.closing_plan, win_probability=None)
    assert "Weighted" not in closing(view(closing_plan=blank)).answer
