"""The inputs of one run: each month's are resolved once, and stay as they were while the run lasts."""

from __future__ import annotations

from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs, resolve
from publication.workspace import Workspace
from sales.calendar import Month


class RunInputs:
    """What the steps of one run share; a new run makes a new one."""

    def __init__(self, workspace: Workspace) -> None:
        """Resolve inputs in a workspace, when they are first asked for."""
        self.workspace = workspace
        self._months: dict[Month, MonthInputs] = {}
        self._forecasts: dict[Month, ForecastSources] = {}

    def of(self, month: Month) -> MonthInputs:
        """Return the inputs of a month."""
        if month not in self._months:
            self._months[month] = resolve(self.workspace, month)
        return self._months[month]

    def forecast(self, month: Month) -> ForecastSources:
        """Return the inputs of a month's forecasts."""
        if month not in self._forecasts:
            self._forecasts[month] = ForecastSources(self.of(month))
        return self._forecasts[month]
