"""Alembic's environment: migrates over the connection that it is handed, else to where the settings point."""

from contextlib import ExitStack

import sqlalchemy
from alembic import context

from pyrus_etl.load.embedded import serving
from pyrus_etl.load.migrate import comparison_options, connected
from pyrus_etl.schema import SCHEMA
from pyrus_etl.settings import load_settings


def migrate(connection: sqlalchemy.Connection) -> None:
    """Runs the migrations in the caller's transaction; gives up a lock that it cannot have soon, to block no reader."""
    connection.execute(sqlalchemy.text("SET LOCAL lock_timeout = '3s'"))
    if SCHEMA not in sqlalchemy.inspect(connection).get_schema_names():
        connection.execute(sqlalchemy.text(f"CREATE SCHEMA {SCHEMA}"))
    context.configure(connection=connection, **comparison_options())
    with context.begin_transaction():
        context.run_migrations()


handed_over = context.config.attributes.get("connection")
if context.is_offline_mode():
    context.configure(url="postgresql+psycopg://", literal_binds=True, **comparison_options())
    with context.begin_transaction():
        context.run_migrations()
elif handed_over is not None:
    migrate(handed_over)
else:
    with ExitStack() as stack:
        url = load_settings({}).database_url or stack.enter_context(serving())
        connection = stack.enter_context(connected(url))
        with connection.begin():
            migrate(connection)
