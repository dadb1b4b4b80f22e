"""The directory of API v4 in a whole run: what an idle sync asks for, and what a run survives."""

import asyncio
from collections import Counter
from typing import Any

import pytest

from pyrus_etl.settings import Secret
from pyrus_etl.sync.plans.sync import sync
from pyrus_etl.sync.result import Result
from pyrus_etl.sync.run import run
from tests.conftest import loaded
from tests.directory import DENIED, PREFIX, Answers, script
from tests.scripted import scripted
from tests.typing import Query

ME = 7
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


@pytest.fixture(autouse=True)
def _cursor(database: Secret, query: Query) -> None:
    """An earlier run has left its cursor, so that a run asks for changes."""
    query(
        database,
        "INSERT INTO pyrus.sync_cursors (account_id, stream, cursor, updated_at) VALUES (%s, 'tasks', now(), now())",
        ME,
    )


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
