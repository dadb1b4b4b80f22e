"""Tasks that no list shows: those that stored tasks refer to, or that were met once. Each is fetched once a day."""

from collections.abc import AsyncIterator, Sequence

from pyrus_etl.load.tasks import watched
from pyrus_etl.model.task import TaskHeader
from pyrus_etl.sync.plan import Run
from pyrus_etl.sync.tasks.pipeline import run_pipeline
from pyrus_etl.sync.tasks.task import Listed


async def fetch_watched(run: Run) -> None:
    """Fetches the watched tasks that are due. What Pyrus refuses stays as it is stored: only a census marks it."""
    store, account_id = run.session.store, run.session.account_id
    if not run.session.source.has_feeds or run.is_selected:
        return
    await store.transaction(watched.watch_references, account_id)
    await store.transaction(watched.watch_met, account_id)
    if due := await store.query(watched.due, account_id):
        await run_pipeline(_lists(due), run)
        await store.transaction(watched.note_asked, account_id, due)


async def _lists(task_ids: Sequence[int]) -> AsyncIterator[Listed]:
    yield Listed([TaskHeader(task_id) for task_id in task_ids], stored=True)
