"""The movement of teams, where people change them."""

from decimal import Decimal

from sales.calendar import Month
from sales.coverage import movement
from tests.fakes import deal, extract, saved
from tests.sales.test_month_tables import MonthOf


def test_a_team_that_nobody_is_in_any_more_gives_its_pipeline_to_the_new_one() -> None:
    """Ann was North in March and is East in April; nobody is left in North."""
    rows = [saved(1, "2026-01-05 10:00"), saved(2, "2026-01-05 10:00")]
    deals = [deal(1), deal(2, owner_id="005B")]
    was = MonthOf(extract(deals, rows), Month(2026, 3))
    roles = [{"role_id": "00EN", "name": "East"}, {"role_id": "00ES", "name": "South"}]
    now = MonthOf(extract(deals, rows, roles=roles), Month(2026, 4))
    opening = movement.month_end(was.snapshot, extract(deals, rows), Month(2026, 3), was.rules)
    closing = movement.month_end(
        now.snapshot, extract(deals, rows, roles=roles), Month(2026, 4), now.rules
    )
    found = movement.pipeline_movement(opening, closing, now.phased)
    teams = found[(found["grain"] == "team") & (found["period"] == "FY2026-Q2")]
    legs = ["opening", "reassigned_in", "reassigned_out", "closing"]
    assert {
        team: tuple(map(int, row))
        for team, *row in teams[["grain_id", *legs]].itertuples(index=False)
    } == {"East": (0, 100, 0, 100), "North": (100, 0, 100, 0), "South": (100, 0, 0, 100)}
    company = found[(found["grain"] == "company") & (found["period"] == "FY2026-Q2")].iloc[0]
    assert [company[leg] for leg in legs] == [Decimal(200), 0, 0, Decimal(200)]
