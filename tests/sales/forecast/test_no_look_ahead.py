"""Nothing in a forecast for T may depend on a fact recorded at or after T: everything later is changed at random, and no number moves."""

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from sales import arrow as columns
from sales.contracts.contract import RAW_MONEY
from sales.history.extract import Extract
from sales.money import decimal_array
from tests.sales.firms import MONTH, FirmMonth, firm_month

pytestmark = pytest.mark.slow

AT = columns.instant_of(datetime(2023, 9, 1, tzinfo=UTC))
DAY = 86_400_000_000
STAGES = ("1-Qualify", "2-Scope", "3-Proposal", "4-Agreement", "Won", "Lost")


def scrambled(extract: Extract, chance: np.random.Generator) -> Extract:
    """Return an extract in which everything recorded at or after the end of August 2023 is something else."""
    history = extract.opportunity_history
    at = columns.to_instants(history["created_at"])
    before = history.loc[at < AT].reset_index(drop=True)
    deals = columns.arrow(extract.opportunities["opportunity_id"])
    created = columns.to_instants(extract.opportunities["created_at"])
    known = np.flatnonzero(created < AT)
    later = _saves(deals, chance.choice(known, 300), chance, "X")
    new_deals = pa.array([f"006NEW{n:09d}AAA" for n in range(40)])
    newborn = _saves(new_deals, np.arange(40), chance, "Y")
    opportunities = _records(extract, known, new_deals, chance)
    return replace(
        extract,
        extract_id="scrambled",
        opportunities=opportunities,
        opportunity_history=pd.concat([before, later, newborn], ignore_index=True),
        opportunity_field_history=_changes(extract, known, chance),
    )


def _saves(
    deals: pa.Array, of: np.ndarray, chance: np.random.Generator, letter: str
) -> pd.DataFrame:
    size = len(of)
    at = AT + chance.integers(0, 200 * DAY, size)
    stage = pa.array(STAGES).take(pa.array(chance.integers(0, 6, size)))
    return columns.frame(
        {
            "history_id": pa.array([f"008{letter}{n:011d}AAA" for n in range(size)]),
            "opportunity_id": deals.take(pa.array(of)),
            "created_at": pa.array(at).cast(columns.INSTANT),
            "stage_name": stage,
            "amount": decimal_array(chance.integers(1, 10**9, size), 2).cast(RAW_MONEY),
            "currency_code": pa.nulls(size, pa.string()),
            "close_date": columns.from_days(chance.integers(18_000, 20_500, size)),
            "probability_pct": pa.array(chance.uniform(0, 100, size)),
            "forecast_category": pa.array(["Commit"] * size),
            "modified_at": pa.array(at).cast(columns.INSTANT),
        }
    )


def _records(
    extract: Extract, known: np.ndarray, new_deals: pa.Array, chance: np.random.Generator
) -> pd.DataFrame:
    """Return today's records: everything that may have changed since is something else, some are deleted, later ones are others."""
    old = extract.opportunities.take(known).reset_index(drop=True)
    size, users = len(old), columns.arrow(extract.users["user_id"])
    is_deleted = chance.random(size) < 0.2
    changed = old.assign(
        stage_name=columns.series(pa.array(STAGES).take(pa.array(chance.integers(0, 6, size)))),
        amount=columns.series(decimal_array(chance.integers(1, 10**9, size), 2).cast(RAW_MONEY)),
        close_date=columns.series(columns.from_days(chance.integers(18_000, 20_500, size))),
        probability_pct=columns.series(pa.array(chance.uniform(0, 100, size))),
        owner_id=columns.series(users.take(pa.array(chance.integers(0, len(users), size)))),
        lead_source=columns.series(pa.array(["Event"] * size)),
        is_deleted=columns.series(pa.array(is_deleted)),
        modified_at=columns.series(pa.array(np.full(size, AT + 5 * DAY)).cast(columns.INSTANT)),
    )
    rows = len(new_deals)
    newborn = (
        old.take(np.arange(rows) % size)
        .assign(opportunity_id=new_deals, created_at=AT + DAY)
        .reset_index(drop=True)
    )
    newborn["created_at"] = columns.series(pa.array(np.full(rows, AT + DAY)).cast(columns.INSTANT))
    newborn["opportunity_id"] = columns.series(new_deals)
    return pd.concat([changed, newborn], ignore_index=True)


def _changes(extract: Extract, known: np.ndarray, chance: np.random.Generator) -> pd.DataFrame:
    """Return field history that says what owner and lead source were at the month end: a change of each after it."""
    old = extract.opportunities.take(known)
    size = len(old)
    at = pa.array(AT + chance.integers(0, 100 * DAY, size)).cast(columns.INSTANT)
    parts = [
        ("Owner", "EntityId", columns.arrow(old["owner_id"])),
        ("LeadSource", "Text", columns.arrow(old["lead_source"])),
    ]
    return pd.concat(
        [
            columns.frame(
                {
                    "change_id": pa.array([f"017{name[:1]}{n:011d}AAA" for n in range(size)]),
                    "opportunity_id": columns.arrow(old["opportunity_id"]),
                    "created_at": at,
                    "field": pa.array([name] * size),
                    "data_type": pa.array([kind] * size),
                    "old_value": values,
                    "new_value": pa.array(
                        ["005000000000000AAA" if kind == "EntityId" else "Event"] * size
                    ),
                }
            )
            for name, kind, values in parts
        ],
        ignore_index=True,
    )


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_every_number_for_a_month_end_is_the_same_whatever_comes_after(seed: int) -> None:
    one = firm_month()
    other = FirmMonth(scrambled(one.extract, np.random.default_rng(seed)), MONTH)
    for name, table in one.tables().items():
        changed = other.tables()[name].drop(columns=["extracted_at"])
        pd.testing.assert_frame_equal(
            table.drop(columns=["extracted_at"]), changed, check_exact=True, obj=name
        )


def test_the_scramble_reaches_what_it_should() -> None:
    """Otherwise the test above could not fail: at the next month end the two pasts are different."""
    one = firm_month()
    later = scrambled(one.extract, np.random.default_rng(1))
    a, b = (
        FirmMonth(each, MONTH.plus(2)).landing.drop(columns=["extracted_at"])
        for each in (one.extract, later)
    )
    assert not a.equals(b)
