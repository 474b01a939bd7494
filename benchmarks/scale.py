"""How the tables' cost grows: `make bench-scale`, beside DuckDB and a daily history spine in the same run.

Measured from raw tables in files to published tables of 36 month ends: history, snapshot, bookings,
credit, phasing, attainment, coverage, movement. The peers do less, which is in their favour: DuckDB
works out states as intervals of month ends, and of them the open and won amounts by person and
quarter and the movement from one month end to the next; one scan reads and hashes seven columns of
the history; the spine has a row for each deal and day, as history models for dbt build it. Each
figure comes from a process of its own.
"""

from __future__ import annotations

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.month_end import peak

MONTHS = 36
SIZES = (10_000, 100_000)
LARGE = (1_000_000, 5_000_000)
# Where growth is measured from: a tenth of a size.
STEP = 10
# The spine has a row a deal and day: 70 million at 100,000.
LARGEST_SPINE = 10_000
GIB = 1024
FIRST = "2021-10-01"  # of the 36 months up to September 2024
ZONE = "America/New_York"

INTERVALS = f"""
SET TimeZone = '{ZONE}';
CREATE TABLE states AS
SELECT opportunity_id, stage_name, amount, close_date,
  greatest(0, date_diff('month', DATE '{FIRST}', CAST(created_at AS DATE))) AS first,
  least({MONTHS} - 1, coalesce(date_diff('month', DATE '{FIRST}', CAST(next_at AS DATE)) - 1, {MONTHS} - 1)) AS last
FROM (
  SELECT *, lead(created_at) OVER (PARTITION BY opportunity_id ORDER BY created_at, history_id) AS next_at
  FROM read_parquet('{{folder}}/opportunity_history.parquet')
) WHERE last >= first;
CREATE TABLE at_month_ends AS
SELECT s.*, o.owner_id, k.k FROM states s
JOIN read_parquet('{{folder}}/opportunities.parquet') o USING (opportunity_id)
JOIN (SELECT unnest(range({MONTHS})) AS k) k ON k.k BETWEEN s.first AND s.last;
CREATE TABLE coverage AS
SELECT k, owner_id, date_trunc('quarter', close_date) AS quarter,
  sum(amount) FILTER (stage_name NOT IN ('Won', 'Lost')) AS open, sum(amount) FILTER (stage_name = 'Won') AS won, count(*) AS deals
FROM at_month_ends GROUP BY ALL;
CREATE TABLE movement AS
SELECT coalesce(now.k, was.k + 1) AS k, coalesce(now.owner_id, was.owner_id) AS owner_id,
  sum(now.amount) FILTER (was.amount IS NULL) AS created,
  sum(now.amount - was.amount) FILTER (now.amount > was.amount) AS increased,
  sum(was.amount - now.amount) FILTER (now.amount < was.amount) AS decreased,
  sum(now.amount) FILTER (now.stage_name = 'Won' AND was.stage_name <> 'Won') AS won,
  sum(now.amount) FILTER (now.stage_name = 'Lost' AND was.stage_name <> 'Lost') AS lost
FROM at_month_ends now FULL JOIN at_month_ends was ON now.opportunity_id = was.opportunity_id AND now.k = was.k + 1
GROUP BY ALL;
SELECT count(*) FROM movement;
"""
SCAN = """
SELECT bit_xor(hash(history_id, opportunity_id, created_at, stage_name, amount, close_date, probability_pct))
FROM read_parquet('{folder}/opportunity_history.parquet');
"""
SPINE = f"""
SET TimeZone = '{ZONE}';
CREATE TABLE changes AS
SELECT opportunity_id, CAST(created_at AS DATE) AS day, arg_max(stage_name, history_id) AS stage_name, arg_max(amount, history_id) AS amount, arg_max(close_date, history_id) AS close_date
FROM read_parquet('{{folder}}/opportunity_history.parquet') GROUP BY ALL;
CREATE TABLE spine AS
SELECT o.opportunity_id, CAST(d.day AS DATE) AS day
FROM (SELECT opportunity_id, min(day) AS born FROM changes GROUP BY ALL) o
JOIN (SELECT unnest(range(DATE '2021-01-01', DATE '2024-10-01', INTERVAL 1 DAY)) AS day) d ON d.day >= o.born;
CREATE TABLE daily AS
SELECT s.opportunity_id, s.day,
  last_value(c.stage_name IGNORE NULLS) OVER w AS stage_name, last_value(c.amount IGNORE NULLS) OVER w AS amount, last_value(c.close_date IGNORE NULLS) OVER w AS close_date
FROM spine s LEFT JOIN changes c USING (opportunity_id, day)
WINDOW w AS (PARTITION BY s.opportunity_id ORDER BY s.day);
SELECT count(*) FROM daily;
"""


def write_raw(folder: Path, opportunities: int) -> None:
    """Write the raw tables of a firm with so many opportunities as Parquet files."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    from benchmarks.firm import big_firm
    from sales.contracts.raw import RAW

    extract = big_firm(opportunities)
    for name in RAW:
        table = getattr(extract, name.removeprefix("raw_"), None)
        if table is not None:
            written = pa.Table.from_pandas(table, preserve_index=False)
            pq.write_table(written, folder / f"{name.removeprefix('raw_')}.parquet")


def product(folder: Path) -> None:
    """Compute the published tables of every month, as a backfill does."""
    import pyarrow.parquet as pq

    from benchmarks.firm import END
    from benchmarks.month_end import month_tables
    from sales import arrow as columns
    from sales.history.extract import Extract

    frames = dict[str, object]()
    for path in sorted(folder.glob("*.parquet")):
        table = pq.read_table(path)
        frames[path.stem] = columns.frame(
            {name: table.column(name).combine_chunks() for name in table.column_names}
        )
    month_tables(Extract("bench", END, **frames), MONTHS, with_findings=False)


def by_duckdb(statements: str, folder: Path) -> None:
    """Run SQL on the raw tables."""
    import duckdb

    duckdb.connect().execute(statements.format(folder=folder)).fetchall()


WORK: dict[str, Callable[[Path], None]] = {
    "product": product,
    "duckdb": lambda folder: by_duckdb(INTERVALS, folder),
    "scan": lambda folder: by_duckdb(SCAN, folder),
    "spine": lambda folder: by_duckdb(SPINE, folder),
}


def measured(name: str, folder: Path) -> dict[str, float]:
    """Return CPU seconds and peak memory (GiB) of one kind of work, done in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.scale", "--work", name, str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        sys.exit(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def of_size(opportunities: int) -> dict[str, float]:
    """Return the figures of a size: what `--json` prints."""
    with tempfile.TemporaryDirectory() as name:
        folders = Path(name) / "whole", Path(name) / "part"
        for folder, size in zip(folders, (opportunities, opportunities // STEP), strict=True):
            folder.mkdir()
            subprocess.run(
                [sys.executable, "-m", "benchmarks.scale", "--write", str(size), str(folder)],
                check=True,
            )
        whole, part = (measured("product", folder) for folder in folders)
        return {
            "opportunities": opportunities,
            "cpu_s": round(whole["cpu"], 3),
            "peak_gib": round(whole["peak"], 3),
            "duckdb_cpu_s": round(measured("duckdb", folders[0])["cpu"], 3),
            "scan_cpu_s": round(measured("scan", folders[0])["cpu"], 3),
            "exponent": round(math.log(whole["cpu"] / part["cpu"], STEP), 3),
        }


def report(sizes: tuple[int, ...]) -> None:
    """Print every size with its ratios."""
    print(f"{MONTHS} month ends from raw tables; CPU in seconds, memory in GiB at its peak")
    for size in sizes:
        found = of_size(size)
        print(
            f"{size:>9,} opportunities  CPU {found['cpu_s']:8.1f}  peak {found['peak_gib']:5.2f}  "
            f"{found['cpu_s'] / found['duckdb_cpu_s']:6.1f} times DuckDB intervals ({found['duckdb_cpu_s']:.1f})  "
            f"{found['cpu_s'] / found['scan_cpu_s']:6.0f} times one scan ({found['scan_cpu_s']:.2f})  "
            f"grows by the power {found['exponent']:.2f}"
        )
        if size <= LARGEST_SPINE:
            with tempfile.TemporaryDirectory() as name:
                write_raw(Path(name), size)
                spine = measured("spine", Path(name))
            print(
                f"{'':>9}  a daily history spine in SQL: CPU {spine['cpu']:.1f}, peak {spine['peak']:.2f}"
            )


def main() -> None:
    """Measure one size, one kind of work, or report all."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--opportunities", type=int)
    options.add_argument("--json", action="store_true", help="one object in place of a line")
    options.add_argument("--large", action="store_true", help="1,000,000 and 5,000,000 too")
    options.add_argument("--work", nargs=2, help=argparse.SUPPRESS)
    options.add_argument("--write", nargs=2, help=argparse.SUPPRESS)
    asked = options.parse_args()
    if asked.write:
        write_raw(Path(asked.write[1]), int(asked.write[0]))
    elif asked.work:
        name, folder = asked.work
        start = time.process_time()
        WORK[name](Path(folder))
        print(json.dumps({"cpu": time.process_time() - start, "peak": peak() / GIB}))
    elif asked.opportunities and asked.json:
        print(json.dumps(of_size(asked.opportunities)))
    else:
        report((asked.opportunities,) if asked.opportunities else SIZES + LARGE * asked.large)


if __name__ == "__main__":
    main()
