"""Claims: which of several accounts fetches a task, so that all of them together fetch it once (task_claims).

A claim counts while its run holds the lock of its account, and not longer than `CLAIMED_FOR`. It goes with the commit
of its task; those of a dead run are taken over. Every function works inside the caller's transaction and is safe to
repeat.
"""

from collections.abc import Collection, Sequence
from typing import LiteralString, NamedTuple
from uuid import UUID

from pyrus_etl.errors import ClaimsLost
from pyrus_etl.load.sharing.sightings import ListedTask, compare, note_listed
from pyrus_etl.postgres.connection import Connection

CLAIMED_FOR: LiteralString = "interval '10 minutes'"

_CLAIM: LiteralString = f"""
    WITH living AS (
        SELECT task_id FROM pyrus.task_claims AS claim JOIN pyrus.sync_leases AS lease USING (account_id, run_id)
        WHERE task_id = ANY(%(ids)s) AND run_id <> %(run_id)s
            AND claim.expires_at > clock_timestamp() AND lease.expires_at > clock_timestamp()
    )
    INSERT INTO pyrus.task_claims AS stored (task_id, account_id, run_id, expires_at)
    SELECT task_id, %(account_id)s, %(run_id)s, clock_timestamp() + {CLAIMED_FOR}
    FROM (
        SELECT task_id FROM unnest(%(ids)s::bigint[]) WITH ORDINALITY AS wanted (task_id, place)
        WHERE task_id NOT IN (TABLE living) ORDER BY place LIMIT %(most)s
    ) AS free ORDER BY task_id
    ON CONFLICT (task_id) DO UPDATE
    SET account_id = EXCLUDED.account_id, run_id = EXCLUDED.run_id, expires_at = EXCLUDED.expires_at
    WHERE stored.run_id = EXCLUDED.run_id OR stored.expires_at < clock_timestamp() OR NOT EXISTS (
        SELECT FROM pyrus.sync_leases AS lease
        WHERE (lease.account_id, lease.run_id) = (stored.account_id, stored.run_id)
            AND lease.expires_at > clock_timestamp()
    )
    RETURNING task_id
"""  # noqa: S608 -- a constant
"""Claims of others are left out by the snapshot, so that nobody waits for their commit; then once more by the row."""


class Claimed(NamedTuple):
    """`claimed`: the tasks that this run fetches. `settled`: others have stored them, or read them, by now.

    `is_full`: it claimed as many as it may, so the other tasks may be free.
    """

    claimed: set[int]
    settled: set[int]
    is_full: bool

    @property
    def known(self) -> set[int]:
        """The tasks of which it is known what becomes of them."""
        return self.claimed | self.settled


def claim(connection: Connection, account_id: int, run_id: UUID, task_ids: Sequence[int], most: int) -> set[int]:
    """Claims the first tasks that no other living run has claimed, up to a number, and returns them."""
    parameters = {"account_id": account_id, "run_id": run_id, "ids": list(task_ids), "most": most}
    return {task_id for (task_id,) in connection.execute(_CLAIM, parameters)}


def claim_listed(
    connection: Connection,
    account_id: int,
    run_id: UUID,
    listed: Sequence[ListedTask],
    doubted: Collection[int],
    most: int,
    *,
    lags: bool,
) -> Claimed:
    """Claims the first listed tasks, except for what others have stored since they were compared; see `compare`.

    It compares after it has claimed, so a task whose claim went with its commit is found to be stored. `doubted`: of
    the tasks, those that are fetched although they are stored.
    """

    def settled(tasks: Sequence[ListedTask]) -> set[int]:
        compared = compare(connection, account_id, [task for task in tasks if task[0] not in doubted], lags=lags)
        if compared.sighted:
            note_listed(connection, account_id, compared)
        return set(compared.unchanged | compared.left)

    before = settled(listed) if most < len(listed) else set()  # what needs no claim must not wait for the quota
    claimed = claim(connection, account_id, run_id, [task[0] for task in listed if task[0] not in before], most)
    after = settled([task for task in listed if task[0] in claimed])
    release(connection, run_id, after)
    return Claimed(claimed - after, before | after, len(claimed) >= most)


def release(connection: Connection, run_id: UUID, task_ids: Collection[int]) -> None:
    """Ends claims of a run: the tasks are committed, or not to be fetched."""
    if task_ids:
        query = "DELETE FROM pyrus.task_claims WHERE task_id = ANY(%s) AND run_id = %s"
        connection.execute(query, [list(task_ids), run_id])


def end_own(connection: Connection, run_id: UUID, task_ids: Sequence[int]) -> None:
    """Ends claims of a run whose lock another process holds; raises ClaimsLost unless all of them are still there.

    Whoever takes the lock over ends them (`release_all`), and waits for whoever has locked them here. So they are to a
    worker what the lease is to its run.
    """
    query = "DELETE FROM pyrus.task_claims WHERE task_id = ANY(%s) AND run_id = %s"
    if connection.execute(query, [sorted(task_ids), run_id]).rowcount != len(set(task_ids)):
        raise ClaimsLost("A worker may not commit its tasks; nothing: the run finds out why, and goes on.")


def still_claimed(connection: Connection, run_id: UUID, task_ids: Sequence[int]) -> set[int]:
    """Those of the tasks that the run has claimed and not committed; waits for commits under way."""
    query = """
        SELECT task_id FROM pyrus.task_claims WHERE task_id = ANY(%s) AND run_id = %s ORDER BY task_id FOR UPDATE
    """
    return {task_id for (task_id,) in connection.execute(query, [list(task_ids), run_id])}


def release_all(connection: Connection, account_id: int) -> None:
    """Ends all claims of an account whose lock the caller holds: its run begins or ends."""
    connection.execute("DELETE FROM pyrus.task_claims WHERE account_id = %s", [account_id])
