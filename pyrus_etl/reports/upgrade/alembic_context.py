"""What Alembic needs, from a checkout or a wheel, without an alembic.ini: migrations, connection, comparison."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic.config import Config
from alembic.migration import MigrationContext

from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.connection import Session, connect, fault_of
from pyrus_etl.postgres.locks import cause_of
from pyrus_etl.reports.in_the_way import InTheWay, WideViewInTheWay
from pyrus_etl.schema import SCHEMA, metadata
from pyrus_etl.schema.metadata import PARTITIONS
from pyrus_etl.settings import Secret

VERSION_TABLE = "alembic_version"
BASE = "base"
"""Alembic's name for the state before the first migration."""


def migrations_folder() -> Path:
    """Returns the folder of migrations: in the package if installed from a wheel, next to it in a checkout."""
    package = Path(__file__).parents[2]
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def context_of(connection: sqlalchemy.Connection) -> MigrationContext:
    return MigrationContext.configure(connection, opts=comparison_options())


def comparison_options() -> dict[str, Any]:
    """How Alembic compares: our schema only, comments, types and defaults included."""
    return {
        "target_metadata": metadata,
        "version_table": VERSION_TABLE,
        "version_table_schema": SCHEMA,
        "include_schemas": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        "include_object": _is_compared,
        "compare_server_default": True,
    }


def _is_compared(thing: Any, _name: str | None, kind: str, _reflected: bool, _compared_to: Any) -> bool:
    """Everything but the copies of a foreign key that PostgreSQL makes for each partition of its table."""
    if kind != "foreign_key_constraint":
        return True
    return not any(element.target_fullname.startswith(f"{PARTITIONS}.") for element in thing.elements)


def config_of(connection: sqlalchemy.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _in_transactions(connection: Session) -> Session:
    connection.autocommit = False
    return connection


def _statement(error: BaseException) -> str:
    """Returns the statement that failed in SQLAlchemy, if any."""
    return getattr(error, "statement", None) or ""


@contextmanager
def connected(url: Secret) -> Iterator[sqlalchemy.Connection]:
    """Opens a connection for Alembic; translates errors of the driver."""
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: _in_transactions(connect(url)), poolclass=sqlalchemy.NullPool
    )
    try:
        with engine.connect() as connection:
            yield connection
    except (sqlalchemy.exc.DBAPIError, psycopg.Error, WideViewInTheWay) as error:
        cause = cause_of(error)
        if isinstance(cause, InTheWay):
            about = cause.diag.message_detail or cause.diag.message_primary or ""
            raise DatabaseUnavailable(
                "An object of yours depends on a table that must change. Drop it, repeat this command, then recreate "
                f"it: {about.replace(chr(10), '; ')}."
            ) from error
        if not isinstance(cause, psycopg.Error):
            raise cause from error
        with connect(url) as other:
            fault = fault_of(cause, other, _statement(error) or getattr(cause, "statement", ""))
        raise fault from error
    finally:
        engine.dispose()
