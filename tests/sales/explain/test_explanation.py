"""Where figures come from: by hand on a few deals, and as a law over every cell of both tables."""

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sales.calendar import FiscalCalendar, Month
from sales.contracts.contract import column_names
from sales.contracts.coverage import PipelineCoverage
from sales.contracts.targets import TargetAttainment
from sales.explain.evidence import DoesNotAddUp, Evidence, period_called, records
from sales.explain.explanation import (
    ATTAINMENT,
    COVERAGE,
    FORECAST,
    RULES,
    SUMS,
    Explanation,
    Figure,
    behind,
    explain,
    plain,
)
from sales.explain.forecast_evidence import forecast_evidence
from sales.history.booking_credit import booked
from sales.targets import attainment
from tests.examples import examples
from tests.fakes import at, deal, extract, saved, target
from tests.sales.firms import FirmMonth, firm_month, simulated
from tests.sales.history.test_booking_credit import REVENUE, split
from tests.sales.test_month_tables import SAVE, MonthOf, euro

KEY = ["as_of_month", "grain", "grain_id", "period_kind", "period", "as_of", "extracted_at"]


def evidence_of(its: MonthOf) -> Evidence:
    return Evidence(its.snapshot, its.credit, its.phased, its.month, its.rules)


def explained(
    its: MonthOf, name: str, grain: str, grain_id: str, period: str, *wanted: str
) -> Explanation:
    table = its.coverage if name == COVERAGE else its.attainment
    row = next(
        each
        for each in records(table)
        if (each["grain"], each["grain_id"], each["period"]) == (grain, grain_id, period)
    )
    return explain(evidence_of(its), name, row, wanted)


def figure(one: Explanation, column: str) -> Figure:
    return next(each for each in one.figures if each.column == column)


def parts(one: Explanation, group: str, column: str) -> dict[str, Decimal | int]:
    lines = next(each for each in one.groups if each.name == group).lines
    return {
        f"{line.record_id[:15].lstrip('0')} {line.owner_id}": line.adds[column]
        for line in lines
        if column in line.adds
    }


def number(n: int) -> str:
    return str(deal(n)["opportunity_id"])[:15].lstrip("0")


def assert_every_cell_adds_up(evidence: Evidence, name: str, table: pd.DataFrame) -> None:
    """Add the lines up once more here: an explanation is not believed because it was returned."""
    for row in records(table):
        one = explain(evidence, name, row)
        for group in one.groups:
            for sum_ in one.sums(group):
                if sum_.is_checked:
                    adding = {
                        # A deal that several share is counted once.
                        line.record_id if sum_.column.endswith("count") else n: added
                        for n, line in enumerate(group.lines)
                        if (added := line.adds.get(sum_.column, 0))
                    }
                    assert sum(adding.values()) == row[sum_.column], (row, sum_.column)
        assert [each.column for each in one.figures] == list(RULES[name])
        assert {each.column for each in one.figures if not each.is_checked} <= FORECAST
        assert {each.column: each.value for each in one.figures} == {
            column: row[column] for column in RULES[name]
        }


def test_every_figure_of_both_tables_has_a_rule_and_reads_what_is_there() -> None:
    for name, contract in ((ATTAINMENT, TargetAttainment), (COVERAGE, PipelineCoverage)):
        assert set(RULES[name]) == set(column_names(contract)) - set(KEY)
        assert {group for rule in RULES[name].values() for group in rule.groups} <= set(SUMS)
        listed = {column for sums in SUMS.values() for column in sums}
        assert all(
            set(rule.reads) & (set(RULES[name]) | {"the forecast"})
            for column, rule in RULES[name].items()
            if column not in listed and rule.groups
        )


def march() -> MonthOf:
    """March ends its quarter. Ann has 250 open in the second one, 20 of it at 50 %; 70 is overdue; 40 is won ahead, a quarter of it Bob's."""
    rows = [
        saved(1, "2026-01-05 10:00", amount=230, probability_pct=10.0, close_date=date(2026, 5, 1)),
        saved(2, "2026-01-05 10:00", amount=20, probability_pct=50.0, close_date=date(2026, 6, 30)),
        saved(3, "2026-01-05 10:00", amount=None, close_date=date(2026, 4, 1)),
        saved(4, "2026-01-05 10:00", amount=70, close_date=date(2026, 3, 31)),
        saved(5, "2026-02-05 10:00", stage_name="Won", amount=40, close_date=date(2026, 4, 9)),
    ]
    shares = [split(5, "005A", 75), split(5, "005B", 25)]
    return MonthOf(
        extract([deal(n) for n in range(1, 6)], rows, splits=shares, split_types=[REVENUE]),
        Month(2026, 3),
    )


def test_coverage_by_hand() -> None:
    quarter = explained(march(), COVERAGE, "person", "005A", "FY2026-Q2")
    assert parts(quarter, "open_pipeline", "open_pipeline") == {
        f"{number(1)} 005A": euro("230"),
        f"{number(2)} 005A": euro("20"),
    }
    assert parts(quarter, "open_pipeline", "stage_weighted_pipeline") == {
        f"{number(1)} 005A": euro("23"),
        f"{number(2)} 005A": euro("10"),
    }
    assert parts(quarter, "open_pipeline", "without_amount_count") == {
        f"{number(3)} 005A": 1,
        f"{number(1)} 005A": 0,
        f"{number(2)} 005A": 0,
    }
    assert parts(quarter, "overdue", "overdue_pipeline") == {f"{number(4)} 005A": euro("70")}
    assert parts(quarter, "bookings", "bookings") == {f"{number(5)} 005A": euro("30")}
    (share,) = next(group for group in quarter.groups if group.name == "bookings").lines
    assert (share.name, share.account_name, share.stage_name, share.amount, share.share_pct) == (
        "Deal 5",
        "Client",
        "Won",
        euro("40"),
        Decimal(75),
    )
    assert [line.month for line in quarter.groups[0].lines] == ["2026-04", "2026-05", "2026-06"]
    assert figure(quarter, "coverage_ratio").worked == "250.00 / 270.00"
    assert figure(quarter, "remaining_target").worked == "max(300.00 - 30.00, 0)"
    assert figure(quarter, "status").worked == "target 300.00, bookings 30.00"
    assert not figure(quarter, "weighted_pipeline").is_checked


def test_a_split_booking_is_listed_for_each_who_shares_it_and_once_for_the_company_as_a_whole() -> (
    None
):
    company = explained(march(), COVERAGE, "company", "Acme", "FY2026-Q2")
    assert parts(company, "bookings", "bookings") == {
        f"{number(5)} 005A": euro("30"),
        f"{number(5)} 005B": euro("10"),
    }
    south = explained(march(), COVERAGE, "team", "South", "FY2026-Q2")
    assert parts(south, "bookings", "bookings") == {f"{number(5)} 005B": euro("10")}


def test_an_open_deal_that_is_shared_is_listed_with_the_part_and_the_whole() -> None:
    """Ann and Bob share an open deal of 200, three quarters and one."""
    rows = [saved(1, "2026-01-05 10:00", amount=200, close_date=date(2026, 5, 1))]
    shares = [split(1, "005A", 75), split(1, "005B", 25)]
    one = MonthOf(extract([deal(1)], rows, splits=shares, split_types=[REVENUE]), Month(2026, 3))
    quarter = explained(one, COVERAGE, "person", "005A", "FY2026-Q2")
    assert parts(quarter, "open_pipeline", "open_pipeline") == {f"{number(1)} 005A": euro("150")}
    (line,) = next(group for group in quarter.groups if group.name == "open_pipeline").lines
    assert (line.amount, line.share_pct, line.chance) == (euro("200"), Decimal(75), None)
    whole = explained(march(), COVERAGE, "person", "005A", "FY2026-Q2")
    lines = next(group for group in whole.groups if group.name == "open_pipeline").lines
    assert [each.share_pct for each in lines] == [None, None, None]


def test_attainment_counts_the_months_so_far() -> None:
    year = explained(march(), ATTAINMENT, "person", "005A", "FY2026")
    assert [line.month for line in year.groups[0].lines] == ["2026-01", "2026-02", "2026-03"]
    assert not year.groups[1].lines, "what is won ahead of its date is booked in that later month"
    assert figure(year, "variance").worked == "0.00 - 300.00"
    assert year.groups[0].lines[0].amount == euro("1200"), (
        "a month of a target says the year that it is a part of"
    )


def test_overdue_deals_count_where_policy_says() -> None:
    rows = [
        saved(1, "2026-01-05 10:00", amount=70, close_date=date(2026, 2, 1)),
        saved(2, "2026-01-05 10:00", amount=5, close_date=date(2026, 3, 20)),
    ]
    one = extract([deal(1), deal(2)], rows)
    separate, current = (
        MonthOf(one, Month(2026, 2), policy=f'[pipeline]\noverdue = "{word}"')
        for word in ("separate", "current_period")
    )
    assert figure(
        explained(separate, COVERAGE, "company", "Acme", "FY2026-Q1"), "open_pipeline"
    ).value == euro("5")
    counted = explained(current, COVERAGE, "company", "Acme", "FY2026-Q1")
    assert parts(counted, "open_pipeline", "open_pipeline") == {
        f"{number(1)} 005A": euro("70"),
        f"{number(2)} 005A": euro("5"),
    }
    assert "count in the period that holds 2026-03-01" in figure(counted, "open_pipeline").words
    assert (
        figure(explained(current, COVERAGE, "company", "Acme", "FY2026-Q2"), "open_pipeline").value
        == 0
    )


@examples(40)
@given(
    st.lists(SAVE, min_size=3, max_size=25),
    st.sampled_from(["separate", "current_period"]),
    st.integers(1, 12),
    st.lists(
        st.tuples(st.integers(1, 5), st.integers(1, 99)), max_size=4, unique_by=lambda pair: pair[0]
    ),
    st.sampled_from([(1200, 600), (0, 600), (None, 100)]),
    st.sampled_from([1, 4]),
)
def test_every_cell_adds_up_whatever_happens(
    saves: list[tuple[int, int, str, int | None, int]],
    overdue: str,
    month: int,
    shares: list[tuple[int, int]],
    annual: tuple[int | None, int],
    start_month: int,
) -> None:
    start = at("2026-01-03 10:00")
    rows = [
        saved(
            n,
            "2026-01-03 10:00",
            amount=n * 111,
            probability_pct=n * 7.35,
            close_date=date(2026, 2, n),
        )
        for n in range(1, 6)
    ]
    rows += [
        saved(
            n,
            "2026-01-05 10:00",
            history_id=f"008{i:03d}",
            created_at=start + timedelta(days=days),
            stage_name=stage,
            amount=None if amount is None else Decimal(amount) / 100,
            close_date=date(2026, 3, 1) + timedelta(days=shift),
        )
        for i, (n, days, stage, amount, shift) in enumerate(saves)
    ]
    splits = [
        split(n, owner, pct, created_at=start)
        for n, first in shares
        for owner, pct in (("005A", first), ("005Z", 100 - first))
    ]
    one = extract(
        [deal(n, created_at=start) for n in range(1, 6)],
        rows,
        splits=splits,
        split_types=[REVENUE],
        start_month=start_month,
    )
    owners = zip(("005A", "005B"), annual, strict=True)
    lines = [
        target(owner, amount, fiscal_year=year)
        for owner, amount in owners
        if amount is not None
        for year in (2025, 2026)
    ]
    its = MonthOf(one, Month(2026, month), lines, policy=f'[pipeline]\noverdue = "{overdue}"')
    evidence = evidence_of(its)
    assert_every_cell_adds_up(evidence, ATTAINMENT, its.attainment)
    assert_every_cell_adds_up(evidence, COVERAGE, its.coverage)


class TestGeneratedFirm:
    @pytest.mark.parametrize(
        "month", [Month(2020, 10), Month(2022, 12), Month(2023, 8), Month(2023, 9)]
    )
    @pytest.mark.parametrize("overdue", ["separate", "current_period"])
    def test_every_cell_adds_up_those_of_the_forecast_too(self, month: Month, overdue: str) -> None:
        """In October 2020 the past is too short for a forecast: its figures are empty, and said to be."""
        one = FirmMonth(simulated().extract, month, policy=f'[pipeline]\noverdue = "{overdue}"')
        ahead = forecast_evidence(
            one.forecast_basis, one.snapshot, one.credit, one.phased, month, one.rules
        )
        assert (ahead.ahead is None) == (month == Month(2020, 10))
        evidence = Evidence(one.snapshot, one.credit, one.phased, month, one.rules, ahead)
        assert_every_cell_adds_up(
            evidence,
            ATTAINMENT,
            attainment.target_attainment(one.snapshot, one.credit, one.phased, month, one.rules),
        )
        assert_every_cell_adds_up(evidence, COVERAGE, one.coverage)
        row = records(one.coverage)[0]
        assert all(each.is_checked for each in explain(evidence, COVERAGE, row).figures)
        if ahead.ahead is None:
            with pytest.raises(DoesNotAddUp, match="weighted_pipeline of company"):
                explain(evidence, COVERAGE, row | {"weighted_pipeline": euro("1")})

    def test_needed_coverage_follows_from_its_c_and_n(self) -> None:
        one = firm_month()
        ahead = forecast_evidence(
            one.forecast_basis, one.snapshot, one.credit, one.phased, one.month, one.rules
        )
        evidence = Evidence(one.snapshot, one.credit, one.phased, one.month, one.rules, ahead)
        row = next(
            each
            for each in records(one.coverage)
            if each["grain"] == "company" and each["required_ratio"]
        )
        worked = figure(explain(evidence, COVERAGE, row), "required_ratio").worked
        gap, others, conversion = (
            float(worked.replace(",", "").split(" ")[place].strip("max()")) for place in (0, 3, 7)
        )
        assert row["required_ratio"] == pytest.approx((gap - others) / conversion / gap, rel=1e-3)

    def test_a_wrong_figure_of_the_forecast_is_a_fault_only_for_those_who_ask_for_it(self) -> None:
        one = firm_month()
        ahead = forecast_evidence(
            one.forecast_basis, one.snapshot, one.credit, one.phased, one.month, one.rules
        )
        evidence = Evidence(one.snapshot, one.credit, one.phased, one.month, one.rules, ahead)
        row = next(each for each in records(one.coverage) if each["grain"] == "company")
        spoiled = row | {"weighted_pipeline": row["weighted_pipeline"] + Decimal("0.01")}
        with pytest.raises(DoesNotAddUp, match="weighted_pipeline of company"):
            explain(evidence, COVERAGE, spoiled)
        assert [
            each.column for each in explain(evidence, COVERAGE, spoiled, ["open_pipeline"]).figures
        ] == ["open_pipeline"]


@pytest.mark.parametrize(
    ("name", "column"),
    [(name, column) for name, rules in RULES.items() for column in rules if column not in FORECAST],
)
def test_a_figure_that_does_not_add_up_is_a_fault_that_names_it(name: str, column: str) -> None:
    """An explanation that cannot fail explains nothing: every figure, one cent or one count off."""
    its = march()
    row = next(
        each
        for each in records(its.coverage if name == COVERAGE else its.attainment)
        if each["grain_id"] == "005A"
    )
    value = row[column]
    wrong = (
        "covered"
        if isinstance(value, str)
        else (value or 0) + (Decimal("0.01") if isinstance(value, Decimal) else 1)
    )
    with pytest.raises(
        DoesNotAddUp,
        match=rf"^{column} of person '005A', .* in {name}, but .*; do not use the figure",
    ):
        explain(evidence_of(its), name, row | {column: wrong}, [column])


def test_a_share_that_goes_missing_or_a_booking_that_is_not_won_is_a_fault() -> None:
    its = march()
    evidence = evidence_of(its)
    row = next(
        each
        for each in records(its.coverage)
        if (each["grain"], each["period"]) == ("company", "FY2026-Q2")
    )
    with pytest.raises(
        DoesNotAddUp, match=r"gives away 30\.00 of 006000000000005AAA, which is won with 40\.00"
    ):
        explain(replace(evidence, booking_credit=booked(its.credit).iloc[:1]), COVERAGE, row)
    with pytest.raises(DoesNotAddUp, match="which is no won deal"):
        explain(replace(evidence, snapshot=its.snapshot.iloc[:4]), COVERAGE, row)


def test_a_figure_comes_with_those_it_is_computed_from() -> None:
    assert behind(COVERAGE, ["coverage_ratio"]) == {
        "coverage_ratio",
        "open_pipeline",
        "remaining_target",
        "target",
        "bookings",
    }
    assert behind(ATTAINMENT, ["bookings"]) == {"bookings"}
    one = explained(march(), COVERAGE, "team", "North", "FY2026-Q2", "overdue_pipeline")
    assert ([each.column for each in one.figures], [group.name for group in one.groups]) == (
        ["overdue_pipeline"],
        ["overdue"],
    )


def test_periods_are_read_as_the_tables_name_them() -> None:
    calendar = FiscalCalendar(4, named_by_end=True, time_zone="UTC")
    for month in (Month(2026, 3), Month(2026, 4), Month(2027, 1)):
        for period in (
            calendar.month_period(month),
            calendar.quarter_of(month),
            calendar.year_of(month),
        ):
            assert period_called(calendar, period.kind, period.name) == period


def test_names_lose_what_steers_a_terminal() -> None:
    assert plain("A\x1b[31m\nB\u202ec  d") == "A[31m Bc d"
    assert plain("شركة النور 北京") == "شركة النور 北京"
