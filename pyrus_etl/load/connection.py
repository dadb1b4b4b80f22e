"""Connections to PostgreSQL, and what the driver's errors mean."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.pq import Format

from pyrus_etl.errors import DatabaseUnavailable, RowsRefused
from pyrus_etl.schema.metadata import REVISION, SCHEMA
from pyrus_etl.settings import Secret

Connection = psycopg.Connection[tuple[Any, ...]]

_JSONB_OID = psycopg.adapters.types["jsonb"].oid
_ROWS_REFUSED = (
    psycopg.DataError,
    psycopg.IntegrityError,
    psycopg.errors.ProgramLimitExceeded,
    psycopg.errors.StatementTooComplex,
)
_OLDEST_SERVER = 150000

SESSION: dict[str, Any] = {
    "client_encoding": "UTF8",  # whatever the environment or the database say: JSON goes as the bytes that were served
    "prepare_threshold": None,
    "connect_timeout": 10,
    "application_name": "pyrus-etl",
}
"""How every session is opened."""


class JsonbBytesDumper(Dumper):
    """Hands JSON text over to a jsonb column as it is; the leading 1 is the version of jsonb's binary form."""

    format = Format.BINARY
    oid = _JSONB_OID

    def dump(self, obj: bytes) -> Buffer | None:
        return b"\x01" + obj


@contextmanager
def driver_errors_translated() -> Iterator[None]:
    """What the driver raises, in one sentence: RowsRefused for rows that cannot be stored, else DatabaseUnavailable."""
    try:
        yield
    except _ROWS_REFUSED as error:
        raise RowsRefused(f"PostgreSQL cannot store it: {_sentence(error)}") from error
    except (psycopg.OperationalError, psycopg.InterfaceError, psycopg.InternalError) as error:
        raise DatabaseUnavailable(f"The database cannot be reached or used: {_sentence(error)}.") from error
    except psycopg.errors.InsufficientPrivilege as error:
        raise DatabaseUnavailable(f"The database role lacks a right: {_sentence(error)}.") from error


def connect(url: Secret) -> Connection:
    """A connection in autocommit; transactions are opened on purpose.

    Nothing is prepared on the server and nothing set for the session, so that it works behind a pooler that shares
    sessions between transactions. Raises DatabaseUnavailable.
    """
    with driver_errors_translated():
        try:
            connection = psycopg.connect(url.reveal(), autocommit=True, **SESSION)
        except psycopg.ProgrammingError as error:  # what the URL says is not understood; the error may show all of it
            raise DatabaseUnavailable(f"DATABASE_URL cannot be used: {_without_urls(str(error)).strip()}.") from None
    connection.adapters.register_dumper(bytes, JsonbBytesDumper)
    if connection.info.server_version < _OLDEST_SERVER:
        raise DatabaseUnavailable("PostgreSQL 15 or newer is needed; this server is older.")
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise DatabaseUnavailable("The database is not encoded in UTF8; create one with ENCODING 'UTF8'.")
    if not (connection.info.parameter_status("DateStyle") or "").startswith("ISO"):
        raise DatabaseUnavailable(
            "The session's DateStyle is not ISO; set it so, as with ALTER ROLE … SET datestyle = ISO."
        )
    return connection


def revision(connection: Connection) -> str | None:
    """The revision that the schema is at; None where there is none."""
    with driver_errors_translated():
        table = connection.execute("SELECT to_regclass(%s)", [f"{SCHEMA}.alembic_version"]).fetchone()
        if table is None or table[0] is None:
            return None
        found = connection.execute(f"SELECT version_num FROM {SCHEMA}.alembic_version").fetchone()  # noqa: S608 -- a constant
    return found[0] if found else None


def require_schema(connection: Connection) -> None:
    """Raises DatabaseUnavailable where the schema is not at the revision that this version works with."""
    found = revision(connection)
    if found != REVISION:
        there = "has no tables yet" if found is None else f"is at revision {found}, this version expects {REVISION}"
        raise DatabaseUnavailable(f"The database {there}; run pyrus-etl db upgrade.")


def _sentence(error: psycopg.Error) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return _without_urls("; ".join(lines[:3])).rstrip(".?") or type(error).__name__


def _without_urls(text: str) -> str:
    """The text without anything that may be a URL or its password."""
    return re.sub(r"\S*://\S*|password=\S+", "…", text)
