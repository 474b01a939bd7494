"""Fingerprints: a digest of everything that decides about a table of a month, so that nothing is computed twice.

Put here what a table is made from: the program, the policy, the extract, our copies of month
ends, and the tables before it. The factory of monthly tables asks whether a table was made from the
same before.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from connectors.policy.commentary import is_commentary, is_of_another_month
from connectors.policy.plan_scenarios import is_scenario
from connectors.storage.extract_record import ExtractRecord
from publication.month_end_copies import copies_up_to
from publication.program import page_digest, table_digest
from publication.workspace import Workspace
from sales.calendar import Month
from sales.contracts.registry import TABLES, MonthlyTable

# What a policy says of pages, of sending and of keeping moves no number.
OF_PAGES = {"brand", "delivery", "retention"}
Copies = Mapping[Month, ExtractRecord]


def program_of(table: MonthlyTable) -> str:
    """Return a digest of the code that computes a table: its module, and the asset that hands it its inputs."""
    return table_digest(table.module, f"assets.{table.group}")


def of_table(
    workspace: Workspace,
    month: Month,
    name: str,
    record: ExtractRecord,
    copies: Copies | None = None,
) -> str:
    """Return the fingerprint of a table of a month; what reads no targets does not depend on the lists of the policy folder.

    `copies` are those that a run looks back on; those that there are now, where none are given.
    """
    table = TABLES[name]
    lists = [
        each
        for each in workspace.policy_digests
        if not each[0].endswith(".toml") and not is_commentary(each[0])
    ]
    return _digest(
        [
            program_of(table),
            *_of_inputs(workspace, month, record, copies),
            _repertoire(workspace) if table.knows_fonts else "",
            lists if table.reads_targets else [],
            _of_tables(workspace, month, table.tables),
        ]
    )


def of_month(
    workspace: Workspace, month: Month, record: ExtractRecord, copies: Copies | None = None
) -> str:
    """Return the fingerprint of a whole month: nothing else decides about tables and documents."""
    programs = [program_of(each) for each in TABLES.values()]
    return _digest(
        [
            page_digest(),
            programs,
            [
                each
                for each in workspace.policy_digests
                if not is_of_another_month(each[0], month) and not is_scenario(each[0])
            ],
            *_of_inputs(workspace, month, record, copies),
            _of_last_report(workspace, month),
        ]
    )


def _of_last_report(workspace: Workspace, month: Month) -> list[object]:
    """Return which revision of the month before pages look back on."""
    was = workspace.published.last_report(month)
    return [] if was is None else [str(was.month), was.revision]


def are_current(
    workspace: Workspace, month: Month, record: ExtractRecord, copies: Copies | None = None
) -> bool:
    """Return whether every table of a month, as it was last written, was made from what would be used now."""
    written = {name: workspace.tables.written(name, month) for name in TABLES}
    return all(
        each is not None and each.recipe == of_table(workspace, month, name, record, copies)
        for name, each in written.items()
    )


def _of_inputs(
    workspace: Workspace, month: Month, record: ExtractRecord, copies: Copies | None
) -> list[object]:
    known = copies_up_to(workspace, month) if copies is None else copies
    return [
        str(month),
        record.extract_id,
        record.source,
        [
            (year, policy.model_dump_json(exclude=OF_PAGES))
            for year, policy in sorted(workspace.policies.policies.items())
        ],
        [(str(each), copy.extract_id) for each, copy in known.items()],
    ]


def _repertoire(workspace: Workspace) -> str:
    """Return a digest of the characters that pages can draw: findings name those that they cannot."""
    drawn = workspace.pages.repertoire()
    said = repr(drawn) if isinstance(drawn, range) else repr(sorted(drawn))
    return hashlib.sha256(said.encode()).hexdigest()


def _of_tables(workspace: Workspace, month: Month, names: Iterable[str]) -> list[tuple[str, str]]:
    found = ((name, workspace.tables.written(name, month)) for name in names)
    return [(name, record.digest if record else "") for name, record in found]


def _digest(parts: Sequence[object]) -> str:
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]
