"""A large invented firm as raw tables: only its size matters."""

from __future__ import annotations

from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from sales import arrow as columns
from sales.contracts.contract import RAW_MONEY, empty
from sales.contracts.raw import RAW, RawCurrencyRates
from sales.history.extract import Extract
from sales.history.rates import Rates
from sales.money import decimal_array

ROWS_A_DEAL = 8
PEOPLE, TEAMS, ACCOUNTS = 60, 6, 2_000
FIRST_DAY, DAYS = 18_628, 1_400  # from 2021-01-01
DAY = 86_400_000_000
STAGES = ("Qualify", "Scope", "Proposal", "Agreement", "Won", "Lost")
END = datetime(2024, 12, 3, tzinfo=UTC)


def ids(prefix: str, numbers: np.ndarray) -> pa.Array:
    """Return record ids of 18 characters."""
    return pa.array([f"{prefix}{number:012d}AAA" for number in numbers.tolist()], pa.string())


def big_firm(deals: int, salespeople: int = PEOPLE) -> Extract:
    """Return an extract of so many opportunities with eight history rows each and owner changes."""
    chance = np.random.default_rng(1)
    deal = np.arange(deals)
    created = (FIRST_DAY + chance.integers(0, DAYS, deals)) * DAY + chance.integers(0, DAY, deals)
    of = np.repeat(deal, ROWS_A_DEAL)
    step = np.tile(np.arange(ROWS_A_DEAL), deals)
    at = created[of] + step * chance.integers(3, 20, deals)[of] * DAY
    final = np.where(chance.random(deals) < 0.3, 4, np.where(chance.random(deals) < 0.7, 5, 3))
    stage = np.where(step == ROWS_A_DEAL - 1, final[of], np.minimum(step // 2, 3))
    amount = chance.integers(50_000, 9_000_000, deals)[of] + step * 1_000
    close = (at // DAY) + np.where(step == ROWS_A_DEAL - 1, 0, chance.integers(-20, 120, len(of)))
    names = pa.array(STAGES)
    last = np.arange(ROWS_A_DEAL - 1, len(of), ROWS_A_DEAL)
    owner = chance.integers(0, salespeople, deals)
    people = ids("005", np.arange(salespeople))
    opportunity_ids = ids("006", deal)
    changed = np.flatnonzero(chance.random(deals) < 0.1)
    money = decimal_array(amount, 2)
    instant = columns.INSTANT
    opportunities = {
        "opportunity_id": opportunity_ids,
        "is_deleted": pa.array(np.zeros(deals, bool)),
        "account_id": ids("001", chance.integers(0, ACCOUNTS, deals)),
        "name": pa.array([f"Deal number {n}" for n in range(deals)]),
        "stage_name": names.take(pa.array(stage[last])),
        "amount": money.take(pa.array(last)),
        "currency_code": pa.nulls(deals, pa.string()),
        "probability_pct": pa.array(np.full(deals, 50.0)),
        "close_date": columns.from_days(close[last]),
        "forecast_category": pa.array(["Pipeline"] * deals),
        "owner_id": people.take(pa.array(owner)),
        "lead_source": pa.array(["Web"] * deals),
        "record_type_id": pa.nulls(deals, pa.string()),
        "is_private": pa.array(np.zeros(deals, bool)),
        "created_at": pa.array(created).cast(instant),
        "modified_at": pa.array(at[last]).cast(instant),
        "custom_amount": pa.nulls(deals, RAW_MONEY),
        "effort_days": pa.nulls(deals, pa.float64()),
        "service_start": pa.nulls(deals, pa.date32()),
        "service_end": pa.nulls(deals, pa.date32()),
        "dimension": pa.nulls(deals, pa.string()),
    }
    history = {
        "history_id": ids("008", np.arange(len(of))),
        "opportunity_id": opportunity_ids.take(pa.array(of)),
        "created_at": pa.array(at).cast(instant),
        "stage_name": names.take(pa.array(stage)),
        "amount": money,
        "currency_code": pa.nulls(len(of), pa.string()),
        "close_date": columns.from_days(close),
        "probability_pct": pa.array(np.full(len(of), 50.0)),
        "forecast_category": pa.array(["Pipeline"] * len(of)),
        "modified_at": pa.array(at).cast(instant),
    }
    changes = {
        "change_id": ids("017", changed),
        "opportunity_id": opportunity_ids.take(pa.array(changed)),
        "created_at": pa.array(created[changed] + 200 * DAY).cast(instant),
        "field": pa.array(["Owner"] * len(changed)),
        "data_type": pa.array(["EntityId"] * len(changed)),
        "old_value": people.take(pa.array((owner[changed] + 1) % salespeople)),
        "new_value": people.take(pa.array(owner[changed])),
    }
    users = {
        "user_id": people,
        "name": pa.array([f"Person {n}" for n in range(salespeople)]),
        "username": pa.array([f"p{n}@firm.example" for n in range(salespeople)]),
        "email": pa.array([f"p{n}@firm.example" for n in range(salespeople)]),
        "is_active": pa.array([True] * salespeople),
        "role_id": ids("00E", np.arange(salespeople) % TEAMS),
        "manager_id": pa.nulls(salespeople, pa.string()),
    }
    stages = {
        "stage_name": names,
        "is_closed": pa.array([False] * 4 + [True] * 2),
        "is_won": pa.array([False] * 4 + [True, False]),
        "sort_order": pa.array(range(6)),
        "default_probability_pct": pa.array([50.0] * 6),
        "forecast_category": pa.array(["Pipeline"] * 6),
        "stage_id": names,
        "is_active": pa.array([True] * 6),
        "is_listed": pa.array([True] * 6),
    }
    organization = {
        "organization_id": pa.array(["00D000000000001AAA"]),
        "name": pa.array(["Big Firm"]),
        "time_zone": pa.array(["America/New_York"]),
        "fiscal_year_start_month": pa.array([1]),
        "names_year_by_start": pa.array([True]),
        "currency_code": pa.array(["USD"]),
        "is_multi_currency": pa.array([False]),
    }
    rates = {
        "currency_code": pa.nulls(0, pa.string()),
        "start_date": pa.nulls(0, pa.date32()),
        "next_start_date": pa.nulls(0, pa.date32()),
        "rate": pa.nulls(0, pa.decimal128(38, 10)),
    }
    roles = {
        "role_id": ids("00E", np.arange(TEAMS)),
        "name": pa.array([f"Team {n}" for n in range(TEAMS)]),
        "parent_role_id": pa.nulls(TEAMS, pa.string()),
    }
    accounts = {
        "account_id": ids("001", np.arange(ACCOUNTS)),
        "name": pa.array([f"Client {n}" for n in range(ACCOUNTS)]),
        "modified_at": pa.array(np.full(ACCOUNTS, FIRST_DAY * DAY)).cast(instant),
    }
    return Extract(
        "bench",
        END,
        opportunities=columns.frame(opportunities),
        opportunity_history=columns.frame(history),
        opportunity_field_history=columns.frame(changes),
        users=columns.frame(users),
        roles=columns.frame(roles),
        accounts=columns.frame(accounts),
        stages=columns.frame(stages),
        organization=columns.frame(organization),
        currency_rates=columns.frame(rates),
        **{
            name: empty(RAW[f"raw_{name}"])
            for name in (
                "queues",
                "opportunity_splits",
                "split_types",
                "record_types",
                "quotas",
                "submitted_forecasts",
                "periods",
            )
        },
    )


def of_one_currency(year: int) -> Rates:  # noqa: ARG001  # of every year
    """Return the rates of a firm that sells in its own currency only."""
    return Rates(empty(RawCurrencyRates), "EUR")
