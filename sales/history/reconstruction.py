"""The state of every opportunity as of an instant.

Put reconstruction here: which row of history holds, who owned the deal, whether
it existed. The table that is published of it is in `snapshot`. The method (dense codes, sorted rows,
counting) is ours.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from typing import cast

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from sales import arrow as columns
from sales import money
from sales.arrow import NO_INSTANT, Codes, Days, Mask
from sales.calendar import Month
from sales.errors import UserError
from sales.history.extract import Extract
from sales.history.rates import Rates
from sales.history.record_types import of_record_types
from sales.history.tracked_field import TrackedField, carries_ids
from sales.money import AmountTooLarge, Minor
from sales.policy.rules import MonthRules

NEVER = np.iinfo(np.int64).max
EPOCH = date(1970, 1, 1)
NO_HISTORY = -1


class UnreadableAmount(UserError, ValueError):
    """Field history holds an amount that is no number."""


class UnknownStage(UserError, LookupError):
    """A stage name says neither open, won nor lost."""


@dataclass(frozen=True)
class PipelineState:
    """Every opportunity that exists as of an instant; arrays in the order of `opportunity`.

    `opportunity` holds positions in `PipelineHistory.ids`, ascending; amounts are minor units.
    """

    as_of: int
    opportunity: Codes
    row: Codes
    is_assumed: Mask
    amount: Minor
    is_without_amount: Mask
    close_day: Days
    is_open: Mask
    is_won: Mask
    owner_ids: pa.Array
    amount_local: pa.Array


class PipelineHistory:
    """Everything an extract knows of opportunities, sorted once and read for any number of instants."""

    def __init__(
        self,
        extract: Extract,
        currency: str,
        digits: int,
        *,
        amount_field: str = "",
        record_types: Sequence[str] = (),
        dimension: str = "",
    ) -> None:
        """Sort the extract's history; raises `MissingRate`, `AmountTooLarge`, `UnknownRecordType` and `UnreadableAmount`.

        With `amount_field` the amount is a custom field's, whose past only field history knows;
        with `record_types` other deals are left out (by their record type today). `dimension` is
        the field by which policy breaks down; the extract may have been read without it.
        """
        self.extract = extract
        self.currency = currency
        self.digits = digits
        # A single-currency organisation has no codes: its amounts are in whatever the policy calls
        # its currency.
        self.corporate = extract.defaults.currency if len(extract.currency_rates) else currency
        records = of_record_types(extract, record_types)
        order = pc.sort_indices(columns.arrow(records["opportunity_id"]))
        records = records.take(np.asarray(order))
        self.records = records
        self.ids = columns.arrow(records["opportunity_id"])
        self.created_at = columns.to_instants(records["created_at"])
        deleted = columns.booleans(records["is_deleted"])
        self.deleted_at = np.where(deleted, columns.to_instants(records["modified_at"]), NEVER)
        self._load_rows(self._rows(records))
        self.owner = self._tracked("owner_id", ("Owner", "OwnerId"))
        self.account = self._tracked("account_id", ("Account", "AccountId"))
        self.name = self._tracked("name", ("Name",))
        self.lead_source = self._tracked("lead_source", ("LeadSource",))
        is_read = bool(dimension) and extract.dimension_field == dimension
        self.dimension = self._tracked("dimension", (dimension,)) if is_read else None
        self.custom_amount = self._tracked_amount(amount_field) if amount_field else None
        meanings = extract.stages
        self._stage_names = columns.arrow(meanings["stage_name"])
        self._stage_closed = columns.booleans(meanings["is_closed"])
        self._stage_won = columns.booleans(meanings["is_won"])
        self._worked_out: dict[tuple[str, Month], tuple[MonthRules, pd.DataFrame]] = {}

    def once(
        self, name: tuple[str, Month], rules: MonthRules, work_out: Callable[[], pd.DataFrame]
    ) -> pd.DataFrame:
        """Return a small table of a month end that was worked out from this history by these rules before, else now."""
        known = self._worked_out.get(name)
        if known is None or known[0] != rules:
            known = self._worked_out[name] = rules, work_out()
        return known[1]

    @property
    def first_record(self) -> int | None:
        """The instant of the earliest opportunity, or none."""
        return int(self.created_at.min()) if len(self.created_at) else None

    def has_any(self, instant: int) -> bool:
        """Return whether any opportunity exists and is not deleted as of the instant."""
        return bool(((self.created_at < instant) & (self.deleted_at >= instant)).any())

    def at(self, instant: int, stage_overrides: dict[str, str] | None = None) -> PipelineState:
        """Return the state of every opportunity that exists and is not deleted as of the instant.

        Raises `UnknownStage` when a deal stands in a stage that neither the organisation
        nor the policy explains.
        """
        exists = (self.created_at < instant) & (self.deleted_at >= instant)
        known_rows = np.bincount(
            self.row_opportunity[self.row_at < instant], minlength=len(self.ids)
        )
        is_assumed = known_rows == 0
        row = self.row_start + np.maximum(known_rows - 1, 0)
        here = np.flatnonzero(exists)
        row = row[here]
        closed, won = self._meanings(stage_overrides or {})
        stage = self.row_stage[row]
        self._refuse_unknown(stage[closed[stage] < 0], here[closed[stage] < 0])
        if self.custom_amount is None:
            local, amount, without = (
                self.row_amount_local.take(pa.array(row)),
                self.row_amount[row],
                self.row_without_amount[row],
            )
        else:
            local = self.custom_amount.at(instant).take(pa.array(here))
            amount, without = self._corporate(
                local, self.row_currency.take(pa.array(row)), self.row_close_day[row], here
            )
        return PipelineState(
            as_of=instant,
            opportunity=here,
            row=row,
            is_assumed=is_assumed[here],
            amount=amount,
            is_without_amount=without,
            close_day=self.row_close_day[row],
            is_open=closed[stage] == 0,
            is_won=won[stage] == 1,
            owner_ids=self.owner.at(instant).take(pa.array(here)),
            amount_local=local,
        )

    def _rows(self, records: pd.DataFrame) -> pd.DataFrame:
        """Return history rows, with the record itself standing in where a deal has no history."""
        wanted = [
            "history_id",
            "opportunity_id",
            "created_at",
            "stage_name",
            "amount",
            "currency_code",
            "close_date",
            "probability_pct",
            "forecast_category",
        ]
        rows = self.extract.opportunity_history[wanted]
        bare = columns.codes(self.ids, columns.arrow(rows["opportunity_id"])) == NO_HISTORY
        if not bare.any():
            return rows
        stand_in = cast("pd.DataFrame", records.loc[bare]).assign(history_id="")[wanted]
        # What the record says today was recorded after every instant we may be asked about.
        late = columns.series(pa.array([NEVER] * int(bare.sum()), pa.int64()).cast(columns.INSTANT))
        stand_in = stand_in.assign(
            created_at=late.set_axis(stand_in.index), history_id=stand_in["opportunity_id"]
        )
        return pd.concat([rows, stand_in], ignore_index=True)

    def _load_rows(self, rows: pd.DataFrame) -> None:
        opportunity = columns.codes(rows["opportunity_id"], self.ids)
        history_ids = columns.arrow(rows["history_id"])
        at = columns.to_instants(rows["created_at"])
        keys = pa.table({"opportunity": opportunity, "at": at, "id": history_ids})
        order = np.asarray(
            pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
        )
        order = order[
            opportunity[order] >= 0
        ]  # history of a record that is gone says nothing by itself
        rows = rows.take(order)
        self.row_opportunity = opportunity[order]
        self.row_at = at[order]
        self.row_start = np.searchsorted(self.row_opportunity, np.arange(len(self.ids)))
        self.stage_values = columns.distinct(rows["stage_name"])
        self.row_stage = columns.codes(rows["stage_name"], self.stage_values)
        self.row_close_day = columns.to_days(rows["close_date"])
        self.row_probability = columns.floats(rows["probability_pct"])
        self.row_category = columns.arrow(rows["forecast_category"])
        self.row_currency = columns.arrow(rows["currency_code"]).fill_null(self.corporate)
        self.row_amount_local = columns.arrow(rows["amount"])
        self.row_amount, self.row_without_amount = self._corporate(
            self.row_amount_local, self.row_currency, self.row_close_day, self.row_opportunity
        )
        self._load_runs()

    def _load_runs(self) -> None:
        """Derive from consecutive rows: when the stage was entered, and how often the date was pushed."""
        size = len(self.row_opportunity)
        same_deal = np.zeros(size, np.bool_)
        same_deal[1:] = self.row_opportunity[1:] == self.row_opportunity[:-1]
        position = np.arange(size)
        same_stage = same_deal.copy()
        same_stage[1:] &= self.row_stage[1:] == self.row_stage[:-1]
        self.row_stage_entered_at = self.row_at[
            np.maximum.accumulate(np.where(same_stage, 0, position))
        ]
        months = columns.month_index(self.row_close_day)
        pushed = same_deal.copy()
        pushed[1:] &= months[1:] > months[:-1]
        running = np.cumsum(pushed)
        first = self.row_start[self.row_opportunity] if size else position
        self.row_push_count = running - running[first] if size else running
        last_push = np.maximum.accumulate(np.where(pushed, position, -1)) if size else position
        self.row_last_pushed_at = np.where(
            self.row_push_count > 0, self.row_at[np.maximum(last_push, 0)], NO_INSTANT
        )

    def _corporate(
        self, local: pa.Array, codes: pa.Array, close_day: Days, deals: Codes
    ) -> tuple[Minor, Mask]:
        """Return amounts in corporate currency, and which are empty; foreign ones by the rates at their close date, rounded half-even once."""
        without = np.asarray(local.is_null())
        is_foreign = np.asarray(pc.not_equal(codes, self.currency))
        # Foreign amounts are judged after conversion: a sum in dong is a large number of a small
        # thing.
        own = columns.series(pc.if_else(pa.array(is_foreign), pa.scalar(None, local.type), local))
        minor, _ = money.minor_units(own, self.digits)
        foreign = np.flatnonzero(is_foreign & ~without)
        if not len(foreign):
            return minor, without
        rates = Rates(self.extract.currency_rates, self.corporate)
        amounts, currencies = (
            local.take(pa.array(foreign)).to_pylist(),
            codes.take(pa.array(foreign)).to_pylist(),
        )
        for position, amount, code in zip(foreign, amounts, currencies, strict=True):
            day = EPOCH + timedelta(days=int(close_day[position]))
            record = self.ids[int(deals[position])].as_py()
            exact = amount * rates.rate(self.currency, day, record) / rates.rate(code, day, record)
            converted = money.to_minor(exact, self.digits)
            if abs(converted) > money.LARGEST_MINOR:
                raise AmountTooLarge(
                    f"{record}: {amount:,} {code} cannot be summed exactly; correct it in Salesforce"
                )
            minor[position] = converted
        return minor, without

    def _tracked_amount(self, amount_field: str) -> TrackedField:
        """Return the custom amount through time; field history holds it as text."""
        tracked = self._tracked("custom_amount", (amount_field,))
        try:
            old = pa.array(
                [
                    None if text is None else Decimal(text)
                    for text in tracked.old_values.to_pylist()
                ],
                tracked.current.type,
            )
        except (InvalidOperation, pa.ArrowInvalid):
            raise UnreadableAmount(
                f"field history of {amount_field} holds a value that is no amount; name a currency field under [pipeline] amount_field"
            ) from None
        return replace(tracked, old_values=old)

    def _tracked(self, column: str, fields: tuple[str, ...]) -> TrackedField:
        changes = self.extract.opportunity_field_history
        is_field = np.asarray(
            pc.is_in(columns.arrow(changes["field"]), value_set=pa.array(fields, pa.string()))
        )
        if column in {"owner_id", "account_id"}:
            # A lookup change writes two rows, one with names and one with record ids.
            is_field &= carries_ids(changes)
        changes = changes.loc[is_field]
        opportunity = columns.codes(changes["opportunity_id"], self.ids)
        at = columns.to_instants(changes["created_at"])
        keys = pa.table(
            {"opportunity": opportunity, "at": at, "id": columns.arrow(changes["change_id"])}
        )
        order = np.asarray(
            pc.sort_indices(keys, [(name, "ascending") for name in keys.column_names])
        )
        order = order[opportunity[order] >= 0]
        return TrackedField(
            current=columns.arrow(self.records[column]),
            opportunity=opportunity[order],
            changed_at=at[order],
            old_values=columns.arrow(changes["old_value"]).take(pa.array(order)),
            tracked_from=int(at.min()) if len(at) else NEVER,
        )

    def _meanings(
        self, overrides: dict[str, str]
    ) -> tuple[npt.NDArray[np.int8], npt.NDArray[np.int8]]:
        """Return for each stage name whether it is closed and won: 1, 0, or -1 for unknown."""
        listed = columns.codes(self.stage_values, self._stage_names)
        closed = (
            np.where(listed >= 0, self._stage_closed[listed], -1).astype(np.int8)
            if len(self._stage_names)
            else np.full(len(listed), -1, np.int8)
        )
        won = (
            np.where(listed >= 0, self._stage_won[listed], -1).astype(np.int8)
            if len(self._stage_names)
            else closed.copy()
        )
        for position, name in enumerate(self.stage_values.to_pylist()):
            if closed[position] < 0 and name in overrides:
                closed[position] = overrides[name] != "open"
                won[position] = overrides[name] == "won"
        return closed, won

    def _refuse_unknown(self, stages: Codes, deals: Codes) -> None:
        if len(stages):
            name, deal = self.stage_values[int(stages[0])].as_py(), self.ids[int(deals[0])].as_py()
            raise UnknownStage(
                f"opportunity {deal} stands in stage {name[:80]!r}, which Salesforce no longer lists; "
                f'say what it means in the policy file: [pipeline.stages] "{name[:80]}" = "open", "won" or "lost"'
            )
