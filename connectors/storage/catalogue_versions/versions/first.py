"""Deliveries and approvals, as the first ledger had them; a database of that time has the tables and no version."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0001", None


def upgrade() -> None:
    """Create the tables where they are not there."""
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "deliveries" not in there:
        op.create_table(
            "deliveries",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("month", sa.String(7), nullable=False),
            sa.Column("channel", sa.String(20), nullable=False),
            sa.Column("recipient", sa.String(254), nullable=False),
            sa.Column("file", sa.String(200), nullable=False),
            sa.Column("sha256", sa.String(64), nullable=False),
            sa.Column("revision", sa.Integer, nullable=False),
            sa.Column("status", sa.String(10), nullable=False),
            sa.Column("message_id", sa.String(200), nullable=False),
            sa.Column("detail", sa.String(500), nullable=False),
            sa.Column("changed_at", sa.String(40), nullable=False),
            sa.UniqueConstraint("month", "channel", "recipient", "file", "sha256"),
        )
    if "approvals" not in there:
        op.create_table(
            "approvals",
            sa.Column("id", sa.Integer, primary_key=True),
            sa.Column("month", sa.String(7), nullable=False),
            sa.Column("digest", sa.String(64), nullable=False),
            sa.Column("name", sa.String(200), nullable=False),
            sa.Column("at", sa.String(40), nullable=False),
        )
