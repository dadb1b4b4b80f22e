"""`files mirror`: each attachment is copied to its task at another service once, also after a kill at any instant."""

import asyncio
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

import pytest

from pyrus_etl.errors import LoginRefused, PyrusUnreachable, SettingsError
from pyrus_etl.sandbox import Sandbox, World, onlyoffice, paymo
from pyrus_etl.sandbox.limits.faults import Faults
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.mirror import mirror
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from tests.conftest import settings_for
from tests.extract.services import onlyoffice_environment, paymo_environment
from tests.forked import running
from tests.runs import program_environment, program_module, sync
from tests.scripted import Asked, Reply, passed_on, scripted
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

MOST_FILES = """
    SELECT task_id FROM pyrus.attachments GROUP BY task_id ORDER BY count(*) DESC, task_id LIMIT 2
"""
KEEP = """
    DELETE FROM pyrus.attachments WHERE attachment_id NOT IN (
        SELECT attachment_id FROM pyrus.attachments JOIN pyrus.external_tasks USING (task_id)
        ORDER BY attachment_id LIMIT %s
    )
"""
SIGKILL = -9
COPIES = """
    SELECT attachment_id, external_file_id, status, attempts, error FROM pyrus.file_copies ORDER BY attachment_id
"""


class Stand(NamedTuple):
    """A Pyrus whose tasks are stored, and another service; `files`: what is to be copied, by the task there."""

    pyrus: Sandbox
    database: Secret
    service: str
    server: paymo.PaymoSandbox | onlyoffice.OnlyofficeSandbox
    environment: dict[str, str]
    expected: Counter[bytes]
    query: Query

    def mirror(self, budget: Budget = NO_LIMIT, **environment: str) -> Result:
        settings = settings_for(self.pyrus, self.database, **(self.environment | environment))
        return asyncio.run(run(mirror(self.service, settings), settings, budget=budget))

    @property
    def copies(self) -> Counter[bytes]:
        """The contents of the files that were uploaded to the service, each as often as it is there."""
        if isinstance(self.server, paymo.PaymoSandbox):
            contents = list(self.server.world.contents.values())
        else:
            contents = [each for versions in self.server.world.versions.values() for each in versions]
        return Counter(each for each in contents if isinstance(each, bytes))

    @property
    def rows(self) -> list[tuple[object, ...]]:
        return self.query(self.database, COPIES)


@contextmanager
def stand(service: str, database: Secret, query: Query, files: int = 1000) -> Iterator[Stand]:
    """The two tasks with most attachments, at most `files` in all, are linked to the two tasks of the service."""
    with Sandbox(World(1, tasks=60)) as pyrus:
        sync(pyrus, database)
        tasks = [task for (task,) in query(database, MOST_FILES)]
        world: paymo.World | onlyoffice.World
        if service == "paymo":
            world = paymo.World(7, projects=1, tasks=2)
            server: paymo.PaymoSandbox | onlyoffice.OnlyofficeSandbox = paymo.PaymoSandbox(world)
        else:
            world = onlyoffice.World(7, projects=1, tasks=2)
            server = onlyoffice.OnlyofficeSandbox(world)
        for task, external in zip(tasks, world.ids("tasks"), strict=True):
            insert = "INSERT INTO pyrus.external_tasks VALUES (%s, %s, %s)"
            query(database, insert, task, service, external)
        query(database, KEEP, files)
        ids = query(database, "SELECT attachment_id FROM pyrus.attachments JOIN pyrus.external_tasks USING (task_id)")
        expected = Counter(pyrus.world.contents(int(str(file))) for (file,) in ids)
        assert expected.total() > 2
        with server:
            environment = (
                paymo_environment(server) if isinstance(server, paymo.PaymoSandbox) else onlyoffice_environment(server)
            )
            yield Stand(pyrus, database, service, server, environment, expected, query)


@pytest.mark.parametrize("service", ["paymo", "onlyoffice"])
def test_the_attachments_of_linked_tasks_are_copied_once(service: str, database: Secret, query: Query) -> None:
    with stand(service, database, query) as there:
        first = there.mirror()
        second = there.mirror()
        copies, rows = there.copies, there.rows

    total = there.expected.total()
    assert (first.exit_code, first.kind, first.counts.files_listed, first.counts.files_copied) == (
        0,
        "mirror",
        total,
        total,
    )
    assert first.counts.bytes == sum(len(content) for content in there.expected.elements())
    assert (second.exit_code, second.counts.files_listed, second.counts.files_copied) == (0, 0, 0)
    assert copies == there.expected
    assert {(status, attempts, error) for _, _, status, attempts, error in rows} == {("copied", 1, None)}
    assert len({file_id for _, file_id, *_ in rows}) == total
    names = "SELECT name FROM pyrus.attachments JOIN pyrus.file_copies USING (task_id, attachment_id)"
    key = "original_filename" if service == "paymo" else "title"
    uploaded = [
        file[key] for file in there.server.world.tables["files"].values() if str(file["id"]) in {row[1] for row in rows}
    ]
    if service == "paymo":
        assert Counter(uploaded) == Counter(name for (name,) in query(database, names))


@pytest.mark.parametrize("service", ["paymo", "onlyoffice"])
def test_one_answer_in_eight_may_be_faulty(service: str, database: Secret, query: Query) -> None:
    with stand(service, database, query) as there:
        there.pyrus.faults = Faults(every=7)
        there.server.faults = Faults(every=3)
        result = there.mirror()
        while result.exit_code == 6:
            result = there.mirror()
        copies, rows = there.copies, there.rows

    assert result.exit_code == 0
    assert copies == there.expected
    assert {status for _, _, status, *_ in rows} == {"copied"}


@pytest.mark.parametrize("service", ["paymo", "onlyoffice"])
def test_a_kill_at_any_instant_neither_loses_nor_doubles_a_file(service: str, database: Secret, query: Query) -> None:
    """Each run is killed at its first write: in turn before the service has got it, and after."""
    with stand(service, database, query, files=3) as there:
        codes = [SIGKILL]
        while codes[-1] == SIGKILL:
            codes.append(ended_at_first_write(there, is_applied=len(codes) % 2 == 0))
            query(database, "UPDATE pyrus.sync_leases SET expires_at = now()")
        copies, rows = there.copies, there.rows

    assert codes[-1] == 0
    assert len(codes) > 5
    assert copies == there.expected
    assert {status for _, _, status, *_ in rows} == {"copied"}
    assert max(int(str(attempts)) for *_, attempts, _ in rows) > 1


def ended_at_first_write(there: Stand, *, is_applied: bool) -> int:
    """Runs the program, which is killed at its first write; returns its exit code."""
    kill: list[Callable[[], None]] = []

    def reply(asked: Asked) -> Reply:
        if asked.method == "POST" and not is_applied:
            kill[0]()
            return Reply(500)
        answer = passed_on(there.server, asked)  # type: ignore[arg-type] # only its URL counts
        if asked.method == "POST":
            kill[0]()
        return answer

    settings = program_environment(there.pyrus, there.database) | there.environment
    address = f"{there.service.upper()}_URL"
    with (
        scripted(reply) as front,
        running(program_module(), ["files", "mirror", there.service], settings | {address: front.url}) as process,
    ):
        kill.append(process.kill)
        return process.wait()


def test_a_file_that_pyrus_lacks_is_set_aside_and_tried_again(database: Secret, query: Query) -> None:
    with stand("paymo", database, query) as there:
        task = query(database, "SELECT min(task_id) FROM pyrus.external_tasks")[0][0]
        gone = 2_100_000_000
        query(
            database, "INSERT INTO pyrus.attachments (task_id, attachment_id, name) VALUES (%s, %s, 'gone')", task, gone
        )
        result = there.mirror()
        row = there.rows[0]
        query(database, "DELETE FROM pyrus.attachments WHERE attachment_id = %s", gone)
        again = there.mirror()

    assert (result.exit_code, result.status, result.counts.files_failed) == (6, "ok", 1)
    assert row[:4] == (gone, None, "failed", 0)
    assert f"pyrus:{gone}" in str(row[4])
    assert there.copies == there.expected
    assert again.exit_code == 0


def test_bytes_other_than_stated_are_not_copied(database: Secret, query: Query) -> None:
    with stand("paymo", database, query) as there:
        query(database, "UPDATE pyrus.attachments SET size_bytes = size_bytes + 1 WHERE attachment_id % 2 = 0")
        query(database, "UPDATE pyrus.attachments SET md5_hash = 'ff' WHERE attachment_id % 2 = 1")
        result = there.mirror()
        errors = {str(row[4]).partition(" ")[0] for row in there.rows}

    assert (result.exit_code, result.counts.files_copied) == (6, 0)
    assert there.copies == Counter()
    assert {status for _, _, status, *_ in there.rows} == {"failed"}
    assert errors


def test_a_task_that_the_service_does_not_know_sets_aside_its_files_only(
    database: Secret, query: Query, caplog: pytest.LogCaptureFixture
) -> None:
    """And a task that is not stored is named in a warning."""
    with stand("paymo", database, query) as there:
        query(
            database,
            "UPDATE pyrus.external_tasks SET external_task_id = 1 WHERE task_id = "
            "(SELECT min(task_id) FROM pyrus.external_tasks)",
        )
        query(database, "INSERT INTO pyrus.external_tasks VALUES (7, 'paymo', 9)")
        result = there.mirror()
        statuses = Counter(status for _, _, status, *_ in there.rows)
        errors = [str(error) for _, _, status, _, error in there.rows if status == "failed"]

    assert result.exit_code == 6
    assert statuses["copied"] == result.counts.files_copied > 0
    assert statuses["failed"] == result.counts.files_failed > 0
    assert "links tasks to paymo that are not stored, so nothing of them is copied: 7; correct them" in caplog.text
    assert all("paymo:task/1 " in error for error in errors), errors
    assert [*result.summary()][1].startswith(f"not copied: {len(errors)}; see why in pyrus.file_copies")


def test_a_task_that_is_linked_to_another_task_is_copied_there(database: Secret, query: Query) -> None:
    with stand("paymo", database, query) as there:
        there.mirror()
        one, other = there.server.world.ids("tasks")
        query(database, "UPDATE pyrus.external_tasks SET external_task_id = %s WHERE external_task_id = %s", one, other)
        result = there.mirror()

    assert result.counts.files_copied == result.counts.files_listed > 0
    places = Counter(file["task_id"] for file in there.server.world.tables["files"].values() if file.get("task_id"))
    assert places[one] > places[other]


def test_two_tasks_with_one_place_share_the_copy_of_a_file_that_both_have(database: Secret, query: Query) -> None:
    with stand("paymo", database, query, files=3) as there:
        (other,) = query(
            database,
            "SELECT task_id FROM pyrus.tasks WHERE task_id NOT IN (SELECT task_id FROM pyrus.external_tasks) LIMIT 1",
        )[0]
        query(
            database,
            "INSERT INTO pyrus.attachments (task_id, attachment_id, name, size_bytes, md5_hash) "
            "SELECT %s, attachment_id, name, size_bytes, md5_hash FROM pyrus.attachments",
            other,
        )
        query(
            database,
            "INSERT INTO pyrus.external_tasks SELECT %s, service, min(external_task_id) "
            "FROM pyrus.external_tasks GROUP BY service",
            other,
        )
        result = there.mirror()
        copies = there.copies

    assert result.counts.files_copied == result.counts.files_listed == 6
    one = query(database, "SELECT count(DISTINCT external_file_id) FROM pyrus.file_copies")[0][0]
    assert copies.total() == one
    assert copies.total() < 6


def test_a_service_that_refuses_the_key_or_is_down_ends_the_run(database: Secret, query: Query) -> None:
    with stand("paymo", database, query) as there:
        refused = there.mirror(PAYMO_API_KEY="wrong")
        there.server.down = True
        down = there.mirror()
        with pytest.raises(SettingsError, match="set PAYMO_API_KEY"):
            there.mirror(PAYMO_API_KEY="")

    assert isinstance(refused.error, LoginRefused)
    assert isinstance(down.error, PyrusUnreachable)
    assert (refused.exit_code, down.exit_code) == (3, 4)
    assert there.copies == Counter()


def test_a_budget_ends_a_mirror_and_the_next_one_continues(database: Secret, query: Query) -> None:
    with stand("paymo", database, query) as there:
        first = there.mirror(Budget(requests=4))
        statuses = {status for _, _, status, *_ in there.rows}
        second = there.mirror()

    assert (first.exit_code, first.status) == (0, "partial")
    assert statuses == {"copied"}
    assert 0 < first.counts.files_copied < there.expected.total()
    assert first.counts.files_copied + second.counts.files_copied == there.expected.total()
    assert there.copies == there.expected
