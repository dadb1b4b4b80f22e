"""Two accounts of one organisation share a database: each sees other tasks, and some both see."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest

from pyrus_etl.errors import LoginRefused
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import ACCOUNT, EVERYBODY
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plan import Plan
from pyrus_etl.sync.plans.backfill import backfill as backfill_plan
from pyrus_etl.sync.plans.hints import hints as hints_plan
from pyrus_etl.sync.plans.reconcile import reconcile as reconcile_plan
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import run
from tests.conftest import settings_for
from tests.oracle import assert_tables_equal_world
from tests.runs import carried_out, program
from tests.scripted import Asked, Reply, in_front_of
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

ANN, BOB = ACCOUNT.id, EVERYBODY[21].id
LOGINS = {ANN: "robot@northlight.example", BOB: "second@northlight.example"}
READERS = "SELECT task_id, account_id FROM pyrus.task_sightings WHERE is_reader"
SEEN = "SELECT task_id FROM pyrus.task_sightings WHERE account_id = %s ORDER BY 1"
DELETED = "SELECT task_id FROM pyrus.tasks WHERE deleted_at IS NOT NULL ORDER BY 1"
OPEN = "SELECT task_id, account_id FROM pyrus.sync_errors WHERE resolved_at IS NULL"
TWO_DAYS_LATER = "UPDATE pyrus.sync_cursors SET updated_at = updated_at - interval '49 hours' WHERE account_id = %s"
DENIED = Reply(403, b'{"ApiException": {"Code": "BehavioralTaskAccessViolation", "Message": "No access."}}')
HOUR = 3600
WITHOUT_ONE_READER = """
    SELECT task_id FROM pyrus.raw_tasks WHERE (
        SELECT count(*) FROM pyrus.task_sightings AS reader WHERE reader.task_id = raw_tasks.task_id AND is_reader
    ) <> 1
"""
CLAIMS = "SELECT task_id, account_id FROM pyrus.task_claims ORDER BY 1"


@contextmanager
def answering(sandbox: Sandbox, task_id: int, reply: Reply) -> Iterator[str]:
    """A server that answers one task with `reply`; everything else is passed on to the sandbox."""

    def script(asked: Asked) -> Reply | None:
        return reply if asked.path.endswith(f"/task/{task_id}") else None

    with in_front_of(sandbox, script) as server:
        yield server.url


@pytest.fixture
def sandbox() -> Iterator[Sandbox]:
    """30 tasks: Ann does not see the first ten, Bob not the last ten; only Ann sees private notes."""
    world = World(11, tasks=30, private_notes=True)
    ids = world.task_ids()
    for of_bob, of_ann in zip(ids[:10], ids[20:], strict=True):
        world.hide(of_bob, ANN)
        world.hide(of_ann, BOB)
    world.advance(HOUR)
    with Sandbox(world, accounts={LOGINS[BOB]: BOB}) as running:
        yield running


def as_account(account: int, plan: Plan, sandbox: Sandbox, database: Secret, **more: str) -> Result:
    return carried_out(plan, sandbox, database, PYRUS_LOGIN=LOGINS[account], **more)


def sync(account: int, sandbox: Sandbox, database: Secret, **more: str) -> Result:
    return as_account(account, sync_plan(), sandbox, database, **more)


def census(account: int, sandbox: Sandbox, database: Secret) -> Result:
    return as_account(account, reconcile_plan(force=True), sandbox, database)


def both(sandbox: Sandbox) -> int:
    """A task that both accounts see."""
    return sandbox.world.task_ids(ANN)[0]


def changed(sandbox: Sandbox, task_id: int) -> None:
    """Changes a task an hour later, and lets some minutes pass."""
    sandbox.world.advance(HOUR)
    sandbox.world.edit(task_id, "comment")
    sandbox.world.advance(600)


def served(sandbox: Sandbox, act: Callable[[], Result]) -> list[int]:
    """Runs `act`; returns the tasks whose bodies it fetched."""
    sandbox.requests.clear()
    act()
    return sorted(sandbox.requests.fetched)


def assert_tables_are_what_accounts_see(sandbox: Sandbox, database: Secret, query: Query) -> None:
    """Every task is stored as its reader is served it, each account sees its own, and nothing else is stored."""
    world = sandbox.world
    readers = dict(query(database, READERS))
    seen = {account: sorted(world.task_ids(account)) for account in LOGINS}
    bodies = {task_id: world.body(task_id, reader) for task_id, reader in readers.items()}

    assert {account: [task_id for (task_id,) in query(database, SEEN, account)] for account in LOGINS} == seen
    assert set(bodies) == {*seen[ANN], *seen[BOB]}
    assert query(database, DELETED) == []
    assert_tables_equal_world(database, bodies, lived=True)
    assert query(database, OPEN) == []


@pytest.mark.parametrize("order", [(ANN, BOB), (BOB, ANN)], ids=["first", "second"])
@pytest.mark.parametrize("plan", [sync_plan, backfill_plan])
def test_each_account_brings_what_it_sees_and_the_other_has_not_brought(
    sandbox: Sandbox, database: Secret, query: Query, order: tuple[int, int], plan: Callable[[], Plan]
) -> None:
    first, second = order
    fetched = [served(sandbox, lambda one=one: as_account(one, plan(), sandbox, database)) for one in order]  # type: ignore[misc]

    world = sandbox.world
    assert fetched == [
        sorted(world.task_ids(first)),
        sorted(set(world.task_ids(second)) - set(world.task_ids(first))),
    ]
    assert_tables_are_what_accounts_see(sandbox, database, query)
    assert served(sandbox, lambda: sync(first, sandbox, database)) == []
    assert served(sandbox, lambda: census(second, sandbox, database)) == []


@pytest.mark.parametrize("plan", [sync_plan, backfill_plan])
@pytest.mark.parametrize("api", ["v3", "v4"])
def test_both_at_the_same_time_fetch_every_task_once(
    sandbox: Sandbox, database: Secret, query: Query, plan: Callable[[], Plan], api: str
) -> None:
    """Each claims what it fetches. No claim is left."""
    results = together(sandbox, database, plan, PYRUS_API=api)

    assert [(result.error, result.counts.tasks_failed) for result in results] == [(None, 0), (None, 0)]
    assert sorted(sandbox.requests.fetched) == sorted(set(sandbox.requests.fetched))
    assert query(database, CLAIMS) == []
    if api == "v3":
        assert_tables_are_what_accounts_see(sandbox, database, query)
    assert {one for (one,) in query(database, "SELECT task_id FROM pyrus.raw_tasks")} == {
        *sandbox.world.task_ids(ANN),
        *sandbox.world.task_ids(BOB),
    }
    assert query(database, WITHOUT_ONE_READER) == []


def together(sandbox: Sandbox, database: Secret, plan: Callable[[], Plan], **more: str) -> list[Result]:
    """Runs a plan for both accounts at the same time, as if the config file named both."""

    async def run_both() -> list[Result]:
        settings = [settings_for(sandbox, database, PYRUS_LOGIN=login, **more) for login in LOGINS.values()]
        return await asyncio.gather(*(run(plan(), replace(each, has_several=True)) for each in settings))

    return asyncio.run(run_both())


@pytest.mark.parametrize("order", [(ANN, BOB), (BOB, ANN)], ids=["reader first", "reader last"])
def test_a_change_is_fetched_by_the_reader_alone(
    sandbox: Sandbox, database: Secret, query: Query, order: tuple[int, int]
) -> None:
    """Otherwise the private notes would come and go."""
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    changed(sandbox, both(sandbox))

    fetched = [served(sandbox, lambda one=one: sync(one, sandbox, database)) for one in order]  # type: ignore[misc]
    assert fetched == [[both(sandbox)] if account == ANN else [] for account in order]
    assert_tables_are_what_accounts_see(sandbox, database, query)


def test_a_change_that_only_the_other_account_lists_is_fetched_by_the_reader(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """The other account doubts the stored body, so the reader's lists need not show the change."""
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    changed(sandbox, both(sandbox))
    assert served(sandbox, lambda: sync(BOB, sandbox, database)) == []
    query(database, "UPDATE pyrus.sync_cursors SET cursor = '2026-12-01' WHERE account_id = %s", ANN)
    sandbox.world.advance(HOUR * 24 * 365)

    assert served(sandbox, lambda: sync(ANN, sandbox, database)) == [both(sandbox)]
    assert_tables_are_what_accounts_see(sandbox, database, query)


def test_a_webhook_to_the_other_account_makes_the_reader_fetch_the_task(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """No list has to show the change, and what the reader has fetched since is not asked for again."""
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    sandbox.world.advance(HOUR)
    sync(ANN, sandbox, database)  # what was fetched too soon after its change is settled
    task_id, events = both(sandbox), asyncio.Event()
    query(database, "INSERT INTO pyrus.sync_hints VALUES (%s, %s, now(), now(), 1)", task_id, LOGINS[BOB])

    def hinted(account: int) -> list[int]:
        plan = hints_plan(events, asyncio.Event(), 0.0)
        return served(sandbox, lambda: as_account(account, plan, sandbox, database))

    assert hinted(BOB) == []
    assert query(database, "SELECT task_id FROM pyrus.raw_tasks WHERE is_doubted") == [(task_id,)]
    assert served(sandbox, lambda: sync(ANN, sandbox, database)) == [task_id]
    assert query(database, "SELECT * FROM pyrus.sync_hints") == []


def test_another_account_takes_over_when_the_reader_has_not_run_for_two_days(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    changed(sandbox, both(sandbox))
    query(database, TWO_DAYS_LATER, ANN)

    assert served(sandbox, lambda: sync(BOB, sandbox, database)) == [both(sandbox)]
    assert (both(sandbox), BOB) in query(database, READERS)
    assert_tables_are_what_accounts_see(sandbox, database, query)
    assert served(sandbox, lambda: sync(ANN, sandbox, database)) == []


def test_a_change_that_was_left_to_a_reader_who_falls_silent_is_fetched_later(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    changed(sandbox, both(sandbox))
    sync(BOB, sandbox, database)
    sandbox.world.advance(HOUR * 48)
    sync(BOB, sandbox, database)
    query(database, TWO_DAYS_LATER, ANN)

    assert served(sandbox, lambda: sync(BOB, sandbox, database)) == [both(sandbox)]
    assert_tables_are_what_accounts_see(sandbox, database, query)


@pytest.mark.parametrize("order", [(ANN, BOB), (BOB, ANN)], ids=["census first", "census last"])
def test_a_task_moves_from_one_account_to_the_other(
    sandbox: Sandbox, database: Secret, query: Query, order: tuple[int, int]
) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    moved = sandbox.world.task_ids(ANN)[-1]
    sandbox.world.hide(moved, ANN)
    sandbox.world.show(moved, BOB)
    for account in order:
        census(account, sandbox, database)
    sync(BOB, sandbox, database)

    assert (moved, BOB) in query(database, READERS)
    assert_tables_are_what_accounts_see(sandbox, database, query)


def test_a_census_marks_nothing_that_only_the_other_account_sees(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    sandbox.requests.clear()

    assert as_account(BOB, reconcile_plan(max_deleted=0), sandbox, database).counts.tasks_deleted == 0
    assert sandbox.requests.endpoints["task"] == 0
    assert_tables_are_what_accounts_see(sandbox, database, query)


def test_a_task_that_one_account_lost_is_read_by_the_other_and_deleted_when_both_lost_it(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    lost = both(sandbox)
    sandbox.world.hide(lost, ANN)
    assert census(ANN, sandbox, database).counts.tasks_deleted == 0
    assert served(sandbox, lambda: sync(BOB, sandbox, database)) == [lost]
    assert_tables_are_what_accounts_see(sandbox, database, query)

    sandbox.world.hide(lost, BOB)
    assert census(BOB, sandbox, database).counts.tasks_deleted == 1
    assert query(database, DELETED) == [(lost,)]

    sandbox.world.show(lost, BOB)
    assert census(BOB, sandbox, database).counts.tasks_fetched == 1
    assert_tables_are_what_accounts_see(sandbox, database, query)


def test_a_deleted_task_is_marked_by_the_last_census(sandbox: Sandbox, database: Secret, query: Query) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    sandbox.world.delete(both(sandbox))

    assert [census(account, sandbox, database).counts.tasks_deleted for account in (BOB, ANN)] == [0, 1]
    assert len(query(database, DELETED)) == 1


def test_a_task_that_is_denied_to_one_account_is_not_its_error_if_the_other_reads_it(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """It is listed for Bob, so he would read it if Ann did not."""
    task_id = both(sandbox)
    sync(ANN, sandbox, database)
    with answering(sandbox, task_id, DENIED) as url:
        result = program("sync", sandbox=sandbox, database=database, PYRUS_LOGIN=LOGINS[BOB], PYRUS_URL=url)
        assert result.returncode == 0, result.stderr

        query(database, TWO_DAYS_LATER, ANN)
        changed(sandbox, task_id)
        failed = program("sync", sandbox=sandbox, database=database, PYRUS_LOGIN=LOGINS[BOB], PYRUS_URL=url)
        assert failed.returncode == 6
        assert query(database, OPEN) == [(task_id, BOB)]

        sync(ANN, sandbox, database)
        sync(BOB, sandbox, database, PYRUS_URL=url)
        assert query(database, OPEN) == []


def test_a_reader_who_is_refused_leaves_the_task_to_the_other_account(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    task_id = both(sandbox)
    changed(sandbox, task_id)
    with answering(sandbox, task_id, DENIED) as url:
        assert sync(ANN, sandbox, database, PYRUS_URL=url).counts.tasks_failed == 0
        assert served(sandbox, lambda: sync(BOB, sandbox, database)) == [task_id]
        assert sync(ANN, sandbox, database, PYRUS_URL=url).counts.tasks_failed == 0
    assert (task_id, BOB) in query(database, READERS)
    assert_tables_are_what_accounts_see(sandbox, database, query)


def test_a_task_that_one_account_cannot_read_is_read_by_the_other(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """It is an error of the one until the other has stored it."""
    task_id = both(sandbox)
    with answering(sandbox, task_id, Reply(200, b'{"TaskWithNotes": 5}')) as url:
        assert sync(ANN, sandbox, database, PYRUS_URL=url).counts.tasks_failed == 1
        assert sync(BOB, sandbox, database).counts.tasks_failed == 0
        assert query(database, OPEN) == [(task_id, ANN)]
        assert sync(ANN, sandbox, database, PYRUS_URL=url).counts.tasks_failed == 0
        assert query(database, OPEN) == []

        changed(sandbox, task_id)
        assert sync(ANN, sandbox, database, PYRUS_URL=url).counts.tasks_failed == 0
        sync(BOB, sandbox, database)
    assert query(database, SEEN, BOB) == [(one,) for one in sorted(sandbox.world.task_ids(BOB))]


def test_errors_belong_to_the_account_that_was_refused(sandbox: Sandbox, database: Secret, query: Query) -> None:
    own = sandbox.world.task_ids(ANN)[-1]
    with answering(sandbox, own, DENIED) as url:
        sync(ANN, sandbox, database, PYRUS_URL=url)
    sandbox.requests.clear()
    retried = program("errors", "retry", sandbox=sandbox, database=database, PYRUS_LOGIN=LOGINS[BOB])
    listed = program("errors", "list", "--json", sandbox=sandbox, database=database, PYRUS_LOGIN=LOGINS[BOB])

    assert retried.returncode == 0
    assert own not in sandbox.requests.fetched
    assert [(one["task_id"], one["account_id"]) for one in json.loads(listed.stdout)["errors"]] == [(own, ANN)]
    assert query(database, OPEN) == [(own, ANN)]
    status = json.loads(program("status", "--json", database=database).stdout)
    assert status["errors_by_account"] == [{"account_id": ANN, "tasks": 1}]

    assert program("errors", "retry", sandbox=sandbox, database=database).returncode == 0
    assert query(database, OPEN) == []


def test_each_account_has_its_inbox(sandbox: Sandbox, database: Secret, query: Query) -> None:
    sync(ANN, sandbox, database)
    sync(BOB, sandbox, database)
    inbox = "SELECT task_id FROM pyrus.inbox_tasks WHERE account_id = %s ORDER BY position"

    assert {account: [one for (one,) in query(database, inbox, account)] for account in LOGINS} == {
        account: sandbox.world.inbox(account) for account in LOGINS
    }
    assert sandbox.world.inbox(BOB) not in ([], sandbox.world.inbox(ANN))


def test_accounts_are_in_a_table_with_how_their_last_run_ended(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    shown = "SELECT account_id, name, login, api, last_exit, next_at FROM pyrus.accounts ORDER BY login"
    sync(ANN, sandbox, database)
    with answering(sandbox, sandbox.world.task_ids(BOB)[0], DENIED) as url:
        sync(BOB, sandbox, database, PYRUS_URL=url)
    assert query(database, shown) == [
        (ANN, None, LOGINS[ANN], "v3", 0, None),
        (BOB, None, LOGINS[BOB], "v3", 6, None),
    ]

    with pytest.raises(LoginRefused):
        sync(ANN, sandbox, database, PYRUS_SECURITY_KEY="wrong")
    assert query(database, "SELECT last_exit FROM pyrus.accounts WHERE account_id = %s", ANN) == [(3,)]
