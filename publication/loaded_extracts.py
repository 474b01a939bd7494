"""Extracts in memory: the last one read, and its sorted history, serve all months of one pull.

What is held is named by the extract's id, under which the content never changes: holding it decides
about time and memory, never about a number.
"""

from __future__ import annotations

import pandas as pd

from connectors.storage.extract_record import ExtractRecord
from connectors.storage.extracts import ExtractStore, as_extract
from sales.calendar import Month
from sales.contracts.raw import RawOpportunities, RawOrganization, RawPeriods
from sales.errors import UserError
from sales.history.extract import Extract, defaults_of
from sales.history.reconstruction import PipelineHistory
from sales.policy.rules import MonthRules, OrganizationDefaults


class ExtractTooOld(UserError, LookupError):
    """The extract of a month lacks what the policy asks for by now."""


class LoadedExtracts:
    """Reads extracts of one home; one whole extract and one history stay in memory."""

    def __init__(self, extracts: ExtractStore) -> None:
        """Read from a home's extracts."""
        self._extracts = extracts
        self._extract: Extract | None = None
        self._history: tuple[tuple[object, ...], PipelineHistory] | None = None
        self._defaults: dict[str, OrganizationDefaults] = {}

    def extract(self, record: ExtractRecord) -> Extract:
        """Return an extract's raw tables."""
        if self._extract is None or self._extract.extract_id != record.extract_id:
            frames = self._extracts.frames(record)
            self._extract = as_extract(
                frames, record.extract_id, record.extracted_at, record.pull.dimension_field
            )
        return self._extract

    def defaults(self, record: ExtractRecord) -> OrganizationDefaults:
        """Return what the organisation says of itself in an extract, without reading the rest of it."""
        if record.extract_id not in self._defaults:
            organization = self._extracts.frame(record, RawOrganization)
            periods = self._extracts.frame(record, RawPeriods)
            self._defaults[record.extract_id] = defaults_of(organization, periods)
        return self._defaults[record.extract_id]

    def first_month(self, record: ExtractRecord) -> Month | None:
        """Return the month in which the first opportunity of an extract was created, by UTC; none where there is none."""
        created = self._extracts.frame(record, RawOpportunities)["created_at"].min()
        return None if pd.isna(created) else Month.of(created.date())

    def history(self, record: ExtractRecord, rules: MonthRules) -> PipelineHistory:
        """Return the sorted history of an extract by some rules.

        Raises `ExtractTooOld` where the extract was read without the field that the rules count.
        """
        wanted = rules.policy.pipeline.amount_field
        if wanted and record.pull.amount_field != wanted:
            raise ExtractTooOld(
                f"the extract of {record.extracted_at:%Y-%m-%d} was read without {wanted}, which "
                f"[pipeline] amount_field names; run the month with --fresh-extract --reconstruct"
            )
        return self.history_of(self.extract(record), rules)

    def history_of(self, extract: Extract, rules: MonthRules) -> PipelineHistory:
        """Return the sorted history of raw tables by some rules."""
        pipeline = rules.policy.pipeline
        key = (
            extract.extract_id,
            rules.currency,
            pipeline.amount_field,
            pipeline.record_types,
            pipeline.dimension,
        )
        if self._history is None or self._history[0] != key:
            history = PipelineHistory(
                extract,
                rules.currency,
                rules.digits,
                amount_field=pipeline.amount_field or "",
                record_types=pipeline.record_types,
                dimension=pipeline.dimension or "",
            )
            self._history = key, history
        return self._history[1]
