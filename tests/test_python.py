"""The Python API: runs in the caller's process, in any thread, silent, with errors that are raised."""

import asyncio
import inspect
import logging
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields, replace
from datetime import date
from pathlib import Path

import pytest

import pyrus_etl
from pyrus_etl import aio
from pyrus_etl.errors import BudgetSpent, LoginRefused, SettingsError
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.schema.counts import COUNTERS
from pyrus_etl.settings import Secret
from tests.conftest import environment_of, settings_for
from tests.runs import CHECKOUT, program_environment
from tests.typing import Query

HEAVY = ("aiohttp", "alembic", "asyncio", "click", "msgspec", "psycopg", "rich", "sqlalchemy")


def test_the_import_is_light_and_brings_every_name() -> None:
    code = f"import sys, pyrus_etl; print([name for name in {HEAVY} if name in sys.modules])"
    process = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=CHECKOUT, check=True)

    assert process.stdout == "[]\n"
    assert [name for name in pyrus_etl.__all__ if not hasattr(pyrus_etl, name)] == []
    assert set(pyrus_etl.__all__) <= set(dir(pyrus_etl))


def test_sync_is_a_function_although_a_package_has_its_name() -> None:
    from pyrus_etl.sync.result import Result

    assert callable(pyrus_etl.sync)
    assert pyrus_etl.Result is Result


def test_a_run_returns_its_result(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        settings = settings_for(sandbox, database)
        filled = pyrus_etl.backfill(settings, start=date(2000, 1, 1))
        again = pyrus_etl.sync(settings)
        census = pyrus_etl.reconcile(settings)

    assert [(each.kind, each.status) for each in (filled, again, census)] == [
        ("backfill", "ok"),
        ("sync", "ok"),
        ("reconcile", "ok"),
    ]
    assert (filled.counts.tasks_changed, again.counts.tasks_changed) == (20, 0)
    assert query(database, "SELECT count(*) FROM pyrus.sync_runs WHERE run_id = %s", filled.run_id) == [(1,)]


def test_runs_in_worker_threads_work_side_by_side(database: Secret, empty_database: Secret, query: Query) -> None:
    subprocess.run(
        [sys.executable, "-m", "pyrus_etl", "db", "upgrade"],
        env=program_environment(None, empty_database),
        check=True,
        capture_output=True,
    )
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)]
    with Sandbox(World(1, tasks=20)) as sandbox, ThreadPoolExecutor() as pool:
        results = list(pool.map(pyrus_etl.sync, [settings_for(sandbox, url) for url in (database, empty_database)]))

    assert [each.counts.tasks_changed for each in results] == [20, 20]
    assert query(empty_database, "SELECT count(*) FROM pyrus.tasks") == [(20,)]
    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)] == handlers


def test_a_run_that_fails_raises_the_reason_and_keeps_its_row(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=5)) as sandbox:
        settings = settings_for(sandbox, database, PYRUS_SECURITY_KEY="canary")
        with pytest.raises(LoginRefused) as raised:
            pyrus_etl.sync(settings)

    assert "canary" not in str(raised.value)
    assert query(database, "SELECT status, error FROM pyrus.sync_runs") == [("failed", str(raised.value))]


def test_a_run_that_reaches_its_limit_returns_and_the_next_one_continues(database: Secret) -> None:
    with Sandbox(World(1, tasks=30)) as sandbox:
        settings = settings_for(sandbox, database)
        first = pyrus_etl.backfill(settings, max_requests=12)
        rest = pyrus_etl.backfill(settings)

    assert (first.status, type(first.error)) == ("partial", BudgetSpent)
    assert rest.status == "ok"
    assert first.counts.tasks_changed + rest.counts.tasks_changed == 30


def test_a_limit_below_zero_is_reached_at_once(database: Secret) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        assert pyrus_etl.sync(settings_for(sandbox, database), max_requests=-1).counts.requests == 0


def test_a_period_that_ends_before_it_begins_is_refused() -> None:
    with pytest.raises(SettingsError, match="The period from 2024-02-02 to 2024-02-01 ends before it begins"):
        pyrus_etl.backfill(pyrus_etl.Settings(), start=date(2024, 2, 2), end=date(2024, 2, 1))


def test_on_an_event_loop_the_loop_goes_on_and_the_blocking_functions_refuse(database: Secret) -> None:
    async def main(settings: pyrus_etl.Settings) -> tuple[pyrus_etl.Result, int]:
        with pytest.raises(RuntimeError, match=r"await the function of the same name in pyrus_etl\.aio"):
            pyrus_etl.sync(settings)
        run = asyncio.create_task(pyrus_etl.aio.sync(settings))
        turns = 0
        while not run.done():
            turns += 1
            await asyncio.sleep(0.001)
        return await run, turns

    with Sandbox(World(1, tasks=20)) as sandbox:
        result, turns = asyncio.run(main(settings_for(sandbox, database)))

    assert result.counts.tasks_changed == 20
    assert turns > 20


def test_a_run_that_is_cancelled_ends_after_the_work_in_hand_and_the_next_one_continues(
    database: Secret, query: Query
) -> None:
    async def cancelled(settings: pyrus_etl.Settings) -> None:
        run = asyncio.create_task(pyrus_etl.aio.backfill(settings))
        while not run.done() and not query(database, "SELECT 1 FROM pyrus.sync_windows"):
            await asyncio.sleep(0.01)
        run.cancel()
        with pytest.raises(asyncio.CancelledError):
            await run

    with Sandbox(World(1, tasks=100), faults=Faults(slow=1.0, seconds=0.1)) as sandbox:
        settings = settings_for(sandbox, database)
        asyncio.run(cancelled(settings))
        sandbox.faults = Faults()
        (stopped,) = query(database, "SELECT status, error FROM pyrus.sync_runs")
        rest = pyrus_etl.backfill(settings)

    assert stopped == ("partial", "Stopped; what was fetched is committed, and the next run continues from there.")
    assert rest.status == "ok"
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(100,)]


def test_a_run_that_is_cancelled_twice_ends_at_once_and_the_next_one_continues(
    database: Secret, query: Query, caplog: pytest.LogCaptureFixture
) -> None:
    async def cancelled(settings: pyrus_etl.Settings) -> None:
        run = asyncio.create_task(pyrus_etl.aio.backfill(settings))
        while not run.done() and not query(database, "SELECT 1 FROM pyrus.sync_windows"):
            await asyncio.sleep(0.01)
        for _ in range(2):
            run.cancel()
            await asyncio.sleep(0)
        with pytest.raises(asyncio.CancelledError):
            await run

    with Sandbox(World(1, tasks=100), faults=Faults(slow=1.0, seconds=0.1)) as sandbox:
        settings = settings_for(sandbox, database)
        asyncio.run(cancelled(settings))
        sandbox.faults = Faults()
        rest = pyrus_etl.backfill(settings)

    assert rest.status == "ok"
    assert query(database, "SELECT count(*) FROM pyrus.tasks") == [(100,)]
    assert [each for each in caplog.records if each.name == "asyncio"] == []


def test_ctrl_c_ends_a_blocking_run_in_the_same_way(database: Secret, query: Query) -> None:
    code = "import pyrus_etl; pyrus_etl.backfill(pyrus_etl.load_settings())"
    with Sandbox(World(1, tasks=3000)) as sandbox:
        environment = program_environment(sandbox, database)
        process = subprocess.Popen([sys.executable, "-c", code], env=environment, stderr=subprocess.PIPE, text=True)
        while process.poll() is None and not query(database, "SELECT 1 FROM pyrus.sync_windows"):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, printed = process.communicate(timeout=60)

    assert printed.endswith("KeyboardInterrupt\n")
    assert query(database, "SELECT status FROM pyrus.sync_runs") == [("partial",)]


def test_a_run_uses_the_embedded_database_if_no_url_is_set(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path))
    with Sandbox(World(1, tasks=5)) as sandbox:
        settings = pyrus_etl.load_settings(environment=environment_of(sandbox))
        results = [pyrus_etl.sync(settings), pyrus_etl.sync(settings)]

    assert [each.counts.tasks_changed for each in results] == [5, 0]
    assert list(tmp_path.rglob("postmaster.pid")) == []


def test_a_run_prints_nothing_even_if_it_warns(database: Secret) -> None:
    code = "import pyrus_etl; pyrus_etl.sync(pyrus_etl.load_settings())"
    with Sandbox(World(1, tasks=5)) as sandbox:
        environment = program_environment(sandbox, database, PYRUS_LOGN="me")
        process = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)

    assert (process.returncode, process.stdout, process.stderr) == (0, "", "")


def test_a_run_logs_to_the_logger_of_the_package(database: Secret, caplog: pytest.LogCaptureFixture) -> None:
    with Sandbox(World(1, tasks=5)) as sandbox, caplog.at_level(logging.WARNING, "pyrus_etl"):
        pyrus_etl.sync(replace(settings_for(sandbox, database), warnings=("Something looks misspelt.",)))

    assert [(each.name, each.getMessage()) for each in caplog.records] == [
        ("pyrus_etl.aio", "Something looks misspelt.")
    ]


def test_rows_of_the_outbox_are_sent_if_writing_is_switched_on(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=3)) as sandbox:
        settings = settings_for(sandbox, database)
        pyrus_etl.sync(settings)
        insert = "INSERT INTO pyrus.outbox (action, task_id, body) VALUES ('comment', %s, '{\"text\": \"Paid.\"}')"
        query(database, insert, sandbox.world.task_ids()[0])
        with pytest.raises(SettingsError, match=r"PYRUS_ETL_WRITE is off, .*; set it to on\."):
            pyrus_etl.push(settings)
        result = pyrus_etl.push(replace(settings, write=True))

    assert (result.kind, result.status, result.counts.rows_sent) == ("push", "ok", 1)
    assert query(database, "SELECT status FROM pyrus.outbox") == [("sent",)]


def test_the_docs_name_every_field_of_a_result_and_every_counter() -> None:
    named = set(re.findall(r"`(\w+)(?:\(\))?`", (CHECKOUT / "docs/python.md").read_text("utf-8")))

    assert {each.name for each in fields(pyrus_etl.Result)} - named == set()
    assert {each.name for each in COUNTERS} - named == set()


def test_the_examples_of_the_docs_run(database: Secret, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (CHECKOUT / "docs/python.md").read_text("utf-8")
    code = "\n".join(re.findall(r"^```python\n(.*?)^```$", text, re.MULTILINE | re.DOTALL))
    with Sandbox(World(1, tasks=50)) as sandbox:
        for name, value in environment_of(sandbox, database).items():
            monkeypatch.setenv(name, value)
        exec(compile(code, "docs/python.md", "exec"), {"__name__": "docs"})


@pytest.mark.parametrize("name", ["backfill", "sync", "reconcile", "push"])
def test_a_blocking_function_has_the_parameters_and_defaults_of_the_async_one(name: str) -> None:
    blocking, others = (inspect.signature(getattr(module, name)).parameters.values() for module in (pyrus_etl, aio))

    assert [(each.name, each.kind, each.default) for each in blocking] == [
        (each.name, each.kind, each.default) for each in others
    ]
