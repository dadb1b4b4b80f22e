"""The retry plan: tasks that earlier runs rejected, and nothing else."""

from collections.abc import AsyncIterator

from pyrus_etl.sync.listing.lists import rejected
from pyrus_etl.sync.plan import Plan, Run
from pyrus_etl.sync.tasks.pipeline import run_pipeline
from pyrus_etl.sync.tasks.task import Listed


def retry() -> Plan:
    """The plan that fetches the rejected tasks again."""
    return Plan("retry", _retry)


async def _retry(run: Run) -> None:
    await run_pipeline(_lists(run), run)


async def _lists(run: Run) -> AsyncIterator[Listed]:
    yield await rejected(run)
