"""Time and peak memory of tables: part of `make bench`; printing is `printing`, reading Salesforce `pulls`.

Each figure comes from a process of its own, so that peak memory is its own. The peer in the
same run is pandas' `merge_asof` for the state as of 36 month ends.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from decimal import Decimal
from statistics import median
from typing import TYPE_CHECKING

from sales.targets import annual_targets

if TYPE_CHECKING:
    from sales.history.extract import Extract

REPEATS = 3
MIB = 1024


@contextmanager
def measured(found: dict[str, float], name: str) -> Iterator[None]:
    """Note wall and CPU seconds of a block, children's CPU included."""
    wall, cpu = time.perf_counter(), _cpu()
    yield
    found[f"{name} wall"], found[f"{name} cpu"] = time.perf_counter() - wall, _cpu() - cpu


def peak() -> float:
    """Return this process's peak memory so far, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / MIB


def _cpu() -> float:
    usages = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in usages)


def tables(deals: int, months: int, found: dict[str, float]) -> None:
    """All published tables of so many months from one extract in memory."""
    from benchmarks.firm import big_firm

    extract = big_firm(deals)
    with measured(found, "tables"):
        month_tables(extract, months)


def month_tables(extract: Extract, months: int, *, with_findings: bool = True) -> None:
    """Compute the published tables of so many months of `big_firm`, the closing plan and the findings too where they are asked for."""
    import pyarrow as pa

    from benchmarks.firm import PEOPLE, of_one_currency
    from sales import arrow as columns
    from sales.calendar import Month
    from sales.checks import findings as quality
    from sales.coverage import coverage, movement
    from sales.forecast import closing_plan as closing
    from sales.history import booking_credit as credit
    from sales.history import snapshot
    from sales.history.extract import people
    from sales.history.reconstruction import PipelineHistory
    from sales.policy.reading import parse_policy
    from sales.policy.rules import PolicyBook
    from sales.targets import attainment
    from sales.targets import phased_targets as targets

    size = PEOPLE * 4
    book = columns.frame(
        {
            "fiscal_year": pa.array([2021 + n // PEOPLE for n in range(size)]),
            "owner_id": pa.array(columns.arrow(extract.users["user_id"]).to_pylist() * 4),
            "annual_target": pa.array([Decimal(10_000_000)] * size, pa.decimal128(38, 10)),
            "currency_code": pa.nulls(size, pa.string()),
            "start_date": pa.nulls(size, pa.date32()),
            "end_date": pa.nulls(size, pa.date32()),
            "revision": pa.array([1] * size),
            "effective_date": pa.nulls(size, pa.date32()),
            "holidays": pa.nulls(size, pa.string()),
        }
    )
    policies, defaults = PolicyBook({2021: parse_policy("", "fy2021.toml")}), extract.defaults
    history = PipelineHistory(extract, "USD", 2)
    opening = None
    for n in range(months):
        month = Month(2024, 9).plus(n - months + 1)
        rules = policies.for_month(month, defaults)
        known = [
            (each, policies.for_month(each, defaults))
            for each in rules.calendar.year_of(month).months
            if each <= month
        ]
        owners = people(extract, "role")
        snap = snapshot.opportunity_snapshot(history, month, rules)
        opening = (
            opening
            if opening is not None
            else snapshot.opening_snapshot(history, month.plus(-1), rules, snap)
        )
        bookings = snapshot.monthly_bookings(
            [(*pair, history) for pair in known], month, rules, extract.extracted_at
        )
        shared = credit.booking_credit(snap, extract, owners, month, rules)
        in_force = {
            each: annual_targets.in_force(book, of_one_currency, each, policies, defaults)
            for each, _ in known
        }
        phased = targets.phased_targets(
            in_force, bookings, owners, month, policies, defaults, extract.extracted_at
        )
        attainment.target_attainment(snap, shared, phased, month, rules)
        coverage.pipeline_coverage(snap, shared, phased, month, rules)
        movement.pipeline_movement(
            movement.month_end(opening, extract, month.plus(-1), rules),
            movement.month_end(snap, extract, month, rules),
            phased,
        )
        if with_findings:
            closing.closing_plan(snap, month, rules)
            quality.data_quality(
                snap,
                shared,
                phased,
                owners,
                month,
                rules,
                defaults.organization_id,
                range(0x20, 0x500),
            )
        opening = snap


def state(deals: int, months: int, found: dict[str, float]) -> None:
    """Only the state as of so many month ends, beside pandas' merge_asof."""
    import pandas as pd

    from benchmarks.firm import big_firm
    from sales import arrow as columns
    from sales.calendar import FiscalCalendar, Month
    from sales.history.reconstruction import PipelineHistory

    extract = big_firm(deals)
    calendar = FiscalCalendar(1, named_by_end=False, time_zone="America/New_York")
    ends = [calendar.as_of(Month(2024, 9).plus(-n)) for n in range(months)]
    with measured(found, "state"):
        history = PipelineHistory(extract, "USD", 2)
        ours = [len(history.at(columns.instant_of(end)).row) for end in ends]
    rows = extract.opportunity_history[
        ["opportunity_id", "created_at", "history_id", "stage_name", "close_date"]
    ]
    with measured(found, "merge_asof"):
        rows = rows.sort_values(["created_at", "history_id"], kind="stable")
        keys = extract.opportunities[["opportunity_id", "created_at"]].rename(
            columns={"created_at": "born"}
        )
        theirs = []
        for end in ends:
            spine = keys.loc[keys["born"] < end, ["opportunity_id"]].assign(
                at=pd.Series([end] * len(keys), dtype=rows["created_at"].dtype)
            )
            joined = pd.merge_asof(
                spine,
                rows,
                left_on="at",
                right_on="created_at",
                by="opportunity_id",
                allow_exact_matches=False,
            )
            theirs.append(len(joined))
    assert ours == theirs, "both count the same opportunities"


WORK: dict[str, Callable[[int, int, dict[str, float]], None]] = {"tables": tables, "state": state}


def in_a_process(name: str, deals: int, months: int) -> dict[str, float]:
    """Return the medians of several processes."""
    runs: list[dict[str, float]] = []
    for _ in range(REPEATS):
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.month_end", name, str(deals), str(months)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        runs.append(json.loads(done.stdout.splitlines()[-1]))
    return {key: median(run[key] for run in runs) for key in runs[0]}


def report() -> None:
    """Print every figure."""
    print(
        f"medians of {REPEATS} processes, {date.today()}; CPU in seconds, memory in MiB at its peak"
    )
    for deals in (10_000, 100_000):
        print(f"\n{deals:,} opportunities, {8 * deals:,} history rows")
        for months in (1, 36):
            got = in_a_process("tables", deals, months)
            print(
                f"  tables of {months:2} month(s)  CPU {got['tables cpu']:6.1f}  wall {got['tables wall']:6.1f}  peak {got['peak']:6.0f}"
            )
        got = in_a_process("state", deals, 36)
        print(
            f"  state, 36 month ends   CPU {got['state cpu']:6.1f}  wall {got['state wall']:6.1f}  peak {got['peak']:6.0f}   {got['merge_asof cpu'] / got['state cpu']:.1f} times less CPU than merge_asof"
        )


def main() -> None:
    """Measure one thing if named, else report everything."""
    if len(sys.argv) == 1:
        report()
        return
    name, deals, months = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    found: dict[str, float] = {}
    WORK[name](deals, months, found)
    found.setdefault("peak", peak())
    print(json.dumps(found))


if __name__ == "__main__":
    main()
