"""A task of API v4: its body, what confirms that it is gone, and what does not."""

import asyncio
import json
import threading
from typing import Any

import pytest

from pyrus_etl.errors import TaskRefused
from pyrus_etl.extract.pages import Census
from pyrus_etl.extract.v4.api import ApiV4
from pyrus_etl.model.body import Fetched
from pyrus_etl.model.stream import TASKS
from tests.registers import World, rows, serving, using
from tests.scripted import Asked, Reply


def fetched(answer: Any, **environment: str) -> Fetched:
    with serving(World(others={"/tasks/5": answer}), **environment) as (_, settings):
        return using(settings, lambda source: source.task(5))


def test_a_task_comes_with_its_whole_answer_as_served() -> None:
    task = fetched({"task": {"id": 5, "text": "Buy", "unknown": 1.50}, "more": True})

    assert (task.task.id, task.task.text) == (5, "Buy")
    assert json.loads(task.body.payload) == {"task": {"id": 5, "text": "Buy", "unknown": 1.5}, "more": True}
    assert task.body.api == "v4"


@pytest.mark.parametrize(
    "answer",
    [
        Reply(403, b'{"error_code": "access_denied_task", "error": "No."}'),
        Reply(404, b'{"error_code": "not_found", "error": "No."}'),
        Reply(400, b'{"error_code": "unrecognized_task_id", "error": "No."}'),
        {"task": {"id": 5, "deleted": True}},
    ],
    ids=["403", "404", "400 unrecognized_task_id", "deleted"],
)
def test_the_api_itself_says_that_a_task_is_gone(answer: Any) -> None:
    with pytest.raises(TaskRefused) as error:
        fetched(answer)

    assert error.value.denied


@pytest.mark.parametrize(
    "answer",
    [
        Reply(403, b"Forbidden by the firewall"),
        Reply(403),
        Reply(404),
        Reply(400, b'{"error_code": "invalid_value_format", "error": "No."}'),
        Reply(400, b"unrecognized_task_id"),
        {"task": {"id": 6}},
        {"task": "text"},
    ],
    ids=str,
)
def test_anything_else_does_not_mean_that_it_is_gone(answer: Any) -> None:
    with pytest.raises(TaskRefused) as error:
        fetched(answer)

    assert not error.value.denied


def test_a_body_that_cannot_be_read_is_kept_unless_something_in_it_is_hidden() -> None:
    with pytest.raises(TaskRefused) as error:
        fetched(Reply(200, b'{"task": 1}'))
    assert error.value.payload == b'{"task": 1}'

    with pytest.raises(TaskRefused) as error:
        fetched(Reply(200, b'{"task": 1}'), PYRUS_ETL_LEFT_OUT="person/email")
    assert error.value.payload is None


def test_slow_registers_do_not_hold_up_the_tasks() -> None:
    """Every register waits until a task was served, with as many registers as requests may be in flight."""
    world, served = World({form: rows(1, form) for form in range(1, 9)}, others={"/tasks/5": {"task": {"id": 5}}}), []
    task_was_served = threading.Event()

    def script(asked: Asked) -> Reply:
        if asked.path.endswith("/register"):
            task_was_served.wait(60)
        answer = world(asked)
        served.append(asked.path.rpartition("/")[2])
        if "/tasks/" in asked.path:
            task_was_served.set()
        return answer

    async def read(source: ApiV4) -> None:
        async def census() -> None:
            async for page in source.pages(TASKS, Census()):
                assert not page.refused

        listing = asyncio.create_task(census())
        while not any(path.endswith("/register") for path in server.paths):
            await asyncio.sleep(0.01)
        await source.task(5)
        await listing

    with serving(script, PYRUS_ETL_CONCURRENCY="1") as (server, settings):
        using(settings, read)

        assert served.index("5") < served.index("register")
        in_flight_before = server.paths[: server.paths.index("/api/v4/tasks/5")]
        assert 1 <= sum(path.endswith("/register") for path in in_flight_before) <= 4
