"""The tables behind a document, cut to what its readers may see, as CSV.

Put here which tables go with a document. A person's pages carry that person's rows only, a
team's pack the team's rows, the company pack everything.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import date
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import pandas as pd
import pyarrow as pa

from reports.document.month_tables import MonthTables
from sales import arrow as columns
from sales.arrow import Codes
from sales.history.booking_credit import booked
from sales.vocabulary import GrainKind

# Of the snapshot and of credit, what a page of the year can rest on; every deal that ever was is in
# the export.
DEALS, CREDIT = "deals_of_the_year", "credit_of_the_year"
BY_GRAIN = (
    "target_attainment",
    "pipeline_coverage",
    "pipeline_movement",
    "landing_forecast",
    "forecast_track_record",
    "coming_month",
    "actions",
    "delivery_load",
    "pipeline_stages",
    "decided_deals",
    "dimension_breakdown",
)
# Tables whose rows are a team's, and nobody's in particular.
BY_TEAM = ("client_agreements", "account_load")
BY_OWNER = (
    "phased_targets",
    "phasing_check",
    "closing_plan",
    "deal_changes",
    "forecast_calls",
    DEALS,
    CREDIT,
)
OF_THE_COMPANY = (
    "target_padding",
    "bottom_up_plan",
    "client_phasing",
    "pipeline_generation",
    "source_attainment",
    "data_quality",
)
# When Salesforce was read is in the manifest: pages and their tables hang on what was known only.
LEFT_OUT = "extracted_at"


class Attachments:
    """The tables of a month, each cut once for all documents."""

    def __init__(
        self, tables: MonthTables, first_day: date, restated: pd.DataFrame | None = None
    ) -> None:
        """Keep the tables of a year that begins on a day; `restated` are the differences to what was published first, if there are any."""
        self._tables, self._first_day, self._restated = tables, first_day, restated

    def of(self, grain: str, grain_id: str) -> dict[str, pa.Table]:
        """Return the tables that go with a document, by name; none is empty."""
        if grain == GrainKind.COMPANY:
            found = dict(self._whole)
        else:
            found = {
                name: self._whole[name].take(rows)
                for name in BY_GRAIN
                if (rows := self._by_grain[name].get((grain, grain_id))) is not None
            }
            index = self._by_owner if grain == GrainKind.PERSON else self._by_team
            found |= {
                name: self._whole[name].take(rows)
                for name in index
                if (rows := index[name].get(grain_id)) is not None
            }
        return {name: table for name, table in found.items() if len(table)}

    def of_sources(self, owner: str, sources: Collection[str]) -> dict[str, pa.Table]:
        """Return the tables that go with the page of whoever owns these lead sources, by name; none is empty."""
        kept = {
            "source_attainment": ("source_owner", {owner}),
            "pipeline_generation": ("source", sources),
        }
        found: dict[str, pa.Table] = {}
        for name, (column, values) in kept.items():
            table = self._whole[name]
            mine = [each in values for each in table.column(column).to_pylist()]
            found[name] = table.filter(pa.array(mine, pa.bool_()))
        return {name: table for name, table in found.items() if len(table)}

    @cached_property
    def names(self) -> dict[str, str]:
        """What people, clients and deals are called, by id; of namesakes each with its id."""
        tables, found = self._tables, dict[str, str]()
        for table, key, name in (
            (tables.opportunity_snapshot, "opportunity_id", "name"),
            (tables.opportunity_snapshot, "account_id", "account_name"),
            (tables.opportunity_snapshot, "owner_id", "owner_name"),
            (tables.booking_credit, "owner_id", "owner_name"),
            (tables.phased_targets, "owner_id", "owner_name"),
        ):
            known = table[[key, name]].dropna().drop_duplicates(key)
            found |= dict(zip(known[key].tolist(), known[name].tolist(), strict=True))
        often = Counter(found.values())
        return {
            each: name if often[name] == 1 else f"{name} ({each})" for each, name in found.items()
        }

    @cached_property
    def _whole(self) -> dict[str, pa.Table]:
        own = {
            DEALS: self._of_the_year(self._tables.opportunity_snapshot),
            CREDIT: self._of_the_year(booked(self._tables.booking_credit)),
        }
        frames = {
            name: own[name] if name in own else getattr(self._tables, name)
            for name in (*BY_GRAIN, *BY_OWNER, *BY_TEAM, *OF_THE_COMPANY)
        }
        if self._restated is not None:
            frames["restatement"] = self._restated
        return {name: _table(frame) for name, frame in frames.items()}

    def _of_the_year(self, table: pd.DataFrame) -> pd.DataFrame:
        """Return what is open, or closes in the year or later."""
        recent = columns.to_days(table["close_date"]) >= (self._first_day - date(1970, 1, 1)).days
        return table.loc[
            recent | columns.booleans(table["is_open"]) if "is_open" in table else recent
        ]

    @cached_property
    def _by_grain(self) -> dict[str, dict[tuple[str, str], np.ndarray]]:
        found: dict[str, dict[tuple[str, str], np.ndarray]] = {}
        for name in BY_GRAIN:
            keys = list(
                zip(
                    *(self._whole[name].column(each).to_pylist() for each in ("grain", "grain_id")),
                    strict=True,
                )
            )
            found[name] = _positions(keys)
        return found

    @cached_property
    def _by_owner(self) -> dict[str, dict[str, np.ndarray]]:
        names = [*BY_OWNER, *(["restatement"] if self._restated is not None else [])]
        return {
            name: _positions(self._whole[name].column("owner_id").to_pylist()) for name in names
        }

    @cached_property
    def _by_team(self) -> dict[str, dict[str, np.ndarray]]:
        teams = dict(
            zip(
                *(self._whole[DEALS].column(each).to_pylist() for each in ("owner_id", "team")),
                strict=True,
            )
        )
        teams |= dict(
            zip(
                *(
                    self._whole["phased_targets"].column(each).to_pylist()
                    for each in ("owner_id", "team")
                ),
                strict=True,
            )
        )
        found: dict[str, dict[Any, np.ndarray]] = {}
        for name in (*self._by_owner, *BY_TEAM):
            table = self._whole[name]
            has_team = "team" in table.column_names
            found[name] = _positions(
                table.column("team").to_pylist()
                if has_team
                else [teams.get(each) for each in table.column("owner_id").to_pylist()]
            )
        return found


def _table(frame: pd.DataFrame) -> pa.Table:
    return pa.table(
        {str(name): columns.arrow(frame[name]) for name in frame.columns if name != LEFT_OUT}
    )


_Key = TypeVar("_Key")


def _positions(keys: Sequence[_Key]) -> dict[_Key, Codes]:
    found: dict[_Key, list[int]] = {}
    for position, key in enumerate(keys):
        found.setdefault(key, []).append(position)
    return {key: np.array(rows, np.int64) for key, rows in found.items()}
