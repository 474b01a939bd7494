"""Who is at work on what: leases that every machine sees."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0004", "0003"


def upgrade() -> None:
    """Create the table of leases."""
    op.create_table(
        "leases",
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("holder", sa.String(36), nullable=False),
        sa.Column("work", sa.String(200), nullable=False),
        sa.Column("machine", sa.String(300), nullable=False),
        sa.Column("process", sa.Integer, nullable=False),
        sa.Column("started", sa.String(40), nullable=False),
        sa.Column("taken_at", sa.String(40), nullable=False),
        sa.Column("renewed_at", sa.String(40), nullable=False),
        sa.PrimaryKeyConstraint("name"),
    )
