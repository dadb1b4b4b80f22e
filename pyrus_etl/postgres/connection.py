"""Connections to PostgreSQL, which translate the driver's errors into our own."""

import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from datetime import datetime
from types import NoneType, TracebackType
from typing import Any, Self

import psycopg
from psycopg import sql
from psycopg.abc import Buffer, Params, Query
from psycopg.adapt import Dumper
from psycopg.copy import Copy
from psycopg.pq import Format
from psycopg.types.array import ListDumper

from pyrus_etl.background import in_background
from pyrus_etl.errors import DatabaseUnavailable
from pyrus_etl.postgres.blockers import blocker_of
from pyrus_etl.postgres.faults import LOST, is_raised, translated, without_urls
from pyrus_etl.postgres.session_settings import options, remedy, wrong_settings
from pyrus_etl.settings import Secret
from pyrus_etl.settings.retry import STANDARD

Connection = psycopg.Connection[tuple[Any, ...]]

_JSONB_OID = psycopg.adapters.types["jsonb"].oid
_OLDEST_SERVER = 150000

SESSION: dict[str, Any] = {
    "client_encoding": "UTF8",  # whatever the environment or the database sets: JSON is sent as the bytes served
    "prepare_threshold": None,
    "connect_timeout": 10,
    "application_name": "pyrus-etl",
}
"""The parameters of every session."""


class JsonbBytesDumper(Dumper):
    """Sends JSON text to a jsonb column unchanged; the leading byte 1 is the version of jsonb's binary format."""

    format = Format.BINARY
    oid = _JSONB_OID

    def dump(self, obj: bytes) -> Buffer | None:
        return b"\x01" + obj


class QuickListDumper(ListDumper):
    """Sends lists of whole numbers or of instants, which are most of what we send, a whole list at a time.

    psycopg would dump each element by a call of its own, for the same text.
    """

    def dump(self, obj: list[Any]) -> Buffer | None:
        kinds = set(map(type, obj)) - {NoneType}
        if kinds == {int}:
            return _array(["NULL" if each is None else str(each) for each in obj])
        if kinds and all(issubclass(kind, datetime) for kind in kinds):
            return _array(["NULL" if each is None else f'"{each}"' for each in obj])
        return super().dump(obj)


def _array(elements: Iterable[str]) -> bytes:
    return f"{{{','.join(elements)}}}".encode()


class _Cursor(psycopg.Cursor[Any]):
    """A cursor that stores its last statement in its connection."""

    def execute(self, query: Any, params: Params | None = None, **options: Any) -> Self:
        self._remember(query)
        return super().execute(query, params, **options)

    def executemany(self, query: Query, params_seq: Iterable[Params], **options: Any) -> None:
        self._remember(query)
        super().executemany(query, params_seq, **options)

    @contextmanager
    def copy(self, statement: Query, params: Params | None = None, **options: Any) -> Iterator[Copy]:
        self._remember(statement)
        with super().copy(statement, params, **options) as copy:
            yield copy

    def _remember(self, statement: Query) -> None:
        if isinstance(self.connection, Session):
            self.connection.statement = statement


class Session(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose `with` block translates the driver's errors as they leave it; inside they are the driver's."""

    statement: Query = ""
    """The last statement sent. It names the table if the error does not."""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        fault = fault_of(error, self) if isinstance(error, psycopg.Error) else error
        with errors_of(self):
            super().__exit__(kind, error, trace)
        if fault is not None and fault is not error:
            raise fault from error


@contextmanager
def errors_of(connection: Connection | None) -> Iterator[None]:
    """Translates the driver's errors in the block; see `postgres.faults`."""
    try:
        yield
    except psycopg.Error as error:
        fault = fault_of(error, connection)
        if fault is error:
            raise
        raise fault from error


def fault_of(error: psycopg.Error, connection: Connection | None, statement: str = "") -> Exception:
    """The driver's error as our own. If a lock could not be taken, asks the connection, if possible, who holds it."""
    statement = statement or _last_statement(connection)
    if isinstance(error, psycopg.errors.LockNotAvailable) and not is_raised(error) and connection is not None:
        with suppress(psycopg.Error):
            connection.rollback()
            if blocked := blocker_of(connection, statement):
                return DatabaseUnavailable(blocked)
    return translated(error, statement)


def _last_statement(connection: Connection | None) -> str:
    statement = getattr(connection, "statement", "")
    if isinstance(statement, sql.Composable):
        return statement.as_string()
    return statement.decode() if isinstance(statement, bytes) else str(statement)


def connect(url: Secret, within: float = STANDARD.connect_database) -> Session:
    """Opens a connection in autocommit mode, for a `with` block. Transactions are opened explicitly.

    It prepares nothing on the server and sets nothing for the session, so it works behind a pooler that shares sessions
    between transactions. Raises DatabaseUnavailable, and so does its block.
    """
    connection = _connected(url, within)
    with errors_of(connection):
        connection = _with_settings(connection, url, within)
    connection.cursor_factory = _Cursor
    connection.adapters.register_dumper(bytes, JsonbBytesDumper)
    connection.adapters.register_dumper(list, QuickListDumper)
    if connection.info.server_version < _OLDEST_SERVER:
        raise DatabaseUnavailable(
            "PostgreSQL 15 or newer is needed; upgrade this server, or name another in DATABASE_URL."
        )
    if connection.info.parameter_status("server_encoding") != "UTF8":
        raise DatabaseUnavailable("The database is not encoded in UTF8; create one with ENCODING 'UTF8'.")
    return connection


def _with_settings(connection: Session, url: Secret, within: float) -> Session:
    """The connection, or a new one with the settings that we need; see `postgres.session_settings`."""
    wrong = wrong_settings(connection)
    if not wrong:
        return connection
    role, given = connection.info.user, connection.info.options
    connection.close()
    refusal = f"{remedy(wrong, role)}."
    try:
        connection = _connected(url, within, options=options(wrong, given))
    except DatabaseUnavailable as error:
        raise DatabaseUnavailable(refusal) from error
    if wrong_settings(connection):
        raise DatabaseUnavailable(refusal)
    return connection


def _connected(url: Secret, within: float, **more: Any) -> Session:
    """Connects within some seconds, in the background: connect_timeout does not limit the look-up of the host."""
    opened = in_background(lambda: Session.connect(url.reveal(), autocommit=True, **SESSION, **more), "connect")
    try:
        return opened.result(within)
    except TimeoutError:
        raise DatabaseUnavailable(unreachable(f"no connection in {within:g} seconds"), is_lost=True) from None
    except psycopg.ProgrammingError as error:  # libpq cannot parse it; the message may show the password
        message = without_urls(str(error)).strip()
        raise DatabaseUnavailable(
            f"DATABASE_URL cannot be used: {message}; write it like postgresql://user@host/database."
        ) from None
    except psycopg.Error as error:
        raise DatabaseUnavailable(unreachable(str(error)), is_lost=isinstance(error, LOST)) from error


_UNREACHABLE = ("The database cannot be reached", "check that the server runs and that DATABASE_URL names it")
_REFUSALS = {
    r"password|authentication|pg_hba\.conf|role .* does not exist|not permitted to log in": (
        "The database refuses the login",
        "check the user, its password and its rights in DATABASE_URL",
    ),
    r"local user with ID": (
        "The database user is not known",
        "name it in DATABASE_URL, as in postgresql://user@host/database",
    ),
    r"database .* does not exist|not currently accepting connections": (
        "The database cannot be used",
        "create it, or name another in DATABASE_URL",
    ),
    r"too many (clients|connections)|connection slots": (
        "The database server accepts no more connections",
        "close some or raise max_connections, then run this again",
    ),
}
"""English messages of a server that refuses a session: libpq gives no SQLSTATE for them. In other languages, the
general sentence is used."""


def unreachable(message: str) -> str:
    """The sentence for a session that could not be opened."""
    said = [line.strip() for line in message.splitlines()[:3] if not line.strip().startswith("Is the server running")]
    lines = "; ".join(line for line in said if line)
    refusals = (words for pattern, words in _REFUSALS.items() if re.search(pattern, message))
    what, remedy = next(refusals, _UNREACHABLE)
    return f"{what}: {without_urls(lines).rstrip('.?')}; {remedy}."


def sent_at_once(connection: Connection, statements: str, parameters: Mapping[str, object]) -> list[tuple[Any, ...]]:
    """Sends several statements as one message, and returns the rows of the last; in autocommit mode only.

    The server runs them as one transaction, and each of them sees what was committed when it began
    (https://www.postgresql.org/docs/current/protocol-flow.html#PROTOCOL-FLOW-MULTI-STATEMENT).
    """
    if isinstance(connection, Session):
        connection.statement = statements
    cursor = psycopg.ClientCursor(connection)
    cursor.execute(statements.encode(), parameters)
    while cursor.nextset():
        pass
    return cursor.fetchall()


@contextmanager
def setting(connection: Connection, name: str, value: str | None) -> Iterator[None]:
    """Changes a setting for the block, unless `value` is None. After an error, the rollback restores it."""
    if value is None:
        yield
        return
    change = "SELECT set_config(%s, %s, true)"
    (before,) = connection.execute("SELECT current_setting(%s)", [name]).fetchone() or (None,)
    connection.execute(change, [name, value])
    yield
    connection.execute(change, [name, before])
