"""The plan's document says what its tables say, in every language, whatever people are called."""

import re
from dataclasses import replace
from decimal import Decimal
from html import unescape

import pytest

from benchmarks.plan_skill import MONTH, YEAR, generated_firm, rules
from reports.document.document import MonthEndReport, Variant
from reports.export.year_plan_tables import plan_tables, spelled
from reports.publisher import render_job_of
from reports.rendering import pdf as render
from reports.year_plan import plan_report
from sales.calendar import Period
from sales.planning.capacity import Member, capacity
from sales.planning.needs import QuarterNeed, SourceNeed, WorkMonth
from sales.planning.scenario import PlanScenario
from sales.planning.scenario_plan import ScenarioPlan, YearPlans
from sales.planning.year_plan import year_plan
from sales.policy.reading import parse_policy
from sales.targets.stated_plans import NO_PLANS

HOSTILE = '<img src="x">& Söhne ' + "w" * 200
FIRM = generated_firm(5, people=4)


def plans_of(
    scenarios: dict[str, PlanScenario], policy: str = "", *, is_known: bool = True
) -> YearPlans:
    its_rules = replace(rules(), policy=parse_policy(policy, "fy2026.toml"))
    year = its_rules.calendar.year(YEAR)
    members = (
        *FIRM.members[:2],
        replace(FIRM.members[2], name=HOSTILE, team=HOSTILE),
        Member("Seat", "Seat", "Sales", sells_today=False, is_seat=True),
    )
    its_capacity = capacity(members, FIRM.members[3:], year, FIRM.known, its_rules)
    found = []
    for name, scenario in scenarios.items():
        plan = year_plan(
            scenario,
            scenario.title or name,
            its_capacity,
            {"person 1": Decimal(700_000)},
            {"person 0": 5_000_00} if is_known else {},
            its_rules,
            YEAR,
            NO_PLANS,
            None,
        )
        quarter = Period("quarter", f"FY{YEAR}-Q1", year.months[:3])
        found.append(
            ScenarioPlan(
                name,
                plan,
                [SourceNeed(HOSTILE, 900_00, 100_00, 20_00, 50_00, 0.4, 2.5)] if is_known else [],
                {year.first.plus(-1): 100_00, year.first: 800_00} if is_known else {},
                [
                    QuarterNeed(
                        quarter, 1000_00, *((2.0, 1.5, 2.5) if is_known else (None, None, None))
                    )
                ],
                [WorkMonth(month, 20.5, 3, None) for month in year.months] if is_known else [],
            )
        )
    return YearPlans(YEAR, year, MONTH, its_rules, found, {"person 0": 1}, ["Gone"])


def report_of(plans: YearPlans) -> MonthEndReport:
    return plan_report(plans, Variant(MONTH, plans.rules, is_demo=False))


def text_of(report: MonthEndReport) -> str:
    return unescape(re.sub(r"<[^>]+>", " ", render.html_of(report)))


THREE = {
    "a": PlanScenario(title="As today"),
    "b": PlanScenario(title="Growth", number=Decimal(3_300_000)),
    "c": PlanScenario(chance=Decimal("0.7")),
}


def test_each_scenario_is_told_with_its_number_and_its_chance() -> None:
    plans = plans_of(THREE)
    report = report_of(plans)
    said = [each.text for each in report.statements]
    growth = plans.scenarios[1].plan.company
    assert (
        f"“Growth”: a number of £3.30m, reached with a chance of {round(growth.chance * 100)}%"
        in said[1]
    )
    assert said[-1] == "Left out, as they cannot log in to Salesforce any more: Gone."
    assert [each.key for each in report.sections] == [
        "scenarios",
        "scenario-1",
        "scenario-1-needs",
        "scenario-2",
        "scenario-2-needs",
        "scenario-3",
        "scenario-3-needs",
    ]
    people = report.sections[3].tables[0]
    rows = {row.cells[0]: row for row in people.rows}
    assert rows["Firm"].cells[2] == "£3.30m"
    assert "agreed" in rows["Person 1"].cells[2]
    assert "Seat (open seat)" in rows
    assert [column.label for column in people.columns][-1] == "Plans of clients"
    assert sum(column.width for column in people.columns) == 100


def test_printed_sums_are_those_of_the_tables() -> None:
    plans = plans_of(THREE)
    tables = plan_tables(plans)
    people = tables["plan_people"].to_pylist()
    for each in plans.scenarios:
        mine = [row for row in people if row["scenario"] == each.name]
        assert sum(row["target"] for row in mine) == Decimal(each.plan.company.target) / 100
        by_month = [
            row["target"]
            for row in tables["plan_months"].to_pylist()
            if row["scenario"] == each.name
        ]
        assert sum(amount or 0 for amount in by_month) == Decimal(each.plan.company.target) / 100
        for row in mine:
            assert sum(row[str(month)] for month in plans.year.months) == row["target"]


def test_nothing_known_is_no_number_and_no_empty_column() -> None:
    report = report_of(plans_of({"a": PlanScenario()}, is_known=False))
    compared = {row.cells[0]: row.cells[1] for row in report.sections[0].tables[0].rows}
    assert compared["New pipeline for the year"] == "-"
    assert compared["Coverage at the start of a quarter"] == "-"
    assert "People to draft in, at most" not in compared
    people = report.sections[1].tables[0]
    assert [column.label for column in people.columns] == [
        "Person",
        "Expected",
        "Target",
        "Chance",
        "After two misses",
    ]
    assert [len(row.cells) for row in people.rows] == [5] * len(people.rows)
    assert [table.title for table in report.sections[2].tables] == ["Month by month"]


@pytest.mark.parametrize("count", [1, 4, 5, 9])
def test_any_number_of_scenarios_stands_side_by_side(count: int) -> None:
    scenarios = {f"s{n}": PlanScenario(title=f"{HOSTILE[:50]} {n}") for n in range(count)}
    report = report_of(plans_of(scenarios))
    tables = report.sections[0].tables
    assert sum(len(table.columns) - 1 for table in tables) == count
    assert all(sum(column.width for column in table.columns) == 100 for table in tables)
    assert "<img" not in render.html_of(report).replace('<img class="logo"', "")


@pytest.mark.parametrize("language", ["en", "en-US", "de"])
def test_the_document_is_printed_in_the_firms_language(language: str) -> None:
    report = report_of(plans_of(THREE, f'[brand]\nlanguages = ["{language}"]'))
    shown = text_of(report)
    assert ("Die Szenarien nebeneinander" in shown) == (language == "de")
    assert ("The scenarios side by side" in shown) == (language != "de")


def test_a_number_beyond_reach_has_a_chance_below_one_percent_and_scenarios_without_a_file_a_name() -> (
    None
):
    far = PlanScenario(title="The number", number=Decimal(10**9))
    report = report_of(plans_of({"number": far}, '[brand]\nlanguages = ["de"]'))
    assert report.tiles[0].name == "Die Zielzahl"
    assert "<1" in report.tiles[0].note


@pytest.mark.slow
def test_the_document_is_a_pdf_with_its_tables() -> None:
    report = report_of(plans_of({"a": PlanScenario()}))
    printed = render.pdf_of(render_job_of(report, "plan-FY2026.pdf"))
    assert printed.startswith(b"%PDF")
    assert {*report.attachments} == {
        f"plan_{each}" for each in ("groups", "people", "months", "sources", "quarters")
    }


@pytest.mark.parametrize(
    ("amount", "decimal", "shown"),
    [
        ("5.00", None, "5"),
        ("-5.50", ",", "-5,50"),
        ("1200000.10", None, "1200000.10"),
        ("0.00", ",", "0"),
    ],
)
def test_amounts_as_a_target_book_has_them(amount: str, decimal: str | None, shown: str) -> None:
    assert spelled(Decimal(amount), decimal) == shown
