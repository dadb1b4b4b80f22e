"""The schema by Alembic, from a checkout and from a wheel alike, without an alembic.ini."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.util import CommandError

import pyrus_etl
from pyrus_etl.errors import DatabaseUnavailable, SettingsError
from pyrus_etl.load import materialized, views
from pyrus_etl.load.attached import attached, restore, warn_of_lost
from pyrus_etl.load.connection import Connection, Session, connect, revision
from pyrus_etl.load.faults import translated
from pyrus_etl.load.forms import infer
from pyrus_etl.load.patience import PATIENCE, cause_of, patiently
from pyrus_etl.schema import SCHEMA, metadata
from pyrus_etl.schema.metadata import REVISION
from pyrus_etl.settings import Secret

log = logging.getLogger(__name__)

VERSION_TABLE = "alembic_version"


def migrations_folder() -> Path:
    """The migrations: inside the package where it was installed from a wheel, beside it in a checkout."""
    package = Path(pyrus_etl.__file__).parent
    inside = package / "migrations"
    return inside if inside.is_dir() else package.parent / "migrations"


def upgrade(url: Secret) -> None:
    """Brings the schema up, and the reports with it, in one transaction; safe to repeat.

    Where there is nothing to do nothing is locked; else it waits for locks a few seconds at a time, so that readers
    do not queue behind it for long. Views are changed in their place, so that what users built on them stays; where
    that cannot be they are made anew, and what was materialised is filled afterwards. What users attached stays, or a
    warning names it. Tasks that are stored take their forms and main projects.
    """
    with connect(url) as driver:
        if revision(driver) == REVISION and views.are_of_this_version(driver):
            return
    with connected(url) as connection:
        try:
            patiently(lambda: _upgrade(connection))
        except CommandError as error:
            raise DatabaseUnavailable(f"The schema cannot be brought up, is it of a newer version? {error}.") from error
    with connect(url) as driver:
        materialized.populate(driver)


def _upgrade(connection: sqlalchemy.Connection) -> None:
    with connection.begin():
        driver = _driver(connection)
        driver.execute(PATIENCE)
        before, of_users = revision(driver), attached(driver)
        try:
            with connection.begin_nested():
                _tables_and_views(connection)
        except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
            if not isinstance(cause_of(error), views.InTheWay):
                raise
            materialised = materialized.columns(driver)
            views.drop(driver)
            _tables_and_views(connection)
            materialized.create(driver, materialised)
            restore(driver, of_users)
            materialized.index(driver, materialised)
        else:
            restore(driver, of_users)
        if before not in (None, REVISION):
            infer(driver)


def _tables_and_views(connection: sqlalchemy.Connection) -> None:
    command.upgrade(_config(connection), "head")
    views.create(_driver(connection))


def _driver(connection: sqlalchemy.Connection) -> Connection:
    """The same connection, in the same transaction, as the rest of this room speaks to it."""
    driver: Connection = connection.connection.driver_connection  # type: ignore[assignment] # typed as any DBAPI's
    return driver


def downgrade(url: Secret, to: str) -> None:
    """Takes the schema down to a revision, `base` for none; the data of what is dropped is lost, and the reports go."""
    with connected(url) as connection:
        try:
            patiently(lambda: _downgrade(connection, to))
        except CommandError as error:
            raise SettingsError(
                f"There is no revision {to!r} ({error}); name one from 0001 to {REVISION}, or base."
            ) from error


def _downgrade(connection: sqlalchemy.Connection, to: str) -> None:
    with connection.begin():
        driver = _driver(connection)
        driver.execute(PATIENCE)
        of_users = attached(driver)
        views.drop(driver)
        command.downgrade(_config(connection), to)
        warn_of_lost(of_users, attached(driver))


def differences(url: Secret) -> list[str]:
    """What differs between the tables in the database and the declared ones; empty where nothing does."""
    with connected(url) as connection:
        context = MigrationContext.configure(connection, opts=comparison_options())
        return [_described(difference) for difference in compare_metadata(context, metadata)]


def _described(difference: Any) -> str:
    """What Alembic found, e.g. `remove column pyrus tasks flavour`; it hands over tuples, or lists of them."""
    if isinstance(difference, list):
        return "; ".join(map(_described, difference))
    kind, *about = difference
    names = [getattr(each, "name", each) for each in about]
    return " ".join([kind.replace("_", " "), *(name for name in names if isinstance(name, str))])


def comparison_options() -> dict[str, Any]:
    """How Alembic compares: our schema only, comments, types and defaults included."""
    return {
        "target_metadata": metadata,
        "version_table": VERSION_TABLE,
        "version_table_schema": SCHEMA,
        "include_schemas": True,
        "include_name": lambda name, kind, _parents: kind != "schema" or name == SCHEMA,
        "compare_server_default": True,
    }


def _config(connection: sqlalchemy.Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(migrations_folder()).replace("%", "%%"))
    config.attributes["connection"] = connection
    return config


def _in_transactions(connection: Session) -> Session:
    connection.autocommit = False
    return connection


def _statement(error: BaseException) -> str:
    """What SQLAlchemy was asked to do when the error came."""
    return getattr(error, "statement", None) or ""


@contextmanager
def connected(url: Secret) -> Iterator[sqlalchemy.Connection]:
    """A connection as Alembic needs it; what the driver says is translated."""
    engine = sqlalchemy.create_engine(
        "postgresql+psycopg://", creator=lambda: _in_transactions(connect(url)), poolclass=sqlalchemy.NullPool
    )
    try:
        with engine.connect() as connection:
            yield connection
    except (sqlalchemy.exc.DBAPIError, psycopg.Error) as error:
        cause = cause_of(error)
        if isinstance(cause, views.InTheWay):
            about = cause.diag.message_detail or cause.diag.message_primary or ""
            raise DatabaseUnavailable(
                "Something of your own stands on tables of pyrus that have to change; drop it, do this again, and make "
                f"it again: {about.replace(chr(10), '; ')}."
            ) from error
        if isinstance(cause, psycopg.Error) and (fault := translated(cause, _statement(error))) is not cause:
            raise fault from error
        raise cause from error
    finally:
        engine.dispose()
