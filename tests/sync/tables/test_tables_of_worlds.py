"""Whole worlds through the pipeline, compared with the oracle; and the rows that a second run does not touch."""

import hashlib
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from pyrus_etl.load.progress.inbox import write_inbox
from pyrus_etl.postgres.connection import connect
from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT
from pyrus_etl.settings import Secret
from tests.normalize.reading import FULL, FULL_ID
from tests.oracle import COLUMNS, assert_tables_equal_world, plain_json
from tests.runs import CHECKOUT, backfill, sync
from tests.services import need
from tests.typing import Query

SAMPLES = CHECKOUT.parent / "shared" / "samples"
"""The vendor's own examples, if they are next to the checkout."""


def versions(query: Query, database: Secret, tables: tuple[str, ...] = tuple(COLUMNS)) -> dict[str, Any]:
    """The transaction that wrote each row, and the row's place on the disk."""
    return {table: query(database, f"SELECT xmin::text, ctid::text FROM pyrus.{table} ORDER BY 2") for table in tables}


def test_a_world_is_stored_to_the_last_value(each_database: Secret) -> None:
    with Sandbox(World(11, tasks=250)) as sandbox:
        result = sync(sandbox, each_database)

        assert (result.status, result.counts.tasks_failed, result.counts.values_unreadable) == ("ok", 0, 0)
        assert_tables_equal_world(each_database, sandbox.world)


def test_after_changes_of_every_kind_the_tables_equal_the_world_again(database: Secret) -> None:
    world = World(12, tasks=120)
    with Sandbox(world) as sandbox:
        sync(sandbox, database)
        ids = world.task_ids()
        world.live(5 * 24 * 3600, changes=120)
        world.purge(ids[3])
        world.backdate(ids[4], datetime.fromisoformat("2026-03-01T00:00:00Z"))
        world.put(ids[5], FULL.replace(str(FULL_ID).encode(), str(ids[5]).encode()))
        world.create(3)
        backfill(sandbox, database)  # a sync alone does not see a backdated task

        assert_tables_equal_world(database, world, lived=True)


def test_a_second_backfill_writes_no_row_again(database: Secret, query: Query) -> None:
    with Sandbox(World(13, tasks=80), cap=30) as sandbox:
        backfill(sandbox, database)
        before = versions(query, database)
        backfill(sandbox, database)

    assert versions(query, database) == before


def test_tasks_listed_without_a_date_are_fetched_again_and_not_written(database: Secret, query: Query) -> None:
    world = World(tasks=0)
    world.put(FULL_ID, FULL, modified=None)
    with Sandbox(world) as sandbox:
        backfill(sandbox, database)
        before = versions(query, database)
        again = backfill(sandbox, database)

    assert again.counts.tasks_fetched == again.counts.tasks_unchanged > 0
    assert again.counts.tasks_changed == 0
    assert versions(query, database) == before


def test_the_modification_date_is_that_of_the_body_only(database: Secret, query: Query) -> None:
    """The date in a list may be newer than the body; it is stored separately."""
    world = World(tasks=0)
    world.put(1, b'{"TaskWithNotes": {"Id": 1}}')
    with Sandbox(world) as sandbox:
        sync(sandbox, database)

    assert query(database, "SELECT modified_date FROM pyrus.tasks") == [(None,)]


def test_the_inbox_is_kept_in_its_order_and_follows_it(database: Secret, query: Query) -> None:
    world = World(tasks=0)
    inbox = "SELECT account_id, task_id, position FROM pyrus.inbox_tasks ORDER BY position"
    with Sandbox(world) as sandbox:
        for task_id in (1, 2, 3):
            world.put(task_id, assigned_to_the_account(task_id))
        sync(sandbox, database)
        assert query(database, inbox) == [(ACCOUNT.id, 3, 1), (ACCOUNT.id, 2, 2), (ACCOUNT.id, 1, 3)]

        world.put(1, assigned_to_the_account(1))
        world.delete(2)
        sync(sandbox, database)
        assert query(database, inbox) == [(ACCOUNT.id, 1, 1), (ACCOUNT.id, 3, 2)]


def test_a_task_that_the_inbox_lists_twice_has_its_first_position(database: Secret, query: Query) -> None:
    with connect(database) as connection:
        for _ in range(2):
            write_inbox(connection, ACCOUNT.id, [1, 2, 1, 3])

            assert query(database, "SELECT task_id, position FROM pyrus.inbox_tasks ORDER BY position") == [
                (1, 1),
                (2, 2),
                (3, 4),
            ]


@pytest.mark.parametrize("encoding", ["WIN1251", "LATIN1", "SQL_ASCII"])
def test_the_encoding_in_the_environment_has_no_effect(
    database: Secret, monkeypatch: pytest.MonkeyPatch, encoding: str
) -> None:
    world = World(3, tasks=30)
    world.put(1, '{"TaskWithNotes": {"Id": 1, "Text": "Задача ü 漢", "Новое": "поле"}}'.encode())
    monkeypatch.setenv("PGCLIENTENCODING", encoding)
    with Sandbox(world) as sandbox:
        upgrade(database)
        sync(sandbox, database)

    monkeypatch.delenv("PGCLIENTENCODING")
    assert_tables_equal_world(database, world)


def assigned_to_the_account(task_id: int) -> bytes:
    return b'{"TaskWithNotes": {"Id": %d, "Responsible": {"Id": %d}}}' % (task_id, ACCOUNT.id)


def test_the_hash_is_of_the_bytes_as_served(database: Secret, query: Query) -> None:
    served = b' {"TaskWithNotes" : {"Id": 1, "Text": "nul \\u0000"} }\n'
    world = World(tasks=0)
    world.put(1, served)
    with Sandbox(world) as sandbox:
        sync(sandbox, database)

    assert query(database, "SELECT payload_sha256 FROM pyrus.raw_tasks") == [(hashlib.sha256(served).hexdigest(),)]


def test_the_vendors_examples_are_stored_completely(each_database: Secret) -> None:
    """Several are versions of one task, so each is synced on its own, listed without a date to have it fetched."""
    need("samples", SAMPLES.is_dir())
    found = samples()
    for sample in found:
        body = sample.read_bytes()
        task_id = plain_json(body)["TaskWithNotes"]["Id"]
        world = World(tasks=0)
        world.put(task_id, body, modified=None)
        with Sandbox(world) as sandbox:
            result = backfill(sandbox, each_database)

        assert (result.status, result.counts.values_unreadable) == ("ok", 0), sample.name
        assert_tables_equal_world(each_database, {task_id: body}, lived=True)

    assert found, f"{SAMPLES} has no example of a task"


def samples() -> list[Path]:
    return [path for path in sorted(SAMPLES.glob("v3_*.json")) if "TaskWithNotes" in plain_json(path.read_bytes())]
