"""What an export adds to a month that is published: what became of its actions, once the next month is."""

from typing import cast

import pandas as pd

from connectors.storage.publications import PublishedMonths
from publication.published_tables import published_tables
from sales.calendar import Month
from sales.contracts.contract import Contract, table_name
from tests.reports.months import MONTH, tables_of


class Published:
    """Two months with the same tables, the second one only where it is asked for."""

    def __init__(self, *months: Month) -> None:
        self.tables = {name: table for name, table in vars(tables_of(6)[0]).items() if len(table)}
        self.known = list(months)

    def months(self) -> list[Month]:
        return self.known

    def names(self, month: Month, revision: int | None = None) -> list[str]:
        _ = month, revision
        return sorted(self.tables)

    def read(self, name: str, month: Month, revision: int | None = None) -> pd.DataFrame:
        _ = month, revision
        return self.tables[name]

    def read_as(self, contract: type[Contract], month: Month) -> pd.DataFrame:
        return self.read(table_name(contract), month)


def outcomes(published: Published, revision: int | None = None) -> set[object]:
    tables = published_tables(cast("PublishedMonths", published), MONTH, revision)
    asked = tables["actions"]
    return set(asked.loc[asked["opportunity_id"].notna(), "outcome"].dropna())


def test_outcomes_are_told_once_the_next_month_is_published_and_never_of_a_revision() -> None:
    assert outcomes(Published(MONTH)) == set()
    both = Published(MONTH, MONTH.plus(1))
    assert outcomes(both) == {"open"}, "nothing has changed"
    assert outcomes(both, revision=1) == set()
    assert set(both.tables["actions"]["outcome"].dropna()) == set(), "what is stored stays"
