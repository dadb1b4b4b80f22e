"""`db rebuild`: rows depend only on the stored bodies, and can be rebuilt without a request."""

import json
import signal
from collections.abc import Iterator

import pytest

from pyrus_etl.load.tasks.rebuild import advice, outdated, outdated_bodies
from pyrus_etl.postgres.connection import connect
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.schema.raw import READER
from pyrus_etl.settings import Secret
from tests.normalize.reading import FULL, FULL_ID
from tests.oracle import assert_tables_equal_world, read_tables
from tests.processes import eventually, started
from tests.runs import backfill, program, reconcile, sync
from tests.typing import Query

CHILDREN = ("task_projects", "approvals", "notes", "note_projects", "note_approvals", "form_values",
            "note_form_values", "form_value_items", "attachments")  # fmt: skip
OUTDATED = "SELECT count(*) FROM pyrus.raw_tasks WHERE read_by <> %s"


@pytest.fixture
def world() -> World:
    return World(7, tasks=150)


@pytest.fixture
def sandbox(world: World, database: Secret) -> Iterator[Sandbox]:
    """A Pyrus whose tasks are all stored, including one that uses every property."""
    world.put(FULL_ID, FULL)
    with Sandbox(world) as sandbox:
        sync(sandbox, database)
        world.advance(3)
        sync(sandbox, database)  # fetches tasks again that had just changed
        yield sandbox


def damage(query: Query, database: Secret) -> None:
    """Changes rows as if another version had written them."""
    for table in CHILDREN:
        query(database, f"DELETE FROM pyrus.{table}")
    query(database, "UPDATE pyrus.tasks SET text = 'another', form_id = NULL, main_project_id = 1, create_date = NULL")


def test_rows_are_rebuilt_without_a_request(sandbox: Sandbox, database: Secret, query: Query) -> None:
    before, requests = read_tables(database), sandbox.requests.total
    damage(query, database)
    process = program("db", "rebuild", "--json", database=database)

    assert process.returncode == 0, process.stderr
    assert json.loads(process.stdout)["tasks_rebuilt"] == 151
    assert read_tables(database) == before
    assert sandbox.requests.total == requests


def test_a_rebuild_replaces_no_body_and_marks_it_as_read_by_this_version(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    bodies = "SELECT task_id, payload_sha256, fetched_at, served_at, is_doubted FROM pyrus.raw_tasks ORDER BY 1"
    before = query(database, bodies)
    query(database, "UPDATE pyrus.raw_tasks SET read_by = 0")
    program("db", "rebuild", database=database)

    assert query(database, bodies) == before
    assert query(database, OUTDATED, READER) == [(0,)]


def test_rows_that_are_right_are_not_written_again(sandbox: Sandbox, database: Secret, query: Query) -> None:
    def written(table: str) -> list[tuple[object, ...]]:
        return query(database, f"SELECT ctid, xmin, synced_at FROM pyrus.{table} ORDER BY 1")

    before = {table: written(table) for table in ("tasks", *CHILDREN)}
    query(database, "UPDATE pyrus.note_projects SET project_id = -project_id")
    program("db", "rebuild", database=database)

    assert all(before.values())
    assert [table for table in before if written(table) != before[table]] == ["note_projects"]


def test_deleted_tasks_stay_deleted(sandbox: Sandbox, database: Secret, query: Query) -> None:
    sandbox.world.delete(sandbox.world.task_ids()[0])
    reconcile(sandbox, database)
    deleted = query(database, "SELECT task_id, deleted_at FROM pyrus.tasks WHERE deleted_at IS NOT NULL")
    program("db", "rebuild", database=database)

    assert query(database, "SELECT task_id, deleted_at FROM pyrus.tasks WHERE deleted_at IS NOT NULL") == deleted
    assert len(deleted) == 1


def test_a_rebuild_that_was_killed_goes_on(sandbox: Sandbox, database: Secret, query: Query) -> None:
    before = read_tables(database)
    damage(query, database)
    query(database, "UPDATE pyrus.raw_tasks SET read_by = 0")
    query(database, "UPDATE pyrus.raw_tasks SET read_by = %s WHERE mod(task_id, 2) = 0", READER)
    left = query(database, OUTDATED, READER)[0][0]
    process = program("db", "rebuild", "--json", database=database)

    assert json.loads(process.stdout)["tasks_rebuilt"] == left
    assert query(database, OUTDATED, READER) == [(0,)]
    program("db", "rebuild", database=database)  # none is left: all are made again
    assert read_tables(database) == before


def test_a_signal_ends_a_rebuild_between_two_pages(sandbox: Sandbox, database: Secret, query: Query) -> None:
    before = read_tables(database)
    query(database, "UPDATE pyrus.raw_tasks SET read_by = 0")
    query(database, "UPDATE pyrus.notes SET text = 'another'")
    query(
        database,
        "CREATE FUNCTION slow() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN PERFORM pg_sleep(0.005); RETURN NEW; END'",
    )
    query(database, "CREATE TRIGGER slow BEFORE INSERT ON pyrus.notes FOR EACH ROW EXECUTE FUNCTION slow()")
    with started("db", "rebuild", database=database) as process:
        eventually(lambda: query(database, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'COPY%notes%STDIN%'"))
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=60)

    assert process.returncode == 143, err
    assert "Traceback" not in err
    query(database, "DROP TRIGGER slow ON pyrus.notes")
    program("db", "rebuild", database=database)
    assert read_tables(database) == before


@pytest.mark.parametrize("run", [sync, reconcile, backfill])
def test_a_run_rebuilds_listed_tasks_without_fetching_them(
    sandbox: Sandbox, database: Secret, query: Query, run: type
) -> None:
    before = read_tables(database)
    damage(query, database)
    query(database, "UPDATE pyrus.raw_tasks SET read_by = 0")
    result = run(sandbox, database)

    assert result.counts.tasks_fetched == 0
    if run is not sync:  # a sync lists only recent changes
        assert read_tables(database) == before
        assert query(database, OUTDATED, READER) == [(0,)]


def test_large_bodies_do_not_add_up_in_a_page(sandbox: Sandbox, database: Secret, query: Query) -> None:
    query(database, "UPDATE pyrus.raw_tasks SET read_by = 0")

    with connect(database) as connection:
        whole = outdated_bodies(connection)
        assert len(whole) == 151
        assert outdated_bodies(connection, most_bytes=0) == whole[:1]
        assert outdated_bodies(connection, whole[0].task_id, most_bytes=0) == whole[1:2]


def test_check_and_an_upgrade_ask_for_a_rebuild(sandbox: Sandbox, database: Secret, query: Query) -> None:
    query(database, "UPDATE pyrus.raw_tasks SET read_by = 0")

    assert "151 tasks; run pyrus-etl db rebuild" in program("db", "upgrade", database=database).stdout
    assert "151 tasks; run pyrus-etl db rebuild" in program("check", sandbox=sandbox, database=database).stdout
    program("db", "rebuild", database=database)
    with connect(database) as connection:
        assert advice(connection) is None


def test_a_run_does_not_read_all_bodies_to_find_outdated_ones(database: Secret) -> None:
    scans = "SELECT seq_scan FROM pg_stat_xact_user_tables WHERE relname = 'raw_tasks'"
    with connect(database) as connection, connection.transaction():
        for table, columns, values in (
            ("tasks", "task_id, asap, is_any_rejected", "n, false, false"),
            ("raw_tasks", "task_id, payload, payload_sha256, fetched_at, read_by", f"n, '{{}}', n, now(), {READER}"),
        ):
            query = f"INSERT INTO pyrus.{table} ({columns}) SELECT {values} FROM generate_series(1, 3000) AS new (n)"
            connection.execute(query.encode())
        connection.execute("ANALYZE pyrus.raw_tasks")
        before = connection.execute(scans).fetchall()
        assert outdated(connection) == 0
        assert connection.execute(scans).fetchall() == before


def test_a_body_that_cannot_be_read_keeps_its_rows(sandbox: Sandbox, database: Secret, query: Query) -> None:
    rows = "SELECT count(*) FROM pyrus.notes WHERE task_id = %s"
    before = query(database, rows, FULL_ID)
    query(database, "UPDATE pyrus.raw_tasks SET payload = '5' WHERE task_id = %s", FULL_ID)
    process = program("db", "rebuild", database=database)

    assert process.returncode == 0
    assert f"the stored body of task {FULL_ID} cannot be read" in process.stderr
    assert query(database, rows, FULL_ID) == before


def test_rows_that_postgresql_refuses_cost_only_their_task(sandbox: Sandbox, database: Secret, query: Query) -> None:
    refused = sandbox.world.task_ids()[0]
    query(
        database,
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS "
        f"'BEGIN IF NEW.task_id = {refused} THEN RAISE ''not this one''; END IF; RETURN NEW; END'",
    )
    query(database, "UPDATE pyrus.notes SET text = 'another'")
    query(database, "CREATE TRIGGER refuse BEFORE INSERT ON pyrus.notes FOR EACH ROW EXECUTE FUNCTION refuse()")
    process = program("db", "rebuild", database=database)

    assert process.returncode == 6, process.stderr
    assert query(database, "SELECT task_id, stage FROM pyrus.sync_errors WHERE resolved_at IS NULL") == [
        (refused, "load")
    ]
    assert query(database, OUTDATED, READER) == [(1,)]
    query(database, "DROP TRIGGER refuse ON pyrus.notes")
    sync(sandbox, database)
    assert_tables_equal_world(database, sandbox.world)
