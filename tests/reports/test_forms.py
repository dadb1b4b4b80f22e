"""Forms of stored tasks are inferred as a run infers them for fetched tasks."""

import random
import threading
import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from pyrus_etl.given import Given
from pyrus_etl.load.tasks.batch import load
from pyrus_etl.normalize.task import task_rows
from pyrus_etl.postgres.connection import Connection, connect
from pyrus_etl.reports import forms
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema.task import TaskRow
from pyrus_etl.schema.task import tasks as tasks_table
from pyrus_etl.settings import Secret
from tests.load.test_batch import body
from tests.loads import ACCOUNT, task_load
from tests.normalize.reading import task_of
from tests.oracle import assert_tables_equal_world
from tests.runs import sync
from tests.typing import Query

Overrides = Mapping[int, int | None]

FORM = [{"Field": {"Id": 1, "Type": "Text", "Name": "What"}, "Text": "a"}]
STORED = "SELECT task_id, form_id FROM pyrus.tasks ORDER BY task_id"


@pytest.fixture
def connection(database: Secret) -> Iterator[Connection]:
    with connect(database) as opened:
        yield opened


def override(connection: Connection, overrides: Overrides) -> None:
    for project_id, form_id in overrides.items():
        connection.execute("INSERT INTO pyrus.form_overrides VALUES (%s, %s)", [project_id, form_id])


def store(connection: Connection, *bodies: bytes) -> None:
    with connection.transaction():
        load(connection, ACCOUNT, [task_load(each) for each in bodies])


def infer(connection: Connection) -> None:
    with connection.transaction():
        forms.infer(connection)


def given_by_a_run(bodies: list[bytes], overrides: Overrides) -> list[tuple[int, Given[int]]]:
    rows = [TaskRow(*task_rows(task_of(each)[0], overrides).owned[tasks_table][0]) for each in bodies]
    return [(row.task_id, row.form_id) for row in rows]


def chosen(dice: random.Random) -> tuple[list[bytes], Overrides]:
    """Tasks filed in a random forest of projects, with overrides for some projects."""
    forest: dict[int, dict[str, Any]] = {}
    for project_id in range(1, 13):
        above = dice.choice([None, *forest.values()])
        forest[project_id] = {"Id": project_id, "Parent": above} if above else {"Id": project_id}
    filed = [dice.sample(sorted(forest), dice.randint(0, 4)) for _ in range(60)]
    bodies = [
        body(task_id, Projects=[forest[each] for each in ids], Form=dice.choice([FORM, FORM, None]))
        for task_id, ids in enumerate(filed, start=1)
    ]
    return bodies, {each: dice.choice([None, 100, 200]) for each in dice.sample(range(1, 15), dice.randint(0, 4))}


@pytest.mark.parametrize("seed", range(12))
def test_stored_tasks_get_the_form_that_a_run_gives_them(connection: Connection, seed: int) -> None:
    bodies, overrides = chosen(random.Random(seed))
    store(connection, *bodies)
    override(connection, overrides)
    infer(connection)

    assert connection.execute(STORED.encode()).fetchall() == given_by_a_run(bodies, overrides)


def test_correct_forms_are_not_written_again(connection: Connection) -> None:
    written = b"SELECT task_id, xmin::text FROM pyrus.tasks ORDER BY 1"
    store(connection, *(body(number, Projects=[{"Id": 5}], Form=FORM) for number in (1, 2)))
    before = connection.execute(written).fetchall()
    infer(connection)

    assert connection.execute(written).fetchall() == before


def test_projects_in_a_cycle_do_not_cause_an_endless_loop(connection: Connection) -> None:
    store(
        connection,
        body(1, Projects=[{"Id": 1, "Parent": {"Id": 2}}], Form=FORM),
        body(2, Projects=[{"Id": 2, "Parent": {"Id": 1}}], Form=FORM),
    )
    infer(connection)

    assert {form_id for _, form_id in connection.execute(STORED.encode())} <= {1, 2}


def test_tasks_without_forms_get_those_that_a_sync_gave(database: Secret, query: Query) -> None:
    with Sandbox(World(31, tasks=120)) as sandbox:
        sync(sandbox, database)
        query(database, "UPDATE pyrus.tasks SET form_id = NULL, main_project_id = NULL")
        query(database, "DELETE FROM pyrus.form_fields")
        with connect(database) as connection:
            infer(connection)

        assert_tables_equal_world(database, sandbox.world)


def test_a_manual_override_counts_in_the_next_run(database: Secret, query: Query) -> None:
    world = World(tasks=0)
    world.put(1, body(1, Projects=[{"Id": 5}], Form=FORM))
    query(database, "INSERT INTO pyrus.form_overrides VALUES (5, 77)")
    with Sandbox(world) as sandbox:
        sync(sandbox, database)

    assert query(database, STORED) == [(1, 77)]
    assert query(database, "SELECT form_id, field_id FROM pyrus.form_fields") == [(77, 1)]


def test_a_task_that_a_run_writes_at_the_same_time_keeps_its_form(database: Secret, query: Query) -> None:
    waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with connect(database) as run, connect(database) as other:
        store(run, body(1, Projects=[{"Id": 5}], Form=FORM))
        override(run, {5: 77})
        inferring = threading.Thread(target=infer, args=[other])
        with run.transaction():
            run.execute("UPDATE pyrus.tasks SET form_id = 88")
            inferring.start()
            while query(database, waiting) == [(0,)]:
                time.sleep(0.01)
        inferring.join()

    assert query(database, STORED) == [(1, 88)]
