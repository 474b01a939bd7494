"""How a month gets its extract: one type from the command line to the pull."""

from __future__ import annotations

from datetime import timedelta

from pydantic import BaseModel, ConfigDict, Field

# A UI backfill starts a process a month: pulls this young serve all of them.
SHARED_PULL_HOURS = 6.0
LONGEST_HOURS = 24 * 31


class PullOptions(BaseModel):
    """How the month gets its extract: `fresh` passes over the one it was published from, a pull younger than `shared_pull_hours` serves.

    `reconstruct` passes over our own copy of the month end; `accept_vanished` takes records
    that can no longer be seen for deleted ones.
    """

    model_config = ConfigDict(frozen=True)

    fresh: bool = Field(
        default=False,
        description="Read Salesforce again, and pass over the extract that the month was published from. Its numbers may change, and readers see a new revision.",
    )
    shared_pull_hours: float | None = Field(
        default=None,
        ge=0,
        le=LONGEST_HOURS,
        description="How many hours old a pull may be that serves this month too; 6 where nothing is said, 0 where a fresh one is asked for.",
    )
    reconstruct: bool = Field(
        default=False,
        description="Pass over our own copy of the month end, and rebuild the state of that day from Salesforce's history: where the copy was made by a user who saw too little.",
    )
    accept_vanished: bool = Field(
        default=False,
        description="Take records that can no longer be seen for deleted ones. Only after somebody looked: a lost permission looks the same, and every number after it would be too small.",
    )

    @property
    def wants_fresh(self) -> bool:
        """Whether an extract that was selected earlier is passed over."""
        return self.fresh or self.reconstruct

    @property
    def shared_age(self) -> timedelta:
        """How old a pull may be that serves; none may, where a fresh one is asked for and nothing else is said."""
        if self.shared_pull_hours is not None:
            return timedelta(hours=self.shared_pull_hours)
        return timedelta(0) if self.fresh else timedelta(hours=SHARED_PULL_HOURS)
