"""The pace: never more than the quota in any window, and close to all of it."""

import asyncio
import time
from bisect import bisect_left

import pytest

from pyrus_etl.extract.pace import Pace
from pyrus_etl.settings import Quota


def paced(quota: Quota, requests: int, lasting: float = 0.0) -> list[float]:
    """When each of so many requests, all wanted at once, was let go."""
    sent: list[float] = []

    async def request(pace: Pace) -> None:
        async with pace:
            sent.append(time.monotonic())
            await asyncio.sleep(lasting)

    async def all_requests() -> None:
        pace = Pace(quota)
        await asyncio.gather(*(request(pace) for _ in range(requests)))

    asyncio.run(all_requests())
    return sent


@pytest.mark.parametrize("lasting", [0.0, 0.05])
def test_no_window_wherever_it_begins_holds_more_than_the_quota(lasting: float) -> None:
    sent = paced(Quota(10, 0.2), 45, lasting)

    most = max(bisect_left(sent, start + 0.199) - place for place, start in enumerate(sent))
    assert most <= 10


def test_the_quota_is_used_and_not_spared() -> None:
    sent = paced(Quota(20, 0.2), 81)

    assert sent[19] - sent[0] < 0.1
    assert sent[-1] - sent[0] < 4 * 0.2 / 0.9


def test_a_hold_stops_all_and_the_longest_counts() -> None:
    async def held() -> float:
        pace = Pace(Quota(100, 1))
        begun = time.monotonic()
        pace.hold(0.2)
        pace.hold(0.1)
        async with pace:
            return time.monotonic() - begun

    assert 0.19 < asyncio.run(held()) < 0.5


def test_a_hold_that_comes_while_others_wait_holds_them_too() -> None:
    async def held() -> float:
        pace = Pace(Quota(100, 1))
        begun = time.monotonic()
        pace.hold(0.1)
        asyncio.get_running_loop().call_later(0.05, pace.hold, 0.2)
        async with pace:
            return time.monotonic() - begun

    assert asyncio.run(held()) > 0.24


def test_who_gives_up_waiting_takes_no_place() -> None:
    async def left() -> None:
        pace = Pace(Quota(1, 60))
        pace.hold(60)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(pace.__aenter__(), 0.05)
        pace._open_at = 0.0
        await asyncio.wait_for(pace.__aenter__(), 0.5)

    asyncio.run(left())
