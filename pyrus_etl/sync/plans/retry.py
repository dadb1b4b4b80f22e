"""The retry plan: tasks that earlier runs rejected, and nothing else."""

from collections.abc import AsyncIterator

from pyrus_etl.sync.lists import Listed, rejected
from pyrus_etl.sync.pipeline import run_pipeline
from pyrus_etl.sync.session import Run


async def retry(run: Run) -> None:
    """Fetches the rejected tasks again."""

    async def lists() -> AsyncIterator[Listed]:
        yield await rejected(run)

    await run_pipeline(lists(), run)
