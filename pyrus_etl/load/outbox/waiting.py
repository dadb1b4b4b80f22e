"""Reads rows of pyrus.outbox that wait to be sent: in which order, by which account, and behind which rows."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import LiteralString, NamedTuple
from uuid import UUID

from psycopg.rows import class_row

from pyrus_etl.load.outbox.senders import Team, is_mine, sender, unknown_name
from pyrus_etl.postgres.connection import Connection


class Entry(NamedTuple):
    """A row to send, or one whose sending a dead process has not finished. `body`, `baseline`: JSON.

    `age`: seconds since it was last about to be sent. `unknown_account`: the name of its account, if no account has it.
    """

    outbox_id: UUID
    created_at: datetime
    action: str
    task_id: int | None
    body: str
    status: str
    attempts: int
    baseline: str | None
    age: float | None
    unknown_account: str | None = None


class Place(NamedTuple):
    """A place in the order of the rows."""

    created_at: datetime
    outbox_id: UUID


FIRST = Place(datetime.min.replace(tzinfo=UTC), UUID(int=0))

_DUE: LiteralString = f"""
    FROM pyrus.outbox AS entry
    WHERE status <> 'sent' AND (
        (status = 'waiting' AND coalesce(not_before, '-infinity') <= now() AND {is_mine("entry")})
        OR (status = 'sending' AND account_id = %(account_id)s)
        OR (status = 'unknown' AND account_id = %(account_id)s AND action <> 'comment'
            AND tried_at > now() - interval '3 days')
    )
"""
"""A new task of which nobody knows may show itself in a list later."""
_EARLIER: LiteralString = """
    FROM pyrus.outbox AS earlier
    WHERE earlier.task_id = entry.task_id AND earlier.status <> 'sent' AND entry.action = 'comment'
        AND (earlier.created_at, earlier.outbox_id) < (entry.created_at, entry.outbox_id)
"""
_NOT_SETTLED: LiteralString = """(
    earlier.status IN ('refused', 'unknown')
    OR (earlier.status = 'waiting' AND earlier.run_id = %(run_id)s::uuid)
    OR (earlier.status = 'sending' AND earlier.account_id <> %(account_id)s)
)"""
_IN_THE_WAY: LiteralString = f"({_NOT_SETTLED} OR (earlier.status = 'waiting' AND earlier.not_before > now()))"
"""`run_id`: a run that has given the row up; null for none."""
_OF_ANOTHER: LiteralString = f"""(
    earlier.status = 'waiting' AND earlier.account IS DISTINCT FROM entry.account
    AND {sender("earlier")} IS DISTINCT FROM %(account_id)s
)"""
"""Without a name, all comments on a task have the same sender."""
_PASSED: LiteralString = "(earlier.created_at, earlier.outbox_id) <= (%(created_at)s, %(outbox_id)s)"
"""It was not due when the rows up to the place were read. A later pass begins with it."""
_BEHIND: LiteralString = f"EXISTS (SELECT {_EARLIER} AND {_NOT_SETTLED})"
"""Whether the row has to wait for an earlier one of its task that is not settled."""


def due(
    connection: Connection,
    team: Team,
    after: Place,
    most: int,
    untouched_by: UUID | None = None,
    stopped: Collection[int] = (),
) -> list[Entry]:
    """The next rows of an account after a place in the order, the oldest first.

    Those that wait for another row are left out, and those of the tasks in `stopped`. `untouched_by`: only rows that
    wait and that this run has not touched.
    """
    query = f"""
        SELECT outbox_id, created_at, action, task_id, body::text AS body, status, attempts, baseline::text AS baseline,
               extract(epoch FROM clock_timestamp() - tried_at)::float8 AS age,
               {unknown_name("entry")} AS unknown_account
        {_DUE} AND (created_at, outbox_id) > (%(created_at)s, %(outbox_id)s)
        AND NOT EXISTS (SELECT {_EARLIER} AND ({_IN_THE_WAY} OR {_OF_ANOTHER} OR {_PASSED}))
        AND (task_id = ANY(%(stopped)s::bigint[])) IS NOT TRUE
        AND (%(run_id)s::uuid IS NULL OR status = 'waiting' AND run_id IS DISTINCT FROM %(run_id)s)
        ORDER BY created_at, outbox_id LIMIT %(most)s
    """  # noqa: S608 -- all are constants
    asked = {**team.parameters, **after._asdict(), "most": most, "run_id": untouched_by, "stopped": list(stopped)}
    with connection.cursor(row_factory=class_row(Entry)) as cursor:
        return cursor.execute(query, asked).fetchall()


def has_more(connection: Connection, team: Team, run_id: UUID, stopped: Collection[int]) -> bool:
    """Whether a run has not sent all rows that were there when it began: an earlier row of the task was another's.

    That one is sent by now, or the push of another account is about to send it. `stopped`: see `due`. A run began when
    it took its lock, by the clock of the database, which also dates the rows.
    """
    query = f"""
        SELECT EXISTS (
            SELECT {_DUE} AND status = 'waiting' AND run_id IS DISTINCT FROM %(run_id)s
            AND (task_id = ANY(%(stopped)s::bigint[])) IS NOT TRUE
            AND created_at <= (SELECT acquired_at FROM pyrus.sync_leases WHERE run_id = %(run_id)s)
            AND NOT EXISTS (
                SELECT {_EARLIER} AND ({_IN_THE_WAY} OR {_OF_ANOTHER}) AND NOT EXISTS (
                    SELECT FROM pyrus.sync_leases AS lease JOIN pyrus.sync_runs AS run ON run.run_id = lease.run_id
                    WHERE lease.expires_at > clock_timestamp() AND run.kind = 'push'
                    AND lease.account_id <> %(account_id)s
                    AND CASE earlier.status WHEN 'sending' THEN lease.account_id = earlier.account_id
                        WHEN 'waiting' THEN lease.account_id = {sender("earlier")}
                            AND earlier.run_id IS DISTINCT FROM lease.run_id
                            AND coalesce(earlier.not_before, '-infinity') <= now() ELSE false END
                )
            )
        )
    """  # noqa: S608 -- all are constants
    asked = {**team.parameters, "run_id": run_id, "stopped": list(stopped)}
    ((found,),) = connection.execute(query, asked).fetchall()
    return bool(found)


def of_others(connection: Connection, team: Team) -> int:
    """How many rows are due and wait for an account that is not of the team."""
    query = f"""
        SELECT count(*) FROM pyrus.outbox AS entry
        WHERE status = 'waiting' AND coalesce(not_before, '-infinity') <= now() AND {sender("entry")} <> ALL(%(team)s)
    """  # noqa: S608 -- all are constants
    ((count,),) = connection.execute(query, team.parameters).fetchall()
    return int(count)


def held(connection: Connection, team: Team) -> int:
    """How many rows wait for an earlier row of their task that is not settled, however long that takes.

    A row behind one that is not due is not counted: it will be sent without anybody doing anything.
    """
    ((count,),) = connection.execute(
        f"SELECT count(*) {_DUE} AND {_BEHIND}", {**team.parameters, "run_id": None}
    ).fetchall()
    return int(count)


def undecided(connection: Connection, team: Team) -> int:
    """How many rows wait for a person to decide whether they were applied. Others of the team count their own."""
    query = """
        SELECT count(*) FROM pyrus.outbox
        WHERE status = 'unknown' AND (account_id = %(account_id)s OR account_id <> ALL(%(team)s)) IS NOT FALSE
    """
    ((count,),) = connection.execute(query, team.parameters).fetchall()
    return int(count)
