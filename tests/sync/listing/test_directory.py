"""The directory of API v4 in a whole run: what an idle sync asks for, and what a run survives."""

import asyncio
import json
import urllib.request
from collections import Counter
from collections.abc import Iterator
from operator import itemgetter
from typing import Any

import pytest

from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation import people
from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import run
from tests.conftest import loaded
from tests.directory import DENIED, PREFIX, Answers, script
from tests.runs import result_of
from tests.scripted import scripted
from tests.typing import Query

ME, OWNER = 7, people.ACCOUNT.id
SERVED: dict[str, Any] = {
    "/profile": {"person_id": ME, "first_name": "Robot"},
    "/forms": {"forms": [{"id": number, "name": f"Form {number}"} for number in (10, 11, 12)]},
    "/lists": {"lists": [{"id": 20, "name": "Top", "children": [{"id": 21}, {"id": 22, "deleted": True}]}]},
    "/catalogs": {"catalogs": [{"catalog_id": 5, "name": "Goods", "version": 1}]},
    "/catalogs/5": {
        "catalog_id": 5,
        "catalog_headers": [{"name": "Name"}],
        "items": [{"item_id": 50, "values": ["T"]}],
    },
    "/contacts": {"organizations": [{"organization_id": 1, "persons": [{"id": 100, "first_name": "Ann"}]}]},
    "/members": {"members": [{"id": 100, "first_name": "Ann", "position": "Head"}]},
    "/roles": {"roles": [{"id": 200, "name": "Buyers", "member_ids": [100]}]},
}
DIRECTORY = ("/profile", "/forms", "/lists", "/catalogs", "/contacts", "/members", "/roles")
FLAGS = "SELECT person_id, banned, fired FROM pyrus.persons"


@pytest.fixture(autouse=True)
def _cursor(database: Secret, query: Query) -> None:
    """Earlier runs have left their cursors, so that a run asks for changes."""
    for account_id in (ME, OWNER):
        query(database, "INSERT INTO pyrus.sync_cursors VALUES (%s, 'tasks', now(), now())", account_id)


def synced(answers: Answers, database: Secret) -> tuple[Result, Counter[str]]:
    """The result of a sync, and how often it asked for each path."""
    with scripted(script(answers)) as server:
        settings = loaded({
            "PYRUS_API": "v4",
            "PYRUS_URL": server.url,
            "PYRUS_ACCESS_TOKEN": "token",
            "DATABASE_URL": database.reveal(),
        })  # fmt: skip
        result = asyncio.run(run(sync(), settings))
        return result, Counter(path.partition("?")[0].removeprefix(PREFIX) for path in server.paths)


def test_an_idle_sync_asks_for_each_part_of_the_directory_once(database: Secret, query: Query) -> None:
    synced(SERVED, database)
    result, asked = synced(SERVED, database)

    assert result.status == "ok"
    assert {path: asked[path] for path in DIRECTORY} == dict.fromkeys(DIRECTORY, 1)
    assert not asked["/catalogs/5"], "its version is the stored one"
    forms, lists = 3, 2
    assert asked.total() <= forms + lists + 10
    assert query(database, "SELECT form_id, name FROM pyrus.forms ORDER BY 1") == [
        *((10, "Form 10"), (11, "Form 11"), (12, "Form 12"))
    ]
    assert query(database, "SELECT item_id FROM pyrus.catalog_items") == [(50,)]
    assert query(database, "SELECT person_id, position FROM pyrus.persons WHERE person_id = 100") == [(100, "Head")]


def test_a_catalog_or_people_that_are_refused_do_not_stop_a_run(database: Secret, query: Query) -> None:
    refused = dict.fromkeys(("/catalogs/5", "/contacts", "/members"), DENIED)
    result, _ = synced({**SERVED, **refused}, database)

    assert (result.status, result.error) == ("ok", None)
    assert query(database, "SELECT catalog_id, contents_version FROM pyrus.catalogs") == [(5, None)]
    assert query(database, "SELECT role_id, person_id FROM pyrus.role_members") == [(200, 100)]


def test_the_directory_of_a_world_is_stored_whole(database: Secret, query: Query) -> None:
    with Sandbox(World(1, tasks=5)) as sandbox:
        assert result_of(sync(), sandbox, database, PYRUS_API="v4").status == "ok"
        forms = served(sandbox, "forms")["forms"]
        lists = [*walked(served(sandbox, "lists")["lists"])]
        organizations = served(sandbox, "contacts")["organizations"]
        heads = served(sandbox, "catalogs")["catalogs"]
        catalogs = [served(sandbox, f"catalogs/{head['catalog_id']}?include_deleted=true") for head in heads]
        roles = served(sandbox, "roles")["roles"]
        members = {member["id"]: member for member in served(sandbox, "members?include_fired=true")["members"]}

    assert query(
        database, "SELECT form_id, field_id, position, field_name, code FROM pyrus.form_fields ORDER BY 1, 3"
    ) == [
        (form["id"], field["id"], position, field["name"], field.get("info", {}).get("code"))
        for form in sorted(forms, key=itemgetter("id"))
        for position, field in enumerate(fields_of(form["fields"]), start=1)
    ]
    assert query(database, "SELECT project_id, name, parent_id, kind FROM pyrus.projects ORDER BY 1") == sorted(
        [(form["id"], form["name"], None, "form") for form in forms]
        + [(each["id"], each["name"], each.get("parent_id"), "list") for each in lists]
    )
    persons = {person["id"]: person for one in organizations for person in one.get("persons", [])}
    stored = query(database, "SELECT person_id, last_name, person_type, department_name, position FROM pyrus.persons")
    assert {row[0]: row[1:] for row in stored if row[0] in persons} == {
        number: (one["last_name"], one["type"], one.get("department_name"), one.get("position") or None)
        for number, one in persons.items()
    }
    assert query(database, 'SELECT catalog_id, item_id, "values" FROM pyrus.catalog_items ORDER BY 1, 2') == sorted(
        (one["catalog_id"], item["item_id"], item["values"]) for one in catalogs for item in one.get("items", [])
    )
    versions = query(database, "SELECT catalog_id, version, contents_version FROM pyrus.catalogs ORDER BY 1")
    assert versions == sorted((head["catalog_id"], head["version"], head["version"]) for head in heads)
    assert query(database, "SELECT role_id, person_id FROM pyrus.role_members ORDER BY 1, 2") == sorted(
        (role["id"], person_id) for role in roles for person_id in role.get("member_ids", [])
    )
    fired = {person_id: (banned, gone) for person_id, banned, gone in query(database, FLAGS) if person_id in members}
    assert fired == {
        number: (member.get("banned", False), member.get("fired", False)) for number, member in members.items()
    }


def served(sandbox: Sandbox, path: str) -> Any:
    """An answer of the sandbox, without any code of the product."""
    key = {"login": sandbox.options.login, "security_key": sandbox.options.security_key}
    granted = asked(f"{sandbox.url}/api/v4/auth", {"Content-Type": "application/json"}, json.dumps(key).encode())
    return asked(f"{sandbox.url}/api/v4/{path}", {"Authorization": f"Bearer {granted['access_token']}"})


def asked(url: str, headers: dict[str, str], body: bytes | None = None) -> Any:
    with urllib.request.urlopen(urllib.request.Request(url, body, headers), timeout=60) as answer:
        return json.load(answer)


def walked(lists: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for each in lists:
        yield each
        yield from walked(each.get("children", []))


def fields_of(fields: list[dict[str, Any]]) -> Iterator[dict[str, Any]]:
    for field in fields:
        info = field.get("info", {})
        options = [within for option in info.get("options", []) for within in option.get("fields", [])]
        yield field
        yield from fields_of(info.get("fields", []) + info.get("columns", []) + options)
