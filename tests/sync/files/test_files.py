"""files sync: service_files are what a service shows, after whatever happens to its files."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest

from pyrus_etl.errors import LoginRefused, PyrusUnreachable
from pyrus_etl.extract.files.account import access_of
from pyrus_etl.sandbox import Faults, onlyoffice, paymo
from pyrus_etl.sandbox.server.running import Running
from pyrus_etl.sandbox.server.service import Service
from pyrus_etl.sandbox.tasks.contents import bytes_of
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.files import sync_files
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import NO_LIMIT, Budget, run
from tests.conftest import loaded
from tests.runs import program
from tests.scripted import Asked, Reply, scripted
from tests.typing import Query

IDS = ("project_id", "task_id", "discussion_id", "comment_id")
STORED = """
    SELECT file_id, name, size_bytes, media_type, project_id, task_id, discussion_id, comment_id, author_id, places
    FROM pyrus.service_files WHERE service = %s AND deleted_at IS NULL
"""
VERSIONS = "SELECT file_id, xmin::text, seen_at FROM pyrus.service_files ORDER BY file_id"
GONE = "SELECT file_id FROM pyrus.service_files WHERE deleted_at IS NOT NULL"


def environment(server: Running[Service]) -> dict[str, str]:
    if isinstance(server, paymo.PaymoSandbox):
        return {"PAYMO_URL": server.url, "PAYMO_API_KEY": server.options.api_key}
    assert isinstance(server, onlyoffice.OnlyofficeSandbox)
    return {"ONLYOFFICE_URL": server.url, "ONLYOFFICE_TOKEN": server.options.token}


def result_of(server: Running[Service], database: Secret, budget: Budget = NO_LIMIT, **more: str) -> Result:
    settings = loaded({**environment(server), "DATABASE_URL": database.reveal(), **more})
    service = "paymo" if isinstance(server, paymo.PaymoSandbox) else "onlyoffice"
    return asyncio.run(run(sync_files(), settings, budget=budget, access=access_of(service, settings)))


def synced(server: Running[Service], database: Secret) -> dict[str, int]:
    """The counts of a run that ends well."""
    result = result_of(server, database)
    assert result.exit_code == 0, result.error
    return counts(result)


def counts(result: Result) -> dict[str, int]:
    found = result.counts.as_columns()
    names = ("files_changed", "files_unchanged", "files_deleted", "projects_failed")
    return {name.partition("_")[2]: found[name] for name in names if found[name]}


def of_paymo(world: paymo.World) -> set[tuple[Any, ...]]:
    """The rows that a company of Paymo should have."""
    rows = set()
    for file in world.tables["files"].values():
        if "token" in file:
            continue
        places = [f"{kind}/{file[f'{kind}_id']}" for kind in ("task", "discussion", "comment") if f"{kind}_id" in file]
        ids = [str(file[key]) if key in file else None for key in IDS]
        head = (str(file["id"]), file["original_filename"], int(file["size"]), file["mime"])
        rows.add((*head, *ids, str(file["user_id"]), tuple(places)))
    return rows


def of_onlyoffice(world: onlyoffice.World) -> set[tuple[Any, ...]]:
    """The rows that a portal should have: of several tasks, the first one."""
    rows = set()
    for file in world.tables["files"].values():
        if file["id"] in world.trash:
            continue
        hung = [key for key, files in world.attached.items() if file["id"] in files]
        tasks, messages = ([str(n) for kind, n in sorted(hung) if kind == name] for name in ("tasks", "messages"))
        places = (*(f"task/{each}" for each in tasks), *(f"discussion/{each}" for each in messages))
        project = str(world.tables["folders"][file["folderId"]]["projectId"])
        size = len(bytes_of(world.versions[file["id"]][-1]))
        head = (str(file["id"]), file["title"], size, None, project, next(iter(tasks), None))
        rows.add((*head, next(iter(messages), None), None, file["createdBy"]["id"], places))
    return rows


def stored(query: Query, database: Secret, service: str) -> set[tuple[Any, ...]]:
    return {(*row[:-1], tuple(row[-1])) for row in query(database, STORED, service)}


@pytest.fixture
def company() -> Iterator[paymo.PaymoSandbox]:
    with paymo.PaymoSandbox(paymo.World(seed=7)) as running:
        yield running


@pytest.fixture
def portal() -> Iterator[onlyoffice.OnlyofficeSandbox]:
    with onlyoffice.OnlyofficeSandbox(onlyoffice.World(seed=7), items_per_page=4) as running:
        yield running


def test_the_files_of_paymo_are_those_of_its_projects(
    company: paymo.PaymoSandbox, database: Secret, query: Query
) -> None:
    company.world.add_file("not attached.txt", "x")
    found = synced(company, database)

    assert stored(query, database, "paymo") == of_paymo(company.world)
    assert found == {"changed": len(of_paymo(company.world))}
    assert company.requests.total <= 3 + 2 * len(company.world.ids("projects"))


def test_the_files_of_onlyoffice_are_those_of_folders_tasks_and_discussions(
    portal: onlyoffice.OnlyofficeSandbox, database: Secret, query: Query
) -> None:
    first, second = portal.world.ids("tasks")[:2]
    shared = portal.world.add_file(int(portal.world.ids("folders")[0]), "shared.txt", "x")
    for task in (second, first):
        portal.world.attach("tasks", task, [shared])
    synced(portal, database)

    assert stored(query, database, "onlyoffice") == of_onlyoffice(portal.world)
    row = next(row for row in stored(query, database, "onlyoffice") if row[0] == str(shared))
    assert (row[5], row[-1]) == (str(first), (f"task/{first}", f"task/{second}"))


def test_only_what_changed_is_written(company: paymo.PaymoSandbox, database: Secret, query: Query) -> None:
    synced(company, database)
    before = query(database, VERSIONS)
    assert "changed" not in synced(company, database)
    assert query(database, VERSIONS) == before

    renamed, moved, gone = company.world.ids("files")[:3]
    company.world.change_file(renamed, original_filename="new name.pdf")
    company.world.move_file(moved, comment_id=company.world.ids("comments")[-1])
    company.world.remove_file(gone)
    added = company.world.add_file("a.txt", "a", project_id=company.world.ids("projects")[-1])

    assert synced(company, database) == {"changed": 3, "unchanged": len(before) - 3, "deleted": 1}
    assert stored(query, database, "paymo") == of_paymo(company.world)
    written = {row[0] for row in set(query(database, VERSIONS)) - set(before)}
    assert written == {str(each) for each in (renamed, moved, gone, added)}
    assert query(database, GONE) == [(str(gone),)]


def test_links_that_expire_are_no_change(database: Secret, query: Query) -> None:
    with paymo.PaymoSandbox(paymo.World(), link_seconds=60) as company:
        synced(company, database)
        company.world.clock.advance(100)
        before = query(database, VERSIONS)
        synced(company, database)

        assert query(database, VERSIONS) == before


def test_a_file_that_comes_back_is_unmarked(
    portal: onlyoffice.OnlyofficeSandbox, database: Secret, query: Query
) -> None:
    synced(portal, database)
    file_id = portal.world.ids("files")[0]
    portal.world.remove(file_id)
    assert synced(portal, database)["deleted"] == 1
    assert query(database, GONE) == [(str(file_id),)]
    portal.world.trash.clear()

    assert synced(portal, database)["changed"] == 1
    assert query(database, GONE) == []


def test_files_of_a_project_that_is_refused_are_not_marked_as_deleted(
    company: paymo.PaymoSandbox, database: Secret, query: Query
) -> None:
    synced(company, database)
    refused, other = company.world.ids("projects")[:2]
    here = [file["id"] for file in company.world.tables["files"].values() if file["project_id"] == refused]
    there = next(file["id"] for file in company.world.tables["files"].values() if file["project_id"] == other)
    moved = next(file["id"] for file in reversed(company.world.tables["files"].values()) if file["project_id"] == other)
    company.world.forbid(refused)
    company.world.remove_file(here[0])
    company.world.remove_file(there)
    company.world.move_file(moved, project_id=refused)
    result = result_of(company, database)

    assert (result.exit_code, result.status) == (6, "ok")
    assert (counts(result)["failed"], counts(result)["deleted"]) == (1, 1)
    assert query(database, GONE) == [(str(there),)]
    company.world.permit(refused)
    synced(company, database)
    assert stored(query, database, "paymo") == of_paymo(company.world)


def test_a_project_that_fails_is_set_aside_and_an_outage_ends_the_run(
    portal: onlyoffice.OnlyofficeSandbox, database: Secret, query: Query, impatient: None
) -> None:
    synced(portal, database)
    everything = query(database, VERSIONS)
    portal.faults = Faults(error=1.0, endpoints=("folder",))
    ended = result_of(portal, database)
    portal.down = True
    down = result_of(portal, database)

    assert isinstance(ended.error, PyrusUnreachable)
    assert (down.exit_code, query(database, VERSIONS)) == (4, everything)


def test_files_of_a_deleted_project_are_marked_without_asking_for_each(
    company: paymo.PaymoSandbox, database: Secret, query: Query
) -> None:
    synced(company, database)
    project = company.world.ids("projects")[0]
    gone = [file["id"] for file in company.world.tables["files"].values() if file["project_id"] == project]
    company.world.remove_project(project)
    company.requests.clear()

    assert synced(company, database)["deleted"] == len(gone)
    assert company.requests.endpoints["file"] == 0


def test_faults_change_nothing_in_the_end(company: paymo.PaymoSandbox, database: Secret, query: Query) -> None:
    company.faults = Faults(every=4, kinds=("error", "reset", "short", "html", "limit"), retry_after=0)
    synced(company, database)

    assert stored(query, database, "paymo") == of_paymo(company.world)


def test_a_run_that_stops_early_marks_nothing(company: paymo.PaymoSandbox, database: Secret, query: Query) -> None:
    synced(company, database)
    company.world.remove_file(company.world.ids("files")[0])
    result = result_of(company, database, Budget(requests=3))

    assert (result.exit_code, result.status) == (0, "partial")
    assert query(database, GONE) == []


def test_a_wrong_key_is_3(company: paymo.PaymoSandbox, database: Secret) -> None:
    result = result_of(company, database, PAYMO_API_KEY="canary")

    assert isinstance(result.error, LoginRefused)
    assert "canary" not in str(result.error)


def test_the_command_reports_its_run(company: paymo.PaymoSandbox, database: Secret, query: Query) -> None:
    shown = program("files", "sync", "paymo", "--json", sandbox=None, database=database, **environment(company))
    again = program("files", "sync", "paymo", sandbox=None, database=database, **environment(company))

    found = json.loads(shown.stdout)
    assert (shown.returncode, found["kind"], found["status"]) == (0, "files", "ok")
    assert found["files_changed"] == found["files_listed"] == len(of_paymo(company.world))
    assert f"{found['files_listed']} listed, 0 new or changed" in again.stdout
    assert (
        query(database, "SELECT kind, login, account_id, status FROM pyrus.sync_runs")
        == [("files", "paymo", -1, "ok")] * 2
    )
    assert (
        program("files", "sync", "onlyoffice", sandbox=None, database=database, **environment(company)).returncode == 2
    )


def test_a_portal_that_knows_tasks_alone_is_enough(database: Secret, query: Query) -> None:
    """As an older portal answers, or one without documents: PascalCase, and 404 for folders and discussions."""
    file = {
        "Id": 857864274,
        "Title": "Some title.txt",
        "PureContentLength": 12345,
        "Created": "2020-12-13T17:13:31.59Z",
    }
    known = {
        "/api/2.0/project": [{"Id": 4, "Title": "Portal"}],
        "/api/2.0/project/task/filter": [{"Id": 9, "Title": "Task", "Status": 1}],
        "/api/2.0/project/task/9/files": [file],
        "/api/2.0/people/@self": {"Id": "1"},
    }

    def answer(asked: Asked) -> Reply:
        found = known.get(asked.path.partition("?")[0])
        if found is None:
            return Reply(404, b'{"StatusCode":404,"Status":1,"Error":{"Message":"not found"}}')
        wrapped = {"Count": 1, "StartIndex": 0, "Status": 0, "StatusCode": 200, "Response": found}
        return Reply(200, json.dumps(wrapped).encode(), {"Content-Type": "application/json"})

    with scripted(answer) as portal:
        settings = loaded(
            {"ONLYOFFICE_URL": portal.url, "ONLYOFFICE_TOKEN": "t", "DATABASE_URL": database.reveal()},
        )
        result = asyncio.run(run(sync_files(), settings, access=access_of("onlyoffice", settings)))

    assert (result.exit_code, counts(result)) == (0, {"changed": 1})
    assert stored(query, database, "onlyoffice") == {
        ("857864274", "Some title.txt", 12345, None, "4", "9", None, None, None, ("task/9",))
    }
