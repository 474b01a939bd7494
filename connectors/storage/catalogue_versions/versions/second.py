"""What JSON files and a second database held before: extracts, what is written and published, documents."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision, down_revision = "0002", "0001"

DIGEST, INSTANT, MONTH, NAME = sa.String(64), sa.String(40), sa.String(7), sa.String(200)


def upgrade() -> None:
    """Create the tables of homes."""
    op.create_table(
        "homes",
        sa.Column("home", sa.String(36), primary_key=True),
        _column("path", sa.Text()),
    )
    _of_home(
        "extracts",
        _column("extract_id", INSTANT),
        _column("extracted_at", INSTANT),
        sa.Column("stored_at", INSTANT),
        _column("organization_id", sa.String(18)),
        _column("source", sa.Text()),
        _column("time_zone", sa.String(64)),
        _column("versions", sa.JSON()),
        _column("rows", sa.JSON()),
        _column("findings", sa.JSON()),
        _column("pull", sa.JSON()),
        key=("extract_id",),
    )
    _of_home(
        "selected_extracts",
        _column("month", MONTH),
        _column("extract_id", INSTANT),
        key=("month",),
    )
    _of_home(
        "month_end_copies",
        _column("month", MONTH),
        _column("extract_id", INSTANT),
        _column("as_of", INSTANT),
        key=("month",),
    )
    _of_home(
        "written_tables",
        _column("name", NAME),
        _column("month", MONTH),
        _column("version", sa.Integer()),
        _column("scales", sa.JSON()),
        _column("recipe", DIGEST),
        _column("digest", DIGEST),
        _column("run_id", NAME),
        _column("figures", sa.JSON()),
        key=("name", "month"),
    )
    _of_home(
        "publications",
        _column("month", MONTH),
        _column("revision", sa.Integer()),
        sa.Column("published_at", INSTANT),
        _column("extract_id", INSTANT),
        _column("documents", DIGEST),
        _column("made_from", DIGEST),
        _column("tables", sa.JSON()),
        key=("month", "revision"),
    )
    _of_home(
        "documents",
        _column("month", MONTH),
        _column("file", NAME),
        _column("sha256", DIGEST),
        _column("revision", sa.Integer()),
        _column("title", sa.Text()),
        _column("audience", sa.Text()),
        _column("language", sa.String(35)),
        _column("published_at", INSTANT),
        _column("shown_at", INSTANT),
        key=("month", "file", "sha256"),
    )


def _of_home(name: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> None:
    home = sa.Column("home", sa.String(36), nullable=False)
    op.create_table(name, home, *columns, sa.PrimaryKeyConstraint("home", *key))


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
