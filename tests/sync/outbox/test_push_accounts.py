"""`push` of several accounts: each row has one sender, and the rows of a task keep their order."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, NamedTuple
from uuid import UUID

import msgspec
import pytest

from pyrus_etl.load.outbox.senders import Member, Team
from pyrus_etl.load.outbox.waiting import FIRST, Place, due, has_more
from pyrus_etl.postgres.connection import connect
from pyrus_etl.sandbox import Faults, Sandbox, World
from pyrus_etl.sandbox.organisation.forms import CONTRACT
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.push import push
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import run
from tests.conftest import settings_for
from tests.sync.outbox.test_push import LOSSES
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

PEOPLE = {"ann": ACCOUNT.id, "bob": EVERYBODY[21].id}
LOGINS = {"ann": "robot@northlight.example", "bob": "second@northlight.example"}
ROWS = """
    SELECT action, task_id, body ->> 'text', status, account_id, error FROM pyrus.outbox ORDER BY created_at, outbox_id
"""


class Office(NamedTuple):
    """Twelve tasks in a sandbox. Ann does not see the first four, Bob not the last four; both are stored."""

    sandbox: Sandbox
    database: Secret
    query: Query
    api: str

    def put(self, action: str, task_id: int | None, account: str | None = None, **body: Any) -> None:
        text = msgspec.json.encode(body).decode()
        insert = "INSERT INTO pyrus.outbox (action, task_id, account, body) VALUES (%s, %s, %s, %s::jsonb)"
        self.query(self.database, insert, action, task_id, account, text)

    def push(self, *names: str) -> dict[str, Result]:
        """A push of these accounts, side by side."""
        members = [Member(name, LOGINS[name]) for name in names]

        async def together() -> list[Result]:
            each = [settings_for(self.sandbox, self.database, PYRUS_API=self.api, PYRUS_LOGIN=LOGINS[n]) for n in names]
            settings = [replace(own, account=name, has_several=True) for own, name in zip(each, names, strict=True)]
            return await asyncio.gather(*(run(push(members=members), own) for own in settings))

        results = asyncio.run(together())
        assert [result.error for result in results] == [None] * len(names)
        return dict(zip(names, results, strict=True))

    def written(self, task_id: int) -> list[tuple[str, str]]:
        """What the two accounts have written to a task, at Pyrus: who, and which text."""
        names = {person: name for name, person in PEOPLE.items()}
        viewer = next(each for each in PEOPLE.values() if task_id in self.sandbox.world.task_ids(each))
        notes = msgspec.json.decode(self.sandbox.world.body(task_id, viewer))["TaskWithNotes"]["Notes"]
        found = [(names.get(note["Author"]["Id"], ""), str(note.get("Text"))) for note in notes]
        return [each for each in found if each[1].startswith("row ")]


@pytest.fixture(params=["v3", "v4"])
def office(request: pytest.FixtureRequest, database: Secret, query: Query) -> Iterator[Office]:
    world = World(1, tasks=12)
    ids = world.task_ids()
    for task_id in ids[:4]:
        world.hide(task_id, PEOPLE["ann"])
    for task_id in ids[8:]:
        world.hide(task_id, PEOPLE["bob"])
    world.advance(3600)
    with Sandbox(world, accounts={LOGINS["bob"]: PEOPLE["bob"]}) as sandbox:
        for name in ("bob", "ann"):  # so Bob reads what both see
            settings = settings_for(sandbox, database, PYRUS_API=request.param, PYRUS_LOGIN=LOGINS[name])
            asyncio.run(run(sync(), replace(settings, account=name, has_several=True)))
        yield Office(sandbox, database, query, request.param)


def test_each_row_is_sent_once_by_the_account_that_reads_its_task_or_that_it_names(office: Office) -> None:
    """One answer in three is lost. Rows of a task that name accounts in turn keep their order all the same."""
    of_ann, of_bob = (set(office.sandbox.world.task_ids(PEOPLE[name])) for name in ("ann", "bob"))
    ids, shared = sorted(of_ann | of_bob), of_ann & of_bob
    expected: dict[int, list[tuple[str, str]]] = {task_id: [] for task_id in ids}
    for number in range(6):
        for task_id in ids:
            name = ("ann", "BOB", None)[number % 3] if task_id in shared else None
            office.put("comment", task_id, name, text=f"row {number // 2}")  # each text twice
            sender = name.lower() if name else "bob" if task_id in of_bob else "ann"
            expected[task_id].append((sender, f"row {number // 2}"))
    office.sandbox.faults = Faults(every=3, kinds=LOSSES, endpoints=("writes",))

    results = office.push("ann", "bob")

    assert {task_id: office.written(task_id) for task_id in ids} == expected
    assert {status for *_, status, _, _ in office.query(office.database, ROWS)} == {"sent"}
    counts = [result.counts for result in results.values()]
    assert [(each.rows_sent, each.rows_held, each.rows_unknown) for each in counts] == [(32, 0, 0), (40, 0, 0)]


def test_new_tasks_are_made_by_the_first_account_that_may_make_them_or_by_the_named_one(office: Office) -> None:
    office.put("task", None, text="row 1")
    office.put("task", None, LOGINS["bob"], text="row 2")
    office.put("form_task", None, form_id=CONTRACT.id, form_values=[{"field_id": 72, "value": "x", "type": "Text"}])
    if office.api == "v4":
        gone = "UPDATE pyrus.directory_sightings SET gone_at = now() WHERE account_id = %s AND stream = 'forms'"
        office.query(office.database, gone, PEOPLE["ann"])
    office.put("task", None, "eve", text="row 3")

    results = office.push("ann", "bob")

    rows = office.query(office.database, ROWS)
    of_form = "bob" if office.api == "v4" else "ann"
    assert [(status, account_id) for *_, status, account_id, _ in rows] == [
        ("sent", PEOPLE["ann"]),
        ("sent", PEOPLE["bob"]),
        ("sent", PEOPLE[of_form]),
        ("waiting", None),
    ]
    assert rows[3][5] == "No account is named 'eve'; it waits until that account pushes, or name another one."
    assert [result.counts.rows_held for result in results.values()] == [1, 0]


def test_one_account_alone_sends_all_that_it_sees_and_leaves_the_rest_to_the_others(office: Office) -> None:
    of_ann, of_bob = (office.sandbox.world.task_ids(PEOPLE[name])[place] for name, place in (("ann", -1), ("bob", 0)))
    shared = office.sandbox.world.task_ids(PEOPLE["ann"])[0]
    for task_id in (of_bob, shared, of_ann):
        office.put("comment", task_id, text="row 1")
    office.put("comment", shared, "bob", text="row 2")
    office.put("comment", shared, text="row 3")

    (alone,) = office.push("ann").values()
    left = [text for _, _, text, status, *_ in office.query(office.database, ROWS) if status == "waiting"]
    first = office.written(shared)
    office.push("bob")
    office.push("ann")

    assert (alone.exit_code, alone.counts.rows_sent, alone.counts.rows_held) == (0, 2, 0)
    assert (first, left) == ([("ann", "row 1")], ["row 1", "row 2", "row 3"])
    assert office.written(of_bob) == [("bob", "row 1")]
    assert [text for _, text in office.written(shared)] == ["row 1", "row 2", "row 3"]
    assert {status for *_, status, _, _ in office.query(office.database, ROWS)} == {"sent"}


def test_a_row_does_not_overtake_one_that_became_due_after_its_page_was_read(office: Office) -> None:
    """Bob's first row waits for Ann's while his first page is read; the next page begins after it."""
    shared = office.sandbox.world.task_ids(PEOPLE["ann"])[0]
    for name, text in (("ann", "row 1"), ("bob", "row 2"), ("bob", "row 3")):
        office.put("comment", shared, name, text=text)
    bob = Team(PEOPLE["bob"], (PEOPLE["ann"], PEOPLE["bob"]), ("ann", "bob"))
    with connect(office.database) as connection:
        assert due(connection, bob, FIRST, 9) == []

        connection.execute("UPDATE pyrus.outbox SET status = 'sent' WHERE account = 'ann'")
        second, third = due(connection, bob, FIRST, 9)
        assert due(connection, bob, Place(second.created_at, second.outbox_id), 9) == []

        connection.execute("UPDATE pyrus.outbox SET status = 'sent' WHERE outbox_id = %s", [second.outbox_id])
        assert due(connection, bob, Place(second.created_at, second.outbox_id), 9) == [third]


def test_a_push_sends_the_rows_that_were_there_when_it_began_even_if_its_clock_is_wrong(office: Office) -> None:
    """Bob's row waited for Ann's when he read his; the clock of his machine is an hour behind that of the database."""
    shared = office.sandbox.world.task_ids(PEOPLE["ann"])[0]
    bob, run_id = Team(PEOPLE["bob"], (PEOPLE["ann"], PEOPLE["bob"]), ("ann", "bob")), UUID(int=1)
    office.put("comment", shared, "bob", text="row 1")
    with connect(office.database) as connection:
        connection.execute(
            "INSERT INTO pyrus.sync_runs (run_id, kind, status, started_at) "
            "VALUES (%s, 'push', 'running', now() - interval '1 hour')",
            [run_id],
        )
        connection.execute(
            "INSERT INTO pyrus.sync_leases (account_id, run_id, holder, acquired_at, expires_at) "
            "VALUES (%s, %s, '', now(), now() + interval '8s')",
            [bob.account_id, run_id],
        )
        assert has_more(connection, bob, run_id, ())

        connection.execute("UPDATE pyrus.outbox SET created_at = clock_timestamp() + interval '1s'")
        assert not has_more(connection, bob, run_id, ())
