"""API v4 of the sandbox, read over HTTP by a source: nothing is lost, whatever the server caps, and each refusal."""

import asyncio
from typing import Any

import pytest

from pyrus_etl.errors import LoginRefused, TaskRefused
from pyrus_etl.extract.pages import Census, Changed, FirstRows, Question
from pyrus_etl.extract.v4.api import ApiV4
from pyrus_etl.model.stream import INBOX, TASKS
from pyrus_etl.model.window import EVERYTHING
from pyrus_etl.sandbox import Sandbox, World
from tests.conftest import environment_of, loaded
from tests.registers import using

TASKS_OF_THE_WORLD = 150


def source_of(sandbox: Sandbox, **more: str) -> dict[str, str]:
    return {**environment_of(sandbox, PYRUS_API="v4"), **more}


def listed(sandbox: Sandbox, question: Question, stream: str = TASKS, **more: str) -> tuple[set[int], int]:
    """The ids of the listed tasks, and how many requests they took."""

    async def read(source: ApiV4) -> tuple[set[int], int]:
        found = {task.id async for page in source.pages(stream, question) for task in page.items}
        return found, source.requests

    return using(loaded(source_of(sandbox, **more)), read)


def all_tasks(sandbox: Sandbox) -> set[int]:
    world = sandbox.world
    return {world.id_of(ordinal) for ordinal in range(len(world))}


@pytest.mark.parametrize(
    "options",
    [{}, {"register_cap": 7, "list_cap": 5}, {"sublists": True}, {"login_urls": False}],
    ids=["as it is", "caps", "tasks of sublists", "no urls"],
)
@pytest.mark.parametrize("question", [Census(), FirstRows(EVERYTHING, {})], ids=["census", "first rows"])
def test_registers_and_lists_together_show_every_task(options: dict[str, Any], question: Question) -> None:
    with Sandbox(World(tasks=TASKS_OF_THE_WORLD), **options) as sandbox:
        found, _ = listed(sandbox, question)

        assert found == all_tasks(sandbox)


def test_the_search_of_v3_lists_what_changed_in_one_request() -> None:
    with Sandbox(World(tasks=TASKS_OF_THE_WORLD), hybrid=True) as sandbox:
        found, requests = listed(sandbox, Changed(EVERYTHING))

        assert found == all_tasks(sandbox)
        assert requests == 2


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"PYRUS_SECURITY_KEY": "wrong"}, "invalid_credentials .*check PYRUS_LOGIN and PYRUS_SECURITY_KEY"),
        ({"PYRUS_LOGIN": "shared@example.com"}, "non_unique_email .*set PYRUS_PERSON_ID"),
        ({"PYRUS_ACCESS_TOKEN": "canary"}, "invalid_token .*get a new one"),
    ],
    ids=["a wrong key", "a shared e-mail", "a wrong token"],
)
def test_a_refused_login_is_one_sentence_with_its_remedy(more: dict[str, str], message: str) -> None:
    shared = {"shared@example.com": (300001, 300002)}

    with Sandbox(World(tasks=1), shared=shared) as sandbox, pytest.raises(LoginRefused, match=message):
        listed(sandbox, Census(), **more)


def test_tokens_that_are_revoked_in_the_middle_mean_one_login_for_all() -> None:
    with Sandbox(World(tasks=30)) as sandbox:
        ids = sorted(all_tasks(sandbox))

        async def read(source: ApiV4) -> None:
            await source.task(ids[0])
            sandbox.revoke_tokens()
            await asyncio.gather(*map(source.task, ids))

        using(loaded(source_of(sandbox)), read)

        assert sandbox.requests.logins == 2


def test_a_task_that_does_not_exist_is_gone() -> None:
    with Sandbox(World(tasks=1)) as sandbox, pytest.raises(TaskRefused, match="access_denied_task") as error:
        using(loaded(source_of(sandbox)), lambda source: source.task(12))

    assert error.value.denied


def test_the_inbox_is_that_of_the_account() -> None:
    with Sandbox(World(tasks=TASKS_OF_THE_WORLD)) as sandbox:
        found, _ = listed(sandbox, Census(), INBOX)

        assert found <= all_tasks(sandbox)
        assert found
