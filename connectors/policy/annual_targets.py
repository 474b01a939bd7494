"""The target book: `targets.csv` as the raw table of annual targets."""

from __future__ import annotations

from pathlib import Path
from typing import cast

import pandas as pd
import pyarrow as pa
from babel.core import get_global

from connectors.policy.csv_rows import MOST_DECIMALS, CsvRow, InvalidPolicyTable, Owners, lines_of
from sales import arrow as columns
from sales.calendar import UnknownHolidayCalendar, check_holiday_calendar
from sales.contracts.contract import checked
from sales.contracts.raw import RawTargets

HEADER = (
    "fiscal_year",
    "owner",
    "annual_target",
    "currency_code",
    "start_date",
    "end_date",
    "revision",
    "effective_date",
    "holidays",
)
NEEDED = ("fiscal_year", "owner", "annual_target")


class InvalidTargetBook(InvalidPolicyTable):
    """A line of the target book cannot be used."""


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
    for line in lines_of(path, HEADER, NEEDED, InvalidTargetBook):
        target = _target(line, finder)
        key = cast(
            "tuple[int, str, int]", (target["fiscal_year"], target["owner_id"], target["revision"])
        )
        if key in lines:
            raise line.fault(
                f"repeats revision {key[2]} of {line.cells['owner'][:60]!r} for {key[0]}; give it the next revision number"
            )
        lines[key] = target
    return _table([lines[key] for key in sorted(lines)])


def _target(line: CsvRow, owners: Owners) -> dict[str, object]:
    start, end = line.day("start_date"), line.day("end_date")
    if start and end and end < start:
        raise line.fault(f"end_date {end} is before start_date {start}; correct one of them")
    code, place = line.text("currency_code"), line.text("holidays")
    if code and code not in get_global("all_currencies"):
        raise line.fault(
            f"currency_code {code[:20]!r} is no currency; use an ISO code such as EUR, or leave it empty"
        )
    try:
        check_holiday_calendar(place)
    except UnknownHolidayCalendar as unknown:
        raise line.fault(str(unknown)) from None
    return {
        "fiscal_year": line.fiscal_year(),
        "owner_id": owners.find(line),
        "annual_target": line.amount("annual_target"),
        "currency_code": code or None,
        "start_date": start,
        "end_date": end,
        "revision": line.whole("revision", 1, 1, 1_000_000),
        "effective_date": line.day("effective_date"),
        "holidays": place or None,
    }


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
