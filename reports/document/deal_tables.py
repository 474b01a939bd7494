"""The month's deals by who has them: those that are due, what changed of them, and how they are called.

Put lookups of single deals here; sums are `month_data`.
"""

from __future__ import annotations

from decimal import Decimal
from functools import cached_property

import numpy as np
import pandas as pd

from reports.document.month_tables import MonthTables, Record, records
from sales import arrow as columns
from sales.vocabulary import GrainKind

NAMES = ["opportunity_id", "name", "account_name", "owner_name", "team", "stage_name", "amount"]


class DealTables:
    """Lookups over the tables that have a row a deal, each built once."""

    def __init__(self, tables: MonthTables) -> None:
        """Keep the tables; nothing is computed until it is asked for."""
        self._tables = tables

    def due(self, grain: str, grain_id: str) -> list[Record]:
        """Return the closing plan's deals with names, by close date, each with the part of its amount that is theirs."""
        if grain == GrainKind.COMPANY:
            return self._deals
        return self._deals_of.get((grain, grain_id), [])

    def named(self, opportunity_id: str) -> Record | None:
        """Return what a deal is called, whose it is and its amount; none for one that does not exist."""
        return self._named.get(opportunity_id)

    def changes(self, grain: str, grain_id: str) -> list[Record]:
        """Return what changed since the month before of whoever has the deals now."""
        if grain == GrainKind.COMPANY:
            return self._changes
        key = "team" if grain == GrainKind.TEAM else "owner_id"
        return [row for row in self._changes if row[key] == grain_id]

    def lead_source(self, opportunity_id: str) -> str:
        """Return where a deal that changed since the month before came from, empty where it does not say."""
        return self._lead_sources.get(opportunity_id, "")

    @cached_property
    def _lead_sources(self) -> dict[str, str]:
        changed = columns.distinct(self._tables.deal_changes["opportunity_id"])
        deals = self._tables.opportunity_snapshot
        rows = deals.loc[columns.codes(deals["opportunity_id"], changed) >= 0]
        known = rows[["opportunity_id", "lead_source"]].dropna()
        return dict(known.itertuples(index=False))

    @cached_property
    def _named(self) -> dict[str, Record]:
        findings = self._tables.data_quality
        wanted = columns.distinct(
            self._tables.closing_plan["opportunity_id"],
            self._tables.actions["opportunity_id"],
            findings.loc[findings["severity"] != "info", "record_id"],
        )
        deals = self._tables.opportunity_snapshot
        rows = deals.loc[columns.codes(deals["opportunity_id"], wanted) >= 0, NAMES]
        return {row["opportunity_id"]: row for row in records(rows)}

    @cached_property
    def _changes(self) -> list[Record]:
        return records(self._tables.deal_changes)

    @cached_property
    def _deals(self) -> list[Record]:
        plan = self._tables.closing_plan
        snapshot = self._tables.opportunity_snapshot
        row = columns.codes(plan["opportunity_id"], columns.arrow(snapshot["opportunity_id"]))
        names = (
            snapshot[["name", "account_name", "owner_name", "team", "stage_name"]]
            .take(row)
            .reset_index(drop=True)
        )
        wanted = [
            "opportunity_id",
            "owner_id",
            "account_id",
            "amount",
            "close_date",
            "push_count",
            "days_overdue",
            "flags",
            "expected_month",
            "win_probability",
            "hit_change_month",
            "hit_change_quarter",
            "hit_change_year",
            "owner_hit_change_month",
            "owner_hit_change_quarter",
            "owner_hit_change_year",
            "confirm_p10",
            "confirm_p90",
            "effort_days",
            "work_month",
            "likely_work_month",
        ]
        deals = records(pd.concat([plan[wanted].reset_index(drop=True), names], axis=1))
        return sorted(deals, key=lambda deal: (deal["close_date"], deal["opportunity_id"]))

    @cached_property
    def _deals_of(self) -> dict[tuple[str, str], list[Record]]:
        found: dict[tuple[str, str], list[Record]] = {}
        for deal in self._deals:
            shares = self._shares.get(deal["opportunity_id"])
            if shares is None:
                shares = {
                    (GrainKind.TEAM.value, deal["team"]): deal["amount"],
                    (GrainKind.PERSON.value, deal["owner_id"]): deal["amount"],
                }
            for key, amount in shares.items():
                found.setdefault(key, []).append({**deal, "amount": amount})
        return found

    @cached_property
    def _shares(self) -> dict[str, dict[tuple[str, str], Decimal | None]]:
        """What each person and team gets of open deals that several people share."""
        credit = self._tables.booking_credit
        if "is_won" not in credit.columns:  # of a version that shared out bookings only
            return {}
        opened = credit.loc[~columns.booleans(credit["is_won"])]
        plan = self._tables.closing_plan
        owner_of = dict(
            zip(plan["opportunity_id"].tolist(), plan["owner_id"].tolist(), strict=True)
        )
        is_others = np.array(
            [
                owner_of.get(deal, owner) != owner
                for deal, owner in zip(opened["opportunity_id"], opened["owner_id"], strict=True)
            ],
            np.bool_,
        )
        is_shared = np.asarray(opened["opportunity_id"].duplicated(keep=False), np.bool_)
        opened = opened.loc[is_shared | is_others]
        found: dict[str, dict[tuple[str, str], Decimal | None]] = {}
        for row in records(opened[["opportunity_id", "owner_id", "team", "amount"]]):
            mine = found.setdefault(row["opportunity_id"], {})
            for key in (
                (GrainKind.TEAM.value, row["team"]),
                (GrainKind.PERSON.value, row["owner_id"]),
            ):
                so_far = mine.get(key)
                mine[key] = row["amount"] if so_far is None else so_far + row["amount"]
        return found


def worth_of(deal: Record) -> Decimal:
    """Return what can be expected of a deal: its amount times its chance, where one is known."""
    chance = deal["win_probability"]
    return amount_of(deal) * (Decimal(1) if chance is None else Decimal(repr(chance)))


def amount_of(deal: Record) -> Decimal:
    """Return a deal's amount, 0 where it has none."""
    return deal["amount"] if deal["amount"] is not None else Decimal(0)
