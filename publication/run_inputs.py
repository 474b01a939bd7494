"""The inputs of one run: each month's are resolved once, and stay as they were while the run lasts.

A run is alone with its months from its first question about them until it is closed: whoever
else wants to compute one of them waits, on whatever machine.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from types import TracebackType
from typing import Self

from connectors.storage.leases import Lease
from publication.forecast_sources import ForecastSources
from publication.month_inputs import MonthInputs, resolve
from publication.workspace import Workspace
from sales.calendar import Month


def no_note(inputs: MonthInputs) -> None:
    """Note nothing of a month's inputs."""
    _ = inputs


class RunInputs:
    """What the steps of one run share; a new run makes a new one, and closes it."""

    def __init__(
        self,
        workspace: Workspace,
        work: str = "a run",
        tell: Callable[[str], None] = lambda _: None,
        resolved: Callable[[MonthInputs], None] = no_note,
    ) -> None:
        """Resolve inputs in a workspace, when they are first asked for.

        `work` says to others what is done, `tell` hears who is waited for, and `resolved` what each
        month's inputs are.
        """
        self.workspace = workspace
        self._work, self._tell, self._resolved = work, tell, resolved
        self._leases: dict[Month, Lease] = {}
        self._open = ExitStack()
        self._months: dict[Month, MonthInputs] = {}
        self._forecasts: dict[Month, ForecastSources] = {}

    def __enter__(self) -> Self:
        """Begin a run."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        fault: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let others have the months."""
        self._leases.clear()
        self._open.close()

    def lease(self, month: Month) -> Lease:
        """Return this run's hold of a month, taken when it is first asked for; raises `AtWork`."""
        if month not in self._leases:
            held = self.workspace.leases.hold(
                f"month {month}", f"{self._work} of {month}", self._tell
            )
            self._leases[month] = self._open.enter_context(held)
        return self._leases[month]

    def of(self, month: Month) -> MonthInputs:
        """Return the inputs of a month."""
        self.lease(month)
        if month not in self._months:
            self._months[month] = resolve(self.workspace, month)
            self._resolved(self._months[month])
        return self._months[month]

    def forecast(self, month: Month) -> ForecastSources:
        """Return the inputs of a month's forecasts."""
        if month not in self._forecasts:
            self._forecasts[month] = ForecastSources(self.of(month))
        return self._forecasts[month]
