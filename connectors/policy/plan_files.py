"""The plan book: leave, fixed months, numbers of teams and plans of clients, each a CSV file of the policy folder.

Every file may be missing: then nothing of its kind is stated. What they do is
`sales.targets.stated_plans`.
"""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pandas as pd

from connectors.policy.csv_rows import CsvRow, Owners, lines_of
from sales import money
from sales.targets.stated_plans import ClientPlan, FixedMonth, Leave, PlanBook, StatedTarget

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
LEAVE, OVERRIDES, TEAM_TARGETS, CLIENT_PLANS = (
    "leave.csv",
    "overrides.csv",
    "team_targets.csv",
    "client_plans.csv",
)
HEADERS = {
    LEAVE: ("owner", "start_date", "end_date"),
    OVERRIDES: ("fiscal_year", "owner", "month", "amount"),
    TEAM_TARGETS: ("fiscal_year", "team", "annual_target"),
    CLIENT_PLANS: ("account", "month", "amount"),
}


def read_plan_book(
    folder: Path, users: pd.DataFrame, accounts: pd.DataFrame, digits: int
) -> PlanBook:
    """Read the files that are there; amounts are in corporate currency. Raises `InvalidPolicyTable` that names file, line and cure."""
    owners = Owners(users)
    return PlanBook(
        leaves=[_leave(line, owners) for line in _lines(folder, LEAVE)],
        fixed=_fixed(folder, owners, digits),
        stated=_stated(folder, digits),
        clients=_clients(folder, accounts, digits),
    )


def _lines(folder: Path, name: str) -> list[CsvRow]:
    path, header = folder / name, HEADERS[name]
    return list(lines_of(path, header, header)) if path.is_file() else []


def _leave(line: CsvRow, owners: Owners) -> Leave:
    start, end = line.day("start_date"), line.day("end_date")
    if start is None or end is None:
        raise line.fault("a leave needs start_date and end_date; write them as 2026-09-30")
    if end < start:
        raise line.fault(f"end_date {end} is before start_date {start}; correct one of them")
    return Leave(owners.find(line), start, end)


def _fixed(folder: Path, owners: Owners, digits: int) -> list[FixedMonth]:
    found: dict[tuple[int, str, str], FixedMonth] = {}
    for line in _lines(folder, OVERRIDES):
        each = FixedMonth(
            line.fiscal_year(),
            owners.find(line),
            line.month("month"),
            _minor(line.amount("amount"), digits),
        )
        _once(found, (each.fiscal_year, each.owner_id, str(each.month)), each, line)
    return list(found.values())


def _stated(folder: Path, digits: int) -> list[StatedTarget]:
    found: dict[tuple[int, str], StatedTarget] = {}
    for line in _lines(folder, TEAM_TARGETS):
        each = StatedTarget(
            line.fiscal_year(), line.text("team"), _minor(line.amount("annual_target"), digits)
        )
        _once(found, (each.fiscal_year, each.team), each, line)
    return list(found.values())


def _clients(folder: Path, accounts: pd.DataFrame, digits: int) -> list[ClientPlan]:
    lines = _lines(folder, CLIENT_PLANS)
    if not lines:
        return []
    ids, names = _accounts(accounts)
    found: dict[tuple[str, str], ClientPlan] = {}
    for line in lines:
        text = line.text("account")
        named = names.get(text.casefold(), [])
        if text not in ids and len(named) != 1:
            what = (
                "is the name of several clients; use the account id"
                if named
                else "is no client in Salesforce; use its name or account id"
            )
            raise line.fault(f"account {text[:80]!r} {what}")
        each = ClientPlan(
            ids.get(text) or named[0], line.month("month"), _minor(line.amount("amount"), digits)
        )
        _once(found, (each.account_id, str(each.month)), each, line)
    return list(found.values())


def _accounts(accounts: pd.DataFrame) -> tuple[dict[str, str], dict[str, list[str]]]:
    """Return account ids by their long and short form, and by name."""
    ids: dict[str, str] = {}
    names: dict[str, list[str]] = {}
    for account_id, name in accounts[["account_id", "name"]].itertuples(index=False):
        ids[account_id] = ids[account_id[:15]] = account_id
        if isinstance(name, str):
            names.setdefault(name.strip().casefold(), []).append(account_id)
    return ids, names


def _once(found: dict[_Key, _Value], key: _Key, value: _Value, line: CsvRow) -> None:
    if key in found:
        raise line.fault("says what an earlier line says; keep one of them")
    found[key] = value


def _minor(amount: Decimal, digits: int) -> int:
    return money.to_minor(amount, digits)
