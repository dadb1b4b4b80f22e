"""Claims: of several accounts, one fetches a task; a claim lives as long as its run."""

from collections.abc import Iterator
from uuid import UUID, uuid4

import pytest

from pyrus_etl.errors import ClaimsLost
from pyrus_etl.load.progress.feeds import load_first_rows, without_body
from pyrus_etl.load.sharing.claims import claim, claim_listed, end_own, release, release_all, still_claimed
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.task import Task
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.settings import Secret
from tests.load.test_accounts import ANN, BOB, EARLY, keep_running, loaded, served

LEASE = """
    INSERT INTO pyrus.sync_leases VALUES (%s, %s, 'a program', now(), clock_timestamp() + interval '1 hour')
    ON CONFLICT (account_id) DO UPDATE SET run_id = EXCLUDED.run_id, expires_at = EXCLUDED.expires_at
"""
DIED = "UPDATE pyrus.sync_leases SET expires_at = clock_timestamp() WHERE account_id = %s"
LONG_AGO = "UPDATE pyrus.task_claims SET expires_at = clock_timestamp()"


@pytest.fixture
def connection(database: Secret) -> Iterator[Connection]:
    with connect(database) as opened:
        keep_running(opened, ANN, BOB)
        yield opened


def running(connection: Connection, account: int) -> UUID:
    """A run of the account begins, which holds its lock."""
    run_id = uuid4()
    connection.execute(LEASE, [account, run_id])
    return run_id


def test_a_task_is_claimed_by_one_living_run(connection: Connection) -> None:
    ann, bob = running(connection, ANN), running(connection, BOB)

    assert claim(connection, ANN, ann, [3, 1, 2], 2) == {3, 1}, "the first ones, as many as it may"
    assert claim(connection, BOB, bob, [1, 2, 3, 4], 9) == {2, 4}
    assert claim(connection, ANN, ann, [1, 2, 3, 4], 9) == {1, 3}, "it may ask again for its own"

    release(connection, ann, [1, 2])
    assert claim(connection, BOB, bob, [1, 2, 3, 4], 9) == {1, 2, 4}, "a run releases its own claims only"


@pytest.mark.parametrize("how", ["it dies", "its account runs again", "it takes too long", "it ends"])
def test_the_claims_of_a_run_that_fetches_no_more_are_free(connection: Connection, how: str) -> None:
    ann, bob = running(connection, ANN), running(connection, BOB)
    claim(connection, ANN, ann, [1], 9)
    match how:
        case "it dies":
            connection.execute(DIED, [ANN])
        case "its account runs again":
            running(connection, ANN)
        case "it takes too long":
            connection.execute(LONG_AGO)
        case _:
            release_all(connection, ANN)

    assert claim(connection, BOB, bob, [1], 9) == {1}


def test_what_another_account_has_stored_meanwhile_is_settled_and_not_claimed(connection: Connection) -> None:
    """Also beyond the tasks that the quota lets it claim; not if its own body is doubted."""
    ann, bob = running(connection, ANN), running(connection, BOB)
    claim(connection, ANN, ann, [1], 9)
    loaded(connection, ANN, *(served(task_id, "text", EARLY) for task_id in (2, 3, 5)))
    listed = [(task_id, EARLY, None) for task_id in (1, 2, 3, 4, 5)]

    def taken(most: int) -> tuple[set[int], set[int], bool]:
        return claim_listed(connection, BOB, bob, listed, [5], most, lags=False)

    assert taken(0) == (set(), {2, 3}, True)
    assert taken(1) == ({4}, {2, 3}, True)
    assert taken(9) == ({4, 5}, {2, 3}, False)
    seen = connection.execute(b"SELECT task_id FROM pyrus.task_sightings WHERE account_id = %s ORDER BY 1", [BOB])
    assert seen.fetchall() == [(2,), (3,)]
    assert claim(connection, ANN, ann, [2, 3, 4, 5], 9) == {2, 3}, "what was settled is free"


def test_a_worker_commits_only_what_its_run_has_still_claimed(connection: Connection) -> None:
    ann = running(connection, ANN)
    claim(connection, ANN, ann, [1, 2, 3], 9)
    end_own(connection, ann, [2])

    assert still_claimed(connection, ann, [1, 2, 3]) == {1, 3}
    release_all(connection, ANN)  # another run has taken the lock over
    with pytest.raises(ClaimsLost):
        end_own(connection, ann, [1, 3])


def test_tasks_that_the_fewest_accounts_see_come_first(connection: Connection) -> None:
    """Then what others see too, whoever reads it: they may not have fetched it yet."""
    rows = {task_id: load_of(task_id) for task_id in (1, 2, 3, 4)}
    load_first_rows(connection, BOB, [rows[2], rows[3]])
    load_first_rows(connection, ANN, [rows[1], rows[2], rows[4]])
    loaded(connection, ANN, served(4, "text", EARLY))

    def listed(seen_by: int | None) -> list[int]:
        return [task_id for task_id, _, _ in without_body(connection, ANN, None, 9, seen_by)]

    assert listed(1) == [1]
    assert listed(2) == [2, 1]
    assert listed(None) == [1], "without others at work, each account fetches what it reads"


def load_of(task_id: int) -> TaskLoad:
    """The first row of a task."""
    return TaskLoad(task_id, task_rows(Task(id=task_id, text="first")))
