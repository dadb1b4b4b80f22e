"""A run as its callers see it: one call, one result, in any thread."""

import asyncio
import json
import signal
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from uuid import uuid4

from pyrus_etl.background import in_background
from pyrus_etl.errors import DatabaseUnavailable, LoginRefused, SettingsError
from pyrus_etl.run_id import current_run, under_way
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.progress import Progress
from pyrus_etl.sync.run import run
from tests.conftest import settings_for
from tests.runs import program, result_of


def test_a_run_returns_its_result(database: Secret) -> None:
    with Sandbox(World(1, tasks=20)) as sandbox:
        result = result_of(sync(), sandbox, database)

    assert (result.kind, result.status, result.error, result.exit_code) == ("sync", "ok", None, 0)
    assert result.counts.tasks_changed == 20


def test_the_error_that_ended_it_is_in_the_result(database: Secret) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        result = result_of(sync(), sandbox, database, PYRUS_SECURITY_KEY="wrong")

    assert isinstance(result.error, LoginRefused)
    assert (result.status, result.exit_code) == ("failed", 3)
    assert result.counts.requests > 0


def test_a_database_that_cannot_be_reached_is_an_error_in_the_result() -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        result = result_of(sync(), sandbox, Secret("postgresql://127.0.0.1:1/none"))

    assert isinstance(result.error, DatabaseUnavailable)


def test_a_run_needs_a_database(database: Secret) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox:
        settings = replace(settings_for(sandbox, database), database_url=None)
        result = asyncio.run(run(sync(), settings))

    assert isinstance(result.error, SettingsError)


def test_a_run_works_in_a_thread_and_leaves_the_signals_alone(database: Secret) -> None:
    before = signal.getsignal(signal.SIGTERM)
    with Sandbox(World(1, tasks=20)) as sandbox, ThreadPoolExecutor(1) as threads:
        result = threads.submit(result_of, sync(), sandbox, database).result()

    assert result.status == "ok"
    assert signal.getsignal(signal.SIGTERM) is before


def test_the_progress_can_be_watched_while_the_run_works(database: Secret) -> None:
    seen = []

    @contextmanager
    def watch(progress: Progress) -> Iterator[None]:
        seen.append((progress.tasks_done, threading.current_thread()))
        yield
        seen.append((progress.tasks_done, threading.current_thread()))

    with Sandbox(World(1, tasks=20)) as sandbox:
        asyncio.run(run(sync(), settings_for(sandbox, database), watch=watch))

    assert seen == [(0, threading.main_thread()), (20, threading.main_thread())]


def test_each_log_line_in_json_names_its_run(database: Secret) -> None:
    """Also from the threads that work for the run."""
    with Sandbox(World(1, tasks=1)) as sandbox:
        sandbox.fail(2, "unavailable")
        options = ("--json", "--log-format", "json", "--log-level", "DEBUG")
        ended = program("sync", *options, sandbox=sandbox, database=database)
    lines = [json.loads(line) for line in ended.stderr.splitlines()]
    with under_way(run_id := uuid4()):
        inside = in_background(current_run, "a thread")

    assert lines
    assert {line["run_id"] for line in lines} == {json.loads(ended.stdout)["run_id"]}
    assert (inside.result(), current_run()) == (run_id, None)
