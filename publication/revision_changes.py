"""What would differ for readers if a month were published as it is computed now, table by table."""

from __future__ import annotations

from connectors.storage.publications import Publication
from publication.workspace import Workspace
from sales.restatement.table_diff import TableChange, table_change


def changes_to(workspace: Workspace, was: Publication) -> tuple[TableChange, ...]:
    """Return the tables of a published month that are computed otherwise now, by name; none where no number differs."""
    computed = {name: workspace.tables.written(name, was.month) for name in was.tables}
    other = [
        name
        for name, written in was.tables.items()
        if (now := computed[name]) is None or now.digest != written.digest
    ]
    changes = (
        table_change(
            name, workspace.published.table(was, name), workspace.tables.read(name, was.month)
        )
        for name in sorted(other)
    )
    return tuple(each for each in changes if not each.is_none)
