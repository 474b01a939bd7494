"""The catalogue's tables as this version reads and writes them, and bringing a database to them.

A change of a table is a new module in `catalogue_versions/versions`, the same change here, and the
number of the newest version; a test compares them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import sqlalchemy as sa

from connectors.storage.catalogue_versions import VERSION_TABLE
from sales.errors import UserError

NEWEST = "0005"
METADATA = sa.MetaData()
# A digest is at most 64 hexadecimal digits, an instant an ISO 8601 text with its offset.
DIGEST, INSTANT, MONTH, NAME = sa.String(64), sa.String(40), sa.String(7), sa.String(200)


def _of_home(name: str, *columns: sa.Column[Any], key: tuple[str, ...]) -> sa.Table:
    """Return a table of which every row belongs to one home, and has a seal; in a SQLite file there is only one home, and its name is empty."""
    home = sa.Column("home", sa.String(36), nullable=False)
    seal = sa.Column("seal", sa.String(64))
    return sa.Table(name, METADATA, home, *columns, seal, sa.PrimaryKeyConstraint("home", *key))


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


HOMES = sa.Table(
    "homes",
    METADATA,
    sa.Column("home", sa.String(36), primary_key=True),
    _column("path", sa.Text()),
)
EXTRACTS = _of_home(
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
SELECTED_EXTRACTS = _of_home(
    "selected_extracts", _column("month", MONTH), _column("extract_id", INSTANT), key=("month",)
)
MONTH_END_COPIES = _of_home(
    "month_end_copies",
    _column("month", MONTH),
    _column("extract_id", INSTANT),
    _column("as_of", INSTANT),
    key=("month",),
)
WRITTEN_TABLES = _of_home(
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
PUBLICATIONS = _of_home(
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
DOCUMENTS = _of_home(
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
STORED_FILES = _of_home(
    "stored_files", _column("path", sa.String(400)), _column("sha256", DIGEST), key=("path",)
)
LEASES = sa.Table(
    "leases",
    METADATA,
    sa.Column("name", NAME, primary_key=True),
    _column("holder", sa.String(36)),
    _column("work", NAME),
    _column("machine", sa.String(300)),
    _column("process", sa.Integer()),
    _column("started", INSTANT),
    _column("taken_at", INSTANT),
    _column("renewed_at", INSTANT),
)
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
VERSIONS = Path(__file__).with_name("catalogue_versions")


class NotBroughtToNewest(UserError, RuntimeError):
    """The versions that a catalogue lacks do not leave what it holds."""


class NewerCatalogue(UserError, RuntimeError):
    """A catalogue was written by a later version of this program."""


def version_of(database: sa.Connection) -> str | None:
    """Return the version of a database's tables, none where it was never brought to one."""
    if not sa.inspect(database).has_table(VERSION_TABLE):
        return None
    number = sa.column("version_num", sa.String)
    return database.execute(sa.select(number).select_from(sa.table(VERSION_TABLE))).scalar()


def bring_to_newest(database: sa.Connection) -> None:
    """Run the versions that a database lacks, none where it has them all, and read all rows back.

    The caller's transaction is the copy that they are tried on: it is rolled back where this
    raises `NewerCatalogue` or `NotBroughtToNewest`.
    """
    if version_of(database) == NEWEST:
        return
    # Only a new or an old database needs it: a fifth of a second that most commands do without.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    before = _counts(database)
    config = Config()
    config.set_main_option("script_location", str(VERSIONS))
    config.attributes["connection"] = database
    try:
        command.upgrade(config, "head")
    except CommandError:
        raise NewerCatalogue(
            "the catalogue was written by a later version of Onpace; install that version again"
        ) from None
    after = _counts(database)
    for name, number in before.items():
        if after.get(name, 0) < number:
            raise NotBroughtToNewest(
                f"the catalogue was not upgraded, and is as it was: of {number} rows of {name} {after.get(name, 0)} could be read afterwards; use the former version, or restore a backup"
            )


def _counts(database: sa.Connection) -> dict[str, int]:
    """Return how many rows each of our tables has, with every value read as of its type."""
    there = set(sa.inspect(database).get_table_names())
    found: dict[str, int] = {}
    for table in METADATA.sorted_tables:
        if table.name not in there or table is LEASES:  # who is at work comes and goes
            continue
        columns = {each["name"] for each in sa.inspect(database).get_columns(table.name)}
        known = [each for each in table.columns if each.name in columns]
        found[table.name] = len(database.execute(sa.select(*known)).all())
    return found
