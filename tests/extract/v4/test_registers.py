"""Registers: read to their end in few requests, whatever a server does with the length of a page."""

import json
from contextlib import suppress

import pytest

from pyrus_etl.errors import BudgetSpent
from pyrus_etl.extract.pages import Census, Changed, Feed, FirstRows, Page, Reached
from pyrus_etl.extract.v4.api import ApiV4
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.window import EVERYTHING, Window
from tests.registers import REFUSED, World, asked_for, ids, row, rows, serving, using
from tests.scripted import Asked, Reply, Scripted


def registers(server: Scripted) -> list[Asked]:
    return [asked for asked in server.asked if asked.path.endswith("/register")]


def test_each_register_is_one_request_and_only_the_longest_one_is_asked_once_more() -> None:
    pages, server = asked_for(World({form: rows(form, 1000 * form) for form in range(2, 9)}), Census())

    assert len(ids(pages)) == sum(range(2, 9))
    assert len(registers(server)) == 7 + 1
    assert json.loads(registers(server)[-1].body)["id"] == "gt8007"


def test_a_register_without_rows_leaves_out_its_key_and_costs_one_request() -> None:
    pages, server = asked_for(World({1: (), 2: ()}), Census())

    assert ids(pages) == []
    assert len(registers(server)) == 2


@pytest.mark.parametrize("cap", [2, 3, 7, 100])
def test_a_cap_below_what_was_asked_for_loses_nothing(cap: int) -> None:
    """The first register ends with exactly the cap, and the cap shows only in a longer one."""
    world = World({1: rows(cap, 1), 2: rows(1, 500), 3: rows(5 * cap + 1, 1000), 4: rows(2 * cap, 5000)}, cap=cap)
    pages, _ = asked_for(world, Census())

    assert len(ids(pages)) == cap + 1 + 5 * cap + 1 + 2 * cap


def test_of_pages_of_the_same_length_the_one_that_ends_with_the_oldest_task_is_settled_first() -> None:
    whole = {form: rows(5, 1000 * form) for form in range(1, 9)}
    pages, _ = asked_for(World({**whole, 9: rows(12, 100)}, cap=5), Census())

    assert len(ids(pages)) == 8 * 5 + 12


def test_a_page_as_long_as_the_longest_is_never_the_end() -> None:
    """However many registers end with pages of that length, another one may go on."""
    ending = {form: rows(25, 100 * form) for form in range(1, 8)}
    pages, server = asked_for(World({**ending, 8: rows(60, 9000)}, cap=25), Census())

    assert len(ids(pages)) == 7 * 25 + 60
    assert len(registers(server)) == 7 * 2 + 3


def test_changes_in_many_forms_are_known_to_be_all_by_one_request() -> None:
    """Each form has one change, so no page of changes is longer; a page that is not of changes is."""
    forms = {form: [row(100 * form), row(100 * form + 1, 30)] for form in range(1, 21)}
    pages, server = asked_for(World(forms), Changed(Window(1772366400 + 20)))

    assert ids(pages) == [100 * form + 1 for form in range(1, 21)]
    assert len(registers(server)) == 20 + 1
    assert json.loads(registers(server)[-1].body) == {
        "include_archived": "y",
        "field_ids": [5],
        "sort": "id",
        "item_count": 2,
    }


@pytest.mark.parametrize("cap", [1, 2, 3])
def test_no_change_is_lost_if_a_server_caps_all_pages_alike(cap: int) -> None:
    forms = {form: rows(5, 100 * form) + [row(100 * form + 50 + one, 30) for one in range(4)] for form in range(1, 6)}
    pages, _ = asked_for(World(forms, cap=cap), Changed(Window(1772366400 + 20)))

    assert len(ids(pages)) == 5 * 4


def test_changes_are_asked_for_with_one_field_and_closed_tasks_and_a_second_before_the_period() -> None:
    start = 1772366400  # 2026-03-01 12:00:00
    pages, server = asked_for(World({1: [row(1, 1), row(2, 30), row(3, 29)]}), Changed(Window(start + 30)))

    assert ids(pages) == [2, 3]
    assert json.loads(registers(server)[0].body) == {
        "include_archived": "y",
        "field_ids": [5],
        "modified_after": "2026-03-01T12:00:29Z",
        "sort": "id",
        "item_count": 5000,
    }


def test_a_refused_register_is_named_and_the_others_are_read() -> None:
    pages, _ = asked_for(World({1: rows(3), 2: rows(3, 10)}, others={"/forms/1/register": REFUSED}), Census())

    assert [page.refused for page in pages if page.refused] == [Feed("form", 1)]
    assert ids(pages) == [10, 11, 12]


def test_first_rows_keep_open_and_closed_tasks_apart_and_give_values() -> None:
    values = [{"id": 5, "type": "text", "name": "Name", "value": "blue"}]
    world = World({1: [row(1), row(2, fields=values), row(3)]}, {9: [row(4), row(5)]}, closed=frozenset({1}))
    pages, _ = asked_for(world, FirstRows(EVERYTHING, {}))

    tasks = {task.id: task for page in pages for task in page.items}
    assert {number: task.is_closed for number, task in tasks.items()} == {
        1: True,
        2: False,
        3: False,
        4: False,
        5: False,
    }
    assert [value.value for value in tasks[2].form] == ["blue"]
    assert [page.reached for page in pages if page.reached][-1] == Reached(Feed("list", 9), None)
    assert Reached(Feed("form", 1), None) in [page.reached for page in pages]


@pytest.mark.parametrize("cap", [2, 3, 7, 100])
@pytest.mark.parametrize("every", [1, 2, 3, 50])
def test_each_page_of_first_rows_knows_its_open_tasks_in_one_more_request_at_most(cap: int, every: int) -> None:
    closed = frozenset(number for number in range(1, 40) if number % every)
    pages, server = asked_for(World({1: rows(39)}, closed=closed, cap=cap), FirstRows(EVERYTHING, {}))

    tasks = [task for page in pages for task in page.items]
    assert {task.id for task in tasks if task.is_closed} == closed
    assert len(tasks) == 39
    assert len([asked for asked in registers(server) if b"field_ids" in asked.body]) <= -(-39 // cap)


def test_first_rows_of_many_forms_are_stored_form_by_form_however_few_requests_a_run_may_send() -> None:
    world = World({form: rows(5, 10 * form) for form in range(1, 21)})
    kept: list[Page] = []

    async def read_some(source: ApiV4) -> None:
        reached = {page.reached.feed: page.reached.task_id for page in kept if page.reached}
        with suppress(BudgetSpent):
            async for page in source.pages(TASKS, FirstRows(EVERYTHING, reached)):
                kept.append(page._replace(items=list(page.items)))  # noqa: PERF401 -- what came before the end counts

    for _ in range(20):
        with serving(world) as (_, settings):
            using(settings, read_some, most_requests=12)
    assert {page.reached.feed.id for page in kept if page.reached and page.reached.task_id is None} == {*range(1, 21)}
    assert {*ids(kept)} == {number for form in range(1, 21) for number in range(10 * form, 10 * form + 5)}


def test_first_rows_go_on_after_the_last_task_that_is_stored_and_complete_feeds_cost_nothing() -> None:
    reached = {Feed("form", 1): 3, Feed("form", 2): None, Feed("list", 9): None}
    world = World({1: rows(5), 2: rows(5, 10)}, {9: rows(2, 90)})
    pages, server = asked_for(world, FirstRows(EVERYTHING, reached))

    assert ids(pages) == [4, 5]
    assert {asked.path for asked in server.asked} == {"/api/v4/forms", "/api/v4/lists?with_deleted=true"} | {
        "/api/v4/forms/1/register"
    }


def test_a_page_says_how_far_its_register_was_read() -> None:
    pages, _ = asked_for(World({1: rows(5)}, cap=2), FirstRows(EVERYTHING, {}))

    def shown(page: Page) -> tuple[int, int | None]:
        assert page.reached
        return len(list(page.items)), page.reached.task_id

    assert [shown(page) for page in pages] == [(2, 2), (2, 4), (1, None)]


def test_a_size_that_the_server_refuses_is_asked_for_once() -> None:
    world = World({1: rows(700), 2: rows(700, 5000)})

    def script(asked: Asked) -> Reply:
        if asked.path.endswith("/register") and json.loads(asked.body)["item_count"] > 1000:
            return Reply(400, b'{"error_code": "items_count_out_of_range", "error": "Too many."}')
        return world(asked)

    pages, server = asked_for(script, Census(), PYRUS_ETL_CONCURRENCY="1")

    assert len(set(ids(pages))) == 1400
    sizes = [json.loads(asked.body)["item_count"] for asked in registers(server)]
    assert sizes.count(5000) <= 2
    assert set(sizes) == {5000, 625}


@pytest.mark.parametrize("numbers", [[*range(5000, 0, -1)], [3, 1, 2]], ids=["as many as asked for", "perhaps capped"])
def test_a_register_that_ignores_the_order_is_an_error_and_no_loss(numbers: list[int]) -> None:
    world = World({1: []})

    def script(asked: Asked) -> Reply:
        if asked.path.endswith("/register"):
            return Reply(200, json.dumps({"tasks": [row(number) for number in numbers]}).encode())
        return world(asked)

    with pytest.raises(Exception, match="does not sort the register of form 1 by task id"):
        asked_for(script, Census())


def test_excluded_forms_and_lists_are_not_asked_for() -> None:
    world = World({1: rows(1), 2: rows(1, 10)}, {8: rows(1, 20), 9: rows(1, 30)})
    pages, _ = asked_for(world, Census(), PYRUS_ETL_FORMS="-1", PYRUS_ETL_LISTS="9")

    assert ids(pages) == [10, 30]


def test_a_list_of_forms_that_is_refused_makes_no_task_absent() -> None:
    with pytest.raises(Exception, match="no task can be called absent"):
        asked_for(World({1: rows(1)}, others={"/forms": REFUSED}), Census())
