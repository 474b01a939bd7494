"""What a check finds: how much it matters, and a sentence with its cure.

Put here what every check says and what it is asked about; what is looked at is in the checks.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

from pandera.typing import DataFrame

from sales.contracts.raw import (
    RawAccounts,
    RawQueues,
    RawQuotas,
    RawRoles,
    RawSubmittedForecasts,
    RawUsers,
)
from sales.policy.rules import OrganizationDefaults


class Weight(IntEnum):
    """How much a finding matters, the worst first."""

    STOPS = 0
    MISLEADS = 1
    NOTE = 2

    @property
    def word(self) -> str:
        """What a terminal calls it."""
        return ("error", "warning", "note")[self]


@dataclass(frozen=True)
class Finding:
    """Something that was found: how much it matters, and a sentence that says what, where and what to do."""

    weight: Weight
    sentence: str


@dataclass(frozen=True)
class Known:
    """What is known of an organisation; tables are those of an extract, `owners_at_work` who owns open deals or won some this year, `winners` the latter."""

    organization: OrganizationDefaults
    users: DataFrame[RawUsers]
    roles: DataFrame[RawRoles]
    queues: DataFrame[RawQueues]
    quotas: DataFrame[RawQuotas]
    submitted_forecasts: DataFrame[RawSubmittedForecasts]
    accounts: DataFrame[RawAccounts] | None
    owners_at_work: frozenset[str]
    winners: frozenset[str] = frozenset()
