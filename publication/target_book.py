"""The target book that a month's rules name: a file of the policy folder, or Salesforce's quotas."""

from __future__ import annotations

from pathlib import Path

from pandera.typing import DataFrame

from connectors.policy.annual_targets import (
    MONTHLY_TARGETS,
    joined,
    read_monthly_targets,
    read_target_book,
)
from connectors.policy.cell_values import Spelling
from sales.contracts.raw import RawQuotas, RawRoles, RawTargets, RawUsers
from sales.policy.rules import MonthRules
from sales.policy.sections import InvalidPolicy
from sales.targets.quotas import quota_book

SALESFORCE = "salesforce"


def spelling_of(rules: MonthRules) -> Spelling:
    """Return how the tables of the policy folder are spelled."""
    stated = rules.policy.targets
    return Spelling(stated.decimal, None if stated.dates is None else stated.dates == "day_first")


def target_book_of(
    rules: MonthRules,
    folder: Path,
    users: DataFrame[RawUsers],
    roles: DataFrame[RawRoles],
    quota_rows: DataFrame[RawQuotas],
) -> DataFrame[RawTargets]:
    """Return the annual targets that the rules name, with owners found among the users.

    Months that `monthly_targets.csv` states stand beside the annual targets of a file, or alone.
    """
    source, spelling = rules.policy.targets.source, spelling_of(rules)
    if source == SALESFORCE:
        return quota_book(quota_rows, users, roles, rules)
    path, monthly = (folder / source).resolve(), folder / MONTHLY_TARGETS
    if not path.is_relative_to(folder.resolve()):
        raise InvalidPolicy(
            f"[targets] source = {source[:60]!r} lies outside the policy folder; put the file into it"
        )
    if not monthly.is_file():
        return read_target_book(path, users, spelling)
    stated = read_monthly_targets(monthly, users, rules.calendar, spelling)
    is_alone = path == monthly.resolve() or not path.is_file()
    return stated if is_alone else joined(read_target_book(path, users, spelling), stated)
