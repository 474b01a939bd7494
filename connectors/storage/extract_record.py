"""What is known of an extract, as a row of the catalogue: where it is from, how far it reaches, versions, findings."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

import sqlalchemy as sa

from sales.policy.rules import CustomFields


@dataclass(frozen=True)
class Watermark:
    """How far one object was read, and when.

    `cursor` is the end of the last window, `deleted_to` how far Salesforce's log of deletions
    reached; the rest says when it was read whole, and when all ids were compared.
    """

    cursor: datetime
    whole_at: datetime
    deleted_to: datetime
    compared_at: datetime


@dataclass(frozen=True)
class PullState:
    """What the next pull has to know of the last one, and what a reader may want to know of its cost."""

    how: str = "whole"
    api_version: str = ""
    api_usage: str = "unknown"
    requests: int = 0
    instance: str = ""
    identity: str = ""
    amount_field: str = ""
    service_fields: str = ""
    dimension_field: str = ""
    fields: dict[str, dict[str, str]] = field(default_factory=dict)
    watermarks: dict[str, Watermark] = field(default_factory=dict)

    def has_read(self, custom: CustomFields) -> bool:
        """Return whether these custom fields were read, and no others."""
        read = self.amount_field, self.service_fields, self.dimension_field
        return read == (custom.amount, custom.service, custom.dimension)


@dataclass(frozen=True)
class ExtractRecord:
    """What is stored of one extract: what it reaches up to and where it is from, the versions of its tables, findings.

    `stored_at` is when it was stored by this machine's clock; early versions did not note it.
    """

    extract_id: str
    extracted_at: datetime
    organization_id: str
    source: str
    time_zone: str
    versions: dict[str, int]
    rows: dict[str, int]
    findings: list[tuple[str, str]]
    pull: PullState = field(default_factory=PullState)
    stored_at: datetime | None = None


def record_of(row: sa.Row[tuple[object, ...]]) -> ExtractRecord:
    """Return the extract that a row of the catalogue describes."""
    pull: dict[str, Any] = dict(row.pull)
    marks = {
        name: Watermark(**{key: datetime.fromisoformat(at) for key, at in mark.items()})
        for name, mark in pull.pop("watermarks", {}).items()
    }
    return ExtractRecord(
        row.extract_id,
        datetime.fromisoformat(row.extracted_at),
        row.organization_id,
        row.source,
        row.time_zone,
        row.versions,
        row.rows,
        [(place, meaning) for place, meaning in row.findings],
        PullState(**pull, watermarks=marks),
        datetime.fromisoformat(row.stored_at) if row.stored_at else None,
    )


def row_of(record: ExtractRecord) -> dict[str, object]:
    """Return an extract as a row: instants as texts of ISO 8601, whatever they lie in."""
    values: dict[str, Any] = asdict(record)
    values["pull"]["watermarks"] = {
        name: {key: at.isoformat() for key, at in mark.items()}
        for name, mark in values["pull"]["watermarks"].items()
    }
    values["extracted_at"] = record.extracted_at.isoformat()
    values["stored_at"] = record.stored_at.isoformat() if record.stored_at else None
    return values
