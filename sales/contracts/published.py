"""All monthly tables by name: those that people read, and those that others are computed from."""

from __future__ import annotations

from sales.contracts.contract import Contract
from sales.contracts.registry import TABLES

PUBLISHED: dict[str, type[Contract]] = {
    each.name: each.contract for each in TABLES.values() if each.is_published
}
MONTHLY: dict[str, type[Contract]] = {each.name: each.contract for each in TABLES.values()}


def month_column(table: str) -> str:
    """Return the column that says which month end a monthly table belongs to."""
    return TABLES[table].month_column
