"""What a pull has read, put into the raw tables: merged, marked as deleted, small tables checked and compared.

Put what becomes of records that were read here; which they are is `pull_plan`.
"""

from __future__ import annotations

from datetime import datetime

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from connectors.salesforce.objects import SOFT_DELETED
from connectors.salesforce.pull_plan import PullPlan
from connectors.salesforce.small_objects import rate_table, stage_table
from connectors.salesforce.source import ExtractFinding, ObjectSource
from connectors.storage.extracts import ExtractStore
from sales import arrow as columns
from sales.contracts.contract import checked, column_names, empty
from sales.contracts.raw import RAW, RawStages
from sales.errors import UserError

VANISHED_AT_MOST, VANISHED_SHARE = 25, 0.05
FEW_ROWS = 50_000


class VanishedRecords(UserError, RuntimeError):
    """Many records can no longer be seen, and Salesforce does not say that they were deleted."""


class ExtractWriter:
    """Writes what one pull has read; no extract names it before the pull is whole."""

    def __init__(self, store: ExtractStore, plan: PullPlan, *, accepts_vanished: bool) -> None:
        """Write below a store what a plan has read."""
        self.store, self.plan, self.accepts_vanished = store, plan, accepts_vanished

    def write_large(self, source: ObjectSource, note: dict[str, str]) -> int:
        """Store what came of a large object over what was known of it, and return the version that holds it."""
        name, raw, checkpoint = source.object_name, self.store.raw, self.store.checkpoint
        reading = self.plan.unfinished.readings.get(name)
        stamp = "modified_at" if "modified_at" in column_names(RAW[source.table]) else "created_at"
        base = self.plan.base.versions.get(source.table) if self.plan.base else None
        if reading is None:  # not visible: what was known of it before stays known
            return (
                base
                if base is not None
                else raw.write(source.table, empty(RAW[source.table]), note)
            )
        pages = checkpoint.pages(reading, source.key, stamp)
        if base is None:
            return raw.replace(source.table, pages, note)
        if reading.rows <= FEW_ROWS:
            pages = (raw.changed(source.table, base, page, source.key) for page in pages)
        come = [page for page in pages if page.num_rows] if reading.rows <= FEW_ROWS else pages
        # A whole reading is the truth, also for a record that counted as gone; in a window the
        # newer stamp wins.
        newest = stamp if stamp == "modified_at" and name not in self.plan.whole else None
        version = (
            raw.merge(source.table, base, iter(come), source.key, newest, note) if come else base
        )
        if source not in SOFT_DELETED:
            return version
        return raw.mark_deleted(source.table, version, self._dead(source, base), source.key, note)

    def _dead(self, source: ObjectSource, base: int) -> pa.Table:
        """Return the records that are gone for good, each with when: by Salesforce's log, else since we looked."""
        name, checkpoint = source.object_name, self.store.checkpoint
        # A record that came and lives was restored since the log named it.
        restored = (
            set(checkpoint.living(self.plan.unfinished.readings[name], source.key).to_pylist())
            if self.plan.dead.get(name)
            else set[str]()
        )
        logged = {
            record_id: at
            for record_id, at in self.plan.dead.get(name, {}).items()
            if record_id not in restored
        }
        gone: dict[str, datetime] = {}
        compared = self.plan.unfinished.readings.get(
            name if name in self.plan.whole else f"{name}-ids"
        )
        living = self.store.raw.living(source.table, base, source.key)
        if compared is not None and (name in self.plan.whole or name in self.plan.compared):
            missing = living.filter(
                pc.invert(pc.is_in(living, value_set=checkpoint.ids(compared, source.key)))
            ).to_pylist()
            unexplained = [each for each in missing if each not in logged]
            self._refuse_vanished(name, len(unexplained), len(living))
            gone = dict.fromkeys(unexplained, self.plan.unfinished.began_at)
            if unexplained:
                self.plan.findings.append(
                    ExtractFinding(
                        name,
                        f"{len(unexplained):,} records are gone without a trace, such as {unexplained[0]}: they count as deleted when that was found",
                    )
                )
        known = set(
            living.filter(
                pc.is_in(living, value_set=pa.array(list(logged), pa.string()))
            ).to_pylist()
        )
        gone |= {record_id: at for record_id, at in logged.items() if record_id in known}
        return pa.table(
            {
                source.key: pa.array(list(gone), pa.string()),
                "modified_at": pa.array(list(gone.values()), columns.INSTANT),
            }
        )

    def _refuse_vanished(self, name: str, missing: int, living: int) -> None:
        if missing > max(VANISHED_AT_MOST, living * VANISHED_SHARE) and not self.accepts_vanished:
            raise VanishedRecords(
                f"{missing:,} of {living:,} records of {name} can no longer be seen by this user, and Salesforce does not list them as deleted; "
                f"check the user's sharing and permissions, or, if they were deleted, run again with --accept-vanished"
            )

    def small_tables(
        self, small: dict[str, pd.DataFrame]
    ) -> tuple[dict[str, pd.DataFrame], list[ExtractFinding]]:
        """Return the small raw tables, which keep their contracts, and what is new in them."""
        stages, findings = self._stages(small["OpportunityStage"])
        rates = rate_table(small["CurrencyType"], small["DatedConversionRate"])
        if self.plan.base:
            before = set(
                self.store.raw.read(
                    "raw_currency_rates", self.plan.base.versions["raw_currency_rates"]
                )["currency_code"]
            )
            findings += [
                ExtractFinding("CurrencyType", f"{code} is new since the last reading")
                for code in sorted(set(rates["currency_code"]) - before)
            ]
        tables = {
            "raw_organization": small["raw_organization"],
            "raw_currency_rates": rates,
            "raw_users": small["User"],
            "raw_roles": small["UserRole"],
            "raw_queues": small["Group"],
            "raw_stages": stages,
            "raw_split_types": small["OpportunitySplitType"],
            "raw_record_types": small["raw_record_types"],
            "raw_quotas": small["raw_quotas"],
            "raw_submitted_forecasts": small["raw_submitted_forecasts"],
            "raw_periods": small["Period"],
        }
        return {name: checked(table, RAW[name]) for name, table in tables.items()}, findings

    def _stages(self, listed: pd.DataFrame) -> tuple[pd.DataFrame, list[ExtractFinding]]:
        """Return what each stage name means; a name that Salesforce lists no more keeps its last known meaning."""
        now = stage_table(listed)
        if self.plan.base is None:
            return now, []
        before = self.store.frame(self.plan.base, RawStages)
        findings: list[ExtractFinding] = []
        unlisted = before.assign(is_listed=columns.series(pa.array([False] * len(before))))
        gone = unlisted.loc[~before["stage_name"].isin(now["stage_name"])]
        for row in gone.loc[columns.booleans(before.loc[gone.index, "is_listed"])].itertuples():
            same = now.loc[now["stage_id"] == row.stage_id, "stage_name"]
            became = f"is called {same.iloc[0]!r} now" if len(same) else "is no longer listed"
            findings.append(
                ExtractFinding(
                    "OpportunityStage",
                    f"stage {str(row.stage_name)[:80]!r} {became}: the old name keeps its meaning for the past",
                )
            )
        both = now.merge(before, on="stage_name", suffixes=("", "_before"))
        changed = both.loc[
            (both["is_won"] != both["is_won_before"])
            | (both["is_closed"] != both["is_closed_before"])
        ]
        findings += [
            ExtractFinding(
                "OpportunityStage",
                f"stage {str(name)[:80]!r} changed its meaning: month ends that were read before keep the old one",
            )
            for name in changed["stage_name"]
        ]
        return pd.concat([now, gone], ignore_index=True), findings
