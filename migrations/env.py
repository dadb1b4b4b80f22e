"""Alembic's environment (https://alembic.sqlalchemy.org/en/latest/tutorial.html).

Migrates over the connection in `context.config.attributes` if there is one, or else the database of the settings.
"""

from contextlib import ExitStack

import sqlalchemy
from alembic import context

from pyrus_etl.postgres.embedded import serving
from pyrus_etl.reports.upgrade.alembic_context import comparison_options, connected
from pyrus_etl.schema import SCHEMA
from pyrus_etl.settings import load_settings


def migrate(connection: sqlalchemy.Connection) -> None:
    """Runs the migrations in the caller's transaction.

    Waits for a lock for 3 seconds at most: other queries queue behind a waiting ALTER TABLE.
    """
    connection.execute(sqlalchemy.text("SET LOCAL lock_timeout = '3s'"))
    if SCHEMA not in sqlalchemy.inspect(connection).get_schema_names():
        connection.execute(sqlalchemy.text(f"CREATE SCHEMA {SCHEMA}"))
    context.configure(connection=connection, **comparison_options())
    with context.begin_transaction():
        context.run_migrations()


given_connection = context.config.attributes.get("connection")
if context.is_offline_mode():
    context.configure(url="postgresql+psycopg://", literal_binds=True, **comparison_options())
    with context.begin_transaction():
        context.run_migrations()
elif given_connection is not None:
    migrate(given_connection)
else:
    with ExitStack() as stack:
        url = load_settings({}).database_url or stack.enter_context(serving())
        connection = stack.enter_context(connected(url))
        with connection.begin():
            migrate(connection)
