"""The month-end snapshot: what was known of every opportunity, and the bookings it makes.

Put tables made straight from the reconstructed state here. The reconstruction
is `reconstruction`; everything later reads these tables.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from babel.numbers import get_currency_precision
from pandera.typing import DataFrame

from sales import arrow as columns
from sales import money
from sales.arrow import NO_INSTANT
from sales.calendar import Month
from sales.contracts.contract import checked, stamp
from sales.contracts.history import MonthlyBookings, OpportunitySnapshot
from sales.errors import UserError
from sales.history.booking_credit import share_out
from sales.history.extract import people
from sales.history.reconstruction import PipelineHistory, PipelineState
from sales.money import DECIMAL_PRECISION, WIDEST
from sales.policy.rules import MonthRules
from sales.vocabulary import Provenance

# A month end, its rules, and the history that says what was known then.
KnownMonth = tuple[Month, MonthRules, PipelineHistory]


class NothingYet(UserError, LookupError):
    """The organisation has no opportunity before the month end."""


def refuse_before_first(month: Month, first_created: datetime | None, as_of: datetime) -> None:
    """Raise `NothingYet` for a month that ends before the first opportunity was created."""
    if first_created is None:
        raise NothingYet(
            "Salesforce shows no opportunity at all; check that this user may see them"
        )
    if first_created >= as_of:
        raise NothingYet(
            f"{month} is before the first opportunity, which was created on {first_created:%Y-%m-%d}; ask for a later month"
        )


def month_end_state(history: PipelineHistory, month: Month, rules: MonthRules) -> PipelineState:
    """Return the state as of a month's end; raises `NothingYet` before the first record."""
    as_of = rules.calendar.as_of(month)
    first = history.first_record
    refuse_before_first(
        month,
        None if first is None else pa.scalar(first, pa.int64()).cast(columns.INSTANT).as_py(),
        as_of,
    )
    state = history.at(columns.instant_of(as_of), dict(rules.policy.pipeline.stages))
    if not len(state.opportunity):
        raise NothingYet(
            f"no opportunity existed at the end of {month}: all had been deleted; ask for another month"
        )
    return state


def opportunity_snapshot(
    history: PipelineHistory, month: Month, rules: MonthRules, *, is_copy: bool = False
) -> DataFrame[OpportunitySnapshot]:
    """Return one row for every opportunity that exists at the month's end.

    `is_copy` says that the extract is our own copy of this month end: what would be assumed
    from a later one was seen.
    """
    state = month_end_state(history, month, rules)
    here, row = pa.array(state.opportunity), pa.array(state.row)
    owners = state.owner_ids
    everybody = people(history.extract, rules.policy.pipeline.team_by)
    account_ids = history.account.at(state.as_of).take(here)
    accounts = history.extract.accounts
    account_names = columns.take(
        columns.arrow(accounts["name"]),
        columns.codes(account_ids, columns.arrow(accounts["account_id"])),
    )
    entered = np.where(state.is_assumed, NO_INSTANT, history.row_stage_entered_at[state.row])
    pushed = np.where(state.is_assumed, NO_INSTANT, history.row_last_pushed_at[state.row])
    pushes = np.where(state.is_assumed, 0, history.row_push_count[state.row])
    doubt = Provenance.SNAPSHOT if is_copy else Provenance.ASSUMED
    state_provenance = _provenance(~state.is_assumed, doubt)
    custom = history.custom_amount
    amount_is_known = (
        ~state.is_assumed
        if custom is None
        else np.full(len(here), custom.tracked_from < state.as_of)
    )
    table = columns.frame(
        {
            "month": columns.repeat(str(month), len(here)),
            "opportunity_id": history.ids.take(here),
            "name": history.name.at(state.as_of).take(here),
            "account_id": account_ids,
            "account_name": account_names,
            "owner_id": owners,
            "team": everybody.team_of(owners),
            "stage_name": columns.take(history.stage_values, history.row_stage[state.row]),
            "forecast_category": history.row_category.take(row),
            "probability_pct": pa.array(history.row_probability[state.row], from_pandas=True),
            "amount": money.decimal_array(state.amount, history.digits, state.is_without_amount),
            "amount_local": _local_amounts(history, state.amount_local),
            "currency_code": history.row_currency.take(row),
            "close_date": columns.from_days(state.close_day),
            "is_open": pa.array(state.is_open),
            "is_won": pa.array(state.is_won),
            "created_at": columns.from_instants(history.created_at[state.opportunity]),
            "stage_entered_at": columns.from_instants(entered),
            "push_count": pa.array(pushes),
            "last_pushed_at": columns.from_instants(pushed),
            "amount_provenance": _provenance(amount_is_known, doubt),
            "close_date_provenance": state_provenance,
            "stage_provenance": state_provenance,
            "owner_provenance": _provenance(
                ~state.is_assumed & (history.owner.tracked_from < state.as_of), doubt
            ),
            "owner_name": everybody.name_of(owners),
            "lead_source": history.lead_source.at(state.as_of).take(here),
            "known_at": columns.from_instants(
                np.where(state.is_assumed, NO_INSTANT, history.row_at[state.row])
            ),
            **{
                name: columns.arrow(history.records[name]).take(here)
                for name in ("effort_days", "service_start", "service_end")
            },
            "team_id": everybody.team_id_of(owners),
            "dimension": pa.nulls(len(here), pa.string())
            if history.dimension is None
            else history.dimension.at(state.as_of).take(here),
        }
    )
    stamped = stamp(table, rules.calendar.as_of(month), history.extract.extracted_at)
    return checked(stamped, OpportunitySnapshot)


def has_records(history: PipelineHistory, month: Month, rules: MonthRules) -> bool:
    """Return whether the organisation had any opportunity at a month's end."""
    return history.has_any(columns.instant_of(rules.calendar.as_of(month)))


def opening_snapshot(
    history: PipelineHistory,
    before: Month,
    rules: MonthRules,
    closing: DataFrame[OpportunitySnapshot],
) -> DataFrame[OpportunitySnapshot]:
    """Return the snapshot of an earlier month end, by its rules and from the history that holds for it; no rows where nothing existed yet."""
    return (
        opportunity_snapshot(history, before, rules)
        if has_records(history, before, rules)
        else closing.iloc[:0]
    )


def monthly_bookings(
    known: Iterable[KnownMonth], month: Month, rules: MonthRules, extracted_at: datetime
) -> DataFrame[MonthlyBookings]:
    """Return bookings by credited person and close month, as known at each of the month ends given."""
    parts = [_bookings_known(*each) for each in known]
    table = pd.concat(parts, ignore_index=True)
    table.insert(0, "as_of_month", columns.series(columns.repeat(str(month), len(table))))
    return checked(stamp(table, rules.calendar.as_of(month), extracted_at), MonthlyBookings)


def _bookings_known(month: Month, rules: MonthRules, history: PipelineHistory) -> pd.DataFrame:
    """Return bookings by credited person and close month as known at a month end; each later month of its year asks for them again."""
    return history.once(("bookings", month), rules, lambda: _summed(month, rules, history))


def _summed(month: Month, rules: MonthRules, history: PipelineHistory) -> pd.DataFrame:
    state = month_end_state(history, month, rules)
    counted = np.flatnonzero(state.is_won & ~state.is_without_amount)
    ids, holders = (
        history.ids.take(pa.array(state.opportunity[counted])),
        state.owner_ids.take(pa.array(counted)),
    )
    credit = share_out(history.extract, state.as_of, rules, ids, holders, state.amount[counted])
    owner_ids = columns.distinct(credit.owner_ids)
    owners = columns.codes(credit.owner_ids, owner_ids)
    closed_in = rules.calendar.month_index(state.close_day[counted][credit.position])
    # One number a cell sorts faster than a row of two.
    first = int(closed_in.min(initial=0))
    width = int(closed_in.max(initial=0)) - first + 1
    cells, cell_of = np.unique(owners * width + closed_in - first, return_inverse=True)
    sums = money.sum_by(cell_of.reshape(-1), credit.amount, len(cells))
    months = [str(Month.from_index(int(index))) for index in cells % width + first]
    return columns.frame(
        {
            "known_month": columns.repeat(str(month), len(cells)),
            "owner_id": columns.take(owner_ids, cells // width),
            "month": columns.text(months),
            "bookings": money.decimal_array(sums, history.digits),
        }
    )


def _provenance(is_history: columns.Mask, otherwise: str) -> pa.Array:
    return pc.if_else(pa.array(is_history), Provenance.HISTORY.value, otherwise)


def _local_amounts(history: PipelineHistory, local: pa.Array) -> pa.Array:
    codes = pc.unique(history.row_currency).to_pylist()
    digits = max([get_currency_precision(code) for code in codes], default=history.digits)
    wide = local.cast(pa.decimal128(WIDEST, local.type.scale))
    return pc.round(wide, ndigits=digits, round_mode="half_to_even").cast(
        pa.decimal128(DECIMAL_PRECISION, digits)
    )
