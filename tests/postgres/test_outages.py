"""A database that restarts, stays away or has no space left: what the run does, and the one after it."""

import os
import signal
import subprocess
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psycopg
import pytest

from pyrus_etl.reports.upgrade.migrate import upgrade
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.processes import eventually, started
from tests.runs import program
from tests.servers import Server, embedded_server, server_folder, stopped
from tests.services import need
from tests.typing import Query

COUNT = "SELECT count(*) FROM pyrus.tasks"
MIB = 1 << 20


@pytest.fixture
def slow() -> Iterator[Sandbox]:
    """A sandbox of 240 tasks that takes its time over each answer."""
    with Sandbox(World(1, tasks=240), cap=80, faults=Faults(slow=1.0, seconds=0.15)) as sandbox:
        yield sandbox


@pytest.fixture
def server() -> Iterator[Server]:
    """A server of the test's own, with the schema in the database `pyrus`; it loses no commit when it is killed."""
    with server_folder() as folder, embedded_server(folder) as server:
        server.execute("ALTER SYSTEM SET synchronous_commit = on")
        server.execute("SELECT pg_reload_conf()")
        upgrade(server.url("pyrus"))
        yield server


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
def test_a_server_that_restarts_in_the_middle_is_waited_for_and_nothing_is_fetched_twice(
    slow: Sandbox, server: Server, query: Query, how: signal.Signals
) -> None:
    database = server.url("pyrus")
    with started("backfill", sandbox=slow, database=database) as process:
        eventually(lambda: query(database, COUNT)[0][0] > 60)
        with stopped(server, how):
            time.sleep(3)
        _, err = process.communicate(timeout=60)

    assert (process.returncode, "Traceback" in err) == (0, False), err
    assert set(Counter(slow.requests.fetched).values()) == {1}
    assert_tables_equal_world(database, slow.world)


def test_a_server_that_stays_away_ends_a_run_with_5_and_the_next_run_goes_on(
    slow: Sandbox, server: Server, query: Query, impatient: None
) -> None:
    database = server.url("pyrus")
    with started("backfill", sandbox=slow, database=database) as process:
        eventually(lambda: query(database, COUNT)[0][0] > 60)
        with stopped(server):
            _, err = process.communicate(timeout=60)

    assert (process.returncode, "Traceback" in err) == (5, False), err
    assert_the_next_backfill_goes_on(slow, database)


def test_a_full_disk_ends_a_run_with_5_and_the_next_goes_on(slow: Sandbox, database: Secret, query: Query) -> None:
    """PostgreSQL raises this error if a table cannot grow. A trigger raises it here, so the test works anywhere."""
    query(
        database,
        "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        "RAISE disk_full USING MESSAGE = 'could not extend file: No space left on device'; END $$",
    )
    with started("backfill", sandbox=slow, database=database) as process:
        eventually(lambda: query(database, COUNT)[0][0] > 60)
        query(database, "CREATE TRIGGER full_disk BEFORE INSERT ON pyrus.raw_tasks EXECUTE FUNCTION full_disk()")
        _, err = process.communicate(timeout=60)

    assert (process.returncode, "Traceback" in err) == (5, False), err
    assert "No space left on device" in err.splitlines()[-1]

    query(database, "DROP FUNCTION full_disk CASCADE")
    assert_the_next_backfill_goes_on(slow, database)


def test_a_disk_that_really_is_full_gives_the_same(slow: Sandbox, query: Query) -> None:
    with small_disk(160 * MIB) as disk, embedded_server(disk) as server:
        database = server.url("pyrus")
        upgrade(database)
        with started("backfill", sandbox=slow, database=database) as process:
            eventually(lambda: query(database, COUNT)[0][0] > 60)
            ballast = fill(disk)
            _, err = process.communicate(timeout=60)

        assert (process.returncode, "Traceback" in err) == (5, False), err
        assert "No space left on device" in err.splitlines()[-1]

        ballast.unlink()
        assert_the_next_backfill_goes_on(slow, database)


@pytest.mark.parametrize("left", [0, MIB])
def test_an_embedded_database_without_space_ends_a_run_with_5(tmp_path: Path, left: int) -> None:
    with small_disk(2 * MIB) as disk, Sandbox(World(1, tasks=5)) as sandbox:
        fill(disk, left)
        process = program("sync", sandbox=sandbox, HOME=str(tmp_path), XDG_DATA_HOME=str(disk))

    assert (process.returncode, "Traceback" in process.stderr) == (5, False), process.stderr
    assert "No space left on device" in process.stderr


def assert_the_next_backfill_goes_on(slow: Sandbox, database: Secret) -> None:
    """It fetches no committed task again, and in the end the tables equal the world."""
    with psycopg.connect(database.reveal()) as connection:
        committed = {task_id for (task_id,) in connection.execute("SELECT task_id FROM pyrus.tasks")}
    slow.faults = Faults()
    slow.requests.clear()
    process = program("backfill", sandbox=slow, database=database)

    assert process.returncode == 0, process.stderr
    assert not committed & set(slow.requests.fetched)
    assert_tables_equal_world(database, slow.world)


@contextmanager
def small_disk(size: int) -> Iterator[Path]:
    """A file system of `size` bytes; skips the test if none may be mounted."""
    with tempfile.TemporaryDirectory(prefix="disk-") as folder:
        mount = subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder], capture_output=True)
        need("mount", mount.returncode == 0)
        try:
            yield Path(folder)
        finally:
            subprocess.run(["umount", folder], check=True)


def fill(disk: Path, left: int = 0) -> Path:
    """Takes all free space except `left` bytes; returns the file that takes it."""
    ballast = disk / "ballast"
    eventually(lambda: _taken(ballast, left))
    return ballast


def _taken(ballast: Path, left: int) -> bool:
    """Whether a file took the space; a server may have taken some of it in the meantime."""
    with ballast.open("wb") as file, suppress(OSError):
        free = os.statvfs(ballast.parent)
        os.posix_fallocate(file.fileno(), 0, free.f_bavail * free.f_frsize - left)
        return True
    return False
