"""The plans work with any source that yields pages: here one that lists tasks from id to id, as other APIs do."""

from collections.abc import AsyncIterator

import pytest

from pyrus_etl.client.client import Client
from pyrus_etl.errors import BudgetSpent
from pyrus_etl.extract.apis import APIS
from pyrus_etl.extract.pages import Changed, Checkpoint, Page, Question, Unfinished
from pyrus_etl.extract.v3.api import RestApi
from pyrus_etl.model.stream import TASKS
from pyrus_etl.model.window import EVERYTHING, Window
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.run import Budget
from tests.oracle import assert_tables_equal_world
from tests.runs import backfill, reconcile, result_of, sync
from tests.typing import Query

PAGE = 7


class ById(RestApi):
    """Lists tasks in the order of their ids, `PAGE` at a time; a window is a range of ids."""

    def pages(self, stream: str, question: Question) -> AsyncIterator[Page]:
        return self._by_id(question) if stream == TASKS else super().pages(stream, question)

    async def _by_id(self, question: Question) -> AsyncIterator[Page]:
        headers = sorted((await self.all_tasks()).headers, key=lambda header: header.id)
        if isinstance(question, Changed):
            yield Page(headers)
            return
        windows = [*question.windows] if isinstance(question, Unfinished) else [EVERYTHING]
        while windows:
            window = windows.pop(0)
            inside = [header for header in headers if window.bounds[0] <= header.id <= _end(window)]
            if len(inside) > PAGE:
                last = inside[PAGE - 1].id
                rest = Window(window.start, last), Window(last + 1, window.end)
                yield Page([], Checkpoint(window, rest, is_complete=False))
                windows = [*rest, *windows]
            else:
                yield Page(inside, Checkpoint(window))


def _end(window: Window) -> float:
    return float("inf") if window.end is None else window.end


@pytest.fixture(autouse=True)
def by_id(monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings choose an API that lists by id."""
    for name, api in APIS.items():
        monkeypatch.setitem(APIS, name, api._replace(open=_opened))


def _opened(client: Client) -> ById:
    return ById(client)


def test_each_plan_reads_pages_by_id(database: Secret, query: Query) -> None:
    with Sandbox(World(5, tasks=30)) as sandbox:
        assert backfill(sandbox, database).counts.tasks_changed == 30
        assert_tables_equal_world(database, sandbox.world)
        assert query(database, "SELECT count(*), bool_and(done_at IS NOT NULL) FROM pyrus.sync_windows") == [(5, True)]

        sandbox.world.advance(3600)
        edited, deleted, *_ = sandbox.world.task_ids()
        sandbox.world.edit(edited)
        gone = {deleted: sandbox.world.body(deleted)}
        sandbox.world.delete(deleted)
        assert sync(sandbox, database).counts.tasks_changed == 1
        assert reconcile(sandbox, database).counts.tasks_deleted == 1
        assert_tables_equal_world(database, sandbox.world, gone=gone, lived=True)


def test_a_backfill_continues_after_the_last_page_that_is_stored(database: Secret) -> None:
    with Sandbox(World(5, tasks=30)) as sandbox:
        stopped = result_of(backfill_plan(), sandbox, database, Budget(requests=20), PYRUS_ETL_CONCURRENCY="1")
        assert isinstance(stopped.error, BudgetSpent)
        first = set(sandbox.requests.fetched)
        sandbox.requests.clear()
        backfill(sandbox, database)

        assert len(first) > PAGE
        assert not first & set(sandbox.requests.fetched)
        assert_tables_equal_world(database, sandbox.world)
