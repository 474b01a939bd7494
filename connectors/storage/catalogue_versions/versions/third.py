"""The digest of each file that a table lies in."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0003", "0002"


def upgrade() -> None:
    """Create the table of stored files."""
    op.create_table(
        "stored_files",
        sa.Column("home", sa.String(36), nullable=False),
        sa.Column("path", sa.String(400), nullable=False),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("home", "path"),
    )
