"""What users attach to the reports: privileges, indexes, options, comments, triggers and the like.

Code that drops and recreates reports, or replaces them, first reads the catalog (`attached`), and then puts back what
is missing (`restore`), in the same transaction. A warning names what cannot be put back.
"""

import logging
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from functools import cache
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import psycopg
from psycopg import sql

from pyrus_etl.postgres.connection import Connection, setting
from pyrus_etl.reports import comments
from pyrus_etl.reports.wide_views import wide
from pyrus_etl.schema.metadata import MATERIALIZED, REPORT_SCHEMA

log = logging.getLogger(__name__)

_OWNER, _COMMENT = 1, 11
"""Values of `place`. The owner comes first, because the owner grants the privileges."""


class Attached(NamedTuple):
    """One thing that is attached to a report; `attached.sql` says what each column means."""

    place: int
    relation: str
    statement: str
    undo: str | None = None
    role: str | None = None
    of_user: bool = True


def attached(connection: Connection) -> list[Attached]:
    """Returns everything attached to the reports, in the order to recreate it; needs an open transaction."""
    with _names_in_full(connection):
        found = [Attached(*row) for row in connection.execute(_query())]
        return found + [Attached(_COMMENT, *row) for row in comments.of_users(connection)]


def restore(connection: Connection, before: Sequence[Attached]) -> None:
    """Puts back what was attached before and is missing now; revokes privileges that nobody had before.

    Needs the transaction in which `before` was read. A warning names what cannot be put back.
    """
    names = wide.reports(connection)
    with _names_in_full(connection):
        reports = [*names, *(name + MATERIALIZED for name in names)]
        comments.store_hashes(connection, reports, [each.statement for each in before])
    relations = {each.relation for each in before}
    if set(before) == {each for each in attached(connection) if each.relation in relations}:
        return
    _put_back(connection, [each for each in _missing(before, attached(connection)) if each.place == _OWNER])
    _take_back(connection, before, attached(connection))
    failed = _put_back(connection, _missing(before, attached(connection)))
    reasons = _put_back(connection, [each._replace(role=None) for each in failed])  # now as the owner
    warn_of_lost(before, attached(connection), {each.statement: reason for each, reason in reasons.items()})


def warn_of_lost(
    before: Sequence[Attached], after: Sequence[Attached], reasons: Mapping[str, str] = MappingProxyType({})
) -> None:
    """Logs each thing that was attached before and is missing after, with the statement that recreates it.

    For a dropped report, leaves out what a new one would have by itself.
    """
    relations = {each.relation for each in after}
    for each in _missing(before, after):
        if each.relation in relations:
            reason = reasons.get(each.statement, "PostgreSQL refused it")
            log.warning(
                "%s cannot keep what users added: %s; to add it again: %s;", each.relation, reason, each.statement
            )
        elif each.of_user:
            log.warning("%s is dropped with what users added; to add it again: %s;", each.relation, each.statement)


def _missing(before: Sequence[Attached], after: Sequence[Attached]) -> list[Attached]:
    statements = {each.statement for each in after}
    return [each for each in before if each.statement not in statements]


def _take_back(connection: Connection, before: Sequence[Attached], there: Sequence[Attached]) -> None:
    """Revokes privileges that new relations got by default, unless the owner changed: then they cannot be compared."""
    had = {each.statement for each in before}
    same_owner = {each.relation for each in there if each.place == _OWNER and each.statement in had}
    for each in there:
        if each.undo and each.relation in same_owner and each.statement not in had:
            connection.execute(each.undo.encode())


def _put_back(connection: Connection, missing: Sequence[Attached]) -> dict[Attached, str]:
    """Recreates things. Retries the failed ones as long as others succeed, because they may need those.

    Returns the things that failed, with PostgreSQL's reasons.
    """
    failed = {each: reason for each in missing if (reason := _refusal(connection, each))}
    return _put_back(connection, list(failed)) if 0 < len(failed) < len(missing) else failed


def _refusal(connection: Connection, each: Attached) -> str | None:
    """Recreates one thing as the role that granted it; returns the reason if PostgreSQL refuses."""
    try:
        with connection.transaction(), setting(connection, "role", each.role):
            connection.execute(each.statement.encode())
    except psycopg.OperationalError:  # a lock, a lost connection: not about this thing
        raise
    except psycopg.Error as error:
        return error.diag.message_primary or type(error).__name__
    return None


def _names_in_full(connection: Connection) -> AbstractContextManager[None]:
    """Makes PostgreSQL write definitions with schema names, for any search path of the session."""
    return setting(connection, "search_path", "")


@cache
def _query() -> sql.Composed:
    text = Path(__file__).with_name("attached.sql").read_text("utf-8")
    return sql.SQL(text).format(schema=sql.Literal(REPORT_SCHEMA))
