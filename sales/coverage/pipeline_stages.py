"""Pipeline by stage and age: how much is open in each stage, and since when.

Put here what is told of open deals by stage. What a period needs of them is `coverage`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
import pyarrow as pa
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Floats
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.coverage import PipelineStages
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.raw import RawStages
from sales.history.booking_credit import OpenCredit, open_credit
from sales.policy.rules import MonthRules
from sales.rollup import Grain, grains_of

# Days since a deal was created, up to which it is in an age group; the last group has no end.
AGES = {"up_to_90": 90, "up_to_180": 180, "up_to_365": 365, "older": np.inf}
DAY = 86_400_000_000
# Behind every stage that Salesforce orders.
NO_ORDER = 10_000


def pipeline_stages(
    snapshot: DataFrame[OpportunitySnapshot],
    booking_credit: DataFrame[BookingCredit],
    stages: DataFrame[RawStages],
    month: Month,
    rules: MonthRules,
) -> DataFrame[PipelineStages]:
    """Return a row for each person, team and the company, and each stage in which they have an open deal."""
    opened = open_credit(booking_credit, snapshot, rules.digits)
    names = columns.distinct(snapshot["stage_name"].take(opened.deal))
    order = _order(names, stages)
    as_of = columns.instant_of(rules.calendar.as_of(month))
    age = (as_of - columns.to_instants(snapshot["created_at"])) / DAY
    stage = columns.codes(snapshot["stage_name"], names)
    grains = grains_of(rules.company, snapshot, booking_credit)
    owner = grains.person(opened.rows["owner_id"])
    parts = [
        _of_grain(grain, owner, opened, stage, age, names, order, rules.digits) for grain in grains
    ]
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "as_of_month", columns.series(columns.repeat(str(month), len(table))))
    table = table.sort_values(
        ["grain", "grain_id", "stage_order", "stage_name"], kind="stable", ignore_index=True
    )
    extracted_at = snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), PipelineStages)


def _of_grain(
    grain: Grain,
    owner: Codes,
    opened: OpenCredit,
    stage: Codes,
    age: Floats,
    names: pa.Array,
    order: Codes,
    digits: int,
) -> pd.DataFrame:
    """Return the rows of a grain; `stage` and `age` in days are of the snapshot's rows, `order` is that of `names`."""
    cell = grain.key(owner) * len(names) + stage[opened.deal]
    cells, place = np.unique(cell, return_inverse=True)
    id_of, stage_of = np.divmod(cells, max(len(names), 1))
    # A deal that several people of a team share is one deal.
    pairs = np.unique(np.stack([place, opened.deal]), axis=1)
    empty = np.unique(np.stack([place, opened.deal])[:, opened.is_null], axis=1)
    size = len(cells)
    ages = columns.median_by(pairs[0], age[pairs[1]], size)
    days, found = age[opened.deal], dict[str, pa.Array]()
    begins = -np.inf
    for name, ends in AGES.items():
        where = (days > begins) & (days <= ends)
        summed = money.sum_by(place[where], opened.amount[where], size)
        found[name], begins = money.decimal_array(summed, digits), ends
    return columns.frame(
        {
            "grain": columns.repeat(grain.name, size),
            "grain_id": grain.ids.take(pa.array(id_of)),
            "stage_name": names.take(pa.array(stage_of)),
            "stage_order": pa.array(order[stage_of], pa.int64()),
            "open_count": pa.array(np.bincount(pairs[0], minlength=size).astype(np.int64)),
            "without_amount_count": pa.array(
                np.bincount(empty[0], minlength=size).astype(np.int64)
            ),
            "open_pipeline": money.decimal_array(money.sum_by(place, opened.amount, size), digits),
            **found,
            "median_age_days": pa.array(ages),
        }
    )


def _order(names: pa.Array, stages: DataFrame[RawStages]) -> Codes:
    """Return the place of each stage in the sales process; a stage that has none comes last."""
    known = columns.codes(names, columns.arrow(stages["stage_name"]))
    order = columns.take(columns.arrow(stages["sort_order"]), known).fill_null(NO_ORDER)
    return np.asarray(order).astype(np.int64)
