"""The target book: `targets.csv`, and `monthly_targets.csv`, as the raw table of annual targets."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import pandas as pd
import pyarrow as pa
from babel.core import get_global
from pandera.typing import DataFrame

from connectors.policy.cell_values import (
    MOST_DECIMALS,
    UNKNOWN,
    Amount,
    Day,
    FiscalYear,
    MonthName,
    Revision,
    Spelling,
    StatedAmount,
)
from connectors.policy.csv_rows import (
    InvalidPolicyTable,
    PolicyLine,
    PolicyRow,
    collected,
    lines_of,
)
from connectors.policy.owners import Owners
from sales import arrow as columns
from sales.calendar import FiscalCalendar, Month, UnknownHolidayCalendar, check_holiday_calendar
from sales.contracts.contract import checked
from sales.contracts.raw import RawTargets
from sales.errors import UserError

MONTHLY_TARGETS = "monthly_targets.csv"
# Columns for those who fill the book in: they decide nothing.
FOR_PEOPLE = frozenset({"name", "team", "last_year_bookings"})


class InvalidTargetBook(InvalidPolicyTable):
    """A line of the target book cannot be used."""


class TargetRow(PolicyRow):
    """An annual target; without an effective date a revision is known from the year's first day.

    A line whose target is still empty states none.
    """

    fiscal_year: FiscalYear
    owner: str
    annual_target: StatedAmount
    currency_code: str = ""
    start_date: Day | None = None
    end_date: Day | None = None
    revision: Revision = 1
    effective_date: Day | None = None
    holidays: str = ""
    name: str = ""
    team: str = ""
    last_year_bookings: str = ""


class MonthlyTargetRow(PolicyRow):
    """A month of a person's target, as it is stated."""

    owner: str
    month: MonthName
    amount: Amount
    currency_code: str = ""


def read_target_book(
    path: Path,
    users: pd.DataFrame,
    spelling: Spelling = UNKNOWN,
    faults: list[UserError] | None = None,
) -> DataFrame[RawTargets]:
    """Read annual targets and find each owner by user name, e-mail or id.

    Raises `InvalidTargetBook` that names file, line and cure; where `faults` are collected, lines
    that have one are passed over.
    """
    if not path.is_file():
        raise InvalidTargetBook(
            f"{path} does not exist; write the annual targets there, name another file under [targets] source, or let `onpace init` write a policy with all owners"
        )
    finder = Owners(users)
    lines: dict[tuple[int, str, int], dict[str, object]] = {}
    for line in lines_of(path, TargetRow, InvalidTargetBook, spelling, faults):
        with collected(faults):
            target, row = _target(line, finder), line.row
            if row.annual_target is None:
                continue
            key = row.fiscal_year, cast("str", target["owner_id"]), row.revision
            if key in lines:
                raise line.fault(
                    f"repeats revision {row.revision} of {row.owner[:60]!r} for {row.fiscal_year}; give it the next revision number"
                )
            lines[key] = target
    return _table([lines[key] for key in sorted(lines)])


def read_monthly_targets(
    path: Path, users: pd.DataFrame, calendar: FiscalCalendar, spelling: Spelling = UNKNOWN
) -> DataFrame[RawTargets]:
    """Read targets that are stated by month, as annual targets with the shares of their months.

    A year's target is the sum of its months; a month without a line is 0. Raises
    `InvalidTargetBook` that names file, line and cure.
    """
    finder = Owners(users)
    found: dict[tuple[int, str], dict[Month, Decimal]] = {}
    currencies: dict[tuple[int, str], str] = {}
    for line in lines_of(path, MonthlyTargetRow, InvalidTargetBook, spelling):
        row, owner_id = line.row, finder.find(line.row.owner, line)
        _check_currency(line, row.currency_code)
        key = calendar.fiscal_year(row.month), owner_id
        months = found.setdefault(key, {})
        if row.month in months:
            raise line.fault(f"repeats {row.month} of {row.owner[:60]!r}; keep one of the lines")
        if currencies.setdefault(key, row.currency_code) != row.currency_code:
            raise line.fault(
                f"is in another currency than the other months of {row.owner[:60]!r} in FY{key[0]}; state them in one"
            )
        months[row.month] = row.amount
    return _table(
        [
            {
                "fiscal_year": year,
                "owner_id": owner_id,
                "annual_target": sum(months.values(), Decimal(0)),
                "currency_code": currencies[year, owner_id] or None,
                "revision": 1,
                "stated_months": " ".join(
                    str(months.get(month, Decimal(0))) for month in calendar.year(year).months
                )
                if any(months.values())
                else None,
            }
            for (year, owner_id), months in sorted(found.items())
        ]
    )


def joined(annual: DataFrame[RawTargets], monthly: DataFrame[RawTargets]) -> DataFrame[RawTargets]:
    """Return a target book of both kinds; raises `InvalidTargetBook` where both state somebody's year."""
    both = annual.merge(monthly, on=["fiscal_year", "owner_id"])
    if len(both):
        one = both.iloc[0]
        raise InvalidTargetBook(
            f"{MONTHLY_TARGETS} states FY{one['fiscal_year']} of {one['owner_id']} by month, and the target book states the year too; keep one of them"
        )
    table = pd.concat([annual, monthly], ignore_index=True)
    return checked(
        table.sort_values(["fiscal_year", "owner_id", "revision"], ignore_index=True), RawTargets
    )


def _target(line: PolicyLine[TargetRow], owners: Owners) -> dict[str, object]:
    row = line.row
    if row.start_date and row.end_date and row.end_date < row.start_date:
        raise line.fault(
            f"end_date {row.end_date} is before start_date {row.start_date}; correct one of them"
        )
    _check_currency(line, row.currency_code)
    try:
        check_holiday_calendar(row.holidays)
    except UnknownHolidayCalendar as unknown:
        raise line.fault(str(unknown)) from None
    stated = row.model_dump(exclude={"owner", *FOR_PEOPLE})
    words = {name: stated[name] or None for name in ("currency_code", "holidays")}
    return {**stated, **words, "owner_id": owners.find(row.owner, line)}


def _check_currency(line: PolicyLine[Any], code: str) -> None:
    if code and code not in get_global("all_currencies"):
        hint = (
            "; an amount with a comma for thousands must stand in quotes" if code.isdigit() else ""
        )
        raise line.fault(
            f"currency_code {code[:20]!r} is not a currency; use an ISO code such as EUR, or leave it empty{hint}"
        )


def _table(lines: list[dict[str, object]]) -> DataFrame[RawTargets]:
    kinds = {
        "fiscal_year": pa.int64(),
        "owner_id": pa.string(),
        "annual_target": pa.decimal128(38, MOST_DECIMALS),
        "currency_code": pa.string(),
        "start_date": pa.date32(),
        "end_date": pa.date32(),
        "revision": pa.int64(),
        "effective_date": pa.date32(),
        "holidays": pa.string(),
        "stated_months": pa.string(),
    }
    return checked(
        columns.frame(
            {
                name: pa.array([line.get(name) for line in lines], kind)
                for name, kind in kinds.items()
            }
        ),
        RawTargets,
    )
