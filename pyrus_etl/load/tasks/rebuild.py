"""Rebuilds rows from stored bodies. Every function works inside the caller's transaction."""

from collections.abc import Collection, Mapping, Sequence
from hashlib import sha256
from types import MappingProxyType
from typing import LiteralString, NamedTuple

from sqlalchemy import Table

from pyrus_etl.load.sharing.readers import lock_tasks
from pyrus_etl.load.tasks.batch import claims_of, write
from pyrus_etl.postgres.connection import Connection
from pyrus_etl.postgres.faults import CHECK_DEFERRED
from pyrus_etl.postgres.unchanged import are_stored
from pyrus_etl.schema.raw import READER
from pyrus_etl.schema.rows import OWNED, PARTS, Part, Rows

FIRST = -(2**63)
"""Comes before every task id."""


MOST_BYTES = 8 << 20
"""Of the bodies of a page, as PostgreSQL stores them (compressed)."""

_OUTDATED: LiteralString = f"(read_by < {READER} OR read_by > {READER}) AND NOT is_overtaken"
"""Whether another version of the reader made a body's rows. An index finds nothing by `<>`, so each run would read all
bodies."""


class StoredBody(NamedTuple):
    """A body in `raw_tasks`, and the API that served it."""

    task_id: int
    api: str
    payload: bytes
    payload_sha256: str


def outdated_bodies(
    connection: Connection, after: int = FIRST, most: int = 1000, most_bytes: int = MOST_BYTES
) -> list[StoredBody]:
    """At most `most` bodies whose rows another version of the reader made, by task id.

    They end with the one that exceeds `most_bytes`, so that large bodies do not add up.
    """
    query = f"""
        SELECT task_id, api, convert_to(payload::text, 'UTF8'), payload_sha256 FROM (
            SELECT *, sum(pg_column_size(payload)) OVER (ORDER BY task_id) - pg_column_size(payload) AS before FROM (
                SELECT task_id, api, payload, payload_sha256 FROM pyrus.raw_tasks
                WHERE {_OUTDATED} AND task_id > %s ORDER BY task_id LIMIT %s
            ) AS found
        ) AS sized WHERE before <= %s ORDER BY task_id
    """  # noqa: S608 -- a constant
    found = connection.cursor(binary=True).execute(query, [after, most, most_bytes])
    return [StoredBody(*row) for row in found]


def outdated_among(connection: Connection, task_ids: Collection[int]) -> list[StoredBody]:
    """The bodies of these tasks whose rows another version of the reader made."""
    query = f"""
        SELECT task_id, api, convert_to(payload::text, 'UTF8'), payload_sha256 FROM pyrus.raw_tasks
        WHERE {_OUTDATED} AND task_id = ANY(%s)
    """  # noqa: S608 -- a constant
    return [StoredBody(*row) for row in connection.cursor(binary=True).execute(query, [list(task_ids)])]


def outdated(connection: Connection) -> int:
    """The number of bodies whose rows another version of the reader made, and that are not overtaken."""
    found = connection.execute(f"SELECT count(*) FROM pyrus.raw_tasks WHERE {_OUTDATED}").fetchone()  # noqa: S608 -- a constant
    return int(found[0]) if found else 0


def advice(connection: Connection) -> str | None:
    """A sentence about rows that another version made, and the remedy; None if there are none."""
    tasks = outdated(connection)
    return f"another version made the rows of {tasks:,} tasks; run pyrus-etl db rebuild" if tasks else None


def mark_all(connection: Connection) -> None:
    """Marks every body, so that its rows are rebuilt."""
    connection.execute("UPDATE pyrus.raw_tasks SET read_by = 0")


def write_rebuilt(
    connection: Connection,
    tasks: Mapping[int, Rows],
    bodies: Sequence[StoredBody],
    hidden: Mapping[int, bytes] = MappingProxyType({}),
) -> int:
    """Replaces the rows of tasks whose stored body is still the one that was read; returns the number of such tasks.

    If a run has stored a newer body since, that body's rows stay. Bodies without rows, which could not be read, are
    only marked. `hidden`: bodies that replace the stored ones, by task. Safe to repeat.
    """
    query = f"""
        SELECT task_id, payload_sha256 FROM pyrus.raw_tasks WHERE task_id = ANY(%s) AND {_OUTDATED}
    """  # noqa: S608 -- a constant
    read = {body.task_id: body.payload_sha256 for body in bodies}
    lock_tasks(connection, read)
    stored = connection.execute(query, [list(read)]).fetchall()
    current = [task_id for task_id, payload_sha256 in stored if payload_sha256 == read[task_id]]
    _replace_rows(connection, {task_id: tasks[task_id] for task_id in current if task_id in tasks})
    connection.execute("UPDATE pyrus.raw_tasks SET read_by = %s WHERE task_id = ANY(%s)", [READER, current])
    _replace_bodies(connection, {task_id: hidden[task_id] for task_id in current if task_id in hidden})
    return len(current)


def _replace_rows(connection: Connection, tasks: Mapping[int, Rows]) -> None:
    """Writes the rows of stored tasks, except those of a table that has exactly these rows of all the tasks."""
    rows = Rows()
    rows.extend(tasks.values())
    claims = claims_of(tasks, tasks.keys())
    for table in OWNED:
        if _is_stored(connection, table, rows, claims):
            rows.owned[table] = []
            claims = {part: owners for part, owners in claims.items() if part.table is not table}
    write(connection, rows, tasks.keys(), claims)
    connection.execute(CHECK_DEFERRED)


def _is_stored(connection: Connection, table: Table, rows: Rows, claims: Mapping[Part, Sequence[int]]) -> bool:
    """Whether the same tasks claim every part of the table, and it has exactly these rows of them."""
    owners, *others = [claims[part] for part in PARTS if part.table is table]
    return all(each == owners for each in others) and are_stored(connection, table, owners, rows.owned[table])


def _replace_bodies(connection: Connection, bodies: Mapping[int, bytes]) -> None:
    query = "UPDATE pyrus.raw_tasks SET payload = %s::jsonb, payload_sha256 = %s WHERE task_id = %s"
    replaced = [(body.decode(), sha256(body).hexdigest(), task_id) for task_id, body in bodies.items()]
    if replaced:
        connection.cursor().executemany(query, replaced)
