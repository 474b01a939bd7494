"""Who gets the credit of a deal: its owner, or those who share it.

Put splits here. Bookings and open pipeline are shared alike, so that both add up by the same people.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import Codes, Mask
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.history import BookingCredit, OpportunitySnapshot
from sales.contracts.raw import RawSplitTypes
from sales.errors import UserError
from sales.history.extract import Extract, People
from sales.money import Minor
from sales.policy.rules import MonthRules


class AmbiguousSplits(UserError, ValueError):
    """Nothing says which of several split types gives the credit."""


@dataclass(frozen=True)
class Credit:
    """Shares of amounts: the position of the deal, who gets it, and how much in minor units."""

    position: Codes
    owner_ids: pa.Array
    amount: Minor


def split_type(extract: Extract, rules: MonthRules) -> str | None:
    """Return the id of the split type that gives the credit, none where splits are not used.

    That is the type that policy names, else the only active one that totals 100 for the
    amount field; raises `AmbiguousSplits` when there is no single one.
    """
    if not len(extract.opportunity_splits):
        return None
    return total_split_type(extract.split_types, rules)


def total_split_type(types: DataFrame[RawSplitTypes], rules: MonthRules) -> str:
    """Return the id of the split type that gives the credit where splits are used; raises `AmbiguousSplits`."""
    wanted = rules.policy.pipeline.split_type
    total = types.loc[
        columns.booleans(types["is_total_validated"]) & columns.booleans(types["is_active"])
    ]
    if wanted:
        total = total.loc[total["name"] == wanted]
    elif len(total) > 1:
        total = total.loc[total["split_field"] == (rules.policy.pipeline.amount_field or "Amount")]
    if len(total) == 1:
        return str(total["split_type_id"].iloc[0])
    known = ", ".join(sorted(str(name)[:60] for name in types["name"])) or "none"
    raise AmbiguousSplits(
        f"opportunities have splits, and {len(total)} active split types{f' called {wanted[:60]!r}' if wanted else ''} total 100 %; "
        f'name one in the policy file: [pipeline] split_type = "..." (there are: {known})'
    )


def share_out(
    extract: Extract,
    instant: int,
    rules: MonthRules,
    ids: pa.Array,
    owner_ids: pa.Array,
    amount: Minor,
) -> Credit:
    """Return the credit of deals as of an instant: shares by largest remainder, the whole to the owner where nothing is split.

    Salesforce keeps no history of splits: those of the extract count, as far as they existed then.
    """
    everything = Credit(np.arange(len(ids)), owner_ids, amount)
    type_id = split_type(extract, rules)
    if type_id is None:
        return everything
    splits = extract.opportunity_splits
    created = columns.to_instants(splits["created_at"])
    is_there = (created < instant) & (
        ~columns.booleans(splits["is_deleted"])
        | (columns.to_instants(splits["modified_at"]) >= instant)
    )
    splits = splits.loc[
        is_there & np.asarray((splits["split_type_id"] == type_id).fillna(value=False), np.bool_)
    ]
    deal = columns.codes(splits["opportunity_id"], ids)
    splits, deal = splits.loc[deal >= 0], deal[deal >= 0]
    shares: dict[int, dict[str, Fraction]] = {}
    for position, owner, percentage in sorted(
        zip(deal.tolist(), splits["owner_id"], splits["percentage"], strict=True),
        key=lambda row: row[:2],
    ):
        if percentage > 0:
            parts = shares.setdefault(position, {})
            parts[owner] = parts.get(owner, Fraction(0)) + Fraction(percentage)
    if not shares:
        return everything
    whole = np.setdiff1d(np.arange(len(ids)), np.array(sorted(shares), np.int64))
    positions, owners, amounts = (
        whole.tolist(),
        owner_ids.take(pa.array(whole)).to_pylist(),
        amount[whole].tolist(),
    )
    for position, parts in shares.items():
        for owner, part in zip(
            parts, money.allocate(int(amount[position]), list(parts.values())), strict=True
        ):
            positions.append(position)
            owners.append(owner)
            amounts.append(part)
    return Credit(np.array(positions, np.int64), columns.text(owners), np.array(amounts, np.int64))


def credit_of_all(
    snapshot: DataFrame[OpportunitySnapshot], extract: Extract, month: Month, rules: MonthRules
) -> tuple[Credit, Mask]:
    """Return the credit for all deals of a snapshot, lost ones too, and which rows of it have no amount (0 in it); the rows of a deal sum to it."""
    amount, is_null = money.minor_units(snapshot["amount"], rules.digits)
    credit = share_out(
        extract,
        columns.instant_of(rules.calendar.as_of(month)),
        rules,
        columns.arrow(snapshot["opportunity_id"]),
        columns.arrow(snapshot["owner_id"]),
        np.where(is_null, 0, amount),
    )
    return credit, is_null[credit.position]


def booking_credit(
    snapshot: DataFrame[OpportunitySnapshot],
    extract: Extract,
    owners: People,
    month: Month,
    rules: MonthRules,
) -> DataFrame[BookingCredit]:
    """Return the credit for bookings and, should they be won, for open deals; a won deal without an amount books nothing."""
    credit, is_null = credit_of_all(snapshot, extract, month, rules)
    won, is_open = (
        columns.booleans(snapshot[name])[credit.position] for name in ("is_won", "is_open")
    )
    kept = np.flatnonzero((won & ~is_null) | is_open)
    ids = columns.arrow(snapshot["opportunity_id"]).take(pa.array(credit.position[kept]))
    holders = credit.owner_ids.take(pa.array(kept))
    if not columns.is_rising(ids):
        order = np.asarray(
            pc.sort_indices(
                pa.table({"deal": ids, "owner": holders}),
                sort_keys=[("deal", "ascending"), ("owner", "ascending")],
            )
        )
        kept = kept[order]
        ids, holders = ids.take(pa.array(order)), holders.take(pa.array(order))
    row = pa.array(credit.position[kept])
    table = columns.frame(
        {
            "as_of_month": columns.repeat(str(month), len(kept)),
            "opportunity_id": ids,
            "owner_id": holders,
            "team": owners.team_of(holders),
            "owner_name": owners.name_of(holders),
            "close_date": columns.arrow(snapshot["close_date"]).take(row),
            "amount": money.decimal_array(credit.amount[kept], rules.digits, is_null[kept]),
            "team_id": owners.team_id_of(holders),
            "is_won": pa.array(won[kept]),
        }
    )
    as_of, extracted_at = rules.calendar.as_of(month), snapshot["extracted_at"].iloc[0]
    return checked(stamp(table, as_of, extracted_at), BookingCredit)


def booked(credit: DataFrame[BookingCredit]) -> DataFrame[BookingCredit]:
    """Return the credit for bookings; a table of a version that knew no other has nothing else."""
    if "is_won" not in credit.columns:
        return credit
    return credit.loc[columns.booleans(credit["is_won"])]


@dataclass(frozen=True)
class OpenCredit:
    """Credit for open deals: the row of the deal in the snapshot, who gets it, and how much in minor units (0 where empty)."""

    deal: Codes
    rows: pd.DataFrame
    amount: Minor
    is_null: Mask


def open_credit(
    credit: DataFrame[BookingCredit], snapshot: DataFrame[OpportunitySnapshot], digits: int
) -> OpenCredit:
    """Return the credit for open deals; of a table that knows none, each deal is its owner's."""
    if "is_won" in credit.columns:
        rows = credit.loc[~columns.booleans(credit["is_won"])]
    else:
        rows = snapshot.loc[columns.booleans(snapshot["is_open"])]
    amount, is_null = money.minor_units(rows["amount"], digits)
    deal = columns.codes(rows["opportunity_id"], columns.arrow(snapshot["opportunity_id"]))
    return OpenCredit(deal, rows, np.where(is_null, 0, amount), is_null)
