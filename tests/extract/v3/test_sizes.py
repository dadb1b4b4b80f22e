"""How many tasks a list may ask for: any limit of the server is found in a few requests."""

import asyncio
from dataclasses import dataclass, field

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from pyrus_etl.errors import BodyTooLarge, ListRefused
from pyrus_etl.extract.sizes import Sizes, longest, round_number_between
from pyrus_etl.extract.v3.wire import TaskHeader, TaskList


@dataclass
class Server:
    """Has `tasks` tasks, refuses requests for more than `limit` of them, and never returns more than `cap`.

    `bad_moments`: how many requests fail at first, whatever their size.
    """

    tasks: int
    limit: int = 10**9
    cap: int = 10**9
    certain: bool = True
    bad_moments: int = 0
    asked: list[int] = field(default_factory=list)

    async def list(self, most: int) -> TaskList:
        self.asked.append(most)
        if len(self.asked) <= self.bad_moments:
            raise ListRefused("status 503", certain=False)
        if most > self.limit:
            raise ListRefused("400 BadFormat", certain=self.certain)
        given = min(most, self.tasks, self.cap)
        return TaskList([TaskHeader(number) for number in range(given)], given < self.tasks)


def listed(server: Server, sizes: Sizes | None = None, *, exact: bool = True) -> TaskList:
    return asyncio.run(longest(server.list, sizes or Sizes(5000, 4), exact=exact))


@pytest.mark.parametrize("certain", [True, False], ids=["refused", "failed"])
@pytest.mark.parametrize("limit", [1, 20, 50, 100, 500, 999, 1000, 4999, 5000, 9999, 10_000, 10_050, 20_000, 65_535])
def test_as_many_tasks_are_listed_as_the_server_allows(limit: int, certain: bool) -> None:
    server = Server(tasks=100_000, limit=limit, certain=certain)

    assert len(listed(server).headers) == limit
    assert len(server.asked) <= 30
    assert len(set(server.asked)) == len(server.asked) or not certain


@pytest.mark.parametrize("limit", [10_000, 20_000, 12_000, 50_000])
def test_a_sufficient_round_limit_is_found_quickly(limit: int) -> None:
    server = Server(tasks=limit - 50, limit=limit)
    answer = listed(server)

    assert (len(answer.headers), answer.has_more_tasks) == (limit - 50, False)
    assert len(server.asked) <= 8


def test_a_list_that_fits_is_requested_once() -> None:
    server = Server(tasks=4000, limit=10_000)
    listed(server)

    assert server.asked == [5000]


def test_any_answered_size_is_enough_if_periods_can_be_narrowed() -> None:
    server = Server(tasks=100_000, limit=10_000)
    listed(server, exact=False)

    assert server.asked == [5000]


@pytest.mark.parametrize("limit", [50, 100, 400, 1000, 3000])
def test_half_the_limit_is_enough_if_periods_can_be_narrowed(limit: int) -> None:
    server = Server(tasks=100_000, limit=limit)

    assert limit / 2 < len(listed(server, exact=False).headers) <= limit
    assert len(server.asked) <= 8


def test_a_limit_is_learned_once() -> None:
    server, sizes = Server(tasks=100_000, limit=700), Sizes(5000, 4)
    listed(server, sizes)
    server.asked.clear()
    listed(server, sizes)
    listed(server, sizes)

    assert max(server.asked) <= 700
    assert len(server.asked) <= 4


@pytest.mark.parametrize("bad_moments", [1, 2, 4])
def test_a_bad_moment_at_the_start_does_not_shorten_the_lists(bad_moments: int) -> None:
    sizes = Sizes(5000, 4)
    listed(Server(tasks=100_000, limit=10_000, bad_moments=bad_moments), sizes, exact=False)

    assert sizes.most == 5000


def test_larger_lists_are_not_asked_for_once_the_server_caps_them() -> None:
    server = Server(tasks=100_000, cap=300)

    assert len(listed(server).headers) == 300
    assert len(server.asked) == 2


@pytest.mark.parametrize("certain", [True, False])
def test_a_server_that_cannot_list_a_single_task_is_an_error(certain: bool) -> None:
    with pytest.raises(ListRefused):
        listed(Server(tasks=10, limit=0, certain=certain))


def test_lists_become_shorter_if_a_known_size_gets_too_large() -> None:
    class Heavy(Server):
        async def list(self, most: int) -> TaskList:
            if most > self.limit:
                raise BodyTooLarge("more than 64 MiB")
            return await super().list(most)

    server, sizes = Heavy(tasks=100_000), Sizes(5000, 4)
    listed(server, sizes, exact=False)
    server.limit = 40

    assert 20 < len(listed(server, sizes, exact=False).headers) <= 40


@given(low=st.integers(0, 10**8), width=st.integers(0, 10**8))
@example(low=5000, width=15_000)
def test_the_round_number_lies_between(low: int, width: int) -> None:
    number = round_number_between(low, low + width)

    assert (number is None) == (width <= 1)
    assert number is None or low < number < low + width
