"""A database holds one organisation: an account of another one is refused before it writes anything."""

import asyncio
import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from pyrus_etl.errors import SettingsError
from pyrus_etl.sandbox import Sandbox, World
from pyrus_etl.sandbox.organisation.people import STAFF, SUPPLIERS
from pyrus_etl.settings import Secret
from pyrus_etl.sync.forecast import forecast
from pyrus_etl.sync.plans.sync import sync as sync_plan
from pyrus_etl.sync.run import run
from tests.conftest import settings_for
from tests.runs import program
from tests.scripted import Asked, Reply, in_front_of, passed_on
from tests.typing import Query

pytestmark = pytest.mark.usefixtures("impatient")

SUPPLIER, COLLEAGUE = "post@harbour.example", "second@northlight.example"
THEIRS = {SUPPLIER: SUPPLIERS[0].id, COLLEAGUE: STAFF[3].id}
REFUSAL = re.compile(
    rf"Account {SUPPLIERS[0].id} belongs to organisation 12, and the database holds organisation 10, so nothing was "
    "read; set DATABASE_URL to another database for this account."
)
KEPT = {"access_token", "person_id"}
"""Of the login's answer, so that requests come by the server in front; and of the profile."""
NOTED = "SELECT login, organization_id FROM pyrus.accounts ORDER BY login"
FORGET = "UPDATE pyrus.accounts SET organization_id = NULL"
WRITTEN = """
    SELECT (SELECT array_agg((task_id, synced_at) ORDER BY 1) FROM pyrus.tasks),
        (SELECT array_agg(cursor) FROM pyrus.sync_cursors), (SELECT count(*) FROM pyrus.task_sightings),
        (SELECT array_agg(person ORDER BY 1) FROM pyrus.persons AS person), (SELECT count(*) FROM pyrus.sync_leases)
"""


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(World(3, tasks=12), accounts=THEIRS) as running:
        yield running


def error_of(sandbox: Sandbox, database: Secret, login: str | None = None, **more: str) -> BaseException | None:
    """The error that ended a sync of an account; without a login, of the first one."""
    settings = settings_for(sandbox, database, **{"PYRUS_LOGIN": login or sandbox.options.login, **more})
    return asyncio.run(run(sync_plan(), settings)).error


def test_an_account_of_another_organisation_is_refused_before_it_writes_anything(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    """A colleague is welcome. The refused run has its row in sync_runs, as every run that failed."""
    v4 = {"PYRUS_API": "v4"}
    assert error_of(sandbox, database, **v4) is None
    assert error_of(sandbox, database, COLLEAGUE, **v4) is None
    before = query(database, WRITTEN)

    process = program("sync", "--json", sandbox=sandbox, database=database, PYRUS_LOGIN=SUPPLIER, **v4)
    assert (process.returncode, json.loads(process.stdout)["status"]) == (2, "failed")
    assert REFUSAL.search(process.stderr)
    assert query(database, WRITTEN) == before
    assert query(database, "SELECT status, error_type FROM pyrus.sync_runs WHERE login = %s", SUPPLIER) == [
        ("failed", "SettingsError")
    ]

    with pytest.raises(SettingsError, match=REFUSAL):
        asyncio.run(forecast("sync", settings_for(sandbox, database, PYRUS_LOGIN=SUPPLIER, **v4)))
    process = program("check", "--json", sandbox=sandbox, database=database, PYRUS_LOGIN=SUPPLIER, **v4)
    checks = {each["check"]: each for each in json.loads(process.stdout)["checks"]}
    assert (process.returncode, checks["login"]["status"], checks["list"]["status"]) == (2, "failed", "skipped")
    assert REFUSAL.fullmatch(checks["login"]["message"])

    query(database, FORGET)
    assert error_of(sandbox, database, **v4) is None
    assert query(database, NOTED) == [(sandbox.options.login, 10), (COLLEAGUE, None)], "at its next run"


def test_of_two_first_accounts_at_the_same_time_one_is_refused(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    async def both() -> list[Any]:
        logins = (sandbox.options.login, SUPPLIER)
        settings = [settings_for(sandbox, database, PYRUS_API="v4", PYRUS_LOGIN=login) for login in logins]
        return await asyncio.gather(*[run(sync_plan(), each) for each in settings])

    codes = sorted(each.exit_code for each in asyncio.run(both()))

    assert codes == [0, 2]
    assert len(query(database, NOTED)) == 1


def contacts_of(organization_id: int) -> dict[str, Any]:
    return {"Id": organization_id, "Persons": [{"Id": SUPPLIERS[0].id}]}


@pytest.mark.parametrize("known", [[contacts_of(12)], [contacts_of(12), {"Id": 10}], [{"Id": 12, "Persons": []}]])
def test_without_an_organisation_in_the_profile_the_contacts_decide_if_they_leave_no_doubt(
    sandbox: Sandbox, database: Secret, known: list[dict[str, Any]]
) -> None:
    """As with API v3. Organisations that know one another are partners, and ids of their tasks differ."""
    assert error_of(sandbox, database) is None

    def script(asked: Asked) -> Reply | None:
        is_contacts = asked.path.endswith("/contacts")
        return Reply(200, json.dumps({"Organizations": known}).encode()) if is_contacts else None

    with in_front_of(sandbox, script) as server:
        error = error_of(sandbox, database, SUPPLIER, PYRUS_URL=server.url)

    assert (error is not None and bool(REFUSAL.fullmatch(str(error)))) is (known == [contacts_of(12)])


@pytest.mark.parametrize("shown", [{}, {"organization_id": 0}])
def test_a_profile_of_api_v4_may_lack_the_organisation(
    sandbox: Sandbox, database: Secret, query: Query, shown: dict[str, int]
) -> None:
    def script(asked: Asked) -> Reply | None:
        if not asked.path.endswith(("/auth", "/profile")):
            return None
        reply = passed_on(sandbox, asked)
        kept = {name: value for name, value in json.loads(reply.body).items() if name in KEPT}
        return reply._replace(body=json.dumps(kept | shown).encode())

    with in_front_of(sandbox, script) as server:
        for login in (sandbox.options.login, COLLEAGUE):
            assert error_of(sandbox, database, login, PYRUS_API="v4", PYRUS_URL=server.url) is None

    assert query(database, NOTED) == [(sandbox.options.login, None), (COLLEAGUE, None)]
    assert isinstance(error_of(sandbox, database, SUPPLIER, PYRUS_API="v4"), SettingsError), "the contacts named it"


def test_an_organisation_0_in_a_profile_of_api_v3_is_a_missing_one(
    sandbox: Sandbox, database: Secret, query: Query
) -> None:
    def script(asked: Asked) -> Reply | None:
        if not asked.path.endswith("/restapi/profile"):
            return None
        reply = passed_on(sandbox, asked)
        profile = json.loads(reply.body)["Profile"] | {"OrganizationId": 0}
        return reply._replace(body=json.dumps({"Profile": profile}).encode())

    with in_front_of(sandbox, script) as server:
        for login in (sandbox.options.login, COLLEAGUE):
            assert error_of(sandbox, database, login, PYRUS_URL=server.url) is None

    assert query(database, NOTED) == [(sandbox.options.login, None), (COLLEAGUE, None)]
