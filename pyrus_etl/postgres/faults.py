"""Translates PostgreSQL's errors into our own, by SQLSTATE and never by the text, which may be in any language.

The codes are https://www.postgresql.org/docs/current/errcodes-appendix.html. Errors that depend only on the text of our
SQL (`_OURS`) are not translated: they are bugs of ours, with exit code 1. Errors that depend on the server, its
settings, objects that others created there, or rows, become a sentence.
"""

import re
from typing import NamedTuple

import psycopg

from pyrus_etl.errors import DatabaseUnavailable, PyrusEtlError, RowsRefused


class _Fault(NamedTuple):
    """A kind of fault: what happened, and what to do."""

    what: str
    remedy: str


_AGAIN = "run this again"
_MISSING = _Fault(
    "The database lacks something that pyrus-etl created", "pyrus-etl db upgrade recreates what is missing"
)
_DIFFERS = _Fault(
    "Something in the database is not as pyrus-etl created it",
    "pyrus-etl db check names the differences; undo your change, or use another database",
)
_LOST = _Fault("The database cannot be reached", f"check that the server runs, then {_AGAIN}")
_TIMEOUT = _Fault(
    "The server cancelled work that took longer than it allows",
    "set statement_timeout, transaction_timeout and idle_in_transaction_session_timeout to 0 for the role of "
    f"DATABASE_URL, with ALTER ROLE … SET …, then {_AGAIN}",
)
_BROKEN = _Fault("The database server failed", "see its log")
_USERS_CODE = _Fault("A trigger or function of your own refused this", f"change or disable it, then {_AGAIN}")
_UNREADABLE = _Fault("The database cannot answer", "pyrus-etl db check shows whether the schema is as declared")

_FAULTS = {
    "08": _LOST,
    "0A": _DIFFERS,
    "0L": _Fault("The database role lacks a right", "run this as a role that may grant"),
    "0P": _Fault("The database does not know the role", "create it, or name another"),
    "25006": _Fault(
        "The database is read-only",
        "name the primary server in DATABASE_URL, or set default_transaction_read_only = off for its role",
    ),
    "25P03": _TIMEOUT,
    "25P04": _TIMEOUT,
    "28": _Fault("The database refuses the login", "check the user and the password in DATABASE_URL"),
    "2BP01": _Fault("An object of yours depends on one that must change", f"drop it, {_AGAIN}, then recreate it"),
    "3D": _Fault("There is no such database", "create it, or name another in DATABASE_URL"),
    "3F": _MISSING,
    "40": _Fault("Other sessions kept changing the same rows", _AGAIN),
    "42": _DIFFERS,
    "42501": _Fault("The database role lacks a right", "grant it to the role of DATABASE_URL"),
    "42703": _MISSING,
    "42704": _MISSING,
    "42883": _MISSING,
    "42P01": _MISSING,
    "53": _Fault("The database server lacks resources", f"give it more, then {_AGAIN}"),
    "53100": _Fault("The database server has no disk space left", f"make room, then {_AGAIN}"),
    "53200": _Fault(
        "The database server has no memory left", f"raise the limit that its message or its log names, then {_AGAIN}"
    ),
    "53300": _Fault("The database server accepts no more connections", f"close some or raise the limit, then {_AGAIN}"),
    "53400": _Fault("A limit of the database server was reached", f"raise it, then {_AGAIN}"),
    "55": _DIFFERS,
    "55006": _Fault("Another session uses an object that must change", f"wait for it to end, then {_AGAIN}"),
    "55P03": _Fault("Another session holds a lock that is needed", f"wait for it to end, then {_AGAIN}"),
    "57": _LOST,
    "57014": _TIMEOUT,
    "58": _BROKEN,
    "72": _BROKEN,
    "F0": _BROKEN,
    "HV": _DIFFERS,
    "XX": _BROKEN,
}
"""By SQLSTATE, or by its class. A code that is neither here nor in `_OURS` blames rows: PostgreSQL has such codes for
values and constraints (21, 22, 23, 44, 54, …), and users' code may raise any code (P0001, …)."""

_OURS = {
    *("03", "24", "25", "26", "2D", "34", "3B"),  # not allowed in this state of a session or transaction
    *("42601", "42602", "42622", "42803", "42939", "42P02", "42P08", "42P11", "42P14", "42P18", "42P19", "42P20"),
}
_SETTINGS_OF_SERVER = ("08", "25", "28", "3D", "40", "53", "57", "58", "72", "F0", "XX")
"""Classes of faults of the server or session, even if a trigger was running; not if the trigger raised the error."""

_RAISED_IN = {"pl_exec.c", "plpy_elog.c", "plperl.c", "pltcl.c"}
_ROW_POLICY = "ExecWithCheckOptions"
CHECK_DEFERRED = "SET CONSTRAINTS ALL IMMEDIATE"
"""Has deferred triggers and constraints look at the rows now: at the commit, nobody knows whose rows are refused."""
_WRITES = re.compile(r'\b(?:INSERT\s+INTO|UPDATE|DELETE\s+FROM|COPY)\s+"?(\w+)"?\s*\.\s*"?(\w+)"?', re.IGNORECASE)


LOST = (psycopg.OperationalError, psycopg.InterfaceError, psycopg.errors.IdleInTransactionSessionTimeout)
"""The driver's errors if a connection is lost or cannot be opened."""


def translated(error: psycopg.Error, statement: str = "") -> Exception:
    """The driver's error from executing the statement, as one of ours; if it is a bug of ours, the same error."""
    code = error.sqlstate or _code_of_driver(error)
    if blames_rows(error, statement):
        table = _table_of(error, statement)
        return RowsRefused(
            f"PostgreSQL refuses rows{_of(table)}: {_message(error)}; change what refuses them, then {_AGAIN}.", table
        )
    if _is_of_users_code(error):
        return _sentence(_USERS_CODE, error)
    if code is None or (_in(code, _OURS) and code not in _FAULTS):
        return error
    return _sentence(_FAULTS.get(code) or _FAULTS.get(code[:2]) or _UNREADABLE, error)


def blames_rows(error: psycopg.Error, statement: str) -> bool:
    """Whether PostgreSQL may accept other rows: the statement writes, and neither the server nor the schema failed."""
    if not (_WRITES.search(statement) or statement == CHECK_DEFERRED):
        return False
    code = error.sqlstate or ("22000" if isinstance(error, psycopg.DataError) else None)
    if code is None:
        return False
    if _is_of_users_code(error) or error.diag.source_function == _ROW_POLICY:
        return True
    return not (_in(code, _OURS) or code in _FAULTS or code[:2] in _FAULTS)


def is_raised(error: psycopg.Error) -> bool:
    """Whether a trigger or function raised the error itself, by RAISE; then its code means nothing to us."""
    return (error.diag.source_file or "") in _RAISED_IN


def table_of(statement: str) -> str | None:
    """The table that a statement writes, as schema.table."""
    found = _WRITES.search(statement)
    return ".".join(found.groups()) if found else None


def without_urls(text: str) -> str:
    """The text without anything that may be a URL or its password."""
    return re.sub(r"\S*://\S*|password=\S+", "…", text)


def _code_of_driver(error: psycopg.Error) -> str | None:
    """The SQLSTATE that fits an error of the driver itself: a lost connection, or a value that it cannot convert."""
    if isinstance(error, psycopg.OperationalError | psycopg.InterfaceError | psycopg.InternalError):
        return "08000"
    return "22000" if isinstance(error, psycopg.DataError) else None


def _is_of_users_code(error: psycopg.Error) -> bool:
    """Whether it comes from a trigger or function in a procedural language. We have none of these."""
    if is_raised(error):
        return True
    return "PL/" in (error.diag.context or "") and not _in(error.sqlstate or "", _SETTINGS_OF_SERVER)


def _in(code: str, codes: tuple[str, ...] | set[str]) -> bool:
    return code in codes or code[:2] in codes


def _sentence(fault: _Fault, error: psycopg.Error) -> PyrusEtlError:
    return DatabaseUnavailable(f"{fault.what}: {_message(error)}; {fault.remedy}.", is_lost=isinstance(error, LOST))


def _table_of(error: psycopg.Error, statement: str) -> str | None:
    if error.diag.table_name:
        return f"{error.diag.schema_name}.{error.diag.table_name}"
    return table_of(statement)


def _of(table: str | None) -> str:
    return f" of {table}" if table else ""


def _message(error: psycopg.Error) -> str:
    """PostgreSQL's message, with its detail and the function that raised it."""
    diag = error.diag
    lines = [diag.message_primary, diag.message_detail] if diag.message_primary else str(error).splitlines()[:3]
    message = "; ".join(line.strip().replace("\n", "; ") for line in lines if line and line.strip())
    context = (diag.context or "").splitlines()
    function = next((f" ({line.strip()})" for line in context if "PL/" in line), "")
    return (without_urls(message).rstrip(".?:") or type(error).__name__) + function
