"""A seal on each row that says what is stored and published: a digest of its values."""

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0005", "0004"

SEALED = (
    "extracts",
    "selected_extracts",
    "month_end_copies",
    "written_tables",
    "publications",
    "documents",
    "stored_files",
)


def upgrade() -> None:
    """Add the column; rows of before have none and are taken as they are."""
    for name in SEALED:
        op.add_column(name, sa.Column("seal", sa.String(64), nullable=True))
