"""How many rows of a table are new, gone and changed, by hand."""

from datetime import date

from sales.calendar import Month
from sales.restatement.table_diff import table_change
from tests.fakes import deal, extract, saved
from tests.sales.test_month_tables import MonthOf


def test_rows_are_counted_by_key_and_the_instants_of_reading_do_not_count() -> None:
    """Deal 1 stays, 2 has another amount and stage, 3 is gone, 4 is new."""
    rows = [saved(n, "2026-01-05 10:00", close_date=date(2026, 5, 1)) for n in range(1, 5)]
    later = [rows[0], rows[1] | {"amount": 500, "stage_name": "Proposal"}, rows[3]]
    was = MonthOf(extract([deal(n) for n in (1, 2, 3)], rows[:3]), Month(2026, 3)).snapshot
    now = MonthOf(extract([deal(n) for n in (1, 2, 4)], later), Month(2026, 3)).snapshot
    now["extracted_at"] = now["as_of"]
    found = table_change("opportunity_snapshot", was, now)
    assert (found.rows, found.new, found.gone, found.changed) == (3, 1, 1, 1)
    assert {"amount", "stage_name"} <= set(found.columns)
    assert not {"extracted_at", "as_of", "name", "close_date"} & set(found.columns)
    assert not found.is_none
    assert table_change("opportunity_snapshot", now, now).is_none
