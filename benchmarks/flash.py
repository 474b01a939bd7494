"""What a weekly flash costs after the pull: `python -m benchmarks.flash --opportunities N --people N`.

CPU seconds of the tables of a running day, and of the pages of the company, its teams and its people,
in one process. The peer in the same run is one pass of pandas' `merge_asof` for the state of every
opportunity at that day.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from datetime import date, timedelta
from pathlib import Path

import pandas as pd

from benchmarks.firm import END, PEOPLE, big_firm
from benchmarks.month_end import measured, peak
from connectors.storage.extract_record import ExtractRecord
from publication.flash import Flash, as_of_day, print_flash
from publication.flash_tables import flash_tables
from reports.publisher import Publisher
from sales.history.extract import Extract
from tests.assets.rich_firm import HeldWorkspace, no_reader

# A Monday at whose beginning November 2024 is running.
DAY = date(2024, 11, 18)
YEARS = range(2021, 2025)
ANNUAL_TARGET = 600_000


def measure(opportunities: int, people: int) -> dict[str, float]:
    """Return the CPU of the flash's parts, its peer's, the peak memory in MiB and the number of pages."""
    found: dict[str, float] = {}
    extract = big_firm(opportunities, people)
    with tempfile.TemporaryDirectory() as folder:
        workspace = _workspace(Path(folder), extract, people)
        record = ExtractRecord(extract.extract_id, END, "", workspace.source, "UTC", {}, {}, [])
        with measured(found, "tables"):
            inputs = as_of_day(workspace, DAY, record)
            before = DAY - timedelta(days=7)
            tables = flash_tables(inputs, as_of_day(workspace, before, record), DAY, before)
        with measured(found, "pages"):
            flash = Flash(DAY, inputs, tables, before)
            pages = list(
                print_flash(
                    workspace, flash, Publisher(Path(folder) / "packs", workspace.policy_folder)
                )
            )
        found["peak_mib"], found["documents"] = peak(), len(pages)
        with measured(found, "merge_asof"):
            _peer(extract)
    return found


def _workspace(folder: Path, extract: Extract, people: int) -> HeldWorkspace:
    policy = folder / "policy"
    policy.mkdir()
    owners = extract.users["user_id"].tolist()[:people]
    lines = [f"{year},{owner},{ANNUAL_TARGET}" for year in YEARS for owner in owners]
    text = "\n".join(["fiscal_year,owner,annual_target", *lines])
    (policy / "targets.csv").write_text(text, encoding="utf-8")
    (policy / "fy2021.toml").write_text("", encoding="utf-8")
    return HeldWorkspace(folder, policy, no_reader, "https://firm.example", held=extract)


def _peer(extract: Extract) -> int:
    history = extract.opportunity_history[["opportunity_id", "created_at", "stage_name", "amount"]]
    plain = history.assign(created_at=pd.to_datetime(history["created_at"]).dt.tz_localize(None))
    deals = extract.opportunities[["opportunity_id"]].assign(at=pd.Timestamp(DAY).as_unit("us"))
    state = pd.merge_asof(
        deals,
        plain.sort_values("created_at"),
        left_on="at",
        right_on="created_at",
        by="opportunity_id",
    )
    return len(state)


def main(arguments: list[str]) -> None:
    """Print what was measured: seconds of CPU by part, and their ratio to the peer's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--opportunities", type=int, default=100_000)
    parser.add_argument("--people", type=int, default=PEOPLE)
    given = parser.parse_args(arguments)
    found = measure(given.opportunities, given.people)
    whole = found["tables cpu"] + found["pages cpu"]
    result = {
        "opportunities": given.opportunities,
        "people": given.people,
        "documents": found["documents"],
        "tables_cpu_s": round(found["tables cpu"], 2),
        "pages_cpu_s": round(found["pages cpu"], 2),
        "cpu_s": round(whole, 2),
        "peak_gib": round(found["peak_mib"] / 1024, 2),
        "merge_asof_cpu_s": round(found["merge_asof cpu"], 2),
        "ratio": round(whole / found["merge_asof cpu"], 1),
    }
    print(json.dumps(result))


if __name__ == "__main__":
    main(sys.argv[1:])
