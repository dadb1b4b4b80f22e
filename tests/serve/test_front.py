"""Answers wait for no step of a run, and for no database: they come from a loop of their own."""

import gc
import threading
import weakref
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.progress import Progress
from tests.conftest import settings_for
from tests.processes import eventually
from tests.runs import sync
from tests.serve.test_webhook import HINTS, RUNS, about, sent
from tests.serving import OFTEN, Serving
from tests.typing import Query


def test_answers_do_not_wait_for_a_long_step_of_a_run(database: Secret, query: Query) -> None:
    """The step keeps the loop of the runs busy, as a page of thousands of tasks does: nothing else happens on it."""
    world = World(1, tasks=20)
    held, release = threading.Event(), threading.Event()

    @contextmanager
    def one_long_step(_: Progress) -> Iterator[None]:
        held.set()
        assert release.wait(60)
        yield

    with Sandbox(world) as sandbox:
        sync(sandbox, database)
        edited = world.edit(world.task_ids()[0])
        with Serving(settings_for(sandbox, database), watch=lambda _: one_long_step) as served:
            assert held.wait(60)
            answer = sent(served, about(edited))
            shown = {path: served.get(path).status for path in ("/healthz", "/readyz", "/metrics", "/")}
            hinted = query(database, HINTS)
            release.set()
            eventually(lambda: query(database, HINTS) == [])

    assert (answer.status, hinted) == (200, [(edited,)])
    assert shown == {"/healthz": 200, "/readyz": 200, "/metrics": 200, "/": 200}


def test_a_webhook_does_not_wait_for_a_database_that_is_slow(database: Secret, query: Query) -> None:
    """What it names is stored when the database answers again."""
    world = World(1, tasks=20)
    with Sandbox(world) as sandbox, Serving(settings_for(sandbox, database)) as served:
        eventually(lambda: ("sync", "ok") in query(database, RUNS))
        (created,) = world.create()
        with psycopg.connect(database.reveal()) as slow:
            slow.execute("LOCK TABLE pyrus.sync_hints")
            statuses = [sent(served, about(created)).status for _ in range(2)]
        eventually(lambda: query(database, "SELECT 1 FROM pyrus.tasks WHERE task_id = %s", created))

    assert statuses == [200, 200]


def test_what_a_run_leaves_in_cycles_is_freed_when_it_ends(database: Secret) -> None:
    """Nobody else looks for cycles: a run makes too many objects to look often."""
    left: list[weakref.ref[_Cycle]] = []

    @contextmanager
    def leaving_a_cycle(_: Progress) -> Iterator[None]:
        left.append(weakref.ref(_Cycle()))
        yield

    with Sandbox(World(1, tasks=5)) as sandbox, no_collection():
        with Serving(settings_for(sandbox, database), OFTEN, watch=lambda _: leaving_a_cycle):
            eventually(lambda: len(left) >= 3)
        assert not any(cycle() for cycle in left[:2])


class _Cycle:
    def __init__(self) -> None:
        self.itself = self


@contextmanager
def no_collection() -> Iterator[None]:
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def test_what_is_not_http_leaves_no_traceback_in_the_log(database: Secret, caplog: pytest.LogCaptureFixture) -> None:
    with Sandbox(World(1, tasks=1)) as sandbox, Serving(settings_for(sandbox, database)) as served:
        assert served.get("/" + 9000 * "a").status == 400

    assert [line.getMessage() for line in caplog.records if line.exc_info] == []
