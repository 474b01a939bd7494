"""Months as people name them: a range, a fiscal quarter, a fiscal year."""

from __future__ import annotations

import re

from publication.workspace import Workspace
from sales.calendar import MONTHS_IN_QUARTER, Month, UnknownMonth
from sales.policy.rules import OrganizationDefaults

QUARTER_OR_YEAR = re.compile(r"(?:FY)?(\d{4})-Q([1-4])|FY(\d{4})")
MOST_MONTHS = 600


class UnknownMonths(ValueError):
    """A text names no months."""


def months_named(text: str, workspace: Workspace) -> list[Month]:
    """Return the months of `2025-01..2025-12`, `2025-Q3`, `FY2025-Q3`, `FY2026`, `2026-09`, or several of these with commas.

    Quarters and years are fiscal, by the policies and by what the organisation says of itself.
    """
    return sorted({month for part in text.split(",") for month in _named(part.strip(), workspace)})


def _named(text: str, workspace: Workspace) -> list[Month]:
    found = QUARTER_OR_YEAR.fullmatch(text)
    if found:
        name = int(found[1] or found[3])
        if name < 1:
            raise UnknownMonths(f"{text[:40]!r} is no fiscal year; write it as FY2026")
        months = (
            workspace.policies.for_fiscal_year(name, _organization(workspace))
            .calendar.year(name)
            .months
        )
        first = (int(found[2]) - 1) * MONTHS_IN_QUARTER if found[2] else 0
        return list(months[first : first + MONTHS_IN_QUARTER] if found[2] else months)
    first_text, dots, last_text = text.partition("..")
    try:
        first = Month.parse(first_text)
        last = Month.parse(last_text) if dots else first
    except UnknownMonth:
        raise UnknownMonths(
            f"{text[:40]!r} names no months; write 2025-01..2025-12, 2025-Q3 or FY2026"
        ) from None
    if last < first or last.index - first.index >= MOST_MONTHS:
        raise UnknownMonths(
            f"{text[:40]!r} ends before it begins or is longer than {MOST_MONTHS} months"
        )
    return [first.plus(n) for n in range(last.index - first.index + 1)]


def _organization(workspace: Workspace) -> OrganizationDefaults:
    """Return what the organisation says of its year, from the newest extract, else by asking it."""
    latest = workspace.extracts.latest()
    if latest is not None:
        return workspace.loaded.defaults(latest)
    return workspace.connect().organization()
