"""The pace: never more than the quota in any window, and almost all of it is used."""

import asyncio
import time
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import partial
from unittest.mock import patch

import pytest

from pyrus_etl.client.quota.pace import Pace
from pyrus_etl.client.quota.waits import Wait
from pyrus_etl.settings import Quota
from tests.simulation.loop import Loop
from tests.simulation.passing import Time


def paced(quota: Quota, requests: int, lasting: float = 0.0) -> list[float]:
    """The times at which the requests were sent, if all of them start at once, by a clock that only waits move."""
    sent: list[float] = []

    async def request(pace: Pace) -> None:
        async with pace:
            sent.append(time.monotonic())
            await asyncio.sleep(lasting)

    async def all_requests() -> None:
        pace = Pace(quota)
        await asyncio.gather(*(request(pace) for _ in range(requests)))

    clock = Time()
    with patch.object(time, "monotonic", clock.now), asyncio.Runner(loop_factory=partial(a_loop, clock)) as runner:
        runner.run(all_requests())
    return sent


def a_loop(clock: Time) -> Loop:
    return Loop(clock, lambda: None, clock.pass_by, lambda _: None)


@pytest.mark.parametrize("lasting", [0.0, 0.05])
def test_no_window_has_more_requests_than_the_quota(lasting: float) -> None:
    sent = paced(Quota(10, 0.2), 45, lasting)

    most = max(bisect_left(sent, start + 0.199) - place for place, start in enumerate(sent))
    assert most <= 10


def test_the_quota_is_used_fully() -> None:
    sent = paced(Quota(20, 0.2), 81)

    assert [round((instant - sent[0]) / 0.2, 3) for instant in sent] == [place // 20 for place in range(81)]


def test_a_hold_stops_all_requests_and_the_longest_counts() -> None:
    async def held() -> float:
        pace = Pace(Quota(100, 1))
        begun = time.monotonic()
        pace.hold.answered(0.2)
        pace.hold.answered(0.1)
        async with pace:
            return time.monotonic() - begun

    assert asyncio.run(held()) > 0.19


def test_a_new_hold_also_stops_requests_that_already_wait() -> None:
    async def held() -> float:
        pace = Pace(Quota(100, 1))
        begun = time.monotonic()
        pace.hold.answered(0.1)
        asyncio.get_running_loop().call_later(0.05, pace.hold.answered, 0.2)
        async with pace:
            return time.monotonic() - begun

    assert asyncio.run(held()) > 0.24


def test_a_cancelled_wait_takes_no_slot() -> None:
    async def left() -> None:
        pace = Pace(Quota(1, 60))
        pace.hold.answered(60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pace.__aenter__(), 0.05)
        pace.hold.until = 0.0
        await asyncio.wait_for(pace.__aenter__(), 30)

    asyncio.run(left())


def test_a_wait_for_a_slot_is_shown_and_a_long_one_is_announced_once() -> None:
    announced: list[Wait] = []

    async def seen() -> Wait | None:
        pace = Pace(Quota(2, 300), announced.append)
        for _ in range(2):
            async with pace:
                assert pace.wait is None
        waiting = [asyncio.create_task(pace.__aenter__()) for _ in range(16)]
        await asyncio.sleep(0.01)
        wait = pace.wait
        for task in waiting:
            task.cancel()
        await asyncio.wait(waiting)
        assert pace.wait is None
        return wait

    wait = asyncio.run(seen())

    assert wait is not None
    assert len(announced) == 1
    assert str(wait).startswith("waits for the quota until ")
    assert timedelta(seconds=290) < wait.until - datetime.now(UTC) < timedelta(seconds=301)


def test_the_remaining_time_is_estimated_from_the_quota() -> None:
    async def estimated() -> list[float]:
        pace = Pace(Quota(250, 6))
        for _ in range(200):
            async with pace:
                pass
        return [pace.seconds_for(requests) for requests in (50, 300, 3850)]

    assert asyncio.run(estimated()) == [0, 6, pytest.approx(91.2)]


def test_there_is_room_for_as_many_requests_as_could_be_sent_now() -> None:
    async def rooms() -> list[int]:
        pace = Pace(Quota(3, 60))
        found = [pace.room]
        async with pace:
            found.append(pace.room)
            async with pace, pace:
                waiting = asyncio.create_task(pace.__aenter__())
                await asyncio.sleep(0)
                found.append(pace.room)
                waiting.cancel()
        pace = Pace(Quota(3, 60))
        pace.hold.until = time.monotonic() + 60
        return [*found, pace.room]

    assert asyncio.run(rooms()) == [3, 2, 0, 0]
