"""Lists of tasks, narrowed until they are complete; the inbox with its groups; changes by the search of v3."""

import json
from typing import Any

import pytest

from pyrus_etl.errors import PyrusUnreachable
from pyrus_etl.extract.pages import Census, Changed, Feed, Page
from pyrus_etl.extract.v4.api import ApiV4
from pyrus_etl.model.stream import INBOX, TASKS
from pyrus_etl.model.window import Window
from tests.registers import REFUSED, World, asked_for, ids, row, rows, serving, using
from tests.scripted import Asked, Reply

START = 1772366400  # 2026-03-01 12:00:00


def tasks_of_lists(paths: list[str]) -> list[str]:
    """The requests for tasks of lists, sorted: they are sent side by side."""
    return sorted(path for path in paths if "/tasks?" in path)


def test_each_list_is_one_request_also_a_list_in_a_list() -> None:
    nested = {"lists": [{"id": 1, "children": [{"id": 2}, {"id": 3, "deleted": True}]}]}
    pages, server = asked_for(World({}, {1: rows(3), 2: (), 3: rows(1, 90)}, others={"/lists": nested}), Census())

    assert ids(pages) == [1, 2, 3]
    assert tasks_of_lists(server.paths) == [
        f"/api/v4/lists/{number}/tasks?item_count=5000&include_archived=y" for number in (1, 2)
    ]


def test_a_list_longer_than_its_answer_is_narrowed_by_the_last_change_then_by_creation() -> None:
    spread = [row(number, number % 60) for number in range(1, 50)]
    same = [row(number, 59) | {"create_date": f"2025-01-01T00:{number % 60:02}:00Z"} for number in range(100, 130)]
    pages, _ = asked_for(World({}, {1: [*spread, *same]}, cap=4), Census())

    assert set(ids(pages)) == {*range(1, 50), *range(100, 130)}


def test_a_second_of_creation_that_is_too_full_is_an_error_after_everything_else_was_listed() -> None:
    world = World({}, {1: [*rows(5), row(9, 30)], 2: rows(2, 50)}, cap=4)
    read: list[Page] = []

    async def read_all(source: ApiV4) -> None:
        async for page in source.pages(TASKS, Census()):
            read.extend([page._replace(items=list(page.items))])

    with serving(world) as (_, settings), pytest.raises(PyrusUnreachable, match=r"list 1 .*12:00:00 UTC.*only 4"):
        using(settings, read_all)

    assert {9, 50, 51} <= set(ids(read))


@pytest.mark.parametrize("tasks", [[row(1)], []], ids=["the same tasks", "no tasks"])
def test_a_server_that_ignores_periods_is_given_up(tasks: list[Any]) -> None:
    world = World({}, {1: ()}, others={"/lists/1/tasks": {"tasks": tasks, "has_more": True}})

    with pytest.raises(PyrusUnreachable, match="list 1 whatever the period"):
        asked_for(world, Census())


def test_changes_of_a_list_are_asked_for_from_the_second_on() -> None:
    pages, _ = asked_for(World({}, {1: [row(1, 29), row(2, 30)]}), Changed(Window(START + 30)))

    assert ids(pages) == [2]


def test_a_refused_list_is_named() -> None:
    pages, _ = asked_for(World({}, {1: (), 2: rows(1)}, others={"/lists/1/tasks": REFUSED}), Census())

    assert [page.refused for page in pages if page.refused] == [Feed("list", 1)]
    assert ids(pages) == [1]


def inbox(answer: Any) -> list[int]:
    async def read(source: ApiV4) -> list[int]:
        return [task.id async for page in source.pages(INBOX, Census()) for task in page.items]

    with serving(World(others={"/inbox": answer})) as (_, settings):
        return using(settings, read)


def test_the_inbox_has_each_task_once_in_its_order_with_those_of_its_groups() -> None:
    groups = [{"id": 1, "tasks": [row(2), row(9)]}, {"id": 2}, None]

    assert inbox({"tasks": [row(5), row(2)], "has_more": False, "task_groups": groups}) == [5, 2, 9]
    assert inbox({"task_groups": groups}) == [2, 9]
    assert inbox({"task_groups": [{"id": 1}]}) == inbox({"has_more": False}) == inbox({}) == []


def test_an_inbox_that_is_refused_ends_nothing() -> None:
    assert inbox(REFUSED) == []


def hybrid(answer: Reply, **environment: str) -> tuple[list[int], list[str]]:
    world = World({1: rows(2)}, {})

    def script(asked: Asked) -> Reply:
        return answer if asked.path == "/restapi/searchtasks" else world(asked)

    question = Changed(Window(START))
    pages, server = asked_for(script, question, question, PYRUS_ETL_HYBRID="auto", **environment)
    return ids(pages), [path for path in server.paths if "search" in path or "register" in path]


def test_the_search_of_v3_replaces_the_registers_if_it_takes_the_token() -> None:
    found = {"Tasks": [{"Id": 8, "ModifiedDate": f"/Date({START * 1000})/"}], "HasMoreTasks": False}
    listed, paths = hybrid(Reply(200, json.dumps(found).encode()))

    assert listed == [8, 8]
    assert paths == ["/restapi/searchtasks"] * 2


@pytest.mark.parametrize(
    "answer",
    [
        Reply(200, b"{}"),
        Reply(200, b'{"ApiException": {"Code": "InvalidToken"}}'),
        Reply(200, b"<html>"),
        Reply(302, headers={"Location": "/login"}),
        Reply(401, b'{"error_code": "invalid_token", "error": "No."}'),
        Reply(403, b"no"),
        Reply(404, b""),
        Reply(503),
    ],
    ids=lambda reply: f"{reply.status} {reply.body.decode()[:14]}",
)
def test_a_search_that_does_not_answer_as_v3_does_costs_one_request_and_is_no_error(answer: Reply) -> None:
    listed, paths = hybrid(answer)

    assert listed == [1, 1, 2, 2]
    assert paths.count("/restapi/searchtasks") == 1


def test_the_search_of_v3_is_not_tried_if_it_is_off() -> None:
    _, server = asked_for(World({1: rows(1)}), Changed(Window(START)))

    assert "/restapi/searchtasks" not in server.paths
