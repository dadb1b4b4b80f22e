"""Two accounts that load the same tasks: an older body never replaces a newer one, and there are no deadlocks."""

import json
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import psycopg
import pytest

from pyrus_etl.load.tasks.batch import load
from pyrus_etl.load.tasks.doubt import doubted
from pyrus_etl.load.tasks.presence import mark_deleted
from pyrus_etl.load.tasks.rebuild import mark_all, outdated
from pyrus_etl.load.tasks.rejected import Rejected, open_rejections, reject
from pyrus_etl.load.tasks.stored import TaskLoad
from pyrus_etl.model.task import Task
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.settings import Secret
from tests.loads import FETCHED, task_load

ANN, BOB = 1, 2
EARLY, LATE = FETCHED, FETCHED + timedelta(hours=1)
TEXT = "SELECT text FROM pyrus.tasks"
READERS = "SELECT task_id, account_id FROM pyrus.task_sightings WHERE is_reader ORDER BY task_id"
SEEN = "SELECT task_id, account_id FROM pyrus.task_sightings ORDER BY 1, 2"


@pytest.fixture
def connection(database: Secret) -> Iterator[Connection]:
    with connect(database) as opened:
        keep_running(opened, ANN, BOB)
        yield opened


def keep_running(connection: Connection, *accounts: int) -> None:
    """Both accounts have completed a run just now."""
    connection.cursor().executemany(
        "INSERT INTO pyrus.sync_cursors (account_id, stream, cursor, updated_at) VALUES (%s, 'tasks', now(), now())",
        [(account,) for account in accounts],
    )


def body(task_id: int, text: str, modified: datetime = FETCHED) -> bytes:
    date = f"/Date({int(modified.timestamp() * 1000)})/"
    return json.dumps({"TaskWithNotes": {"Id": task_id, "Text": text, "ModifiedDate": date}}).encode()


def served(task_id: int, text: str, at: datetime, modified: datetime = FETCHED) -> TaskLoad:
    return task_load(body(task_id, text, modified), modified, at)


def loaded(connection: Connection, account: int, *tasks: TaskLoad) -> set[int]:
    with connection.transaction():
        return load(connection, account, tasks)


def rows(connection: Connection, sql: str) -> list[tuple[Any, ...]]:
    return connection.execute(sql.encode()).fetchall()


def test_the_account_that_brings_a_task_first_reads_it(connection: Connection) -> None:
    loaded(connection, ANN, served(1, "a", EARLY))
    loaded(connection, BOB, served(2, "b", EARLY))
    loaded(connection, BOB, served(1, "a", EARLY))

    assert rows(connection, READERS) == [(1, ANN), (2, BOB)]
    assert rows(connection, SEEN) == [(1, ANN), (1, BOB), (2, BOB)]


@pytest.mark.parametrize(
    ("at", "modified", "stays", "is_doubted"),
    [
        (EARLY, EARLY, True, False),
        (EARLY, LATE + timedelta(hours=1), True, True),
        (LATE, FETCHED - timedelta(hours=1), True, True),
        (LATE, FETCHED, True, True),
        (LATE, LATE, False, False),
        (LATE + timedelta(seconds=1), FETCHED, False, False),
    ],
    ids=["earlier", "earlier but newer", "same second, older", "same second, same date", "same second, newer", "later"],
)
def test_a_body_served_earlier_than_the_one_of_another_account_is_left_out(
    connection: Connection, at: datetime, modified: datetime, stays: bool, is_doubted: bool
) -> None:
    """If the dates do not decide, the reader fetches the task again."""
    loaded(connection, ANN, served(1, "of Ann", LATE))
    changed = loaded(connection, BOB, served(1, "of Bob", at, modified))

    assert changed == (set() if stays else {1})
    assert rows(connection, TEXT) == [("of Ann" if stays else "of Bob",)]
    assert rows(connection, READERS) == [(1, ANN if stays else BOB)]
    assert (1 in doubted(connection, ANN)) == is_doubted


def test_an_account_replaces_its_own_body_with_any_clock(connection: Connection) -> None:
    loaded(connection, ANN, served(1, "before", LATE))
    loaded(connection, ANN, served(1, "after", EARLY))

    assert rows(connection, TEXT) == [("after",)]


def test_a_body_of_unknown_age_is_replaced(connection: Connection) -> None:
    loaded(connection, ANN, served(1, "before", LATE))
    connection.execute("UPDATE pyrus.raw_tasks SET served_at = NULL")
    loaded(connection, BOB, served(1, "after", EARLY))

    assert rows(connection, TEXT) == [("after",)]


def test_two_accounts_bring_the_same_new_tasks_at_the_same_time(database: Secret, connection: Connection) -> None:
    """The second waits for the first. What it was served later counts, and what it was served earlier does not."""
    begun = threading.Event()

    def of_bob() -> None:
        with connect(database) as second:
            begun.set()
            loaded(second, BOB, served(3, "new", LATE), served(2, "of Bob", EARLY), served(1, "of Bob", LATE))

    with connection.transaction():
        load(connection, ANN, [served(1, "of Ann", EARLY), served(2, "of Ann", LATE)])
        thread = threading.Thread(target=of_bob)
        thread.start()
        begun.wait()
        while not rows(connection, "SELECT FROM pg_locks WHERE NOT granted"):
            pass
    thread.join()

    assert rows(connection, f"{TEXT} ORDER BY task_id") == [("of Bob",), ("of Ann",), ("new",)]
    assert rows(connection, READERS) == [(1, BOB), (2, ANN), (3, BOB)]


def test_a_unique_index_of_a_user_refuses_a_task_and_is_not_taken_for_another_account(connection: Connection) -> None:
    connection.execute("CREATE UNIQUE INDEX ON pyrus.tasks (text)")

    with pytest.raises(psycopg.errors.UniqueViolation):
        loaded(connection, ANN, served(1, "same", EARLY), served(2, "same", EARLY))


def test_batches_that_share_tasks_in_any_order_do_not_block_each_other(
    database: Secret, connection: Connection
) -> None:
    loaded(connection, ANN, *(served(number, "old", EARLY) for number in range(40)))
    failures: list[BaseException] = []

    def bring(account: int, order: range) -> None:
        try:
            with connect(database) as own:
                for turn in range(20):
                    later = LATE + timedelta(minutes=turn)
                    loaded(own, account, *(served(number, f"{account} {turn}", later, later) for number in order))
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=bring, args=each) for each in ((ANN, range(60)), (BOB, range(59, 19, -1)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert failures == []
    assert rows(connection, "SELECT count(*), count(*) FILTER (WHERE is_reader) FROM pyrus.task_sightings")[0][1] == 60


def test_a_task_is_deleted_when_no_account_sees_it_any_more(connection: Connection) -> None:
    loaded(connection, ANN, served(1, "both", EARLY), served(2, "of Ann", EARLY))
    loaded(connection, BOB, served(1, "both", EARLY))
    deleted = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL ORDER BY 1"

    with connection.transaction():
        assert mark_deleted(connection, ANN, [1, 2], []) == 1
    assert rows(connection, deleted) == [(2,)]
    assert list(doubted(connection, BOB)) == [1]

    with connection.transaction():
        assert mark_deleted(connection, BOB, [1], []) == 1
    assert rows(connection, deleted) == [(1,), (2,)]


def test_a_denied_task_is_not_an_error_while_another_active_account_sees_it(connection: Connection) -> None:
    loaded(connection, ANN, served(1, "a", EARLY))
    denied = Rejected(1, "fetch", "Refused with 403.", None, None, denied=True)

    assert reject(connection, BOB, [denied]) == 0
    assert open_rejections(connection, BOB) == {}

    connection.execute("UPDATE pyrus.sync_cursors SET updated_at = now() - interval '49 hours'")
    assert reject(connection, BOB, [denied]) == 1
    assert open_rejections(connection, BOB) == {1: None}
    assert open_rejections(connection, ANN) == {}


def test_a_part_over_a_stored_body_is_not_turned_back_by_a_rebuild(connection: Connection) -> None:
    """The next run fetches the whole task; its body ends that, even if it is the stored one."""
    loaded(connection, ANN, served(1, "whole", EARLY))
    loaded(connection, ANN, TaskLoad(1, task_rows(Task(id=1, text="part", modified_date=LATE))))
    mark_all(connection)
    assert outdated(connection) == 0
    assert list(doubted(connection, ANN)) == [1]

    loaded(connection, ANN, served(1, "whole", LATE)._replace(asked_again=True))
    assert rows(connection, TEXT) == [("whole",)]
    assert rows(connection, "SELECT is_overtaken, is_doubted FROM pyrus.raw_tasks") == [(False, False)]


def test_a_part_no_newer_than_the_stored_body_is_left_out(connection: Connection) -> None:
    loaded(connection, ANN, served(1, "whole", LATE, LATE))

    assert loaded(connection, ANN, TaskLoad(1, task_rows(Task(id=1, text="part", modified_date=LATE)))) == set()
    assert rows(connection, TEXT) == [("whole",)]


def test_the_same_body_brought_by_both_at_the_same_second_is_not_doubted(
    database: Secret, connection: Connection
) -> None:
    """Bob compares again after Ann's commit, and writes nothing."""
    with connect(database) as second, second.transaction():
        load(second, BOB, [served(2, "b", EARLY)])
        thread = threading.Thread(target=loaded, args=(connection, ANN, served(1, "a", EARLY), served(2, "b", EARLY)))
        thread.start()
        while not rows(second, "SELECT FROM pg_locks WHERE NOT granted"):
            pass
    thread.join()

    assert rows(connection, READERS) == [(1, ANN), (2, BOB)]
    assert doubted(connection, BOB) == {}


def test_a_hinted_body_older_than_the_stored_one_is_asked_for_again(connection: Connection) -> None:
    """A replica that lags may have served it. If it is served again, the date was really set back."""
    loaded(connection, ANN, served(1, "new", LATE, LATE))

    loaded(connection, ANN, served(1, "old", LATE + timedelta(minutes=1), EARLY)._replace(is_unlisted=True))
    assert list(doubted(connection, ANN)) == [1]

    later = LATE + timedelta(minutes=2)
    loaded(connection, ANN, served(1, "old", later, EARLY)._replace(asked_again=True))
    assert rows(connection, "SELECT is_doubted FROM pyrus.raw_tasks") == [(False,)]

    loaded(connection, ANN, served(1, "older", later, EARLY - timedelta(hours=1)))  # as a list shows it
    assert list(doubted(connection, ANN)) == []
