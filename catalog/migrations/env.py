"""Run the steps inside the transaction of whoever opened the ledger; Alembic loads this file, nobody imports it."""

from alembic import context

context.configure(connection=context.config.attributes["connection"], version_table="ledger_version")
context.run_migrations()
