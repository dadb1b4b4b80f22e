"""Lists that are read side by side end whenever their caller does."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from pyrus_etl.extract.v4.listing.together import together


async def _parts() -> AsyncIterator[int]:
    yield 1
    yield 2


async def _left_in_the_middle() -> int:
    """How many tasks are left when a caller forgot two lists, in a cycle of garbage as that of an error."""
    lists = together([_parts(), _parts()], 2)
    async for _ in lists:
        break
    cycle: list[object] = [lists]
    cycle.append(cycle)
    del lists, cycle
    gc.collect()
    for _ in range(10):
        await asyncio.sleep(0)
    return len(asyncio.all_tasks()) - 1


def test_lists_that_are_left_in_the_middle_end(caplog: pytest.LogCaptureFixture) -> None:
    assert asyncio.run(_left_in_the_middle()) == 0
    assert caplog.text == ""
