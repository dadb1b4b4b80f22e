"""`push`: each row of the outbox is applied once, in the order of its task, or somebody is told why it is not."""

import asyncio
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.push import push
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from tests.conftest import settings_for
from tests.runs import sync
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

APIS = ("v3", "v4")
ROWS = "SELECT action, task_id, status, attempts, answer, error FROM pyrus.outbox ORDER BY created_at, outbox_id"


class Office(NamedTuple):
    """A sandbox over one API, and a database whose outbox is pushed into it."""

    sandbox: Sandbox
    database: Secret
    query: Query
    api: str

    @property
    def world(self) -> World:
        return self.sandbox.world

    def put(self, action: str, task_id: int | None, **body: Any) -> None:
        text = msgspec.json.encode(body).decode()
        self.query(
            self.database,
            "INSERT INTO pyrus.outbox (action, task_id, body) VALUES (%s, %s, %s::jsonb)",
            action,
            task_id,
            text,
        )

    def push(self, budget: Budget = NO_LIMIT, folder: Path | None = None) -> Result:
        settings = settings_for(self.sandbox, self.database, PYRUS_API=self.api)
        return asyncio.run(run(push(str(folder) if folder else None), settings, budget=budget))

    @property
    def rows(self) -> list[tuple[Any, ...]]:
        return self.query(self.database, ROWS)

    def notes(self, task_id: int) -> list[str | None]:
        """The texts of the notes of a task, at Pyrus."""
        return [note.get("Text") for note in self.world.task(task_id)["TaskWithNotes"]["Notes"]]

    def stored(self, task_id: int) -> list[str | None]:
        """The texts of the notes of a task, in the tables."""
        found = self.query(self.database, "SELECT text FROM pyrus.notes WHERE task_id = %s ORDER BY note_no", task_id)
        return [text for (text,) in found]


@pytest.fixture(params=APIS)
def office(request: pytest.FixtureRequest, database: Secret, query: Query) -> Any:
    with Sandbox(World(1, tasks=30)) as sandbox:
        sync(sandbox, database, PYRUS_API=request.param)
        yield Office(sandbox, database, query, request.param)


def test_comments_are_sent_in_the_order_of_their_task_and_read_back(office: Office) -> None:
    first, second = office.world.task_ids()[:2]
    for number in range(3):
        office.put("comment", first, text=f"note {number}")
    office.put("comment", second, text="Closed by SQL.", activity_action="Complete")
    before = office.notes(first)

    result = office.push()

    assert (result.error, result.exit_code, result.kind, result.counts.rows_sent) == (None, 0, "push", 4)
    assert office.notes(first) == [*before, "note 0", "note 1", "note 2"]
    assert "CloseDate" in office.world.task(second)["TaskWithNotes"]
    assert office.stored(first) == office.notes(first)
    assert [(status, attempts, error) for _, _, status, attempts, _, error in office.rows] == [("sent", 1, None)] * 4
    assert office.push().counts.rows_sent == 0
