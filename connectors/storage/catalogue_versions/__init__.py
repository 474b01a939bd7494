"""The schema of the catalogue, version by version; Alembic runs what a database lacks."""

# The database may be shared with programs that keep their own version, as Dagster does. The name is
# of the time when it held deliveries only.
VERSION_TABLE = "onpace_ledger_version"
