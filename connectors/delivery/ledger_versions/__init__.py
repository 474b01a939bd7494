"""The schema of the ledger of deliveries, version by version; Alembic runs what a database lacks."""

# The database may be shared with programs that keep their own version, as Dagster does.
VERSION_TABLE = "onpace_ledger_version"
