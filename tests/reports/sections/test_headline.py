"""The first page's sentences and numbers, each by its condition, on small tables."""

from dataclasses import replace
from decimal import Decimal

import pandas as pd
import pytest

from reports.document.document import Variant
from reports.document.month_data import GrainTables, PlannedMonth
from reports.document.month_tables import MonthTables
from reports.document.view import Standing, View, standing_of
from reports.sections import headline
from sales import arrow as columns
from sales.calendar import Month
from sales.forecast.backtest import Score
from sales.vocabulary import PeriodKind
from tests.reports.months import tables_of


def view(grain: str = "company", **changed: pd.DataFrame) -> View:
    tables, variant = tables_of(4)
    return view_of(replace(tables, **changed), variant, grain)


def view_of(tables: MonthTables, variant: Variant, grain: str) -> View:
    data = GrainTables(tables, variant.month, variant.rules)
    names = {"company": variant.rules.company, "team": "North", "person": "005A"}
    return View(data, variant, grain, names[grain])


def with_cells(table: pd.DataFrame, **values: object) -> pd.DataFrame:
    """Return a table that says the same in every row of some columns."""
    for name, value in values.items():
        kind = columns.arrow_type(table[name])
        cells = [
            value
            if not isinstance(value, Decimal)
            else value.quantize(Decimal(1).scaleb(-kind.scale))
        ] * len(table)
        table = table.assign(**{name: pd.Series(cells, dtype=table[name].dtype)})
    return table


def test_a_person_reads_the_number_of_the_coming_month_first() -> None:
    """40,000 of Ann's 40,000 to date are booked: May is as planned."""
    said = [each.text for each in headline.statements(view("person"))]
    assert said[0] == "May 2026: €10k, as planned."
    assert said[1] == "The year to date stands at €40k, on the phased target."
    coming = with_cells(
        tables_of(4)[0].coming_month,
        number=Decimal(12_500),
        at_risk=Decimal(3_000),
        ahead=Decimal(0),
    )
    behind = headline.statements(view("person", coming_month=coming))
    assert behind[0].text == (
        "May 2026: €12k, €10k of plan and €2k of what is missing. "
        "€3k more cannot be made up, even at 125% of plan in every month left."
    )
    assert behind[0].source == "coming_month"


def test_what_people_without_a_target_won_is_told_where_it_hides_a_gap() -> None:
    """Of the company's 40,000, Ann won all: without a target of hers the others are 20,000 behind."""
    table = tables_of(4)[0].target_attainment
    is_ann = (table["grain_id"] == "005A").fillna(value=False)
    of_company = (table["grain"] == "company").fillna(value=False)
    kind = table["target"].dtype
    rest = pd.Series([Decimal("20000.00")] * len(table), dtype=kind)
    gap = pd.Series([Decimal("20000.00")] * len(table), dtype=kind)
    changed = table.assign(
        status=table["status"].mask(is_ann, "no_target"),
        target=table["target"].mask(of_company, rest),
        variance=table["variance"].mask(of_company, gap),
    )
    said = [each.text for each in headline.statements(view(target_attainment=changed))]
    assert said[1].endswith(
        "€20k ahead. €40k of it was won by Ann, who has no target: without it, the year is €20k behind."
    )
    person = [each.text for each in headline.statements(view("person", target_attainment=changed))]
    assert not any("who has no target" in each for each in person)


def test_a_month_without_a_target_is_told_without_one() -> None:
    table = with_cells(tables_of(4)[0].target_attainment, status="no_target", attainment_pct=None)
    said = [each.text for each in headline.statements(view(target_attainment=table))]
    assert said[0] == "April 2026 booked €0."


@pytest.mark.parametrize(
    ("asked", "month", "standing"),
    [
        ((1, 12), 4, Standing.SELLS),
        ((1, 4), 4, Standing.LEFT),
        ((5, 12), 4, Standing.NOT_BEGUN),
        ((1, 12), 12, Standing.SELLS),
        ((1, 4), 12, Standing.LEFT),
        (None, 4, Standing.SELLS),
    ],
)
def test_where_somebody_is_in_the_year(
    asked: tuple[int, int] | None, month: int, standing: Standing
) -> None:
    plan = [
        headline_month(n, asked is not None and asked[0] <= n <= asked[1]) for n in range(1, 13)
    ]
    assert standing_of(plan, Month(2026, month)) == standing


def headline_month(number: int, is_asked: bool) -> PlannedMonth:  # noqa: FBT001
    amount = Decimal(int(is_asked))
    return PlannedMonth(Month(2026, number), amount, amount, Decimal(0))


def test_who_has_left_is_told_what_was_done_and_nothing_of_what_lies_ahead() -> None:
    table = tables_of(4)[0].phased_targets
    ahead = (table["owner_id"] == "005A") & (table["month"] > "2026-04")
    kind = table["baseline_target"].dtype
    left = table.assign(
        baseline_target=table["baseline_target"].where(~ahead, Decimal(0)).astype(kind)
    )
    seen = view("person", phased_targets=left)
    said = [each.text for each in headline.statements(seen)]
    assert len(said) == 1
    assert said[0].startswith("Your target ended with April 2026: €40k of €40k was booked.")
    assert [tile.name for tile in headline.tiles(seen)][-1] != "Coverage Q2 FY2026"


def test_a_chance_is_printed_only_where_chances_have_proved_themselves() -> None:
    """There is no track record here: nothing says how good chances are."""
    assert view().chance(PeriodKind.MONTH, 0.6) is None
    proved = view()
    score = headline_score(brier=0.1, before=0.2)
    proved.data.__dict__["scores"] = [score]
    assert proved.chance(PeriodKind.MONTH, 0.6) == 0.6
    assert proved.chance(PeriodKind.MONTH, 1.0) is None
    proved.data.__dict__["scores"] = [headline_score(brier=0.3, before=0.2)]
    assert proved.chance(PeriodKind.MONTH, 0.6) is None


def headline_score(brier: float, before: float) -> Score:
    return Score("company", "month", 12, 12, 0.2, {}, 0.1, 0.8, brier, before, ())


def test_tiles_say_target_and_last_year() -> None:
    tiles = headline.tiles(view())
    assert [tile.name for tile in tiles][:2] == ["April 2026", "Year to date"]
    assert tiles[1].value == "€40k"
    assert tiles[1].note.startswith("67% of €60k")
    table = with_cells(tables_of(4)[0].target_attainment, last_year=Decimal(5_000))
    assert "last year €5k" in headline.tiles(view(target_attainment=table))[1].note


def test_coverage_is_short_only_where_its_need_is_known() -> None:
    table = tables_of(4)[0].pipeline_coverage
    low = with_cells(table, coverage_ratio=0.5, required_ratio=None, status="ok")
    assert not headline.tiles(view(pipeline_coverage=low))[-1].is_short
    known = with_cells(table, coverage_ratio=0.5, required_ratio=2.0, status="ok")
    tile = headline.tiles(view(pipeline_coverage=known))[-1]
    assert tile.is_short
    assert tile.note.startswith("usually needed 2.0×")
