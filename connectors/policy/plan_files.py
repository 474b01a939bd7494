"""The plan book: leave, fixed months, numbers of teams, plans of clients, calls, agreements and capacities, each a CSV file of the policy folder.

Every file may be missing: then nothing of its kind is stated. What they do is
`sales.targets.stated_plans`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cached_property
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
MOST_A_MONTH = 10_000_000_000
# Reads the accounts of the newest extract.
Newest = Callable[[], pd.DataFrame]
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
    """Days of work that a team, or, without a team, the company can do a month, from a month on; known from `stated_on` on."""

    from_month: MonthName
    team: str
    days: Amount
    stated_on: Day | None = None


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
    accounts: pd.DataFrame | None,
    digits: int,
    spelling: Spelling = UNKNOWN,
    newest: Newest | None = None,
) -> PlanBook:
    """Read the files that are there; amounts are in corporate currency. Raises `InvalidPolicyTable` that names file, line and cure.

    A client that `accounts` do not know, because a past month end did not, is looked up among the
    `newest` ones. Without accounts a client is what the file calls it.
    """
    owners, files, clients = Owners(users), _Folder(folder, spelling), _Clients(accounts, newest)
    return PlanBook(
        leaves=[_leave(line, owners) for line in files.lines("leave.csv", LeaveRow)],
        fixed=_fixed(files, owners, digits),
        stated=_stated(files, digits),
        clients=_clients(files, clients, digits),
        calls=_calls(files, owners, digits),
        agreements=_agreements(files, clients, digits),
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
    owners, files = Owners(users), _Folder(folder, spelling)
    readers: tuple[Callable[[], object], ...] = (
        lambda: [_leave(line, owners) for line in files.lines("leave.csv", LeaveRow)],
        lambda: _fixed(files, owners, digits),
        lambda: _calls(files, owners, digits),
    )
    return [*_faults_of(readers), *faults_without_people(folder, accounts, digits, spelling)]


def faults_without_people(
    folder: Path, accounts: pd.DataFrame | None, digits: int, spelling: Spelling = UNKNOWN
) -> list[UserError]:
    """Return the first fault of each file that names no people; clients are looked up where there are accounts."""
    files, clients = _Folder(folder, spelling), _Clients(accounts)
    return _faults_of(
        (
            lambda: _stated(files, digits),
            lambda: _clients(files, clients, digits),
            lambda: _agreements(files, clients, digits),
            lambda: _capacities(files),
        )
    )


def _faults_of(readers: Iterable[Callable[[], object]]) -> list[UserError]:
    faults = list[UserError]()
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


def _clients(folder: _Folder, clients: _Clients, digits: int) -> list[ClientPlan]:
    found: dict[tuple[str, str], ClientPlan] = {}
    for line in folder.lines("client_plans.csv", ClientPlanRow):
        row = line.row
        account_id = clients.find(row.account, line)
        each = ClientPlan(account_id, row.month, _minor(row.amount, digits))
        _once(found, (each.account_id, str(each.month)), each, line)
    return list(found.values())


def _agreements(folder: _Folder, clients: _Clients, digits: int) -> list[Agreement]:
    found: dict[tuple[str, str, str], Agreement] = {}
    for line in folder.lines("agreements.csv", AgreementRow):
        row, name = line.row, _plain(line.row.agreement)
        account_id = clients.find(row.account, line)
        if not name:
            raise line.fault("agreement has no name; give it one, such as Support")
        if row.end_date is not None and row.end_date < row.start_date:
            raise line.fault(
                f"end_date {row.end_date} is before start_date {row.start_date}; correct one of them"
            )
        if row.monthly_amount > MOST_A_MONTH:
            raise line.fault(
                f"monthly_amount {row.monthly_amount} is too large for a month; correct it"
            )
        if row.end_date is not None and _is_too_long(row.start_date, row.end_date):
            raise line.fault(
                f"runs from {row.start_date} to {row.end_date}, longer than {LONGEST_AGREEMENT} years; correct one of them, "
                "or leave end_date empty where it has no end"
            )
        each = Agreement(
            account_id,
            clients.name_of(account_id),
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
    found: dict[tuple[str, str, str], StatedCapacity] = {}
    for line in folder.lines("capacity.csv", CapacityRow):
        row = line.row
        days = _days(row.days, "days", line)
        each = StatedCapacity(row.from_month, row.team.strip(), days, row.stated_on)
        _once(found, (str(each.first), each.team, str(each.stated_on)), each, line)
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
    """The clients of the CRM by id, in its long and short form, and by name: as a month end knew them, else as they are now."""

    def __init__(self, accounts: pd.DataFrame | None, newest: Newest | None = None) -> None:
        self._known = None if accounts is None else _ClientNames(accounts)
        self._newest = newest

    def find(self, text: str, line: PolicyLine[_Row]) -> str:
        """Return the id of the client that a line names by id or name; the text where no clients are known."""
        if self._known is None:
            return text
        found = self._known.matches(text)
        if not found and self._now is not None:
            found = self._now.matches(text)
        if len(found) == 1:
            return found[0]
        what = (
            "is the name of several clients; use the account id"
            if found
            else "is not a client in Salesforce; use its name or account id"
        )
        raise line.fault(f"account {text[:80]!r} {what}")

    def name_of(self, account_id: str) -> str:
        """Return a client's name, its id where it has none."""
        for each in (self._known, self._now):
            if each is not None and account_id in each.names:
                return each.names[account_id]
        return account_id

    @cached_property
    def _now(self) -> _ClientNames | None:
        return None if self._newest is None else _ClientNames(self._newest())


class _ClientNames:
    """Clients of one reading."""

    def __init__(self, accounts: pd.DataFrame) -> None:
        self.names: dict[str, str] = {}
        self._ids: dict[str, str] = {}
        self._by_name: dict[str, list[str]] = {}
        for account_id, name in accounts[["account_id", "name"]].itertuples(index=False):
            self._ids[account_id] = self._ids[account_id[:15]] = account_id
            if isinstance(name, str):
                self.names[account_id] = name
                self._by_name.setdefault(name.strip().casefold(), []).append(account_id)

    def matches(self, text: str) -> list[str]:
        """Return the ids of the clients that a text may mean."""
        return [self._ids[text]] if text in self._ids else self._by_name.get(text.casefold(), [])


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


def _plain(text: str) -> str:
    """Return a name in one line, without signs that no page and no sheet can hold."""
    return " ".join(
        "".join(
            " " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each for each in text
        ).split()
    )


def _is_too_long(start: date, end: date) -> bool:
    """Return whether an agreement lasts longer than any does; by parts of the date, as there may be no day so far ahead."""
    return (end.year - LONGEST_AGREEMENT, end.month, end.day) >= (
        start.year,
        start.month,
        start.day,
    )
