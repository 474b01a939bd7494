"""People and teams: who stands where, and words that are the same for the same figures."""

import pandas as pd

from reports.sections.people import attainment
from sales.vocabulary import GrainKind
from tests.reports.months import tables_of
from tests.reports.sections.test_headline import view

WHO = [GrainKind.TEAM, GrainKind.PERSON]


def attained(**pct: float) -> pd.DataFrame:
    """The attainment table with the year's percent of some people."""
    table = tables_of(4)[0].target_attainment
    cells = [
        pct.get(grain_id, old) if kind == "year" else old
        for grain_id, kind, old in zip(
            table["grain_id"], table["period_kind"], table["attainment_pct"], strict=True
        )
    ]
    return table.assign(attainment_pct=pd.Series(cells, dtype=table["attainment_pct"].dtype))


def remarks(table: pd.DataFrame) -> dict[str, str]:
    rows = attainment(view(target_attainment=table), WHO).tables[0].rows
    return {str(row.cells[0]): row.cells[-1] for row in rows}


def test_people_stand_below_their_team() -> None:
    rows = attainment(view(), WHO).tables[0].rows
    assert [str(row.cells[0]) for row in rows] == ["North", "Ann", "South", "Bob"]
    assert [row.is_strong for row in rows] == [True, False, True, False]


def test_the_furthest_ahead_and_behind_are_named_and_ties_are_ties() -> None:
    apart = attained(**{"005A": 120.0, "005B": 60.0})
    assert remarks(apart) == {
        "North": "",
        "Ann": "furthest ahead",
        "South": "",
        "Bob": "furthest behind",
    }
    same = attained(**{"005A": 60.4, "005B": 60.0})
    assert set(remarks(same).values()) == {""}


def test_on_plan_is_judged_as_it_is_printed() -> None:
    """99.6 % is printed as 100 %."""
    section = attainment(view(target_attainment=attained(**{"005A": 99.6, "005B": 20.0})), WHO)
    assert section.answer.startswith("1 of 2 people with a target are at or above plan")


def test_the_numbers_of_people_beyond_the_whole_are_explained() -> None:
    """Ann is on her plan; Bob, 20,000 behind, is asked for more, and so is the company: nobody covers him."""
    coming = tables_of(4)[0].coming_month.set_index("grain").loc["company"]
    section = attainment(view(), WHO)
    assert ("one person's surplus covers another's miss" in section.answer) == (
        coming["people_sum"] > coming["number"]
    )
