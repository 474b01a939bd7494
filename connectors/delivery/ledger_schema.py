"""The ledger's tables as this version reads and writes them, and bringing a database to them.

A change of a table is a new module in `ledger_versions/versions` and the same change here; a test
compares the two.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util import CommandError

from connectors.delivery.ledger_versions import VERSION_TABLE
from sales.errors import UserError

METADATA = sa.MetaData()
DELIVERIES = sa.Table(
    "deliveries",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("channel", sa.String(20), nullable=False),
    sa.Column("recipient", sa.String(254), nullable=False),
    sa.Column("file", sa.String(200), nullable=False),
    sa.Column("sha256", sa.String(64), nullable=False),
    sa.Column("revision", sa.Integer, nullable=False),
    sa.Column("status", sa.String(10), nullable=False),
    sa.Column("message_id", sa.String(200), nullable=False, default=""),
    sa.Column("detail", sa.String(500), nullable=False, default=""),
    sa.Column("changed_at", sa.String(40), nullable=False),
    sa.UniqueConstraint("month", "channel", "recipient", "file", "sha256"),
)
APPROVALS = sa.Table(
    "approvals",
    METADATA,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("month", sa.String(7), nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("name", sa.String(200), nullable=False),
    sa.Column("at", sa.String(40), nullable=False),
)
VERSIONS = Path(__file__).with_name("ledger_versions")


class NewerLedger(UserError, RuntimeError):
    """A ledger was written by a later version of this program."""


def bring_to_newest(database: sa.Connection) -> None:
    """Run the versions that a database lacks, none where it has them all; raises `NewerLedger`."""
    config = Config()
    config.set_main_option("script_location", str(VERSIONS))
    config.attributes["connection"] = database
    if _version(database) == ScriptDirectory.from_config(config).get_current_head():
        return
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise NewerLedger(
            "the ledger of deliveries was written by a later version of Onpace; install that version again"
        ) from None


def _version(database: sa.Connection) -> str | None:
    if not sa.inspect(database).has_table(VERSION_TABLE):
        return None
    return database.execute(
        sa.select(sa.column("version_num")).select_from(sa.table(VERSION_TABLE))
    ).scalar()
