"""The work of a month's tables, cut by company and team: what it is held against, its clients, and agreements.

Put lookups about work here.
"""

from __future__ import annotations

from functools import cached_property

from reports.document.month_tables import MonthTables, Record, records
from sales.vocabulary import GrainKind


class WorkTables:
    """Lookups over the tables of work, each built once."""

    def __init__(self, tables: MonthTables) -> None:
        """Keep the tables; nothing is computed until it is asked for."""
        self._tables = tables

    def load(self, grain: str, grain_id: str) -> list[Record]:
        """Return the work of the months to come, in order; none where no work is known."""
        return self._load.get((grain, grain_id), [])

    def teams(self) -> list[str]:
        """Return the teams with work, or with a capacity, by name."""
        return [grain_id for grain, grain_id in self._load if grain == GrainKind.TEAM]

    def accounts(self, grain: str, grain_id: str) -> list[Record]:
        """Return the work of clients by month, of the company or a team."""
        rows = self._accounts
        return [row for row in rows if grain == GrainKind.COMPANY or row["team"] == grain_id]

    def agreements(self, grain: str, grain_id: str) -> list[Record]:
        """Return the agreements that run on, of the company's or a team's clients."""
        rows = self._agreements
        return [row for row in rows if grain == GrainKind.COMPANY or row["team"] == grain_id]

    @cached_property
    def _load(self) -> dict[tuple[str, str], list[Record]]:
        found: dict[tuple[str, str], list[Record]] = {}
        for row in records(self._tables.delivery_load):
            found.setdefault((row["grain"], row["grain_id"]), []).append(row)
        return found

    @cached_property
    def _accounts(self) -> list[Record]:
        return records(self._tables.account_load)

    @cached_property
    def _agreements(self) -> list[Record]:
        return records(self._tables.client_agreements)


def work_days(row: Record) -> float:
    """Return all days of work of a row: agreed, won and expected."""
    return row["agreed_days"] + row["won_days"] + row["expected_days"]
