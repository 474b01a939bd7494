"""Changes as people write them."""

import pytest

from app.cli.scenarios import UnreadableChange, _is_client
from sales.calendar import Month
from tests.fakes import deal, extract, saved
from tests.sales.test_month_tables import MonthOf


def test_business_is_added_to_a_client_that_exists() -> None:
    snapshot = MonthOf(extract([deal(1)], [saved(1, "2026-01-05 10:00")]), Month(2026, 3)).snapshot
    assert _is_client("client", snapshot)
    assert _is_client("001A", snapshot)
    with pytest.raises(UnreadableChange, match=r"did you mean 'Client'\?"):
        _is_client("Clyent", snapshot)
    with pytest.raises(UnreadableChange, match="use the name or id of a client"):
        _is_client("Nobody we know", snapshot)
