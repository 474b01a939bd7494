"""What Alembic runs: the versions on the connection that `catalogue_schema` hands over."""

from alembic import context

from connectors.storage.catalogue_versions import VERSION_TABLE

context.configure(connection=context.config.attributes["connection"], version_table=VERSION_TABLE)
with context.begin_transaction():
    context.run_migrations()
