"""The target book that a month's rules name: a file of the policy folder, or Salesforce's quotas."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
from pandera.typing import DataFrame

from connectors.policy.annual_targets import read_target_book
from sales.contracts.raw import RawQuotas, RawRoles, RawUsers
from sales.policy.rules import MonthRules
from sales.policy.sections import InvalidPolicy
from sales.targets.quotas import quota_book

SALESFORCE = "salesforce"


def target_book_of(
    rules: MonthRules,
    folder: Path,
    users: DataFrame[RawUsers],
    roles: DataFrame[RawRoles],
    quota_rows: DataFrame[RawQuotas],
) -> pd.DataFrame:
    """Return the annual targets that the rules name, with owners found among the users."""
    source = rules.policy.targets.source
    if source == SALESFORCE:
        return quota_book(quota_rows, users, roles, rules)
    path = (folder / source).resolve()
    if not path.is_relative_to(folder.resolve()):
        raise InvalidPolicy(
            f"[targets] source = {source[:60]!r} lies outside the policy folder; put the file into it"
        )
    return read_target_book(path, users)
