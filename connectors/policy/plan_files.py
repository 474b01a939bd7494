"""The plan book: leave, fixed months, numbers of teams, plans of clients, calls, agreements and capacities, each a CSV file of the policy folder.

Every file may be missing: then nothing of its kind is stated. What they do is
`sales.targets.stated_plans`.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import TypeVar

import pandas as pd

from connectors.policy.cell_values import UNKNOWN, Amount, Day, FiscalYear, MonthName, Spelling
from connectors.policy.csv_rows import PolicyLine, PolicyRow, collected, lines_of
from connectors.policy.owners import Owners
from sales import money
from sales.errors import UserError
from sales.targets.stated_plans import (
    Agreement,
    ClientPlan,
    FixedMonth,
    Leave,
    PlanBook,
    StatedCall,
    StatedCapacity,
    StatedTarget,
)
from sales.vocabulary import PERIOD

# An agreement is a promise of some years, not of a lifetime: a longer one is a typing error.
LONGEST_AGREEMENT = 20
MOST_DAYS = 1_000_000
_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_Row = TypeVar("_Row", bound=PolicyRow)


class LeaveRow(PolicyRow):
    """Days on which a person does not sell."""

    owner: str
    start_date: Day
    end_date: Day


class OverrideRow(PolicyRow):
    """A month of a person that is fixed."""

    fiscal_year: FiscalYear
    owner: str
    month: MonthName
    amount: Amount


class TeamTargetRow(PolicyRow):
    """What a team states for its year, or, without a team, the company."""

    fiscal_year: FiscalYear
    team: str
    annual_target: Amount


class ClientPlanRow(PolicyRow):
    """What a client is planned to bring in a month."""

    account: str
    month: MonthName
    amount: Amount


class CallRow(PolicyRow):
    """What a person said on a day that a period would bring."""

    owner: str
    period: str
    amount: Amount
    day: Day


class AgreementRow(PolicyRow):
    """What a retainer or framework agreement brings a month, as signed on a day."""

    account: str
    agreement: str
    signed_on: Day
    start_date: Day
    end_date: Day | None = None
    monthly_amount: Amount
    monthly_days: Amount = Decimal(0)
    team: str = ""


class CapacityRow(PolicyRow):
    """Days of work that a team, or, without a team, the company can do a month, from a month on."""

    from_month: MonthName
    team: str
    days: Amount


@dataclass(frozen=True)
class _Folder:
    """Where the files are, and how they are spelled."""

    path: Path
    spelling: Spelling

    def lines(self, name: str, row: type[_Row]) -> list[PolicyLine[_Row]]:
        """Return the lines of a file, none where it is not there."""
        path = self.path / name
        return list(lines_of(path, row, spelling=self.spelling)) if path.is_file() else []


def read_plan_book(
    folder: Path,
    users: pd.DataFrame,
    accounts: pd.DataFrame,
    digits: int,
    spelling: Spelling = UNKNOWN,
) -> PlanBook:
    """Read the files that are there; amounts are in corporate currency. Raises `InvalidPolicyTable` that names file, line and cure."""
    owners, files = Owners(users), _Folder(folder, spelling)
    return PlanBook(
        leaves=[_leave(line, owners) for line in files.lines("leave.csv", LeaveRow)],
        fixed=_fixed(files, owners, digits),
        stated=_stated(files, digits),
        clients=_clients(files, accounts, digits),
        calls=_calls(files, owners, digits),
        agreements=_agreements(files, accounts, digits),
        capacities=_capacities(files),
    )


def plan_faults(
    folder: Path,
    users: pd.DataFrame,
    accounts: pd.DataFrame | None,
    digits: int,
    spelling: Spelling = UNKNOWN,
) -> list[UserError]:
    """Return the first fault of each file that is there; clients are looked up where there are accounts."""
    owners, files, faults = Owners(users), _Folder(folder, spelling), list[UserError]()
    readers: tuple[Callable[[], object], ...] = (
        lambda: [_leave(line, owners) for line in files.lines("leave.csv", LeaveRow)],
        lambda: _fixed(files, owners, digits),
        lambda: _stated(files, digits),
        lambda: accounts is None or _clients(files, accounts, digits),
        lambda: _calls(files, owners, digits),
        lambda: accounts is None or _agreements(files, accounts, digits),
        lambda: _capacities(files),
    )
    for read in readers:
        with collected(faults):
            read()
    return faults


def _leave(line: PolicyLine[LeaveRow], owners: Owners) -> Leave:
    row = line.row
    if row.end_date < row.start_date:
        raise line.fault(
            f"end_date {row.end_date} is before start_date {row.start_date}; correct one of them"
        )
    return Leave(owners.find(row.owner, line), row.start_date, row.end_date)


def _fixed(folder: _Folder, owners: Owners, digits: int) -> list[FixedMonth]:
    found: dict[tuple[int, str, str], FixedMonth] = {}
    for line in folder.lines("overrides.csv", OverrideRow):
        row, owner_id = line.row, owners.find(line.row.owner, line)
        each = FixedMonth(row.fiscal_year, owner_id, row.month, _minor(row.amount, digits))
        _once(found, (each.fiscal_year, each.owner_id, str(each.month)), each, line)
    return list(found.values())


def _stated(folder: _Folder, digits: int) -> list[StatedTarget]:
    found: dict[tuple[int, str], StatedTarget] = {}
    for line in folder.lines("team_targets.csv", TeamTargetRow):
        row = line.row
        each = StatedTarget(row.fiscal_year, row.team, _minor(row.annual_target, digits))
        _once(found, (each.fiscal_year, each.team), each, line)
    return list(found.values())


def _clients(folder: _Folder, accounts: pd.DataFrame, digits: int) -> list[ClientPlan]:
    clients = _Clients(accounts)
    found: dict[tuple[str, str], ClientPlan] = {}
    for line in folder.lines("client_plans.csv", ClientPlanRow):
        row = line.row
        account_id = clients.find(row.account, line)
        each = ClientPlan(account_id, row.month, _minor(row.amount, digits))
        _once(found, (each.account_id, str(each.month)), each, line)
    return list(found.values())


def _agreements(folder: _Folder, accounts: pd.DataFrame, digits: int) -> list[Agreement]:
    clients = _Clients(accounts)
    found: dict[tuple[str, str, str], Agreement] = {}
    for line in folder.lines("agreements.csv", AgreementRow):
        row, name = line.row, line.row.agreement.strip()
        account_id = clients.find(row.account, line)
        if not name:
            raise line.fault("agreement has no name; give it one, such as Support")
        if row.end_date is not None and row.end_date < row.start_date:
            raise line.fault(
                f"end_date {row.end_date} is before start_date {row.start_date}; correct one of them"
            )
        if row.end_date is not None and row.end_date.year - row.start_date.year > LONGEST_AGREEMENT:
            raise line.fault(
                f"runs from {row.start_date} to {row.end_date}, longer than {LONGEST_AGREEMENT} years; correct one of them, "
                "or leave end_date empty where it has no end"
            )
        each = Agreement(
            account_id,
            clients.names[account_id],
            name,
            row.signed_on,
            row.start_date,
            row.end_date,
            _minor(row.monthly_amount, digits),
            _days(row.monthly_days, "monthly_days", line),
            row.team.strip(),
        )
        _once(found, (account_id, name.casefold(), str(row.signed_on)), each, line)
    return list(found.values())


def _capacities(folder: _Folder) -> list[StatedCapacity]:
    found: dict[tuple[str, str], StatedCapacity] = {}
    for line in folder.lines("capacity.csv", CapacityRow):
        row = line.row
        each = StatedCapacity(row.from_month, row.team.strip(), _days(row.days, "days", line))
        _once(found, (str(each.first), each.team), each, line)
    return list(found.values())


def _calls(folder: _Folder, owners: Owners, digits: int) -> list[StatedCall]:
    found: dict[tuple[str, str, str], StatedCall] = {}
    for line in folder.lines("calls.csv", CallRow):
        row, period = line.row, line.row.period.upper()
        if not re.fullmatch(PERIOD, period):
            raise line.fault(
                f"period {row.period[:40]!r} is no period; write it as 2026-11, FY2027-Q3 or FY2027"
            )
        owner_id = owners.find(row.owner, line)
        each = StatedCall(owner_id, period, _minor(row.amount, digits), row.day)
        _once(found, (each.owner_id, each.period, str(each.day)), each, line)
    return list(found.values())


class _Clients:
    """The clients of the CRM by id, in its long and short form, and by name."""

    def __init__(self, accounts: pd.DataFrame) -> None:
        self.names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        for account_id, name in accounts[["account_id", "name"]].itertuples(index=False):
            self._ids[account_id] = self._ids[account_id[:15]] = account_id
            self.names[account_id] = name if isinstance(name, str) else account_id
            if isinstance(name, str):
                self._by_name.setdefault(name.strip().casefold(), []).append(account_id)

    def find(self, text: str, line: PolicyLine[_Row]) -> str:
        """Return the id of the client that a line names by id or name."""
        named = self._by_name.get(text.casefold(), [])
        if text not in self._ids and len(named) != 1:
            what = (
                "is the name of several clients; use the account id"
                if named
                else "is not a client in Salesforce; use its name or account id"
            )
            raise line.fault(f"account {text[:80]!r} {what}")
        return self._ids.get(text) or named[0]


def _once(found: dict[_Key, _Value], key: _Key, value: _Value, line: PolicyLine[_Row]) -> None:
    if key in found:
        raise line.fault("says what an earlier line says; keep one of them")
    found[key] = value


def _minor(amount: Decimal, digits: int) -> int:
    return money.to_minor(amount, digits)


def _days(days: Decimal, name: str, line: PolicyLine[_Row]) -> float:
    if days > MOST_DAYS:
        raise line.fault(f"{name} {days} is more than {MOST_DAYS:,} days a month; correct it")
    return float(days)
