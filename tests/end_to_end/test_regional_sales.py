"""The public sample, over HTTP, through the command line, to the cent."""

import csv
import os
import subprocess
import sys
from decimal import Decimal
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DATA = Path(
    os.environ.get("ONPACE_REGIONAL_SALES", ROOT.parent / "shared" / "data" / "regional_sales")
)
ONPACE = Path(sys.executable).with_name("onpace")
WON_BY_QUARTER = {
    "2019Q4": 252_131,
    "2020Q1": 774_377,
    "2020Q2": 1_322_985,
    "2020Q3": 2_209_421,
    "2020Q4": 3_339_714,
    "2021Q1": 2_652_971,
    "2021Q2": 4_454_500,
    "2021Q3": 8_402_513,
    "2021Q4": 3_027_313,
}


def quarter(day: str) -> str:
    return f"{day[:4]}Q{(int(day[5:7]) + 2) // 3}"


def rows(folder: Path, table: str) -> list[dict[str, str]]:
    with (folder / f"{table}.csv").open(encoding="utf-8", newline="") as lines:
        return list(csv.DictReader(lines))


@pytest.mark.skipif(
    not DATA.is_dir(),
    reason="the Regional Sales sample is not on this machine: set ONPACE_REGIONAL_SALES to its folder",
)
def test_the_known_totals_come_out_to_the_cent(tmp_path: Path) -> None:
    clean = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("SALESFORCE_", "ONPACE_", "DAGSTER_"))
    }
    clean |= {
        "SALESFORCE_CLIENT_ID": "sample",
        "SALESFORCE_CLIENT_SECRET": "sample-secret",
        "HOME": str(tmp_path),
        "PYTHONWARNINGS": "ignore",
    }
    server = subprocess.Popen(
        [ONPACE, "org", "serve", "--data", DATA], env=clean, stdout=subprocess.PIPE, text=True
    )
    try:
        assert server.stdout is not None
        address = server.stdout.readline().split()[-1]
        clean |= {
            "SALESFORCE_LOCAL_URL": address,
            "ONPACE_HOME": str(tmp_path / "home"),
            "ONPACE_POLICY": str(ROOT / "examples" / "regional_sales" / "policy"),
        }

        def onpace(*words: str) -> None:
            done = subprocess.run(
                [ONPACE, *words],
                env=clean,
                capture_output=True,
                text=True,
                check=False,
                timeout=600,
            )
            assert done.returncode == 0, done.stderr

        onpace("backfill", "2021-10,2021-11")
        for month in ("2021-10", "2021-11"):
            onpace("export", month, "--to", str(tmp_path / month))
    finally:
        server.terminate()
        server.wait(30)

    october, november = tmp_path / "2021-10", tmp_path / "2021-11"
    won: dict[str, Decimal] = {}
    for row in rows(november, "opportunity_snapshot"):
        if row["is_won"] == "true":
            won[quarter(row["close_date"])] = won.get(
                quarter(row["close_date"]), Decimal(0)
            ) + Decimal(row["amount"])
    assert won == {name: Decimal(amount) for name, amount in WON_BY_QUARTER.items()}
    snapshot = rows(november, "opportunity_snapshot")
    assert sum(won.values()) == 26_435_925
    assert sum(row["is_won"] == "true" for row in snapshot) == 7_282
    assert sum(row["is_open"] == "false" and row["is_won"] == "false" for row in snapshot) == 7_385
    is_open = [row for row in snapshot if row["is_open"] == "true"]
    assert (sum(Decimal(row["amount"]) for row in is_open), len(is_open)) == (27_812_381, 5_333)

    attained = {
        (row["grain"], row["period"]): row
        for row in rows(october, "target_attainment")
        if row["grain"] == "company"
    }
    assert (
        attained["company", "FY2021"]["bookings"] == "17909174.00"
    )  # the first three quarters, and October
    coverage = {
        row["period"]: row
        for row in rows(october, "pipeline_coverage")
        if row["grain"] == "company"
    }
    assert list(coverage) == ["FY2021-Q4", "FY2022-Q1", "FY2022-Q2", "FY2021"]
    assert coverage["FY2021-Q4"]["bookings"] == attained["company", "FY2021-Q4"]["bookings"]
    assert coverage["FY2022-Q1"]["status"] == "no_target"
    assert {row["owner_provenance"] for row in snapshot} == {"assumed"}
