"""The report of the month before, as its readers had it: what it forecast and asked for, and what became of that."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from functools import cached_property

from pandera.typing import DataFrame

from reports.document.month_tables import Record, records
from sales.calendar import Month
from sales.contracts.forecast import Actions, LandingForecast


@dataclass(frozen=True)
class LastReport:
    """What pages look back on: `actions` say what became of them by this month's end."""

    month: Month
    actions: DataFrame[Actions]
    landing_forecast: DataFrame[LandingForecast]

    def outcomes(self, grain: str, grain_id: str) -> Counter[str]:
        """Return how many of a reader's actions are done, open or gone; those of which nobody can tell are not counted."""
        mine = (self.actions["grain"] == grain) & (self.actions["grain_id"] == grain_id)
        return Counter(self.actions.loc[mine, "outcome"].dropna().tolist())

    def landing(self, grain: str, grain_id: str, period: str) -> Record | None:
        """Return where a period was forecast to land, none where it was not."""
        return self._landings.get((grain, grain_id, period))

    @cached_property
    def _landings(self) -> dict[tuple[str, str, str], Record]:
        rows = records(self.landing_forecast)
        return {(row["grain"], row["grain_id"], row["period"]): row for row in rows}
