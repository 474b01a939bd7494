"""The target book: `targets.csv` as the raw table of annual targets."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pandas as pd
import pyarrow as pa
from babel.core import get_global

from connectors.policy.csv_rows import (
    MOST_DECIMALS,
    Amount,
    Day,
    FiscalYear,
    InvalidPolicyTable,
    Owners,
    PolicyLine,
    PolicyRow,
    Revision,
    lines_of,
)
from sales import arrow as columns
from sales.calendar import UnknownHolidayCalendar, check_holiday_calendar
from sales.contracts.contract import checked
from sales.contracts.raw import RawTargets


class InvalidTargetBook(InvalidPolicyTable):
    """A line of the target book cannot be used."""


class TargetRow(PolicyRow):
    """An annual target; without an effective date a revision is known from the year's first day."""

    fiscal_year: FiscalYear
    owner: str
    annual_target: Amount
    currency_code: str = ""
    start_date: Day | None = None
    end_date: Day | None = None
    revision: Revision = 1
    effective_date: Day | None = None
    holidays: str = ""


def read_target_book(path: Path, users: pd.DataFrame) -> pd.DataFrame:
    """Read annual targets and find each owner by user name, e-mail or id.

    Raises `InvalidTargetBook` that names file, line and cure.
    """
    if not path.is_file():
        raise InvalidTargetBook(
            f"{path} does not exist; write the annual targets there or name another file under [targets] source"
        )
    finder = Owners(users)
    lines: dict[tuple[int, str, int], dict[str, object]] = {}
    for line in lines_of(path, TargetRow, InvalidTargetBook):
        target = _target(line, finder)
        row = line.row
        key = row.fiscal_year, cast("str", target["owner_id"]), row.revision
        if key in lines:
            raise line.fault(
                f"repeats revision {row.revision} of {row.owner[:60]!r} for {row.fiscal_year}; give it the next revision number"
            )
        lines[key] = target
    return _table([lines[key] for key in sorted(lines)])


def _target(line: PolicyLine[TargetRow], owners: Owners) -> dict[str, object]:
    row = line.row
    if row.start_date and row.end_date and row.end_date < row.start_date:
        raise line.fault(
            f"end_date {row.end_date} is before start_date {row.start_date}; correct one of them"
        )
    if row.currency_code and row.currency_code not in get_global("all_currencies"):
        raise line.fault(
            f"currency_code {row.currency_code[:20]!r} is not a currency; use an ISO code such as EUR, or leave it empty"
        )
    try:
        check_holiday_calendar(row.holidays)
    except UnknownHolidayCalendar as unknown:
        raise line.fault(str(unknown)) from None
    stated = row.model_dump(exclude={"owner"})
    words = {name: stated[name] or None for name in ("currency_code", "holidays")}
    return {**stated, **words, "owner_id": owners.find(row.owner, line)}


def _table(lines: list[dict[str, object]]) -> pd.DataFrame:
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
    }
    return checked(
        columns.frame(
            {name: pa.array([line[name] for line in lines], kind) for name, kind in kinds.items()}
        ),
        RawTargets,
    )
