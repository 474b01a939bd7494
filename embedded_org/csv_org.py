"""An org made of a folder of CSV files, one an object, with Salesforce field names."""

from __future__ import annotations

import csv
import re
from pathlib import Path

from embedded_org.objects import PREFIXES, Org

# Text of the CRM may be long; the csv module's limit is 128 KiB a field.
LONGEST_FIELD = 32 * 1024 * 1024


NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?")


class NoObjects(ValueError):
    """A folder holds no CSV file with records."""


def csv_org(folder: Path) -> Org:
    """Read every `Object.csv` that has an `Id` column; raises `NoObjects` if there is none.

    Files may be as the API writes them, or as Salesforce's weekly export does: in UTF-8, or in
    the Windows code page, with dates as `2026-02-20 00:00:00` and flags as 1 and 0.
    """
    csv.field_size_limit(LONGEST_FIELD)
    org = Org()
    for path in sorted(folder.glob("*.csv")):
        encoding = _encoding(path)
        with path.open(encoding=encoding, newline="") as lines:
            reader = csv.DictReader(lines)
            names = list(reader.fieldnames or [])
            if "Id" not in names:
                if path.stem in PREFIXES:
                    raise NoObjects(
                        f"{path} has no Id column; the first line must name Salesforce's fields"
                    )
                continue  # a target book or another table that Salesforce does not hold
            try:
                org.add(path.stem, names, reader, _amounts(path, names, encoding))
            except (ValueError, csv.Error) as fault:
                raise NoObjects(
                    f"{path} line {reader.line_num}: {fault}; correct the value"
                ) from None
    if "Opportunity" not in org.objects:
        raise NoObjects(
            f"{folder} has no Opportunity.csv with an Id column; name a folder of Salesforce objects as CSV"
        )
    return org


def _amounts(path: Path, names: list[str], encoding: str) -> set[str]:
    """Return the custom fields that hold nothing but numbers."""
    custom = {name for name in names if name.endswith("__c")}
    if not custom:
        return custom
    filled: set[str] = set()
    with path.open(encoding=encoding, newline="") as lines:
        for row in csv.DictReader(lines):
            filled |= {name for name in custom if row[name]}
            custom -= {name for name in custom if row[name] and not NUMBER.fullmatch(row[name])}
    return custom & filled


def _encoding(path: Path) -> str:
    """Return the encoding of a file: UTF-8, else the Windows code page that the weekly export offers."""
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            with path.open(encoding=encoding, newline="") as text:
                while text.read(LONGEST_FIELD):
                    pass
        except UnicodeDecodeError:
            continue
        return encoding
    raise NoObjects(f"{path} is neither UTF-8 nor Windows-1252 text; export it as UTF-8")
