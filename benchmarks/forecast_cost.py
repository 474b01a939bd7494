"""What forecasts cost: all forecast tables of a month, and a backtest of 36 months, at several sizes. Part of `make bench`.

Each size in a process of its own. Peer in the same run: a Monte Carlo simulation in NumPy of the
same sums, 10,000 draws, for one period of people, teams and the company.
"""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import date
from decimal import Decimal

import numpy as np
import pandas as pd
import pyarrow as pa

from benchmarks.firm import big_firm, of_one_currency
from benchmarks.month_end import measured, peak
from sales import arrow as columns
from sales.calendar import Month
from sales.contracts.contract import empty
from sales.contracts.history import MonthlyBookings
from sales.coverage import coverage
from sales.forecast import backtest as track_record
from sales.forecast import client_phasing as clients
from sales.forecast import closing_plan as closing
from sales.forecast import generation
from sales.forecast import landing_forecast as forecast
from sales.forecast import phasing_check as catch_up
from sales.forecast.sales_facts import sales_facts
from sales.history import booking_credit as credit
from sales.history import snapshot
from sales.history.extract import Extract, people
from sales.history.reconstruction import PipelineHistory
from sales.policy.reading import parse_policy
from sales.policy.rules import PolicyBook
from sales.statistics import close_dates as confirmation
from sales.statistics.deal_outcomes import forecast_basis
from sales.statistics.period_distribution import PeriodParts, forecast_inputs, offsets, to_come
from sales.statistics.point_in_time import PointInTimeData
from sales.targets import annual_targets
from sales.targets import phased_targets as targets

SIZES = ((10_000, 50), (100_000, 500))
MONTH = Month(2024, 7)
DRAWS, BATCH = 10_000, 500
POLICIES = PolicyBook({2021: parse_policy("", "fy2021.toml")})


def book_of(extract: Extract) -> pd.DataFrame:
    """Return a target book with one target a person and year."""
    owners = columns.arrow(extract.users["user_id"]).to_pylist()
    size = 4 * len(owners)
    return columns.frame(
        {
            "fiscal_year": pa.array([2021 + n // len(owners) for n in range(size)]),
            "owner_id": pa.array(owners * 4),
            "annual_target": pa.array([Decimal(800_000)] * size, pa.decimal128(38, 10)),
            "currency_code": pa.nulls(size, pa.string()),
            "start_date": pa.nulls(size, pa.date32()),
            "end_date": pa.nulls(size, pa.date32()),
            "revision": pa.array([1] * size),
            "effective_date": pa.nulls(size, pa.date32()),
            "holidays": pa.nulls(size, pa.string()),
        }
    )


def cost(deals: int, salespeople: int) -> dict[str, float]:
    """Return seconds and MiB of one size."""
    found: dict[str, float] = {}
    extract = big_firm(deals, salespeople)
    defaults, rules, owners, book = (
        extract.defaults,
        POLICIES.for_month(MONTH, extract.defaults),
        people(extract, "role"),
        book_of(extract),
    )

    def targets_at(origin: Month) -> pd.DataFrame:
        in_force = annual_targets.in_force(book, of_one_currency, origin, POLICIES, defaults)
        return targets.phased_targets(
            {origin: in_force},
            empty(MonthlyBookings),
            owners,
            origin,
            POLICIES,
            defaults,
            extract.extracted_at,
        )

    history = PipelineHistory(extract, "USD", 2)
    snap = snapshot.opportunity_snapshot(history, MONTH, rules)
    shared, phased = credit.booking_credit(snap, extract, owners, MONTH, rules), targets_at(MONTH)
    plans = [
        targets.plan(each, rules)
        for each in annual_targets.in_force(book, of_one_currency, MONTH, POLICIES, defaults)
    ]
    with measured(found, "month"):
        point_in_time = PointInTimeData(history, MONTH, rules)
        seen = forecast_basis(point_in_time.known_at(MONTH.index))
        coverage.pipeline_coverage(snap, shared, phased, MONTH, rules, seen)
        forecast.landing_forecast(seen, snap, shared, phased, MONTH, rules)
        score = confirmation.close_date_score(point_in_time, MONTH.index)
        closing.closing_plan(
            snap,
            MONTH,
            rules,
            closing.plan_forecast(seen, score, snap, shared, phased, MONTH, rules),
        )
        clients.client_phasing(snap, seen, MONTH, rules)
        generation.pipeline_generation(seen, phased, MONTH, rules, extract.extracted_at)
        catch_up.phasing_check(
            plans, seen.known, owners, MONTH, POLICIES, defaults, extract.extracted_at
        )
        track_record.track_record(
            point_in_time,
            MONTH,
            rules,
            owners,
            targets_at,
            extract.extracted_at,
            track_record.months_judged(point_in_time),
        )
    found["month peak"] = peak()
    facts = sales_facts(snap, shared, phased, MONTH, rules)
    ahead = forecast_inputs(seen, facts.grains, facts.sells_after(MONTH))
    assert ahead is not None
    period = rules.calendar.quarter_of(MONTH.plus(1))
    with measured(found, "sums"):
        ours = to_come(ahead, period)
    with measured(found, "draws"):
        theirs = drawn(PeriodParts(ahead, *offsets(ahead.known, period)), salespeople)
    found["ours"], found["theirs"] = float(ours.company.quantile(0.5)[0]), theirs
    with measured(found, "backtest"):
        track_record.track_record(
            PointInTimeData(history, MONTH, rules),
            MONTH,
            rules,
            owners,
            targets_at,
            extract.extracted_at,
            36,
        )
    found["peak"] = peak()
    return found


def drawn(parts: PeriodParts, salespeople: int) -> float:
    """Return the company's median from draws of every person's open deals: deals only, which favours the peer."""
    chance, totals = np.random.default_rng(1), []
    likely, amount = parts.deals.chances[1], parts.deals.amounts
    for _ in range(DRAWS // BATCH):
        won = chance.random((BATCH, len(likely))) < likely
        worth = won * amount[np.arange(len(amount)), chance.integers(0, 3, len(amount))]
        by_person = np.stack([np.bincount(parts.deals.group, row, salespeople) for row in worth])
        totals.append(by_person.sum(axis=1))
    return float(np.median(np.concatenate(totals)))


def report() -> None:
    """Print every figure."""
    print(
        f"forecasts, {date.today()}; seconds and MiB at the peak; goals at 100,000 opportunities and 500 people: a month 20 s and 2,048 MiB, the backtest 300 s"
    )
    for deals, salespeople in SIZES:
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.forecast_cost", str(deals), str(salespeople)],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            sys.exit(done.stderr)
        got = json.loads(done.stdout.splitlines()[-1])
        print(
            f"  {deals:>7,} opportunities, {salespeople:>3} people: tables of a month {got['month wall']:5.1f} s, {got['month peak']:5.0f} MiB;"
            f" backtest of 36 months {got['backtest wall']:6.1f} s, {got['peak']:5.0f} MiB;"
            f" sums of a quarter {got['sums cpu']:.2f} s CPU, {got['draws cpu'] / got['sums cpu']:.0f} times less than 10,000 draws"
        )


if __name__ == "__main__":
    if len(sys.argv) > 1:
        print(json.dumps(cost(int(sys.argv[1]), int(sys.argv[2]))))
    else:
        report()
