"""Where a running period lands: on firms whose deals are reckoned by hand, and on a generated one."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from sales import arrow as columns
from sales.calendar import Month
from sales.forecast.running_period import running_landing
from sales.history.extract import Extract
from sales.history.reconstruction import PipelineHistory
from sales.rollup import Grains
from tests.fakes import deal, extract, rules, saved
from tests.sales.firms import simulated

FIRST, LAST = Month(2024, 1), Month(2026, 3)
TARGET = 5_000_00


def steady(*, later: int = 0, loses: bool = False) -> Extract:
    """A firm that sees ten deals of 1,000 due each month; on the 20th eight of them are won, and a new one of 500 comes on top.

    Its amounts differ a little from month to month. What happens in the last month after the 10th
    is told by `later` and `loses` only.
    """
    deals, rows, number = [], [], 0
    for index in range(FIRST.index, LAST.index + 1):
        month = Month.from_index(index)
        before = month.plus(-1)
        is_last = month == LAST
        for n in range(11):
            number += 1
            is_new = n == 10
            created = f"{month}-15 10:00" if is_new else f"{before}-05 10:00"
            if is_last and is_new and not later:
                continue
            amount = 500 if is_new else 1000 + 10 * (index % 5)
            known = {"amount": amount, "close_date": date(month.year, month.number, 25)}
            deals.append(deal(number, created_at=pd.Timestamp(created, tz="UTC").to_pydatetime()))
            rows.append(saved(number, created, probability_pct=50.0, **known))
            wins = (n < 8 or is_new) and not (is_last and loses)
            if not is_last or later:
                known["close_date"] = date(month.year, month.number, 20)
                rows.append(
                    saved(
                        number, f"{month}-20 12:00", stage_name="Won" if wins else "Lost", **known
                    )
                )
    return extract(deals, rows)


def landing(
    one: Extract, day: date, people: tuple[str, ...] = ("005A", "005B"), last: Month = LAST
) -> pd.DataFrame:
    ids = columns.text(list(people))
    grains = Grains(ids, columns.text(["North"] * len(ids)), "Acme")
    of_day = rules(year=2026)
    of_day = replace(of_day, calendar=replace(of_day.calendar, until=day))
    period = of_day.calendar.month_period(last)
    history = PipelineHistory(one, "EUR", 2)
    asked = {("company", "Acme", period.name): TARGET}
    return running_landing(history, grains, [period], asked, day, of_day)


def row(table: pd.DataFrame, grain: str) -> dict[str, object]:
    (found,) = [each for each in columns.rows(table) if each["grain"] == grain]
    return found


def test_what_is_due_brings_its_usual_part_and_what_comes_on_top() -> None:
    """Of ten thousand due about eight are won, and 500 come on top: a month is seen on its 10th, before any is."""
    company = row(landing(steady(), date(2026, 3, 10)), "company")
    assert company["bookings"] == 0
    amount = 1000 + 10 * (LAST.index % 5)
    assert float(company["expected"]) == pytest.approx(8 * amount + 500, rel=0.002)  # type: ignore[arg-type]
    # The CRM gives each of the ten deals one half.
    assert company["stage_weighted"] == 5 * amount
    assert (company["method"], company["judged"]) == ("model", 20)
    assert float(company["error_model"]) < 0.01 < float(company["error_stage_weighted"])  # type: ignore[arg-type]
    # Nothing is booked on the 10th: a straight line of nothing is nothing.
    assert float(company["error_straight_line"]) == pytest.approx(1.0)  # type: ignore[arg-type]
    assert company["p10"] <= company["p50"] <= company["p90"]  # type: ignore[operator]
    assert company["hit_probability"] > 0.99  # type: ignore[operator]


def test_what_happens_after_the_day_moves_nothing() -> None:
    day = date(2026, 3, 10)
    known = landing(steady(), day)
    for later in (steady(later=1), steady(later=1, loses=True)):
        pd.testing.assert_frame_equal(landing(later, day), known)


def test_once_it_is_won_nothing_more_is_expected_and_no_range_of_it_is_told() -> None:
    company = row(landing(steady(later=1), date(2026, 3, 22)), "company")
    amount = 1000 + 10 * (LAST.index % 5)
    assert company["bookings"] == 8 * amount + 500
    assert (company["p50"], company["method"]) == (None, "too_few_deals")


def test_too_short_a_past_is_told_as_such() -> None:
    last = FIRST.plus(8)
    company = row(landing(steady(), date(last.year, last.number, 10), last=last), "company")
    assert (company["method"], company["p50"], company["hit_probability"]) == (
        "too_little_history",
        None,
        None,
    )


def test_people_and_teams_add_up_to_what_is_booked() -> None:
    one = simulated(400).extract
    ids = tuple(columns.distinct(one.opportunities["owner_id"]).to_pylist())
    table = landing(one, date(2023, 8, 16), ids, Month(2023, 8))
    booked = table.groupby("grain")["bookings"].sum()
    assert booked["person"] == booked["team"] == booked["company"] > 0
    weighted = table.groupby("grain")["stage_weighted"].sum()
    assert abs(weighted["person"] - weighted["company"]) <= 1
    told = table[table["method"] == "model"]
    assert (told["p10"] <= told["p50"]).all()
    assert (told["p50"] <= told["p90"]).all()
    assert (told["p10"] >= told["bookings"]).all()
    naive = ["error_stage_weighted", "error_straight_line", "error_last_flash"]
    assert (told["error_model"] <= told[naive].min(axis=1)).all()


@pytest.mark.slow
def test_ranges_hold_what_comes_and_come_nearer_than_what_anybody_could_reckon() -> None:
    """On generated firms: 80 in 100 of what is told lies in its range."""
    inside, errors = list[bool](), {"model": 0.0, "stage_weighted": 0.0}
    for seed in (3, 4, 5):
        one = simulated(400, seed).extract
        ids = tuple(columns.distinct(one.opportunities["owner_id"]).to_pylist())
        for index in range(Month(2023, 1).index, Month(2024, 10).index, 3):
            month = Month.from_index(index)
            told = row(landing(one, date(month.year, month.number, 11), ids, month), "company")
            after = month.plus(1).first_day
            came = float(row(landing(one, after, ids, month), "company")["bookings"])  # type: ignore[arg-type]
            for name, column in (("model", "expected"), ("stage_weighted", "stage_weighted")):
                if told["method"] == "model":
                    errors[name] += abs(float(told[column]) - came)  # type: ignore[arg-type]
            if told["method"] == "model":
                inside.append(float(told["p10"]) <= came <= float(told["p90"]))  # type: ignore[arg-type]
    assert len(inside) >= 15
    assert 0.65 <= np.mean(inside) <= 0.95
    assert errors["model"] < errors["stage_weighted"]
