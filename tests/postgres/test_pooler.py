"""Behind a proxy that shares sessions between transactions: a whole run, and its lock."""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from psycopg.conninfo import conninfo_to_dict

from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.processes import eventually, started
from tests.runs import program
from tests.services import need
from tests.typing import Query

PROGRAM = shutil.which("pgbouncer") or "/usr/sbin/pgbouncer"
SETTINGS = """
[databases]
* = host={upstream} user=postgres
[pgbouncer]
pool_mode = transaction
default_pool_size = 2
auth_type = any
unix_socket_dir = {folder}
listen_port = 5432
"""


@pytest.fixture
def pooled(database: Secret) -> Iterator[Secret]:
    """The database, reached through a pool of two sessions."""
    with pooler(database) as url:
        yield url


@contextmanager
def pooler(database: Secret) -> Iterator[Secret]:
    """A pooler in front of a database; skips the test if it is not installed."""
    need("pgbouncer", Path(PROGRAM).exists())
    upstream = conninfo_to_dict(database.reveal())
    with tempfile.TemporaryDirectory(prefix="pooler-") as folder:
        file = Path(folder) / "settings.ini"
        file.write_text(SETTINGS.format(upstream=upstream["host"], folder=folder), encoding="utf-8")
        as_whom = ["-u", "postgres"] if os.geteuid() == 0 else []
        if as_whom:
            shutil.chown(folder, "postgres")
        with subprocess.Popen([PROGRAM, "-q", *as_whom, file], stderr=subprocess.DEVNULL) as process:
            eventually((Path(folder) / ".s.PGSQL.5432").exists)
            yield Secret(f"postgresql://postgres@/{upstream['dbname']}?host={folder}&port=5432")
            process.terminate()


def test_every_command_works_behind_it(pooled: Secret, database: Secret) -> None:
    with Sandbox(World(1, tasks=120), cap=40) as sandbox:

        def code(*arguments: str) -> int:
            return program(*arguments, sandbox=sandbox, database=pooled).returncode

        assert code("backfill") == 0
        sandbox.world.live(3600, changes=40)
        assert code("sync") == 0
        gone = sandbox.world.task_ids()[7]
        kept = sandbox.world.body(gone)
        sandbox.world.delete(gone)
        assert code("reconcile") == 0
        assert_tables_equal_world(database, dict(sandbox.world.bodies()), gone={gone: kept}, lived=True)

        reports = ("reports materialize clock", "reports refresh", "reports materialize --drop clock")
        for command in (*reports, "status", "check", "errors list", "db upgrade", "db current", "db check", "db check"):
            assert code(*command.split()) == 0, command


def test_a_second_run_leaves_with_7_and_a_dead_holder_is_followed(
    pooled: Secret, database: Secret, query: Query
) -> None:
    with Sandbox(World(1, tasks=240), faults=Faults(slow=1.0, seconds=0.3)) as sandbox:
        with started("backfill", sandbox=sandbox, database=pooled) as holder:
            eventually(lambda: query(database, "SELECT count(*) FROM pyrus.tasks")[0][0] > 20)
            second = program("sync", sandbox=sandbox, database=pooled)
            holder.kill()
            holder.wait()
        sandbox.faults = Faults()
        third = program("sync", sandbox=sandbox, database=pooled)

        assert (second.returncode, third.returncode) == (7, 0), second.stderr + third.stderr
        assert_tables_equal_world(database, sandbox.world)
