"""Backups, and the way from the embedded database to a server."""

import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path

import pytest

from pyrus_etl.reports.upgrade.migrate import differences
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from tests.cli.test_program import sentence
from tests.conftest import clone
from tests.oracle import assert_tables_equal_world
from tests.runs import program
from tests.servers import Server
from tests.typing import Query

SHOWN = "SELECT (SELECT count(*) FROM pyrus.notes), (SELECT count(*) FROM pyrus_report.task_overview)"


@pytest.fixture
def empty(postgresql_15: Server) -> Iterator[Secret]:
    """An empty database on an older server than the embedded one."""
    with clone(postgresql_15, template="template0") as url:
        yield url


def test_the_embedded_database_moves_to_a_server_and_the_next_sync_goes_on_there(
    empty: Secret, tmp_path: Path, query: Query
) -> None:
    at_home = partial(program, HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path / "data"))
    with Sandbox(World(1, tasks=40)) as sandbox:
        assert at_home("sync", sandbox=sandbox).returncode == 0
        assert at_home("reports", "refresh").returncode == 0
        moved = at_home("db", "move", "--json", database=empty)
        synced = json.loads(program("sync", "--json", sandbox=sandbox, database=empty).stdout)
        again = at_home("db", "move", database=empty)

        assert moved.returncode == 0, moved.stderr
        assert_tables_equal_world(empty, sandbox.world)
    rows = json.loads(moved.stdout)
    assert (rows["tables"]["tasks"], rows["rows"]) == (40, sum(rows["tables"].values()))
    assert (synced["tasks_fetched"], synced["status"]) == (0, "ok")
    assert differences(empty) == []
    assert query(empty, "SELECT count(*) > 0 FROM pg_views WHERE viewname LIKE 'form\\_%'") == [(True,)]
    assert again.returncode == 5
    assert "already has rows" in sentence(again)


@pytest.mark.parametrize(
    ("database_url", "problem"),
    [("", "DATABASE_URL is not set"), ("postgresql://localhost/x", "has no embedded database to move")],
)
def test_there_must_be_something_to_move_and_a_place_for_it(tmp_path: Path, database_url: str, problem: str) -> None:
    database = Secret(database_url) if database_url else None
    refused = program("db", "move", database=database, HOME=str(tmp_path), XDG_DATA_HOME=str(tmp_path))

    assert refused.returncode == 2
    assert problem in sentence(refused)


def test_a_backup_restores_everything_into_an_empty_database(
    database: Secret, empty_database: Secret, tmp_path: Path, query: Query
) -> None:
    with Sandbox(World(51, tasks=60)) as sandbox:
        assert program("sync", sandbox=sandbox, database=database).returncode == 0
    dumped = program("db", "dump", "backup.dump", database=database)
    restored = program("db", "restore", "backup.dump", database=empty_database)

    assert (dumped.returncode, restored.returncode) == (0, 0), dumped.stderr + restored.stderr
    assert_tables_equal_world(empty_database, sandbox.world)
    assert query(empty_database, SHOWN) == query(database, SHOWN)
    assert differences(empty_database) == []
    assert [path.name for path in tmp_path.iterdir()] == ["backup.dump"]

    again = program("db", "restore", "backup.dump", database=empty_database)
    assert again.returncode == 5
    assert "already has the schema pyrus" in sentence(again)


def test_what_is_no_backup_changes_nothing_and_a_place_that_is_missing_is_named(
    empty_database: Secret, tmp_path: Path, query: Query
) -> None:
    (tmp_path / "notes.txt").write_text("no backup")
    odd = program("db", "restore", "notes.txt", database=empty_database)
    nowhere = program("db", "dump", "missing/backup.dump", database=empty_database)

    assert odd.returncode == 5
    assert "pg_restore" in sentence(odd)
    assert query(empty_database, "SELECT to_regnamespace('pyrus') IS NULL") == [(True,)]
    assert nowhere.returncode == 5
    assert "missing/.backup.dump.part" in sentence(nowhere)
