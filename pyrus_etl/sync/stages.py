"""Concurrent coroutines that end together: the first error cancels the others."""

import asyncio
from collections.abc import Coroutine
from typing import Any


async def together(*stages: Coroutine[Any, Any, None]) -> None:
    """Runs the stages until all have ended; the first error cancels the others and is raised without a group."""
    try:
        async with asyncio.TaskGroup() as group:
            for stage in stages:
                group.create_task(stage)
    except BaseExceptionGroup as errors:
        raise first_of(errors) from None


def first_of(error: BaseException) -> BaseException:
    """The error itself, or the first one in a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
