"""Hard cases for scripts and supervisors: odd settings, misplaced secrets, signals at any moment, a frozen run."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from pyrus_etl.postgres.connection import Connection, Session
from pyrus_etl.postgres.lease import Lease, acquire
from pyrus_etl.postgres.store import Store
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.settings import Secret
from tests.oracle import assert_tables_equal_world
from tests.processes import eventually, started
from tests.runs import program
from tests.scripted import Reply, scripted
from tests.typing import Query

RUNS = "SELECT status FROM pyrus.sync_runs ORDER BY run_id"


@pytest.mark.parametrize(
    ("setting", "value", "remedy"),
    [
        ("PYRUS_URL", "https://[::1", "write it like https://pyrus.com"),
        ("PYRUS_URL", "https://pyrus.com:port", "write it like https://pyrus.com"),
        ("PYRUS_URL", "https://pyrus.com:99999", "write it like https://pyrus.com"),
        ("PYRUS_URL", "https://user:canary@pyrus.com", "give only the origin"),
        ("PYRUS_URL", "https://user:canary@[pyrus.com", "write it like https://pyrus.com"),
        ("PYRUS_ETL_QUOTA", "99999999999999999999/1s", "write requests per period like 5000/600s"),
        ("PYRUS_ETL_OVERLAP", "999999d", "is longer than 3650 days"),
        ("DATABASE_URL", "postgresql://etl:canary/word@127.0.0.1:1/x", "/ as %2F"),
        ("DATABASE_URL", "postgresql://etl:wo/canary@127.0.0.1:1/x", "/ as %2F"),
        ("DATABASE_URL", "postgresql://etl:wo@canary@127.0.0.1:1/x", "@ as %40"),
        ("DATABASE_URL", "postgresql://etl:wo#canary@127.0.0.1:1/x", "# as %23"),
        ("DATABASE_URL", "postgresql://etl:wo%canary@127.0.0.1:1/x", "%"),
        ("DATABASE_URL", "postgresql://127.0.0.1:1/x?password=canary&sslmode=none", "sslmode must be one of"),
    ],
)
def test_a_setting_that_cannot_be_used_is_2_and_a_sentence_that_never_shows_a_secret(
    setting: str, value: str, remedy: str
) -> None:
    process = program("sync", "--json", "--log-level", "DEBUG", sandbox=None, database=None, **{setting: value})

    assert process.returncode == 2
    assert process.stderr.startswith(f"pyrus-etl: {setting}: ")
    assert remedy in process.stderr
    assert len(process.stderr.splitlines()) == 1
    assert "canary" not in process.stdout + process.stderr
    assert json.loads(process.stdout)["status"] == "failed"


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://etl:canary@db.example/x", "postgresql://etl@db.example/x\n"),
        ("postgresql://db.example/x?user=etl&password=canary", "postgresql://etl@db.example/x\n"),
        ("postgresql://db.example/x?pass%77ord=canary", "postgresql://db.example/x\n"),
        ("postgresql://db.example/x?sslpassword=canary", "postgresql://db.example/x\n"),
        ("postgresql://etl:wo/canary@db.example/x", ""),
        ("postgresql://etl:wo@canary@db.example/x", ""),
        ("postgresql://etl:wo?canary@db.example/x", ""),
        ("postgresql://etl:wo#canary@db.example/x", ""),
    ],
)
def test_db_url_shows_no_password_however_it_is_written(url: str, shown: str) -> None:
    process = program("db", "url", DATABASE_URL=url)

    assert (process.returncode, process.stdout) == (0 if shown else 2, shown)
    assert "canary" not in process.stderr


def test_a_refused_port_is_4_in_one_sentence(database: Secret, impatient: None) -> None:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))  # bound, but not listening
        url = f"http://127.0.0.1:{held.getsockname()[1]}"
        process = program("sync", "--json", database=database, PYRUS_URL=url, PYRUS_ACCESS_TOKEN="canary")

    assert process.returncode == 4
    (message,) = [line for line in process.stderr.splitlines() if " INFO " not in line]
    assert url in message
    assert json.loads(process.stdout)["status"] == "failed"


def test_a_redirect_is_4_and_the_token_is_not_sent_on(database: Secret) -> None:
    with scripted(lambda _: Reply(200, b"{}")) as elsewhere:
        away = Reply(302, b"", {"Location": f"{elsewhere.url}/restapi/profile"})
        with scripted(lambda _: away) as server:
            process = program("sync", database=database, PYRUS_URL=server.url, PYRUS_ACCESS_TOKEN="canary")

        assert elsewhere.asked == []
    assert process.returncode == 4
    assert "redirect" in process.stderr
    assert "canary" not in process.stderr


@pytest.mark.parametrize(
    ("endpoint", "every"),
    [
        ("searchtasks", []),
        ("alltasks", []),
        ("contacts", []),
        ("inbox", ["--every", "1h"]),
        ("contacts", ["--every", "1h"]),
    ],
)
def test_a_signal_at_any_request_ends_the_program(
    database: Secret, query: Query, endpoint: str, every: list[str]
) -> None:
    with Sandbox(World(1, tasks=5), faults=Faults(slow=1.0, seconds=1.0, endpoints=(endpoint,))) as sandbox:
        with started("sync", *every, sandbox=sandbox, database=database) as process:
            eventually(lambda: sandbox.requests.endpoints[endpoint])
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=60)

        assert process.returncode == 143
        assert "Traceback" not in err
        assert query(database, RUNS)[0][0] == "partial"

        sandbox.faults = Faults()
        assert program("sync", sandbox=sandbox, database=database).returncode == 0
        assert_tables_equal_world(database, sandbox.world)


@pytest.mark.parametrize("arguments", [["check"], ["check", "--json"]])
def test_a_signal_before_the_command_line_is_imported_ends_the_program_as_later_ones_do(arguments: list[str]) -> None:
    """__main__.py heeds signals first; after that, imports take a moment."""
    first = (
        "import signal; from pyrus_etl.signals import end_at_once; end_at_once(); signal.raise_signal(signal.SIGINT)"
    )
    ended = subprocess.run([sys.executable, "-c", first, *arguments], capture_output=True, text=True, check=False)

    assert (ended.returncode, ended.stderr) == (130, "")
    shown = '{"status":"failed","error":"Stopped by SIGINT.","exit_code":130}\n'
    assert ended.stdout == (shown if "--json" in arguments else "")


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_while_the_login_hangs_ends_the_program_at_once(database: Secret, number: int, code: int) -> None:
    with (
        Sandbox(World(1, tasks=5), faults=Faults(slow=1.0, seconds=120, endpoints=("token",))) as sandbox,
        started("sync", sandbox=sandbox, database=database) as process,
    ):
        eventually(lambda: sandbox.requests.logins)
        started_at = time.monotonic()
        process.send_signal(number)
        _, err = process.communicate(timeout=90)

        assert time.monotonic() - started_at < 60
    assert process.returncode == code
    assert "Traceback" not in err


@pytest.mark.parametrize("table", ["report_views", "report_columns"])
def test_a_signal_after_the_run_ends_the_program_with_the_results_of_the_run(
    database: Secret, query: Query, table: str
) -> None:
    """While it looks for fields without a column, and while it makes the first views."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
    with Sandbox(World(1, tasks=5)) as sandbox, psycopg.connect(database.reveal()) as reader:
        reader.execute(f"LOCK TABLE pyrus.{table}".encode())
        with started("sync", "--json", sandbox=sandbox, database=database) as process:
            eventually(lambda: query(database, waits)[0][0])
            process.send_signal(signal.SIGTERM)
            out, _ = process.communicate(timeout=60)

    found = json.loads(out)
    assert (found["status"], found["tasks_fetched"], found["exit_code"]) == ("ok", 5, 143)
    assert process.returncode == 143


def test_a_frozen_run_whose_lock_was_taken_commits_nothing_more(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=200), faults=Faults(slow=1.0, seconds=0.2), cap=80) as sandbox:
        with started("backfill", sandbox=sandbox, database=database) as frozen:
            eventually(lambda: query(database, "SELECT count(*) FROM pyrus.tasks")[0][0] > 20)
            frozen.send_signal(signal.SIGSTOP)
            sandbox.faults = Faults()
            second = program("sync", sandbox=sandbox, database=database)
            before = query(database, "SELECT task_id, xmin::text FROM pyrus.raw_tasks ORDER BY task_id")
            frozen.send_signal(signal.SIGCONT)
            _, err = frozen.communicate(timeout=90)

        assert second.returncode == 0, second.stderr
        assert frozen.returncode == 7, err
        assert query(database, "SELECT task_id, xmin::text FROM pyrus.raw_tasks ORDER BY task_id") == before
        assert_tables_equal_world(database, sandbox.world)


def test_a_holder_that_froze_during_a_commit_blocks_others_only_briefly(database: Secret) -> None:
    """For example, its host is gone and its connection is still open: the database must end it."""

    async def take() -> float:
        started_at = time.monotonic()
        async with Store(database) as store:
            await store.hold(Lease(1, uuid4()))
        return time.monotonic() - started_at

    with frozen_in_a_commit(database):
        assert asyncio.run(take()) < 60


def test_the_server_ends_a_run_that_froze_while_it_logged_in_or_took_the_lock(database: Secret, query: Query) -> None:
    """Otherwise a machine that dies at this moment leaves locks that nobody releases for hours."""
    inside, thawed = threading.Semaphore(0), threading.Event()
    idle = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'"

    def stand_still() -> None:
        inside.release()
        thawed.wait(300)

    class Freezing(Session):
        @contextmanager
        def transaction(self, *given: Any, **more: Any) -> Iterator[psycopg.Transaction]:
            with super().transaction(*given, **more) as transaction:
                yield transaction
                stand_still()

    async def log_in() -> None:
        async with Store(database) as store:
            await store.transaction(lambda _: stand_still())

    def take_the_lock() -> None:
        with suppress(psycopg.Error), closing(Freezing.connect(database.reveal(), autocommit=True)) as session:
            acquire(session, Lease(1, uuid4()), threading.Event())

    threads = [threading.Thread(target=freeze) for freeze in (lambda: asyncio.run(log_in()), take_the_lock)]
    for thread in threads:
        thread.start()
    try:
        assert all(inside.acquire(timeout=60) for _ in threads)
        eventually(lambda: not query(database, idle))
    finally:
        thawed.set()
        for thread in threads:
            thread.join()


@contextmanager
def frozen_in_a_commit(database: Secret) -> Iterator[None]:
    """A holder of the lock of account 1 that is frozen between two statements of a transaction."""
    inside, thawed = threading.Event(), threading.Event()

    def stand_still(_: Connection) -> None:
        inside.set()
        thawed.wait(120)

    async def freeze() -> None:
        async with Store(database) as store:
            await store.hold(Lease(1, uuid4()))
            await store.transaction(stand_still)

    def run() -> None:
        try:
            asyncio.run(freeze())
        except Exception as error:
            print(f"the frozen holder ended with {error!r}")

    holder = threading.Thread(target=run)
    holder.start()
    assert inside.wait(60)
    try:
        yield
    finally:
        thawed.set()
        holder.join()
